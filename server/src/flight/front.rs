//! The gRPC service. It opens the session of every request, and makes every error carry a reason and a SQLSTATE, also
//! those of the protocol library.

use std::pin::Pin;

use arrow_flight::flight_service_server::FlightService;
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightInfo, HandshakeRequest, HandshakeResponse,
    PollInfo, PutResult, SchemaAsIpc, SchemaResult, Ticket,
};
use futures::Stream;
use lakewarden_catalog::{Caller, ErrorKind};
use tonic::{Code, Request, Response, Status, Streaming};

use super::Door;
use super::metadata::internal;
use super::session::Current;
use crate::status::plain;

/// The service in front of the door.
pub(super) struct Front {
    door: Door,
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send + 'static>>;

impl Front {
    pub(super) fn new(door: Door) -> Self {
        Self { door }
    }

    /// Puts the session among the extensions of a request.
    fn enter<T>(&self, request: &mut Request<T>) -> Result<Current, Status> {
        let missing = || plain(ErrorKind::Unauthenticated, "UNAUTHENTICATED", "a token is needed");
        let caller = request.extensions().get::<Caller>().cloned().ok_or_else(missing)?;
        let current = self.door.sessions.open(&self.door.engine, caller, request.metadata());
        request.extensions_mut().insert(current.clone());
        Ok(current)
    }
}

/// Adds the session's cookie to an answer, or a reason and SQLSTATE to an error that has none.
fn leave<T>(current: &Current, answer: Result<Response<T>, Status>) -> Result<Response<T>, Status> {
    match answer {
        Ok(mut response) => {
            current.stamp(response.metadata_mut());
            Ok(response)
        }
        Err(status) => Err(with_details(status)),
    }
}

/// The error as it is, when one of ours made it; else the same error with details.
fn with_details(status: Status) -> Status {
    if !status.details().is_empty() {
        return status;
    }
    let (kind, reason) = match status.code() {
        Code::InvalidArgument => (ErrorKind::InvalidArgument, "INVALID_ARGUMENT"),
        Code::Unimplemented => (ErrorKind::Unimplemented, "NOT_SUPPORTED"),
        Code::Unauthenticated => (ErrorKind::Unauthenticated, "UNAUTHENTICATED"),
        Code::ResourceExhausted => (ErrorKind::LimitExceeded, "LIMIT_EXCEEDED"),
        // The library calls a command that it cannot decode an internal error.
        Code::Internal => return plain(ErrorKind::InvalidArgument, "MALFORMED_COMMAND", "the command cannot be read"),
        _ => return status,
    };
    let message = match kind {
        ErrorKind::Unimplemented => "this command of Flight SQL is not supported".to_owned(),
        _ => status.message().to_owned(),
    };
    plain(kind, reason, message)
}

fn unsupported<T>(what: &str) -> Result<T, Status> {
    Err(plain(ErrorKind::Unimplemented, "NOT_SUPPORTED", format!("{what} is not supported")))
}

#[tonic::async_trait]
impl FlightService for Front {
    type HandshakeStream = Answers<HandshakeResponse>;
    type ListFlightsStream = Answers<FlightInfo>;
    type DoGetStream = Answers<FlightData>;
    type DoPutStream = Answers<PutResult>;
    type DoActionStream = Answers<arrow_flight::Result>;
    type ListActionsStream = Answers<ActionType>;
    type DoExchangeStream = Answers<FlightData>;

    async fn handshake(
        &self,
        mut request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        let current = self.enter(&mut request)?;
        leave(&current, self.door.handshake(request).await)
    }

    async fn list_flights(&self, _: Request<Criteria>) -> Result<Response<Self::ListFlightsStream>, Status> {
        unsupported("ListFlights")
    }

    async fn get_flight_info(&self, mut request: Request<FlightDescriptor>) -> Result<Response<FlightInfo>, Status> {
        let current = self.enter(&mut request)?;
        leave(&current, self.door.get_flight_info(request).await)
    }

    async fn poll_flight_info(&self, _: Request<FlightDescriptor>) -> Result<Response<PollInfo>, Status> {
        unsupported("PollFlightInfo")
    }

    async fn get_schema(&self, mut request: Request<FlightDescriptor>) -> Result<Response<SchemaResult>, Status> {
        let current = self.enter(&mut request)?;
        let answer = self.door.schema_of(request).await.and_then(|schema| {
            let options = arrow::ipc::writer::IpcWriteOptions::default();
            let encoded: Result<SchemaResult, _> = SchemaAsIpc::new(&schema, &options).try_into();
            encoded.map(Response::new).map_err(internal)
        });
        leave(&current, answer)
    }

    async fn do_get(&self, mut request: Request<Ticket>) -> Result<Response<Self::DoGetStream>, Status> {
        let current = self.enter(&mut request)?;
        leave(&current, self.door.do_get(request).await)
    }

    async fn do_put(&self, mut request: Request<Streaming<FlightData>>) -> Result<Response<Self::DoPutStream>, Status> {
        let current = self.enter(&mut request)?;
        leave(&current, self.door.do_put(request).await)
    }

    async fn do_action(&self, mut request: Request<Action>) -> Result<Response<Self::DoActionStream>, Status> {
        let current = self.enter(&mut request)?;
        leave(&current, self.door.do_action(request).await)
    }

    async fn list_actions(&self, _: Request<Empty>) -> Result<Response<Self::ListActionsStream>, Status> {
        Ok(Response::new(Box::pin(futures::stream::iter(super::actions::list().into_iter().map(Ok)))))
    }

    async fn do_exchange(&self, _: Request<Streaming<FlightData>>) -> Result<Response<Self::DoExchangeStream>, Status> {
        unsupported("DoExchange")
    }
}
