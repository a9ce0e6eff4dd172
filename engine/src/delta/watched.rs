//! A leaf that watches the rows of a plan go by.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use datafusion::common::exec_datafusion_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as PlanResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use futures::{StreamExt, future, stream};
use parking_lot::Mutex;

use crate::runtime::Meter;

/// What is seen of the rows while they are written.
#[derive(Default)]
pub(super) struct Watch {
    rows: AtomicU64,
    /// Parts whose rows have all gone by.
    ended: AtomicUsize,
    error: Mutex<Option<DataFusionError>>,
}

impl Watch {
    /// How many rows went by.
    pub(super) fn rows(&self) -> u64 {
        self.rows.load(Ordering::Acquire)
    }

    /// The error that the plan ended with.
    pub(super) fn take_error(&self) -> Option<DataFusionError> {
        self.error.lock().take()
    }

    fn see(&self, batch: PlanResult<RecordBatch>) -> PlanResult<RecordBatch> {
        match batch {
            Ok(batch) => {
                let rows = u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
                self.rows.fetch_add(rows, Ordering::AcqRel);
                Ok(batch)
            }
            Err(error) => Err(self.keep(error)),
        }
    }

    /// All rows of a part have gone by. After the last one the writer commits: from here on the statement can't be stopped, or it has been.
    fn end(&self, parts: usize, meter: Option<&Meter>) -> PlanResult<()> {
        let ended = self.ended.fetch_add(1, Ordering::AcqRel) + 1;
        match meter {
            Some(meter) if ended == parts => meter.commit().map_err(|stopped| self.keep(stopped.into())),
            _ => Ok(()),
        }
    }

    /// Keeps the first error and gives one to stop the writer with.
    fn keep(&self, error: DataFusionError) -> DataFusionError {
        self.error.lock().get_or_insert(error);
        exec_datafusion_err!("the rows cannot be computed")
    }
}

/// A leaf for optimisers: the plan below was optimised already.
pub(super) struct WatchedExec {
    rows: Arc<dyn ExecutionPlan>,
    watch: Arc<Watch>,
    properties: Arc<PlanProperties>,
}

impl WatchedExec {
    pub(super) fn new(rows: Arc<dyn ExecutionPlan>, watch: Arc<Watch>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(rows.schema()),
            Partitioning::UnknownPartitioning(rows.output_partitioning().partition_count()),
            rows.pipeline_behavior(),
            rows.boundedness(),
        );
        Self { rows, watch, properties: Arc::new(properties) }
    }
}

impl fmt::Debug for WatchedExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rows")
    }
}

impl DisplayAs for WatchedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rows")
    }
}

impl ExecutionPlan for WatchedExec {
    fn name(&self) -> &str {
        "Rows"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> PlanResult<TreeNodeRecursion>,
    ) -> PlanResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> PlanResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> PlanResult<SendableRecordBatchStream> {
        let watch = Arc::clone(&self.watch);
        let stream = self.rows.execute(partition, Arc::clone(&context)).map_err(|error| self.watch.keep(error))?;
        let (meter, parts) = (Meter::of(context.session_config()), self.properties.partitioning.partition_count());
        let ended = Arc::clone(&self.watch);
        let end = stream::once(async move { ended.end(parts, meter.as_deref()) });
        let end = end.filter_map(|ended| future::ready(ended.err().map(Err)));
        let seen = stream.map(move |batch| watch.see(batch)).chain(end);
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.rows.schema(), seen)))
    }
}
