//! Relations that are more than a name: a table at an old version, and its change feed.
//!
//! `FOR VERSION AS OF` and `t@v5` are brought to the form that the library parses before it sees them.

use std::fmt;

use sqlparser::ast::{
    self as sql, Expr, FunctionArg, FunctionArgExpr, TableFactor, TableFunctionArgs, TableVersion, Value,
};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::error::{ParseError, ParseErrorKind};
use super::limits::ParseLimits;
use super::name::ObjectName;
use super::source::SourceToken;
use super::with_cursor;

/// A relation that a query reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationRef {
    /// Its name as it was written.
    pub name: ObjectName,
    /// What of it is read.
    pub reading: Reading,
}

/// What of a relation is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The relation as it is.
    Newest,
    /// A version by its number.
    Version(Box<Expr>),
    /// The version of a time.
    Timestamp(Box<Expr>),
    /// `table_changes(..)`: the changes from a version or time to another, or to the newest.
    Changes(Box<Expr>, Option<Box<Expr>>),
}

impl RelationRef {
    /// The relation of this name, as it is.
    pub fn newest(name: ObjectName) -> Self {
        Self { name, reading: Reading::Newest }
    }

    /// Whether nothing but the name says what is read.
    pub fn is_by_name_alone(&self) -> bool {
        self.reading == Reading::Newest
    }

    /// Whether the change feed is read.
    pub fn is_feed(&self) -> bool {
        matches!(self.reading, Reading::Changes(..))
    }

    /// The same for two that read the same.
    pub fn key(&self) -> String {
        // A line break is in no name.
        let name = self.name.folded().join("\n");
        match &self.reading {
            Reading::Newest => name,
            Reading::Version(version) => format!("{name}\n\nversion\n{version}"),
            Reading::Timestamp(time) => format!("{name}\n\ntimestamp\n{time}"),
            Reading::Changes(from, None) => format!("{name}\n\nchanges\n{from}"),
            Reading::Changes(from, Some(to)) => format!("{name}\n\nchanges\n{from}\n{to}"),
        }
    }
}

/// Shows the name as it was written, and the version or range.
impl fmt::Display for RelationRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reading {
            Reading::Newest => write!(f, "{}", self.name),
            Reading::Version(version) => write!(f, "{} VERSION AS OF {version}", self.name),
            Reading::Timestamp(time) => write!(f, "{} TIMESTAMP AS OF {time}", self.name),
            Reading::Changes(from, None) => write!(f, "table_changes('{}', {from})", self.name),
            Reading::Changes(from, Some(to)) => write!(f, "table_changes('{}', {from}, {to})", self.name),
        }
    }
}

/// The relation that a factor of FROM reads; none for what is no relation of the catalog.
pub fn relation_of(factor: &TableFactor) -> Option<RelationRef> {
    let TableFactor::Table { name, args, version, .. } = factor else { return None };
    if let Some(args) = args {
        return is_table_changes(name).then(|| changes(args).ok()).flatten();
    }
    let name = ObjectName::from_sql(name)?;
    let reading = match version {
        None => Reading::Newest,
        Some(TableVersion::VersionAsOf(version)) => Reading::Version(Box::new(version.clone())),
        Some(TableVersion::TimestampAsOf(time) | TableVersion::ForSystemTimeAsOf(time)) => {
            Reading::Timestamp(Box::new(time.clone()))
        }
        Some(_) => return None,
    };
    Some(RelationRef { name, reading })
}

/// Refuses the forms of a version that other systems know.
pub(super) fn check_version(version: Option<&TableVersion>) -> Result<(), ParseError> {
    match version {
        None
        | Some(TableVersion::VersionAsOf(_) | TableVersion::TimestampAsOf(_) | TableVersion::ForSystemTimeAsOf(_)) => {
            Ok(())
        }
        Some(_) => {
            Err(ParseError::unsupported("AT, BEFORE and CHANGES after a table: use VERSION AS OF or table_changes(..)"))
        }
    }
}

/// Whether a function of FROM is the change feed.
pub(super) fn is_table_changes(name: &sql::ObjectName) -> bool {
    let [part] = name.0.as_slice() else { return false };
    part.as_ident()
        .is_some_and(|ident| ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("table_changes"))
}

/// `table_changes('table', from [, to])`.
///
/// # Errors
/// `Syntax` for other arguments: the name is a string, so that it can be judged before anything is read.
pub(super) fn changes(args: &TableFunctionArgs) -> Result<RelationRef, ParseError> {
    let unfit = || {
        let usage = "table_changes takes the name of a table as a string, a first version or time, and a last one if need be: table_changes('c.s.t', 0, 5)";
        ParseError::whole(ParseErrorKind::Syntax, usage)
    };
    let plain = args.args.iter().map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    let plain = plain.collect::<Option<Vec<_>>>().filter(|_| args.settings.is_none()).ok_or_else(unfit)?;
    let (name, from, to) = match plain.as_slice() {
        [name, from] => (name, from, None),
        [name, from, to] => (name, from, Some(Box::new((*to).clone()))),
        _ => return Err(unfit()),
    };
    let Expr::Value(value) = name else { return Err(unfit()) };
    let (Value::SingleQuotedString(text) | Value::DoubleQuotedString(text)) = &value.value else { return Err(unfit()) };
    let name = with_cursor(text, &ParseLimits::default(), |cursor| cursor.object_name("a table"))?;
    Ok(RelationRef { name, reading: Reading::Changes(Box::new((*from).clone()), to) })
}

/// Drops the FOR of `FOR VERSION AS OF` and `FOR TIMESTAMP AS OF`, and writes `t@v5` as `t VERSION AS OF 5`, in statements that hold
/// queries: elsewhere a name may hold an `@`.
pub(super) fn normalized(tokens: Vec<SourceToken>) -> Vec<SourceToken> {
    if !may_hold_queries(&tokens) {
        return tokens;
    }
    let mut done: Vec<SourceToken> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let next = tokens.get(at + 1);
        if let Some(number) = version_behind(done.last(), token, next) {
            done.extend(as_of(token, next, number));
            at += 2;
            continue;
        }
        if !(is_word(token, "FOR") && starts_version(tokens.get(at + 1..).unwrap_or_default())) {
            done.push(token.clone());
        }
        at += 1;
    }
    done
}

fn may_hold_queries(tokens: &[SourceToken]) -> bool {
    let is =
        |at: usize, words: &[&str]| tokens.get(at).is_some_and(|token| words.iter().any(|word| is_word(token, word)));
    let names_others =
        is(0, &["GRANT", "REVOKE", "DENY", "SHOW", "ALTER", "DROP", "COMMENT", "DESC", "DESCRIBE", "LIST", "LS"]);
    let explains_access = is(0, &["EXPLAIN"]) && is(1, &["ACCESS"]);
    let creates_other = is(0, &["CREATE"]) && !is(1, &["OR", "TABLE", "EXTERNAL", "VIEW", "FUNCTION"]);
    !(names_others || explains_access || creates_other)
}

fn is_word(token: &SourceToken, wanted: &str) -> bool {
    matches!(&token.token.token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted))
}

/// `VERSION AS OF` or `TIMESTAMP AS OF`, or their longer names.
fn starts_version(tokens: &[SourceToken]) -> bool {
    let [what, r#as, of, ..] = tokens else { return false };
    (is_word(what, "VERSION") || is_word(what, "TIMESTAMP")) && is_word(r#as, "AS") && is_word(of, "OF")
}

/// The number in `@v5`, when `at` is an `@` that stands right between a name and it.
fn version_behind<'a>(
    name: Option<&SourceToken>,
    at: &SourceToken,
    number: Option<&'a SourceToken>,
) -> Option<&'a str> {
    let (name, number) = (name?, number?);
    let is_name = matches!(name.token.token, Token::Word(_));
    let is_glued = name.end == at.start && at.end == number.start;
    if at.token.token != Token::AtSign || !is_name || !is_glued {
        return None;
    }
    let Token::Word(word) = &number.token.token else { return None };
    let digits = word.value.strip_prefix(['v', 'V'])?;
    let is_number =
        word.quote_style.is_none() && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(digits)
}

/// `VERSION AS OF number` in the place of `@v5`.
fn as_of(at: &SourceToken, number: Option<&SourceToken>, digits: &str) -> Vec<SourceToken> {
    let end = number.map_or(at.end, |number| number.end);
    let words = ["VERSION", "AS", "OF"].map(Token::make_keyword);
    let tokens = words.into_iter().chain([Token::Number(digits.to_owned(), false)]);
    tokens.map(|token| SourceToken { token: TokenWithSpan::new(token, at.token.span), start: at.start, end }).collect()
}
