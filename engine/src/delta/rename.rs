//! Renaming a column of a Delta table: all rows are written anew under the new schema, in one commit.
//!
//! The rows are read at the version that the commit follows. A commit of somebody else in between is not merged, as that would lose
//! its rows: the rename fails, and nothing has changed.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use datafusion::datasource::provider_as_source;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlanBuilder;
use deltalake::DeltaTable;
use deltalake::kernel::transaction::CommitProperties;
use deltalake::operations::write::{SchemaMode, WriteBuilder};
use deltalake::protocol::SaveMode;

use super::conform::{ColumnMatch, conform};
use super::definition::require_plain_name;
use super::open::OpenTable;
use super::write::{Written, run, table_schema};
use super::write_error::WriteError;

/// What the metadata of a plain field may say.
const PLAIN: &str = "comment";
/// Properties under which rows or files depend on the names of columns.
const BINDING: [&str; 4] =
    ["delta.constraints.", "delta.dataSkippingStatsColumns", "delta.columnMapping.mode", "delta.enableChangeDataFeed"];

/// Rewrites an opened table so that the column `from` is called `to`.
///
/// # Errors
/// `UnknownColumn`, `DuplicateColumn`, `Definition` for a name that Parquet does not take, `Unsupported` when something of the
/// table may depend on the old name, `AppendOnly`, `Conflict` when the table has got another version since it was opened.
pub async fn rename_column(
    stored: &OpenTable,
    from: &str,
    to: &str,
    session: &SessionState,
) -> Result<Written, WriteError> {
    require_plain_name(to)?;
    refuse_binding(&stored.table)?;
    let schema = renamed(&table_schema(&stored.table)?, from, to)?;
    let raw = provider_as_source(Arc::new(stored.raw.clone()));
    let plan = LogicalPlanBuilder::scan("stored", raw, None).and_then(LogicalPlanBuilder::build);
    let rows = session.create_physical_plan(&plan.map_err(WriteError::from_input)?).await;
    let rows = rows.map_err(WriteError::from_input)?;
    let read = rows.schema();
    let filled = read.fields().iter().map(|field| if field.name() == from { to } else { field.name() }.to_owned());
    let rows = conform(rows, &schema, &ColumnMatch::Listed(filled.collect()))?;
    let snapshot = stored.table.snapshot()?.snapshot().clone();
    let builder = WriteBuilder::new(stored.table.log_store(), Some(snapshot))
        .with_save_mode(SaveMode::Overwrite)
        .with_schema_mode(SchemaMode::Overwrite)
        .with_commit_properties(CommitProperties::default().with_max_retries(0));
    run(builder, rows, session).await
}

fn renamed(schema: &Schema, from: &str, to: &str) -> Result<Schema, WriteError> {
    if !schema.fields().iter().any(|field| field.name() == from) {
        return Err(WriteError::UnknownColumn(from.to_owned()));
    }
    let is_taken = |field: &Field| field.name() != from && field.name().to_lowercase() == to.to_lowercase();
    if schema.fields().iter().any(|field| is_taken(field)) {
        return Err(WriteError::DuplicateColumn(to.to_owned()));
    }
    let fields = schema.fields().iter().map(|field| match field.name() == from {
        true => Arc::new(field.as_ref().clone().with_name(to)),
        false => Arc::clone(field),
    });
    Ok(Schema::new(fields.collect::<Vec<_>>()))
}

/// Generated columns, constraints, mappings, indexes and feeds may depend on a name in ways that are not looked into: a table with any
/// of them is left alone.
fn refuse_binding(table: &DeltaTable) -> Result<(), WriteError> {
    let refuse = |what: String| Err(WriteError::Unsupported(format!("renaming a column of a table with {what}")));
    let snapshot = table.snapshot()?;
    let off = HashMap::from([("delta.columnMapping.mode", "none"), ("delta.enableChangeDataFeed", "false")]);
    let binds = |key: &str, value: &str| {
        BINDING.iter().any(|start| key.starts_with(start)) && off.get(key).is_none_or(|off| *off != value)
    };
    if let Some((key, _)) = snapshot.metadata().configuration().iter().find(|(key, value)| binds(key, value)) {
        return refuse(format!("the property `{key}`"));
    }
    let schema = table_schema(table)?;
    let odd = |field: &Field| field.metadata().keys().find(|key| *key != PLAIN).cloned();
    match schema.fields().iter().find_map(|field| odd(field)) {
        Some(key) => refuse(format!("`{key}` on a column")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
