//! Statements: described, kept under tickets and as prepared statements, run.
//!
//! A ticket or prepared statement holds the text of a statement, where its names are resolved, and its parameters; never a
//! plan and never rights. A ticket is good once.
//!
//! A query runs when its ticket is redeemed. A statement with an effect runs when the ticket is asked for: drivers may
//! never fetch, or break off the fetching of, an answer that has no rows, and its effect must not depend on that.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use arrow_flight::sql::{ProstMessageExt, TicketStatementQuery};
use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
use futures::{StreamExt, TryStreamExt};
use lakewarden_catalog::ErrorKind;
use lakewarden_catalog::model::Namespace;
use lakewarden_engine::{Description, Outcome, QueryStream, ScalarValue};
use parking_lot::Mutex;
use prost::Message;
use tokio_util::sync::CancellationToken;
use tonic::{Response, Status};

use super::Door;
use super::answer::{self, Messages};
use super::cancel::Fetched;
use super::session::Current;
use crate::handles::{Kept, Key};
use crate::status::{plain, status};

/// What a client may fetch once.
#[derive(Clone)]
pub(super) enum Ticketed {
    /// A query that has not run yet, and what cancels it.
    Query(Statement, CancellationToken),
    /// The answer of a statement that has run.
    Answered(SchemaRef, Vec<RecordBatch>),
}

/// A statement on its way.
#[derive(Clone)]
pub(super) struct Statement {
    sql: Arc<str>,
    namespace: Namespace,
    parameters: Option<RecordBatch>,
}

/// A prepared statement.
pub(super) struct Prepared {
    sql: Arc<str>,
    namespace: Namespace,
    bound: Mutex<Option<RecordBatch>>,
}

/// What a client is told of a prepared statement.
pub(super) struct Created {
    pub(super) handle: Vec<u8>,
    /// Its columns; none when it answers with no rows.
    pub(super) columns: Option<SchemaRef>,
    pub(super) parameters: SchemaRef,
}

impl Kept for Ticketed {
    fn bytes(&self) -> usize {
        let kept = match self {
            Self::Query(statement, _) => statement.bytes(),
            Self::Answered(_, batches) => batches.iter().map(RecordBatch::get_array_memory_size).sum(),
        };
        size_of::<Self>() + kept
    }
}

impl Kept for Arc<Prepared> {
    fn bytes(&self) -> usize {
        size_of::<Prepared>() + self.statement().bytes()
    }
}

impl Prepared {
    /// Binds parameters for the executions to come.
    pub(super) fn bind(&self, parameters: Option<RecordBatch>) {
        *self.bound.lock() = parameters;
    }

    /// The statement with its parameters as they are bound now.
    pub(super) fn statement(&self) -> Statement {
        let parameters = self.bound.lock().clone();
        Statement { sql: Arc::clone(&self.sql), namespace: self.namespace.clone(), parameters }
    }
}

impl Statement {
    /// A statement in the current session.
    pub(super) fn new(sql: &str, current: &Current) -> Self {
        Self { sql: sql.into(), namespace: current.namespace(), parameters: None }
    }

    fn bytes(&self) -> usize {
        self.sql.len() + self.parameters.as_ref().map_or(0, RecordBatch::get_array_memory_size)
    }

    /// The same with these parameters, if any are given.
    pub(super) fn or_with(self, parameters: Option<RecordBatch>) -> Self {
        Self { parameters: parameters.or(self.parameters), ..self }
    }

    /// The columns of its answer. With parameters, whether a column can be NULL is known only when it runs, and drivers
    /// refuse rows that differ from what they were told: so each can.
    fn told(&self, schema: &Schema) -> SchemaRef {
        let schema = answer::plain_schema(schema);
        if self.parameters.is_none() {
            return schema;
        }
        let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// The values of each execution. A statement without parameters is executed once.
    fn bindings(&self) -> Result<Vec<Vec<ScalarValue>>, Status> {
        let Some(batch) = &self.parameters else { return Ok(vec![Vec::new()]) };
        let row = |row: usize| {
            let values = batch.columns().iter().map(|column| ScalarValue::try_from_array(column, row));
            let values: Result<Vec<_>, _> = values.collect();
            values
                .map_err(|_| plain(ErrorKind::InvalidArgument, "MALFORMED_PARAMETERS", "the parameters cannot be read"))
        };
        (0..batch.num_rows()).map(row).collect()
    }
}

impl Door {
    /// Gives a ticket for a statement: for its rows to come, or for what it answered.
    pub(super) async fn info(
        &self,
        current: &Current,
        statement: Statement,
        descriptor: FlightDescriptor,
    ) -> Result<Response<FlightInfo>, Status> {
        let described = self.described(current, &statement.namespace, &statement.sql).await?;
        let (schema, ticketed) = if described.is_query {
            (statement.told(&described.schema), Ticketed::Query(statement, CancellationToken::new()))
        } else {
            let (schema, batches) = self.answered(current, &statement).await?;
            (answer::plain_schema(&schema), Ticketed::Answered(schema, batches))
        };
        let key = self.tickets.keep(current.caller.principal, ticketed)?;
        let ticket = TicketStatementQuery { statement_handle: key.to_vec().into() };
        flight_info(&schema, ticket.as_any().encode_to_vec(), descriptor)
    }

    /// The columns of a statement's answer. Nothing is run.
    pub(super) async fn columns(&self, current: &Current, statement: &Statement) -> Result<SchemaRef, Status> {
        let described = self.described(current, &statement.namespace, &statement.sql).await?;
        Ok(answer::plain_schema(&described.schema))
    }

    /// Gives what a ticket stands for, and lets go of the ticket.
    pub(super) async fn redeem(&self, current: &Current, handle: &[u8]) -> Result<Response<Messages>, Status> {
        let gone =
            || plain(ErrorKind::NotFound, "TICKET_NOT_FOUND", "this ticket was used, has expired or does not exist");
        match self.tickets.take(current.caller.principal, handle).ok_or_else(gone)? {
            Ticketed::Query(statement, cancel) => {
                let fetched = Fetched::begin(&self.running, current.caller.principal, handle, cancel)?;
                self.rows(current, &statement, fetched).await
            }
            Ticketed::Answered(schema, batches) => {
                let schema = answer::plain_schema(&schema);
                Ok(answer::encode(schema, futures::stream::iter(batches.into_iter().map(Ok))))
            }
        }
    }

    /// Runs a query. Each row of parameters is its own execution; their rows follow one another.
    async fn rows(
        &self,
        current: &Current,
        statement: &Statement,
        fetched: Fetched,
    ) -> Result<Response<Messages>, Status> {
        let session = self.session_in(current, &statement.namespace).cancelled_by(fetched.cancel.clone());
        let mut executions = statement.bindings()?.into_iter();
        let first = session.run_with(&statement.sql, executions.next().unwrap_or_default()).await;
        let first = first.map_err(|error| status(&error, Some(current.caller.request_id)))?;
        let (schema, sql) = (statement.told(first.schema()), Arc::clone(&statement.sql));
        // One after the other: all at once would wait for turns that the first ones give back when they are read.
        let later = futures::stream::iter(executions).then(move |values| {
            let (session, sql) = (session.clone(), Arc::clone(&sql));
            async move { session.run_with(&sql, values).await }
        });
        let (request_id, running) = (current.caller.request_id, self.metrics.query_running());
        let batches = first.chain(later.try_flatten()).map_err(move |error| {
            // The gauge and the name live as long as the rows come.
            let _ = (&running, &fetched);
            status(&error, Some(request_id))
        });
        Ok(answer::encode(schema, batches))
    }

    /// Runs a statement to its end, once for each row of parameters, and keeps what it answers: no rows, or a count.
    async fn answered(
        &self,
        current: &Current,
        statement: &Statement,
    ) -> Result<(SchemaRef, Vec<RecordBatch>), Status> {
        let _running = self.metrics.query_running();
        let (mut schema, mut batches) = (Arc::new(Schema::empty()), Vec::new());
        for values in statement.bindings()? {
            let stream = self.run(current, &statement.namespace, &statement.sql, values).await?;
            schema = Arc::clone(stream.schema());
            batches.extend(stream.collect().await.map_err(|e| status(&e, Some(current.caller.request_id)))?);
        }
        Ok((schema, batches))
    }

    /// Runs a statement for its effect, once for each row of parameters; how many rows it changed, or -1 when that cannot be
    /// said.
    pub(super) async fn update(&self, current: &Current, statement: &Statement) -> Result<i64, Status> {
        let _running = self.metrics.query_running();
        let mut changed = 0i64;
        for values in statement.bindings()? {
            let stream = self.run(current, &statement.namespace, &statement.sql, values).await?;
            let outcome = stream.outcome();
            let ended = stream.try_for_each(|_| futures::future::ready(Ok(()))).await;
            ended.map_err(|e| status(&e, Some(current.caller.request_id)))?;
            match outcome {
                Outcome::Changed(rows) => changed = changed.saturating_add(i64::try_from(rows).unwrap_or(i64::MAX)),
                Outcome::Done => {}
                Outcome::Rows => return Ok(-1),
            }
        }
        Ok(changed)
    }

    /// Keeps a prepared statement.
    pub(super) async fn prepare(&self, current: &Current, sql: &str) -> Result<Created, Status> {
        let namespace = current.namespace();
        let described = self.described(current, &namespace, sql).await?;
        let prepared = Prepared { sql: sql.into(), namespace, bound: Mutex::new(None) };
        let key = self.prepared.keep(current.caller.principal, Arc::new(prepared))?;
        let unknown = arrow::datatypes::DataType::Utf8;
        let parameters = described.parameters.iter().enumerate().map(|(i, data_type)| {
            Field::new(format!("parameter_{}", i + 1), data_type.clone().unwrap_or_else(|| unknown.clone()), true)
        });
        Ok(Created {
            handle: key.to_vec(),
            columns: described.is_query.then(|| answer::plain_schema(&described.schema)),
            parameters: answer::plain_schema(&Schema::new(parameters.collect::<Vec<_>>())),
        })
    }

    /// The prepared statement of this handle.
    pub(super) fn find_prepared(&self, current: &Current, handle: &[u8]) -> Result<Arc<Prepared>, Status> {
        let gone = || {
            plain(
                ErrorKind::NotFound,
                "PREPARED_STATEMENT_NOT_FOUND",
                "this prepared statement was closed, has expired or does not exist",
            )
        };
        self.prepared.get(current.caller.principal, handle).ok_or_else(gone)
    }

    /// Counts a prepared statement with the parameters that are bound to it now.
    pub(super) fn kept_anew(&self, current: &Current, handle: &[u8], prepared: Arc<Prepared>) -> Result<(), Status> {
        let principal = current.caller.principal;
        let Ok(key) = Key::try_from(handle) else { return Ok(()) };
        match self.prepared.take(principal, handle) {
            Some(_) => self.prepared.keep_as(principal, key, prepared),
            None => Ok(()),
        }
    }

    /// Runs one statement and remembers where it left the session.
    pub(super) async fn run(
        &self,
        current: &Current,
        namespace: &Namespace,
        sql: &str,
        values: Vec<ScalarValue>,
    ) -> Result<QueryStream, Status> {
        let session = self.session_in(current, namespace);
        let answered = session.run_with(sql, values).await;
        let answered = answered.map_err(|e| status(&e, Some(current.caller.request_id)))?;
        let after = session.namespace();
        if after != *namespace {
            self.sessions.settle(current, after)?;
        }
        Ok(answered)
    }

    async fn described(&self, current: &Current, namespace: &Namespace, sql: &str) -> Result<Description, Status> {
        let described = self.session_in(current, namespace).describe(sql).await;
        described.map_err(|e| status(&e, Some(current.caller.request_id)))
    }

    fn session_in(&self, current: &Current, namespace: &Namespace) -> lakewarden_engine::Session {
        let session = self.engine.session(current.caller.clone());
        session.set_namespace(namespace.clone());
        session
    }
}

/// What a client needs to fetch an answer.
pub(super) fn flight_info(
    schema: &Schema,
    ticket: Vec<u8>,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>, Status> {
    let endpoint = FlightEndpoint::new().with_ticket(Ticket { ticket: ticket.into() });
    let info = FlightInfo::new()
        .try_with_schema(schema)
        .map_err(|e| Status::from(arrow_flight::error::FlightError::from(e)))?;
    Ok(Response::new(info.with_endpoint(endpoint).with_descriptor(descriptor)))
}
