//! `MERGE INTO`.

use sqlparser::ast::Expr;
use sqlparser::tokenizer::Token;

use super::Statement;
use super::cursor::Cursor;
use super::error::{ParseError, ParseErrorKind};
use super::name::ObjectName;
use super::query::{SourceQuery, source_query, starts_query};
use super::update::{Assignment, ChangedTable, alias, assignments, expr, target, value};

/// Most `WHEN` clauses of one statement.
const MOST_CLAUSES: usize = 20;

/// `MERGE INTO t [AS a] USING s [AS b] ON c WHEN …`.
#[derive(Debug, Clone, PartialEq)]
pub struct Merge {
    /// What is changed.
    pub target: ChangedTable,
    /// What it is compared with.
    pub source: MergeSource,
    /// What the source is called in the statement; a query need not have a name.
    pub source_alias: Option<String>,
    /// What its columns are called, `AS s(a, b)`; empty for their own names.
    pub source_columns: Vec<String>,
    /// When a row of the target and one of the source belong together.
    pub on: Expr,
    /// What is done, in order: the first that applies to a row is done.
    pub clauses: Vec<MergeClause>,
}

/// What a MERGE reads.
#[derive(Debug, Clone, PartialEq)]
pub enum MergeSource {
    /// A table or view.
    Relation(ObjectName),
    /// A query, gated.
    Query(SourceQuery),
}

/// One `WHEN` clause.
#[derive(Debug, Clone, PartialEq)]
pub struct MergeClause {
    /// Which rows it is about.
    pub when: MergeWhen,
    /// `AND e`.
    pub condition: Option<Expr>,
    /// What it does.
    pub then: MergeAction,
}

/// Which rows a clause is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeWhen {
    /// `WHEN MATCHED`: rows of the target with their row of the source.
    Matched,
    /// `WHEN NOT MATCHED [BY TARGET]`: rows of the source.
    NotMatched,
    /// `WHEN NOT MATCHED BY SOURCE`: rows of the target.
    NotMatchedBySource,
}

/// What a clause does.
#[derive(Debug, Clone, PartialEq)]
pub enum MergeAction {
    /// `DELETE`.
    Delete,
    /// `UPDATE SET c = e, …`.
    Update(Vec<Assignment>),
    /// `UPDATE SET *`: every column has the value of the source's column of its name.
    UpdateAll,
    /// `INSERT (c, …) VALUES (e, …)`.
    Insert(Vec<Assignment>),
    /// `INSERT *`: as `UPDATE SET *`.
    InsertAll,
}

/// The rest of `MERGE`.
pub(super) fn merge(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    if cursor.eat_all(&["WITH", "SCHEMA", "EVOLUTION"]) {
        return Err(ParseError::unsupported("WITH SCHEMA EVOLUTION"));
    }
    cursor.expect("INTO")?;
    let target = target(cursor, &["USING"])?;
    cursor.expect("USING")?;
    let source = if matches!(cursor.peek(0), Token::LParen) && starts_query(cursor, 0) {
        cursor.expect_token(&Token::LParen)?;
        let query = source_query(cursor)?;
        cursor.expect_token(&Token::RParen)?;
        MergeSource::Query(query)
    } else {
        MergeSource::Relation(cursor.object_name("a table, a view or a query in parentheses")?)
    };
    let mut source_alias = alias(cursor, &["ON"])?;
    let mut source_columns = Vec::new();
    if source_alias.is_some() && matches!(cursor.peek(0), Token::LParen) {
        source_columns = cursor.parenthesized(|cursor| cursor.ident("a column"))?;
    }
    if let (None, MergeSource::Relation(name)) = (&source_alias, &source) {
        source_alias = name.parts.last().cloned();
    }
    cursor.expect("ON")?;
    let on = expr(cursor)?;
    let mut clauses = Vec::new();
    while cursor.eat("WHEN") {
        clauses.push(clause(cursor, &target.alias)?);
    }
    if clauses.is_empty() {
        return Err(cursor.unexpected("`WHEN`"));
    }
    if clauses.len() > MOST_CLAUSES {
        let message = format!("the statement has more than {MOST_CLAUSES} WHEN clauses");
        return Err(ParseError::whole(ParseErrorKind::Limit, message));
    }
    refuse_unreachable(&clauses)?;
    Ok(Statement::Merge(Box::new(Merge { target, source, source_alias, source_columns, on, clauses })))
}

fn clause(cursor: &mut Cursor<'_>, alias: &str) -> Result<MergeClause, ParseError> {
    let when = if cursor.eat("MATCHED") {
        MergeWhen::Matched
    } else if cursor.eat_all(&["NOT", "MATCHED", "BY", "SOURCE"]) {
        MergeWhen::NotMatchedBySource
    } else if cursor.eat_all(&["NOT", "MATCHED"]) {
        cursor.eat_all(&["BY", "TARGET"]);
        MergeWhen::NotMatched
    } else {
        return Err(cursor.unexpected("`MATCHED` or `NOT MATCHED`"));
    };
    let condition = if cursor.eat("AND") { Some(expr(cursor)?) } else { None };
    cursor.expect("THEN")?;
    let then = match when {
        MergeWhen::NotMatched => {
            cursor.expect("INSERT")?;
            inserted(cursor)?
        }
        _ => updated(cursor, when, alias)?,
    };
    Ok(MergeClause { when, condition, then })
}

fn updated(cursor: &mut Cursor<'_>, when: MergeWhen, alias: &str) -> Result<MergeAction, ParseError> {
    if cursor.eat("DELETE") {
        return Ok(MergeAction::Delete);
    }
    if !cursor.eat_all(&["UPDATE", "SET"]) {
        return Err(cursor.unexpected("`UPDATE SET` or `DELETE`"));
    }
    if matches!(cursor.peek(0), Token::Mul) {
        if when == MergeWhen::NotMatchedBySource {
            return Err(cursor.error("there is no row of the source whose values SET * could take"));
        }
        cursor.skip();
        return Ok(MergeAction::UpdateAll);
    }
    assignments(cursor, alias).map(MergeAction::Update)
}

fn inserted(cursor: &mut Cursor<'_>) -> Result<MergeAction, ParseError> {
    if cursor.eat_token(&Token::Mul) {
        return Ok(MergeAction::InsertAll);
    }
    if cursor.is_word(0, "VALUES") {
        return Err(cursor.error("INSERT in a MERGE names its columns: INSERT (a, b) VALUES (..)"));
    }
    let columns = cursor.parenthesized(|cursor| cursor.ident("a column"))?;
    cursor.expect("VALUES")?;
    let values = cursor.parenthesized(value)?;
    if columns.len() != values.len() {
        let message = format!("{} columns are to be filled and {} values are given", columns.len(), values.len());
        return Err(cursor.error(message));
    }
    let filled = columns.into_iter().zip(values).map(|(column, value)| Assignment { column, value });
    Ok(MergeAction::Insert(filled.collect()))
}

/// Only the last clause of a kind may be without a condition: those after it would never be reached.
fn refuse_unreachable(clauses: &[MergeClause]) -> Result<(), ParseError> {
    for (at, clause) in clauses.iter().enumerate() {
        let later = clauses.iter().skip(at + 1).any(|later| later.when == clause.when);
        if clause.condition.is_none() && later {
            let message = "only the last WHEN clause of its kind may be without a condition";
            return Err(ParseError::whole(ParseErrorKind::Syntax, message));
        }
    }
    Ok(())
}
