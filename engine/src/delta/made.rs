//! A leaf whose rows a function makes. Nothing optimises, repartitions or pushes filters into what is below it.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result as PlanResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};

/// Makes the rows of one partition.
type Make = dyn Fn(usize, Arc<TaskContext>) -> PlanResult<SendableRecordBatchStream> + Send + Sync;

/// The leaf.
pub(super) struct MadeExec {
    make: Box<Make>,
    properties: Arc<PlanProperties>,
}

impl MadeExec {
    /// A leaf of so many partitions; `make` gives streams of this schema.
    pub(super) fn new(
        schema: SchemaRef,
        partitions: usize,
        make: impl Fn(usize, Arc<TaskContext>) -> PlanResult<SendableRecordBatchStream> + Send + Sync + 'static,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { make: Box::new(make), properties: Arc::new(properties) }
    }
}

impl fmt::Debug for MadeExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Made")
    }
}

impl DisplayAs for MadeExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Made")
    }
}

impl ExecutionPlan for MadeExec {
    fn name(&self) -> &str {
        "Made"
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
        (self.make)(partition, context)
    }
}
