//! Views: planned anew by every query under their owner's rights, and a barrier like a table.

use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use lakewarden_catalog::model::{Privilege, ViewBody};
use lakewarden_catalog::ops::open::Opened;

use super::{Closed, Planner, Relation, Scope};
use crate::error::EngineError;
use crate::governed::govern_view;
use crate::statement::{ParseLimits, parse_query};

impl Planner {
    pub(super) async fn view(&self, opened: &Opened, scope: &Scope) -> Result<Relation, EngineError> {
        let view = opened.securable.as_view().ok_or_else(|| EngineError::internal("not a view"))?;
        let rights = scope.rights.as_owner_of(&opened.securable);
        let inner = scope.inside(rights, view.namespace.clone(), &view.dependencies)?.sealed();
        let plan = self.view_body(view, &inner).await.map_err(|error| self.conceal(opened, error))?;
        self.note(opened, None, &[]).await;
        let closed = Closed::of(opened, plan.schema().as_arrow(), &scope.rights, Privilege::Select);
        let spec = govern_view(opened.full_name.clone(), Vec::new(), plan);
        Ok((self.governed(spec, &closed), closed))
    }

    async fn view_body(&self, view: &ViewBody, scope: &Scope) -> Result<LogicalPlan, EngineError> {
        let query = parse_query(&view.sql, &ParseLimits::default())?;
        let plan = self.query(&query, scope).await?;
        named(plan, view)
    }

    /// What goes wrong inside a view may name what its reader may not see.
    fn conceal(&self, opened: &Opened, error: EngineError) -> EngineError {
        match error {
            EngineError::Limit(_) | EngineError::Stopped(_) | EngineError::Internal(_) => error,
            // It was recorded where it happened, under a name that the reader may not see.
            EngineError::Governed(inner) => EngineError::Governed(crate::governed::ScanFault {
                label: opened.full_name.clone(),
                reference: inner.reference,
            }),
            other => {
                let label = opened.full_name.clone();
                let details = datafusion::error::DataFusionError::Execution(other.to_string());
                let reference = self.faults.record(&label, &details);
                EngineError::Governed(crate::governed::ScanFault { label, reference })
            }
        }
    }
}

/// The view's columns under the names that it was created with. A body whose columns have changed since is refused.
fn named(plan: LogicalPlan, view: &ViewBody) -> Result<LogicalPlan, EngineError> {
    let columns = plan.schema().columns();
    if columns.len() != view.columns.len() {
        return Err(EngineError::invalid("the view's query has other columns than when the view was created"));
    }
    let named = columns.into_iter().zip(&view.columns).map(|(c, shown)| Expr::Column(c).alias(&shown.name));
    LogicalPlanBuilder::from(plan)
        .project(named)
        .and_then(LogicalPlanBuilder::build)
        .map_err(|e| EngineError::from_planning(&e))
}
