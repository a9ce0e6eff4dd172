//! Relations of one query whose column names differ in case only, such as `Id` and `ID`, brought to one spelling.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};

use super::spelling::Spelling;
use super::{Closed, Planner};
use crate::governed::{GovernedTable, govern_view};

impl Planner {
    /// The relation with its columns under the spellings that the query has for their names already. Two columns of the
    /// relation itself that differ in case only are left alone: nothing can tell which one a query means.
    pub(super) fn respelled(
        &self,
        provider: Arc<dyn TableProvider>,
        written: &str,
        spelling: &Spelling,
        closed: &Closed,
    ) -> Result<Arc<dyn TableProvider>> {
        let schema = provider.schema();
        let names: Vec<String> = schema.fields().iter().map(|f| spelling.of(f.name())).collect();
        let folded: std::collections::HashSet<String> = names.iter().map(|n| n.to_lowercase()).collect();
        let same = schema.fields().iter().zip(&names).all(|(field, name)| field.name() == name);
        if same || folded.len() < names.len() {
            return Ok(provider);
        }
        let policies = provider.downcast_ref::<GovernedTable>().map(|t| t.policy_ids().to_vec()).unwrap_or_default();
        let label = provider.downcast_ref::<GovernedTable>().map_or(written, GovernedTable::label).to_owned();
        let scan = LogicalPlanBuilder::scan(TableReference::bare("__respelled"), provider_as_source(provider), None)?;
        let columns: Vec<Expr> = scan.schema().columns().into_iter().map(Expr::Column).collect();
        let plan = scan.project(columns.into_iter().zip(&names).map(|(column, name)| column.alias(name)))?.build()?;
        let spec = govern_view(label, policies, plan);
        Ok(self.governed(spec, closed))
    }
}
