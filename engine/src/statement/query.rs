//! Queries, and `EXPLAIN` of them.

use sqlparser::ast::Query;
use sqlparser::tokenizer::Token;

use super::Statement;
use super::cursor::Cursor;
use super::error::ParseError;
use super::gate;
use super::grant::explain_access;

/// `EXPLAIN [ANALYZE] [VERBOSE | EXTENDED] query`.
#[derive(Debug, Clone, PartialEq)]
pub struct Explain {
    /// Whether the query is run and measured.
    pub analyze: bool,
    /// Whether the longer plan is asked for (`VERBOSE` or `EXTENDED`).
    pub verbose: bool,
    /// The query, gated like any other.
    pub query: Box<Query>,
}

/// A query with the text it was written as.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceQuery {
    /// The parsed query, gated.
    pub query: Box<Query>,
    /// Its text, byte for byte.
    pub text: String,
}

/// Whether a query starts `n` tokens on: `SELECT`, `WITH`, `VALUES (`, or one of them in parentheses.
pub(super) fn starts_query(cursor: &Cursor<'_>, n: usize) -> bool {
    let mut at = n;
    while matches!(cursor.peek(at), Token::LParen) {
        at += 1;
    }
    let is = |word| cursor.is_word(at, word);
    is("SELECT") || is("WITH") || (is("VALUES") && matches!(cursor.peek(at + 1), Token::LParen))
}

/// A query that has passed the gate.
pub(super) fn gated_query(cursor: &mut Cursor<'_>) -> Result<Box<Query>, ParseError> {
    if !starts_query(cursor, 0) {
        return Err(cursor.unexpected("a query"));
    }
    let mut query = cursor.query()?;
    gate::check_query(&mut query, cursor.max_relations())?;
    Ok(query)
}

/// A gated query and its text.
pub(super) fn source_query(cursor: &mut Cursor<'_>) -> Result<SourceQuery, ParseError> {
    let mark = cursor.mark();
    let query = gated_query(cursor)?;
    Ok(SourceQuery { query, text: cursor.text_since(mark) })
}

/// The rest of `EXPLAIN`: of access, or of a query.
pub(super) fn explain(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    if cursor.eat("ACCESS") {
        return explain_access(cursor);
    }
    let mut explain = (false, false);
    loop {
        match cursor.eat_any(&["ANALYZE", "VERBOSE", "EXTENDED", "FORMATTED", "COST", "CODEGEN"]) {
            Some("ANALYZE") => explain.0 = true,
            Some("VERBOSE" | "EXTENDED") => explain.1 = true,
            Some(word) => return Err(ParseError::unsupported(format!("EXPLAIN {word}"))),
            None => break,
        }
    }
    if !starts_query(cursor, 0) {
        if cursor.at_end() {
            return Err(cursor.unexpected("a query"));
        }
        return Err(ParseError::unsupported("EXPLAIN of anything but a query"));
    }
    let query = gated_query(cursor)?;
    Ok(Statement::Explain(Explain { analyze: explain.0, verbose: explain.1, query }))
}
