//! What a statement answers: a schema and a stream of batches, or a count of changed rows.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::{ArrayRef, BooleanArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};
use lakewarden_catalog::model::Namespace;

use crate::error::EngineError;

/// What a statement was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It reads: the rows are the answer.
    Rows,
    /// It changed this many rows.
    Changed(u64),
    /// It changed the catalog or the session.
    Done,
}

/// The answer of a statement. Dropping it cancels what still runs.
pub struct QueryStream {
    schema: SchemaRef,
    outcome: Outcome,
    namespace: Namespace,
    batches: BoxStream<'static, Result<RecordBatch, EngineError>>,
}

impl QueryStream {
    /// An answer of rows.
    pub fn rows(
        schema: SchemaRef,
        batches: impl Stream<Item = Result<RecordBatch, EngineError>> + Send + 'static,
    ) -> Self {
        Self { schema, outcome: Outcome::Rows, namespace: Namespace::default(), batches: batches.boxed() }
    }

    /// An answer of rows that are there already.
    pub(crate) fn table(batch: RecordBatch) -> Self {
        Self::rows(batch.schema(), stream::iter([Ok(batch)]))
    }

    /// The answer of a statement that changed rows: one row with their number.
    pub(crate) fn changed(rows: u64) -> Result<Self, EngineError> {
        let count: ArrayRef = Arc::new(Int64Array::from(vec![i64::try_from(rows).unwrap_or(i64::MAX)]));
        let batch = RecordBatch::try_from_iter([("num_affected_rows", count)]).map_err(EngineError::internal)?;
        Ok(Self { outcome: Outcome::Changed(rows), ..Self::table(batch) })
    }

    /// The answer of a statement that changed rows in several ways: one row with the numbers of each.
    pub(crate) fn counted(rows: u64, counts: Vec<AnswerColumn>) -> Result<Self, EngineError> {
        Ok(Self { outcome: Outcome::Changed(rows), ..answer(counts)? })
    }

    /// The answer of a statement that has none.
    pub(crate) fn done() -> Self {
        let schema = Arc::new(Schema::empty());
        Self { outcome: Outcome::Done, ..Self::rows(schema, stream::empty()) }
    }

    /// The same answer with its errors in other words.
    pub(crate) fn map_errors(self, words: impl Fn(EngineError) -> EngineError + Send + 'static) -> Self {
        Self { batches: self.batches.map_err(words).boxed(), ..self }
    }

    pub(crate) fn with_namespace(mut self, namespace: Namespace) -> Self {
        self.namespace = namespace;
        self
    }

    /// The columns of the answer.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What the statement was.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// The current catalog and schema after the statement.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The whole answer.
    ///
    /// # Errors
    /// What stopped the statement on the way.
    pub async fn collect(self) -> Result<Vec<RecordBatch>, EngineError> {
        self.batches.try_collect().await
    }
}

impl Stream for QueryStream {
    type Item = Result<RecordBatch, EngineError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.batches.poll_next_unpin(context)
    }
}

impl fmt::Debug for QueryStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryStream").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

/// A column of an answer that the engine makes itself.
pub(crate) enum AnswerColumn {
    /// Text, or NULL.
    Text(&'static str, Vec<Option<String>>),
    /// True or false.
    Flag(&'static str, Vec<bool>),
    /// A whole number.
    Number(&'static str, Vec<i64>),
}

/// Makes an answer of columns of one length.
pub(crate) fn answer(columns: Vec<AnswerColumn>) -> Result<QueryStream, EngineError> {
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len());
    for column in columns {
        match column {
            AnswerColumn::Text(name, values) => {
                fields.push(Field::new(name, DataType::Utf8, true));
                arrays.push(Arc::new(StringArray::from(values)));
            }
            AnswerColumn::Flag(name, values) => {
                fields.push(Field::new(name, DataType::Boolean, false));
                arrays.push(Arc::new(BooleanArray::from(values)));
            }
            AnswerColumn::Number(name, values) => {
                fields.push(Field::new(name, DataType::Int64, false));
                arrays.push(Arc::new(Int64Array::from(values)));
            }
        }
    }
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(EngineError::internal)?;
    Ok(QueryStream::table(batch))
}

/// Makes an answer of text rows.
pub(crate) fn text_answer<const N: usize>(
    names: [&'static str; N],
    rows: Vec<[Option<String>; N]>,
) -> Result<QueryStream, EngineError> {
    let mut columns: Vec<(&'static str, Vec<Option<String>>)> = names.into_iter().map(|n| (n, Vec::new())).collect();
    for row in rows {
        for ((_, values), value) in columns.iter_mut().zip(row) {
            values.push(value);
        }
    }
    answer(columns.into_iter().map(|(name, values)| AnswerColumn::Text(name, values)).collect())
}
