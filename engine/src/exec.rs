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

use crate::error::EngineError;
use crate::functions::{Identity, TokenKey};
use crate::runtime::{Admission, Admitted, Executor, Limits, Workshop, require_governed_leaves};
use crate::stream::QueryStream;

/// What all statements share. It lives as long as the engine.
pub(crate) struct Exec {
    workshop: Workshop,
    executor: Arc<Executor>,
    admission: Admission,
}

impl Exec {
    pub fn new(limits: &Limits, key: Option<TokenKey>) -> Result<Self, EngineError> {
        Ok(Self {
            workshop: Workshop::new(limits.clone()).map_err(EngineError::internal)?.keyed(key),
            executor: Arc::new(Executor::new(limits.clone()).map_err(EngineError::internal)?),
            admission: Admission::new(limits),
        })
    }

    /// Waits for a principal's turn and makes the sessions of a statement.
    pub async fn statement(&self, principal: PrincipalId, identity: &Identity) -> Result<StatementExec, EngineError> {
        let turn =
            self.admission.enter(&principal.to_string()).await.map_err(|busy| EngineError::Limit(busy.to_string()))?;
        let sessions = self.workshop.sessions(identity).map_err(EngineError::internal)?;
        Ok(StatementExec {
            user: Arc::new(sessions.caller),
            system: sessions.system,
            executor: self.executor.clone(),
            deadline: self.executor.deadline(),
            turn: Arc::new(Mutex::new(Some(turn))),
        })
    }
}

/// One statement's share of the runtime. Its turn ends with it, or with the rows that it gave out.
#[derive(Clone)]
pub(crate) struct StatementExec {
    pub user: Arc<SessionState>,
    pub system: Arc<SessionState>,
    executor: Arc<Executor>,
    deadline: Instant,
    turn: Arc<Mutex<Option<Admitted>>>,
}

impl StatementExec {
    /// Does the whole of a statement on the query threads: planning may recurse deeply and not give way.
    pub async fn on_query_threads<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, EngineError>> + Send + 'static,
    ) -> Result<T, EngineError> {
        let step = async move { Ok::<_, DataFusionError>(work.await) };
        self.executor.run(self.deadline, step).await.map_err(|error| EngineError::from_running(&error))?
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
        let output = self.executor.stream(physical, self.user.task_ctx(), self.deadline, turn);
        // The names that the caller asked for; the physical plan may have lost their case or qualifiers.
        let schema = plan.schema().inner().clone();
        let shown = schema.clone();
        let batches = output.map(move |batch| {
            let batch = batch.map_err(|error| EngineError::from_running(&error))?;
            renamed(batch, &shown)
        });
        Ok(QueryStream::rows(schema, batches))
    }

    /// Runs a plan for its metrics and drops its rows.
    pub async fn drain(&self, plan: Arc<dyn ExecutionPlan>) -> Result<(), EngineError> {
        let mut output = self.executor.stream(plan, self.user.task_ctx(), self.deadline, None);
        while let Some(batch) = output.next().await {
            batch.map_err(|error| EngineError::from_running(&error))?;
        }
        Ok(())
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
