//! Storage credentials, external locations and volumes.

use sqlparser::tokenizer::Token;

use super::Statement;
use super::alter::AlterAction;
use super::cursor::Cursor;
use super::error::ParseError;
use super::name::{ObjectKind, ObjectName};
use super::namespace::once;

/// `CREATE STORAGE CREDENTIAL`: for local files, which need no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateStorageCredential {
    /// Whether an existing one is left alone.
    pub if_not_exists: bool,
    /// Its name.
    pub name: String,
    /// `COMMENT 'text'`.
    pub comment: Option<String>,
}

/// `CREATE EXTERNAL LOCATION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateExternalLocation {
    /// Whether an existing one is left alone.
    pub if_not_exists: bool,
    /// Its name.
    pub name: String,
    /// `URL 'url'`.
    pub url: String,
    /// `WITH ([STORAGE] CREDENTIAL c)`.
    pub credential: Option<String>,
    /// `COMMENT 'text'`.
    pub comment: Option<String>,
}

/// `CREATE [EXTERNAL] VOLUME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateVolume {
    /// Whether an existing one is left alone.
    pub if_not_exists: bool,
    /// Its name, one to three parts.
    pub name: ObjectName,
    /// `LOCATION 'url'`, which goes with `EXTERNAL`.
    pub location: Option<String>,
    /// `COMMENT 'text'`.
    pub comment: Option<String>,
}

/// `{LIST | LS} 'path' [LIMIT n]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListFiles {
    /// The folder, as a URL, a path, or `/Volumes/catalog/schema/volume/..`.
    pub path: String,
    /// The most files to list.
    pub limit: Option<usize>,
}

/// The rest of `CREATE` of one of these, if its words come next.
pub(super) fn create_storage(cursor: &mut Cursor<'_>) -> Result<Option<Statement>, ParseError> {
    if cursor.eat_all(&["STORAGE", "CREDENTIAL"]) {
        return create_storage_credential(cursor).map(Some);
    }
    if cursor.eat_all(&["EXTERNAL", "LOCATION"]) {
        return create_external_location(cursor).map(Some);
    }
    if cursor.eat_all(&["EXTERNAL", "VOLUME"]) {
        return create_volume(cursor, true).map(Some);
    }
    if cursor.eat("VOLUME") {
        return create_volume(cursor, false).map(Some);
    }
    Ok(None)
}

/// What may follow but a comment is a secret of another storage: refused before it is read, so that no error repeats it.
fn create_storage_credential(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    let if_not_exists = cursor.if_not_exists();
    let name = cursor.ident("a storage credential")?;
    let comment = if cursor.eat("COMMENT") { Some(cursor.string("a comment string")?) } else { None };
    if !cursor.at_end() {
        return Err(ParseError::unsupported(
            "a storage credential with a secret (for local files leave it out: CREATE STORAGE CREDENTIAL name)",
        ));
    }
    Ok(Statement::CreateStorageCredential(CreateStorageCredential { if_not_exists, name, comment }))
}

fn create_external_location(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    let if_not_exists = cursor.if_not_exists();
    let name = cursor.ident("an external location")?;
    let (mut url, mut credential, mut comment) = (None, None, None);
    loop {
        if cursor.eat("URL") {
            let text = cursor.string("a URL string")?;
            once(cursor, &mut url, text, "URL")?;
        } else if cursor.eat("WITH") {
            let named = cursor.parenthesized(credential_clause)?;
            match <[String; 1]>::try_from(named) {
                Ok([name]) => once(cursor, &mut credential, name, "WITH")?,
                Err(_) => return Err(cursor.error("an external location has one credential")),
            }
        } else if cursor.eat("COMMENT") {
            let text = cursor.string("a comment string")?;
            once(cursor, &mut comment, text, "COMMENT")?;
        } else {
            break;
        }
    }
    let Some(url) = url else { return Err(cursor.unexpected("`URL` and a URL string")) };
    let made = CreateExternalLocation { if_not_exists, name, url, credential, comment };
    Ok(Statement::CreateExternalLocation(made))
}

/// `[STORAGE] CREDENTIAL c`.
fn credential_clause(cursor: &mut Cursor<'_>) -> Result<String, ParseError> {
    cursor.eat("STORAGE");
    cursor.expect("CREDENTIAL")?;
    cursor.ident("a storage credential")
}

fn create_volume(cursor: &mut Cursor<'_>, external: bool) -> Result<Statement, ParseError> {
    let if_not_exists = cursor.if_not_exists();
    let name = cursor.object_name("a volume")?;
    let mut made = CreateVolume { if_not_exists, name, location: None, comment: None };
    loop {
        if cursor.eat("LOCATION") {
            let url = cursor.string("a location string")?;
            once(cursor, &mut made.location, url, "LOCATION")?;
        } else if cursor.eat("COMMENT") {
            let text = cursor.string("a comment string")?;
            once(cursor, &mut made.comment, text, "COMMENT")?;
        } else {
            break;
        }
    }
    match (external, made.location.is_some()) {
        (true, false) => Err(cursor.error("an external volume needs LOCATION")),
        (false, true) => {
            Err(cursor.error("only an EXTERNAL volume has a LOCATION: leave it out, or write CREATE EXTERNAL VOLUME"))
        }
        _ => Ok(Statement::CreateVolume(made)),
    }
}

/// The rest of `LIST`.
pub(super) fn list_files(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    let path = cursor.string("a path string")?;
    if cursor.is_word(0, "WITH") {
        return Err(ParseError::unsupported("LIST … WITH a credential"));
    }
    let limit = if cursor.eat("LIMIT") { Some(count(cursor)?) } else { None };
    Ok(Statement::ListFiles(ListFiles { path, limit }))
}

fn count(cursor: &mut Cursor<'_>) -> Result<usize, ParseError> {
    let digits = match cursor.peek(0) {
        Token::Number(digits, _) => digits.parse().ok(),
        _ => None,
    };
    let Some(count) = digits else { return Err(cursor.unexpected("a whole number")) };
    cursor.skip();
    Ok(count)
}

/// What `ALTER EXTERNAL LOCATION` has beside what every kind has.
pub(super) fn location_action(cursor: &mut Cursor<'_>) -> Result<AlterAction, ParseError> {
    if cursor.eat_all(&["SET", "URL"]) {
        let url = cursor.string("a URL string")?;
        return Ok(AlterAction::SetUrl { url, force: cursor.eat("FORCE") });
    }
    if cursor.eat_all(&["SET", "STORAGE", "CREDENTIAL"]) || cursor.eat_all(&["SET", "CREDENTIAL"]) {
        return Ok(AlterAction::SetCredential(cursor.ident("a storage credential")?));
    }
    Err(cursor.unexpected("a change (SET URL, SET STORAGE CREDENTIAL, OWNER TO, RENAME TO)"))
}

/// Whether `DROP` of this kind takes `FORCE`, not `CASCADE`: nothing is inside, but something may lie there.
pub(super) fn drops_by_force(kind: ObjectKind) -> bool {
    matches!(kind, ObjectKind::ExternalLocation | ObjectKind::StorageCredential)
}
