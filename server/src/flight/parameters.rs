//! Parameters of prepared statements, as a client sends them: batches in which each row is one binding.

use std::panic::AssertUnwindSafe;

use arrow::compute::concat_batches;
use arrow::ipc::root_as_message;
use arrow::record_batch::RecordBatch;
use arrow_flight::FlightData;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::sql::server::PeekableFlightDataStream;
use futures::{FutureExt, StreamExt, TryStreamExt};
use lakewarden_catalog::ErrorKind;
use tonic::Status;

use crate::status::plain;

/// How many parameters are read for one statement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// The most rows.
    pub(super) rows: usize,
    /// The most bytes of all messages together: one message has its own limit, their number has none.
    pub(super) bytes: usize,
}

/// Reads the parameters of a request; `None` when there are no columns or no rows.
pub(super) async fn read(stream: PeekableFlightDataStream, most: Bounds) -> Result<Option<RecordBatch>, Status> {
    let mut bytes = 0usize;
    let bounded = stream.map(move |message| {
        let message = message?;
        bytes = bytes.saturating_add(message.data_header.len()).saturating_add(message.data_body.len());
        if bytes > most.bytes {
            return Err(too_many(format!("{} bytes", most.bytes)));
        }
        if is_compressed(&message.data_header) {
            return Err(malformed_as("the parameters are compressed: send them as they are"));
        }
        Ok(message)
    });
    // The first message carries the command, and a schema only if there are parameters.
    let with_content = bounded.filter(|message: &Result<FlightData, Status>| {
        let empty = message.as_ref().is_ok_and(|m| m.data_header.is_empty() && m.data_body.is_empty());
        futures::future::ready(!empty)
    });
    let messages = with_content.map_err(|status| FlightError::Tonic(Box::new(status)));
    let mut decoded = FlightRecordBatchStream::new_from_flight_data(messages);
    let mut batches = Vec::new();
    let mut rows = 0;
    // The decoder checks most of what a message says of its buffers, and panics at the rest.
    while let Some(batch) = AssertUnwindSafe(decoded.next()).catch_unwind().await.map_err(|_| unreadable())? {
        let batch = batch.map_err(malformed)?;
        rows += batch.num_rows();
        if rows > most.rows {
            return Err(too_many(format!("{} rows", most.rows)));
        }
        batches.push(batch);
    }
    let Some(schema) = batches.first().map(RecordBatch::schema) else { return Ok(None) };
    if schema.fields().is_empty() || rows == 0 {
        return Ok(None);
    }
    concat_batches(&schema, &batches).map(Some).map_err(|e| malformed(FlightError::from(e)))
}

fn too_many(most: String) -> Status {
    let message = format!("a statement can be bound to at most {most} of parameters");
    plain(ErrorKind::LimitExceeded, "TOO_MANY_PARAMETERS", message)
}

fn malformed(error: FlightError) -> Status {
    match error {
        FlightError::Tonic(status) => *status,
        _ => unreadable(),
    }
}

fn unreadable() -> Status {
    malformed_as("the parameters cannot be read")
}

fn malformed_as(message: &str) -> Status {
    plain(ErrorKind::InvalidArgument, "MALFORMED_PARAMETERS", message)
}

/// Whether a message holds compressed buffers. Each begins with the length that it will have, which the decoder believes
/// and allocates: a few bytes could claim more than there is, and end the process.
fn is_compressed(header: &[u8]) -> bool {
    let Ok(message) = root_as_message(header) else { return false };
    let batch = message.header_as_record_batch();
    let batch = batch.or_else(|| message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data()));
    batch.is_some_and(|batch| batch.compression().is_some())
}
