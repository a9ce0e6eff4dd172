//! DELETE and TRUNCATE. They need MODIFY on all columns, and SELECT on those that the condition names.

use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, lit};
use deltalake::protocol::DeltaOperation;

use super::Run;
use super::changes::{Changing, projected, quoted, select_of, template};
use crate::delta::{Clause, Effect};
use crate::error::EngineError;
use crate::planner::OpenTarget;
use crate::statement::Delete;
use crate::stream::QueryStream;

impl Run {
    pub(super) async fn delete_rows(&self, delete: Delete) -> Result<QueryStream, EngineError> {
        let target = self.target(&delete.target, None).await?;
        let plan = self.deleted(&delete, &target).await?;
        let (columns, input) = projected(plan)?;
        let changes = LogicalPlanBuilder::from(input.as_ref().clone())
            .project(columns.into_iter().chain([lit(0_i64).alias("clause")]))
            .and_then(LogicalPlanBuilder::build)
            .map_err(|error| EngineError::from_planning(&error))?;
        let clauses = vec![Clause { effect: Effect::Delete, fills: Vec::new() }];
        let operation = DeltaOperation::Delete { predicate: None };
        let changing = Changing { operation, action: "tables.delete_rows", target: &target };
        let done = self.change_rows(changing, &changes, clauses).await?;
        QueryStream::changed(done.deleted)
    }

    /// The addresses of the rows that go.
    pub(super) async fn deleted(&self, delete: &Delete, target: &OpenTarget) -> Result<LogicalPlan, EngineError> {
        let alias = quoted(&delete.target.alias);
        let text = format!("SELECT {alias}.{} FROM {} AS {alias}", quoted(&target.address), quoted(&target.name));
        let mut query = template(&text)?;
        select_of(&mut query)?.selection = delete.filter.clone();
        self.plan_over(&query, target, Vec::new()).await
    }
}
