//! Running one statement for one caller. Each family of statements is a file; this one only sends them there.

mod abac;
mod access;
mod alter;
mod changes;
mod deletes;
mod describe;
mod files;
mod grants;
mod history;
mod insert;
mod judges;
mod merges;
mod namespaces;
mod policies;
mod principals;
mod queries;
mod renames;
mod show;
mod show_create;
mod storage;
mod tables;
mod tags;
mod updates;
mod veil;
mod views;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::datatypes::Schema;
use lakewarden_catalog::model::Namespace;
use lakewarden_catalog::{Caller, CatalogError, ErrorKind, Metastore, Pinned};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::exec::StatementExec;
use crate::planner::{Planner, Scope, parameter_types};
use crate::session::{Description, is_query};
use crate::statement::{ShowKind, Statement};
use crate::stream::QueryStream;

/// One statement on its way: who asks, where names are resolved, and the state that it sees.
pub(crate) struct Run {
    pub engine: Engine,
    pub caller: Caller,
    pub namespace: Namespace,
    pub pinned: Pinned,
    pub planner: Planner,
    pub runtime: StatementExec,
    /// Whether the catalog has audited a denial of this statement itself.
    pub denial_audited: AtomicBool,
}

impl Run {
    /// Runs the statement. The current catalog and schema after it are in the answer.
    pub async fn statement(mut self: Box<Self>, statement: Statement) -> Result<QueryStream, EngineError> {
        let action = action(&statement);
        match self.dispatch(statement).await {
            Ok(answer) => Ok(answer.with_namespace(self.namespace)),
            Err(error) => {
                self.audit_denial(action, &error).await;
                Err(error)
            }
        }
    }

    /// A denial met while planning has no catalog operation to audit it.
    async fn audit_denial(&self, action: &'static str, error: &EngineError) {
        if error.kind() != ErrorKind::PermissionDenied || self.denial_audited.load(Ordering::Relaxed) {
            return;
        }
        let (caller, message) = (self.caller.clone(), error.to_string());
        let recorded = self.engine.catalog().call(move |metastore| {
            metastore.record_denial(&caller, action, "", &message);
            Ok::<_, EngineError>(())
        });
        if let Err(fault) = recorded.await {
            tracing::error!(%fault, action, "the audit record of a denial was not written");
        }
    }

    /// The answer of a catalog operation, which audits its own denials.
    pub(super) fn audited<T>(&self, answer: Result<T, CatalogError>) -> Result<T, EngineError> {
        if answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::PermissionDenied) {
            self.denial_audited.store(true, Ordering::Relaxed);
        }
        Ok(answer?)
    }

    async fn dispatch(&mut self, statement: Statement) -> Result<QueryStream, EngineError> {
        match statement {
            Statement::Query(query) => self.query(*query).await,
            Statement::Explain(explain) => self.explain(explain).await,
            Statement::Use(target) => self.use_namespace(target),
            Statement::CreateCatalog(create) => self.create_catalog(create).await,
            Statement::CreateSchema(create) => self.create_schema(create).await,
            Statement::CreateTable(create) => self.create_table(*create).await,
            Statement::CreateView(create) => self.create_view(*create).await,
            Statement::CreateFunction(create) => self.create_function(*create).await,
            Statement::CreateStorageCredential(create) => self.create_storage_credential(create).await,
            Statement::CreateExternalLocation(create) => self.create_external_location(create).await,
            Statement::CreateVolume(create) => self.create_volume(create).await,
            Statement::Insert(insert) => self.insert(*insert).await,
            Statement::Update(update) => self.update_rows(*update).await,
            Statement::Delete(delete) => self.delete_rows(*delete).await,
            Statement::Merge(merge) => self.merge_rows(*merge).await,
            Statement::Drop(drop) => self.drop_object(drop).await,
            Statement::Alter(alter) => self.alter(alter).await,
            Statement::CommentOn(comment) => self.comment_on(comment).await,
            Statement::Grant(grant) => self.grant(grant).await,
            Statement::ShowGrants(show) => self.show_grants(show),
            Statement::ExplainAccess(explain) => self.explain_access(&explain),
            Statement::Show(show) if show.what == ShowKind::Partitions => self.show_partitions(&show).await,
            Statement::Show(show) => self.show(show),
            Statement::Describe(describe) => self.describe(describe),
            Statement::DescribeLog(describe) => self.describe_log(describe).await,
            Statement::ListFiles(list) => self.list_files(list).await,
            Statement::CreatePrincipal(create) => self.create_principal(create).await,
            Statement::AlterPrincipal(alter) => self.alter_principal(alter).await,
            Statement::DropPrincipal(drop) => self.drop_principal(drop).await,
            Statement::CreatePolicy(create) => self.create_policy(*create).await,
            Statement::DropPolicy(drop) => self.drop_policy(drop).await,
            Statement::ShowPolicies(show) => self.show_policies(&show),
            Statement::DescribePolicy(policy) => self.describe_policy(&policy),
            Statement::CreateTag(create) => self.create_tag(create).await,
            Statement::ShowTags(show) => self.show_tags(show),
            Statement::Unsupported { what } => Err(EngineError::Unimplemented(what)),
        }
    }

    /// What a statement would answer, without running it.
    pub async fn description(self, statement: Statement) -> Result<Description, EngineError> {
        let action = action(&statement);
        let told = self.described(&statement).await;
        if let Err(error) = &told {
            self.audit_denial(action, error).await;
        }
        told
    }

    async fn described(&self, statement: &Statement) -> Result<Description, EngineError> {
        let is_query = is_query(statement);
        if let Some(parameters) = self.change_parameters(statement).await? {
            return Ok(Description { schema: Arc::new(Schema::empty()), parameters, is_query });
        }
        let query = match statement {
            Statement::Query(query) => Some(query.as_ref()),
            Statement::Insert(insert) => Some(insert.source.query.as_ref()),
            _ => None,
        };
        let Some(query) = query else {
            return Ok(Description { schema: Arc::new(Schema::empty()), parameters: Vec::new(), is_query });
        };
        let plan = self.planner.query(query, &self.scope()).await?;
        let mut parameters = parameter_types(&plan)?;
        if let Statement::Insert(insert) = statement {
            self.type_by_target(insert, &plan, &mut parameters).await?;
        }
        let schema = if is_query { plan.schema().inner().clone() } else { Arc::new(Schema::empty()) };
        Ok(Description { schema, parameters, is_query })
    }

    /// What the caller itself wrote is resolved and judged here.
    pub fn scope(&self) -> Scope {
        Scope::of_caller(self.pinned.clone(), self.namespace.clone())
    }

    /// Makes a change in the catalog.
    pub async fn change<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Metastore, &Caller) -> Result<T, CatalogError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let caller = self.caller.clone();
        self.audited(self.engine.catalog().call(move |metastore| operation(metastore, &caller)).await)
    }

    /// An answer without rows.
    pub fn done(&self) -> QueryStream {
        QueryStream::done()
    }
}

/// What the audit record of a denied statement says was asked.
fn action(statement: &Statement) -> &'static str {
    match statement {
        Statement::Query(_) => "sql.select",
        Statement::Explain(_) => "sql.explain",
        Statement::Insert(_) => "sql.insert",
        Statement::Update(_) => "sql.update",
        Statement::Delete(_) => "sql.delete",
        Statement::Merge(_) => "sql.merge",
        Statement::CreateTable(_)
        | Statement::CreateView(_)
        | Statement::CreateFunction(_)
        | Statement::CreateExternalLocation(_)
        | Statement::CreateVolume(_)
        | Statement::CreatePolicy(_)
        | Statement::CreateTag(_) => "sql.create",
        Statement::Alter(_) => "sql.alter",
        Statement::Show(_) | Statement::ShowGrants(_) | Statement::ShowPolicies(_) | Statement::ShowTags(_) => {
            "sql.show"
        }
        Statement::ExplainAccess(_) => "sql.explain",
        Statement::Describe(_) | Statement::DescribeLog(_) | Statement::DescribePolicy(_) => "sql.describe",
        Statement::ListFiles(_) => "sql.list",
        _ => "sql.statement",
    }
}

/// Takes "already exists" for success, as IF NOT EXISTS asks.
pub(crate) fn unless_exists<T>(result: Result<T, EngineError>, if_not_exists: bool) -> Result<(), EngineError> {
    match result {
        Err(EngineError::Catalog(CatalogError::AlreadyExists { .. })) if if_not_exists => Ok(()),
        other => other.map(drop),
    }
}

/// Takes "does not exist" for success, as IF EXISTS asks.
pub(crate) fn unless_absent<T>(result: Result<T, EngineError>, if_exists: bool) -> Result<(), EngineError> {
    match result {
        Err(EngineError::Catalog(CatalogError::NotFound { .. } | CatalogError::NoSuch { .. })) if if_exists => Ok(()),
        other => other.map(drop),
    }
}
