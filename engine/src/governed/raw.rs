//! The storage provider, with its promises taken away.
//!
//! deltalake declares column-less predicates and every predicate over partition columns as exactly applied, although its file skipping keeps
//! a file whenever it can't decide (`table_provider/next/scan/plan.rs`, `process_predicate`). DataFusion then drops the filter, and a policy
//! of that shape would be gone. So no filter handed to storage is ever taken as applied, for governed and ungoverned reads alike, and none
//! that reads floating point is handed to it.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::floating::{guarded, reads_floating};
use super::inject::{Phase, inject};

/// A table as stored. Only plans made under the system session hold one.
#[derive(Clone)]
pub struct RawTable {
    provider: Arc<dyn TableProvider>,
    role: Role,
    /// Leakproof predicates of the caller, used to skip files and row groups and for nothing else.
    hints: Vec<Expr>,
}

/// Whether this is the relation that a policy guards, or one that a policy looks something up in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Lookup,
    Guarded,
}

impl RawTable {
    /// Wraps a storage provider for reading.
    pub fn new(provider: Arc<dyn TableProvider>) -> Self {
        Self { provider, role: Role::Lookup, hints: Vec::new() }
    }

    /// The same table, marked as the one its policy guards.
    pub(super) fn guarded(&self) -> Self {
        Self { provider: Arc::clone(&self.provider), role: Role::Guarded, hints: Vec::new() }
    }

    /// The same table with predicates to skip data by. They need not be applied.
    pub(super) fn with_hints(&self, hints: Vec<Expr>) -> Self {
        Self { provider: Arc::clone(&self.provider), role: self.role, hints }
    }

    /// Whether a policy guards this table in this plan.
    pub(super) fn is_guarded(&self) -> bool {
        self.role == Role::Guarded
    }

    /// Lets the file reader drop row groups and pages by the hints; the rows that it returns aren't filtered.
    fn prune(&self, plan: Arc<dyn ExecutionPlan>, session: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = DFSchema::try_from(plan.schema())?;
        let mut filters = Vec::with_capacity(self.hints.len());
        for hint in &self.hints {
            // A hint on a column that this scan doesn't read can't be bound here; it still skipped whole files.
            if hint.column_refs().iter().all(|column| schema.has_column(column)) {
                filters.push(session.create_physical_expr(hint.clone(), &schema)?);
            }
        }
        if filters.is_empty() {
            return Ok(plan);
        }
        inject(plan, filters, Phase::Static, session.config_options())
    }
}

impl fmt::Debug for RawTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawTable({:?})", self.role)
    }
}

#[async_trait]
impl TableProvider for RawTable {
    fn schema(&self) -> SchemaRef {
        self.provider.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let claims = self.provider.supports_filters_pushdown(filters)?;
        let schema = self.schema();
        Ok(filters.iter().zip(claims).map(|(filter, claim)| distrust(filter, claim, &schema)).collect())
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if self.hints.is_empty() {
            return Ok(guarded(self.provider.scan(session, projection, filters, limit).await?));
        }
        let mut all = filters.to_vec();
        all.extend(self.hints.iter().cloned());
        // A limit counts rows that pass the filters, and no hint is applied here.
        let plan = guarded(self.provider.scan(session, projection, &all, None).await?);
        self.prune(plan, session)
    }
}

fn distrust(filter: &Expr, claim: TableProviderFilterPushDown, schema: &Schema) -> TableProviderFilterPushDown {
    if filter.column_refs().is_empty() || reads_floating(filter, schema) {
        return TableProviderFilterPushDown::Unsupported;
    }
    match claim {
        TableProviderFilterPushDown::Exact => TableProviderFilterPushDown::Inexact,
        other => other,
    }
}
