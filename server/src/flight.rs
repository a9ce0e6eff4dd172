//! The Flight SQL door: statements, prepared statements and metadata for ADBC and JDBC drivers.
//!
//! It owns what the protocol keeps between requests (tickets, prepared statements, sessions), each bound to the principal
//! that made it and bounded in number and time; somebody else's is answered as if it were absent. It plans nothing and
//! keeps no plan: a prepared statement is its text, and is planned anew, under the rights of that moment, by every
//! execution. Metadata lists what the catalog lets the caller see.
//!
//! - `front` is the gRPC service: it finds the session of a request and gives every error its details.
//! - `service` is the protocol of Flight SQL, one method a command; each is one call into the files below.

mod actions;
mod answer;
mod cancel;
mod front;
mod metadata;
mod parameters;
mod service;
mod session;
mod sql_info;
mod statements;

use std::sync::Arc;
use std::time::Duration;

use arrow_flight::flight_service_server::FlightServiceServer;
use arrow_flight::sql::metadata::{SqlInfoData, XdbcTypeInfoData};
use lakewarden_catalog::Handle;
use lakewarden_engine::Engine;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::error::ServerError;
use crate::handles::{Handles, Limits};
use crate::telemetry::Metrics;

use front::Front;
use session::Sessions;
use statements::{Prepared, Ticketed};

/// What the door works with.
pub(crate) struct Door {
    engine: Engine,
    catalog: Handle,
    metrics: Arc<Metrics>,
    tickets: Handles<Ticketed>,
    prepared: Handles<Arc<Prepared>>,
    /// Answers that are being fetched, under the names of their tickets.
    running: Arc<Handles<CancellationToken>>,
    sessions: Sessions,
    sql_info: SqlInfoData,
    type_info: XdbcTypeInfoData,
    parameters: parameters::Bounds,
}

/// The service, with the message sizes of the settings.
///
/// # Errors
/// When what it says of itself cannot be built.
pub fn service(
    engine: Engine,
    catalog: Handle,
    metrics: Arc<Metrics>,
    config: &Config,
) -> Result<FlightServiceServer<impl arrow_flight::flight_service_server::FlightService>, ServerError> {
    let settings = &config.flight;
    let limits = |kind, ttl_s| Limits {
        kind,
        total: settings.max_handles,
        per_principal: settings.max_handles_per_principal,
        ttl: Duration::from_secs(ttl_s),
        bytes_per_principal: settings.max_handle_bytes_per_principal,
        bytes: settings.max_handle_bytes,
    };
    let running = Limits { ttl: Duration::MAX, ..limits("running", 0) };
    let fault = |e: arrow_flight::error::FlightError| ServerError::Engine(e.to_string());
    let door = Door {
        engine,
        catalog,
        tickets: Handles::new(limits("ticket", settings.ticket_ttl_s), Arc::clone(&metrics)),
        prepared: Handles::new(limits("prepared", settings.idle_ttl_s), Arc::clone(&metrics)),
        sessions: Sessions::new(Handles::new(limits("session", settings.idle_ttl_s), Arc::clone(&metrics))),
        running: Arc::new(Handles::new(running, Arc::clone(&metrics))),
        metrics,
        sql_info: sql_info::sql_info().map_err(fault)?,
        type_info: sql_info::type_info().map_err(fault)?,
        parameters: parameters::Bounds { rows: settings.max_parameter_rows, bytes: config.listen.max_request_bytes },
    };
    Ok(FlightServiceServer::new(Front::new(door))
        .max_decoding_message_size(config.listen.max_request_bytes)
        .max_encoding_message_size(config.listen.max_reply_bytes))
}
