//! UPDATE. It needs MODIFY on the columns that get values, and SELECT on those that values and the condition name.

use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, lit};
use deltalake::protocol::DeltaOperation;

use super::Run;
use super::changes::{Changing, output, projected, quoted, select_of, template};
use crate::delta::{Clause, Effect};
use crate::error::EngineError;
use crate::planner::{OpenTarget, number_from};
use crate::statement::{Assignment, Update};
use crate::stream::QueryStream;

impl Run {
    pub(super) async fn update_rows(&self, update: Update) -> Result<QueryStream, EngineError> {
        let update = numbered(update);
        let columns: Vec<String> = update.assignments.iter().map(|one| one.column.clone()).collect();
        let target = self.target(&update.target, Some(&columns)).await?;
        let fills = self.places(&target, &columns)?;
        let plan = self.updated(&update, &target).await?;
        let (mut columns, input) = projected(plan)?;
        columns.insert(1, lit(0_i64).alias("clause"));
        let changes = LogicalPlanBuilder::from(input.as_ref().clone())
            .project(columns)
            .and_then(LogicalPlanBuilder::build)
            .map_err(|error| EngineError::from_planning(&error))?;
        let operation = DeltaOperation::Update { predicate: None };
        let changing = Changing { operation, action: "tables.update_rows", target: &target };
        let done = self.change_rows(changing, &changes, vec![Clause { effect: Effect::Update, fills }]).await?;
        QueryStream::changed(done.updated)
    }

    /// What is to be described of an UPDATE: its plan, and which columns have which values.
    pub(super) async fn update_to_describe(
        &self,
        update: &Update,
    ) -> Result<(OpenTarget, LogicalPlan, Vec<Assignment>), EngineError> {
        let update = numbered(update.clone());
        let columns: Vec<String> = update.assignments.iter().map(|one| one.column.clone()).collect();
        let target = self.target(&update.target, Some(&columns)).await?;
        let plan = self.updated(&update, &target).await?;
        Ok((target, plan, update.assignments))
    }

    /// The addresses of the rows that change, and their new values in the order of the text.
    pub(super) async fn updated(&self, update: &Update, target: &OpenTarget) -> Result<LogicalPlan, EngineError> {
        let alias = quoted(&update.target.alias);
        let text = format!("SELECT {alias}.{} FROM {} AS {alias}", quoted(&target.address), quoted(&target.name));
        let mut query = template(&text)?;
        let select = select_of(&mut query)?;
        for (number, assignment) in update.assignments.iter().enumerate() {
            select.projection.push(output(assignment.value.clone(), &format!("value{number}")));
        }
        select.selection = update.filter.clone();
        self.plan_over(&query, target, Vec::new()).await
    }
}

/// Gives every `?` the number of its place in the text.
fn numbered(mut update: Update) -> Update {
    let mut next = 1;
    for assignment in &mut update.assignments {
        next = number_from(&mut assignment.value, next);
    }
    if let Some(filter) = &mut update.filter {
        number_from(filter, next);
    }
    update
}
