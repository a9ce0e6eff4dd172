//! `COMMENT ON`.

use super::Statement;
use super::cursor::Cursor;
use super::error::ParseError;
use super::name::{ObjectKind, ObjectName};

/// `COMMENT ON kind name IS {'text' | NULL}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentOn {
    /// One of `Catalog`, `Schema`, `Table`, `View`, `Function`, `Column`, `Volume`, `ExternalLocation`, `StorageCredential`.
    pub kind: ObjectKind,
    /// Its name; a column's last part is the column.
    pub name: ObjectName,
    /// The text; absent to take it away.
    pub text: Option<String>,
}

/// The rest of `COMMENT`.
pub(super) fn comment_on(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    cursor.expect("ON")?;
    let Some(kind) = cursor.kind() else {
        return Err(cursor.unexpected("what to comment on (CATALOG, SCHEMA, TABLE, VIEW, FUNCTION, COLUMN)"));
    };
    match kind {
        ObjectKind::Catalog
        | ObjectKind::Schema
        | ObjectKind::Table
        | ObjectKind::View
        | ObjectKind::Function
        | ObjectKind::Column
        | ObjectKind::Volume
        | ObjectKind::ExternalLocation
        | ObjectKind::StorageCredential => {}
        other => return Err(ParseError::unsupported(format!("COMMENT ON {}", other.word().to_uppercase()))),
    }
    let name = cursor.object_name(&format!("a {kind}"))?;
    if kind == ObjectKind::Column && name.parts.len() < 2 {
        return Err(cursor.error("a column is named with its table: table.column"));
    }
    cursor.expect("IS")?;
    let text = if cursor.eat("NULL") { None } else { Some(cursor.string("a comment string or NULL")?) };
    Ok(Statement::CommentOn(CommentOn { kind, name, text }))
}
