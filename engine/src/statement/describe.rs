//! `DESCRIBE` of one object.

use sqlparser::tokenizer::Token;

use super::Statement;
use super::abac::describe_policy;
use super::cursor::Cursor;
use super::error::ParseError;
use super::name::{ObjectKind, ObjectName};
use super::query::starts_query;

/// `{DESC | DESCRIBE} [kind] [EXTENDED | FORMATTED] name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Describe {
    /// One of `Catalog`, `Schema`, `Table` (also a view), `Function`, `Volume`, `ExternalLocation`, `StorageCredential`,
    /// `Tag`. No word means `Table`.
    pub kind: ObjectKind,
    /// `EXTENDED` or `FORMATTED`.
    pub extended: bool,
    /// Its name.
    pub name: ObjectName,
}

/// `{DESC | DESCRIBE} {HISTORY | DETAIL} table`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeLog {
    /// What is asked of its log.
    pub question: LogQuestion,
    /// The table.
    pub table: ObjectName,
}

/// What is asked of the log of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogQuestion {
    /// `HISTORY … [LIMIT n]`: its versions, newest first.
    History {
        /// The most that are told.
        limit: Option<u64>,
    },
    /// `DETAIL`: what is stored.
    Detail,
}

/// The rest of `DESCRIBE`.
pub(super) fn describe(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    refuse(cursor)?;
    if !matches!(cursor.peek(1), Token::EOF | Token::Period)
        && let Some(word) = cursor.eat_any(&["HISTORY", "DETAIL"])
    {
        return describe_log(cursor, word == "HISTORY");
    }
    let mut extended = eat_extended(cursor);
    let kind = cursor.kind_before_name(&[]).unwrap_or(ObjectKind::Table);
    if kind == ObjectKind::Policy {
        return describe_policy(cursor);
    }
    let kind = if kind == ObjectKind::View { ObjectKind::Table } else { kind };
    let is_built = matches!(
        kind,
        ObjectKind::Catalog
            | ObjectKind::Schema
            | ObjectKind::Table
            | ObjectKind::Function
            | ObjectKind::Volume
            | ObjectKind::ExternalLocation
            | ObjectKind::StorageCredential
            | ObjectKind::Tag
    );
    if !is_built {
        return Err(ParseError::unsupported(format!("DESCRIBE {}", kind.word().to_uppercase())));
    }
    extended |= eat_extended(cursor);
    let name = cursor.name_of(kind)?;
    if cursor.is_words(&["AS", "JSON"]) {
        return Err(ParseError::unsupported("DESCRIBE … AS JSON"));
    }
    if cursor.is_word(0, "PARTITION") {
        return Err(ParseError::unsupported("DESCRIBE of a partition"));
    }
    if matches!(cursor.peek(0), Token::Word(_)) {
        return Err(ParseError::unsupported("DESCRIBE of one column"));
    }
    Ok(Statement::Describe(Describe { kind, extended, name }))
}

fn describe_log(cursor: &mut Cursor<'_>, is_history: bool) -> Result<Statement, ParseError> {
    let table = cursor.object_name("a table")?;
    let question = match is_history {
        false => LogQuestion::Detail,
        true if cursor.eat("LIMIT") => {
            LogQuestion::History { limit: Some(cursor.whole_number("a number of versions")?) }
        }
        true => LogQuestion::History { limit: None },
    };
    Ok(Statement::DescribeLog(DescribeLog { question, table }))
}

/// `EXTENDED` or `FORMATTED`, unless it is the name itself.
fn eat_extended(cursor: &mut Cursor<'_>) -> bool {
    !matches!(cursor.peek(1), Token::EOF | Token::Period) && cursor.eat_any(&["EXTENDED", "FORMATTED"]).is_some()
}

fn refuse(cursor: &Cursor<'_>) -> Result<(), ParseError> {
    let is_name = matches!(cursor.peek(1), Token::EOF | Token::Period);
    if starts_query(cursor, 0) || (cursor.is_word(0, "QUERY") && !is_name) {
        return Err(ParseError::unsupported("DESCRIBE QUERY"));
    }
    Ok(())
}
