//! Answers on their way out: batches to Flight messages, scrubbed of what the caller was not given.

use std::pin::Pin;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use arrow_flight::FlightData;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use futures::{Stream, StreamExt, TryStreamExt};
use tonic::{Response, Status};

use super::metadata::internal;
use crate::scrub;

/// The messages of one answer.
pub(super) type Messages = Pin<Box<dyn Stream<Item = Result<FlightData, Status>> + Send + 'static>>;

/// Turns the rows of a statement into messages. The schema is sent even when no batch comes.
pub(super) fn encode(
    schema: SchemaRef,
    batches: impl Stream<Item = Result<RecordBatch, Status>> + Send + 'static,
) -> Response<Messages> {
    messages(schema, batches.and_then(|batch| futures::future::ready(scrub::scrub(&batch).map_err(internal))))
}

/// A batch that the door itself has built, as an answer: there is nothing behind its values.
pub(super) fn one(batch: RecordBatch) -> Response<Messages> {
    messages(batch.schema(), futures::stream::iter([Ok(batch)]))
}

fn messages(
    schema: SchemaRef,
    batches: impl Stream<Item = Result<RecordBatch, Status>> + Send + 'static,
) -> Response<Messages> {
    let messages = FlightDataEncoderBuilder::new()
        .with_schema(schema)
        .build(batches.map_err(|status| FlightError::Tonic(Box::new(status))))
        .map_err(Status::from);
    Response::new(messages.boxed())
}

/// The schema of an answer in types that every driver reads.
pub(super) fn plain_schema(schema: &Schema) -> SchemaRef {
    Arc::new(scrub::plain_schema(schema))
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int32Array, ListBuilder, StringViewArray, StringViewBuilder};
    use arrow::datatypes::DataType;
    use arrow_flight::decode::FlightRecordBatchStream;

    use super::*;

    #[tokio::test]
    async fn views_go_out_as_plain_strings_also_inside_lists() {
        let mut list = ListBuilder::new(StringViewBuilder::new());
        list.append_value([Some("a string that is longer than twelve bytes"), None]);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("n", Arc::new(Int32Array::from(vec![1]))),
            ("s", Arc::new(StringViewArray::from(vec![Some("x")]))),
            ("l", Arc::new(list.finish())),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let schema = plain_schema(&batch.schema());
        assert_eq!(*schema.field(1).data_type(), DataType::Utf8);
        let messages = encode(Arc::clone(&schema), futures::stream::iter([Ok(batch)])).into_inner();
        let decoded =
            FlightRecordBatchStream::new_from_flight_data(messages.map_err(|s| FlightError::Tonic(Box::new(s))));
        let decoded: Vec<RecordBatch> = decoded.try_collect().await.unwrap();
        assert_eq!(decoded[0].schema().field(2).data_type(), schema.field(2).data_type());
        assert_eq!(decoded[0].num_rows(), 1);
        assert_eq!(*decoded[0].column(1).data_type(), DataType::Utf8);
    }
}
