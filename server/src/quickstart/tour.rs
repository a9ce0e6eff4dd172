//! One question, asked by several callers, and the policies that make their answers differ.

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use lakewarden_catalog::Caller;
use lakewarden_engine::Engine;

use super::script::fault;
use crate::error::ServerError;

const QUESTION: &str = include_str!("../../../policies/examples/tour.sql");
const MAPPING: &str = "SELECT user_name, region FROM demo.policies.analyst_regions ORDER BY user_name, region";
const GOVERNED: [&str; 2] = ["demo.tpch.customer", "demo.tpch.orders"];

/// What the question brought.
#[derive(Debug, Clone)]
pub struct Tour {
    /// The statement, the same for all.
    pub question: String,
    /// The answers; the first is the administrator's.
    pub answers: Vec<Answer>,
    /// The policies on what the question reads.
    pub policies: Vec<Policy>,
    /// Who works for which region, one pair each.
    pub mapping: Vec<(String, String)>,
}

/// What one caller got, values as text and NULL as none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The name of the caller.
    pub caller: String,
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Option<String>>>,
}

/// A policy as `DESCRIBE EXTENDED` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The table.
    pub table: String,
    /// `Row Filter`, `Column Mask on c_phone`.
    pub kind: String,
    /// The function, and what it is given.
    pub function: String,
}

/// Asks the question as each of the callers; the first must be allowed to describe the tables.
pub(super) async fn take(engine: &Engine, callers: &[Caller]) -> Result<Tour, ServerError> {
    let mut answers = Vec::new();
    for caller in callers {
        answers.push(ask(engine, caller, QUESTION).await?);
    }
    let mut policies = Vec::new();
    let mut mapping = Vec::new();
    if let Some(admin) = callers.first() {
        for table in GOVERNED {
            let described = ask(engine, admin, &format!("DESCRIBE EXTENDED {table}")).await?;
            policies.extend(described.rows.into_iter().filter_map(|row| policy(table, row)));
        }
        let pairs = ask(engine, admin, MAPPING).await?.rows.into_iter();
        mapping = pairs.filter_map(|row| <[Option<String>; 2]>::try_from(row).ok()).filter_map(pair).collect();
    }
    let lines = QUESTION.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>();
    Ok(Tour { question: lines.join("\n"), answers, policies, mapping })
}

fn pair([user, region]: [Option<String>; 2]) -> Option<(String, String)> {
    user.zip(region)
}

fn policy(table: &str, row: Vec<Option<String>>) -> Option<Policy> {
    let [kind, function, _] = <[Option<String>; 3]>::try_from(row).ok()?;
    let kind = kind.filter(|kind| kind == "Row Filter" || kind.starts_with("Column Mask on "))?;
    let function = function.unwrap_or_default();
    // A mask without further arguments takes the column alone.
    let function = function.strip_suffix(" ON ()").unwrap_or(&function).to_owned();
    Some(Policy { table: table.to_owned(), kind, function })
}

async fn ask(engine: &Engine, caller: &Caller, sql: &str) -> Result<Answer, ServerError> {
    let stream = engine.session(caller.clone()).run(sql).await.map_err(|e| fault(sql, &e))?;
    let columns = stream.schema().fields().iter().map(|field| field.name().clone()).collect();
    let batches = stream.collect().await.map_err(|e| fault(sql, &e))?;
    let mut rows = Vec::new();
    for batch in &batches {
        rows.extend(texts(batch)?);
    }
    Ok(Answer { caller: caller.name.to_string(), columns, rows })
}

fn texts(batch: &RecordBatch) -> Result<Vec<Vec<Option<String>>>, ServerError> {
    let fault = |error: arrow::error::ArrowError| ServerError::quickstart("an answer cannot be shown", &error);
    let options = FormatOptions::default();
    let formatters = batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
    let formatters = formatters.collect::<Result<Vec<_>, _>>().map_err(fault)?;
    let cell = |(column, formatter): (&std::sync::Arc<dyn Array>, &ArrayFormatter<'_>), row: usize| {
        if column.is_null(row) { None } else { Some(formatter.value(row).to_string()) }
    };
    let rows =
        (0..batch.num_rows()).map(|row| batch.columns().iter().zip(&formatters).map(|pair| cell(pair, row)).collect());
    Ok(rows.collect())
}
