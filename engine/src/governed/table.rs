//! The provider that a caller's query sees.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, internal_datafusion_err, internal_err};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::Partitioning;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};

use super::barrier::BarrierPlanner;
use super::fault::{FaultLog, redact};
use super::leakproof::{is_leakproof, open_columns};
use super::proof;
use super::raw::RawTable;
use super::sealed::{GovernedScanExec, Reveal, Seal};
use super::spec::GovernedSpec;
use crate::runtime::Meter;

/// One relation under its policies, for one caller and one statement.
pub struct GovernedTable {
    spec: GovernedSpec,
    schema: SchemaRef,
    /// Columns that predicates of the caller may read below the barrier.
    open: HashSet<String>,
    /// Places of columns that no scan may show.
    closed: BTreeSet<usize>,
    system: Arc<SessionState>,
    faults: Arc<dyn FaultLog>,
}

impl GovernedTable {
    /// Makes the provider. Everything below it is planned under `system`, whatever session the caller's query is planned under.
    pub fn new(spec: GovernedSpec, system: Arc<SessionState>, faults: Arc<dyn FaultLog>) -> Self {
        let schema = visible_schema(&spec);
        let open = match spec.strict {
            true => HashSet::new(),
            false => open_columns(&schema, &spec.pass_through),
        };
        Self { spec, schema, open, closed: BTreeSet::new(), system, faults }
    }

    /// The same without the columns at these places: a scan that asks for one is refused. Policies still read them.
    #[must_use]
    pub fn closing(self, closed: BTreeSet<usize>) -> Self {
        Self { closed, ..self }
    }

    /// `catalog.schema.table`.
    pub fn label(&self) -> &str {
        &self.spec.label
    }

    /// Names of the policies in force.
    pub fn policy_ids(&self) -> &[String] {
        &self.spec.policy_ids
    }

    async fn plan_scan(
        &self,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if let Some(meter) = Meter::of(self.system.config()) {
            meter.scan()?;
        }
        self.require_open(projection, filters)?;
        let request = Request::new(self, projection, filters, limit)?;
        let plan = request.into_plan(&self.spec)?;
        let optimized = self.system.optimize(&plan)?;
        let barriers = proof::logical(&optimized, &self.spec)?;
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(BarrierPlanner)]);
        let physical = planner.create_physical_plan(&optimized, self.system.as_ref()).await?;
        proof::physical(&physical, barriers)?;
        let physical = self.spread(physical, limit)?;
        let schema = match projection {
            Some(indices) => Arc::new(self.schema.project(indices)?),
            None => Arc::clone(&self.schema),
        };
        Ok(Arc::new(GovernedScanExec::new(self.seal(schema), physical)))
    }

    /// Gives a scan that hides rows as many partitions as any has. Otherwise the caller's plan would show whether there are fewer files.
    fn spread(&self, plan: Arc<dyn ExecutionPlan>, limit: Option<usize>) -> Result<Arc<dyn ExecutionPlan>> {
        let partitions = self.system.config().target_partitions();
        let is_full = plan.output_partitioning().partition_count() >= partitions;
        if !self.spec.has_row_filter || self.spec.is_view || limit.is_some() || is_full {
            return Ok(plan);
        }
        Ok(Arc::new(RepartitionExec::try_new(plan, Partitioning::RoundRobinBatch(partitions))?))
    }

    /// Refuses a scan that asks for a closed column. The planner refuses the statement before; this holds when it did not.
    fn require_open(&self, projection: Option<&Vec<usize>>, filters: &[Expr]) -> Result<()> {
        let is_shown = |at: &usize| projection.is_none_or(|places| places.contains(at));
        let is_judged = |at: &usize| {
            let name = self.schema.fields().get(*at).map(|field| field.name());
            filters.iter().any(|filter| filter.column_refs().iter().any(|column| Some(&column.name) == name))
        };
        match self.closed.iter().find(|at| is_shown(at) || is_judged(at)) {
            Some(at) => internal_err!("a plan asks for the closed column {at} of {}", self.spec.label),
            None => Ok(()),
        }
    }

    fn seal(&self, schema: SchemaRef) -> Seal {
        let stored = indices(&schema, |name| self.spec.pass_through.contains(name));
        let open = indices(&schema, |name| self.open.contains(name));
        let reveal = match self.spec.has_row_filter || self.spec.is_view || !self.closed.is_empty() {
            true => Reveal::Nothing,
            false => Reveal::VisibleColumns,
        };
        Seal {
            label: self.spec.label.clone(),
            policy_ids: self.spec.policy_ids.clone(),
            schema,
            stored,
            open,
            reveal,
            config: self.system.config().clone(),
            runtime: Arc::clone(self.system.runtime_env()),
            faults: Arc::clone(&self.faults),
        }
    }
}

/// Shows the label only: the plan holds the text of the policies.
impl fmt::Debug for GovernedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GovernedTable({})", self.spec.label)
    }
}

#[async_trait]
impl TableProvider for GovernedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        if self.spec.is_view { TableType::View } else { TableType::Base }
    }

    // INVARIANT: `get_logical_plan`, `get_table_definition` and `statistics` stay at their defaults, which answer nothing, and so do the
    // write methods, which refuse.

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let judge = |filter: &&Expr| match is_leakproof(filter, &self.schema, &self.open) {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(judge).collect())
    }

    async fn scan(
        &self,
        _caller: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let planned = self.plan_scan(projection, filters, limit).await;
        planned.map_err(|error| redact(self.faults.as_ref(), &self.spec.label, &error))
    }
}

/// What one scan asks for, with everything that isn't leakproof taken out.
struct Request {
    /// Visible columns to return, by position; `None` for all.
    columns: Option<Vec<usize>>,
    /// Leakproof predicates over unqualified columns.
    filters: Vec<Expr>,
    limit: Option<usize>,
    /// Whether the filters save the work of computing masks.
    masks_asked: bool,
}

impl Request {
    fn new(
        table: &GovernedTable,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Self> {
        let mut vetted = Vec::with_capacity(filters.len());
        for filter in filters {
            // The optimizer rewrites filters after `supports_filters_pushdown` judged them. The caller's plan applies all of them again.
            if is_leakproof(filter, &table.schema, &table.open) {
                vetted.push(unqualified(filter)?);
            }
        }
        let asked = match projection {
            Some(indices) => table.schema.project(indices)?,
            None => table.schema.as_ref().clone(),
        };
        Ok(Self {
            columns: projection.cloned(),
            // A limit counts rows that pass all filters, so it can only be taken over when all of them are applied here.
            limit: limit.filter(|_| vetted.len() == filters.len()),
            filters: vetted,
            masks_asked: asked.fields().iter().any(|field| !table.spec.pass_through.contains(field.name())),
        })
    }

    /// Adds the request to the governed plan. The filters tell storage what it may skip. They are applied too where that saves computing masks,
    /// where a limit needs it, and where rows are hidden: how many rows leave the scan must not depend on which files could be skipped.
    fn into_plan(self, spec: &GovernedSpec) -> Result<LogicalPlan> {
        let applied = spec.has_row_filter || self.masks_asked || self.limit.is_some();
        let mut plan = spec.plan.clone();
        if !spec.is_view && !self.filters.is_empty() && (spec.has_row_filter || !applied) {
            plan = with_hints(plan, &self.filters)?;
        }
        let mut builder = LogicalPlanBuilder::from(plan);
        if applied {
            for filter in self.filters {
                builder = builder.filter(filter)?;
            }
        }
        if let Some(columns) = self.columns {
            let fields = builder.schema().columns();
            let chosen = columns.into_iter().map(|index| fields.get(index).cloned().map(Expr::Column));
            let chosen: Option<Vec<_>> = chosen.collect();
            builder = builder.project(chosen.ok_or_else(|| internal_datafusion_err!("projection is out of range"))?)?;
        }
        if let Some(limit) = self.limit {
            builder = builder.limit(0, Some(limit))?;
        }
        builder.build()
    }
}

fn with_hints(plan: LogicalPlan, hints: &[Expr]) -> Result<LogicalPlan> {
    let hinted = plan.transform_down(|node| {
        let LogicalPlan::TableScan(scan) = &node else { return Ok(Transformed::no(node)) };
        let provider = source_as_provider(&scan.source)?;
        let Some(raw) = provider.downcast_ref::<RawTable>().filter(|raw| raw.is_guarded()) else {
            return Ok(Transformed::no(node));
        };
        let mut scan = scan.clone();
        scan.source = provider_as_source(Arc::new(raw.with_hints(hints.to_vec())));
        Ok(Transformed::yes(LogicalPlan::TableScan(scan)))
    })?;
    if !hinted.transformed {
        return internal_err!("{} does not read a guarded table", "a governed table");
    }
    Ok(hinted.data)
}

fn unqualified(filter: &Expr) -> Result<Expr> {
    let bare = filter.clone().transform(|node| {
        Ok(match node {
            Expr::Column(column) => Transformed::yes(Expr::Column(Column::new_unqualified(column.name))),
            other => Transformed::no(other),
        })
    })?;
    Ok(bare.data)
}

fn indices(schema: &Schema, accept: impl Fn(&str) -> bool) -> HashSet<usize> {
    schema.fields().iter().enumerate().filter(|(_, field)| accept(field.name())).map(|(index, _)| index).collect()
}

/// The schema shown to the caller: no metadata of storage, and a computed column may always be NULL.
fn visible_schema(spec: &GovernedSpec) -> SchemaRef {
    let fields = spec.plan.schema().fields().iter().map(|field| {
        let nullable = field.is_nullable() || !spec.pass_through.contains(field.name());
        Field::new(field.name(), without_metadata(field.data_type()), nullable)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn without_metadata(data_type: &DataType) -> DataType {
    let strip =
        |field: &FieldRef| Arc::new(Field::new(field.name(), without_metadata(field.data_type()), field.is_nullable()));
    match data_type {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(strip).collect()),
        DataType::List(field) => DataType::List(strip(field)),
        DataType::LargeList(field) => DataType::LargeList(strip(field)),
        DataType::ListView(field) => DataType::ListView(strip(field)),
        DataType::FixedSizeList(field, size) => DataType::FixedSizeList(strip(field), *size),
        DataType::Map(field, sorted) => DataType::Map(strip(field), *sorted),
        other => other.clone(),
    }
}
