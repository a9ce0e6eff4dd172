//! Giving rows the columns of a table: matched, cast and checked for NULL.
//!
//! Values are stored by the rules of ANSI store assignment: what doesn't fit is an error and never a silent NULL, and
//! types that have nothing in common aren't converted unless CAST asks for it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::common::internal_datafusion_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result as PlanResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use futures::StreamExt;

use super::sql_type::sql_type;
use super::write_error::{RowFault, WriteError};

/// Where the metadata of a column says that it is computed.
pub(super) const GENERATED: &str = "delta.generationExpression";

/// How the columns of the rows find those of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnMatch {
    /// In the order of the table; all of them.
    Position,
    /// In the order of this list, as in `INSERT INTO t (b, a)`; the others get NULL.
    Listed(Vec<String>),
    /// By name, without case, as in `INSERT INTO t BY NAME`; the others get NULL.
    Name,
}

/// What the rows of a plan become. Columns that the table computes itself are left to it when they aren't given.
///
/// The error of a row is a [`RowFault`] inside the error of DataFusion.
///
/// # Errors `ColumnCount`, `UnknownColumn`, `DuplicateColumn`, `Incompatible`; `Row` when a column that needs a value
/// isn't given.
pub fn conform(
    input: Arc<dyn ExecutionPlan>,
    table: &Schema,
    matching: &ColumnMatch,
) -> Result<Arc<dyn ExecutionPlan>, WriteError> {
    let given = input.schema();
    let sources = sources(&given, table, matching)?;
    let mut steps = Vec::with_capacity(table.fields().len());
    for (index, column) in table.fields().iter().enumerate() {
        let source = sources.get(&index).copied();
        match source.and_then(|source| given.fields().get(source)) {
            Some(from) => require_assignable(from, column)?,
            None if column.metadata().contains_key(GENERATED) => continue,
            None if !column.is_nullable() => return Err(RowFault::NotNull(column.name().clone()).into()),
            None => {}
        }
        steps.push(Step { source, column: Arc::clone(column) });
    }
    Ok(Arc::new(ConformExec::new(input, steps.into())))
}

/// Position in the table -> position in the rows.
fn sources(given: &Schema, table: &Schema, matching: &ColumnMatch) -> Result<HashMap<usize, usize>, WriteError> {
    let names: Vec<&str> = match matching {
        ColumnMatch::Position => table.fields().iter().map(|field| field.name().as_str()).collect(),
        ColumnMatch::Listed(names) => names.iter().map(String::as_str).collect(),
        ColumnMatch::Name => given.fields().iter().map(|field| field.name().as_str()).collect(),
    };
    if names.len() != given.fields().len() {
        return Err(WriteError::ColumnCount { wanted: names.len(), given: given.fields().len() });
    }
    let mut sources = HashMap::new();
    for (source, name) in names.into_iter().enumerate() {
        let target = if *matching == ColumnMatch::Position { Some(source) } else { find(table, name) };
        let target = target.ok_or_else(|| WriteError::UnknownColumn(name.to_owned()))?;
        if sources.insert(target, source).is_some() {
            return Err(WriteError::DuplicateColumn(name.to_owned()));
        }
    }
    Ok(sources)
}

fn find(table: &Schema, name: &str) -> Option<usize> {
    let exact = table.fields().iter().position(|field| field.name() == name);
    exact.or_else(|| table.fields().iter().position(|field| field.name().to_lowercase() == name.to_lowercase()))
}

fn require_assignable(from: &Field, column: &Field) -> Result<(), WriteError> {
    if assignable(from.data_type(), column.data_type()) {
        return Ok(());
    }
    let (from, to) = (sql_type(from.data_type()), sql_type(column.data_type()));
    Err(WriteError::Incompatible { column: column.name().clone(), from, to })
}

/// Which types go into which: within a family, text into anything simple, and anything simple but bytes into text.
fn assignable(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::Null, _) => true,
        (DataType::Dictionary(_, from), to) => assignable(from, to),
        (DataType::Struct(from), DataType::Struct(to)) => {
            let pairs = || from.iter().zip(to);
            from.len() == to.len()
                && pairs().all(|(from, to)| {
                    from.name().eq_ignore_ascii_case(to.name()) && assignable(from.data_type(), to.data_type())
                })
        }
        (DataType::Map(from, _), DataType::Map(to, _)) => match (from.data_type(), to.data_type()) {
            (DataType::Struct(from), DataType::Struct(to)) => {
                from.iter().zip(to).all(|(from, to)| assignable(from.data_type(), to.data_type()))
            }
            _ => false,
        },
        _ => match (item(from), item(to)) {
            (Some(from), Some(to)) => assignable(from, to),
            (None, None) => simple_assignable(from, to),
            _ => false,
        },
    }
}

fn item(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => Some(item.data_type()),
        _ => None,
    }
}

fn simple_assignable(from: &DataType, to: &DataType) -> bool {
    match (Family::of(from), Family::of(to)) {
        (Some(Family::Text), Some(_)) => true,
        (Some(from), Some(Family::Text)) => from != Family::Bytes,
        (Some(from), Some(to)) => from == to,
        _ => false,
    }
}

#[derive(PartialEq)]
enum Family {
    Number,
    Text,
    Bytes,
    Moment,
    Truth,
}

impl Family {
    fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Boolean => Some(Self::Truth),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Self::Text),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                Some(Self::Bytes)
            }
            DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Some(Self::Moment),
            other if other.is_numeric() => Some(Self::Number),
            _ => None,
        }
    }
}

/// What one column of the table is made of.
#[derive(Debug)]
struct Step {
    /// The column of the rows; NULL without.
    source: Option<usize>,
    column: FieldRef,
}

impl Step {
    fn array(&self, batch: &RecordBatch) -> PlanResult<ArrayRef> {
        let Some(source) = self.source else { return Ok(new_null_array(self.column.data_type(), batch.num_rows())) };
        let array = batch.columns().get(source).ok_or_else(|| internal_datafusion_err!("no column {source}"))?;
        if !self.column.is_nullable() && array.logical_null_count() > 0 {
            return Err(RowFault::NotNull(self.column.name().clone()).into());
        }
        if array.data_type() == self.column.data_type() {
            return Ok(Arc::clone(array));
        }
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        // The text of the error holds the value, so it isn't kept.
        let cast = cast_with_options(array, self.column.data_type(), &strict).map_err(|_| self.misfit())?;
        // A cast that isn't strict by nature would show as a NULL more.
        if cast.logical_null_count() == array.logical_null_count() { Ok(cast) } else { Err(self.misfit().into()) }
    }

    fn misfit(&self) -> RowFault {
        RowFault::Cast { column: self.column.name().clone(), to: sql_type(self.column.data_type()) }
    }
}

struct ConformExec {
    input: Arc<dyn ExecutionPlan>,
    steps: Arc<[Step]>,
    properties: Arc<PlanProperties>,
}

impl ConformExec {
    fn new(input: Arc<dyn ExecutionPlan>, steps: Arc<[Step]>) -> Self {
        let fields: Vec<_> = steps.iter().map(|step| Arc::clone(&step.column)).collect();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::new(Schema::new(fields))),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Self { input, steps, properties: Arc::new(properties) }
    }
}

impl fmt::Debug for ConformExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Conform")
    }
}

impl DisplayAs for ConformExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Conform")
    }
}

impl ExecutionPlan for ConformExec {
    fn name(&self) -> &str {
        "Conform"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> PlanResult<TreeNodeRecursion>,
    ) -> PlanResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> PlanResult<Arc<dyn ExecutionPlan>> {
        let input = children.pop().ok_or_else(|| internal_datafusion_err!("rows to conform are missing"))?;
        Ok(Arc::new(Self::new(input, Arc::clone(&self.steps))))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> PlanResult<SendableRecordBatchStream> {
        let (schema, steps) = (self.schema(), Arc::clone(&self.steps));
        let shown = Arc::clone(&schema);
        let stream = self.input.execute(partition, context)?.map(move |batch| conformed(&batch?, &steps, &shown));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream)))
    }
}

fn conformed(batch: &RecordBatch, steps: &[Step], schema: &SchemaRef) -> PlanResult<RecordBatch> {
    let columns = steps.iter().map(|step| step.array(batch)).collect::<PlanResult<Vec<_>>>()?;
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows)?)
}

#[cfg(test)]
mod tests;
