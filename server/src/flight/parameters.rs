//! Parameters of prepared statements, as a client sends them: batches in which each row is one binding.

use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::sql::server::PeekableFlightDataStream;
use futures::{StreamExt, TryStreamExt};
use lakewarden_catalog::ErrorKind;
use tonic::Status;

use crate::status::plain;

/// Reads the parameters of a request, at most `max_rows` of them; `None` when there are no columns or no rows.
pub(super) async fn read(stream: PeekableFlightDataStream, max_rows: usize) -> Result<Option<RecordBatch>, Status> {
    // The first message carries the command, and a schema only if there are parameters.
    let with_content = stream.filter(|message| {
        let empty = message.as_ref().is_ok_and(|m| m.data_header.is_empty() && m.data_body.is_empty());
        futures::future::ready(!empty)
    });
    let messages = with_content.map_err(|status| FlightError::Tonic(Box::new(status)));
    let mut decoded = FlightRecordBatchStream::new_from_flight_data(messages);
    let mut batches = Vec::new();
    let mut rows = 0;
    while let Some(batch) = decoded.next().await {
        let batch = batch.map_err(malformed)?;
        rows += batch.num_rows();
        if rows > max_rows {
            let message = format!("a statement can be bound to at most {max_rows} rows of parameters");
            return Err(plain(ErrorKind::LimitExceeded, "TOO_MANY_PARAMETERS", message));
        }
        batches.push(batch);
    }
    let Some(schema) = batches.first().map(RecordBatch::schema) else { return Ok(None) };
    if schema.fields().is_empty() || rows == 0 {
        return Ok(None);
    }
    concat_batches(&schema, &batches).map(Some).map_err(|e| malformed(FlightError::from(e)))
}

fn malformed(error: FlightError) -> Status {
    match error {
        FlightError::Tonic(status) => *status,
        _ => plain(ErrorKind::InvalidArgument, "MALFORMED_PARAMETERS", "the parameters cannot be read"),
    }
}
