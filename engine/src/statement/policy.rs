//! Row filters and column masks: the function and what it is given.

use std::fmt;

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::error::ParseError;
use super::name::{ObjectName, quoted};

/// A constant in a statement of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// `NULL`.
    Null,
    /// `TRUE`, `FALSE`.
    Boolean(bool),
    /// A number as written, its sign included.
    Number(String),
    /// A string, without its quotes.
    String(String),
    /// `DATE '2024-01-01'`, `TIMESTAMP '..'`: the word in upper case, and the string.
    Typed(String, String),
}

/// One argument of a row filter or a mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyArgument {
    /// A column of the table.
    Column(String),
    /// A constant.
    Literal(Literal),
}

/// `ROW FILTER f ON (..)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFilterSpec {
    /// The filter function.
    pub function: ObjectName,
    /// What it is called with, in order; empty for `ON ()`.
    pub on: Vec<PolicyArgument>,
}

/// `MASK f [USING COLUMNS (..)]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskSpec {
    /// The mask function; its first argument is the masked column itself.
    pub function: ObjectName,
    /// Its further arguments, in order.
    pub using: Vec<PolicyArgument>,
}

/// Writes the constant as SQL.
impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let string = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Boolean(true) => f.write_str("TRUE"),
            Self::Boolean(false) => f.write_str("FALSE"),
            Self::Number(number) => f.write_str(number),
            Self::String(text) => f.write_str(&string(text)),
            Self::Typed(word, text) => write!(f, "{word} {}", string(text)),
        }
    }
}

/// Writes the argument as SQL.
impl fmt::Display for PolicyArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(name) => f.write_str(&quoted(name)),
            Self::Literal(literal) => literal.fmt(f),
        }
    }
}

/// `f ON ( [argument, …] )`, after `ROW FILTER`.
pub(super) fn row_filter(cursor: &mut Cursor<'_>) -> Result<RowFilterSpec, ParseError> {
    let function = cursor.object_name("a filter function")?;
    cursor.expect("ON")?;
    Ok(RowFilterSpec { function, on: arguments(cursor)? })
}

/// `f [USING COLUMNS ( argument, … )]`, after `MASK`.
pub(super) fn mask(cursor: &mut Cursor<'_>) -> Result<MaskSpec, ParseError> {
    let function = cursor.object_name("a mask function")?;
    let using = if cursor.eat_all(&["USING", "COLUMNS"]) { arguments(cursor)? } else { Vec::new() };
    Ok(MaskSpec { function, using })
}

pub(super) fn arguments(cursor: &mut Cursor<'_>) -> Result<Vec<PolicyArgument>, ParseError> {
    if matches!((cursor.peek(0), cursor.peek(1)), (Token::LParen, Token::RParen)) {
        cursor.skip();
        cursor.skip();
        return Ok(Vec::new());
    }
    cursor.parenthesized(argument)
}

fn argument(cursor: &mut Cursor<'_>) -> Result<PolicyArgument, ParseError> {
    if let Some(literal) = literal(cursor)? {
        return Ok(PolicyArgument::Literal(literal));
    }
    let column = cursor.ident("a column or a constant")?;
    if matches!(cursor.peek(0), Token::Period) {
        return Err(cursor.error("a policy's argument is a column of the table, by its bare name"));
    }
    Ok(PolicyArgument::Column(column))
}

/// The constant that comes next, if one does.
fn literal(cursor: &mut Cursor<'_>) -> Result<Option<Literal>, ParseError> {
    if let Some(text) = cursor.maybe_string() {
        return Ok(Some(Literal::String(text)));
    }
    let mark = cursor.mark();
    let signed = matches!(cursor.peek(0), Token::Minus | Token::Plus);
    if signed {
        cursor.skip();
    }
    if matches!(cursor.peek(0), Token::Number(..)) {
        cursor.skip();
        return Ok(Some(Literal::Number(cursor.text_since(mark).split_whitespace().collect())));
    }
    if signed {
        return Err(cursor.unexpected("a number"));
    }
    if matches!(cursor.peek(1), Token::SingleQuotedString(_) | Token::DoubleQuotedString(_)) {
        let word = cursor.eat_any(&["DATE", "TIMESTAMP", "TIMESTAMP_NTZ"]);
        return match word {
            Some(word) => Ok(Some(Literal::Typed(word.to_owned(), cursor.string("a string")?))),
            None => Err(cursor.unexpected("a column or a constant")),
        };
    }
    Ok(match cursor.eat_any(&["NULL", "TRUE", "FALSE"]) {
        Some("NULL") => Some(Literal::Null),
        Some(word) => Some(Literal::Boolean(word == "TRUE")),
        None => None,
    })
}
