//! `INSERT`.

use sqlparser::tokenizer::Token;

use super::Statement;
use super::cursor::Cursor;
use super::error::ParseError;
use super::name::ObjectName;
use super::query::{SourceQuery, source_query, starts_query};

/// `INSERT {INTO | OVERWRITE} [TABLE] t`.
#[derive(Debug, Clone, PartialEq)]
pub struct Insert {
    /// The table, one to three parts.
    pub table: ObjectName,
    /// The columns that are given, in order; empty for all of the table's.
    pub columns: Vec<String>,
    /// `OVERWRITE`: what was there goes.
    pub overwrite: bool,
    /// `BY NAME`: the query's columns are matched by name instead of place.
    pub by_name: bool,
    /// The rows (`VALUES ..` is a query too).
    pub source: SourceQuery,
}

/// The rest of `INSERT`.
pub(super) fn insert(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    let overwrite = match cursor.eat_any(&["INTO", "OVERWRITE"]) {
        Some(word) => word == "OVERWRITE",
        None => return Err(cursor.unexpected("`INTO` or `OVERWRITE`")),
    };
    if overwrite && (cursor.is_word(0, "DIRECTORY") || cursor.is_words(&["LOCAL", "DIRECTORY"])) {
        return Err(ParseError::unsupported("INSERT OVERWRITE DIRECTORY"));
    }
    if cursor.is_word(0, "TABLE") && !matches!(cursor.peek(1), Token::Period | Token::LParen) {
        cursor.skip();
    }
    let table = cursor.object_name("a table")?;
    refuse_clauses(cursor)?;
    let by_name = cursor.eat_all(&["BY", "NAME"]);
    let mut columns = Vec::new();
    if matches!(cursor.peek(0), Token::LParen) && !starts_query(cursor, 0) {
        if by_name {
            return Err(cursor.error("BY NAME and a column list do not go together"));
        }
        columns = cursor.parenthesized(|cursor| cursor.ident("a column"))?;
    }
    refuse_clauses(cursor)?;
    let source = source_query(cursor)?;
    Ok(Statement::Insert(Box::new(Insert { table, columns, overwrite, by_name, source })))
}

fn refuse_clauses(cursor: &Cursor<'_>) -> Result<(), ParseError> {
    let unbuilt: &[(&[&str], &str)] = &[
        (&["PARTITION"], "INSERT … PARTITION"),
        (&["REPLACE"], "INSERT … REPLACE WHERE and REPLACE USING"),
        (&["DEFAULT", "VALUES"], "INSERT … DEFAULT VALUES"),
        (&["WITH", "SCHEMA", "EVOLUTION"], "INSERT … WITH SCHEMA EVOLUTION"),
        (&["TABLE"], "INSERT … TABLE: use SELECT * FROM"),
        (&["IF"], "INSERT … IF NOT EXISTS"),
    ];
    match unbuilt.iter().find(|(words, _)| cursor.is_words(words)) {
        Some((_, what)) => Err(ParseError::unsupported(*what)),
        None => Ok(()),
    }
}
