//! `CREATE VIEW`.

use sqlparser::tokenizer::Token;

use super::Statement;
use super::cursor::Cursor;
use super::error::ParseError;
use super::name::ObjectName;
use super::namespace::{once, properties};
use super::query::{SourceQuery, source_query};

/// `CREATE [OR REPLACE] VIEW`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateView {
    /// Whether an existing one is replaced.
    pub or_replace: bool,
    /// Whether an existing one is left alone.
    pub if_not_exists: bool,
    /// Its name, one to three parts.
    pub name: ObjectName,
    /// Names (and comments) for the query's columns; empty when the query's own are kept.
    pub columns: Vec<ViewColumn>,
    /// `COMMENT 'text'`.
    pub comment: Option<String>,
    /// `TBLPROPERTIES (..)`.
    pub properties: Vec<(String, String)>,
    /// What it shows.
    pub query: SourceQuery,
}

/// One column of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewColumn {
    /// Its name.
    pub name: String,
    /// `COMMENT 'text'`.
    pub comment: Option<String>,
}

/// The rest of `CREATE VIEW`.
pub(super) fn create_view(cursor: &mut Cursor<'_>, or_replace: bool) -> Result<Statement, ParseError> {
    let if_not_exists = cursor.if_not_exists();
    if if_not_exists && or_replace {
        return Err(cursor.error("OR REPLACE and IF NOT EXISTS do not go together"));
    }
    let name = cursor.object_name("a view")?;
    let has_columns = matches!(cursor.peek(0), Token::LParen);
    let columns = if has_columns { cursor.parenthesized(view_column)? } else { Vec::new() };
    let mut comment = None;
    let mut view_properties = Vec::new();
    loop {
        if cursor.eat("COMMENT") {
            let text = cursor.string("a comment string")?;
            once(cursor, &mut comment, text, "COMMENT")?;
        } else if cursor.eat("TBLPROPERTIES") {
            view_properties.extend(properties(cursor)?);
        } else {
            refuse_clauses(cursor)?;
            break;
        }
    }
    cursor.expect("AS")?;
    let query = source_query(cursor)?;
    let view = CreateView { or_replace, if_not_exists, name, columns, comment, properties: view_properties, query };
    Ok(Statement::CreateView(Box::new(view)))
}

fn view_column(cursor: &mut Cursor<'_>) -> Result<ViewColumn, ParseError> {
    let name = cursor.ident("a column")?;
    let comment = if cursor.eat("COMMENT") { Some(cursor.string("a comment string")?) } else { None };
    if cursor.is_word(0, "MASK") {
        return Err(ParseError::unsupported("masks on views: mask the table's column"));
    }
    Ok(ViewColumn { name, comment })
}

fn refuse_clauses(cursor: &Cursor<'_>) -> Result<(), ParseError> {
    let unbuilt: &[(&[&str], &str)] = &[
        (&["WITH", "SCHEMA"], "WITH SCHEMA on a view"),
        (&["WITH", "METRICS"], "metric views"),
        (&["WITH", "ROW", "FILTER"], "row filters on views: filter the table"),
        (&["DEFAULT", "COLLATION"], "DEFAULT COLLATION"),
    ];
    match unbuilt.iter().find(|(words, _)| cursor.is_words(words)) {
        Some((_, what)) => Err(ParseError::unsupported(*what)),
        None => Ok(()),
    }
}
