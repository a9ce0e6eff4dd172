//! The answer of a statement on its way out: a header, chunks of Arrow IPC, a summary.
//!
//! Nothing runs ahead of the client: a batch is asked for when the chunks before it are gone. Dropping the answer, as happens
//! when the client goes away, drops the statement.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::{Stream, StreamExt};
use lakewarden_catalog::ErrorKind;
use lakewarden_catalog::model::{PrincipalId, RequestId};
use lakewarden_engine::runtime::LimitError;
use lakewarden_engine::{EngineError, Outcome, QueryStream};
use lakewarden_proto::v1;
use lakewarden_proto::v1::execute_response::Part;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::ipc::{Encoder, IpcError, sent_schema};
use crate::handles::{Handles, Key};
use crate::status::{plain, status};
use crate::telemetry::Gauged;

/// The messages of one answer.
pub(super) type Answers = Pin<Box<dyn Stream<Item = Result<v1::ExecuteResponse, Status>> + Send + 'static>>;

/// How much an answer may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// The most rows: what is behind them is left out, and that is told.
    pub(super) rows: u64,
    /// The most bytes of one message.
    pub(super) message: usize,
}

/// A statement that can be cancelled for as long as this lives.
pub(super) struct Running {
    table: Arc<Handles<CancellationToken>>,
    principal: PrincipalId,
    key: Key,
    token: CancellationToken,
    _gauged: Gauged,
}

impl Running {
    pub(super) fn begin(
        table: &Arc<Handles<CancellationToken>>,
        principal: PrincipalId,
        gauged: Gauged,
    ) -> Result<Self, Status> {
        let token = CancellationToken::new();
        let key = table.keep(principal, token.clone())?;
        Ok(Self { table: Arc::clone(table), principal, key, token, _gauged: gauged })
    }

    /// What cancels it.
    pub(super) fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    pub(super) fn id(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.table.take(self.principal, &self.key);
    }
}

/// One answer.
pub(super) struct Answer {
    waiting: VecDeque<Part>,
    /// The rows to come, and what encodes them; none when the summary is on its way.
    rest: Option<(QueryStream, Encoder)>,
    bounds: Bounds,
    sent: u64,
    running: Running,
    started: Instant,
    request: RequestId,
}

impl Answer {
    pub(super) fn new(
        mut header: v1::ExecuteHeader,
        rows: QueryStream,
        running: Running,
        bounds: Bounds,
        request: RequestId,
    ) -> Result<Self, Status> {
        let column = |field: &Arc<arrow::datatypes::Field>| v1::ResultColumn {
            name: field.name().clone(),
            type_text: field.data_type().to_string(),
            nullable: field.is_nullable(),
        };
        header.columns = sent_schema(rows.schema()).fields().iter().map(column).collect();
        let (encoder, schema) = Encoder::new(rows.schema(), bounds.message).map_err(|e| refusal(&e, request))?;
        let waiting = VecDeque::from([Part::Header(header), Part::ArrowIpc(schema)]);
        Ok(Self { waiting, rest: Some((rows, encoder)), bounds, sent: 0, running, started: Instant::now(), request })
    }

    pub(super) fn stream(self) -> Answers {
        Box::pin(futures::stream::try_unfold(self, |mut answer| async move {
            let part = answer.next().await?;
            Ok(part.map(|part| (v1::ExecuteResponse { part: Some(part) }, answer)))
        }))
    }

    async fn next(&mut self) -> Result<Option<Part>, Status> {
        loop {
            if let Some(part) = self.waiting.pop_front() {
                return Ok(Some(part));
            }
            let Some((rows, _)) = &mut self.rest else { return Ok(None) };
            // What has changed something has done so, whoever cancels it now.
            let is_open = rows.outcome() == Outcome::Rows;
            let batch = tokio::select! {
                biased;
                () = self.running.token.cancelled(), if is_open => return Err(cancelled()),
                batch = rows.next() => batch,
            };
            match batch {
                Some(Ok(batch)) => self.take(&batch)?,
                Some(Err(error)) => return Err(status(&error, Some(self.request))),
                None => self.end(false)?,
            }
        }
    }

    /// Takes what may still be sent of a batch.
    fn take(&mut self, batch: &RecordBatch) -> Result<(), Status> {
        let rows = batch.num_rows() as u64;
        let room = self.bounds.rows - self.sent;
        let taken = rows.min(room);
        if taken > 0
            && let Some((_, encoder)) = &mut self.rest
        {
            let chunks = encoder.batch(&batch.slice(0, usize::try_from(taken).unwrap_or(usize::MAX)));
            let chunks = chunks.map_err(|e| refusal(&e, self.request))?;
            self.waiting.extend(chunks.into_iter().map(Part::ArrowIpc));
            self.sent += taken;
        }
        if rows > room { self.end(true) } else { Ok(()) }
    }

    /// Ends the rows, and lets go of the statement.
    fn end(&mut self, truncated: bool) -> Result<(), Status> {
        let Some((rows, encoder)) = self.rest.take() else { return Ok(()) };
        let (outcome, namespace) = (rows.outcome(), rows.namespace().clone());
        drop(rows);
        let last = encoder.finish().map_err(|e| refusal(&e, self.request))?;
        let affected_rows = match outcome {
            Outcome::Changed(rows) => Some(whole(rows)),
            Outcome::Rows | Outcome::Done => None,
        };
        let summary = v1::ExecuteSummary {
            row_count: whole(self.sent),
            truncated,
            affected_rows,
            catalog: namespace.catalog.unwrap_or_default(),
            schema: namespace.schema.unwrap_or_default(),
            elapsed_ms: i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX),
        };
        self.waiting.extend([Part::ArrowIpc(last), Part::Summary(summary)]);
        Ok(())
    }
}

fn whole(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

fn cancelled() -> Status {
    status(&EngineError::from(LimitError::Cancelled), None)
}

fn refusal(error: &IpcError, request: RequestId) -> Status {
    match error {
        IpcError::RowTooLarge { .. } => plain(ErrorKind::LimitExceeded, "ROW_TOO_LARGE", error.to_string()),
        IpcError::Type(what) => status(&EngineError::Unimplemented(what.clone()), Some(request)),
        IpcError::Arrow(_) => status(&EngineError::internal(error), Some(request)),
    }
}

#[cfg(test)]
mod tests;
