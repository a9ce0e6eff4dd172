//! Joins the rooms: opens the catalog behind its guard, starts the engine, and puts every door on one router.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use lakewarden_catalog::clock::{Clock, SystemClock};
use lakewarden_catalog::model::{Name, PrincipalName};
use lakewarden_catalog::store::OpenOptions;
use lakewarden_catalog::{CatalogError, ErrorKind, Handle, Metastore};
use lakewarden_enforcer::Enforcer;
use lakewarden_engine::statement::ParseLimits;
use lakewarden_engine::{Engine, EngineConfig, Limits, TokenKey};
use prost::Message;
use tonic::service::Routes;

use crate::config::Config;
use crate::error::ServerError;
use crate::identity::keys::SigningKey;
use crate::identity::layer::{Entrance, require_caller};
use crate::identity::oidc::Issuers;
use crate::identity::tokens::TokenAuthority;
use crate::identity::{Identity, admin, secret_file, token_key};
use crate::pages::{self, Readiness};
use crate::telemetry::{Metrics, Observer, observe};
use crate::{door, flight, grpc};

/// The parts of a server that is about to listen.
pub(crate) struct Wired {
    pub(crate) router: Router,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) readiness: Readiness,
    pub(crate) health: grpc::Health,
    pub(crate) admin_token_file: PathBuf,
}

/// What stands behind the doors.
pub(crate) struct Base {
    pub(crate) catalog: Handle,
    pub(crate) engine: Engine,
    pub(crate) authority: Arc<TokenAuthority>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) admin_token_file: PathBuf,
    clock: Arc<dyn Clock>,
}

/// The folder of managed tables, in the data folder.
const MANAGED: &str = "tables";
/// The name of the metastore that the first start makes.
const METASTORE: &str = "metastore";

/// Opens everything that the settings name. The first start makes the metastore and its administrator.
pub(crate) async fn open(config: &Config) -> Result<Base, ServerError> {
    let data_dir = &config.store.data_dir;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let catalog = open_catalog(config, &clock)?;
    let authority = Arc::new(TokenAuthority::new(signing_key(config)?, &config.identity, Arc::clone(&clock)));
    let admin_token_file = data_dir.join("admin.token");
    let (admin, ttl_s) = (&config.identity.admin, config.identity.admin_token_ttl_s);
    admin::write_token(admin, &admin_token_file, ttl_s, &authority, &catalog).await?;
    let engine = open_engine(config, &catalog)?;
    engine.purge_dropped(true).await;
    let issuers = Issuers::new(&config.identity, &clock)?;
    let identity = Arc::new(Identity::new(Arc::clone(&authority), issuers, catalog.clone()));
    Ok(Base { catalog, engine, authority, identity, admin_token_file, clock })
}

/// Puts every door before what was opened.
pub(crate) fn wire(config: &Config, base: Base) -> Result<Wired, ServerError> {
    let Base { catalog, engine, authority, identity, admin_token_file, clock } = base;
    let metrics = Arc::new(Metrics::new()?);
    let busy = engine.clone();
    metrics.show_load(move || busy.load());
    let readiness = Readiness::default();
    let entrance = Entrance { identity, metrics: Arc::clone(&metrics), metrics_open: config.telemetry.metrics_open };
    let observer = Observer { metrics: Arc::clone(&metrics), clock, ops: Arc::new(ops()?) };
    let flight = flight::service(engine.clone(), catalog.clone(), Arc::clone(&metrics), config)?;
    let mut routes = Routes::builder();
    routes.add_service(flight);
    let parts = grpc::Parts { engine, catalog, authority, metrics: Arc::clone(&metrics) };
    let health = grpc::add_services(&mut routes, &parts, config)?;
    let router = routes
        .routes()
        .into_axum_router()
        .merge(pages::router(readiness.clone(), Arc::clone(&metrics)))
        .fallback(nowhere)
        .layer(from_fn_with_state(entrance, require_caller))
        .layer(from_fn_with_state(observer, observe));
    Ok(Wired { router, metrics, readiness, health, admin_token_file })
}

fn open_catalog(config: &Config, clock: &Arc<dyn Clock>) -> Result<Handle, ServerError> {
    let data_dir = &config.store.data_dir;
    secret_file::private_dir(data_dir)?;
    let fault = |source: CatalogError| ServerError::catalog(data_dir, source);
    let gate = Enforcer::new().map_err(|e| ServerError::Engine(e.to_string()))?;
    let metastore =
        Metastore::open(data_dir, &OpenOptions::default(), Arc::new(gate), Arc::clone(clock)).map_err(fault)?;
    if !metastore.is_bootstrapped() {
        let admin = PrincipalName::parse(&config.identity.admin).map_err(fault)?;
        metastore.bootstrap(&Name::parse(METASTORE).map_err(fault)?, &admin).map_err(fault)?;
        tracing::info!(admin = admin.as_str(), data_dir = %data_dir.display(), "first start: the metastore was made");
    }
    Ok(Handle::new(metastore))
}

fn signing_key(config: &Config) -> Result<SigningKey, ServerError> {
    match &config.identity.signing_key {
        Some(pem) => SigningKey::from_pem(pem.expose(), "identity.signing_key"),
        None => SigningKey::open(&config.store.data_dir.join("keys")),
    }
}

fn tokenize_key(config: &Config) -> Result<TokenKey, ServerError> {
    match &config.identity.tokenize_key {
        Some(text) => token_key::from_text(text.expose(), "identity.tokenize_key"),
        None => token_key::open(&config.store.data_dir.join("keys")),
    }
}

fn open_engine(config: &Config, catalog: &Handle) -> Result<Engine, ServerError> {
    let settings = &config.engine;
    let limits = Limits {
        memory_bytes: settings.query_memory_bytes,
        total_memory_bytes: settings.total_memory_bytes,
        spill_bytes: settings.query_spill_bytes,
        cpu_time: Duration::from_millis(settings.query_cpu_time_ms),
        timeout: Duration::from_millis(settings.query_timeout_ms),
        result_rows: settings.max_result_rows,
        concurrent: settings.max_concurrent_queries,
        concurrent_per_principal: settings.max_concurrent_queries_per_principal,
        waiting_per_principal: settings.max_waiting_queries_per_principal,
        queue_timeout: Duration::from_millis(settings.queue_timeout_ms),
        ..Limits::default()
    };
    let parse = ParseLimits {
        max_bytes: settings.max_statement_bytes,
        max_nesting: settings.max_nesting,
        ..ParseLimits::default()
    };
    let managed_root = config.store.data_dir.join(MANAGED);
    let config = EngineConfig { managed_root, limits, parse, token_key: Some(tokenize_key(config)?) };
    // Rows lie here as files: also in a data folder that others may enter, they are for this user only.
    secret_file::private_dir(&config.managed_root)?;
    Engine::new(catalog.clone(), config).map_err(|e| ServerError::Engine(e.to_string()))
}

/// What no door answers.
async fn nowhere(request: Request) -> Response {
    if door::of(request.uri().path()) == "http" {
        return (StatusCode::NOT_FOUND, "there is nothing here\n").into_response();
    }
    let path = request.uri().path();
    let message = format!("`{path}` is not a method of this server");
    crate::status::plain(ErrorKind::Unimplemented, "NOT_SUPPORTED", message).into_http()
}

/// The paths that exist, for the labels of metrics.
fn ops() -> Result<HashSet<String>, ServerError> {
    let fault = |e: prost::DecodeError| ServerError::Telemetry(e.to_string());
    let described = prost_types::FileDescriptorSet::decode(lakewarden_proto::FILE_DESCRIPTOR_SET).map_err(fault)?;
    let mut ops: HashSet<String> = HashSet::new();
    for file in &described.file {
        for service in &file.service {
            let path = |method: &str| format!("/{}.{}/{method}", file.package(), service.name());
            ops.extend(service.method.iter().map(|method| path(method.name())));
        }
    }
    let flight = ["Handshake", "GetFlightInfo", "GetSchema", "DoGet", "DoPut", "DoAction", "ListActions"];
    ops.extend(flight.iter().map(|method| format!("/arrow.flight.protocol.FlightService/{method}")));
    let others = ["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch", "/healthz", "/readyz", "/metrics"];
    ops.extend(others.iter().map(|path| (*path).to_owned()));
    let reflection = ["v1", "v1alpha"].map(|v| format!("/grpc.reflection.{v}.ServerReflection/ServerReflectionInfo"));
    ops.extend(reflection);
    Ok(ops)
}
