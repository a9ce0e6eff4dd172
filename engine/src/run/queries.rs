//! Queries and EXPLAIN.

use std::sync::Arc;

use datafusion::common::tree_node::TreeNode;
use datafusion::execution::SessionState;
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use sqlparser::ast::Query;

use super::Run;
use super::veil::veiled;
use crate::error::EngineError;
use crate::exec::StatementExec;
use crate::governed::GovernedScanExec;
use crate::statement::Explain;
use crate::stream::{QueryStream, text_answer};

impl Run {
    pub(super) async fn query(&self, query: Query) -> Result<QueryStream, EngineError> {
        let plan = self.planner.query(&query, &self.scope()).await?;
        let reads = self.planner.accesses().await;
        tracing::info!(?reads, principal = %self.caller.name, "a query was planned");
        let veil = self.veil().await;
        let answer = self.runtime.run(&plan).await.map_err(|error| veiled(veil.as_ref(), error))?;
        Ok(match veil {
            Some(veil) => answer.map_errors(move |error| veiled(Some(&veil), error)),
            None => answer,
        })
    }

    /// Shows plans as the caller may see them: a governed relation is one leaf with the names of its policies. A plan that holds
    /// the body of a function is for those who may read the body.
    pub(super) async fn explain(&self, explain: Explain) -> Result<QueryStream, EngineError> {
        let plan = self.planner.query(&explain.query, &self.scope()).await?;
        if let Some(veil) = self.veil().await {
            return Err(veil.refuse_plan());
        }
        let (logical, physical) = self.runtime.plan(&plan).await?;
        let mut rows = vec![line("logical_plan", logical.display_indent())];
        if explain.verbose {
            rows.insert(0, line("initial_logical_plan", plan.display_indent()));
        }
        if explain.analyze {
            let (_, steady) = self.steady().plan(&plan).await?;
            let physical = if reads_bound(&physical)? { steady } else { physical };
            self.runtime.drain(Arc::clone(&physical)).await?;
            rows.push(line("plan_with_metrics", metrics_text(&physical)?));
        } else {
            rows.push(line("physical_plan", displayable(physical.as_ref()).indent(explain.verbose)));
        }
        text_answer(["plan_type", "plan"], rows)
    }

    /// A runtime whose operators don't skip by what others have found so far. How many rows each of them sees then depends on the rows alone,
    /// not on the files that hold them together with hidden ones.
    fn steady(&self) -> StatementExec {
        let mut user = SessionState::clone(&self.runtime.user);
        let optimizer = &mut user.config_mut().options_mut().optimizer;
        optimizer.enable_dynamic_filter_pushdown = false;
        optimizer.enable_join_dynamic_filter_pushdown = false;
        optimizer.enable_topk_dynamic_filter_pushdown = false;
        optimizer.enable_aggregate_dynamic_filter_pushdown = false;
        let mut steady = self.runtime.clone();
        steady.user = Arc::new(user);
        steady
    }
}

/// Whether a plan reads anything under policies.
fn reads_bound(plan: &Arc<dyn ExecutionPlan>) -> Result<bool, EngineError> {
    let bound =
        |node: &Arc<dyn ExecutionPlan>| node.downcast_ref::<GovernedScanExec>().is_some_and(|scan| scan.is_bound());
    plan.exists(|node| Ok(bound(node))).map_err(EngineError::internal)
}

fn line(kind: &str, text: impl std::fmt::Display) -> [Option<String>; 2] {
    [Some(kind.to_owned()), Some(text.to_string())]
}

/// A plan with what its operators counted; of a plan under policies the rows only.
fn metrics_text(plan: &Arc<dyn ExecutionPlan>) -> Result<String, EngineError> {
    let shown = DisplayableExecutionPlan::with_metrics(plan.as_ref());
    let shown = if reads_bound(plan)? { shown.set_metric_names(vec!["output_rows".to_owned()]) } else { shown };
    Ok(shown.indent(false).to_string())
}
