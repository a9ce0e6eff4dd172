//! A catalog, its guard and an engine in this process, and connections to it for the test runner.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use lakewarden_catalog::clock::SystemClock;
use lakewarden_catalog::model::{AuditEvent, Name, Outcome, PrincipalKind, PrincipalName, RequestId};
use lakewarden_catalog::ops::page::Page;
use lakewarden_catalog::store::OpenOptions;
use lakewarden_catalog::{Caller, Handle, Metastore};
use lakewarden_enforcer::Enforcer;
use lakewarden_engine::statement::ParseLimits;
use lakewarden_engine::{Engine, EngineConfig, EngineError, Limits, Session, TokenKey};
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType};

/// A catalog with the one admin `admin`, in a folder that goes with it.
pub struct World {
    engine: Engine,
    folder: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let enforcer = Arc::new(Enforcer::new().unwrap());
        let metastore = Metastore::open(&data, &OpenOptions::default(), enforcer, Arc::new(SystemClock)).unwrap();
        metastore.bootstrap(&Name::parse("main").unwrap(), &PrincipalName::parse("admin").unwrap()).unwrap();
        let limits = Limits { threads: 2, ..Limits::default() };
        let config = EngineConfig {
            managed_root: data.join("tables"),
            limits,
            parse: ParseLimits::default(),
            token_key: Some(TokenKey::new(&[7; 32])),
        };
        let engine = Engine::new(Handle::new(metastore), config).unwrap();
        Self { engine, folder }
    }

    /// The audit records of denials, newest first: who, what, and what they were told.
    pub fn denials(&self) -> Vec<(String, String, String)> {
        let denied = self.audit().into_iter().filter(|r| r.outcome == Outcome::Denied);
        denied.map(|r| (r.principal_name, r.action, r.details.get("error").cloned().unwrap_or_default())).collect()
    }

    /// The newest audit records, newest first.
    pub fn audit(&self) -> Vec<AuditEvent> {
        let page = Page { size: 100, after: None };
        self.engine.catalog().reads().list_audit(self.session("admin").caller(), &page).unwrap().items
    }

    /// A session of a user, for tests that are no cases.
    pub fn session(&self, name: &str) -> Session {
        session(&self.engine, name)
    }

    /// The folder of the world: `data` is the server's, the rest is the test's.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn connection(&self) -> Connection {
        let tmp = self.folder.path().join("case");
        std::fs::create_dir_all(&tmp).unwrap();
        Connection { engine: self.engine.clone(), session: None, tmp: tmp.display().to_string() }
    }
}

fn session(engine: &Engine, name: &str) -> Session {
    let name = PrincipalName::parse(name).unwrap();
    let found = engine.catalog().reads().principal_for_identity(&name);
    let principal = found.unwrap_or_else(|| panic!("there is no user `{name}`"));
    let request_id = RequestId(engine.catalog().reads().clock().new_id());
    engine.session(Caller { principal: principal.id, name, kind: PrincipalKind::User, request_id, door: "test" })
}

/// One connection; nobody's before `login`.
pub struct Connection {
    engine: Engine,
    session: Option<Session>,
    tmp: String,
}

impl Connection {
    fn login(&mut self, name: &str) {
        self.session = Some(session(&self.engine, name));
    }
}

/// An error as the cases match it: the SQLSTATE, then the words.
#[derive(Debug)]
pub struct Failure(EngineError);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.sqlstate(), self.0)?;
        if let EngineError::Internal(details) = &self.0 {
            write!(f, " ({details})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

#[async_trait::async_trait]
impl AsyncDB for Connection {
    type Error = Failure;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Failure> {
        if let Some(name) = sql.trim().strip_prefix("login ") {
            self.login(name.trim());
            return Ok(DBOutput::StatementComplete(0));
        }
        let sql = sql.replace("{tmp}", &self.tmp).replace("{data}", &shared_data());
        let session = self.session.as_ref().expect("the connection says `login` first");
        let answer = session.run(&sql).await.map_err(Failure)?;
        let columns = answer.schema().fields().len();
        let batches = answer.collect().await.map_err(Failure)?;
        if columns == 0 {
            return Ok(DBOutput::StatementComplete(0));
        }
        let options = FormatOptions::default().with_null("NULL");
        let mut rows = Vec::new();
        for batch in &batches {
            let formats: Vec<_> =
                batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
            for row in 0..batch.num_rows() {
                rows.push(formats.iter().map(|f| shown(&f.value(row).to_string())).collect());
            }
        }
        Ok(DBOutput::Rows { types: vec![DefaultColumnType::Any; columns], rows })
    }

    async fn shutdown(&mut self) {}
}

/// An empty text would be lost between the columns.
fn shown(value: &str) -> String {
    if value.is_empty() { "(empty)".to_owned() } else { value.replace('\n', "\\n") }
}

/// Tables written by other systems, where they are beside the checkout.
fn shared_data() -> String {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/delta");
    beside.display().to_string()
}
