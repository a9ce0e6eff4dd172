//! `SqlService`: statements, sessions, cancelling.
//!
//! A session keeps the current catalog and schema; rights and policies are looked up anew by every statement. Sessions
//! and running statements are kept under random names for the principal that made them, and are bounded in number.
//! Somebody else's answers as if it were absent.

mod answer;
mod ipc;
mod kind;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::TryStreamExt;
use lakewarden_catalog::model::{FullName, Namespace, SecurableKind};
use lakewarden_catalog::{Caller, ErrorKind};
use lakewarden_engine::Session;
use lakewarden_engine::statement::ParseLimits;
use lakewarden_proto::v1;
use lakewarden_proto::v1::sql_service_server::SqlService;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::{Door, caller};
use crate::config::Config;
use crate::convert::Faults;
use crate::convert::records::timestamp;
use crate::handles::{Handles, Limits};
use crate::status::{plain, status};

use answer::{Answer, Answers, Bounds, Running};

/// The header of an answer with the id of its statement.
const STATEMENT_ID: &str = "x-statement-id";

pub(super) struct Service {
    door: Arc<Door>,
    sessions: Handles<Session>,
    running: Arc<Handles<CancellationToken>>,
    idle: Duration,
    most_bytes: usize,
    parse: ParseLimits,
}

impl Service {
    pub(super) fn new(door: Arc<Door>, config: &Config) -> Self {
        let settings = &config.flight;
        let idle = Duration::from_secs(settings.idle_ttl_s);
        let metrics = &door.parts.metrics;
        let limits = |kind, ttl| Limits {
            kind,
            total: settings.max_handles,
            per_principal: settings.max_handles_per_principal,
            ttl,
            bytes_per_principal: settings.max_handle_bytes_per_principal,
            bytes: settings.max_handle_bytes,
        };
        Self {
            sessions: Handles::new(limits("grpc_session", idle), Arc::clone(metrics)),
            running: Arc::new(Handles::new(limits("grpc_statement", Duration::MAX), Arc::clone(metrics))),
            idle,
            most_bytes: config.listen.max_reply_bytes,
            parse: ParseLimits {
                max_bytes: config.engine.max_statement_bytes,
                max_nesting: config.engine.max_nesting,
                ..ParseLimits::default()
            },
            door,
        }
    }
}

#[tonic::async_trait]
impl SqlService for Service {
    type ExecuteStream = Answers;

    async fn execute(&self, request: Request<v1::ExecuteRequest>) -> Result<Response<Answers>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let asked = read(&request)?;
        let session = match &asked.session {
            Some(key) => self.session(&caller, key)?,
            None => self.fresh(&caller, asked.namespace).await?,
        };
        let running = Running::begin(&self.running, caller.principal, self.door.parts.metrics.query_running())?;
        let session = session.cancelled_by(running.token());
        let header = v1::ExecuteHeader {
            statement_id: running.id(),
            session_id: request.session_id,
            statement_kind: kind::words(&request.statement, &self.parse),
            columns: Vec::new(),
        };
        let id = header.statement_id.parse().map_err(|_| Status::internal("a name that is no header"))?;
        let bounds = Bounds { rows: asked.max_rows, message: self.most_bytes };
        let answer = async move {
            let answered = session.run(&request.statement).await;
            let answered = answered.map_err(|error| status(&error, Some(caller.request_id)))?;
            let answer = Answer::new(header, answered, running, bounds, caller.request_id)?;
            Ok::<_, Status>(answer.stream())
        };
        // The name is known before the statement is planned, so that it can be cancelled from the start.
        let mut response: Response<Answers> = Response::new(Box::pin(futures::stream::once(answer).try_flatten()));
        response.metadata_mut().insert(STATEMENT_ID, id);
        Ok(response)
    }

    async fn cancel_statement(&self, request: Request<v1::CancelStatementRequest>) -> Result<Response<()>, Status> {
        let caller = caller(&request)?;
        let mut faults = Faults::new();
        let id = faults.required("statement_id", &request.get_ref().statement_id).map(decode);
        let id = faults.finish(id)?;
        let found = self.running.take(caller.principal, &id);
        let absent = || plain(ErrorKind::NotFound, "STATEMENT_NOT_FOUND", "no such statement of yours is running");
        found.ok_or_else(absent)?.cancel();
        Ok(Response::new(()))
    }

    async fn open_session(&self, request: Request<v1::OpenSessionRequest>) -> Result<Response<v1::Session>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let mut faults = Faults::new();
        let namespace = namespace(&request.catalog, &request.schema, &mut faults);
        let namespace = faults.finish(namespace)?;
        let session = self.fresh(&caller, namespace).await?;
        let Namespace { catalog, schema } = session.namespace();
        let key = self.sessions.keep(caller.principal, session)?;
        let now = self.door.parts.catalog.reads().clock().now_ms();
        let idle_ms = i64::try_from(self.idle.as_millis()).unwrap_or(i64::MAX);
        Ok(Response::new(v1::Session {
            id: URL_SAFE_NO_PAD.encode(key),
            catalog: catalog.unwrap_or_default(),
            schema: schema.unwrap_or_default(),
            expires_at: Some(timestamp(now.saturating_add(idle_ms))),
        }))
    }

    async fn close_session(&self, request: Request<v1::CloseSessionRequest>) -> Result<Response<()>, Status> {
        let caller = caller(&request)?;
        let mut faults = Faults::new();
        let id = faults.required("session_id", &request.get_ref().session_id).map(decode);
        let id = faults.finish(id)?;
        self.sessions.take(caller.principal, &id).ok_or_else(no_session)?;
        Ok(Response::new(()))
    }
}

impl Service {
    /// A session that is kept, for this request.
    fn session(&self, caller: &Caller, key: &[u8]) -> Result<Session, Status> {
        let kept = self.sessions.get(caller.principal, key).ok_or_else(no_session)?;
        Ok(kept.for_request(caller.clone()))
    }

    /// A new session, in a catalog and schema that the caller may see.
    async fn fresh(&self, caller: &Caller, namespace: Namespace) -> Result<Session, Status> {
        if let Some(catalog) = namespace.catalog.clone() {
            let schema = namespace.schema.clone();
            let seen = self.door.read(caller, move |pinned| {
                let name = FullName::from_parts(&[&catalog])?;
                pinned.resolve(SecurableKind::Catalog, &name)?;
                match schema {
                    Some(schema) => {
                        pinned.resolve(SecurableKind::Schema, &FullName::from_parts(&[&catalog, &schema])?).map(drop)
                    }
                    None => Ok(()),
                }
            });
            seen.await?;
        }
        let session = self.door.parts.engine.session(caller.clone());
        session.set_namespace(namespace);
        Ok(session)
    }
}

/// What an execute request asks for.
struct Asked {
    session: Option<Vec<u8>>,
    max_rows: u64,
    namespace: Namespace,
}

fn read(request: &v1::ExecuteRequest) -> Result<Asked, Status> {
    let mut faults = Faults::new();
    faults.required("statement", &request.statement);
    let max_rows = match u64::try_from(request.max_rows) {
        Ok(0) => Some(u64::MAX),
        Ok(rows) => Some(rows),
        Err(_) => {
            faults.add("max_rows", format!("{} is negative: give 0 for all rows", request.max_rows));
            None
        }
    };
    let session = (!request.session_id.is_empty()).then(|| decode(&request.session_id));
    if session.is_some() && !(request.catalog.is_empty() && request.schema.is_empty()) {
        faults.add("catalog", "goes without a session only: a session has its own catalog and schema");
    }
    let namespace = namespace(&request.catalog, &request.schema, &mut faults);
    let asked = max_rows.zip(namespace).map(|(max_rows, namespace)| Asked { session, max_rows, namespace });
    faults.finish(asked)
}

/// A catalog and a schema to begin with, both optional.
fn namespace(catalog: &str, schema: &str, faults: &mut Faults) -> Option<Namespace> {
    if catalog.is_empty() && !schema.is_empty() {
        faults.add("schema", "goes with a catalog only");
        return None;
    }
    let mut name = |field, text: &str| match text {
        "" => Some(None),
        text => faults.name(field, text).map(|name| Some(name.to_string())),
    };
    let (catalog, schema) = (name("catalog", catalog), name("schema", schema));
    Some(Namespace { catalog: catalog?, schema: schema? })
}

/// A handle from its text. What is no handle is a handle of nothing.
fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap_or_default()
}

fn no_session() -> Status {
    plain(
        ErrorKind::NotFound,
        "SESSION_NOT_FOUND",
        "this session was closed, has expired or does not exist: open a new one",
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tonic_types::StatusExt;

    use super::*;

    fn request(set: impl Fn(&mut v1::ExecuteRequest)) -> v1::ExecuteRequest {
        let mut request = v1::ExecuteRequest { statement: "SELECT 1".to_owned(), ..v1::ExecuteRequest::default() };
        set(&mut request);
        request
    }

    #[rstest]
    #[case(request(|r| r.statement = " ".to_owned()), &["statement"])]
    #[case(request(|r| r.max_rows = -1), &["max_rows"])]
    #[case(request(|r| r.schema = "s".to_owned()), &["schema"])]
    #[case(request(|r| { r.session_id = "x".to_owned(); r.catalog = "main".to_owned() }), &["catalog"])]
    #[case(request(|r| { r.statement = String::new(); r.max_rows = i64::MIN; r.catalog = "a b".to_owned() }), &["statement", "max_rows", "catalog"])]
    fn faults_name_their_fields(#[case] request: v1::ExecuteRequest, #[case] fields: &[&str]) {
        let status = read(&request).err().unwrap();
        let told = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(told.iter().map(|v| v.field.as_str()).collect::<Vec<_>>(), fields);
    }

    #[test]
    fn zero_asks_for_all_rows() {
        assert_eq!(read(&request(|_| {})).unwrap().max_rows, u64::MAX);
        assert_eq!(read(&request(|r| r.max_rows = 5)).unwrap().max_rows, 5);
    }
}
