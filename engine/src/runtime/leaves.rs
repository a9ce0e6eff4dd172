//! What a caller's plan may read.

use std::sync::Arc;

use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::common::plan_err;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::explain::ExplainExec;
use datafusion::physical_plan::memory::LazyMemoryExec;
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion::physical_plan::work_table::WorkTableExec;

use crate::governed::GovernedScanExec;

/// Refuses a caller's finished physical plan unless all its leaves are governed scans or rows of the query itself.
///
/// # Errors
/// A plan error on any other leaf, whatever let it in.
pub fn require_governed_leaves(plan: &Arc<dyn ExecutionPlan>) -> Result<()> {
    plan.apply(|node| {
        if node.children().is_empty() && !is_allowed(node) {
            return plan_err!("the query reads something that is not governed: {}", node.name());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

fn is_allowed(leaf: &Arc<dyn ExecutionPlan>) -> bool {
    if let Some(source) = leaf.downcast_ref::<DataSourceExec>() {
        return source.data_source().downcast_ref::<MemorySourceConfig>().is_some();
    }
    leaf.is::<GovernedScanExec>()
        || leaf.is::<EmptyExec>()
        || leaf.is::<PlaceholderRowExec>()
        || leaf.is::<LazyMemoryExec>()
        || leaf.is::<WorkTableExec>()
        || leaf.is::<ExplainExec>()
}
