//! Batches as chunks of one Arrow IPC stream.
//!
//! Each chunk holds whole IPC messages and stays near a size that is good for streaming and surely below the largest message
//! that the door sends. Batches are scrubbed first: see `scrub`.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use bytes::Bytes;

use crate::scrub::{plain_schema, scrub};

/// How many bytes a chunk should have.
const TARGET: usize = 1 << 20;
/// What the message around a chunk may add to it.
const AROUND: usize = 1 << 10;

/// Why rows could not be sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum IpcError {
    /// One row alone is larger than a message may be.
    #[error("a row of the result takes {bytes} bytes, and the server sends at most {most} in one message")]
    RowTooLarge {
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        most: usize,
    },
    /// A column has a type that is not sent.
    #[error("{0}")]
    Type(String),
    /// Arrow refused.
    #[error("encoding failed: {0}")]
    Arrow(ArrowError),
}

impl From<ArrowError> for IpcError {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::NotYetImplemented(what) => Self::Type(what),
            other => Self::Arrow(other),
        }
    }
}

/// Encodes one stream.
pub(super) struct Encoder {
    writer: StreamWriter<Vec<u8>>,
    most: usize,
}

impl Encoder {
    /// Begins a stream; gives its first chunk, the schema. No message is larger than `most_bytes`.
    pub(super) fn new(schema: &Schema, most_bytes: usize) -> Result<(Self, Bytes), IpcError> {
        let writer = StreamWriter::try_new(Vec::new(), &plain_schema(schema))?;
        let mut encoder = Self { writer, most: most_bytes.saturating_sub(AROUND).max(AROUND) };
        let schema = encoder.take();
        Ok((encoder, schema))
    }

    /// The chunks of a batch, in order.
    pub(super) fn batch(&mut self, batch: &RecordBatch) -> Result<Vec<Bytes>, IpcError> {
        let clean = scrub(batch)?;
        let (size, rows) = (size_of(&clean), clean.num_rows());
        let pieces = size.div_ceil(TARGET.min(self.most)).clamp(1, rows.max(1));
        let each = rows.div_ceil(pieces).max(1);
        let mut chunks = Vec::with_capacity(pieces);
        for start in (0..rows).step_by(each) {
            self.piece(&clean.slice(start, each.min(rows - start)), &mut chunks)?;
        }
        Ok(chunks)
    }

    /// Ends the stream; gives its last chunk.
    pub(super) fn finish(mut self) -> Result<Bytes, IpcError> {
        self.writer.finish()?;
        Ok(self.take())
    }

    /// Encodes some rows; halves them as long as they are too large. A plain batch leaves nothing behind in the writer, so
    /// a discarded encoding is as if it had not been.
    fn piece(&mut self, rows: &RecordBatch, chunks: &mut Vec<Bytes>) -> Result<(), IpcError> {
        self.writer.write(rows)?;
        let chunk = self.take();
        if chunk.len() <= self.most {
            chunks.push(chunk);
            return Ok(());
        }
        let half = rows.num_rows() / 2;
        if half == 0 {
            return Err(IpcError::RowTooLarge { bytes: chunk.len(), most: self.most });
        }
        self.piece(&rows.slice(0, half), chunks)?;
        self.piece(&rows.slice(half, rows.num_rows() - half), chunks)
    }

    fn take(&mut self) -> Bytes {
        std::mem::take(self.writer.get_mut()).into()
    }
}

/// About how many bytes the rows of a batch take, without what lies beside them in the same buffers.
fn size_of(batch: &RecordBatch) -> usize {
    let each = |column: &Arc<dyn Array>| column.to_data().get_slice_memory_size().unwrap_or_default();
    batch.columns().iter().map(each).sum()
}

/// The schema as it is sent.
pub(super) fn sent_schema(schema: &Schema) -> Schema {
    plain_schema(schema)
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array, StringArray, StringViewArray};
    use arrow::compute::concat_batches;
    use arrow::datatypes::{DataType, Field};
    use arrow::ipc::reader::StreamReader;
    use rstest::rstest;

    use super::*;

    const MOST: usize = 4 << 20;

    fn numbered(rows: i64, width: usize) -> RecordBatch {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
        let texts: ArrayRef =
            Arc::new(StringViewArray::from_iter_values((0..rows).map(|row| format!("{row:0width$}"))));
        RecordBatch::try_from_iter([("id", ids), ("text", texts)]).unwrap()
    }

    fn encode(batches: &[RecordBatch], most: usize) -> Vec<Bytes> {
        let (mut encoder, schema) = Encoder::new(&batches[0].schema(), most).unwrap();
        let mut chunks = vec![schema];
        for batch in batches {
            chunks.extend(encoder.batch(batch).unwrap());
        }
        chunks.push(encoder.finish().unwrap());
        chunks
    }

    fn decode(chunks: &[Bytes]) -> RecordBatch {
        let whole = chunks.concat();
        let reader = StreamReader::try_new(whole.as_slice(), None).unwrap();
        let schema = reader.schema();
        let batches: Vec<_> = reader.map(Result::unwrap).collect();
        concat_batches(&schema, &batches).unwrap()
    }

    #[rstest]
    #[case(0, 10)]
    #[case(1, 10)]
    #[case(100_000, 10)]
    #[case(10_000, 1_000)]
    fn chunks_joined_are_one_stream(#[case] rows: i64, #[case] width: usize) {
        let batch = numbered(rows, width);
        let chunks = encode(&[batch.clone(), batch.clone()], MOST);
        let expected = scrub(&concat_batches(&batch.schema(), [&batch, &batch]).unwrap()).unwrap();
        assert_eq!(decode(&chunks), expected);
    }

    #[test]
    fn chunks_stay_near_their_size() {
        let chunks = encode(&[numbered(10_000, 1_000)], MOST);
        assert!(chunks.len() > 9, "{} chunks", chunks.len());
        assert!(chunks.iter().all(|chunk| chunk.len() < 2 * TARGET));
    }

    #[test]
    fn uneven_rows_are_halved_until_they_fit() {
        let mut texts = vec!["x".repeat(10); 1_000];
        texts.extend(vec!["y".repeat(900_000); 10]);
        let batch = RecordBatch::try_from_iter([("t", Arc::new(StringArray::from(texts)) as ArrayRef)]).unwrap();
        let chunks = encode(std::slice::from_ref(&batch), 1 << 20);
        assert!(chunks.iter().all(|chunk| chunk.len() <= 1 << 20));
        assert_eq!(decode(&chunks), batch);
    }

    #[test]
    fn a_row_that_fits_in_no_message_is_refused() {
        let row: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(3 << 20)]));
        let batch = RecordBatch::try_from_iter([("t", row)]).unwrap();
        let (mut encoder, _) = Encoder::new(&batch.schema(), 1 << 20).unwrap();
        assert!(matches!(encoder.batch(&batch), Err(IpcError::RowTooLarge { .. })));
    }

    #[test]
    fn an_answer_without_columns_is_a_stream_too() {
        let (encoder, schema) = Encoder::new(&Schema::empty(), MOST).unwrap();
        let chunks = [schema, encoder.finish().unwrap()];
        let whole = chunks.concat();
        let reader = StreamReader::try_new(whole.as_slice(), None).unwrap();
        assert_eq!(reader.schema().fields().len(), 0);
        assert_eq!(reader.count(), 0);
    }

    #[test]
    fn the_schema_sent_is_the_schema_told() {
        let schema = Schema::new(vec![Field::new("v", DataType::Utf8View, true)]);
        assert_eq!(*sent_schema(&schema).field(0).data_type(), DataType::Utf8);
    }
}
