//! A session: one caller, and the catalog and schema that are current for them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::datatypes::SchemaRef;
use lakewarden_catalog::Caller;
use lakewarden_catalog::model::Namespace;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::functions::{Identity, RecipientProperties};
use crate::planner::Planner;
use crate::run::Run;
use crate::statement::{Statement, parse_one};
use crate::stream::QueryStream;

/// Runs statements for one caller. It keeps the current catalog and schema and nothing else: rights, policies and plans
/// are looked up anew by every statement.
#[derive(Clone)]
pub struct Session {
    engine: Engine,
    caller: Caller,
    namespace: Arc<Mutex<Namespace>>,
    recipient: Option<Arc<RecipientProperties>>,
    cancel: CancellationToken,
}

impl Session {
    pub(crate) fn new(engine: Engine, caller: Caller, namespace: Namespace) -> Self {
        let cancel = CancellationToken::new();
        Self { engine, caller, namespace: Arc::new(Mutex::new(namespace)), recipient: None, cancel }
    }

    /// The same session, whose statements end when the token is cancelled. What takes effect at that moment does so as a whole.
    #[must_use]
    pub fn cancelled_by(&self, cancel: CancellationToken) -> Self {
        Self { cancel, ..self.clone() }
    }

    /// The same session for a later request of the same principal.
    #[must_use]
    pub fn for_request(&self, caller: Caller) -> Self {
        Self { caller, ..self.clone() }
    }

    /// The same session for the recipient of a share: `current_recipient` answers its properties, whose keys are in lower case.
    #[must_use]
    pub fn for_recipient(self, properties: RecipientProperties) -> Self {
        Self { recipient: Some(Arc::new(properties)), ..self }
    }

    /// Who runs statements here.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The current catalog and schema.
    pub fn namespace(&self) -> Namespace {
        self.namespace.lock().clone()
    }

    /// Makes a catalog and schema current without asking whether they exist: statements ask.
    pub fn set_namespace(&self, namespace: Namespace) {
        *self.namespace.lock() = namespace;
    }

    /// Runs exactly one statement.
    ///
    /// # Errors
    /// See [`EngineError`]; rows may also bring an error on the way.
    pub async fn run(&self, sql: &str) -> Result<QueryStream, EngineError> {
        self.run_with(sql, Vec::new()).await
    }

    /// Runs one statement with values for its parameters (`?` in order, or `$1`...).
    ///
    /// # Errors
    /// As `run`; also when the number of values is wrong.
    pub async fn run_with(
        &self,
        sql: &str,
        values: Vec<datafusion::common::ScalarValue>,
    ) -> Result<QueryStream, EngineError> {
        let statement = parse_one(sql, self.engine.parse_limits())?;
        let takes_values = statement.has_parameters();
        if !values.is_empty() && !takes_values {
            return Err(EngineError::invalid("only queries and changes of rows have parameters"));
        }
        let run = self.start(values).await?;
        let session = self.clone();
        let answer = run.runtime.clone().on_query_threads(Box::new(run).statement(statement)).await?;
        session.set_namespace(answer.namespace().clone());
        Ok(answer)
    }

    /// The columns that a statement would answer with, and how many parameters it takes.
    ///
    /// # Errors
    /// As `run`, without running anything.
    pub async fn describe(&self, sql: &str) -> Result<Description, EngineError> {
        let statement = parse_one(sql, self.engine.parse_limits())?;
        let run = self.start(Vec::new()).await?;
        run.runtime.clone().on_query_threads(run.description(statement)).await
    }

    async fn start(&self, values: Vec<datafusion::common::ScalarValue>) -> Result<Run, EngineError> {
        let pinned = self.engine.catalog().reads().pin(&self.caller);
        let namespace = self.namespace();
        let identity = Identity {
            user_name: self.caller.name.to_string(),
            groups: Arc::new(pinned.group_names().into_iter().collect()),
            catalog: namespace.catalog.clone(),
            schema: namespace.schema.clone(),
            metastore: pinned.root().ok().map(|metastore| metastore.name.to_string()),
            recipient: self.recipient.clone(),
        };
        let runtime = self.engine.exec().statement(self.caller.principal, &identity, self.cancel.clone()).await?;
        let (user, system) = (runtime.user.clone(), runtime.system.clone());
        let planner = Planner::new(user, system, self.engine.faults(), self.engine.snapshots(), values);
        let (engine, caller) = (self.engine.clone(), self.caller.clone());
        let denial_audited = AtomicBool::new(false);
        Ok(Run { engine, caller, namespace, pinned, planner, runtime, denial_audited })
    }
}

/// What a statement would answer.
#[derive(Debug, Clone)]
pub struct Description {
    /// The columns of the answer; none for a statement without rows.
    pub schema: SchemaRef,
    /// The types of its parameters, in order, as far as they could be told.
    pub parameters: Vec<Option<arrow::datatypes::DataType>>,
    /// Whether it answers with rows, rather than changing something.
    pub is_query: bool,
}

/// Whether a statement answers with rows.
pub(crate) fn is_query(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::Query(_)
            | Statement::Explain(_)
            | Statement::Show(_)
            | Statement::ShowGrants(_)
            | Statement::ExplainAccess(_)
            | Statement::Describe(_)
            | Statement::DescribeLog(_)
            | Statement::ListFiles(_)
    )
}
