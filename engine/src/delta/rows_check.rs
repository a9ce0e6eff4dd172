//! Refusing rows whose check isn't TRUE.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{internal_datafusion_err, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::filter_pushdown::{ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use futures::StreamExt;

use super::write_error::RowFault;

/// Takes rows with one column more, BOOLEAN and the last: passes them on without it when it is TRUE in all of them, and fails with
/// [`RowFault::Hidden`] when it is FALSE or NULL in one.
///
/// With the row filter of a table as that column, computed on the values as they will be stored, nobody writes a row that they could not
/// read.
#[derive(Debug)]
pub struct RowCheckExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl RowCheckExec {
    /// Wraps a plan whose last column is the check.
    ///
    /// # Errors
    /// Internal, when the plan has no such column.
    pub fn try_new(input: Arc<dyn ExecutionPlan>) -> Result<Self> {
        let schema = input.schema();
        let Some((check, fields)) = schema.fields().split_last() else {
            return internal_err!("a row check needs a column");
        };
        if check.data_type() != &DataType::Boolean {
            return internal_err!("a row check must be BOOLEAN");
        }
        let shown = Schema::new_with_metadata(fields.to_vec(), schema.metadata().clone());
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::new(shown)),
            datafusion::physical_expr::Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Ok(Self { input, properties: Arc::new(properties) })
    }
}

impl DisplayAs for RowCheckExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowCheck")
    }
}

impl ExecutionPlan for RowCheckExec {
    fn name(&self) -> &str {
        "RowCheck"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
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

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.pop().ok_or_else(|| internal_datafusion_err!("a row check needs an input"))?;
        Ok(Arc::new(Self::try_new(input)?))
    }

    /// A filter above may not run below: it would drop rows before they are checked.
    fn handle_child_pushdown_result(
        &self,
        _: FilterPushdownPhase,
        result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        Ok(FilterPushdownPropagation::all_unsupported(result))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let schema = self.schema();
        let shown = Arc::clone(&schema);
        let stream = self.input.execute(partition, context)?.map(move |batch| checked(&batch?, &shown));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream)))
    }
}

fn checked(batch: &RecordBatch, shown: &SchemaRef) -> Result<RecordBatch> {
    let Some((check, columns)) = batch.columns().split_last() else {
        return internal_err!("a row check needs a column");
    };
    let Some(check) = check.as_boolean_opt() else { return internal_err!("a row check must be BOOLEAN") };
    if check.null_count() > 0 || check.true_count() < check.len() {
        return Err(RowFault::Hidden.into());
    }
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(shown), columns.to_vec(), &rows)?)
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, BooleanArray, Int32Array};
    use datafusion::datasource::memory::MemorySourceConfig;
    use datafusion::physical_plan::collect;
    use rstest::rstest;

    use super::*;

    fn plan(check: Vec<Option<bool>>) -> Arc<dyn ExecutionPlan> {
        let rows = i32::try_from(check.len()).unwrap();
        let ids: ArrayRef = Arc::new(Int32Array::from_iter_values(0..rows));
        let check: ArrayRef = Arc::new(BooleanArray::from(check));
        let batch = RecordBatch::try_from_iter([("id", ids), ("ok", check)]).unwrap();
        let source = MemorySourceConfig::try_new_exec(&[vec![batch.clone()]], batch.schema(), None).unwrap();
        Arc::new(RowCheckExec::try_new(source).unwrap())
    }

    #[tokio::test]
    async fn rows_that_pass_lose_the_check() {
        let batches = collect(plan(vec![Some(true), Some(true)]), Arc::new(TaskContext::default())).await.unwrap();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
        assert!(batches.iter().all(|batch| batch.num_columns() == 1));
    }

    #[rstest]
    #[case(vec![Some(true), Some(false)])]
    #[case(vec![Some(true), None])]
    #[tokio::test]
    async fn one_row_that_does_not_pass_fails_all(#[case] check: Vec<Option<bool>>) {
        let error = collect(plan(check), Arc::new(TaskContext::default())).await.unwrap_err();
        assert_eq!(RowFault::find(&error), Some(&RowFault::Hidden));
    }

    #[test]
    fn a_last_column_of_another_type_is_refused() {
        let ids: ArrayRef = Arc::new(Int32Array::from(vec![1]));
        let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
        let source = MemorySourceConfig::try_new_exec(&[vec![batch.clone()]], batch.schema(), None).unwrap();
        assert!(RowCheckExec::try_new(source).is_err());
    }
}
