//! Tags: what securables and columns are marked with, and the governed ones, whose values are a list.

use sqlparser::tokenizer::Token;

use super::Statement;
use super::alter::{Alter, AlterAction};
use super::cursor::Cursor;
use super::error::ParseError;
use super::name::{ObjectKind, ObjectName};
use super::namespace::once;

/// A change of the tags of a securable or a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagChange {
    /// `SET TAGS ('k' = 'v', 'k2')`, `SET TAG ON … k = v`: keys with their values, empty where none is said.
    Set(Vec<(String, String)>),
    /// `UNSET TAGS ('k')`, `UNSET TAG ON … k`.
    Unset(Vec<String>),
}

/// What a statement about tags or policies is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its kind; that of a column is its table's or view's, `Table`.
    pub kind: ObjectKind,
    /// Its name, without the column.
    pub name: ObjectName,
    /// The column, for `COLUMN c.s.t.col`.
    pub column: Option<String>,
}

/// `CREATE [GOVERNED] TAG [IF NOT EXISTS] k [VALUES ('a', …)] [COMMENT 'text']`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTag {
    /// Whether an existing one is left alone.
    pub if_not_exists: bool,
    /// The key.
    pub key: String,
    /// The values that it may have; empty for any.
    pub values: Vec<String>,
    /// `COMMENT 'text'`.
    pub comment: Option<String>,
}

/// `SHOW TAGS [ON kind name]`: the governed tags, or those that something is marked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShowTags {
    /// What is marked.
    pub on: Option<Target>,
}

/// The rest of `CREATE [GOVERNED] TAG`.
pub(super) fn create_tag(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    let if_not_exists = cursor.if_not_exists();
    let key = tag_word(cursor, "a tag")?;
    let mut values = None;
    let mut comment = None;
    loop {
        if cursor.eat("COMMENT") {
            let text = cursor.string("a comment string")?;
            once(cursor, &mut comment, text, "COMMENT")?;
        } else if cursor.eat("VALUES") {
            let listed = tag_values(cursor)?;
            once(cursor, &mut values, listed, "VALUES")?;
        } else {
            let values = values.unwrap_or_default();
            return Ok(Statement::CreateTag(CreateTag { if_not_exists, key, values, comment }));
        }
    }
}

/// `( 'a', … )`: the values that a governed tag may have; `()` for any.
pub(super) fn tag_values(cursor: &mut Cursor<'_>) -> Result<Vec<String>, ParseError> {
    if matches!((cursor.peek(0), cursor.peek(1)), (Token::LParen, Token::RParen)) {
        cursor.skip();
        cursor.skip();
        return Ok(Vec::new());
    }
    cursor.parenthesized(|cursor| tag_word(cursor, "a value"))
}

/// `SET TAG ON kind name k [= v]`, after `SET TAG`.
pub(super) fn set_tag(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    let target = target(cursor)?;
    let set = assignment(cursor)?;
    Ok(change_of(target, TagChange::Set(vec![set])))
}

/// `UNSET TAG ON kind name k`, after `UNSET TAG`.
pub(super) fn unset_tag(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    let target = target(cursor)?;
    let key = tag_word(cursor, "a tag")?;
    Ok(change_of(target, TagChange::Unset(vec![key])))
}

/// `SET TAGS (..)` or `UNSET TAGS (..)`, if they come next.
pub(super) fn maybe_change(cursor: &mut Cursor<'_>) -> Result<Option<TagChange>, ParseError> {
    if cursor.eat_all(&["SET", "TAGS"]) {
        return Ok(Some(TagChange::Set(cursor.parenthesized(assignment)?)));
    }
    if cursor.eat_all(&["UNSET", "TAGS"]) {
        return Ok(Some(TagChange::Unset(cursor.parenthesized(|cursor| tag_word(cursor, "a tag"))?)));
    }
    Ok(None)
}

/// The rest of `SHOW TAGS`.
pub(super) fn show_tags(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    let on = if cursor.is_word(0, "ON") { Some(target(cursor)?) } else { None };
    Ok(Statement::ShowTags(ShowTags { on }))
}

/// A key or a value: a word, anything in backticks, a string, or a number as written.
pub(super) fn tag_word(cursor: &mut Cursor<'_>, expected: &str) -> Result<String, ParseError> {
    if let Some(text) = cursor.maybe_string() {
        return Ok(text);
    }
    if let Token::Number(text, _) = cursor.peek(0) {
        let text = text.clone();
        cursor.skip();
        return Ok(text);
    }
    let word = cursor.ident(expected)?;
    if cursor.is_glued() && matches!(cursor.peek(0), Token::Minus | Token::Period | Token::Div | Token::Colon) {
        return Err(cursor.error("a tag that is not a plain word has to stand in quotes"));
    }
    Ok(word)
}

/// `ON kind name`.
pub(super) fn target(cursor: &mut Cursor<'_>) -> Result<Target, ParseError> {
    cursor.expect("ON")?;
    let Some(kind) = cursor.kind() else {
        return Err(cursor.unexpected("a kind (CATALOG, SCHEMA, TABLE, VIEW, COLUMN, VOLUME, FUNCTION)"));
    };
    if kind.is_nameless() {
        return Err(ParseError::unsupported(format!("tags and policies on {}", kind.word().to_uppercase())));
    }
    let mut name = cursor.object_name(&format!("a {kind}"))?;
    if kind != ObjectKind::Column {
        return Ok(Target { kind, name, column: None });
    }
    let column = name.parts.pop().filter(|_| !name.parts.is_empty());
    match column {
        Some(column) => Ok(Target { kind: ObjectKind::Table, name, column: Some(column) }),
        None => Err(cursor.error("a column is named with its table: table.column")),
    }
}

/// `k [= v]`.
fn assignment(cursor: &mut Cursor<'_>) -> Result<(String, String), ParseError> {
    let key = tag_word(cursor, "a tag")?;
    let value = if cursor.eat_token(&Token::Eq) { tag_word(cursor, "a value")? } else { String::new() };
    Ok((key, value))
}

fn change_of(target: Target, change: TagChange) -> Statement {
    let action = match target.column {
        None => AlterAction::Tags(change),
        Some(column) => AlterAction::ColumnTags { column, change },
    };
    Statement::Alter(Alter { kind: target.kind, name: target.name, action })
}
