//! From a parsed query to a logical plan that sees nothing but governed relations.
//!
//! Every relation that a query names is opened under somebody's rights: the caller's for what the caller wrote, the owner's
//! for what a view or function wrote. Policies bind whatever the rights, and see the caller's identity. Mapping tables
//! that a policy reads are read raw, under the rights of the owner of the policy's function.
//!
//! Nothing here is kept across statements: plans carry the identity and the policies of the moment.

mod calls;
mod closed;
pub(crate) mod fitting;
mod information;
mod parameters;
mod policies;
mod readings;
mod respelled;
mod scope;
mod sources;
mod spelling;
mod subqueries;
mod target;
mod versions;
mod views;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use datafusion::catalog::TableProvider;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::sql::planner::{ParserOptions, PlannerContext, SqlToRel};
use futures::future::BoxFuture;
use lakewarden_catalog::CatalogError;
use lakewarden_catalog::model::{Privilege, Securable, SecurableId, SecurableKind, TableType};
use lakewarden_catalog::ops::open::Opened;
use sqlparser::ast as sql;
use tokio::sync::Mutex;

use crate::delta::{Location, OpenError, OpenTable, SnapshotCache};
use crate::error::EngineError;
use crate::governed::{FaultLog, GovernedSpec, GovernedTable};
use crate::names;
use crate::statement::{QueryRefs, Reading, RelationRef};
pub(crate) use closed::Closed;
pub(crate) use parameters::{number_from, types as parameter_types};
use readings::Readings;
pub(crate) use scope::Scope;
use sources::{Sources, is_built_in};
use spelling::Spelling;
pub(crate) use target::OpenTarget;

/// A relation that a statement read, with the policies that bound it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Which.
    pub securable: SecurableId,
    /// Its full name.
    pub name: String,
    /// The version that was read; none for a view.
    pub version: Option<u64>,
    /// The names of the policies.
    pub policies: Vec<String>,
}

/// The tables that a statement has opened, each at the newest version or at one that was asked for.
type Snapshots = HashMap<(SecurableId, Option<u64>), Arc<OpenTable>>;

/// Plans the queries of one statement for one caller.
pub(crate) struct Planner {
    /// The caller's session: functions with the caller's identity, no object store.
    pub user: Arc<SessionState>,
    /// The engine's own session for this statement: reads storage, same identity functions.
    pub system: Arc<SessionState>,
    /// Where details of faults below the seal go.
    pub faults: Arc<dyn FaultLog>,
    /// Snapshots of the tables that were read lately.
    snapshots: Arc<SnapshotCache>,
    values: Vec<ScalarValue>,
    opened: Mutex<Snapshots>,
    accesses: Mutex<Vec<Access>>,
    named: Mutex<BTreeSet<SecurableId>>,
    shown: Mutex<BTreeSet<SecurableId>>,
    calls: AtomicUsize,
    /// What calls of functions have grown to.
    grown: Arc<AtomicUsize>,
}

impl Planner {
    /// A planner for one statement; `values` stand for its parameters, when they are known.
    pub fn new(
        user: Arc<SessionState>,
        system: Arc<SessionState>,
        faults: Arc<dyn FaultLog>,
        snapshots: Arc<SnapshotCache>,
        values: Vec<ScalarValue>,
    ) -> Self {
        Self {
            snapshots,
            user,
            system,
            faults,
            values,
            opened: Mutex::default(),
            accesses: Mutex::default(),
            named: Mutex::default(),
            shown: Mutex::default(),
            calls: AtomicUsize::new(0),
            grown: Arc::default(),
        }
    }

    /// What the statement reads, so far as it has been planned.
    pub async fn accesses(&self) -> Vec<Access> {
        self.accesses.lock().await.clone()
    }

    /// The relations and functions that the caller's own text names: what a definition made of it depends on.
    pub async fn dependencies(&self) -> Vec<SecurableId> {
        self.named.lock().await.iter().copied().collect()
    }

    /// The functions whose bodies became part of the caller's own plan, above every seal.
    pub async fn shown_functions(&self) -> Vec<SecurableId> {
        self.shown.lock().await.iter().copied().collect()
    }

    /// Plans a query.
    pub fn query<'a>(
        &'a self,
        query: &'a sql::Query,
        scope: &'a Scope,
    ) -> BoxFuture<'a, Result<LogicalPlan, EngineError>> {
        self.query_over(query, scope, &[])
    }

    /// Plans a query over the catalog's relations and these, whose names no text of a caller holds.
    pub fn query_over<'a>(
        &'a self,
        query: &'a sql::Query,
        scope: &'a Scope,
        given: &'a [(String, Relation)],
    ) -> BoxFuture<'a, Result<LogicalPlan, EngineError>> {
        Box::pin(async move {
            let names = self.open(&QueryRefs::of_query(query), scope, given).await?;
            let Names { sources, spelling, calls, readings } = names;
            let mut query = query.clone();
            readings.put_into(&mut query);
            calls::rename(&mut query, &calls);
            spelling.apply(&mut query);
            parameters::number(&mut query);
            let planner = SqlToRel::new_with_options(&sources, parser_options());
            let statement = sql::Statement::Query(Box::new(query));
            let plan = planner.sql_statement_to_plan(statement).map_err(|e| EngineError::from_planning(&e))?;
            closed::require_open(&plan, &sources)?;
            let plan = calls::inline_all(plan, &calls).and_then(subqueries::computed);
            let plan = plan.map_err(|e| EngineError::from_planning(&e))?;
            // Only the caller's own text has parameters; a definition's would capture the caller's values.
            if scope.depth == 0 { parameters::bind(plan, &self.values) } else { Ok(plan) }
        })
    }

    /// Plans an expression over a schema; its subqueries are queries of the scope.
    pub fn expr<'a>(
        &'a self,
        expr: &'a sql::Expr,
        schema: &'a DFSchema,
        scope: &'a Scope,
    ) -> BoxFuture<'a, Result<Expr, EngineError>> {
        Box::pin(async move {
            let Names { sources, mut spelling, calls, readings } =
                self.open(&QueryRefs::of_expr(expr), scope, &[]).await?;
            spelling.add_schema(schema.as_arrow());
            let mut expr = expr.clone();
            readings.put_into(&mut expr);
            calls::rename(&mut expr, &calls);
            spelling.apply_to_expr(&mut expr);
            let planner = SqlToRel::new_with_options(&sources, parser_options());
            let planned = planner
                .sql_to_expr(expr, schema, &mut PlannerContext::new())
                .map_err(|e| EngineError::from_planning(&e))?;
            closed::require_open_in_expr(&planned, schema, &sources)?;
            calls::inline_in_expr(planned, schema, &calls).map_err(|e| EngineError::from_planning(&e))
        })
    }

    /// Opens everything that a query names.
    async fn open(
        &self,
        refs: &QueryRefs,
        scope: &Scope,
        given: &[(String, Relation)],
    ) -> Result<Names<'_>, EngineError> {
        // Relations first, in the order of the text: a caller who may not read one learns nothing of the rest.
        let state = if scope.in_policy() { &self.system } else { &self.user };
        let mut sources = Sources::new(state);
        let (mut spelling, mut readings) = (Spelling::default(), Readings::default());
        for relation in &refs.tables {
            let written = &relation.name;
            let (provider, closed) = match given.iter().find(|(name, _)| written.parts == [name.as_str()]) {
                Some((_, given)) => given.clone(),
                None => self.relation(relation, scope).await?,
            };
            let provider = if scope.in_policy() {
                provider
            } else {
                let respelled = self.respelled(provider, &written.to_string(), &spelling, &closed);
                respelled.map_err(|e| EngineError::from_planning(&e))?
            };
            spelling.add_schema(&provider.schema());
            let name = match relation.is_by_name_alone() {
                true => written.folded(),
                false => readings.name(relation, &names::object(written, &scope.namespace)?),
            };
            sources.add_relation(name, provider, closed);
        }
        if let Some(item) = refs.versioned_items.first() {
            return Err(EngineError::invalid(format!("`{item}` is an item of WITH, which has no versions")));
        }
        let mut calls = calls::Calls::default();
        for written in &refs.functions {
            if let [name] = written.parts.as_slice()
                && is_built_in(state, &name.to_lowercase())
            {
                continue;
            }
            let call = self.function(written, scope).await?;
            sources.add_function(call.placeholder());
            calls.add(written, call);
        }
        Ok(Names { sources, spelling, calls, readings })
    }

    /// A relation that a text names, and what of it the text may not name.
    pub(crate) async fn relation(&self, relation: &RelationRef, scope: &Scope) -> Result<Relation, EngineError> {
        let written = &relation.name;
        let name = names::object(written, &scope.namespace)?;
        if information::is_within(&name) {
            return self.information(relation, &name, scope);
        }
        let opened = match scope.rights.open_to_read(&name) {
            // The words are the same whether it is a short name or a whole one, hidden or absent.
            Err(CatalogError::NotFound { kind, .. }) => {
                return Err(CatalogError::not_found(kind, written.to_string()).into());
            }
            other => other?,
        };
        scope.require_expected(opened.securable.id, written)?;
        self.named(opened.securable.id, scope).await;
        match (opened.securable.kind(), &relation.reading) {
            (SecurableKind::View, Reading::Newest) => self.view(&opened, scope).await,
            (SecurableKind::View, _) => Err(EngineError::invalid(format!(
                "`{written}` is a view, which has no versions: name the version of the table inside it"
            ))),
            (_, Reading::Newest) => self.table(&opened, scope).await,
            (_, Reading::Changes(from, to)) => self.changes(&opened, from, to.as_deref(), scope).await,
            (_, past) => self.table_at(&opened, past, scope).await,
        }
    }

    async fn table(&self, opened: &Opened, scope: &Scope) -> Result<Relation, EngineError> {
        let stored = self.stored(opened).await?;
        let closed = Closed::of(opened, &stored.schema, &scope.rights, Privilege::Select);
        if scope.reads_raw(opened)? {
            self.note(opened, Some(stored.version), &[]).await;
            return Ok((Arc::new(stored.raw.clone()), closed));
        }
        let spec = self.govern(opened, &stored, &scope.guarding(opened.securable.id)?).await?;
        self.note(opened, Some(stored.version), &spec.policy_ids).await;
        Ok((self.governed(spec, &closed), closed))
    }

    /// What a caller's plan sees of a relation; it shows no closed column, whatever the plan asks for.
    pub(super) fn governed(&self, spec: GovernedSpec, closed: &Closed) -> Arc<dyn TableProvider> {
        Arc::new(GovernedTable::new(spec, self.system.clone(), self.faults.clone()).closing(closed.places()))
    }

    /// The Delta table at the version that this statement reads: the newest when it was first named. A managed one has the very
    /// columns that the statement's catalog knows, in their order, which a rename keeps. Otherwise one was renamed in between, or is being
    /// renamed, and policies would be put on the wrong columns.
    ///
    /// # Errors
    /// `Open`.
    pub async fn stored(&self, opened: &Opened) -> Result<Arc<OpenTable>, EngineError> {
        let stored = self.as_stored(&opened.securable, &opened.full_name).await?;
        let managed = opened.securable.as_table().is_some_and(|table| table.table_type == TableType::Managed);
        let known = opened.securable.columns().iter().map(|column| &*column.name);
        if managed && !known.eq(stored.schema.fields().iter().map(|field| field.name().as_str())) {
            return Err(EngineError::Open { label: opened.full_name.clone(), fault: OpenError::Unfinished });
        }
        Ok(stored)
    }

    /// The Delta table as `stored`, whatever its columns are called.
    ///
    /// # Errors
    /// `Open`.
    pub async fn as_stored(&self, securable: &Securable, label: &str) -> Result<Arc<OpenTable>, EngineError> {
        let mut cache = self.opened.lock().await;
        if let Some(found) = cache.get(&(securable.id, None)) {
            return Ok(found.clone());
        }
        let table = securable.as_table().ok_or_else(|| EngineError::internal("not a table"))?;
        let fault = |fault| EngineError::Open { label: label.to_owned(), fault };
        let location = Location::of_table(table)?;
        let stored = Arc::new(self.snapshots.open(location.path(), &self.system).await.map_err(fault)?);
        cache.insert((securable.id, None), stored.clone());
        Ok(stored)
    }

    pub(super) async fn named(&self, id: SecurableId, scope: &Scope) {
        if scope.depth == 0 {
            self.named.lock().await.insert(id);
        }
    }

    async fn note(&self, opened: &Opened, version: Option<u64>, policies: &[String]) {
        let access = Access {
            securable: opened.securable.id,
            name: opened.full_name.clone(),
            version,
            policies: policies.to_vec(),
        };
        let mut accesses = self.accesses.lock().await;
        if !accesses.contains(&access) {
            accesses.push(access);
        }
    }
}

/// What the names of a query stand for.
struct Names<'a> {
    sources: Sources<'a>,
    spelling: Spelling,
    calls: calls::Calls,
    readings: Readings,
}

/// What a caller's plan reads, and what of it the plan may not name.
pub(crate) type Relation = (Arc<dyn TableProvider>, Closed);

fn parser_options() -> ParserOptions {
    // Identifiers arrive in their final spelling, and 0.1 is a decimal, as in Spark.
    ParserOptions::new().with_enable_ident_normalization(false).with_parse_float_as_decimal(true)
}
