//! Rows of text, numbers and times, gathered column by column.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int64Builder, RecordBatch, RecordBatchOptions, StringBuilder, TimestampMicrosecondBuilder, new_null_array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::error::Result;

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

/// Rows on their way to a batch.
pub(super) struct Rows<'a> {
    columns: &'a [Column],
    builders: Vec<Builder>,
    count: usize,
}

impl<'a> Rows<'a> {
    /// No rows yet. Of columns that are not asked for, no value is kept.
    pub(super) fn new(columns: &'a [Column], asked: Option<&[usize]>) -> Self {
        let builder = |(at, (_, kind)): (usize, &Column)| match kind {
            _ if asked.is_some_and(|asked| !asked.contains(&at)) => Builder::Unasked(*kind),
            Kind::Text => Builder::Text(StringBuilder::new()),
            Kind::Number => Builder::Number(Int64Builder::new()),
            Kind::Time => Builder::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
        };
        Self { columns, builders: columns.iter().enumerate().map(builder).collect(), count: 0 }
    }

    /// Adds a row: as many cells as there are columns, each of its column's kind. What is missing or of another kind is NULL.
    pub(super) fn push(&mut self, cells: &[Cell<'_>]) {
        debug_assert_eq!(cells.len(), self.columns.len(), "a row of {:?}", self.columns);
        for (at, builder) in self.builders.iter_mut().enumerate() {
            let cell = cells.get(at).unwrap_or(&Cell::Null);
            match (builder, cell) {
                (Builder::Unasked(_), _) => {}
                (Builder::Text(builder), Cell::Text(text)) => builder.append_value(text),
                (Builder::Text(builder), _) => builder.append_null(),
                (Builder::Number(builder), Cell::Number(number)) => builder.append_value(*number),
                (Builder::Number(builder), _) => builder.append_null(),
                (Builder::Time(builder), Cell::Time(ms)) => builder.append_value(ms.saturating_mul(1_000)),
                (Builder::Time(builder), _) => builder.append_null(),
            }
        }
        self.count += 1;
    }

    pub(super) fn into_batch(self, schema: SchemaRef) -> Result<RecordBatch> {
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
