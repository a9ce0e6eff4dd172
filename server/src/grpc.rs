//! The gRPC door: the services of `lakewarden.v1`, reflection and health.
//!
//! A method reads its request (`convert`), asks the catalog or the engine, and shows what came back. It decides
//! nothing. Who calls is among the extensions of the request, put there by the identity layer; a request without is refused,
//! so a missing layer opens nothing.

mod audit;
mod catalogs;
mod functions;
mod grants;
mod identity;
mod policies;
mod principals;
mod schemas;
mod sql;
mod tables;
mod tags;
mod tokens;

use std::sync::Arc;

use lakewarden_catalog::{Caller, CatalogError, ErrorKind, Handle, Metastore, Pinned};
use lakewarden_engine::{Engine, EngineError};
use lakewarden_proto::v1::audit_service_server::AuditServiceServer;
use lakewarden_proto::v1::catalog_service_server::CatalogServiceServer;
use lakewarden_proto::v1::function_service_server::FunctionServiceServer;
use lakewarden_proto::v1::grant_service_server::GrantServiceServer;
use lakewarden_proto::v1::identity_service_server::IdentityServiceServer;
use lakewarden_proto::v1::policy_service_server::PolicyServiceServer;
use lakewarden_proto::v1::principal_service_server::PrincipalServiceServer;
use lakewarden_proto::v1::schema_service_server::SchemaServiceServer;
use lakewarden_proto::v1::sql_service_server::SqlServiceServer;
use lakewarden_proto::v1::table_service_server::TableServiceServer;
use lakewarden_proto::v1::tag_service_server::TagServiceServer;
use lakewarden_proto::v1::token_service_server::TokenServiceServer;
use tonic::service::RoutesBuilder;
use tonic::{Request, Status};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::config::Config;
use crate::convert::ddl::Made;
use crate::error::ServerError;
use crate::identity::tokens::TokenAuthority;
use crate::status::{plain, status};
use crate::telemetry::Metrics;

/// The services of this door that answer, by their full names.
pub const SERVICES: &[&str] = &[
    "lakewarden.v1.AuditService",
    "lakewarden.v1.CatalogService",
    "lakewarden.v1.FunctionService",
    "lakewarden.v1.GrantService",
    "lakewarden.v1.IdentityService",
    "lakewarden.v1.PolicyService",
    "lakewarden.v1.PrincipalService",
    "lakewarden.v1.SchemaService",
    "lakewarden.v1.SqlService",
    "lakewarden.v1.TableService",
    "lakewarden.v1.TagService",
    "lakewarden.v1.TokenService",
];

/// What the door works with.
#[derive(Clone)]
pub struct Parts {
    /// SQL.
    pub engine: Engine,
    /// The records.
    pub catalog: Handle,
    /// Makes tokens.
    pub authority: Arc<TokenAuthority>,
    /// Counts statements.
    pub metrics: Arc<Metrics>,
}

/// Adds all services, and gives the means to say whether they serve; they do not until that is said.
///
/// # Errors
/// When reflection cannot be built.
pub fn add_services(routes: &mut RoutesBuilder, parts: &Parts, config: &Config) -> Result<Health, ServerError> {
    let (most_in, most_out) = (config.listen.max_request_bytes, config.listen.max_reply_bytes);
    // Every generated server has the same two limits, and no trait names them.
    macro_rules! bounded {
        ($server:ident, $service:expr) => {
            $server::new($service).max_decoding_message_size(most_in).max_encoding_message_size(most_out)
        };
    }
    let door = Arc::new(Door { parts: parts.clone(), identity: config.identity.clone() });
    let sql = sql::Service::new(Arc::clone(&door), config);
    let (reporter, health) = tonic_health::server::health_reporter();
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(lakewarden_proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let fault = |e: tonic_reflection::server::Error| ServerError::Reflection(e.to_string());
    routes
        .add_service(health)
        .add_service(reflection().build_v1().map_err(fault)?)
        .add_service(reflection().build_v1alpha().map_err(fault)?)
        .add_service(bounded!(AuditServiceServer, audit::Service(Arc::clone(&door))))
        .add_service(bounded!(CatalogServiceServer, catalogs::Service(Arc::clone(&door))))
        .add_service(bounded!(FunctionServiceServer, functions::Service(Arc::clone(&door))))
        .add_service(bounded!(GrantServiceServer, grants::Service(Arc::clone(&door))))
        .add_service(bounded!(IdentityServiceServer, identity::Service(Arc::clone(&door))))
        .add_service(bounded!(PolicyServiceServer, policies::Service(Arc::clone(&door))))
        .add_service(bounded!(PrincipalServiceServer, principals::Service(Arc::clone(&door))))
        .add_service(bounded!(SchemaServiceServer, schemas::Service(Arc::clone(&door))))
        .add_service(bounded!(SqlServiceServer, sql))
        .add_service(bounded!(TableServiceServer, tables::Service(Arc::clone(&door))))
        .add_service(bounded!(TagServiceServer, tags::Service(Arc::clone(&door))))
        .add_service(bounded!(TokenServiceServer, tokens::Service(door)));
    Ok(Health(reporter))
}

/// Says over gRPC health whether the server takes requests.
#[derive(Clone)]
pub struct Health(HealthReporter);

impl Health {
    /// Says it for the server as a whole and for each of its services.
    pub async fn set(&self, ready: bool) {
        let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in SERVICES.iter().chain(&[""]) {
            self.0.set_service_status(*service, status).await;
        }
    }

    /// Ends what clients watch: a stream that never ends by itself would hold up every stop.
    pub async fn close(&mut self) {
        for service in SERVICES.iter().chain(&[""]) {
            self.0.clear_service_status(service).await;
        }
    }
}

/// What all services share.
struct Door {
    parts: Parts,
    identity: crate::config::Identity,
}

impl Door {
    /// Runs an operation of the catalog for a caller.
    async fn call<T: Send + 'static>(
        &self,
        caller: &Caller,
        operation: impl FnOnce(&Metastore, &Caller) -> Result<T, CatalogError> + Send + 'static,
    ) -> Result<T, Status> {
        let (owned, request) = (caller.clone(), caller.request_id);
        let answer = self.parts.catalog.call(move |metastore| operation(metastore, &owned)).await;
        answer.map_err(|error| status(&error, Some(request)))
    }

    /// Reads one state of the catalog as a caller may see it.
    async fn read<T: Send + 'static>(
        &self,
        caller: &Caller,
        operation: impl FnOnce(&Pinned) -> Result<T, CatalogError> + Send + 'static,
    ) -> Result<T, Status> {
        self.call(caller, move |metastore, caller| operation(&metastore.pin(caller))).await
    }

    /// Runs a statement that answers with no rows. Its bare names are those of the schema that it makes something in.
    async fn run(&self, caller: &Caller, made: &Made) -> Result<(), Status> {
        let fault = |error: EngineError| status(&error, Some(caller.request_id));
        let session = self.parts.engine.session(caller.clone());
        let mut parts = made.name.parts().iter().map(ToString::to_string);
        session.set_namespace(lakewarden_catalog::model::Namespace { catalog: parts.next(), schema: parts.next() });
        session.run(&made.sql).await.map_err(fault)?.collect().await.map_err(fault)?;
        Ok(())
    }

    /// Purges the files of managed tables that were deleted.
    async fn purge(&self) {
        self.parts.engine.purge_dropped(false).await;
    }
}

/// Who calls.
fn caller<T>(request: &Request<T>) -> Result<Caller, Status> {
    let missing = || plain(ErrorKind::Unauthenticated, "UNAUTHENTICATED", "a token is needed");
    request.extensions().get::<Caller>().cloned().ok_or_else(missing)
}
