//! Changing rows of a table: the files that hold them are written anew, in one commit.
//!
//! What is to change is given by a plan: the address of a row, which clause of the statement changes it, and the new values. Its rows are
//! sorted by address, and each file that one of them is in is read from its first row to its last beside them. Rows that no change names
//! stay as they are, whoever may see them. Nothing is kept in memory but a batch of each; the sort spills.
//!
//! The commit follows the version that the addresses are of. A commit of somebody else in between is not joined: theirs may have
//! changed what decided about ours.

mod change;
mod commit;
mod rows;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::internal_datafusion_err;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use deltalake::protocol::DeltaOperation;
use parking_lot::Mutex;

use self::rows::Job;
use super::addressed::AddressedTable;
use super::conform::{ColumnMatch, GENERATED, conform};
use super::made::MadeExec;
use super::open::OpenTable;
use super::watched::{Watch, WatchedExec};
use super::write::table_schema;
use super::write_error::{RowFault, WriteError};
use crate::governed::{FaultLog, ScanFault};
use crate::runtime::LimitError;

/// The column of the rows that says what happened to each; see [`Tag`].
pub const TAG: &str = "__change_tag";

/// Columns of the changes before the values: the address, and the number of the clause.
const HEAD: usize = 2;

/// What a row of the rewritten files is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i8)]
pub enum Tag {
    /// As it was.
    Kept = 0,
    /// With new values.
    Updated = 1,
    /// New.
    Inserted = 2,
    /// As it was before an update, for the change data feed only.
    Before = 3,
    /// Deleted, for the change data feed only.
    Deleted = 4,
}

/// What a clause of a statement does with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Gives columns new values.
    Update,
    /// Takes the row out.
    Delete,
    /// Adds a row.
    Insert,
}

/// One clause: its effect, and the columns of the table that its values fill, by place. The values of all clauses stand one after the other
/// in the changes.
#[derive(Debug, Clone)]
pub struct Clause {
    /// What it does.
    pub effect: Effect,
    /// Which columns it fills.
    pub fills: Vec<usize>,
}

/// How many rows were changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// The version that it made; none when there was nothing to change.
    pub version: Option<u64>,
    /// Rows that have new values.
    pub updated: u64,
    /// Rows that are gone.
    pub deleted: u64,
    /// Rows that are new.
    pub inserted: u64,
}

/// A statement that changes rows, before it runs.
pub struct Rewrite {
    job: Arc<Job>,
    watch: Arc<Watch>,
    rows: Arc<dyn ExecutionPlan>,
}

/// The counts of a running statement.
#[derive(Debug, Default)]
struct Counts {
    updated: AtomicU64,
    deleted: AtomicU64,
    inserted: AtomicU64,
    /// The files that are written anew.
    touched: Mutex<BTreeSet<i64>>,
}

impl Rewrite {
    /// A rewrite of `stored` by `changes`: an address (NULL for a new row), the number of a clause, and the values of all clauses.
    ///
    /// # Errors
    /// `Unsupported` and `AppendOnly` by what the table is; `Incompatible` and `Row` by what the clauses fill.
    pub async fn new(
        stored: &OpenTable,
        table: AddressedTable,
        changes: Arc<dyn ExecutionPlan>,
        clauses: Vec<Clause>,
        faults: (Arc<dyn FaultLog>, String),
    ) -> Result<Self, WriteError> {
        commit::refuse_unsupported(&stored.table)?;
        let schema = table_schema(&stored.table)?;
        require_computed_nowhere(&schema, &clauses)?;
        let whole = table.whole().await.map_err(|error| withheld(&faults, error))?;
        let watch = Arc::new(Watch::default());
        let watched = Arc::new(WatchedExec::new(changes, Arc::clone(&watch)));
        let changes = sorted(conform(watched, &changes_schema(&schema, &clauses)?, &ColumnMatch::Position)?)
            .map_err(WriteError::from_input)?;
        let feeds = commit::feeds_changes(&stored.table)?;
        let job = Arc::new(Job::new(table, whole, changes, clauses, nullable(&schema), schema.into(), feeds, faults));
        let making = Arc::clone(&job);
        let rows = MadeExec::new(job.tagged(), 1, move |_, context| {
            let mut builder = RecordBatchReceiverStream::builder(making.tagged(), 2);
            let (job, sender) = (Arc::clone(&making), builder.tx());
            builder.spawn(async move { job.run(context, sender).await });
            Ok(builder.build())
        });
        Ok(Self { job, watch, rows: Arc::new(rows) })
    }

    /// The rows of the new files, and with a change data feed those that are gone: the stored columns and [`TAG`].
    pub fn rows(&self) -> Arc<dyn ExecutionPlan> {
        Arc::clone(&self.rows)
    }

    /// Writes `rows`, which are those of `rows()` once they have been judged, to files that nobody reads yet.
    ///
    /// # Errors
    /// See [`WriteError`]; `Input` with what the changes ran into, `Judged` with what judging ran into. Nothing has changed then.
    pub async fn write(
        self,
        stored: &Arc<OpenTable>,
        rows: Arc<dyn ExecutionPlan>,
        system: &SessionState,
    ) -> Result<Staging, WriteError> {
        let staged = commit::stage(&self.job, stored, rows, system).await;
        // What the changes themselves ran into is the first cause.
        if let Some(error) = self.watch.take_error() {
            if let Ok(staged) = staged {
                staged.discard(stored).await;
            }
            return Err(WriteError::from_input(error));
        }
        Ok(Staging { job: self.job, stored: Arc::clone(stored), staged: staged? })
    }
}

/// Files that are written and in no version yet.
pub struct Staging {
    job: Arc<Job>,
    stored: Arc<OpenTable>,
    staged: commit::Staged,
}

impl Staging {
    /// Makes the new version, unless there is nothing to change.
    ///
    /// # Errors
    /// `Conflict` when the table has got another version since it was opened; then, as always, nothing has changed.
    pub async fn commit(self, operation: DeltaOperation) -> Result<Rewritten, WriteError> {
        self.staged.commit(&self.job, &self.stored, operation).await
    }

    /// Takes the files away.
    pub async fn discard(self) {
        self.staged.discard(&self.stored).await;
    }
}

/// The address, the clause, and for every value the column that it goes into. A value may be NULL here: it need not be used.
fn changes_schema(schema: &Schema, clauses: &[Clause]) -> Result<Schema, WriteError> {
    let mut fields = vec![
        Arc::new(Field::new("address", DataType::Int64, true)),
        Arc::new(Field::new("clause", DataType::Int64, false)),
    ];
    for at in clauses.iter().flat_map(|clause| &clause.fills) {
        let field = schema.fields().get(*at).ok_or_else(|| WriteError::UnknownColumn(at.to_string()))?;
        fields.push(Arc::new(field.as_ref().clone().with_nullable(true)));
    }
    Ok(Schema::new(fields))
}

fn nullable(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| Arc::new(field.as_ref().clone().with_nullable(true)));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A new row has a value for every column that needs one; columns that the table computes are left alone.
fn require_computed_nowhere(schema: &Schema, clauses: &[Clause]) -> Result<(), WriteError> {
    let computed = |field: &Field| {
        field
            .metadata()
            .keys()
            .any(|key| key == GENERATED || key == "delta.invariants" || key.starts_with("delta.identity"))
    };
    if let Some(field) = schema.fields().iter().find(|field| computed(field)) {
        let name = field.name();
        return Err(WriteError::Unsupported(format!(
            "UPDATE, DELETE and MERGE of a table whose column `{name}` is generated or has an invariant"
        )));
    }
    for clause in clauses.iter().filter(|clause| clause.effect == Effect::Insert) {
        let mut fields = schema.fields().iter().enumerate();
        if let Some((_, field)) = fields.find(|(at, field)| !field.is_nullable() && !clause.fills.contains(at)) {
            return Err(RowFault::NotNull(field.name().clone()).into());
        }
    }
    Ok(())
}

fn sorted(changes: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    let options = SortOptions { descending: false, nulls_first: false };
    let order = LexOrdering::new([PhysicalSortExpr::new(Arc::new(Column::new("address", 0)), options)]);
    let order = order.ok_or_else(|| internal_datafusion_err!("no order"))?;
    let one = match changes.output_partitioning().partition_count() {
        1 => changes,
        _ => Arc::new(CoalescePartitionsExec::new(changes)) as Arc<dyn ExecutionPlan>,
    };
    Ok(Arc::new(SortExec::new(order, one)))
}

/// What goes wrong below the policies: whole for the log, a reference for the caller.
fn withheld(faults: &(Arc<dyn FaultLog>, String), error: DataFusionError) -> WriteError {
    WriteError::from_input(hidden(faults, error))
}

fn hidden((log, label): &(Arc<dyn FaultLog>, String), error: DataFusionError) -> DataFusionError {
    if LimitError::find(&error).is_some() || ScanFault::find(&error).is_some() {
        return error;
    }
    let reference = log.record(label, &error);
    DataFusionError::External(Box::new(ScanFault { label: label.clone(), reference }))
}

impl Counts {
    fn now(&self) -> Rewritten {
        let count = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        let (updated, deleted, inserted) = (count(&self.updated), count(&self.deleted), count(&self.inserted));
        Rewritten { version: None, updated, deleted, inserted }
    }

    fn add(&self, tag: Tag, rows: usize) {
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        let counter = match tag {
            Tag::Updated => &self.updated,
            Tag::Inserted => &self.inserted,
            Tag::Deleted => &self.deleted,
            Tag::Kept | Tag::Before => return,
        };
        counter.fetch_add(rows, Ordering::AcqRel);
    }
}
