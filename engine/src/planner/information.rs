//! Relations of `information_schema`, as those of who runs the statement.

use datafusion::common::TableReference;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::LogicalPlanBuilder;
use lakewarden_catalog::CatalogError;
use lakewarden_catalog::model::{FullName, SecurableKind};
use lakewarden_catalog::ops::entries::{INFORMATION_SCHEMA, SYSTEM_CATALOG};

use super::{Closed, Planner, Relation, Scope};
use crate::error::EngineError;
use crate::governed::govern_view;
use crate::information::InformationTable;
use crate::statement::RelationRef;

/// Whether a name is one of the server's own relations.
pub(super) fn is_within(name: &FullName) -> bool {
    matches!(name.parts(), [_, schema, _] if &**schema.folded() == INFORMATION_SCHEMA)
}

impl Planner {
    /// The relation of this name over its catalog; over all catalogs in `system`.
    pub(super) fn information(
        &self,
        relation: &RelationRef,
        name: &FullName,
        scope: &Scope,
    ) -> Result<Relation, EngineError> {
        let [catalog, _, table] = name.parts() else { return Err(EngineError::internal("not three parts")) };
        let absent = || CatalogError::not_found(SecurableKind::Table, relation.name.to_string());
        if !relation.is_by_name_alone() {
            return Err(EngineError::invalid(format!("`{}` has no versions", relation.name)));
        }
        let of_all = &**catalog.folded() == SYSTEM_CATALOG;
        let catalog = match of_all {
            true => None,
            false => {
                let found = scope.invoker.resolve(SecurableKind::Catalog, &FullName::from_parts(&[catalog.as_str()])?);
                Some(found.map_err(|_| absent())?.id)
            }
        };
        let rows = InformationTable::named(table.as_str(), scope.invoker.clone(), catalog).ok_or_else(absent)?;
        let source = provider_as_source(std::sync::Arc::new(rows));
        let plan = LogicalPlanBuilder::scan(TableReference::bare(INFORMATION_SCHEMA), source, None)
            .and_then(LogicalPlanBuilder::build)
            .map_err(|e| EngineError::from_planning(&e))?;
        let spec = govern_view(name.to_string(), Vec::new(), plan);
        Ok((self.governed(spec, &Closed::default()), Closed::default()))
    }
}
