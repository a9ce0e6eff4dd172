//! The rows of the new files: those of the old ones, in their order, beside the changes.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::UInt64Array;
use arrow::array::{Array, ArrayRef, AsArray, Int8Array, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::{interleave, take};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::common::{internal_datafusion_err, internal_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::StreamExt;
use tokio::sync::mpsc::Sender;

use super::super::addressed::{AddressedTable, file_of};
use super::super::conform::{ColumnMatch, conform};
use super::super::write_error::RowFault;
use super::change::{Change, Changes, clause_at};
use super::{Clause, Counts, Effect, HEAD, TAG, Tag, hidden};
use crate::governed::FaultLog;

type Sent = Sender<Result<RecordBatch>>;

/// What a rewrite is made of.
pub(super) struct Job {
    table: AddressedTable,
    whole: Arc<dyn ExecutionPlan>,
    changes: Arc<dyn ExecutionPlan>,
    clauses: Vec<Clause>,
    /// Where the values of each clause begin.
    values: Vec<usize>,
    /// The stored columns, any of which may hold NULL.
    stored: SchemaRef,
    /// The stored columns as they are declared.
    declared: SchemaRef,
    /// Whether rows that are gone are given too.
    pub(super) feeds: bool,
    faults: (Arc<dyn FaultLog>, String),
    pub(super) counts: Counts,
}

impl Job {
    #[expect(clippy::too_many_arguments, reason = "they are its fields")]
    pub(super) fn new(
        table: AddressedTable,
        whole: Arc<dyn ExecutionPlan>,
        changes: Arc<dyn ExecutionPlan>,
        clauses: Vec<Clause>,
        stored: SchemaRef,
        declared: SchemaRef,
        feeds: bool,
        faults: (Arc<dyn FaultLog>, String),
    ) -> Self {
        let mut values = Vec::with_capacity(clauses.len());
        let mut next = HEAD;
        for clause in &clauses {
            values.push(next);
            next += clause.fills.len();
        }
        let counts = Counts::default();
        Self { table, whole, changes, clauses, values, stored, declared, feeds, faults, counts }
    }

    /// The table that is rewritten.
    pub(super) fn table(&self) -> &AddressedTable {
        &self.table
    }

    /// The stored columns and the tag.
    pub(super) fn tagged(&self) -> SchemaRef {
        let mut fields: Vec<_> = self.stored.fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(TAG, DataType::Int8, false)));
        Arc::new(Schema::new(fields))
    }

    /// Gives all rows, file by file, then the new ones.
    pub(super) async fn run(&self, context: Arc<TaskContext>, sender: Sent) -> Result<()> {
        let mut changes = Changes::new(self.changes.execute(0, Arc::clone(&context))?);
        while let Some(address) = changes.address().await? {
            let file = file_of(address);
            self.counts.touched.lock().insert(file);
            let rows = self.table.one_file(&self.whole, file).await.map_err(|error| self.hidden(error))?;
            for partition in 0..rows.output_partitioning().partition_count() {
                self.file(&rows, partition, &context, &mut changes, &sender).await?;
            }
            if changes.address().await?.is_some_and(|next| file_of(next) <= file) {
                return internal_err!("a row to change is not in its file");
            }
        }
        while let Some(batch) = changes.new_rows().await? {
            for inserted in self.inserted(&batch)? {
                self.counts.add(Tag::Inserted, inserted.num_rows());
                send(&sender, inserted).await?;
            }
        }
        Ok(())
    }

    async fn file(
        &self,
        rows: &Arc<dyn ExecutionPlan>,
        partition: usize,
        context: &Arc<TaskContext>,
        changes: &mut Changes,
        sender: &Sent,
    ) -> Result<()> {
        let rows = self.as_stored(Arc::clone(rows))?;
        let mut stream = rows.execute(partition, Arc::clone(context)).map_err(|error| self.hidden(error))?;
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(|error| self.hidden(error))?;
            let Some((addresses, columns)) = batch.columns().split_last() else { return internal_err!("no columns") };
            let addresses = addresses.as_primitive_opt::<Int64Type>();
            let addresses = addresses.ok_or_else(|| internal_datafusion_err!("rows without addresses"))?.values();
            let Some(last) = addresses.last() else { continue };
            let (batches, found) = changes.up_to(*last).await?;
            for changed in self.changed(columns, addresses, &batches, &found)? {
                send(sender, changed).await?;
            }
        }
        Ok(())
    }

    /// The rows of a file in the types that the table declares.
    fn as_stored(&self, rows: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let mut fields: Vec<_> = self.stored.fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new("address", DataType::Int64, false)));
        conform(rows, &Schema::new(fields), &ColumnMatch::Position)
            .map_err(|error| self.hidden(DataFusionError::External(Box::new(error))))
    }

    /// A batch of a file with what happens to its rows.
    fn changed(
        &self,
        columns: &[ArrayRef],
        addresses: &[i64],
        batches: &[RecordBatch],
        found: &[Change],
    ) -> Result<Vec<RecordBatch>> {
        if found.is_empty() {
            return Ok(vec![self.batch(columns.to_vec(), vec![Tag::Kept; addresses.len()])?]);
        }
        let fates = self.fates(addresses, found)?;
        let gone = |fate: &Option<Change>| fate.is_some_and(|change| self.effect(&change) == Effect::Delete);
        let staying: Vec<(usize, Option<Change>)> =
            fates.iter().copied().enumerate().filter(|(_, fate)| !gone(fate)).collect();
        let tags: Vec<Tag> =
            staying.iter().map(|(_, fate)| if fate.is_some() { Tag::Updated } else { Tag::Kept }).collect();
        self.counts.add(Tag::Updated, tags.iter().filter(|tag| **tag == Tag::Updated).count());
        self.counts.add(Tag::Deleted, fates.len() - staying.len());
        let mut new = Vec::with_capacity(columns.len());
        for (at, column) in columns.iter().enumerate() {
            new.push(self.column(at, column, batches, &staying)?);
        }
        let mut given = vec![self.batch(new, tags)?];
        if self.feeds {
            given.push(self.before(columns, &fates)?);
        }
        Ok(given)
    }

    /// The change of each row of a batch.
    fn fates(&self, addresses: &[i64], found: &[Change]) -> Result<Vec<Option<Change>>> {
        let mut fates = vec![None; addresses.len()];
        let mut at = 0;
        for change in found {
            while addresses.get(at).is_some_and(|address| *address < change.address) {
                at += 1;
            }
            let (Some(address), Some(fate)) = (addresses.get(at), fates.get_mut(at)) else {
                return internal_err!("a change of no row");
            };
            if *address != change.address {
                return internal_err!("a change of a row that is not there");
            }
            if let Some(other) = fate.replace(*change)
                && !self.may_repeat(&other, change)
            {
                return Err(RowFault::Ambiguous.into());
            }
        }
        Ok(fates)
    }

    /// A row can be deleted again by the one clause that changes rows at all.
    fn may_repeat(&self, one: &Change, other: &Change) -> bool {
        let changing = self.clauses.iter().filter(|clause| clause.effect != Effect::Insert).count();
        changing == 1 && one.clause == other.clause && self.effect(one) == Effect::Delete
    }

    fn effect(&self, change: &Change) -> Effect {
        // A clause that is not known is an error before this.
        self.clauses.get(change.clause).map_or(Effect::Delete, |clause| clause.effect)
    }

    /// One column of the rows that stay, with the new values in their places.
    fn column(
        &self,
        at: usize,
        column: &ArrayRef,
        batches: &[RecordBatch],
        staying: &[(usize, Option<Change>)],
    ) -> Result<ArrayRef> {
        let mut arrays: Vec<&dyn Array> = vec![column.as_ref()];
        let mut known: HashMap<(usize, usize), usize> = HashMap::new();
        let mut places = Vec::with_capacity(staying.len());
        for (row, fate) in staying {
            let Some((change, value)) = fate.and_then(|change| Some((change, self.value_of(&change, at)?))) else {
                places.push((0, *row));
                continue;
            };
            let source = batches.get(change.batch).and_then(|batch| batch.columns().get(value));
            let source = source.ok_or_else(|| internal_datafusion_err!("a change without its value"))?;
            self.require_value(at, source, change.row)?;
            let place = *known.entry((change.batch, value)).or_insert_with(|| {
                arrays.push(source.as_ref());
                arrays.len() - 1
            });
            places.push((place, change.row));
        }
        Ok(interleave(&arrays, &places)?)
    }

    /// Where the value of a change for a column stands.
    fn value_of(&self, change: &Change, column: usize) -> Option<usize> {
        let clause = self.clauses.get(change.clause)?;
        let place = clause.fills.iter().position(|filled| *filled == column)?;
        Some(self.values.get(change.clause)? + place)
    }

    fn require_value(&self, column: usize, values: &ArrayRef, row: usize) -> Result<()> {
        match self.declared.fields().get(column) {
            Some(field) if !field.is_nullable() && values.is_null(row) => {
                Err(RowFault::NotNull(field.name().clone()).into())
            }
            _ => Ok(()),
        }
    }

    /// The rows as they were before they were changed, for the change data feed.
    fn before(&self, columns: &[ArrayRef], fates: &[Option<Change>]) -> Result<RecordBatch> {
        let changed = fates.iter().enumerate().filter_map(|(row, fate)| fate.map(|change| (row, change)));
        let changed: Vec<_> = changed.collect();
        let rows = UInt64Array::from_iter_values(changed.iter().map(|(row, _)| *row as u64));
        let tag = |change: &Change| if self.effect(change) == Effect::Delete { Tag::Deleted } else { Tag::Before };
        let tags = changed.iter().map(|(_, change)| tag(change)).collect();
        let taken = columns.iter().map(|column| Ok(take(column, &rows, None)?)).collect::<Result<Vec<_>>>()?;
        self.batch(taken, tags)
    }

    /// New rows, by the clauses that add them.
    fn inserted(&self, batch: &RecordBatch) -> Result<Vec<RecordBatch>> {
        let mut given = Vec::new();
        let mut by_clause: HashMap<usize, Vec<u64>> = HashMap::new();
        for row in 0..batch.num_rows() {
            by_clause.entry(clause_at(batch, row)?).or_default().push(row as u64);
        }
        for (number, rows) in by_clause {
            let clause = self.clauses.get(number).filter(|clause| clause.effect == Effect::Insert);
            let clause = clause.ok_or_else(|| internal_datafusion_err!("a new row of no clause"))?;
            let first = self.values.get(number).copied().unwrap_or(HEAD);
            let rows = UInt64Array::from(rows);
            let mut columns = Vec::with_capacity(self.stored.fields().len());
            for (at, field) in self.stored.fields().iter().enumerate() {
                let filled = clause.fills.iter().position(|filled| *filled == at);
                let column = match filled.and_then(|place| batch.columns().get(first + place)) {
                    Some(values) => take(values, &rows, None)?,
                    None => new_null_array(field.data_type(), rows.len()),
                };
                if self.declared.fields().get(at).is_some_and(|field| !field.is_nullable()) && column.null_count() > 0 {
                    return Err(RowFault::NotNull(field.name().clone()).into());
                }
                columns.push(column);
            }
            given.push(self.batch(columns, vec![Tag::Inserted; rows.len()])?);
        }
        Ok(given)
    }

    fn batch(&self, mut columns: Vec<ArrayRef>, tags: Vec<Tag>) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(tags.len()));
        columns.push(Arc::new(Int8Array::from_iter_values(tags.into_iter().map(|tag| tag as i8))));
        Ok(RecordBatch::try_new_with_options(self.tagged(), columns, &options)?)
    }

    fn hidden(&self, error: DataFusionError) -> DataFusionError {
        hidden(&self.faults, error)
    }
}

async fn send(sender: &Sent, batch: RecordBatch) -> Result<()> {
    if batch.num_rows() == 0 {
        return Ok(());
    }
    // Without a reader the statement has ended already.
    sender.send(Ok(batch)).await.map_err(|_| internal_datafusion_err!("nobody reads the rows"))
}
