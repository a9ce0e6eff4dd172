//! Columns of floating point, which nothing is skipped by.
//!
//! NaN is greater than every number, and the statistics of files leave it out. So `x > 7` skips a file with a NaN whose other values are
//! smaller: the answer would be wrong, and depend on what else is in the file, hidden rows among it.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use datafusion::common::internal_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::CardinalityEffect;
use datafusion::physical_plan::filter_pushdown::{ChildFilterDescription, FilterDescription, FilterPushdownPhase};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
    Statistics,
};

/// Whether values of a type are, or hold, numbers of floating point.
pub(super) fn is_floating(data_type: &DataType) -> bool {
    match data_type {
        DataType::Struct(fields) => fields.iter().any(|field| is_floating(field.data_type())),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => is_floating(field.data_type()),
        DataType::Dictionary(_, values) => is_floating(values),
        other => other.is_floating(),
    }
}

/// Whether a predicate reads such a column, or one that the schema doesn't know.
pub(super) fn reads_floating(predicate: &Expr, schema: &Schema) -> bool {
    let floating = |name: &str| schema.field_with_name(name).map_or(true, |field| is_floating(field.data_type()));
    predicate.column_refs().iter().any(|column| floating(&column.name))
}

/// Puts a guard on a scan that reads such columns: filters of operators above pass it unless they read one.
pub(super) fn guarded(scan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    match scan.schema().fields().iter().any(|field| is_floating(field.data_type())) {
        true => Arc::new(FloatingGuardExec { input: scan }),
        false => scan,
    }
}

#[derive(Debug)]
struct FloatingGuardExec {
    input: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for FloatingGuardExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FloatingGuardExec")
    }
}

impl ExecutionPlan for FloatingGuardExec {
    fn name(&self) -> &str {
        "FloatingGuardExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self { input })),
            _ => internal_err!("a guard has one input"),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.input.execute(partition, context)
    }

    fn repartitioned(&self, partitions: usize, config: &ConfigOptions) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let input = self.input.repartitioned(partitions, config)?;
        Ok(input.map(|input| Arc::new(Self { input }) as Arc<dyn ExecutionPlan>))
    }

    fn statistics_from_inputs(&self, inputs: &[Arc<Statistics>], _: &StatisticsArgs) -> Result<Arc<Statistics>> {
        match inputs {
            [input] => Ok(Arc::clone(input)),
            _ => internal_err!("a guard has one input"),
        }
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }

    fn gather_filters_for_pushdown(
        &self,
        _: FilterPushdownPhase,
        parent_filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        let schema = self.input.schema();
        let exact: HashSet<usize> =
            (0..schema.fields().len()).filter(|at| !is_floating(schema.field(*at).data_type())).collect();
        let child = ChildFilterDescription::from_child_with_allowed_indices(&parent_filters, exact, &self.input)?;
        Ok(FilterDescription::new().with_child(child))
    }
}
