//! A physical plan as a relation, so that it can be the input of a logical one.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::internal_datafusion_err;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;

/// A relation whose rows a plan gives. It can be read once: the plan is handed out as it is.
pub struct ExecProvider {
    plan: Arc<dyn ExecutionPlan>,
}

impl ExecProvider {
    /// The relation of a plan.
    pub fn new(plan: Arc<dyn ExecutionPlan>) -> Self {
        Self { plan }
    }
}

impl fmt::Debug for ExecProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExecProvider")
    }
}

#[async_trait]
impl TableProvider for ExecProvider {
    fn schema(&self) -> SchemaRef {
        self.plan.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    /// Filters and limits stay above: neither is claimed.
    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(projection) = projection else { return Ok(Arc::clone(&self.plan)) };
        let schema = self.plan.schema();
        let columns = projection.iter().map(|&index| {
            let field = schema.fields().get(index).ok_or_else(|| internal_datafusion_err!("no column {index}"))?;
            let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(field.name(), index));
            Ok((column, field.name().clone()))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(ProjectionExec::try_new(columns, Arc::clone(&self.plan))?))
    }
}
