//! `CREATE FUNCTION`.

use sqlparser::ast::{DataType, Expr, Query};
use sqlparser::tokenizer::Token;

use super::Statement;
use super::column::typed;
use super::cursor::Cursor;
use super::error::ParseError;
use super::gate;
use super::name::ObjectName;
use super::namespace::once;
use super::query::{gated_query, starts_query};

/// `CREATE [OR REPLACE] FUNCTION` of a scalar SQL function.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateFunction {
    /// Whether an existing one is replaced.
    pub or_replace: bool,
    /// Whether an existing one is left alone.
    pub if_not_exists: bool,
    /// Its name, one to three parts.
    pub name: ObjectName,
    /// Its parameters, in order.
    pub parameters: Vec<FunctionParameter>,
    /// `RETURNS type`, parsed.
    pub returns: DataType,
    /// `RETURNS type`, as written.
    pub returns_text: String,
    /// `DETERMINISTIC` (true) or `NOT DETERMINISTIC` (false), when it is said.
    pub deterministic: Option<bool>,
    /// `CONTAINS SQL` or `READS SQL DATA`, when it is said.
    pub data_access: Option<DataAccess>,
    /// `COMMENT 'text'`.
    pub comment: Option<String>,
    /// What it returns.
    pub body: FunctionBody,
    /// The body as written, without the word `RETURN`.
    pub body_text: String,
}

/// One parameter of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionParameter {
    /// Its name.
    pub name: String,
    /// Its type, parsed.
    pub data_type: DataType,
    /// Its type, as written.
    pub type_text: String,
    /// `DEFAULT expression`, as written.
    pub default: Option<String>,
    /// `COMMENT 'text'`.
    pub comment: Option<String>,
}

/// What a function says it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataAccess {
    /// `CONTAINS SQL`: no tables.
    ContainsSql,
    /// `READS SQL DATA`.
    ReadsSqlData,
}

/// What a function returns.
#[derive(Debug, Clone, PartialEq)]
pub enum FunctionBody {
    /// `RETURN expression`; its subqueries are gated.
    Expr(Box<Expr>),
    /// `RETURN query`, gated.
    Query(Box<Query>),
}

#[derive(Default)]
struct Traits {
    language: Option<String>,
    deterministic: Option<bool>,
    data_access: Option<DataAccess>,
    comment: Option<String>,
}

/// The rest of `CREATE FUNCTION`. Table functions, Python and other languages are `Unsupported`.
pub(super) fn create_function(cursor: &mut Cursor<'_>, or_replace: bool) -> Result<Statement, ParseError> {
    let if_not_exists = cursor.if_not_exists();
    if if_not_exists && or_replace {
        return Err(cursor.error("OR REPLACE and IF NOT EXISTS do not go together"));
    }
    let name = cursor.object_name("a function")?;
    let parameters = parameters(cursor)?;
    if !cursor.is_word(0, "RETURNS") {
        return Err(cursor.unexpected("`RETURNS` and the type of the result"));
    }
    cursor.skip();
    if cursor.is_word(0, "TABLE") {
        return Err(ParseError::unsupported("table functions (RETURNS TABLE)"));
    }
    let (returns, returns_text) = typed(cursor)?;
    let traits = traits(cursor)?;
    let (body, body_text) = body(cursor)?;
    Ok(Statement::CreateFunction(Box::new(CreateFunction {
        or_replace,
        if_not_exists,
        name,
        parameters,
        returns,
        returns_text,
        deterministic: traits.deterministic,
        data_access: traits.data_access,
        comment: traits.comment,
        body,
        body_text,
    })))
}

fn parameters(cursor: &mut Cursor<'_>) -> Result<Vec<FunctionParameter>, ParseError> {
    if matches!((cursor.peek(0), cursor.peek(1)), (Token::LParen, Token::RParen)) {
        cursor.skip();
        cursor.skip();
        return Ok(Vec::new());
    }
    cursor.parenthesized(|cursor| {
        let name = cursor.ident("a parameter")?;
        let (data_type, type_text) = typed(cursor)?;
        let mut parameter = FunctionParameter { name, data_type, type_text, default: None, comment: None };
        loop {
            if cursor.eat("DEFAULT") {
                let mark = cursor.mark();
                let mut value = cursor.expr()?;
                gate::check_expr(&mut value, cursor.max_relations())?;
                let text = cursor.text_since(mark);
                once(cursor, &mut parameter.default, text, "DEFAULT")?;
            } else if cursor.eat("COMMENT") {
                let text = cursor.string("a comment string")?;
                once(cursor, &mut parameter.comment, text, "COMMENT")?;
            } else {
                return Ok(parameter);
            }
        }
    })
}

fn traits(cursor: &mut Cursor<'_>) -> Result<Traits, ParseError> {
    let mut traits = Traits::default();
    loop {
        if cursor.eat("LANGUAGE") {
            let language = cursor.ident("a language")?.to_uppercase();
            if language != "SQL" {
                return Err(ParseError::unsupported(format!("functions in {}", language.to_lowercase())));
            }
            once(cursor, &mut traits.language, language, "LANGUAGE")?;
        } else if cursor.eat_all(&["NOT", "DETERMINISTIC"]) {
            once(cursor, &mut traits.deterministic, false, "DETERMINISTIC")?;
        } else if cursor.eat("DETERMINISTIC") {
            once(cursor, &mut traits.deterministic, true, "DETERMINISTIC")?;
        } else if cursor.eat_all(&["CONTAINS", "SQL"]) {
            once(cursor, &mut traits.data_access, DataAccess::ContainsSql, "CONTAINS SQL")?;
        } else if cursor.eat_all(&["READS", "SQL", "DATA"]) {
            once(cursor, &mut traits.data_access, DataAccess::ReadsSqlData, "READS SQL DATA")?;
        } else if cursor.eat("COMMENT") {
            let text = cursor.string("a comment string")?;
            once(cursor, &mut traits.comment, text, "COMMENT")?;
        } else if ["ENVIRONMENT", "HANDLER", "PARAMETER"].iter().any(|word| cursor.is_word(0, word)) {
            return Err(ParseError::unsupported("functions in another language than SQL"));
        } else {
            return Ok(traits);
        }
    }
}

fn body(cursor: &mut Cursor<'_>) -> Result<(FunctionBody, String), ParseError> {
    if cursor.is_word(0, "AS") {
        return Err(cursor.error("an SQL function's body is written RETURN expression"));
    }
    cursor.expect("RETURN")?;
    let mark = cursor.mark();
    let body = body_of(cursor)?;
    Ok((body, cursor.text_since(mark)))
}

/// An expression or a query. A query in parentheses is an expression: a scalar subquery, which may go on
/// (`(SELECT ..) + 1`).
pub(super) fn body_of(cursor: &mut Cursor<'_>) -> Result<FunctionBody, ParseError> {
    if starts_query(cursor, 0) && !matches!(cursor.peek(0), Token::LParen) {
        return Ok(FunctionBody::Query(gated_query(cursor)?));
    }
    let mut expr = cursor.expr()?;
    gate::check_expr(&mut expr, cursor.max_relations())?;
    Ok(FunctionBody::Expr(Box::new(expr)))
}
