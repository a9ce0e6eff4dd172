//! From a statement's text to what it asks for.
//!
//! Owns: the grammar of the statements we run, and the bounds on their text. It knows no catalog: names stay
//! as they were written, privileges stay words, and whether anything exists or is allowed is decided elsewhere.
//!
//! **An allow-list.** A statement is recognised by its leading words, here, before the parsing library sees it:
//! that library takes every unknown `SHOW x` for a variable, and its statements include many that would
//! change the engine's own state (`SET`, `COPY`, `PREPARE`, `CREATE EXTERNAL TABLE`). It is asked for queries,
//! expressions and types only. What is recognised and not built is [`Statement::Unsupported`]; anything else is an
//! error. Queries pass a gate of their own wherever they stand: they read named relations, never files, never table
//! functions that reach outside.
//!
//! **Bounds first.** The text's length, then the tokens' nesting and chains, and only then the parse: a deep tree
//! ends the process when it is walked or dropped. See [`ParseLimits`].
//!
//! `"x"` is a string, `` `x` `` is a name (a backtick inside is doubled), strings know backslash escapes.

mod abac;
mod alter;
mod column;
mod comment;
mod cursor;
mod delete;
mod describe;
mod dialect;
mod dispatch;
mod drop;
mod error;
mod function;
mod gate;
mod grant;
mod growth;
mod insert;
mod limits;
mod merge;
mod name;
mod namespace;
mod policy;
mod principal;
mod query;
mod refs;
mod script;
mod show;
mod source;
mod storage;
mod table;
mod tag;
mod update;
mod versions;
mod view;

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};

use sqlparser::ast::Query;
use sqlparser::tokenizer::Token;

pub use abac::{CreatePolicy, DropPolicy, MatchColumns, PolicyRef, ShowPolicies, TagCondition};
pub use alter::{Alter, AlterAction};
pub use column::ColumnSpec;
pub use comment::CommentOn;
pub use delete::Delete;
pub use describe::{Describe, DescribeLog, LogQuestion};
pub use drop::Drop;
pub use error::{ParseError, ParseErrorKind};
pub use function::{CreateFunction, DataAccess, FunctionBody, FunctionParameter};
pub use grant::{ExplainAccess, GrantStatement, GrantVerb, Grantees, ObjectRef, PrivilegeSpec, ShowGrants};
pub use insert::Insert;
pub use limits::ParseLimits;
pub use merge::{Merge, MergeAction, MergeClause, MergeSource, MergeWhen};
pub use name::{ObjectKind, ObjectName};
pub use namespace::{CreateCatalog, CreateSchema, Use};
pub use policy::{Literal, MaskSpec, PolicyArgument, RowFilterSpec};
pub use principal::{
    AlterPrincipal, CreatePrincipal, DropPrincipal, Leftovers, Member, PrincipalAction, PrincipalKind,
};
pub use query::{Explain, SourceQuery};
pub use refs::QueryRefs;
pub use script::split_script;
pub use show::{FunctionScope, Show, ShowKind};
pub use storage::{CreateExternalLocation, CreateStorageCredential, CreateVolume, ListFiles};
pub use table::CreateTable;
pub use tag::{CreateTag, ShowTags, TagChange, Target};
pub use update::{Assignment, ChangedTable, Update};
pub use versions::{Reading, RelationRef, relation_of};
pub use view::{CreateView, ViewColumn};

use cursor::Cursor;
use dialect::LakewardenDialect;
use source::SourceToken;

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// `SELECT`, `WITH`, `VALUES`: gated.
    Query(Box<Query>),
    /// `EXPLAIN` of a query.
    Explain(Explain),
    /// `USE`, `SET CATALOG`.
    Use(Use),
    /// `CREATE CATALOG`.
    CreateCatalog(CreateCatalog),
    /// `CREATE SCHEMA`.
    CreateSchema(CreateSchema),
    /// `CREATE TABLE`.
    CreateTable(Box<CreateTable>),
    /// `CREATE VIEW`.
    CreateView(Box<CreateView>),
    /// `CREATE FUNCTION`.
    CreateFunction(Box<CreateFunction>),
    /// `CREATE STORAGE CREDENTIAL`.
    CreateStorageCredential(CreateStorageCredential),
    /// `CREATE EXTERNAL LOCATION`.
    CreateExternalLocation(CreateExternalLocation),
    /// `CREATE VOLUME`.
    CreateVolume(CreateVolume),
    /// `INSERT`.
    Insert(Box<Insert>),
    /// `UPDATE`.
    Update(Box<Update>),
    /// `DELETE`, `TRUNCATE`.
    Delete(Box<Delete>),
    /// `MERGE`.
    Merge(Box<Merge>),
    /// `DROP` of a catalog object.
    Drop(Drop),
    /// `ALTER` of a catalog object, row filters and masks included.
    Alter(Alter),
    /// `COMMENT ON`.
    CommentOn(CommentOn),
    /// `CREATE POLICY`.
    CreatePolicy(Box<CreatePolicy>),
    /// `DROP POLICY`.
    DropPolicy(DropPolicy),
    /// `SHOW POLICIES`, `SHOW EFFECTIVE POLICIES`.
    ShowPolicies(ShowPolicies),
    /// `DESCRIBE POLICY`.
    DescribePolicy(PolicyRef),
    /// `CREATE TAG`.
    CreateTag(CreateTag),
    /// `SHOW TAGS`.
    ShowTags(ShowTags),
    /// `GRANT`, `REVOKE`, `DENY`.
    Grant(GrantStatement),
    /// `SHOW GRANTS`, `SHOW EFFECTIVE GRANTS`.
    ShowGrants(ShowGrants),
    /// `EXPLAIN ACCESS`.
    ExplainAccess(ExplainAccess),
    /// `SHOW` of anything else.
    Show(Show),
    /// `DESCRIBE`.
    Describe(Describe),
    /// `DESCRIBE HISTORY`, `DESCRIBE DETAIL`.
    DescribeLog(DescribeLog),
    /// `LIST`.
    ListFiles(ListFiles),
    /// `CREATE USER`, `CREATE GROUP`, `CREATE SERVICE PRINCIPAL`.
    CreatePrincipal(CreatePrincipal),
    /// `ALTER` of a user, group or service principal.
    AlterPrincipal(AlterPrincipal),
    /// `DROP` of a user, group or service principal.
    DropPrincipal(DropPrincipal),
    /// Understood, and not built: to be answered `Unimplemented`, never run.
    Unsupported {
        /// What it is, for people: `UPDATE`, `time travel (VERSION AS OF, TIMESTAMP AS OF)`.
        what: String,
    },
}

impl Statement {
    /// Whether values may be given for parameters of the statement.
    pub fn has_parameters(&self) -> bool {
        matches!(
            self,
            Self::Query(_) | Self::Explain(_) | Self::Insert(_) | Self::Update(_) | Self::Delete(_) | Self::Merge(_)
        )
    }
}

/// Parses exactly one statement; a `;` after it is fine.
///
/// # Errors
/// `Empty` for no statement, `SeveralStatements` for more than one, `Limit` when the text is past `limits`,
/// `Syntax` for everything else that is not understood. What is understood and not built is no error but
/// [`Statement::Unsupported`].
pub fn parse_one(sql: &str, limits: &ParseLimits) -> Result<Statement, ParseError> {
    guarded(|| unguarded(sql, limits))
}

fn unguarded(sql: &str, limits: &ParseLimits) -> Result<Statement, ParseError> {
    let parsed = with_cursor(sql, limits, dispatch::statement);
    match parsed {
        Err(error) if error.kind == ParseErrorKind::Unsupported => Ok(Statement::Unsupported { what: error.message }),
        other => other,
    }
}

/// Checks the text, then parses all of it.
fn with_cursor<T>(
    sql: &str,
    limits: &ParseLimits,
    parse: impl FnOnce(&mut Cursor<'_>) -> Result<T, ParseError>,
) -> Result<T, ParseError> {
    limits.check_text(sql)?;
    let tokens = one_statement(source::tokens(sql, &LakewardenDialect::new(0))?)?;
    limits.check_tokens(&tokens)?;
    let tokens = versions::normalized(tokens);
    let dialect = LakewardenDialect::new(tokens.len());
    let mut cursor = Cursor::new(sql, tokens, &dialect, limits);
    let parsed = parse(&mut cursor)?;
    cursor.expect_end()?;
    Ok(parsed)
}

/// Parses a query alone: a view's text, a prepared query.
///
/// # Errors
/// As [`parse_one`]; a construct that is not built is an error of kind `Unsupported` here.
pub fn parse_query(sql: &str, limits: &ParseLimits) -> Result<Box<Query>, ParseError> {
    match parse_one(sql, limits)? {
        Statement::Query(query) => Ok(query),
        Statement::Unsupported { what } => Err(ParseError::unsupported(what)),
        _ => Err(ParseError::whole(ParseErrorKind::Syntax, "expected a query")),
    }
}

/// Parses the body of a function (the text after `RETURN`): an expression or a query.
///
/// # Errors
/// As [`parse_query`].
pub fn parse_function_body(text: &str, limits: &ParseLimits) -> Result<FunctionBody, ParseError> {
    guarded(|| with_cursor(text, limits, function::body_of))
}

/// The tokens of the one statement that there is.
fn one_statement(mut tokens: Vec<SourceToken>) -> Result<Vec<SourceToken>, ParseError> {
    let is_end = |t: &SourceToken| matches!(t.token.token, Token::SemiColon);
    while tokens.last().is_some_and(is_end) {
        tokens.pop();
    }
    let leading = tokens.iter().take_while(|t| is_end(t)).count();
    tokens.drain(..leading);
    if tokens.is_empty() {
        return Err(ParseError::whole(ParseErrorKind::Empty, "there is no statement"));
    }
    refuse_raw_strings(&tokens)?;
    match tokens.iter().position(is_end).and_then(|end| tokens.get(end + 1)) {
        None => Ok(tokens),
        Some(next) => Err(ParseError::at(
            ParseErrorKind::SeveralStatements,
            "there is more than one statement: send them one by one",
            next.token.span.start,
        )),
    }
}

/// `r'..'` would be read as a column `r` with an alias.
fn refuse_raw_strings(tokens: &[SourceToken]) -> Result<(), ParseError> {
    let raw = tokens.iter().zip(tokens.iter().skip(1)).find(|(word, string)| {
        matches!(&word.token.token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case("r"))
            && matches!(string.token.token, Token::SingleQuotedString(_) | Token::DoubleQuotedString(_))
            && word.end == string.start
    });
    match raw {
        Some((word, _)) => Err(ParseError::at(
            ParseErrorKind::Syntax,
            "raw strings (r'..') are not known: double the backslashes of a plain string",
            word.token.span.start,
        )),
        None => Ok(()),
    }
}

/// The parsing library asserts in places; a statement that trips one is refused like any other.
fn guarded<T>(parse: impl FnOnce() -> Result<T, ParseError>) -> Result<T, ParseError> {
    catch_unwind(AssertUnwindSafe(parse))
        .unwrap_or_else(|_| Err(ParseError::whole(ParseErrorKind::Syntax, "the statement could not be parsed")))
}
