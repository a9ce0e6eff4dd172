//! Column definitions.

use sqlparser::ast::DataType;
use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::error::ParseError;
use super::namespace::once;
use super::policy::{MaskSpec, mask};

/// One column of `CREATE TABLE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Its name.
    pub name: String,
    /// Its type, parsed.
    pub data_type: DataType,
    /// Its type, as written.
    pub type_text: String,
    /// `NOT NULL`.
    pub not_null: bool,
    /// `COMMENT 'text'`.
    pub comment: Option<String>,
    /// `MASK f [USING COLUMNS (..)]`.
    pub mask: Option<MaskSpec>,
}

/// `( column, … )`. Defaults, generated columns, identities and constraints are `Unsupported`.
pub(super) fn column_list(cursor: &mut Cursor<'_>) -> Result<Vec<ColumnSpec>, ParseError> {
    cursor.parenthesized(|cursor| {
        refuse_constraint(cursor)?;
        column(cursor)
    })
}

/// A constraint where a column could stand: its words are no column names when a type does not follow.
fn refuse_constraint(cursor: &Cursor<'_>) -> Result<(), ParseError> {
    let starts: &[&[&str]] =
        &[&["CONSTRAINT"], &["PRIMARY", "KEY"], &["FOREIGN", "KEY"], &["UNIQUE"], &["CHECK"], &["EXCLUDE"]];
    let found = starts.iter().any(|words| {
        let next = cursor.peek(words.len());
        cursor.is_words(words)
            && (words.len() == 2 || matches!(next, Token::LParen) || cursor.bare_word(2).is_some_and(is_constraint))
    });
    if found { Err(ParseError::unsupported("table constraints")) } else { Ok(()) }
}

fn is_constraint(word: &str) -> bool {
    ["PRIMARY", "FOREIGN", "UNIQUE", "CHECK"].iter().any(|constraint| word.eq_ignore_ascii_case(constraint))
}

fn column(cursor: &mut Cursor<'_>) -> Result<ColumnSpec, ParseError> {
    let name = cursor.ident("a column")?;
    // `name: type` is how structs and some tools write it.
    cursor.eat_token(&Token::Colon);
    let (data_type, type_text) = typed(cursor)?;
    let mut column = ColumnSpec { name, data_type, type_text, not_null: false, comment: None, mask: None };
    loop {
        if cursor.eat_all(&["NOT", "NULL"]) {
            column.not_null = true;
        } else if cursor.eat("NULL") {
            // The default, spelled out.
        } else if cursor.eat("COMMENT") {
            let text = cursor.string("a comment string")?;
            once(cursor, &mut column.comment, text, "COMMENT")?;
        } else if cursor.eat("MASK") {
            let spec = mask(cursor)?;
            once(cursor, &mut column.mask, spec, "MASK")?;
        } else {
            refuse_options(cursor)?;
            return Ok(column);
        }
    }
}

fn refuse_options(cursor: &Cursor<'_>) -> Result<(), ParseError> {
    let what = match cursor.bare_word(0).map(str::to_ascii_uppercase).as_deref() {
        Some("DEFAULT") => "column defaults",
        Some("GENERATED") => "generated and identity columns",
        Some("CONSTRAINT" | "PRIMARY" | "FOREIGN" | "REFERENCES" | "UNIQUE" | "CHECK") => "column constraints",
        Some("COLLATE") => "collations",
        Some("WITH" | "TAGS") => "tags on columns",
        _ => return Ok(()),
    };
    Err(ParseError::unsupported(what))
}

/// A type, parsed and as written.
pub(super) fn typed(cursor: &mut Cursor<'_>) -> Result<(DataType, String), ParseError> {
    let mark = cursor.mark();
    let data_type = cursor.data_type()?;
    Ok((data_type, cursor.text_since(mark)))
}
