//! Requests that create tables, views and functions, and bind policies, as the statements that do it.
//!
//! There is one way to make these things: SQL's. A request becomes the text of a statement, in which types, queries and
//! bodies stand as the request has them. So every such piece is first parsed by itself, and the whole text is
//! parsed and compared with the request: a type that goes on into another clause is refused, not run.

mod policy;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lakewarden_catalog::model::FullName;
use lakewarden_engine::statement::{
    AlterAction, ColumnSpec, CreateFunction, CreateTable, Literal, ParseErrorKind, ParseLimits, PolicyArgument,
    Statement, parse_function_body, parse_one, parse_query,
};
use lakewarden_proto::v1;
use lakewarden_proto::v1::policy_argument::Argument;
use tonic::Status;

use super::Faults;
use super::records::describe;

pub use policy::{create_policy, policy_target};

/// The most columns of a table, and parameters of a function or policy.
const MAX_ITEMS: usize = 10_000;

/// A statement made of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The full name of what the statement makes or changes.
    pub name: FullName,
    /// The statement.
    pub sql: String,
}

/// `CREATE TABLE`.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn create_table(request: &v1::CreateTableRequest) -> Result<Made, Status> {
    let mut faults = Faults::new();
    let name = faults.child(&request.parent, 2, &request.name);
    let described = describe(&request.comment, &request.properties, &mut faults);
    check_columns(request, &mut faults);
    let name = faults.finish(name.zip(described).map(|(name, _)| name))?;
    let mut sql = format!("CREATE TABLE {}", quoted_name(&name));
    if !request.columns.is_empty() {
        let columns: Vec<_> = request.columns.iter().map(column_text).collect();
        let _ = write!(sql, " ({})", columns.join(", "));
    }
    if !request.partition_columns.is_empty() {
        let columns: Vec<_> = request.partition_columns.iter().map(|name| ident(name)).collect();
        let _ = write!(sql, " PARTITIONED BY ({})", columns.join(", "));
    }
    if !request.location.is_empty() {
        let _ = write!(sql, " LOCATION {}", string(&request.location));
    }
    sql.push_str(&describing(&request.comment, &request.properties));
    match parse(&sql) {
        Ok(Statement::CreateTable(table)) if is_as_asked(&table, &name, request) => Ok(Made { name, sql }),
        other => Err(not_as_asked(other)),
    }
}

fn check_columns(request: &v1::CreateTableRequest, faults: &mut Faults) {
    if request.columns.is_empty() && request.location.is_empty() {
        faults.add("columns", "is required for a table without a location");
    }
    if request.columns.len() > MAX_ITEMS {
        faults.add("columns", format!("holds {} columns, the most is {MAX_ITEMS}", request.columns.len()));
        return;
    }
    for (at, column) in request.columns.iter().enumerate() {
        faults.required(&format!("columns[{at}].name"), &column.name);
        check_type(&format!("columns[{at}].type_text"), &column.type_text, faults);
        if column.mask.is_some() {
            faults.add(format!("columns[{at}].mask"), "is set by PolicyService, when the table is there");
        }
    }
    for (at, name) in request.partition_columns.iter().enumerate() {
        if !request.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name)) {
            faults.add(format!("partition_columns[{at}]"), format!("`{}` is none of the columns", name.escape_debug()));
        }
    }
}

fn column_text(column: &v1::Column) -> String {
    let not_null = if is_not_null(column) { " NOT NULL" } else { "" };
    format!("{} {}{not_null}{}", ident(&column.name), column.type_text, commenting(&column.comment))
}

fn is_not_null(column: &v1::Column) -> bool {
    column.nullable == Some(false)
}

fn is_as_asked(table: &CreateTable, name: &FullName, request: &v1::CreateTableRequest) -> bool {
    let same_column = |(spec, column): (&ColumnSpec, &v1::Column)| {
        spec.name == column.name
            && spec.type_text == column.type_text.trim()
            && spec.not_null == is_not_null(column)
            && spec.comment.as_deref().unwrap_or_default() == column.comment
            && spec.mask.is_none()
    };
    table.name.parts == parts(name)
        && table.columns.len() == request.columns.len()
        && table.columns.iter().zip(&request.columns).all(same_column)
        && table.partitioned_by == request.partition_columns
        && table.location.as_deref().unwrap_or_default() == request.location
        && table.comment.as_deref().unwrap_or_default() == request.comment
        && same_properties(&table.properties, &request.properties)
        && !(table.or_replace || table.if_not_exists || table.external)
        && (table.format.is_none() && table.options.is_empty() && table.row_filter.is_none() && table.query.is_none())
}

/// `CREATE VIEW`.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn create_view(request: &v1::CreateViewRequest) -> Result<Made, Status> {
    let mut faults = Faults::new();
    let name = faults.child(&request.parent, 2, &request.name);
    let described = describe(&request.comment, &request.properties, &mut faults);
    if let Some(text) = faults.required("view_definition", &request.view_definition) {
        check_text("view_definition", parse_query(text, &ParseLimits::default()), &mut faults);
    }
    let name = faults.finish(name.zip(described).map(|(name, _)| name))?;
    let replacing = if request.or_replace { "OR REPLACE " } else { "" };
    let describing = describing(&request.comment, &request.properties);
    let sql = format!("CREATE {replacing}VIEW {}{describing} AS {}", quoted_name(&name), request.view_definition);
    match parse(&sql) {
        Ok(Statement::CreateView(view))
            if view.name.parts == parts(&name)
                && view.or_replace == request.or_replace
                && view.columns.is_empty()
                && view.comment.as_deref().unwrap_or_default() == request.comment
                && same_properties(&view.properties, &request.properties) =>
        {
            Ok(Made { name, sql })
        }
        Ok(Statement::Unsupported { .. }) => Ok(Made { name, sql }),
        other => Err(not_as_asked(other)),
    }
}

/// `CREATE FUNCTION`. Its properties are no part of the statement.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn create_function(request: &v1::CreateFunctionRequest) -> Result<Made, Status> {
    let mut faults = Faults::new();
    let name = faults.child(&request.parent, 2, &request.name);
    let described = describe(&request.comment, &request.properties, &mut faults);
    if request.parameters.len() > MAX_ITEMS {
        faults.add("parameters", format!("holds {} parameters, the most is {MAX_ITEMS}", request.parameters.len()));
    } else {
        for (at, parameter) in request.parameters.iter().enumerate() {
            faults.name(&format!("parameters[{at}].name"), &parameter.name);
            check_type(&format!("parameters[{at}].type_text"), &parameter.type_text, &mut faults);
        }
    }
    check_type("return_type", &request.return_type, &mut faults);
    if let Some(text) = faults.required("routine_definition", &request.routine_definition) {
        check_text("routine_definition", parse_function_body(text, &ParseLimits::default()), &mut faults);
    }
    let name = faults.finish(name.zip(described).map(|(name, _)| name))?;
    let sql = function_text(&name, request);
    match parse(&sql) {
        Ok(Statement::CreateFunction(function)) if is_function_as_asked(&function, &name, request) => {
            Ok(Made { name, sql })
        }
        Ok(Statement::Unsupported { .. }) => Ok(Made { name, sql }),
        other => Err(not_as_asked(other)),
    }
}

fn function_text(name: &FullName, request: &v1::CreateFunctionRequest) -> String {
    let parameter = |parameter: &v1::FunctionParameter| {
        format!("{} {}{}", ident(&parameter.name), parameter.type_text, commenting(&parameter.comment))
    };
    let parameters: Vec<_> = request.parameters.iter().map(parameter).collect();
    format!(
        "CREATE {}FUNCTION {}({}) RETURNS {}{} RETURN {}",
        if request.or_replace { "OR REPLACE " } else { "" },
        quoted_name(name),
        parameters.join(", "),
        request.return_type,
        commenting(&request.comment),
        request.routine_definition,
    )
}

fn is_function_as_asked(function: &CreateFunction, name: &FullName, request: &v1::CreateFunctionRequest) -> bool {
    let parameters = function.parameters.iter().zip(&request.parameters);
    function.name.parts == parts(name)
        && function.or_replace == request.or_replace
        && function.parameters.len() == request.parameters.len()
        && parameters.into_iter().all(|(spec, asked)| {
            spec.name == asked.name
                && spec.type_text == asked.type_text.trim()
                && spec.comment.as_deref().unwrap_or_default() == asked.comment
                && spec.default.is_none()
        })
        && function.returns_text == request.return_type.trim()
        && function.comment.as_deref().unwrap_or_default() == request.comment
        && (function.deterministic.is_none() && function.data_access.is_none())
}

/// `ALTER TABLE .. SET ROW FILTER`.
pub fn set_row_filter(table: &FullName, filter: Option<&v1::RowFilter>, faults: &mut Faults) -> Option<Made> {
    let Some(filter) = filter else {
        faults.add("row_filter", "is required");
        return None;
    };
    let function = faults.full_name("row_filter.function", &filter.function, 3);
    let arguments = arguments("row_filter.arguments", &filter.arguments, faults);
    let (function, arguments) = function.zip(arguments)?;
    let (name, on) = (quoted_name(table), joined(&arguments));
    let sql = format!("ALTER TABLE {name} SET ROW FILTER {} ON ({on})", quoted_name(&function));
    altering(table, sql, faults, |action| match action {
        AlterAction::SetRowFilter(spec) => spec.on == arguments && spec.function.parts == parts(&function),
        _ => false,
    })
}

/// `ALTER TABLE .. ALTER COLUMN .. SET MASK`.
pub fn set_mask(
    table: &FullName,
    column: &str,
    path: &[String],
    mask: Option<&v1::ColumnMask>,
    faults: &mut Faults,
) -> Option<Made> {
    let column = faults.required("column", column);
    let Some(mask) = mask else {
        faults.add("mask", "is required");
        return None;
    };
    let function = faults.full_name("mask.function", &mask.function, 3);
    let arguments = arguments("mask.using_columns", &mask.using_columns, faults);
    let ((function, arguments), column) = function.zip(arguments).zip(column)?;
    let using = if arguments.is_empty() { String::new() } else { format!(" USING COLUMNS ({})", joined(&arguments)) };
    let names = [column].into_iter().chain(path.iter().map(String::as_str));
    let (name, masked) = (quoted_name(table), names.map(ident).collect::<Vec<_>>().join("."));
    let sql = format!("ALTER TABLE {name} ALTER COLUMN {masked} SET MASK {}{using}", quoted_name(&function));
    altering(table, sql, faults, |action| match action {
        AlterAction::SetMask { column: named, path: inside, mask } => {
            named == column && inside == path && mask.using == arguments && mask.function.parts == parts(&function)
        }
        _ => false,
    })
}

fn altering(
    table: &FullName,
    sql: String,
    faults: &mut Faults,
    is_as_asked: impl Fn(&AlterAction) -> bool,
) -> Option<Made> {
    match parse(&sql) {
        Ok(Statement::Alter(alter)) if alter.name.parts == parts(table) && is_as_asked(&alter.action) => {
            Some(Made { name: table.clone(), sql })
        }
        _ => {
            faults.add("table", "cannot be named in a statement");
            None
        }
    }
}

/// The arguments of a policy, each a column or a constant.
fn arguments(field: &str, arguments: &[v1::PolicyArgument], faults: &mut Faults) -> Option<Vec<PolicyArgument>> {
    if arguments.len() > MAX_ITEMS {
        faults.add(field, format!("holds {} arguments, the most is {MAX_ITEMS}", arguments.len()));
        return None;
    }
    let mut read = Vec::with_capacity(arguments.len());
    for (at, argument) in arguments.iter().enumerate() {
        let field = format!("{field}[{at}]");
        read.push(match &argument.argument {
            None => {
                faults.add(field, "is neither a column nor a constant");
                None
            }
            Some(Argument::Column(name)) => {
                faults.required(&field, name).map(|name| PolicyArgument::Column(name.to_owned()))
            }
            Some(Argument::Literal(text)) => literal(&field, text, faults).map(PolicyArgument::Literal),
        });
    }
    read.into_iter().collect()
}

/// A constant, read as the argument of a policy is read in SQL.
fn literal(field: &str, text: &str, faults: &mut Faults) -> Option<Literal> {
    let parsed = parse(&format!("ALTER TABLE t SET ROW FILTER f ON ({text}\n)"));
    let found = match parsed {
        Ok(Statement::Alter(alter)) => match alter.action {
            AlterAction::SetRowFilter(spec) => match spec.on.as_slice() {
                [PolicyArgument::Literal(literal)] => Some(literal.clone()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    };
    if found.is_none() {
        faults.add(field, format!("`{}` is not a constant in SQL, such as 'EMEA', 42 or TRUE", text.escape_debug()));
    }
    found
}

fn joined(arguments: &[PolicyArgument]) -> String {
    let text = |argument: &PolicyArgument| match argument {
        PolicyArgument::Column(name) => ident(name),
        PolicyArgument::Literal(literal) => literal.to_string(),
    };
    arguments.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// Notes a fault unless the text is one type and nothing else.
fn check_type(field: &str, text: &str, faults: &mut Faults) {
    if faults.required(field, text).is_none() {
        return;
    }
    let alone = |table: &CreateTable| match table.columns.as_slice() {
        [column] => {
            column.type_text == text.trim() && !column.not_null && column.comment.is_none() && column.mask.is_none()
        }
        _ => false,
    };
    match parse(&format!("CREATE TABLE t (c {text}\n)")) {
        Ok(Statement::CreateTable(table)) if alone(&table) => {}
        _ => faults.add(field, format!("`{}` is not a type, such as BIGINT or DECIMAL(15,2)", text.escape_debug())),
    }
}

/// Notes a fault for a query or body that cannot be parsed. What is not supported is the engine's to say.
fn check_text<T>(field: &str, parsed: Result<T, lakewarden_engine::statement::ParseError>, faults: &mut Faults) {
    match parsed {
        Err(error) if error.kind != ParseErrorKind::Unsupported => faults.add(field, error.to_string()),
        _ => {}
    }
}

fn parse(sql: &str) -> Result<Statement, lakewarden_engine::statement::ParseError> {
    parse_one(sql, &ParseLimits::default())
}

/// The pieces were fine alone and are something else together.
fn not_as_asked(parsed: Result<Statement, lakewarden_engine::statement::ParseError>) -> Status {
    let what = match parsed {
        Ok(_) => "the request does not read as one statement".to_owned(),
        Err(error) => error.to_string(),
    };
    crate::status::malformed(&[("request".to_owned(), what)])
}

fn parts(name: &FullName) -> Vec<String> {
    name.parts().iter().map(ToString::to_string).collect()
}

/// A full name as SQL.
pub fn quoted_name(name: &FullName) -> String {
    name.parts().iter().map(|part| ident(part.as_str())).collect::<Vec<_>>().join(".")
}

/// A name as SQL, in backticks: a bare word may be a keyword.
fn ident(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text as an SQL string.
fn string(text: &str) -> String {
    Literal::String(text.to_owned()).to_string()
}

fn commenting(comment: &str) -> String {
    if comment.is_empty() { String::new() } else { format!(" COMMENT {}", string(comment)) }
}

fn describing(comment: &str, properties: &BTreeMap<String, String>) -> String {
    let mut text = commenting(comment);
    if !properties.is_empty() {
        let pairs: Vec<_> =
            properties.iter().map(|(key, value)| format!("{} = {}", string(key), string(value))).collect();
        let _ = write!(text, " TBLPROPERTIES ({})", pairs.join(", "));
    }
    text
}

fn same_properties(parsed: &[(String, String)], asked: &BTreeMap<String, String>) -> bool {
    parsed.len() == asked.len() && parsed.iter().all(|(key, value)| asked.get(key) == Some(value))
}

#[cfg(test)]
mod tests;
