//! The tables of TPC-H as Delta tables.
//!
//! The rows are those that the reference generator makes, comments included. A large table is made in parts, side by
//! side, one file each, and no more of it is held in memory than a batch and the encoded end of a file per part at
//! work.
//!
//! **Source:** TPC Benchmark H, revision 3, clauses 1.4 and 4.2.

use std::sync::Arc;
use std::thread::available_parallelism;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use deltalake::DeltaTableError;
use deltalake::datafile::writer::{DeltaWriter, WriterConfig};
use deltalake::kernel::{Action, Add};
use deltalake::logstore::{LogStoreRef, ObjectStoreRef};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet, yield_now};
use tpchgen_arrow::RecordBatchIterator;

use crate::delta::create::{abandon, builder, prepare};
use crate::delta::{Location, TableColumn, TableDefinition, WriteError, parse_sql_type};

mod tables;

pub use tables::TpchTable;

/// Above this, the generator's keys and the time it takes are beyond what it is for.
const MAX_SCALE: f64 = 1000.0;
/// A table is cut into four files, unless they would be smaller or larger than this.
const ROWS_PER_FILE: std::ops::RangeInclusive<u64> = 50_000..=1_000_000;

/// How far a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The table.
    pub table: TpchTable,
    /// Rows written.
    pub rows_done: u64,
    /// Rows to write; for `lineitem` an estimate until the end.
    pub rows_total: u64,
}

/// A table that was made.
#[derive(Debug, Clone)]
pub struct TableWritten {
    /// Its columns, in order.
    pub columns: Vec<TableColumn>,
    /// How many rows it has.
    pub rows: u64,
    /// Its version.
    pub version: u64,
}

/// Makes one table in an empty or missing folder, in one commit. `scale` 1 is about 1 GB of text in all tables
/// together.
///
/// # Errors
/// As `create_table`, and `Definition` for a scale that isn't between 0 and 1000. Nothing stays in the folder then.
pub async fn generate(
    table: TpchTable,
    scale: f64,
    location: &Location,
    on_progress: impl FnMut(Progress),
) -> Result<TableWritten, WriteError> {
    if !(scale > 0.0 && scale <= MAX_SCALE) {
        return Err(WriteError::Definition(format!("the scale of TPC-H must be above 0 and at most {MAX_SCALE}")));
    }
    let definition = table.definition(scale)?;
    let store = prepare(location, &definition)?;
    let done = fill(table, scale, &definition, store, on_progress).await;
    if done.is_err() {
        abandon(location);
    }
    done
}

async fn fill(
    table: TpchTable,
    scale: f64,
    definition: &TableDefinition,
    store: LogStoreRef,
    mut on_progress: impl FnMut(Progress),
) -> Result<TableWritten, WriteError> {
    let rows_total = table.rows(scale);
    let (report, mut reports) = mpsc::unbounded_channel();
    let objects = store.object_store(None);
    let mut parts = Parts::new(table, scale, definition.schema()?, objects, report);
    let mut rows_done = 0;
    let mut adds = Vec::new();
    loop {
        tokio::select! {
            biased;
            Some(rows) = reports.recv() => {
                rows_done += rows;
                on_progress(Progress { table, rows_done, rows_total: rows_total.max(rows_done) });
            }
            part = parts.next() => match part {
                Some(part) => adds.extend(part?),
                None => break,
            },
        }
    }
    while let Ok(rows) = reports.try_recv() {
        rows_done += rows;
    }
    on_progress(Progress { table, rows_done, rows_total: rows_done });
    adds.sort_by(|a: &Add, b| a.path.cmp(&b.path));
    let made = builder(store, definition)?.with_actions(adds.into_iter().map(Action::Add)).await?;
    let version = made.version().ok_or(WriteError::NotFound)?;
    Ok(TableWritten { columns: definition.columns.clone(), rows: rows_done, version })
}

/// The parts of a table, some of them at work.
struct Parts {
    part: Part,
    next: i32,
    running: JoinSet<Result<Vec<Add>, DeltaTableError>>,
}

impl Parts {
    fn new(
        table: TpchTable,
        scale: f64,
        schema: SchemaRef,
        objects: ObjectStoreRef,
        report: mpsc::UnboundedSender<u64>,
    ) -> Self {
        let rows = table.rows(scale);
        let rows_per_file = (rows / 4).clamp(*ROWS_PER_FILE.start(), *ROWS_PER_FILE.end());
        let count = if table.has_parts() { i32::try_from(rows.div_ceil(rows_per_file)).unwrap_or(i32::MAX) } else { 1 };
        Self { part: Part { table, scale, count, schema, objects, report }, next: 1, running: JoinSet::new() }
    }

    /// The files of a part that is done; `None` when all are.
    async fn next(&mut self) -> Option<Result<Vec<Add>, WriteError>> {
        let at_once = available_parallelism().map_or(1, usize::from);
        while self.running.len() < at_once && self.next <= self.part.count {
            self.running.spawn(self.part.clone().write(self.next));
            self.next += 1;
        }
        let joined = self.running.join_next().await?;
        Some(joined.map_err(|error| panicked(&error)).and_then(|adds| adds).map_err(WriteError::from))
    }
}

fn panicked(error: &JoinError) -> DeltaTableError {
    DeltaTableError::generic(format!("a part of the table ended early: {error}"))
}

#[derive(Clone)]
struct Part {
    table: TpchTable,
    scale: f64,
    count: i32,
    schema: SchemaRef,
    objects: ObjectStoreRef,
    report: mpsc::UnboundedSender<u64>,
}

impl Part {
    async fn write(self, number: i32) -> Result<Vec<Add>, DeltaTableError> {
        let config =
            WriterConfig::new(Arc::clone(&self.schema), Vec::new(), None, None, None, Default::default(), None);
        let mut writer = DeltaWriter::new(Arc::clone(&self.objects), config);
        for batch in self.table.generator(self.scale, number, self.count) {
            if let Err(error) = writer.write(&stored(&batch, &self.schema)?).await {
                // The first error is the one to tell.
                let _ = writer.abort().await;
                return Err(error);
            }
            // Nobody listens any more when the statement is gone; the task ends with it.
            let _ = self.report.send(u64::try_from(batch.num_rows()).unwrap_or(u64::MAX));
            yield_now().await;
        }
        writer.close().await
    }
}

/// The generator gives views of strings; tables store strings.
fn stored(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, DeltaTableError> {
    let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| cast(column, field.data_type()));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows)?)
}

#[cfg(test)]
mod tests;
