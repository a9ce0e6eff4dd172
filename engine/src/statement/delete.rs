//! `DELETE` and `TRUNCATE`.

use sqlparser::ast::Expr;

use super::Statement;
use super::cursor::Cursor;
use super::error::ParseError;
use super::update::{ChangedTable, filter, target};

/// `DELETE FROM t [AS a] [WHERE p]`, and `TRUNCATE TABLE t`.
#[derive(Debug, Clone, PartialEq)]
pub struct Delete {
    /// What is changed.
    pub target: ChangedTable,
    /// Which rows go; all without.
    pub filter: Option<Expr>,
}

/// The rest of `DELETE`.
pub(super) fn delete(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    cursor.expect("FROM")?;
    let target = target(cursor, &["WHERE", "USING"])?;
    if cursor.is_word(0, "USING") {
        return Err(ParseError::unsupported("DELETE … USING: use WHERE … IN (SELECT ..) or MERGE INTO"));
    }
    let filter = filter(cursor)?;
    Ok(Statement::Delete(Box::new(Delete { target, filter })))
}

/// The rest of `TRUNCATE`.
pub(super) fn truncate(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    cursor.expect("TABLE")?;
    let table = cursor.object_name("a table")?;
    if cursor.is_word(0, "PARTITION") {
        return Err(ParseError::unsupported("TRUNCATE TABLE … PARTITION: use DELETE FROM"));
    }
    let alias = table.parts.last().cloned().unwrap_or_default();
    Ok(Statement::Delete(Box::new(Delete { target: ChangedTable { table, alias }, filter: None })))
}
