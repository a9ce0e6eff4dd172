//! `UPDATE`, and what it shares with `DELETE` and `MERGE`.

use sqlparser::ast::Expr;
use sqlparser::tokenizer::Token;

use super::Statement;
use super::cursor::Cursor;
use super::error::ParseError;
use super::gate;
use super::name::ObjectName;

/// The table whose rows a statement changes, and what the statement calls it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedTable {
    /// The table, one to three parts.
    pub table: ObjectName,
    /// The name that it has in the statement: the alias, else the last part of its own.
    pub alias: String,
}

/// `column = value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// The column of the target.
    pub column: String,
    /// Its new value, gated.
    pub value: Expr,
}

/// `UPDATE t [AS a] SET c = e, … [WHERE p]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// What is changed.
    pub target: ChangedTable,
    /// The new values, at least one.
    pub assignments: Vec<Assignment>,
    /// Which rows; all without.
    pub filter: Option<Expr>,
}

/// The rest of `UPDATE`.
pub(super) fn update(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    let target = target(cursor, &["SET"])?;
    cursor.expect("SET")?;
    let assignments = assignments(cursor, &target.alias)?;
    if cursor.is_word(0, "FROM") {
        return Err(ParseError::unsupported("UPDATE … FROM: use MERGE INTO"));
    }
    let filter = filter(cursor)?;
    Ok(Statement::Update(Box::new(Update { target, assignments, filter })))
}

/// `t [AS a]`; a bare word after the table is an alias unless it is one of `next`.
pub(super) fn target(cursor: &mut Cursor<'_>, next: &[&str]) -> Result<ChangedTable, ParseError> {
    if cursor.eat_all(&["WITH", "SCHEMA", "EVOLUTION"]) {
        return Err(ParseError::unsupported("WITH SCHEMA EVOLUTION"));
    }
    let table = cursor.object_name("a table")?;
    let alias = alias(cursor, next)?;
    if cursor.is_words(&["WITH", "SCHEMA", "EVOLUTION"]) {
        return Err(ParseError::unsupported("WITH SCHEMA EVOLUTION"));
    }
    let alias = alias.or_else(|| table.parts.last().cloned()).unwrap_or_default();
    Ok(ChangedTable { table, alias })
}

/// `[AS] a`.
pub(super) fn alias(cursor: &mut Cursor<'_>, next: &[&str]) -> Result<Option<String>, ParseError> {
    if ["VERSION", "TIMESTAMP"].iter().any(|word| cursor.is_words(&[word, "AS", "OF"])) {
        return Err(cursor.error("rows are changed at the newest version only"));
    }
    let follows = next.iter().any(|word| cursor.is_word(0, word));
    match cursor.eat("AS") || (matches!(cursor.peek(0), Token::Word(_)) && !follows) {
        true => cursor.ident("an alias").map(Some),
        false => Ok(None),
    }
}

/// `WHERE p`.
pub(super) fn filter(cursor: &mut Cursor<'_>) -> Result<Option<Expr>, ParseError> {
    if cursor.eat("WHERE") { expr(cursor).map(Some) } else { Ok(None) }
}

/// An expression that has passed the gate.
pub(super) fn expr(cursor: &mut Cursor<'_>) -> Result<Expr, ParseError> {
    let mut expr = cursor.expr()?;
    gate::check_expr(&mut expr, cursor.max_relations())?;
    Ok(expr)
}

/// A value for a column.
pub(super) fn value(cursor: &mut Cursor<'_>) -> Result<Expr, ParseError> {
    if cursor.is_word(0, "DEFAULT") && !matches!(cursor.peek(1), Token::Period | Token::LParen) {
        return Err(ParseError::unsupported("DEFAULT as a value"));
    }
    expr(cursor)
}

/// `c = e {, c = e}`; the columns are those of the target, by themselves or after its alias.
pub(super) fn assignments(cursor: &mut Cursor<'_>, alias: &str) -> Result<Vec<Assignment>, ParseError> {
    cursor.list(|cursor| {
        let mut name = cursor.object_name("a column")?.parts;
        if name.len() == 2 && name.first().is_some_and(|first| first.to_lowercase() == alias.to_lowercase()) {
            name.remove(0);
        }
        let column = match name.pop() {
            Some(column) if name.is_empty() => column,
            _ => return Err(ParseError::unsupported("a new value for a field of a struct: give the whole struct")),
        };
        cursor.expect_token(&Token::Eq)?;
        Ok(Assignment { column, value: value(cursor)? })
    })
}
