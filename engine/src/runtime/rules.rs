//! Rules around DataFusion's own: planning stops when the statement does, no expression outgrows the statement, and finished plans give way.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::optimizer::Optimizer;
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ChildrenPropertiesMode, ExecutionPlan, ReplaceChildrenOptions};

use super::limits::LimitError;
use super::meter::Meter;
use super::pace::{PacedExec, Toll};

/// Nodes that the expressions of one plan node may have. Rules put expressions in place of the columns that they compute, so a chain of
/// `WITH` items that each name a column twice doubles with every item.
const MOST_NODES: usize = 100_000;

/// DataFusion's optimizer, watched.
pub(super) fn optimizer_rules(meter: &Arc<Meter>) -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let rules = Optimizer::new().rules.into_iter();
    rules.map(|rule| Arc::new(Watched { rule, meter: Arc::clone(meter) }) as _).collect()
}

#[derive(Debug)]
struct Watched {
    rule: Arc<dyn OptimizerRule + Send + Sync>,
    meter: Arc<Meter>,
}

impl OptimizerRule for Watched {
    fn name(&self) -> &str {
        self.rule.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.rule.apply_order()
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        self.meter.check()?;
        let done = self.rule.rewrite(plan, config)?;
        if done.transformed {
            require_small(&done.data)?;
        }
        Ok(done)
    }
}

/// Refuses a plan node, or one right below it, that has grown beyond all use.
fn require_small(plan: &LogicalPlan) -> Result<()> {
    let mut nodes = 0_usize;
    for node in std::iter::once(plan).chain(plan.inputs()) {
        node.apply_expressions(|expr| {
            expr.apply(|_| {
                nodes += 1;
                Ok(if nodes > MOST_NODES { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
            })
        })?;
    }
    match nodes {
        nodes if nodes > MOST_NODES => Err(LimitError::Complexity("its expressions grow too large").into()),
        _ => Ok(()),
    }
}

/// Puts [`PacedExec`] on operators that can produce many batches of one input batch, and where rows are copied or kept that no operator counts.
/// DataFusion's own rule only makes leaves and exchanges give way, so an aggregate over a large join was seen to run past its timeout without
/// yielding once. Belongs after all other rules.
#[derive(Debug)]
pub struct PaceAll;

impl PhysicalOptimizerRule for PaceAll {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let paced = plan.transform_up(|node| {
            let (above, below) = tolls(&node);
            if above.is_none() && below.is_none() {
                return Ok(Transformed::no(node));
            }
            let node = match below {
                Some(toll) => {
                    let inputs = node.children().into_iter().map(|input| paced(Arc::clone(input), toll)).collect();
                    node.replace_children(inputs, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))?
                }
                None => node,
            };
            Ok(Transformed::yes(match above {
                Some(toll) => paced(node, toll),
                None => node,
            }))
        })?;
        Ok(paced.data)
    }

    fn name(&self) -> &str {
        "pace_all"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn paced(node: Arc<dyn ExecutionPlan>, toll: Toll) -> Arc<dyn ExecutionPlan> {
    Arc::new(PacedExec::new(node, toll))
}

/// What goes above an operator, and what below it.
fn tolls(node: &Arc<dyn ExecutionPlan>) -> (Option<Toll>, Option<Toll>) {
    match node.name() {
        "CrossJoinExec"
        | "HashJoinExec"
        | "NestedLoopJoinExec"
        | "PiecewiseMergeJoinExec"
        | "SortMergeJoinExec"
        | "SymmetricHashJoinExec" => (Some(Toll::Free), Some(Toll::Copies)),
        "UnnestExec" => (Some(Toll::Batch), Some(Toll::Unfolded)),
        "RecursiveQueryExec" | "LazyMemoryExec" => (Some(Toll::Free), None),
        "WindowAggExec" | "BoundedWindowAggExec" => (Some(Toll::Free), Some(Toll::All)),
        // Sorting writes each batch out in full, also what was a view of one long text.
        "SortExec" | "SortPreservingMergeExec" => (None, Some(Toll::Batch)),
        _ if computes(node) => (Some(Toll::Batch), None),
        _ => (None, None),
    }
}

/// Whether the operator makes values of its own.
fn computes(node: &Arc<dyn ExecutionPlan>) -> bool {
    let Some(projection) = node.downcast_ref::<ProjectionExec>() else { return false };
    projection.expr().iter().any(|made| !(made.expr.is::<Column>() || made.expr.is::<Literal>()))
}
