//! Runs statements one after the other and writes their answers as they stream in.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::buffer::Buffer;
use arrow::ipc::reader::StreamDecoder;
use lakewarden_proto::v1::execute_response::Part;
use lakewarden_proto::v1::{
    CancelStatementRequest, CloseSessionRequest, ExecuteHeader, ExecuteRequest, ExecuteSummary, OpenSessionRequest,
};
use prost::bytes::Bytes;
use tonic_types::StatusExt;

use crate::args::SqlArgs;
use crate::commands::Context;
use crate::error::CliError;
use crate::render::{BatchWriter, Format, counted};

/// The header of an answer with the id of its statement.
const STATEMENT_ID: &str = "x-statement-id";
/// The reason of the server's error for a session that has ended.
const SESSION_GONE: &str = "SESSION_NOT_FOUND";

/// Runs statements, in a session of the server if one was opened.
pub struct Runner {
    /// The server and the output.
    pub context: Context,
    /// Whether an answer that was cut is an error: it is for scripts, which would take it for the whole.
    pub cut_is_error: bool,
    /// How many rows to ask for at most.
    pub max_rows: Option<i64>,
    session: Option<String>,
    /// The id of the statement that runs.
    running: Arc<Mutex<Option<String>>>,
    /// Where names are looked up first.
    pub catalog: String,
    /// Where names are looked up first.
    pub schema: String,
}

/// What was known of a statement when it had ended.
pub struct Outcome {
    /// How long it took on the server.
    pub elapsed: Duration,
}

impl Runner {
    /// Ready to run, without a session.
    pub fn new(context: Context, args: &SqlArgs) -> Self {
        let (catalog, schema) = (args.catalog.clone(), args.schema.clone());
        Self {
            context,
            cut_is_error: true,
            max_rows: args.max_rows,
            session: None,
            running: Arc::default(),
            catalog,
            schema,
        }
    }

    /// Opens a session, so that USE holds for the statements that follow.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn open(&mut self) -> Result<(), CliError> {
        let request = OpenSessionRequest { catalog: self.catalog.clone(), schema: self.schema.clone() };
        self.session = Some(self.context.client.sql().open_session(request).await?.into_inner().id);
        Ok(())
    }

    /// Closes the session, if there is one. It would end by itself, so a failure does not matter.
    pub async fn close(&mut self) {
        if let Some(session_id) = self.session.take() {
            let _ = self.context.client.sql().close_session(CloseSessionRequest { session_id }).await;
        }
    }

    /// Runs one statement. A session that has ended meanwhile is opened again in the same place.
    ///
    /// # Errors
    /// Those of the server, and when the answer is cut where that is an error.
    pub async fn run(&mut self, statement: &str) -> Result<Outcome, CliError> {
        match self.attempt(statement).await {
            Err(CliError::Server(status)) if self.session.is_some() && is_gone(&status) => {
                self.open().await?;
                self.attempt(statement).await
            }
            other => other,
        }
    }

    /// Runs one statement, and cancels it when the user interrupts. What is told then is what came of it: a change that was past cancelling has
    /// been made. Who interrupts again doesn't wait for that.
    ///
    /// # Errors
    /// As `run`, and `Interrupted`.
    pub async fn run_until<F: Future>(
        &mut self,
        statement: &str,
        interrupted: impl Fn() -> F,
    ) -> Result<Outcome, CliError> {
        let (running, mut sql) = (Arc::clone(&self.running), self.context.client.sql());
        let mut run = std::pin::pin!(self.run(statement));
        tokio::select! {
            outcome = &mut run => return outcome,
            _ = interrupted() => {}
        }
        let statement_id = running.lock().map_err(|_| CliError::Interrupted)?.take();
        let Some(statement_id) = statement_id else { return Err(CliError::Interrupted) };
        let ended = async {
            // It may have ended by itself.
            let _ = sql.cancel_statement(CancelStatementRequest { statement_id }).await;
            run.await
        };
        tokio::select! {
            outcome = ended => outcome,
            _ = interrupted() => Err(CliError::Interrupted),
        }
    }

    async fn attempt(&mut self, statement: &str) -> Result<Outcome, CliError> {
        let (catalog, schema) = match self.session {
            Some(_) => (String::new(), String::new()),
            None => (self.catalog.clone(), self.schema.clone()),
        };
        let request = ExecuteRequest {
            statement: statement.to_owned(),
            session_id: self.session.clone().unwrap_or_default(),
            max_rows: self.max_rows.unwrap_or_default(),
            catalog,
            schema,
        };
        let answer = self.context.client.sql().execute(request).await?;
        if let Ok(mut running) = self.running.lock() {
            let id = answer.metadata().get(STATEMENT_ID).and_then(|id| id.to_str().ok());
            *running = id.map(str::to_owned);
        }
        let mut stream = answer.into_inner();
        let mut answer = Answer::default();
        while let Some(message) = stream.message().await? {
            match message.part {
                Some(Part::Header(header)) => answer.header = header,
                Some(Part::ArrowIpc(bytes)) => answer.read(bytes, &mut self.context)?,
                Some(Part::Summary(summary)) => return self.end(answer, summary),
                None => {}
            }
        }
        Err(CliError::Protocol("it ended before it was whole".to_owned()))
    }

    fn end(&mut self, answer: Answer, summary: ExecuteSummary) -> Result<Outcome, CliError> {
        let out = &mut self.context.out;
        let kind = answer.header.statement_kind;
        if let Some(writer) = answer.writer {
            let rows = writer.finish(out)?;
            if out.format() == Format::Table {
                out.message(&counted(rows, "row"));
            }
        } else {
            let affected = summary.affected_rows.map(|n| format!(": {n} rows")).unwrap_or_default();
            out.message(&format!("{kind}{affected}"));
        }
        (self.catalog, self.schema) = (summary.catalog, summary.schema);
        if summary.truncated {
            self.cut(summary.row_count)?;
        }
        Ok(Outcome { elapsed: Duration::from_millis(u64::try_from(summary.elapsed_ms).unwrap_or(0)) })
    }

    fn cut(&mut self, rows: i64) -> Result<(), CliError> {
        let asked_for = self.max_rows.is_some_and(|max| rows >= max);
        if self.cut_is_error && !asked_for {
            return Err(CliError::Cut { rows });
        }
        self.context.out.message(&format!("there are more than these {rows} rows"));
        Ok(())
    }
}

/// An answer as far as it has come.
#[derive(Default)]
struct Answer {
    header: ExecuteHeader,
    decoder: StreamDecoder,
    writer: Option<BatchWriter>,
}

impl Answer {
    fn read(&mut self, bytes: Bytes, context: &mut Context) -> Result<(), CliError> {
        let mut buffer = Buffer::from(bytes);
        loop {
            let batch = self.decoder.decode(&mut buffer)?;
            if self.writer.is_none()
                && let Some(schema) = self.decoder.schema().filter(|schema| !schema.fields().is_empty())
            {
                self.writer = Some(BatchWriter::begin(&mut context.out, &schema)?);
            }
            match (batch, &mut self.writer) {
                (Some(batch), Some(writer)) => writer.push(&mut context.out, batch)?,
                (Some(_), None) => {}
                (None, _) => return Ok(()),
            }
        }
    }
}

fn is_gone(status: &tonic::Status) -> bool {
    status.get_details_error_info().is_some_and(|info| info.reason == SESSION_GONE)
}
