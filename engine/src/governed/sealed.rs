//! The sealed leaf: a governed scan in a caller's physical plan.
//!
//! The plan below is private. DataFusion's rules see a leaf without children, EXPLAIN prints a name, metrics count visible rows, and
//! statistics say nothing that the caller couldn't count.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Statistics, internal_datafusion_err};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType, reset_plan_states};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation, PushedDown,
};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties, ReplaceChildrenOptions,
    apply_expression_roots,
};
use datafusion::prelude::SessionConfig;
use futures::StreamExt;

use super::fault::{FaultLog, redact};
use super::inject::{Phase, inject};
use super::leakproof::is_leakproof_dynamic;
use crate::runtime::Meter;
use crate::runtime::pace::Paced;

/// What stays the same however often the plan below is rewritten.
pub(super) struct Seal {
    pub(super) label: String,
    pub(super) policy_ids: Vec<String>,
    /// What the caller's plan was promised.
    pub(super) schema: SchemaRef,
    /// Positions of columns whose value is the stored value.
    pub(super) stored: HashSet<usize>,
    /// Positions of those that run-time filters may read.
    pub(super) open: HashSet<usize>,
    pub(super) reveal: Reveal,
    pub(super) config: SessionConfig,
    pub(super) runtime: Arc<RuntimeEnv>,
    pub(super) faults: Arc<dyn FaultLog>,
}

/// Which statistics a caller's plan may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reveal {
    /// Rows are hidden, or may be: nothing.
    Nothing,
    /// All rows are visible: how many they are, and what is known of columns shown as stored.
    VisibleColumns,
}

impl Seal {
    /// The context to run the hidden plan in: the system's stores, options and caches; the caller's memory and spill space.
    fn context(&self, caller: &TaskContext) -> Arc<TaskContext> {
        let theirs = caller.runtime_env();
        let mut runtime = RuntimeEnv::clone(&self.runtime);
        runtime.memory_pool = Arc::clone(&theirs.memory_pool);
        runtime.disk_manager = Arc::clone(&theirs.disk_manager);
        Arc::new(TaskContext::new(
            caller.task_id(),
            caller.session_id(),
            self.config.clone(),
            Default::default(),
            Default::default(),
            Default::default(),
            Default::default(),
            Arc::new(runtime),
        ))
    }

    /// Shows a batch under the promised schema: hidden metadata goes, and a NULL in a column promised without is an error.
    fn relabel(&self, batch: RecordBatch) -> Result<RecordBatch> {
        if batch.schema_ref() == &self.schema {
            return Ok(batch);
        }
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let columns = batch.columns().iter().zip(self.schema.fields()).map(|(column, field)| {
            if column.data_type() == field.data_type() {
                Ok(Arc::clone(column))
            } else {
                cast(column, field.data_type())
            }
        });
        let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &rows)?)
    }

    fn statistics(&self, inner: &Statistics) -> Statistics {
        let mut shown = Statistics::new_unknown(&self.schema);
        if self.reveal == Reveal::Nothing {
            return shown;
        }
        shown.num_rows = inner.num_rows;
        for (index, (to, from)) in shown.column_statistics.iter_mut().zip(&inner.column_statistics).enumerate() {
            // Statistics of a writer may be rounded or cut off: good for choosing a plan, not for answering from.
            if self.stored.contains(&index) {
                *to = from.clone().to_inexact();
            }
        }
        if self.stored.len() == self.schema.fields().len() {
            shown.total_byte_size = inner.total_byte_size;
        }
        shown
    }
}

/// The leaf. See the module.
pub struct GovernedScanExec {
    seal: Arc<Seal>,
    /// The plan to run: `base` with the accepted run-time filters in it.
    inner: Arc<dyn ExecutionPlan>,
    base: Arc<dyn ExecutionPlan>,
    accepted: Vec<Arc<dyn PhysicalExpr>>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl GovernedScanExec {
    pub(super) fn new(seal: Seal, plan: Arc<dyn ExecutionPlan>) -> Self {
        Self::assemble(Arc::new(seal), Arc::clone(&plan), plan, Vec::new())
    }

    fn assemble(
        seal: Arc<Seal>,
        inner: Arc<dyn ExecutionPlan>,
        base: Arc<dyn ExecutionPlan>,
        accepted: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&seal.schema)),
            Partitioning::UnknownPartitioning(inner.output_partitioning().partition_count()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        Self { seal, inner, base, accepted, properties: Arc::new(properties), metrics: ExecutionPlanMetricsSet::new() }
    }

    /// `catalog.schema.table`.
    pub fn label(&self) -> &str {
        &self.seal.label
    }

    /// Whether policies bind what is shown. What operators count of it besides rows (bytes, batches, rows before a filter) tells of
    /// what is hidden.
    pub fn is_bound(&self) -> bool {
        self.seal.reveal == Reveal::Nothing || !self.seal.policy_ids.is_empty()
    }

    /// The hidden plan, for `EXPLAIN GOVERNED` by somebody who may see the policies, and for tests.
    pub fn governed_plan(&self) -> &Arc<dyn ExecutionPlan> {
        &self.inner
    }

    /// How many run-time filters of the caller's plan went below.
    pub fn accepted_filters(&self) -> usize {
        self.accepted.len()
    }
}

/// Shows what EXPLAIN shows.
impl fmt::Debug for GovernedScanExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_as(DisplayFormatType::Default, f)
    }
}

impl DisplayAs for GovernedScanExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policies = self.seal.policy_ids.join(", ");
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(f, "GovernedScan: {} policies=[{policies}]", self.seal.label)
            }
            DisplayFormatType::TreeRender => {
                writeln!(f, "table={}", self.seal.label)?;
                writeln!(f, "policies={policies}")
            }
        }
    }
}

impl ExecutionPlan for GovernedScanExec {
    fn name(&self) -> &str {
        "GovernedScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    // `HashJoinExec` fills its run-time filter only when a node on the probe side says here that it uses it.
    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        apply_expression_roots(self.accepted.iter(), visit)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    /// Recursive queries run a plan again and reset it in between. The hidden operators aren't visited, so the reset goes on from here;
    /// accepted filters go, because their owners make new ones.
    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        let base = reset_plan_states(Arc::clone(&self.base))?;
        Ok(Arc::new(Self::assemble(Arc::clone(&self.seal), Arc::clone(&base), base, Vec::new())))
    }

    fn repartitioned(
        &self,
        target_partitions: usize,
        config: &ConfigOptions,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(base) = self.base.repartitioned(target_partitions, config)? else { return Ok(None) };
        Ok(Some(Arc::new(Self::assemble(Arc::clone(&self.seal), Arc::clone(&base), base, Vec::new()))))
    }

    fn execute(&self, partition: usize, caller: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let seal = Arc::clone(&self.seal);
        let hide = move |error| redact(seal.faults.as_ref(), &seal.label, &error);
        let stream = self.inner.execute(partition, self.seal.context(&caller)).map_err(&hide)?;
        let seal = Arc::clone(&self.seal);
        let rows = MetricBuilder::new(&self.metrics).output_rows(partition);
        let shown = stream.map(move |batch| {
            let batch = batch.and_then(|batch| seal.relabel(batch)).map_err(&hide)?;
            rows.add(batch.num_rows());
            Ok(batch)
        });
        let shown = RecordBatchStreamAdapter::new(Arc::clone(&self.seal.schema), shown);
        Ok(Box::pin(Paced::free(Box::pin(shown), Meter::of(caller.session_config()))))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(&self, _: &[Arc<Statistics>], args: &StatisticsArgs) -> Result<Arc<Statistics>> {
        let inner = match self.seal.reveal {
            Reveal::Nothing => return Ok(Arc::new(Statistics::new_unknown(&self.seal.schema))),
            Reveal::VisibleColumns => StatisticsContext::new().compute(self.inner.as_ref(), args),
        };
        let inner = inner.map_err(|error| redact(self.seal.faults.as_ref(), &self.seal.label, &error))?;
        Ok(Arc::new(self.seal.statistics(&inner)))
    }

    fn handle_child_pushdown_result(
        &self,
        phase: FilterPushdownPhase,
        result: ChildPushdownResult,
        config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let offered = result.parent_filters.len();
        let filters = result.parent_filters.iter().map(|one| Arc::clone(&one.filter));
        let accepted: Vec<_> = filters.filter(|filter| is_leakproof_dynamic(filter, &self.seal.open)).collect();
        if phase != FilterPushdownPhase::Post || accepted.is_empty() {
            return Ok(FilterPushdownPropagation::all_unsupported(result));
        }
        let inner = inject(Arc::clone(&self.inner), accepted.clone(), Phase::Dynamic, config)
            .map_err(|error| {
                internal_datafusion_err!("run-time filters of {}: {}", self.seal.label, error.strip_backtrace())
            })
            .map_err(|error| redact(self.seal.faults.as_ref(), &self.seal.label, &error))?;
        let all: Vec<_> = self.accepted.iter().cloned().chain(accepted).collect();
        let node = Self::assemble(Arc::clone(&self.seal), inner, Arc::clone(&self.base), all);
        Ok(FilterPushdownPropagation::with_parent_pushdown_result(vec![PushedDown::No; offered])
            .with_updated_node(Arc::new(node)))
    }
}
