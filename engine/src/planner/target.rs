//! The table whose rows a statement changes: what the caller may see of it, with a hidden column that says where each row is.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, lit};
use lakewarden_catalog::ErrorKind;
use lakewarden_catalog::model::{FullName, Privilege};
use lakewarden_catalog::ops::open::Opened;

use super::{Closed, Planner, Relation, Scope};
use crate::delta::{AddressedTable, Location, OpenTable, WriteError};
use crate::error::EngineError;
use crate::governed::{GovernedTable, RawTable, govern_view};

/// A table that is opened for changing its rows.
pub(crate) struct OpenTarget {
    /// As it was opened for MODIFY.
    pub opened: Opened,
    /// The version whose rows are changed.
    pub stored: Arc<OpenTable>,
    /// Its rows with their addresses, as stored.
    pub addressed: AddressedTable,
    /// The name of the relation in a query.
    pub name: String,
    /// The name of the column with the addresses.
    pub address: String,
    /// What the caller may see and name of it.
    pub relation: Relation,
}

impl Planner {
    /// Opens a table whose rows are to be changed. Only rows that the caller sees have addresses for them, masked columns have no
    /// values, and columns on which the caller lacks SELECT may not be named. `tag` is what no text of the caller can hold.
    pub async fn target(
        &self,
        name: &FullName,
        opened: Opened,
        scope: &Scope,
        tag: &str,
    ) -> Result<OpenTarget, EngineError> {
        let table = opened.securable.as_table().ok_or_else(|| EngineError::internal("not a table"))?;
        let location = Location::of_table_to_write(table)?;
        let stored = self.stored(&opened).await?;
        let closed = match scope.rights.open_to_read(name) {
            Ok(read) => Closed::of(&read, &stored.schema, &scope.rights, Privilege::Select),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Closed::whole(&opened, &stored.schema),
            Err(error) => return Err(error.into()),
        };
        let closed = closed.with_masked(masked(&opened, &stored.schema)?);
        let (name, address) = (format!("__target_{tag}"), format!("__address_{tag}"));
        let addressed = AddressedTable::new(&stored, &location, &address, &self.system).await?;
        let visible = OpenTable {
            table: stored.table.clone(),
            version: stored.version,
            schema: addressed.schema(),
            raw: RawTable::new(Arc::new(addressed.clone())),
        };
        let spec = self.govern(&opened, &visible, &scope.guarding(opened.securable.id)?).await?;
        self.note(&opened, Some(stored.version), &spec.policy_ids).await;
        let relation = (self.governed(spec, &closed), closed);
        Ok(OpenTarget { opened, stored, addressed, name, address, relation })
    }

    /// A relation with one more column, which is TRUE: what is joined with it knows its rows from those that are missing.
    pub fn marked(&self, relation: Relation, mark: &str) -> Result<Relation, EngineError> {
        let (provider, closed) = relation;
        let governed = provider.downcast_ref::<GovernedTable>();
        let policies = governed.map(|table| table.policy_ids().to_vec()).unwrap_or_default();
        let label = governed.map_or("the source", GovernedTable::label).to_owned();
        let planned = LogicalPlanBuilder::scan(TableReference::bare("__marked"), provider_as_source(provider), None);
        let planned = planned.and_then(|scan| {
            let mut columns: Vec<Expr> = scan.schema().columns().into_iter().map(Expr::Column).collect();
            columns.push(lit(true).alias(mark));
            scan.project(columns)?.build()
        });
        let plan = planned.map_err(|error| EngineError::from_planning(&error))?;
        Ok((self.governed(govern_view(label, policies, plan), &closed), closed))
    }
}

/// The masked columns of a table, by place.
fn masked(opened: &Opened, stored: &Schema) -> Result<BTreeMap<usize, String>, EngineError> {
    let mut found = BTreeMap::new();
    for mask in &opened.masks {
        let column = opened.securable.columns().iter().find(|column| column.id == mask.column);
        let column = column.ok_or_else(|| EngineError::internal("a mask of a column that is gone"))?;
        let place = stored.fields().iter().position(|field| column.name == field.name().as_str());
        let place = place.ok_or_else(|| WriteError::UnknownColumn(column.name.to_string()))?;
        found.insert(place, column.name.to_string());
    }
    Ok(found)
}
