//! `ALTER` of catalog objects.

use sqlparser::tokenizer::Token;

use super::Statement;
use super::cursor::Cursor;
use super::error::ParseError;
use super::name::{ObjectKind, ObjectName};
use super::namespace::{properties, property_key};
use super::policy::{MaskSpec, RowFilterSpec, mask, row_filter};
use super::storage::location_action;
use super::tag::{TagChange, maybe_change, tag_values};

/// `ALTER kind name action`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alter {
    /// A kind that `ALTER` is built for.
    pub kind: ObjectKind,
    /// Its name; that of the metastore is `metastore`.
    pub name: ObjectName,
    /// What changes.
    pub action: AlterAction,
}

/// A change of a catalog object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlterAction {
    /// `[SET] OWNER TO principal`.
    SetOwner(String),
    /// `RENAME TO name`.
    RenameTo(ObjectName),
    /// `SET TBLPROPERTIES (..)`, `SET DBPROPERTIES (..)`.
    SetProperties(Vec<(String, String)>),
    /// `UNSET TBLPROPERTIES [IF EXISTS] (..)`.
    UnsetProperties {
        /// Whether absent keys are fine.
        if_exists: bool,
        /// The keys.
        keys: Vec<String>,
    },
    /// `SET COMMENT 'text'`.
    SetComment(String),
    /// `ALTER [COLUMN] c COMMENT 'text'`; tables only.
    SetColumnComment {
        /// The column.
        column: String,
        /// The text.
        text: String,
    },
    /// `RENAME COLUMN a TO b`; tables only.
    RenameColumn {
        /// The column.
        column: String,
        /// Its new name.
        to: String,
    },
    /// `SET URL 'url' [FORCE]`; external locations only.
    SetUrl {
        /// The folder.
        url: String,
        /// `FORCE`: also when something lies in the folder before.
        force: bool,
    },
    /// `SET STORAGE CREDENTIAL c`; external locations only.
    SetCredential(String),
    /// `SET TAGS (..)`, `UNSET TAGS (..)`.
    Tags(TagChange),
    /// `ALTER [COLUMN] c SET TAGS (..)` and `UNSET TAGS (..)`; tables and views only.
    ColumnTags {
        /// The column.
        column: String,
        /// What changes.
        change: TagChange,
    },
    /// `SET VALUES ('a', ..)`: what a governed tag may be; tags only.
    SetTagValues(Vec<String>),
    /// `SET ROW FILTER f ON (..)`; tables only.
    SetRowFilter(RowFilterSpec),
    /// `DROP ROW FILTER`; tables only.
    DropRowFilter,
    /// `ALTER [COLUMN] c[.field ..] SET MASK f [USING COLUMNS (..)]`; tables only.
    SetMask {
        /// The column.
        column: String,
        /// The names of the fields on the way to what is masked inside it; none for the whole column.
        path: Vec<String>,
        /// The function and its further arguments.
        mask: MaskSpec,
    },
    /// `ALTER [COLUMN] c[.field ..] DROP MASK`; tables only.
    DropMask {
        /// The column.
        column: String,
        /// The names of the fields on the way to what is masked inside it; none for the whole column.
        path: Vec<String>,
    },
}

/// The kinds that `ALTER` is built for.
const KINDS: &[ObjectKind] = &[
    ObjectKind::Metastore,
    ObjectKind::Catalog,
    ObjectKind::Schema,
    ObjectKind::Table,
    ObjectKind::View,
    ObjectKind::Function,
    ObjectKind::Volume,
    ObjectKind::ExternalLocation,
    ObjectKind::StorageCredential,
    ObjectKind::Credential,
    ObjectKind::Tag,
];

/// The rest of `ALTER`, for an object that is no principal.
pub(super) fn alter_object(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    let Some(kind) = cursor.kind() else {
        return Err(cursor.unexpected("what to alter (CATALOG, SCHEMA, TABLE, VIEW, FUNCTION, USER, GROUP)"));
    };
    if !KINDS.contains(&kind) {
        return Err(ParseError::unsupported(format!("ALTER {}", kind.word().to_uppercase())));
    }
    let starts_action = ["SET", "UNSET", "OWNER", "RENAME"].iter().any(|word| cursor.is_word(0, word));
    let name = match kind.is_nameless() && starts_action {
        true => ObjectName::new([kind.word()]),
        false => cursor.name_of(kind)?,
    };
    let action = match common_action(cursor)? {
        Some(action) => action,
        None if matches!(kind, ObjectKind::Table | ObjectKind::View) && cursor.eat_all(&["RENAME", "COLUMN"]) => {
            rename_column(cursor)?
        }
        None if kind == ObjectKind::Table => table_action(cursor)?,
        None if kind == ObjectKind::View && cursor.eat_any(&["ALTER", "CHANGE"]).is_some() => {
            view_column_action(cursor)?
        }
        None if kind == ObjectKind::Tag && cursor.eat_all(&["SET", "VALUES"]) => {
            AlterAction::SetTagValues(tag_values(cursor)?)
        }
        None if kind == ObjectKind::ExternalLocation => location_action(cursor)?,
        None => return Err(unknown(cursor, kind)),
    };
    Ok(Statement::Alter(Alter { kind, name, action }))
}

/// What every kind of object has.
fn common_action(cursor: &mut Cursor<'_>) -> Result<Option<AlterAction>, ParseError> {
    if cursor.eat_all(&["SET", "OWNER", "TO"]) || cursor.eat_all(&["OWNER", "TO"]) {
        return Ok(Some(AlterAction::SetOwner(cursor.principal("a principal")?)));
    }
    if cursor.eat_all(&["RENAME", "TO"]) {
        return Ok(Some(AlterAction::RenameTo(cursor.object_name("the new name")?)));
    }
    if cursor.eat_all(&["SET", "TBLPROPERTIES"]) || cursor.eat_all(&["SET", "DBPROPERTIES"]) {
        return Ok(Some(AlterAction::SetProperties(properties(cursor)?)));
    }
    if cursor.eat_all(&["UNSET", "TBLPROPERTIES"]) || cursor.eat_all(&["UNSET", "DBPROPERTIES"]) {
        let if_exists = cursor.if_exists();
        let keys = cursor.parenthesized(property_key)?;
        return Ok(Some(AlterAction::UnsetProperties { if_exists, keys }));
    }
    if cursor.eat_all(&["SET", "COMMENT"]) {
        return Ok(Some(AlterAction::SetComment(cursor.string("a comment string")?)));
    }
    Ok(maybe_change(cursor)?.map(AlterAction::Tags))
}

fn table_action(cursor: &mut Cursor<'_>) -> Result<AlterAction, ParseError> {
    if cursor.eat_all(&["SET", "ROW", "FILTER"]) {
        return Ok(AlterAction::SetRowFilter(row_filter(cursor)?));
    }
    if cursor.eat_all(&["DROP", "ROW", "FILTER"]) {
        return Ok(AlterAction::DropRowFilter);
    }
    if cursor.eat_any(&["ALTER", "CHANGE"]).is_some() {
        return column_action(cursor);
    }
    Err(unknown(cursor, ObjectKind::Table))
}

/// A view has no columns to rename: the catalog says so, and knows the way out.
fn rename_column(cursor: &mut Cursor<'_>) -> Result<AlterAction, ParseError> {
    let column = cursor.ident("a column")?;
    if cursor.eat_token(&Token::Period) {
        return Err(ParseError::unsupported("ALTER TABLE … RENAME COLUMN of a field inside a column"));
    }
    cursor.expect("TO")?;
    Ok(AlterAction::RenameColumn { column, to: cursor.ident("the new name")? })
}

/// Of a view's columns, only the tags change.
fn view_column_action(cursor: &mut Cursor<'_>) -> Result<AlterAction, ParseError> {
    match column_action(cursor)? {
        tags @ AlterAction::ColumnTags { .. } => Ok(tags),
        _ => Err(ParseError::unsupported("ALTER VIEW … ALTER COLUMN other than SET TAGS and UNSET TAGS")),
    }
}

fn column_action(cursor: &mut Cursor<'_>) -> Result<AlterAction, ParseError> {
    let starts_action =
        |word: &str| ["SET", "UNSET", "DROP", "COMMENT"].iter().any(|start| word.eq_ignore_ascii_case(start));
    let column_is_the_name =
        cursor.bare_word(1).is_some_and(starts_action) && !cursor.bare_word(2).is_some_and(starts_action);
    if !column_is_the_name {
        cursor.eat("COLUMN");
    }
    let column = cursor.ident("a column")?;
    let mut path = Vec::new();
    while cursor.eat_token(&Token::Period) {
        path.push(cursor.ident("a field")?);
    }
    if cursor.eat_all(&["SET", "MASK"]) {
        return Ok(AlterAction::SetMask { column, path, mask: mask(cursor)? });
    }
    if cursor.eat_all(&["DROP", "MASK"]) {
        return Ok(AlterAction::DropMask { column, path });
    }
    if !path.is_empty() {
        let what = "ALTER TABLE … ALTER COLUMN of a field inside a column, other than SET MASK and DROP MASK";
        return Err(ParseError::unsupported(what));
    }
    if cursor.eat("COMMENT") {
        let text = cursor.string("a comment string")?;
        return Ok(AlterAction::SetColumnComment { column, text });
    }
    if let Some(change) = maybe_change(cursor)? {
        return Ok(AlterAction::ColumnTags { column, change });
    }
    if cursor.bare_word(0).is_some() {
        return Err(ParseError::unsupported(
            "ALTER TABLE … ALTER COLUMN other than SET MASK, DROP MASK, SET TAGS, UNSET TAGS and COMMENT",
        ));
    }
    Err(cursor.unexpected("`SET MASK`, `DROP MASK`, `SET TAGS`, `UNSET TAGS` or `COMMENT`"))
}

/// Actions that others have and that are not built.
const UNBUILT: &[&[&str]] = &[
    &["ADD"],
    &["DROP"],
    &["SET", "LOCATION"],
    &["SET", "MANAGED"],
    &["SET", "DEFAULT"],
    &["SET", "SERDEPROPERTIES"],
    &["CLUSTER", "BY"],
    &["RECOVER", "PARTITIONS"],
    &["ENABLE"],
    &["DISABLE"],
    &["INHERIT"],
    &["REPLACE", "COLUMNS"],
    &["PARTITION"],
    &["AS"],
    &["WITH"],
    &["DEFAULT", "COLLATION"],
    &["OPTIONS"],
    &["ALTER"],
    &["SET", "ROW"],
];

fn unknown(cursor: &Cursor<'_>, kind: ObjectKind) -> ParseError {
    match UNBUILT.iter().find(|words| cursor.is_words(words)) {
        Some(words) => ParseError::unsupported(format!("ALTER {} … {}", kind.word().to_uppercase(), words.join(" "))),
        None => cursor.unexpected("a change (OWNER TO, RENAME TO, SET TBLPROPERTIES, SET ROW FILTER, ALTER COLUMN)"),
    }
}
