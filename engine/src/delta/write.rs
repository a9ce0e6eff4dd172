//! Writing the rows of a plan to a Delta table.
//!
//! The plan is the caller's: governed, planned, with the caller's memory. It runs below a leaf of ours, so that nothing
//! optimises it a second time, its rows are counted, and its errors are told from those of the writer: what the plan
//! says may be shown, what the writer says quotes rows and isn't.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::provider_as_source;
use datafusion::execution::object_store::DefaultObjectStoreRegistry;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::physical_plan::ExecutionPlan;
use deltalake::delta_datafusion::SessionFallbackPolicy;
use deltalake::delta_datafusion::planner::DeltaPlanner;
use deltalake::kernel::engine::arrow_conversion::TryIntoArrow;
use deltalake::operations::write::WriteBuilder;
use deltalake::protocol::SaveMode;
use deltalake::table::builder::DeltaTableBuilder;
use deltalake::{DeltaTable, DeltaTableError};

use super::conform::{ColumnMatch, GENERATED, conform};
use super::create;
use super::definition::TableDefinition;
use super::input::ExecProvider;
use super::location::Location;
use super::watched::{Watch, WatchedExec};
use super::write_error::WriteError;

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The version that it made.
    pub version: u64,
    /// How many rows were given.
    pub rows: u64,
}

/// Whether the rows join those that are there or take their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// `INSERT INTO`.
    Append,
    /// `INSERT OVERWRITE`: all rows.
    Overwrite,
}

/// Writes the rows of `input` to the newest version of the table, all or none.
///
/// `session` is the caller's: its memory and its options are used, its object stores aren't.
///
/// # Errors
/// See [`WriteError`]; none of them quotes a row.
pub async fn write(
    location: &Location,
    mode: WriteMode,
    input: Arc<dyn ExecutionPlan>,
    matching: &ColumnMatch,
    session: &SessionState,
) -> Result<Written, WriteError> {
    write_into(&open(location).await?, mode, input, matching, session).await
}

/// Writes as `write` does, to a table that still has the columns of `judged`, which it was when it was decided that they may be written.
///
/// # Errors
/// As `write`, and `Conflict`.
pub async fn write_as_judged(
    location: &Location,
    judged: &DeltaTable,
    mode: WriteMode,
    input: Arc<dyn ExecutionPlan>,
    matching: &ColumnMatch,
    session: &SessionState,
) -> Result<Written, WriteError> {
    let table = open(location).await?;
    let names = |schema: &Schema| schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    if names(&table_schema(&table)?) != names(&table_schema(judged)?) {
        return Err(WriteError::Conflict);
    }
    write_into(&table, mode, input, matching, session).await
}

async fn write_into(
    table: &DeltaTable,
    mode: WriteMode,
    input: Arc<dyn ExecutionPlan>,
    matching: &ColumnMatch,
    session: &SessionState,
) -> Result<Written, WriteError> {
    let schema = table_schema(table)?;
    let rows = conform(input, &schema, matching)?;
    require_computable(&rows.schema(), &schema)?;
    let snapshot = table.snapshot()?.snapshot().clone();
    let save = match mode {
        WriteMode::Append => SaveMode::Append,
        WriteMode::Overwrite => SaveMode::Overwrite,
    };
    run(WriteBuilder::new(table.log_store(), Some(snapshot)).with_save_mode(save), rows, session).await
}

/// Creates a table with the rows of `input`, whose columns fill those of the definition in their order: one commit, all
/// or none.
///
/// # Errors
/// As `create_table` and `write`. Nothing stays in the folder then.
pub async fn create_table_as(
    location: &Location,
    definition: &TableDefinition,
    input: Arc<dyn ExecutionPlan>,
    session: &SessionState,
) -> Result<Written, WriteError> {
    let rows = conform(input, definition.schema()?.as_ref(), &ColumnMatch::Position)?;
    let store = create::prepare(location, definition)?;
    let mut builder = WriteBuilder::new(store, None)
        .with_save_mode(SaveMode::ErrorIfExists)
        .with_partition_columns(definition.partition_columns.clone())
        .with_configuration(definition.properties.iter().map(|(key, value)| (key.clone(), Some(value.clone()))));
    if let Some(description) = &definition.description {
        builder = builder.with_description(description.clone());
    }
    let done = run(builder, rows, session).await;
    if done.is_err() {
        create::abandon(location);
    }
    done
}

/// Appends batches, which must have one schema.
///
/// # Errors
/// As `write`.
pub async fn append_batches(
    location: &Location,
    batches: Vec<RecordBatch>,
    matching: &ColumnMatch,
    session: &SessionState,
) -> Result<Written, WriteError> {
    let Some(first) = batches.first() else {
        let version = open(location).await?.version().ok_or(WriteError::NotFound)?;
        return Ok(Written { version, rows: 0 });
    };
    let schema = first.schema();
    let input = MemorySourceConfig::try_new_exec(&[batches], schema, None).map_err(WriteError::from_input)?;
    write(location, WriteMode::Append, input, matching, session).await
}

/// The columns of a table as its rows are stored, partition columns in their places.
///
/// # Errors
/// `Storage`, for a schema that Arrow has no words for.
pub fn table_schema(table: &DeltaTable) -> Result<Schema, WriteError> {
    let stored = table.snapshot()?.schema();
    stored.as_ref().try_into_arrow().map_err(|source| WriteError::Storage(Box::new(DeltaTableError::Arrow { source })))
}

/// deltalake folds the names of all columns to lower case when it computes generated ones
/// (`operations/write/generated_columns.rs`), and doesn't find the others.
fn require_computable(rows: &Schema, table: &Schema) -> Result<(), WriteError> {
    let plain =
        |name: &str| name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    let computes = table.fields().iter().any(|field| field.metadata().contains_key(GENERATED));
    if !computes || rows.fields().iter().all(|field| plain(field.name())) {
        return Ok(());
    }
    Err(WriteError::Unsupported(
        "writing to a table with generated columns and with names that are not in lower case".to_owned(),
    ))
}

async fn open(location: &Location) -> Result<DeltaTable, WriteError> {
    if !location.path().is_dir() {
        return Err(WriteError::NotFound);
    }
    Ok(DeltaTableBuilder::from_url(location.url()?)?.load().await?)
}

pub(super) async fn run(
    builder: WriteBuilder,
    rows: Arc<dyn ExecutionPlan>,
    session: &SessionState,
) -> Result<Written, WriteError> {
    let watch = Arc::new(Watch::default());
    let leaf = Arc::new(WatchedExec::new(rows, Arc::clone(&watch)));
    let provider = provider_as_source(Arc::new(ExecProvider::new(leaf)));
    let plan = LogicalPlanBuilder::scan("rows", provider, None).and_then(LogicalPlanBuilder::build);
    let written = builder
        .with_input_plan(plan.map_err(WriteError::from_input)?)
        .with_cast_safety(false)
        .with_session_state(Arc::new(write_session(session)))
        .with_session_fallback_policy(SessionFallbackPolicy::RequireSessionState)
        .await;
    if let Some(error) = watch.take_error() {
        return Err(WriteError::from_input(error));
    }
    let version = written?.version().ok_or(WriteError::NotFound)?;
    Ok(Written { version, rows: watch.rows() })
}

/// The caller's session with object stores of its own, since the writer registers that of the table, and with the
/// writer's planner.
fn write_session(session: &SessionState) -> SessionState {
    let mut runtime = RuntimeEnv::clone(session.runtime_env());
    runtime.object_store_registry = Arc::new(DefaultObjectStoreRegistry::new());
    SessionStateBuilder::new_from_existing(session.clone())
        .with_runtime_env(Arc::new(runtime))
        .with_query_planner(DeltaPlanner::new())
        .build()
}

#[cfg(test)]
mod tests;
