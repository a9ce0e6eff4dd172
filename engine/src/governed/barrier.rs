//! The line between the row filter and everything above it.
//!
//! A barrier sits directly on the row filter of a governed table, in the logical and in the physical plan. Predicates stop at it, so no
//! predicate of a caller is ever merged with the row filter and evaluated on a hidden row. Projections and run-time filters pass.
//!
//! The physical barrier also remembers which predicates and joins decided the rows when it was planned, before any physical optimizer rule
//! ran. `PolicyBarrierExec::verify` compares that with what is below it in the finished plan.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchemaRef, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{PhysicalExpr, split_conjunction};
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::execution_plan::CardinalityEffect;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterDescription, FilterPushdownPhase, FilterPushdownPropagation,
};
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

/// The barrier in a logical plan.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd)]
pub(super) struct PolicyBarrier {
    input: LogicalPlan,
}

impl PolicyBarrier {
    /// Puts a barrier on a plan.
    pub(super) fn on(input: LogicalPlan) -> LogicalPlan {
        LogicalPlan::Extension(Extension { node: Arc::new(Self { input }) })
    }

    /// What is below the barrier, when `plan` is one.
    pub(super) fn below(plan: &LogicalPlan) -> Option<&LogicalPlan> {
        match plan {
            LogicalPlan::Extension(extension) => extension.node.as_any().downcast_ref::<Self>().map(|node| &node.input),
            _ => None,
        }
    }
}

impl UserDefinedLogicalNodeCore for PolicyBarrier {
    fn name(&self) -> &str {
        "PolicyBarrier"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    // INVARIANT: `prevent_predicate_push_down_columns` stays at its default, all columns.

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PolicyBarrier")
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        match (inputs.pop(), inputs.is_empty()) {
            (Some(input), true) => Ok(Self { input }),
            _ => internal_err!("a policy barrier has one input"),
        }
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![output_columns.to_vec()])
    }
}

/// Plans [`PolicyBarrier`] as [`PolicyBarrierExec`].
#[derive(Debug)]
pub(super) struct BarrierPlanner;

#[async_trait]
impl ExtensionPlanner for BarrierPlanner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        _: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if !node.as_any().is::<PolicyBarrier>() {
            return Ok(None);
        }
        match physical_inputs {
            [input] => Ok(Some(Arc::new(PolicyBarrierExec::try_new(Arc::clone(input))?))),
            _ => internal_err!("a policy barrier has one input"),
        }
    }
}

/// The barrier in a physical plan.
#[derive(Debug)]
pub(super) struct PolicyBarrierExec {
    input: Arc<dyn ExecutionPlan>,
    witness: Arc<Witness>,
}

impl PolicyBarrierExec {
    fn try_new(input: Arc<dyn ExecutionPlan>) -> Result<Self> {
        let witness = Arc::new(Witness::of(&input)?);
        Ok(Self { input, witness })
    }

    /// Whether everything that decided the rows when the plan was made still decides them.
    pub(super) fn verify(&self) -> Result<bool> {
        if self.input.is::<EmptyExec>() {
            return Ok(true);
        }
        let found = Witness::of(&self.input)?;
        Ok(found.joins >= self.witness.joins
            && self.witness.predicates.iter().all(|wanted| {
                let count = |list: &[String]| list.iter().filter(|one| *one == wanted).count();
                count(&found.predicates) >= count(&self.witness.predicates)
            }))
    }
}

/// What decides rows in a plan: the conjuncts of its filters, with columns by name, and its joins.
#[derive(Debug, PartialEq, Eq)]
struct Witness {
    predicates: Vec<String>,
    joins: usize,
}

impl Witness {
    fn of(plan: &Arc<dyn ExecutionPlan>) -> Result<Self> {
        let mut witness = Self { predicates: Vec::new(), joins: 0 };
        plan.apply(|node| {
            if let Some(filter) = node.downcast_ref::<FilterExec>() {
                for conjunct in split_conjunction(filter.predicate()) {
                    witness.predicates.push(named(conjunct)?);
                }
            } else if node.name().ends_with("JoinExec") {
                witness.joins += 1;
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(witness)
    }
}

/// The text of an expression without column positions: rules may move columns, not rename them.
fn named(expr: &Arc<dyn PhysicalExpr>) -> Result<String> {
    let placed = Arc::clone(expr).transform_up(|node| {
        let moved = node
            .downcast_ref::<Column>()
            .map(|column| Arc::new(Column::new(column.name(), 0)) as Arc<dyn PhysicalExpr>);
        Ok(match moved {
            Some(column) => Transformed::yes(column),
            None => Transformed::no(node),
        })
    })?;
    Ok(placed.data.to_string())
}

impl DisplayAs for PolicyBarrierExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PolicyBarrierExec")
    }
}

impl ExecutionPlan for PolicyBarrierExec {
    fn name(&self) -> &str {
        "PolicyBarrierExec"
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
            (Some(input), true) => Ok(Arc::new(Self { input, witness: Arc::clone(&self.witness) })),
            _ => internal_err!("a policy barrier has one input"),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.input.execute(partition, context)
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }

    fn gather_filters_for_pushdown(
        &self,
        phase: FilterPushdownPhase,
        parent_filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        match phase {
            FilterPushdownPhase::Pre => Ok(FilterDescription::all_unsupported(&parent_filters, &self.children())),
            // Only run-time filters come in this phase, and the seal above let only leakproof ones in. They skip data, they don't judge rows.
            FilterPushdownPhase::Post => FilterDescription::from_children(parent_filters, &self.children()),
        }
    }

    fn handle_child_pushdown_result(
        &self,
        _: FilterPushdownPhase,
        result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        Ok(FilterPushdownPropagation::all_unsupported(result))
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::logical_expr::Operator;
    use datafusion::physical_expr::expressions::{binary, col, lit};
    use datafusion::physical_plan::displayable;
    use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;

    use super::*;

    fn rows() -> Arc<dyn ExecutionPlan> {
        let fields = vec![Field::new("a", DataType::Int64, true), Field::new("b", DataType::Int64, true)];
        Arc::new(PlaceholderRowExec::new(Arc::new(Schema::new(fields))))
    }

    fn filtered(columns: &[&str]) -> Arc<dyn ExecutionPlan> {
        columns.iter().fold(rows(), |input, column| {
            let schema = input.schema();
            let predicate = binary(col(column, &schema).unwrap(), Operator::Eq, lit(1_i64), &schema).unwrap();
            Arc::new(FilterExec::try_new(predicate, input).unwrap())
        })
    }

    fn verified(planned: &[&str], found: Arc<dyn ExecutionPlan>) -> bool {
        let barrier = Arc::new(PolicyBarrierExec::try_new(filtered(planned)).unwrap());
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        let rewritten = barrier.replace_children(vec![found], options).unwrap();
        assert!(displayable(rewritten.as_ref()).indent(true).to_string().starts_with("PolicyBarrierExec"));
        rewritten.downcast_ref::<PolicyBarrierExec>().unwrap().verify().unwrap()
    }

    #[test]
    fn a_rewritten_plan_must_keep_every_predicate() {
        assert!(verified(&["a", "b"], filtered(&["a", "b"])));
        assert!(verified(&["a", "b"], filtered(&["b", "a"])));
        assert!(verified(&["a"], filtered(&["a", "b"])));
        assert!(!verified(&["a", "b"], filtered(&["a"])));
        assert!(!verified(&["a", "b"], filtered(&["a", "a"])));
        assert!(!verified(&["a"], filtered(&["b"])));
        assert!(!verified(&["a"], rows()));
    }

    #[test]
    fn no_rows_need_no_predicate() {
        assert!(verified(&["a"], Arc::new(EmptyExec::new(rows().schema()))));
    }
}
