//! `GRANT`, `REVOKE`, `DENY`, `SHOW [EFFECTIVE] GRANTS` and `EXPLAIN ACCESS`: one grammar for the whole family.

use std::fmt;

use sqlparser::tokenizer::Token;

use super::Statement;
use super::cursor::Cursor;
use super::error::ParseError;
use super::name::{ObjectKind, ObjectName};

/// `GRANT`, `REVOKE` or `DENY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantStatement {
    /// Which of the three.
    pub verb: GrantVerb,
    /// The privileges, in order.
    pub privileges: Vec<PrivilegeSpec>,
    /// What they are on.
    pub on: ObjectRef,
    /// Who gets, loses or is denied them.
    pub to: Grantees,
}

/// What happens to the privileges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantVerb {
    /// `GRANT … TO`.
    Grant,
    /// `REVOKE … FROM`.
    Revoke,
    /// `DENY … TO`.
    Deny,
}

/// One privilege, perhaps on some columns only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivilegeSpec {
    /// Its words in upper case with single blanks: `SELECT`, `USE CATALOG`, `ALL PRIVILEGES`. Not checked.
    pub words: String,
    /// The columns it is for; empty for the whole object.
    pub columns: Vec<String>,
}

/// An object named in a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// Its kind when said; no kind means a table or view.
    pub kind: Option<ObjectKind>,
    /// Its name; absent only for kinds that go without one (`METASTORE`).
    pub name: Option<ObjectName>,
}

/// Who a grant is to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grantees {
    /// Users, groups and service principals, by name.
    Principals(Vec<String>),
    /// `TO RECIPIENT r`: somebody outside that data is shared with.
    Recipient(String),
}

/// `SHOW [EFFECTIVE] GRANTS [principal] [ON object] [AS OF TIMESTAMP 'time']`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShowGrants {
    /// Whether what comes of the grants is asked for, rather than the grants.
    pub effective: bool,
    /// Whose; when absent, everybody's on an object, and the caller's own everywhere or in effect.
    pub principal: Option<String>,
    /// On what; everything (of the principal) when absent.
    pub on: Option<ObjectRef>,
    /// As of when, as written; now when absent.
    pub as_of: Option<String>,
}

/// `EXPLAIN ACCESS privilege [(column)] ON object [FOR principal] [AS OF TIMESTAMP 'time']`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainAccess {
    /// The privilege, with one column at most.
    pub privilege: PrivilegeSpec,
    /// On what.
    pub on: ObjectRef,
    /// For whom; the caller when absent.
    pub principal: Option<String>,
    /// As of when, as written; now when absent.
    pub as_of: Option<String>,
}

impl fmt::Display for GrantVerb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grant => "GRANT",
            Self::Revoke => "REVOKE",
            Self::Deny => "DENY",
        })
    }
}

/// Most words that one privilege has.
const MAX_PRIVILEGE_WORDS: usize = 5;

/// The rest of `GRANT`, `REVOKE` or `DENY`.
pub(super) fn grant(cursor: &mut Cursor<'_>, verb: GrantVerb) -> Result<Statement, ParseError> {
    if cursor.is_words(&["GRANT", "OPTION", "FOR"]) {
        return Err(ParseError::unsupported("GRANT OPTION FOR (who holds MANAGE may grant)"));
    }
    if verb == GrantVerb::Revoke && cursor.is_word(0, "DENY") {
        return Err(ParseError::unsupported("REVOKE DENY (REVOKE takes denials away too)"));
    }
    let privileges = cursor.list(privilege)?;
    cursor.expect("ON")?;
    let end = if verb == GrantVerb::Revoke { "FROM" } else { "TO" };
    let on = object_ref(cursor, &[end])?;
    cursor.expect(end)?;
    let to = grantees(cursor)?;
    if cursor.is_words(&["WITH", "GRANT", "OPTION"]) {
        return Err(ParseError::unsupported("WITH GRANT OPTION (who holds MANAGE may grant)"));
    }
    Ok(Statement::Grant(GrantStatement { verb, privileges, on, to }))
}

fn privilege(cursor: &mut Cursor<'_>) -> Result<PrivilegeSpec, ParseError> {
    let mut words: Vec<String> = Vec::new();
    while let Some(word) = cursor.bare_word(0).filter(|word| !word.eq_ignore_ascii_case("ON")) {
        if words.len() == MAX_PRIVILEGE_WORDS {
            return Err(cursor.unexpected("`,` or `ON` after a privilege"));
        }
        words.push(word.to_ascii_uppercase());
        cursor.skip();
    }
    if words.is_empty() {
        return Err(cursor.unexpected("a privilege"));
    }
    let has_columns = matches!(cursor.peek(0), Token::LParen);
    let columns = if has_columns { cursor.parenthesized(|cursor| cursor.ident("a column"))? } else { Vec::new() };
    Ok(PrivilegeSpec { words: words.join(" "), columns })
}

/// `[kind] name`, where a name may be a kind's word (`ON table TO bob`).
fn object_ref(cursor: &mut Cursor<'_>, ends: &[&str]) -> Result<ObjectRef, ParseError> {
    let kind = cursor.kind_before_name(ends);
    let ends_here = matches!(cursor.peek(0), Token::EOF) || ends.iter().any(|word| cursor.is_word(0, word));
    if kind.is_some_and(ObjectKind::is_nameless) && ends_here {
        return Ok(ObjectRef { kind, name: None });
    }
    let what = kind.map_or("an object".to_owned(), |kind| format!("a {kind}"));
    Ok(ObjectRef { kind, name: Some(cursor.object_name(&what)?) })
}

fn grantees(cursor: &mut Cursor<'_>) -> Result<Grantees, ParseError> {
    if cursor.is_word(0, "RECIPIENT") && !matches!(cursor.peek(1), Token::EOF | Token::Comma) {
        cursor.skip();
        return Ok(Grantees::Recipient(cursor.ident("a recipient")?));
    }
    Ok(Grantees::Principals(cursor.list(|cursor| cursor.principal("a principal"))?))
}

/// The rest of `SHOW GRANTS`.
pub(super) fn show_grants(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    if cursor.is_words(&["TO", "RECIPIENT"]) {
        return Err(ParseError::unsupported("SHOW GRANTS TO RECIPIENT"));
    }
    Ok(Statement::ShowGrants(shown(cursor, false)?))
}

/// The rest of `SHOW EFFECTIVE GRANTS`.
pub(super) fn show_effective_grants(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    let show = shown(cursor, true)?;
    if show.on.is_none() {
        return Err(cursor.unexpected("`ON` and an object"));
    }
    Ok(Statement::ShowGrants(show))
}

fn shown(cursor: &mut Cursor<'_>, effective: bool) -> Result<ShowGrants, ParseError> {
    let is_said = cursor.eat_any(&["TO", "FOR"]).is_some();
    let names_principal = is_said || !(cursor.at_end() || cursor.is_word(0, "ON") || cursor.is_words(AS_OF));
    let principal = if names_principal { Some(cursor.principal("a principal")?) } else { None };
    let on = if cursor.eat("ON") { Some(object_ref(cursor, &["AS"])?) } else { None };
    let as_of = as_of(cursor)?;
    Ok(ShowGrants { effective, principal, on, as_of })
}

/// The rest of `EXPLAIN ACCESS`.
pub(super) fn explain_access(cursor: &mut Cursor<'_>) -> Result<Statement, ParseError> {
    let privilege = privilege(cursor)?;
    if privilege.columns.len() > 1 {
        return Err(cursor.error("EXPLAIN ACCESS takes one column"));
    }
    cursor.expect("ON")?;
    let on = object_ref(cursor, &["FOR", "AS"])?;
    let principal = if cursor.eat("FOR") { Some(cursor.principal("a principal")?) } else { None };
    let as_of = as_of(cursor)?;
    Ok(Statement::ExplainAccess(ExplainAccess { privilege, on, principal, as_of }))
}

const AS_OF: &[&str] = &["AS", "OF", "TIMESTAMP"];

/// `AS OF TIMESTAMP 'time'`, if it comes next.
fn as_of(cursor: &mut Cursor<'_>) -> Result<Option<String>, ParseError> {
    if !cursor.eat_all(AS_OF) {
        return Ok(None);
    }
    cursor.string("a time in quotes, such as '2026-01-31 12:00:00'").map(Some)
}
