//! How one statement uses the runtime: its turn, its clock, its two sessions.

use std::future::Future;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use futures::StreamExt;
use lakewarden_catalog::model::PrincipalId;
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::EngineError;
use crate::functions::{Identity, TokenKey};
use crate::runtime::{
    Admission, Admitted, Counts, Executor, LimitError, Limits, Meter, QueryOutput, Workshop, require_governed_leaves,
};
use crate::stream::QueryStream;

/// What all statements share. It lives as long as the engine.
pub(crate) struct Exec {
    workshop: Workshop,
    executor: Arc<Executor>,
    admission: Admission,
    counts: Arc<Counts>,
}

/// How busy an engine is.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Statements that have a turn.
    pub running: usize,
    /// Statements that wait for one.
    pub waiting: usize,
    /// Memory that the running ones hold, in bytes.
    pub memory_bytes: usize,
    /// How many statements ended by a limit since the start, for each reason.
    pub ended: [(&'static str, u64); 6],
}

impl Exec {
    pub fn new(limits: &Limits, key: Option<TokenKey>) -> Result<Self, EngineError> {
        Ok(Self {
            workshop: Workshop::new(limits.clone()).map_err(EngineError::internal)?.keyed(key),
            executor: Arc::new(Executor::new(limits.clone()).map_err(EngineError::internal)?),
            admission: Admission::new(limits),
            counts: Arc::default(),
        })
    }

    pub fn load(&self) -> Load {
        let (running, waiting) = self.admission.count();
        Load { running, waiting, memory_bytes: self.workshop.memory().used(), ended: self.counts.read() }
    }

    /// Waits for a principal's turn and makes the sessions of a statement.
    pub async fn statement(
        &self,
        principal: PrincipalId,
        identity: &Identity,
        cancel: CancellationToken,
    ) -> Result<StatementExec, EngineError> {
        let principal = principal.to_string();
        let turn = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(LimitError::Cancelled),
            turn = self.admission.enter(&principal) => turn,
        };
        let turn = turn.inspect_err(|why| self.counts.add(why))?;
        let sessions = self.workshop.sessions(identity).map_err(EngineError::internal)?;
        Ok(StatementExec {
            user: Arc::new(sessions.caller),
            system: sessions.system,
            meter: sessions.meter,
            executor: self.executor.clone(),
            counts: self.counts.clone(),
            deadline: self.executor.deadline(),
            cancel,
            turn: Arc::new(Mutex::new(Some(turn))),
        })
    }
}

/// One statement's share of the runtime. Its turn ends with it, or with the rows that it gave out.
#[derive(Clone)]
pub(crate) struct StatementExec {
    pub user: Arc<SessionState>,
    pub system: Arc<SessionState>,
    pub meter: Arc<Meter>,
    executor: Arc<Executor>,
    counts: Arc<Counts>,
    deadline: Instant,
    cancel: CancellationToken,
    turn: Arc<Mutex<Option<Admitted>>>,
}

impl StatementExec {
    /// Does the whole of a statement on the query threads: planning may recurse deeply and not give way.
    pub async fn on_query_threads<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, EngineError>> + Send + 'static,
    ) -> Result<T, EngineError> {
        let step = async move { Ok::<_, DataFusionError>(work.await) };
        let done = self.executor.run(&self.meter, self.deadline, &self.cancel, step).await;
        let done = done.map_err(|error| EngineError::from_running(&error)).flatten();
        done.inspect_err(|error| count(&self.counts, error))
    }

    /// Goes past the point where the statement can be cancelled. A change of several steps asks before the first that others can see, so that it
    /// happens as a whole or not at all.
    ///
    /// # Errors
    /// What has stopped the statement.
    pub fn begin_commit(&self) -> Result<(), EngineError> {
        Ok(self.meter.commit()?)
    }

    /// Optimizes a plan for the caller's session and makes it physical. It reads nothing but governed relations, or is refused.
    pub async fn plan(&self, plan: &LogicalPlan) -> Result<(LogicalPlan, Arc<dyn ExecutionPlan>), EngineError> {
        let optimized = self.user.optimize(plan).map_err(|error| EngineError::from_planning(&error))?;
        let physical = self.user.query_planner().create_physical_plan(&optimized, self.user.as_ref()).await;
        let physical = physical.map_err(|error| EngineError::from_planning(&error))?;
        require_governed_leaves(&physical).map_err(EngineError::internal)?;
        Ok((optimized, physical))
    }

    /// Runs a query; the rows come as they are read.
    pub async fn run(&self, plan: &LogicalPlan) -> Result<QueryStream, EngineError> {
        let (_, physical) = self.plan(plan).await?;
        let turn = self.turn.lock().take();
        let output = self.stream(physical, turn);
        // The names that the caller asked for; the physical plan may have lost their case or qualifiers.
        let schema = plan.schema().inner().clone();
        let (shown, counts) = (schema.clone(), self.counts.clone());
        let batches = output.map(move |batch| {
            let batch = batch.map_err(|error| EngineError::from_running(&error));
            renamed(batch.inspect_err(|error| count(&counts, error))?, &shown)
        });
        Ok(QueryStream::rows(schema, batches))
    }

    /// Runs a plan for its metrics and drops its rows.
    pub async fn drain(&self, plan: Arc<dyn ExecutionPlan>) -> Result<(), EngineError> {
        let mut output = self.stream(plan, None);
        while let Some(batch) = output.next().await {
            batch.map_err(|error| EngineError::from_running(&error))?;
        }
        Ok(())
    }

    fn stream(&self, plan: Arc<dyn ExecutionPlan>, turn: Option<Admitted>) -> QueryOutput {
        self.executor.stream(plan, self.user.task_ctx(), self.deadline, self.cancel.clone(), turn)
    }
}

fn count(counts: &Counts, error: &EngineError) {
    if let Some(why) = error.limit() {
        counts.add(why);
    }
}

/// A batch under the schema that was announced, whose types may differ in nullability and string layout only.
fn renamed(batch: RecordBatch, schema: &arrow::datatypes::SchemaRef) -> Result<RecordBatch, EngineError> {
    if batch.schema() == *schema {
        return Ok(batch);
    }
    let mut columns = Vec::with_capacity(batch.num_columns());
    for (column, field) in batch.columns().iter().zip(schema.fields()) {
        let same = column.data_type() == field.data_type();
        let column = if same {
            column.clone()
        } else {
            arrow::compute::cast(column, field.data_type()).map_err(EngineError::internal)?
        };
        columns.push(column);
    }
    let options = arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options).map_err(EngineError::internal)
}
