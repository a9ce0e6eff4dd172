//! `SHOW` of what there is.

use sqlparser::tokenizer::Token;

use super::Statement;
use super::abac::show_policies;
use super::cursor::Cursor;
use super::error::ParseError;
use super::grant::{show_effective_grants, show_grants};
use super::name::ObjectName;
use super::tag::show_tags;

/// `SHOW things [IN name] [LIKE 'pattern']`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Show {
    /// What is listed.
    pub what: ShowKind,
    /// Where; absent means the current catalog or schema.
    pub within: Option<ObjectName>,
    /// Which: a pattern of `*` and `|`, not SQL's `%`.
    pub pattern: Option<String>,
}

/// What `SHOW` lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShowKind {
    /// `SHOW CATALOGS`.
    Catalogs,
    /// `SHOW SCHEMAS`, `SHOW DATABASES`; `within` is a catalog.
    Schemas,
    /// `SHOW TABLES`; `within` is a schema.
    Tables,
    /// `SHOW VIEWS`; `within` is a schema.
    Views,
    /// `SHOW [ALL | USER | SYSTEM] FUNCTIONS`; `within` is a schema.
    Functions(FunctionScope),
    /// `SHOW COLUMNS IN t`; `within` is the table and always there.
    Columns,
    /// `SHOW USERS`.
    Users,
    /// `SHOW GROUPS`.
    Groups,
    /// `SHOW SERVICE PRINCIPALS`.
    ServicePrincipals,
    /// `SHOW VOLUMES`; `within` is a schema.
    Volumes,
    /// `SHOW EXTERNAL LOCATIONS`.
    ExternalLocations,
    /// `SHOW STORAGE CREDENTIALS`.
    StorageCredentials,
    /// `SHOW CURRENT CATALOG`.
    CurrentCatalog,
    /// `SHOW CURRENT SCHEMA`.
    CurrentSchema,
    /// `SHOW TBLPROPERTIES t`; `within` is the table and always there, `pattern` the one key that is asked for.
    TableProperties,
    /// `SHOW CREATE {TABLE | VIEW} t`; `within` is the table or view and always there.
    CreateTable,
    /// `SHOW PARTITIONS t`; `within` is the table and always there.
    Partitions,
}

/// Which functions `SHOW FUNCTIONS` lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionScope {
    /// Both, which is also what no word means.
    All,
    /// Those that were created.
    User,
    /// Those that are built in.
    System,
}

/// The rest of `SHOW`.
pub(super) fn show(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    if cursor.eat_any(&["GRANTS", "GRANT"]).is_some() {
        return show_grants(cursor);
    }
    if cursor.eat_all(&["EFFECTIVE", "GRANTS"]) {
        return show_effective_grants(cursor);
    }
    if cursor.eat("POLICIES") {
        return show_policies(cursor, false);
    }
    if cursor.eat_all(&["EFFECTIVE", "POLICIES"]) {
        return show_policies(cursor, true);
    }
    if cursor.eat_all(&["GOVERNED", "TAGS"]) || cursor.eat("TAGS") {
        return show_tags(cursor);
    }
    if cursor.is_words(&["TABLES", "DROPPED"]) || cursor.is_words(&["TABLE", "EXTENDED"]) {
        return Err(ParseError::unsupported("SHOW TABLES DROPPED and SHOW TABLE EXTENDED"));
    }
    let Some((words, what)) = KINDS.iter().find(|(words, _)| cursor.is_words(words)) else {
        return Err(unknown(cursor));
    };
    words.iter().for_each(|_| cursor.skip());
    match what {
        ShowKind::Columns => columns(cursor),
        ShowKind::TableProperties => table_properties(cursor),
        ShowKind::CreateTable | ShowKind::Partitions => {
            let within = Some(cursor.object_name("a table")?);
            Ok(Statement::Show(Show { what: *what, within, pattern: None }))
        }
        ShowKind::CurrentCatalog | ShowKind::CurrentSchema => {
            Ok(Statement::Show(Show { what: *what, within: None, pattern: None }))
        }
        _ => listing(cursor, *what),
    }
}

const KINDS: &[(&[&str], ShowKind)] = &[
    (&["CATALOGS"], ShowKind::Catalogs),
    (&["SCHEMAS"], ShowKind::Schemas),
    (&["DATABASES"], ShowKind::Schemas),
    (&["TABLES"], ShowKind::Tables),
    (&["VIEWS"], ShowKind::Views),
    (&["FUNCTIONS"], ShowKind::Functions(FunctionScope::All)),
    (&["ALL", "FUNCTIONS"], ShowKind::Functions(FunctionScope::All)),
    (&["USER", "FUNCTIONS"], ShowKind::Functions(FunctionScope::User)),
    (&["SYSTEM", "FUNCTIONS"], ShowKind::Functions(FunctionScope::System)),
    (&["COLUMNS"], ShowKind::Columns),
    (&["VOLUMES"], ShowKind::Volumes),
    (&["EXTERNAL", "LOCATIONS"], ShowKind::ExternalLocations),
    (&["STORAGE", "CREDENTIALS"], ShowKind::StorageCredentials),
    (&["USERS"], ShowKind::Users),
    (&["GROUPS"], ShowKind::Groups),
    (&["SERVICE", "PRINCIPALS"], ShowKind::ServicePrincipals),
    (&["CURRENT", "CATALOG"], ShowKind::CurrentCatalog),
    (&["CURRENT", "SCHEMA"], ShowKind::CurrentSchema),
    (&["CURRENT", "DATABASE"], ShowKind::CurrentSchema),
    (&["TBLPROPERTIES"], ShowKind::TableProperties),
    (&["CREATE", "TABLE"], ShowKind::CreateTable),
    (&["CREATE", "VIEW"], ShowKind::CreateTable),
    (&["PARTITIONS"], ShowKind::Partitions),
];

/// Things that others show and that are not built.
const UNBUILT: &[&str] = &[
    "SHARES",
    "RECIPIENTS",
    "PROVIDERS",
    "EFFECTIVE",
    "CONNECTIONS",
    "EXTERNAL",
    "STORAGE",
    "SERVICE",
    "CREDENTIALS",
    "ALL",
    "MODELS",
    "PROCEDURES",
    "CREATE",
    "ROLES",
    "LOCKS",
    "TRANSACTIONS",
    "CLEAN",
    "METASTORES",
    "INDEXES",
    "VARIABLES",
    "SETTINGS",
];

fn unknown(cursor: &Cursor<'_>) -> ParseError {
    match UNBUILT.iter().find(|word| cursor.is_word(0, word)) {
        Some(word) => ParseError::unsupported(format!("SHOW {word}")),
        None => cursor.unexpected("something to show (CATALOGS, SCHEMAS, TABLES, VIEWS, FUNCTIONS, COLUMNS, GRANTS)"),
    }
}

fn listing(cursor: &mut Cursor<'_>, what: ShowKind) -> Result<Statement, ParseError> {
    let takes_place = matches!(
        what,
        ShowKind::Schemas | ShowKind::Tables | ShowKind::Views | ShowKind::Functions(_) | ShowKind::Volumes
    );
    let within = if takes_place { place(cursor, "a catalog or schema")? } else { None };
    let said_like = cursor.eat("LIKE");
    let pattern = cursor.maybe_string();
    if said_like && pattern.is_none() {
        return Err(cursor.unexpected("a pattern string"));
    }
    Ok(Statement::Show(Show { what, within, pattern }))
}

/// `{IN | FROM} name`, if it comes next.
fn place(cursor: &mut Cursor<'_>, what: &str) -> Result<Option<ObjectName>, ParseError> {
    match cursor.eat_any(&["IN", "FROM"]) {
        Some(_) => Ok(Some(cursor.object_name(what)?)),
        None => Ok(None),
    }
}

/// `{IN | FROM} table [{IN | FROM} schema]`.
fn columns(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    let Some(table) = place(cursor, "a table")? else {
        return Err(cursor.unexpected("`IN` and a table"));
    };
    let within = match place(cursor, "a schema")? {
        None => table,
        Some(_) if table.parts.len() > 1 => {
            return Err(cursor.error("the schema stands twice"));
        }
        Some(schema) => ObjectName { parts: [schema.parts, table.parts].concat() },
    };
    Ok(Statement::Show(Show { what: ShowKind::Columns, within: Some(within), pattern: None }))
}

/// `t [ ( key ) ]`.
fn table_properties(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    let within = Some(cursor.object_name("a table")?);
    let mut pattern = None;
    if cursor.eat_token(&Token::LParen) {
        pattern = Some(super::namespace::property_key(cursor)?);
        cursor.expect_token(&Token::RParen)?;
    }
    Ok(Statement::Show(Show { what: ShowKind::TableProperties, within, pattern }))
}
