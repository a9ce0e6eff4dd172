//! Rows of text, numbers and times, gathered column by column.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int64Builder, RecordBatch, RecordBatchOptions, StringBuilder, TimestampMicrosecondBuilder, new_null_array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::MemoryReservation;

/// A column of a relation.
pub(super) type Column = (&'static str, Kind);

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Time,
}

/// One value, of the kind of its column.
pub(super) enum Cell<'a> {
    Null,
    Text(&'a str),
    Number(i64),
    /// Milliseconds since 1970 (UTC).
    Time(i64),
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Cell<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<Option<&'a str>> for Cell<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}

impl From<Option<i64>> for Cell<'_> {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::Null, Self::Number)
    }
}

/// The columns as they are shown.
pub(super) fn schema(columns: &[Column]) -> SchemaRef {
    let fields = columns.iter().map(|(name, kind)| Field::new(*name, kind.data_type(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

impl Kind {
    fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Number => DataType::Int64,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }
}

enum Builder {
    /// A column that nobody asked for.
    Unasked(Kind),
    Text(StringBuilder),
    Number(Int64Builder),
    Time(TimestampMicrosecondBuilder),
}

/// After how many rows their memory is accounted for.
const ACCOUNTED: usize = 1_024;

/// Rows on their way to a batch.
pub(super) struct Rows<'a> {
    columns: &'a [Column],
    builders: Vec<Builder>,
    count: usize,
    bytes: usize,
    memory: MemoryReservation,
    /// Why no more rows are taken.
    full: Option<DataFusionError>,
}

impl<'a> Rows<'a> {
    /// No rows yet. Of columns that are not asked for, no value is kept; what is kept is the statement's memory.
    pub(super) fn new(columns: &'a [Column], asked: Option<&[usize]>, memory: MemoryReservation) -> Self {
        let builder = |(at, (_, kind)): (usize, &Column)| match kind {
            _ if asked.is_some_and(|asked| !asked.contains(&at)) => Builder::Unasked(*kind),
            Kind::Text => Builder::Text(StringBuilder::new()),
            Kind::Number => Builder::Number(Int64Builder::new()),
            Kind::Time => Builder::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
        };
        let builders = columns.iter().enumerate().map(builder).collect();
        Self { columns, builders, count: 0, bytes: 0, memory, full: None }
    }

    /// Adds a row: as many cells as there are columns, each of its column's kind. What is missing or of another kind is NULL.
    pub(super) fn push(&mut self, cells: &[Cell<'_>]) {
        debug_assert_eq!(cells.len(), self.columns.len(), "a row of {:?}", self.columns);
        if self.full.is_some() {
            return;
        }
        for (at, builder) in self.builders.iter_mut().enumerate() {
            let cell = cells.get(at).unwrap_or(&Cell::Null);
            match (builder, cell) {
                (Builder::Unasked(_), _) => {}
                (Builder::Text(builder), Cell::Text(text)) => {
                    self.bytes += text.len();
                    builder.append_value(text);
                }
                (Builder::Text(builder), _) => builder.append_null(),
                (Builder::Number(builder), Cell::Number(number)) => builder.append_value(*number),
                (Builder::Number(builder), _) => builder.append_null(),
                (Builder::Time(builder), Cell::Time(ms)) => builder.append_value(ms.saturating_mul(1_000)),
                (Builder::Time(builder), _) => builder.append_null(),
            }
        }
        self.count += 1;
        self.bytes += 8 * cells.len();
        if self.count.is_multiple_of(ACCOUNTED) {
            self.full = self.memory.try_resize(self.bytes).err();
        }
    }

    /// The rows.
    ///
    /// # Errors
    /// When they take more memory than the statement may.
    pub(super) fn into_batch(self, schema: SchemaRef) -> Result<RecordBatch> {
        if let Some(full) = self.full {
            return Err(full);
        }
        let count = self.count;
        let array = |builder| -> ArrayRef {
            match builder {
                Builder::Unasked(kind) => new_null_array(&kind.data_type(), count),
                Builder::Text(mut builder) => Arc::new(builder.finish()),
                Builder::Number(mut builder) => Arc::new(builder.finish()),
                Builder::Time(mut builder) => Arc::new(builder.finish()),
            }
        };
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let arrays = self.builders.into_iter().map(array).collect();
        Ok(RecordBatch::try_new_with_options(schema, arrays, &options)?)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryConsumer, MemoryPool};

    use super::*;

    const COLUMNS: &[Column] = &[("name", Kind::Text), ("place", Kind::Number), ("made", Kind::Time)];

    fn rows(bytes: usize, asked: Option<&[usize]>) -> Rows<'static> {
        let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(bytes));
        Rows::new(COLUMNS, asked, MemoryConsumer::new("rows").register(&pool))
    }

    #[test]
    fn rows_keep_what_is_asked_for() {
        let mut rows = rows(1_000_000, Some(&[1]));
        rows.push(&["a".into(), Cell::Number(7), Cell::Time(1)]);
        rows.push(&["b".into(), Cell::Null, Cell::Null]);
        let batch = rows.into_batch(schema(COLUMNS)).unwrap();
        let nulls: Vec<_> = batch.columns().iter().map(|column| column.null_count()).collect();
        assert_eq!((batch.num_rows(), nulls), (2, vec![2, 1, 2]));
    }

    #[test]
    fn more_rows_than_the_memory_holds_are_an_error() {
        let mut rows = rows(100_000, None);
        (0..100_000).for_each(|at| rows.push(&["some name".into(), Cell::Number(at), Cell::Time(at)]));
        assert!(rows.count < 10_000, "{}", rows.count);
        let error = rows.into_batch(schema(COLUMNS)).unwrap_err();
        assert!(matches!(error, DataFusionError::ResourcesExhausted(_)), "{error}");
    }
}
