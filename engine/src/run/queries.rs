//! Queries and EXPLAIN.

use std::sync::Arc;

use datafusion::physical_plan::{ExecutionPlan, displayable};
use sqlparser::ast::Query;

use super::Run;
use super::veil::veiled;
use crate::error::EngineError;
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
            self.runtime.drain(Arc::clone(&physical)).await?;
            rows.push(line("plan_with_metrics", metrics_text(physical.as_ref())));
        } else {
            rows.push(line("physical_plan", displayable(physical.as_ref()).indent(explain.verbose)));
        }
        text_answer(["plan_type", "plan"], rows)
    }
}

fn line(kind: &str, text: impl std::fmt::Display) -> [Option<String>; 2] {
    [Some(kind.to_owned()), Some(text.to_string())]
}

fn metrics_text(plan: &dyn ExecutionPlan) -> String {
    datafusion::physical_plan::display::DisplayableExecutionPlan::with_metrics(plan).indent(false).to_string()
}
