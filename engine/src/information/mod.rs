//! `information_schema`: what the catalog holds, as relations of what the reader may see of it.
//!
//! They are the reader's own, also in a view of somebody else's, and they are made up when a query reads them, from the state
//! that its statement sees. Each row passes the rules that SHOW, DESCRIBE and SHOW GRANTS ask: there are none here.

mod columns;
mod objects;
mod privileges;
mod reader;
mod rows;
mod tags;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use lakewarden_catalog::model::Privilege;
use lakewarden_catalog::model::{Securable, SecurableId};
use lakewarden_catalog::{Need, Pinned};

use reader::Reader;
use rows::{Column, Rows};

/// One of the relations.
struct Definition {
    name: &'static str,
    columns: &'static [Column],
    fill: fn(&Reader<'_>, &mut Rows<'_>),
}

/// All relations.
fn definitions() -> impl Iterator<Item = &'static Definition> {
    objects::ALL.iter().chain(columns::ALL).chain(privileges::ALL).chain(tags::ALL)
}

/// One relation of `information_schema`, for one reader.
pub(crate) struct InformationTable {
    definition: &'static Definition,
    pinned: Pinned,
    catalog: Option<SecurableId>,
    schema: SchemaRef,
}

impl InformationTable {
    /// The relation of this name in any case; over one catalog, or over all without.
    pub fn named(name: &str, pinned: Pinned, catalog: Option<SecurableId>) -> Option<Self> {
        let definition = definitions().find(|definition| definition.name.eq_ignore_ascii_case(name))?;
        Some(Self { definition, pinned, catalog, schema: rows::schema(definition.columns) })
    }
}

impl fmt::Debug for InformationTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InformationTable({})", self.definition.name)
    }
}

#[async_trait]
impl TableProvider for InformationTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let taken = |filter: &&Expr| match equality(filter) {
            Some(_) => TableProviderFilterPushDown::Inexact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(taken).collect())
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let only: HashMap<String, String> = filters.iter().filter_map(equality).collect();
        let reader = Reader::new(&self.pinned, self.catalog, only);
        let memory = MemoryConsumer::new(self.definition.name).register(&session.runtime_env().memory_pool);
        let mut rows = Rows::new(self.definition.columns, projection.map(Vec::as_slice), memory);
        (self.definition.fill)(&reader, &mut rows);
        let batch = rows.into_batch(self.schema.clone())?;
        Ok(MemorySourceConfig::try_new_exec(&[vec![batch]], self.schema.clone(), projection.cloned())?)
    }
}

/// `column = 'text'`: such rows alone need to be made up. The caller's plan asks again.
fn equality(filter: &Expr) -> Option<(String, String)> {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = filter else { return None };
    match (left.as_ref(), right.as_ref()) {
        (Expr::Column(column), Expr::Literal(value, _)) | (Expr::Literal(value, _), Expr::Column(column)) => {
            Some((column.name.clone(), value.try_as_str().flatten()?.to_owned()))
        }
        _ => None,
    }
}

/// Whether the columns of a relation, closed ones too, may be told: to whoever may read some of it, browse it or manage it.
pub(crate) fn tells_columns(pinned: &Pinned, relation: &Securable) -> bool {
    let may = |need| pinned.allows(relation.id, need);
    let reads_a_column = || {
        let open = |grants: &lakewarden_catalog::model::ColumnId| {
            pinned.allows_on_column(relation.id, *grants, Privilege::Select)
        };
        pinned.state().column_grants_on(relation.id).iter().any(|grants| open(&grants.column))
    };
    may(Need::Privilege(Privilege::Select))
        || may(Need::Privilege(Privilege::Browse))
        || may(Need::Manage)
        || reads_a_column()
}
