//! What UPDATE, DELETE and MERGE have in common. Which rows are changed and how is a query of the caller's over what they see, so that it
//! tells nothing else. What it gives goes to the rows as stored; new rows must be such as the caller sees.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Projection, col, in_list, lit};
use datafusion::physical_plan::ExecutionPlan;
use deltalake::protocol::DeltaOperation;
use lakewarden_catalog::model::Privilege;
use sqlparser::ast::{self as sql, Query, Select, SelectItem, SetExpr};

use super::Run;
use super::insert::location_of;
use super::judges::require_seen;
use super::veil::veiled;
use crate::delta::rewrite::{TAG, Tag};
use crate::delta::{Clause, ExecProvider, Rewrite, Rewritten, RowFault, WriteError, require, require_true};
use crate::error::EngineError;
use crate::governed::ScanFault;
use crate::governed::policy::GUARDED;
use crate::names;
use crate::planner::{Closed, OpenTarget, Relation, parameter_types};
use crate::statement::{ChangedTable, FunctionBody, ParseLimits, Statement, parse_function_body, parse_query};

/// How a name is written in a query that is made here.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A column of a relation, as an expression.
pub(super) fn named(relation: &str, column: &str) -> sql::Expr {
    let ident = |name: &str| sql::Ident::with_quote('`', name);
    sql::Expr::CompoundIdentifier(vec![ident(relation), ident(column)])
}

/// A query of this text, to which expressions of the caller are added.
pub(super) fn template(text: &str) -> Result<Box<Query>, EngineError> {
    Ok(parse_query(text, &ParseLimits::default())?)
}

/// The SELECT of a query that was made from a template.
pub(super) fn select_of(query: &mut Query) -> Result<&mut Select, EngineError> {
    match query.body.as_mut() {
        SetExpr::Select(select) => Ok(select),
        _ => Err(EngineError::internal("a template that is no SELECT")),
    }
}

/// An output column.
pub(super) fn output(expr: sql::Expr, name: &str) -> SelectItem {
    SelectItem::ExprWithAlias { expr, alias: sql::Ident::with_quote('`', name) }
}

/// A statement about to change rows: what changes them, and what its record says.
pub(super) struct Changing<'a> {
    /// The operation in Delta's log. It holds no text of the statement, which readers of the log may not be meant to see.
    pub operation: DeltaOperation,
    /// The action in the audit log.
    pub action: &'static str,
    /// The name that errors show for what is done.
    pub target: &'a OpenTarget,
}

impl Run {
    /// Opens the table that a statement changes. MODIFY is asked on the columns that it fills, on all when none are given.
    pub(super) async fn target(
        &self,
        target: &ChangedTable,
        filled: Option<&[String]>,
    ) -> Result<OpenTarget, EngineError> {
        let name = names::object(&target.table, &self.namespace)?;
        let opened = self.pinned.open_to_modify(&name)?;
        let stored = self.planner.stored(&opened).await?;
        let closed = Closed::of(&opened, &stored.schema, &self.pinned, Privilege::Modify);
        closed.refuse(Privilege::Modify, filled)?;
        let tag = self.engine.catalog().reads().clock().new_id().simple().to_string();
        self.planner.target(&name, opened, &self.scope(), &tag).await
    }

    /// Plans a query that was made from a template over the table that a statement changes.
    pub(super) async fn plan_over(
        &self,
        query: &Query,
        target: &OpenTarget,
        more: Vec<(String, Relation)>,
    ) -> Result<LogicalPlan, EngineError> {
        let mut given = more;
        given.push((target.name.clone(), target.relation.clone()));
        let planned = self.planner.query_over(query, &self.scope(), &given).await;
        planned.map_err(|error| without_address(error, target))
    }

    /// The places of the columns that are filled, by their names.
    pub(super) fn places(&self, target: &OpenTarget, columns: &[String]) -> Result<Vec<usize>, EngineError> {
        let fields = target.stored.schema.fields();
        let mut places = Vec::with_capacity(columns.len());
        for column in columns {
            let exact = fields.iter().position(|field| field.name() == column);
            let place = exact.or_else(|| fields.iter().position(|f| f.name().to_lowercase() == column.to_lowercase()));
            let place = place.ok_or_else(|| WriteError::UnknownColumn(column.clone()))?;
            if places.contains(&place) {
                return Err(WriteError::DuplicateColumn(column.clone()).into());
            }
            places.push(place);
        }
        Ok(places)
    }

    /// The types of the parameters of a statement that changes rows. One that is given to a column by itself has the column's type.
    pub(super) async fn change_parameters(
        &self,
        statement: &Statement,
    ) -> Result<Option<Vec<Option<DataType>>>, EngineError> {
        let (target, plan, given) = match statement {
            Statement::Delete(delete) => {
                let target = self.target(&delete.target, None).await?;
                let plan = self.deleted(delete, &target).await?;
                (target, plan, Vec::new())
            }
            Statement::Update(update) => self.update_to_describe(update).await?,
            Statement::Merge(merge) => self.merge_to_describe(merge).await?,
            _ => return Ok(None),
        };
        let mut types = parameter_types(&plan)?;
        for assignment in &given {
            let Some(unknown) = number_of(&assignment.value).and_then(|number| types.get_mut(number)) else { continue };
            let places = self.places(&target, std::slice::from_ref(&assignment.column))?;
            let field = places.first().and_then(|place| target.stored.schema.fields().get(*place));
            if unknown.is_none() {
                *unknown = field.map(|field| field.data_type().clone());
            }
        }
        Ok(Some(types))
    }

    /// Runs the changes that a plan gives, and answers with their counts.
    pub(super) async fn change_rows(
        &self,
        changing: Changing<'_>,
        plan: &LogicalPlan,
        clauses: Vec<Clause>,
    ) -> Result<Rewritten, EngineError> {
        let target = changing.target;
        let veil = self.veil().await;
        let cover = |error| veiled(veil.as_ref(), error);
        location_of(&target.opened)?;
        let checks = self.constraints(target).await?;
        require_seen(target, &checks, &clauses)?;
        let (_, changes) = self.runtime.plan(plan).await.map_err(cover)?;
        let system = &self.planner.system;
        let label = target.opened.full_name.clone();
        let faults = (self.planner.faults.clone(), label.clone());
        let wrong = |error| cover(self.unwritten(target, error));
        let rewrite = Rewrite::new(&target.stored, target.addressed.clone(), changes, clauses, faults).await;
        let rewrite = rewrite.map_err(wrong)?;
        let rows = self.judged(target, rewrite.rows(), checks).await?;
        let staged = rewrite.write(&target.stored, rows, system).await.map_err(wrong)?;
        if let Err(stopped) = self.runtime.begin_commit() {
            staged.discard().await;
            return Err(stopped);
        }
        let done = staged.commit(changing.operation).await.map_err(wrong)?;
        if let Some(version) = done.version {
            let details = vec![
                ("version", version.to_string()),
                ("updated", done.updated.to_string()),
                ("deleted", done.deleted.to_string()),
                ("inserted", done.inserted.to_string()),
            ];
            let action = changing.action;
            self.change(move |metastore, caller| metastore.record_data_change(caller, action, &label, &details))
                .await?;
        }
        Ok(done)
    }

    /// What the caller reads of a failure. What judging rows ran into may quote policies and rows.
    fn unwritten(&self, target: &OpenTarget, error: WriteError) -> EngineError {
        match error {
            WriteError::Judged(details) => {
                let label = target.opened.full_name.clone();
                let reference = self.planner.faults.record(&label, &details);
                EngineError::Governed(ScanFault { label, reference })
            }
            other => EngineError::from_writing(other),
        }
    }

    /// The rows, of which those that are new or have new values satisfy the row filter and the constraints of the table.
    async fn judged(
        &self,
        target: &OpenTarget,
        rows: Arc<dyn ExecutionPlan>,
        checks: Vec<(String, Expr)>,
    ) -> Result<Arc<dyn ExecutionPlan>, EngineError> {
        let filter = target.opened.row_filter.as_ref();
        if filter.is_none() && checks.is_empty() {
            return Ok(rows);
        }
        let verdict = match filter {
            Some(filter) => Some(self.planner.row_filter(&target.opened, filter, &target.stored, &self.scope()).await?),
            None => None,
        };
        let planned = with_checks(rows, verdict, checks, &self.planner.system).await;
        // The verdict holds the policy's text, so that an error of planning it is not the caller's to read.
        planned.map_err(|error| {
            let label = target.opened.full_name.clone();
            let reference = self.planner.faults.record(&label, &error);
            EngineError::Governed(ScanFault { label, reference })
        })
    }

    /// The CHECK constraints of a table, over its stored columns.
    async fn constraints(&self, target: &OpenTarget) -> Result<Vec<(String, Expr)>, EngineError> {
        let schema = DFSchema::try_from_qualified_schema(TableReference::bare(GUARDED), &target.stored.schema)
            .map_err(|error| EngineError::from_planning(&error))?;
        let mut checks = Vec::new();
        for (name, text) in target.stored.constraints()? {
            let unknown = || WriteError::Unsupported(format!("the constraint `{name}` of the table"));
            let Ok(FunctionBody::Expr(expr)) = parse_function_body(&text, &ParseLimits::default()) else {
                return Err(unknown().into());
            };
            let check = self.planner.expr(&expr, &schema, &self.scope()).await.map_err(|_| unknown())?;
            checks.push((name, check));
        }
        Ok(checks)
    }
}

/// Puts the verdicts on rows that were made; rows that stay as they were are not judged.
async fn with_checks(
    rows: Arc<dyn ExecutionPlan>,
    verdict: Option<Expr>,
    checks: Vec<(String, Expr)>,
    system: &SessionState,
) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
    let stays = || {
        let unjudged = [Tag::Kept, Tag::Before, Tag::Deleted].map(|tag| lit(tag as i8));
        in_list(col(TAG), unjudged.to_vec(), false)
    };
    let provider = provider_as_source(Arc::new(ExecProvider::new(rows)));
    let mut plan = LogicalPlanBuilder::scan(TableReference::bare(GUARDED), provider, None)?;
    for (name, check) in checks {
        plan = plan.filter(require(stays().or(check), RowFault::Check(name)))?;
    }
    if let Some(verdict) = verdict {
        plan = plan.filter(require_true(stays().or(verdict)))?;
    }
    system.create_physical_plan(&plan.build()?).await
}

/// The place of a parameter that stands alone among all parameters.
fn number_of(value: &sql::Expr) -> Option<usize> {
    let sql::Expr::Value(value) = value else { return None };
    let sql::Value::Placeholder(name) = &value.value else { return None };
    name.strip_prefix('$')?.parse::<usize>().ok()?.checked_sub(1)
}

/// An error of planning without the names that the statement's text does not have.
fn without_address(error: EngineError, target: &OpenTarget) -> EngineError {
    let EngineError::Invalid { sqlstate, message } = error else { return error };
    if message.contains("aggregate function") && message.contains(&target.address) {
        return no_aggregates();
    }
    let is_own = |word: &&str| !word.contains(&target.address) && !word.contains(&target.name);
    let message = message.split(", ").filter(is_own).collect::<Vec<_>>().join(", ");
    EngineError::Invalid { sqlstate, message }
}

fn no_aggregates() -> EngineError {
    EngineError::invalid(
        "aggregates, windows and unnest cannot stand in UPDATE, DELETE and MERGE by themselves: use a subquery",
    )
}

/// The expressions of a plan that was made from a template, and what they are over. Aggregates, windows and the like would make other
/// rows than those that are read.
pub(super) fn projected(plan: LogicalPlan) -> Result<(Vec<Expr>, Arc<LogicalPlan>), EngineError> {
    let LogicalPlan::Projection(Projection { expr, input, .. }) = plan else { return Err(no_aggregates()) };
    let below = match input.as_ref() {
        LogicalPlan::Filter(filter) => filter.input.as_ref(),
        other => other,
    };
    match below {
        LogicalPlan::SubqueryAlias(_) | LogicalPlan::Join(_) => Ok((expr, input)),
        _ => Err(no_aggregates()),
    }
}
