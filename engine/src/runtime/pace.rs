//! An operator that makes those below it give way, stop when they are told to, and pay for rows that nobody else counts.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Statistics, internal_datafusion_err};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::{CardinalityEffect, SchedulingType};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterDescription, FilterPushdownPhase, FilterPushdownPropagation,
};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, RecordBatchStream, ReplaceChildrenOptions,
};
use futures::{Stream, StreamExt};

use super::limits::LimitError;
use super::meter::{Meter, made_is_counted, slice_is_over};
use super::weight;

/// What the rows that go by are counted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toll {
    /// Nothing: the operator above counts what it keeps.
    Free,
    /// A batch, until the next one: it may hold values that were computed.
    Batch,
    /// All batches, until the end: the operator above keeps them and doesn't count.
    All,
    /// A batch full of copies of the widest row: the operator above repeats rows.
    Copies,
    /// As `Copies`, with as many copies as the batch has items in lists: the operator above unfolds them.
    Unfolded,
}

/// What is too small to be counted batch by batch.
const SMALL: usize = 4 << 20;

/// See the module. Rows go through it unchanged.
#[derive(Debug, Clone)]
pub struct PacedExec {
    input: Arc<dyn ExecutionPlan>,
    toll: Toll,
    properties: Arc<PlanProperties>,
}

impl PacedExec {
    /// Puts the operator over another one.
    pub fn new(input: Arc<dyn ExecutionPlan>, toll: Toll) -> Self {
        let properties =
            PlanProperties::clone(input.properties()).with_scheduling_type(SchedulingType::Cooperative).into();
        Self { input, toll, properties }
    }
}

impl DisplayAs for PacedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl ExecutionPlan for PacedExec {
    fn name(&self) -> &str {
        "PacedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let only = children.into_iter().next().ok_or_else(|| internal_datafusion_err!("PacedExec has one input"))?;
        Ok(Arc::new(Self::new(only, self.toll)))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let only = children.into_iter().next().ok_or_else(|| internal_datafusion_err!("PacedExec has one input"))?;
        Ok(Arc::new(Self::new(only, self.toll)))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let meter = Meter::of(context.session_config());
        let held = match self.toll {
            Toll::Free => None,
            _ => Some(MemoryConsumer::new("rows").register(context.memory_pool())),
        };
        let (toll, most_rows) = (self.toll, context.session_config().batch_size());
        let rows = self.input.execute(partition, context)?;
        Ok(Box::pin(Paced { rows, meter, toll, most_rows, held, gave_way: false, ended: false }))
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(&self, inputs: &[Arc<Statistics>], _: &StatisticsArgs) -> Result<Arc<Statistics>> {
        inputs.first().cloned().ok_or_else(|| internal_datafusion_err!("PacedExec has one input"))
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }

    fn gather_filters_for_pushdown(
        &self,
        _: FilterPushdownPhase,
        parents: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        FilterDescription::from_children(parents, &self.children())
    }

    fn handle_child_pushdown_result(
        &self,
        _: FilterPushdownPhase,
        result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        Ok(FilterPushdownPropagation::if_all(result))
    }
}

/// A stream that gives way when its task has computed long enough.
pub(crate) struct Paced {
    rows: SendableRecordBatchStream,
    meter: Option<Arc<Meter>>,
    toll: Toll,
    most_rows: usize,
    held: Option<MemoryReservation>,
    gave_way: bool,
    ended: bool,
}

impl Paced {
    /// Paces a stream, free of toll.
    pub(crate) fn free(rows: SendableRecordBatchStream, meter: Option<Arc<Meter>>) -> Self {
        Self { rows, meter, toll: Toll::Free, most_rows: 0, held: None, gave_way: false, ended: false }
    }

    fn pay(&self, batch: &RecordBatch) -> Result<()> {
        made_is_counted();
        let Some(held) = &self.held else { return Ok(()) };
        match self.toll {
            Toll::Free => Ok(()),
            Toll::All => held.try_grow(weight::of_batch(batch)),
            Toll::Batch => held.try_resize(Some(weight::of_batch(batch)).filter(|bytes| *bytes > SMALL).unwrap_or(0)),
            Toll::Copies => {
                let copies = weight::of_widest_row(batch).saturating_mul(self.most_rows);
                if copies > SMALL.max(held.size()) { held.try_resize(copies) } else { Ok(()) }
            }
            Toll::Unfolded => {
                let rows = weight::items_in_lists(batch).max(batch.num_rows());
                let copies = weight::of_widest_scalars(batch).saturating_mul(rows);
                held.try_resize(Some(copies).filter(|bytes| *bytes > SMALL).unwrap_or(0))
            }
        }
    }
}

impl Stream for Paced {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if let Some(Err(stopped)) = self.meter.as_ref().map(|meter| meter.check()) {
            self.ended = true;
            return Poll::Ready(Some(Err(LimitError::into(stopped))));
        }
        // Never twice in a row: a task that spends its slice before it comes here would get nowhere.
        self.gave_way = !self.gave_way && slice_is_over();
        if self.gave_way {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let cooperation = ready!(tokio::task::coop::poll_proceed(context));
        let next = ready!(self.rows.poll_next_unpin(context));
        cooperation.made_progress();
        let next = next.map(|batch| batch.and_then(|batch| self.pay(&batch).map(|()| batch)));
        self.ended = !matches!(next, Some(Ok(_)));
        Poll::Ready(next)
    }
}

impl RecordBatchStream for Paced {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
}
