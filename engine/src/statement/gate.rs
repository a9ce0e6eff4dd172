//! What a query may hold.
//!
//! Owns: the check that a parsed query reads named relations and nothing else. The planner below drops
//! several clauses without a word (`TABLESAMPLE`, `FOR UPDATE`, table hints) and would take
//! files and table functions for relations; all of that is refused here, for the whole tree.
//! Every table factor and select clause is on a list of what is allowed; the rest is refused by name.

use std::ops::ControlFlow;

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, Query, Select, SetExpr, Statement, TableAlias, TableFactor, TableFunctionArgs, UnaryOperator, Value,
    Visit, VisitMut, VisitorMut,
};

use super::error::{ParseError, ParseErrorKind};
use super::growth;
use super::versions::{changes, check_version, is_table_changes};

/// Table functions that make rows out of their arguments alone.
const TABLE_FUNCTIONS: &[&str] = &["generate_series", "range"];

/// Names of file formats, which before a path make a path table (``delta.`/p` ``).
const FILE_FORMATS: &[&str] =
    &["avro", "binaryfile", "csv", "delta", "hudi", "iceberg", "json", "orc", "parquet", "text", "xml"];

/// Refuses what a query may not hold, and rewrites `FROM unnest(..)`, `!a` and `a RLIKE b` to the planner's own forms.
///
/// # Errors
/// `Unsupported` naming the construct, `Limit` for too many relations, `Syntax` for DML inside a query.
pub(super) fn check_query(query: &mut Query, max_relations: usize) -> Result<(), ParseError> {
    run(query, max_relations)
}

/// The same for an expression (a function's body): its subqueries are queries.
pub(super) fn check_expr(expr: &mut Expr, max_relations: usize) -> Result<(), ParseError> {
    run(expr, max_relations)
}

fn run(node: &mut (impl Visit + VisitMut), max_relations: usize) -> Result<(), ParseError> {
    let mut guard = Guard { relations_left: max_relations };
    match node.visit(&mut guard) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => growth::check(node),
    }
}

struct Guard {
    relations_left: usize,
}

impl Guard {
    fn count(&mut self, relations: usize) -> Result<(), ParseError> {
        match self.relations_left.checked_sub(relations) {
            Some(left) => {
                self.relations_left = left;
                Ok(())
            }
            None => Err(ParseError::whole(ParseErrorKind::Limit, "the statement names too many relations")),
        }
    }
}

impl VisitorMut for Guard {
    type Break = ParseError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<ParseError> {
        let items = query.with.as_ref().map_or(0, |with| with.cte_tables.len());
        flow(self.count(items).and_then(|()| check_clauses(query)).and_then(|()| check_body(&query.body)))
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<ParseError> {
        flow(check_select(select))
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<ParseError> {
        flow(self.count(1).and_then(|()| check_factor(factor)))
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<ParseError> {
        planner_form(expr);
        flow(check_arguments(expr))
    }

    fn pre_visit_statement(&mut self, _statement: &mut Statement) -> ControlFlow<ParseError> {
        ControlFlow::Break(no_dml())
    }
}

/// Rewrites operators that the planner knows by another spelling: `!a`, `a RLIKE b`.
fn planner_form(expr: &mut Expr) {
    match expr {
        Expr::UnaryOp { op, .. } if *op == UnaryOperator::BangNot => *op = UnaryOperator::Not,
        Expr::RLike { negated, expr: text, pattern, .. } => {
            let take = |slot: &mut Box<Expr>| std::mem::replace(&mut **slot, Expr::value(Value::Null));
            let call = like(take(text), take(pattern));
            *expr = match negated {
                true => Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(call) },
                false => call,
            };
        }
        _ => {}
    }
}

/// `regexp_like(text, pattern)`: the planner's own operator knows fewer patterns.
fn like(text: Expr, pattern: Expr) -> Expr {
    let argument = |expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new("regexp_like")]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![argument(text), argument(pattern)],
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// Refuses `count(t.*)` and `count(DISTINCT *)`: the planner takes both for `count(*)`, which is another number.
fn check_arguments(expr: &Expr) -> Result<(), ParseError> {
    let Expr::Function(Function { args: FunctionArguments::List(list), .. }) = expr else { return Ok(()) };
    let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
    let is = |wanted: fn(&FunctionArgExpr) -> bool| {
        list.args.iter().any(|arg| matches!(arg, FunctionArg::Unnamed(value) if wanted(value)))
    };
    refuse(&[
        (is(|value| matches!(value, FunctionArgExpr::QualifiedWildcard(_))), "t.* as an argument"),
        (distinct && is(|value| matches!(value, FunctionArgExpr::Wildcard)), "DISTINCT * as an argument"),
    ])
}

fn flow(result: Result<(), ParseError>) -> ControlFlow<ParseError> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

fn no_dml() -> ParseError {
    ParseError::unsupported("a data change inside a query")
}

/// Refuses the first construct that is present.
fn refuse(constructs: &[(bool, &str)]) -> Result<(), ParseError> {
    match constructs.iter().find(|(present, _)| *present) {
        Some((_, what)) => Err(ParseError::unsupported(*what)),
        None => Ok(()),
    }
}

fn check_clauses(query: &Query) -> Result<(), ParseError> {
    let mut items = query.with.iter().flat_map(|with| &with.cte_tables);
    refuse(&[
        (items.any(|item| item.from.is_some()), "FROM after a WITH item"),
        (!query.locks.is_empty(), "row locks in a query (FOR UPDATE, FOR SHARE)"),
        (query.for_clause.is_some(), "FOR XML, FOR JSON and FOR BROWSE"),
        (query.settings.is_some(), "SETTINGS in a query"),
        (query.format_clause.is_some(), "FORMAT in a query"),
        (query.fetch.is_some(), "FETCH: use LIMIT"),
        (!query.pipe_operators.is_empty(), "pipe operators"),
    ])
}

/// The set operations of one query; what is inside their branches is visited on its own.
fn check_body(body: &SetExpr) -> Result<(), ParseError> {
    let mut open = vec![body];
    while let Some(node) = open.pop() {
        match node {
            SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => {}
            SetExpr::SetOperation { left, right, .. } => open.extend([left.as_ref(), right.as_ref()]),
            SetExpr::Table(_) => return Err(ParseError::unsupported("TABLE as a query: use SELECT * FROM")),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => return Err(no_dml()),
        }
    }
    Ok(())
}

fn check_select(select: &Select) -> Result<(), ParseError> {
    refuse(&[
        (select.into.is_some(), "SELECT INTO: use CREATE TABLE … AS"),
        (select.top.is_some(), "TOP: use LIMIT"),
        (!select.lateral_views.is_empty(), "LATERAL VIEW"),
        (select.prewhere.is_some(), "PREWHERE"),
        (!select.connect_by.is_empty(), "CONNECT BY"),
        (!select.cluster_by.is_empty(), "CLUSTER BY in a query"),
        (!select.distribute_by.is_empty(), "DISTRIBUTE BY"),
        (!select.sort_by.is_empty(), "SORT BY: use ORDER BY"),
        (select.value_table_mode.is_some(), "SELECT AS VALUE and SELECT AS STRUCT"),
        (select.select_modifiers.is_some(), "modifiers after SELECT"),
    ])
}

fn check_factor(factor: &mut TableFactor) -> Result<(), ParseError> {
    match factor {
        TableFactor::Table { name, args: None, .. } => {
            check_name(name)?;
            check_table_clauses(factor)
        }
        TableFactor::Table { version, .. } => {
            refuse(&[(version.is_some(), "a version of a table function")])?;
            check_table_clauses(factor)?;
            check_table_function(factor)
        }
        TableFactor::Derived { sample, .. } => refuse(&[(sample.is_some(), "TABLESAMPLE")]),
        TableFactor::NestedJoin { .. } => Ok(()),
        TableFactor::UNNEST { with_offset, with_ordinality, .. } => {
            refuse(&[(*with_offset, "UNNEST WITH OFFSET"), (*with_ordinality, "UNNEST WITH ORDINALITY")])
        }
        TableFactor::Function { name, .. } => Err(unknown_table_function(name)),
        TableFactor::TableFunction { .. } => Err(ParseError::unsupported("TABLE(..) as a relation")),
        TableFactor::JsonTable { .. } => Err(ParseError::unsupported("JSON_TABLE")),
        TableFactor::OpenJsonTable { .. } => Err(ParseError::unsupported("OPENJSON")),
        TableFactor::Pivot { .. } => Err(ParseError::unsupported("PIVOT")),
        TableFactor::Unpivot { .. } => Err(ParseError::unsupported("UNPIVOT")),
        TableFactor::MatchRecognize { .. } => Err(ParseError::unsupported("MATCH_RECOGNIZE")),
        TableFactor::XmlTable { .. } => Err(ParseError::unsupported("XMLTABLE")),
        TableFactor::SemanticView { .. } => Err(ParseError::unsupported("SEMANTIC_VIEW")),
    }
}

/// The clauses after a table's name, each of which the planner would drop.
fn check_table_clauses(factor: &TableFactor) -> Result<(), ParseError> {
    let TableFactor::Table { with_hints, version, with_ordinality, partitions, json_path, sample, index_hints, .. } =
        factor
    else {
        return Ok(());
    };
    check_version(version.as_ref())?;
    refuse(&[
        (sample.is_some(), "TABLESAMPLE"),
        (!with_hints.is_empty(), "hints after a table (WITH (..))"),
        (!index_hints.is_empty(), "index hints"),
        (!partitions.is_empty(), "PARTITION after a table"),
        (json_path.is_some(), "paths after a table"),
        (*with_ordinality, "WITH ORDINALITY"),
    ])
}

/// Refuses names that would lead to files instead of the catalog.
fn check_name(name: &ObjectName) -> Result<(), ParseError> {
    let idents = name.0.iter().map(|part| part.as_ident()).collect::<Option<Vec<&Ident>>>();
    let Some(idents) = idents else {
        return Err(ParseError::unsupported("computed table names (IDENTIFIER(..))"));
    };
    let is_string = idents.iter().any(|ident| !matches!(ident.quote_style, None | Some('`')));
    let is_path = idents.iter().any(|ident| ident.value.contains(['/', '\\', ':']));
    let is_format_path = match idents.as_slice() {
        [format, path] => {
            FILE_FORMATS.contains(&format.value.to_lowercase().as_str())
                && path.quote_style.is_some()
                && path.value.contains(['.', '*'])
        }
        _ => false,
    };
    let what = "files as tables: register the path with CREATE TABLE … LOCATION and read that";
    refuse(&[(is_string || is_path || is_format_path, what)])
}

/// Lets the harmless table functions through, `unnest` in the form that the planner knows.
fn check_table_function(factor: &mut TableFactor) -> Result<(), ParseError> {
    let TableFactor::Table { name, alias, args: Some(args), .. } = factor else { return Ok(()) };
    if is_table_changes(name) {
        return changes(args).map(drop);
    }
    let word = match name.0.as_slice() {
        [part] => part.as_ident().filter(|ident| ident.quote_style.is_none()).map(|ident| ident.value.to_lowercase()),
        _ => None,
    };
    match word.as_deref() {
        Some("unnest") => {
            let rewritten = unnest(args, alias.take())?;
            *factor = rewritten;
            Ok(())
        }
        Some(word) if TABLE_FUNCTIONS.contains(&word) => {
            refuse(&[(args.settings.is_some(), "SETTINGS in a table function")])
        }
        _ => Err(unknown_table_function(name)),
    }
}

fn unknown_table_function(name: &ObjectName) -> ParseError {
    let mut name: String = name.to_string().chars().take(64).collect();
    name.retain(|c| c != '`');
    if name.to_lowercase().starts_with("read_") {
        let way = "files are not read by name; register a Delta table with CREATE TABLE … LOCATION and read that";
        return ParseError::unsupported(format!("the table function `{name}` ({way})"));
    }
    ParseError::unsupported(format!(
        "the table function `{name}` (only unnest, range, generate_series and table_changes are known)"
    ))
}

fn unnest(args: &TableFunctionArgs, alias: Option<TableAlias>) -> Result<TableFactor, ParseError> {
    let plain = args.args.iter().map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr.clone()),
        _ => Err(ParseError::unsupported("named arguments of unnest")),
    });
    Ok(TableFactor::UNNEST {
        alias,
        array_exprs: plain.collect::<Result<_, _>>()?,
        with_offset: false,
        with_offset_alias: None,
        with_ordinality: false,
    })
}
