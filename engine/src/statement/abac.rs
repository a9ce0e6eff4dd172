//! Policies on catalogs, schemas and tables: for whom, on which tables and columns, by their tags.

use sqlparser::tokenizer::Token;

use super::Statement;
use super::cursor::Cursor;
use super::error::{ParseError, ParseErrorKind};
use super::name::{ObjectKind, ObjectName};
use super::policy::{PolicyArgument, arguments};
use super::tag::{Target, target};

/// `CREATE [OR REPLACE] POLICY [IF NOT EXISTS] p ON kind x [COMMENT 's'] {ROW FILTER f | COLUMN MASK f} TO p [EXCEPT q]
/// FOR TABLES [WHEN ..] [MATCH COLUMNS ..] [ON COLUMN a] [USING COLUMNS (..)]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatePolicy {
    /// Whether one of the same name gives way.
    pub or_replace: bool,
    /// Whether an existing one is left alone.
    pub if_not_exists: bool,
    /// Its name.
    pub name: String,
    /// A catalog, schema or table.
    pub on: Target,
    /// `COMMENT 'text'`.
    pub comment: Option<String>,
    /// The function that decides.
    pub function: ObjectName,
    /// The alias of the columns that are masked, for `COLUMN MASK`; a row filter has none.
    pub on_column: Option<String>,
    /// Whom it binds.
    pub to: Vec<String>,
    /// Whom of them it does not bind.
    pub except: Vec<String>,
    /// `WHEN`: which tables, by their own tags and those above them.
    pub when: Option<TagCondition>,
    /// `MATCH COLUMNS`: which columns, by their tags.
    pub matches: Vec<MatchColumns>,
    /// `USING COLUMNS`: what the function is called with (a mask's column goes before), aliases as columns.
    pub using: Vec<PolicyArgument>,
}

/// A set of columns: `condition [[AS] alias]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchColumns {
    /// Which columns.
    pub condition: TagCondition,
    /// What the policy calls them.
    pub alias: Option<String>,
}

/// A condition on tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagCondition {
    /// `hasTag('key')`.
    HasTag(String),
    /// `hasTagValue('key', 'value')`.
    HasTagValue(String, String),
    /// `NOT ..`.
    Not(Box<TagCondition>),
    /// `.. AND ..`, of two or more.
    And(Vec<TagCondition>),
    /// `.. OR ..`, of two or more.
    Or(Vec<TagCondition>),
}

/// A policy named in a statement: `p ON kind x`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRef {
    /// Its name.
    pub name: String,
    /// What it is on.
    pub on: Target,
}

/// `DROP POLICY [IF EXISTS] p ON kind x`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropPolicy {
    /// Whether an absent one is fine.
    pub if_exists: bool,
    /// Which.
    pub policy: PolicyRef,
}

/// `SHOW [EFFECTIVE] POLICIES ON kind x`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShowPolicies {
    /// Whether those from above are asked for too.
    pub effective: bool,
    /// On what.
    pub on: Target,
}

/// How deep parentheses and NOT may nest in one condition.
const MAX_DEPTH: usize = 16;

/// The rest of `CREATE [OR REPLACE] POLICY`.
pub(super) fn create_policy(cursor: &mut Cursor<'_>, or_replace: bool) -> Result<Statement, ParseError> {
    let if_not_exists = cursor.if_not_exists();
    if or_replace && if_not_exists {
        return Err(cursor.error("OR REPLACE and IF NOT EXISTS exclude each other"));
    }
    let name = cursor.ident("a policy")?;
    let on = policy_target(cursor)?;
    let comment = if cursor.eat("COMMENT") { Some(cursor.string("a comment string")?) } else { None };
    let masks = if cursor.eat_all(&["ROW", "FILTER"]) {
        false
    } else if cursor.eat_all(&["COLUMN", "MASK"]) {
        true
    } else if cursor.is_words(&["COLUMN", "FILTER"]) || cursor.is_words(&["ROW", "MASK"]) {
        return Err(cursor.error("a policy is a ROW FILTER or a COLUMN MASK"));
    } else {
        return Err(cursor.unexpected("`ROW FILTER` or `COLUMN MASK`"));
    };
    let function = cursor.object_name("a function")?;
    cursor.expect("TO")?;
    let to = cursor.list(|cursor| cursor.principal("a principal"))?;
    let except = if cursor.eat("EXCEPT") { cursor.list(|cursor| cursor.principal("a principal"))? } else { Vec::new() };
    cursor.expect("FOR")?;
    cursor.expect("TABLES")?;
    let when = if cursor.eat("WHEN") { Some(condition(cursor, 0)?) } else { None };
    let matches = if cursor.eat_all(&["MATCH", "COLUMNS"]) { cursor.list(match_columns)? } else { Vec::new() };
    let on_column = on_column(cursor, masks)?;
    let using = if cursor.eat_all(&["USING", "COLUMNS"]) { arguments(cursor)? } else { Vec::new() };
    let policy = CreatePolicy {
        or_replace,
        if_not_exists,
        name,
        on,
        comment,
        function,
        on_column,
        to,
        except,
        when,
        matches,
        using,
    };
    Ok(Statement::CreatePolicy(Box::new(policy)))
}

/// `ON COLUMN alias`: a mask has it, a row filter has not.
fn on_column(cursor: &mut Cursor<'_>, masks: bool) -> Result<Option<String>, ParseError> {
    match (masks, cursor.eat_all(&["ON", "COLUMN"])) {
        (true, true) => Ok(Some(cursor.ident("an alias of MATCH COLUMNS")?)),
        (true, false) => Err(cursor.unexpected("`ON COLUMN` and the alias of the columns to mask")),
        (false, true) => Err(cursor.error("ON COLUMN belongs to a COLUMN MASK")),
        (false, false) => Ok(None),
    }
}

/// The rest of `DROP POLICY`.
pub(super) fn drop_policy(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    let if_exists = cursor.if_exists();
    Ok(Statement::DropPolicy(DropPolicy { if_exists, policy: policy_ref(cursor)? }))
}

/// The rest of `DESCRIBE POLICY`.
pub(super) fn describe_policy(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    Ok(Statement::DescribePolicy(policy_ref(cursor)?))
}

/// The rest of `SHOW [EFFECTIVE] POLICIES`.
pub(super) fn show_policies(cursor: &mut Cursor<'_>, effective: bool) -> Result<Statement, ParseError> {
    Ok(Statement::ShowPolicies(ShowPolicies { effective, on: policy_target(cursor)? }))
}

fn policy_ref(cursor: &mut Cursor<'_>) -> Result<PolicyRef, ParseError> {
    let name = cursor.ident("a policy")?;
    Ok(PolicyRef { name, on: policy_target(cursor)? })
}

/// `ON {CATALOG | SCHEMA | TABLE} name`.
fn policy_target(cursor: &mut Cursor<'_>) -> Result<Target, ParseError> {
    let on = target(cursor)?;
    match (on.kind, &on.column) {
        (ObjectKind::Catalog | ObjectKind::Schema | ObjectKind::Table, None) => Ok(on),
        (_, Some(_)) => Err(ParseError::unsupported("policies on a column: SET MASK binds one to a column")),
        (kind, None) => {
            let kind = kind.word().to_uppercase();
            Err(ParseError::unsupported(format!("policies on a {kind} (they are on CATALOG, SCHEMA and TABLE)")))
        }
    }
}

/// `condition [[AS] alias]`.
fn match_columns(cursor: &mut Cursor<'_>) -> Result<MatchColumns, ParseError> {
    let condition = condition(cursor, 0)?;
    let goes_on = cursor.is_words(&["ON", "COLUMN"]) || cursor.is_words(&["USING", "COLUMNS"]);
    let named = cursor.eat("AS") || (!goes_on && matches!(cursor.peek(0), Token::Word(_)));
    let alias = if named { Some(cursor.ident("an alias")?) } else { None };
    Ok(MatchColumns { condition, alias })
}

/// `all {OR all}`.
fn condition(cursor: &mut Cursor<'_>, depth: usize) -> Result<TagCondition, ParseError> {
    operands(cursor, depth, "OR", all, TagCondition::Or)
}

/// `one {AND one}`.
fn all(cursor: &mut Cursor<'_>, depth: usize) -> Result<TagCondition, ParseError> {
    operands(cursor, depth, "AND", negated, TagCondition::And)
}

fn operands(
    cursor: &mut Cursor<'_>,
    depth: usize,
    word: &str,
    operand: fn(&mut Cursor<'_>, usize) -> Result<TagCondition, ParseError>,
    join: fn(Vec<TagCondition>) -> TagCondition,
) -> Result<TagCondition, ParseError> {
    let first = operand(cursor, depth)?;
    if !cursor.is_word(0, word) {
        return Ok(first);
    }
    let mut found = vec![first];
    while cursor.eat(word) {
        found.push(operand(cursor, depth)?);
    }
    Ok(join(found))
}

fn negated(cursor: &mut Cursor<'_>, depth: usize) -> Result<TagCondition, ParseError> {
    if depth > MAX_DEPTH {
        return Err(ParseError::whole(
            ParseErrorKind::Limit,
            format!("the condition of a policy is nested deeper than {MAX_DEPTH}"),
        ));
    }
    if cursor.eat("NOT") {
        return Ok(TagCondition::Not(Box::new(negated(cursor, depth + 1)?)));
    }
    if cursor.eat_token(&Token::LParen) {
        let inner = condition(cursor, depth + 1)?;
        cursor.expect_token(&Token::RParen)?;
        return Ok(inner);
    }
    call(cursor)
}

/// `hasTag('key')`, `hasTagValue('key', 'value')`, and their older spellings.
fn call(cursor: &mut Cursor<'_>) -> Result<TagCondition, ParseError> {
    let Some(called) = cursor.eat_any(&["HASTAG", "HAS_TAG", "HASTAGVALUE", "HAS_TAG_VALUE"]) else {
        return Err(cursor.unexpected("hasTag('key') or hasTagValue('key', 'value')"));
    };
    cursor.expect_token(&Token::LParen)?;
    let key = cursor.string("a tag in quotes")?;
    let condition = if matches!(called, "HASTAG" | "HAS_TAG") {
        TagCondition::HasTag(key)
    } else {
        cursor.expect_token(&Token::Comma)?;
        TagCondition::HasTagValue(key, cursor.string("a value in quotes")?)
    };
    cursor.expect_token(&Token::RParen)?;
    Ok(condition)
}
