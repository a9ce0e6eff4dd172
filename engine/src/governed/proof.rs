//! The last look at a governed plan before it may run: is the policy in it?
//!
//! Any doubt refuses the statement. The tests of the attacks remove one protection at a time and see this module refuse.

use datafusion::common::internal_err;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::source_as_provider;
use datafusion::error::Result;
use datafusion::logical_expr::{LogicalPlan, TableProviderFilterPushDown, TableScan};
use datafusion::physical_plan::ExecutionPlan;
use std::sync::Arc;

use super::barrier::{PolicyBarrier, PolicyBarrierExec};
use super::raw::RawTable;
use super::spec::GovernedSpec;

/// Checks the optimized logical plan and gives the number of barriers in it.
///
/// With a row filter, every scan of the guarded table lies below a barrier, and below each barrier something decides the rows, unless the
/// optimizer proved the row filter TRUE for every row. No scan in the plan has a filter that storage promised to apply.
///
/// # Errors
/// Internal, when one of these doesn't hold.
pub(super) fn logical(plan: &LogicalPlan, spec: &GovernedSpec) -> Result<usize> {
    let mut barriers = 0_usize;
    plan.apply(|node| {
        if let Some(below) = PolicyBarrier::below(node) {
            barriers += 1;
            check_below(below)?;
            return Ok(TreeNodeRecursion::Jump);
        }
        if let LogicalPlan::TableScan(scan) = node {
            let guarded = check_scan(scan)?;
            if guarded && spec.has_row_filter && !spec.is_view {
                return internal_err!("the row filter of {} is not on every path to its rows", spec.label);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(barriers)
}

/// Checks the finished physical plan: as many barriers as the logical plan has, each with all its predicates and joins.
///
/// # Errors
/// Internal, when one of these doesn't hold.
pub(super) fn physical(plan: &Arc<dyn ExecutionPlan>, barriers: usize) -> Result<()> {
    let mut found = 0_usize;
    plan.apply(|node| {
        if let Some(barrier) = node.downcast_ref::<PolicyBarrierExec>() {
            found += 1;
            if !barrier.verify()? {
                return internal_err!("the optimizer took a part of the row filter out of the plan");
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    if found != barriers {
        return internal_err!("the plan has {found} policy barriers, {barriers} were planned");
    }
    Ok(())
}

fn check_below(plan: &LogicalPlan) -> Result<()> {
    let mut decides = false;
    let mut pushed = false;
    plan.apply(|node| {
        match node {
            LogicalPlan::Filter(_) | LogicalPlan::Join(_) | LogicalPlan::EmptyRelation(_) => decides = true,
            LogicalPlan::TableScan(scan) => {
                check_scan(scan)?;
                pushed |= !scan.filters.is_empty();
            }
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    if pushed && !decides {
        return internal_err!("the row filter was left to storage");
    }
    Ok(())
}

/// Whether a scan reads the guarded table; an error when its provider claims to apply a filter itself.
fn check_scan(scan: &TableScan) -> Result<bool> {
    let provider = source_as_provider(&scan.source)?;
    let filters: Vec<_> = scan.filters.iter().collect();
    let claims = provider.supports_filters_pushdown(&filters)?;
    if claims.contains(&TableProviderFilterPushDown::Exact) {
        return internal_err!("a filter of {} was left to storage", scan.table_name);
    }
    Ok(provider.downcast_ref::<RawTable>().is_some_and(RawTable::is_guarded))
}
