//! The changes in the order of their addresses.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use datafusion::common::internal_datafusion_err;
use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;

/// One change: the row that it is of, where it stands, and its clause.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    pub address: i64,
    pub batch: usize,
    pub row: usize,
    pub clause: usize,
}

/// Reads sorted changes; those without an address come last.
pub(super) struct Changes {
    stream: SendableRecordBatchStream,
    batch: Option<RecordBatch>,
    at: usize,
}

impl Changes {
    pub(super) fn new(stream: SendableRecordBatchStream) -> Self {
        Self { stream, batch: None, at: 0 }
    }

    /// The batch in which the next change is; none at the end.
    async fn batch(&mut self) -> Result<Option<RecordBatch>> {
        while self.batch.as_ref().is_none_or(|batch| self.at >= batch.num_rows()) {
            match self.stream.next().await {
                Some(batch) => (self.batch, self.at) = (Some(batch?), 0),
                None => return Ok(None),
            }
        }
        Ok(self.batch.clone())
    }

    /// The address of the next change; none when only new rows are left.
    pub(super) async fn address(&mut self) -> Result<Option<i64>> {
        let Some(batch) = self.batch().await? else { return Ok(None) };
        address_at(&batch, self.at)
    }

    /// Takes the changes up to an address, and the batches that they stand in.
    pub(super) async fn up_to(&mut self, last: i64) -> Result<(Vec<RecordBatch>, Vec<Change>)> {
        let (mut batches, mut changes) = (Vec::new(), Vec::new());
        while let Some(batch) = self.batch().await? {
            let before = changes.len();
            while self.at < batch.num_rows() {
                match address_at(&batch, self.at)? {
                    Some(address) if address <= last => {
                        let clause = clause_at(&batch, self.at)?;
                        changes.push(Change { address, batch: batches.len(), row: self.at, clause });
                        self.at += 1;
                    }
                    _ => break,
                }
            }
            let whole = self.at >= batch.num_rows();
            if changes.len() > before {
                batches.push(batch);
            }
            if !whole {
                break;
            }
        }
        Ok((batches, changes))
    }

    /// The next changes without an address, one batch at a time.
    pub(super) async fn new_rows(&mut self) -> Result<Option<RecordBatch>> {
        let Some(batch) = self.batch().await? else { return Ok(None) };
        let rest = batch.slice(self.at, batch.num_rows() - self.at);
        self.at = batch.num_rows();
        Ok(Some(rest))
    }
}

fn address_at(batch: &RecordBatch, row: usize) -> Result<Option<i64>> {
    let addresses = batch.columns().first().and_then(|column| column.as_primitive_opt::<Int64Type>());
    let addresses = addresses.ok_or_else(|| internal_datafusion_err!("changes without addresses"))?;
    Ok(addresses.is_valid(row).then(|| addresses.value(row)))
}

/// The number of the clause of a change.
pub(super) fn clause_at(batch: &RecordBatch, row: usize) -> Result<usize> {
    let clauses = batch.columns().get(1).and_then(|column| column.as_primitive_opt::<Int64Type>());
    let clause = clauses.filter(|clauses| clauses.is_valid(row)).and_then(|clauses| clauses.value(row).try_into().ok());
    clause.ok_or_else(|| internal_datafusion_err!("a change without a clause"))
}
