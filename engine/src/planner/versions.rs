//! Tables at old versions, and their change feeds, under the policies of now.
//!
//! Policies are bound to the columns that the catalog knows, and an old version has its own. A column of it is taken for the column of
//! that name only when it was there under this name and type in every version since. Any other may be one that has another name by
//! now: whoever is bound by something that it may have been under does not read the version at all.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, cast};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::sql::planner::{PlannerContext, SqlToRel};
use lakewarden_catalog::model::{PolicyArgument, Privilege};
use lakewarden_catalog::ops::open::Opened;
use sqlparser::ast as sql;

use super::sources::Sources;
use super::{Closed, Planner, Relation, Scope, parser_options};
use crate::delta::changes::FEED_COLUMNS;
use crate::delta::commits::{kept_columns, require_version, version_at, version_from};
use crate::delta::{Location, Metadata, OpenTable, PastError, change_feed, open_table};
use crate::error::EngineError;
use crate::governed::GovernedSpec;
use crate::statement::{QueryRefs, Reading};
use crate::times;

/// A point in the past of a table, as a statement names it.
enum Point {
    Version(u64),
    /// Milliseconds since 1970 (UTC).
    Time(i64),
}

impl Planner {
    /// A table at the version that is asked for.
    pub(super) async fn table_at(
        &self,
        opened: &Opened,
        reading: &Reading,
        scope: &Scope,
    ) -> Result<Relation, EngineError> {
        let newest = self.stored(opened).await?;
        let version = match reading {
            Reading::Version(version) => whole_number(version).ok_or_else(no_version)?,
            Reading::Timestamp(time) => self.version_at(opened, &newest, self.time(time)?)?,
            Reading::Newest | Reading::Changes(..) => return Err(EngineError::internal("no version")),
        };
        let stored = self.stored_at(opened, &newest, version).await?;
        let closed = Closed::of(opened, &stored.schema, &scope.rights, Privilege::Select);
        if scope.reads_raw(opened)? {
            self.note(opened, Some(version), &[]).await;
            return Ok((Arc::new(stored.raw.clone()), closed));
        }
        self.require_lineage(opened, &stored, newest.version)?;
        let spec = self.govern(opened, &stored, &scope.guarding(opened.securable.id)?).await?;
        self.note(opened, Some(version), &spec.policy_ids).await;
        Ok((self.governed(spec, &closed), closed))
    }

    /// The table at a version, which is there.
    async fn stored_at(
        &self,
        opened: &Opened,
        newest: &OpenTable,
        version: u64,
    ) -> Result<Arc<OpenTable>, EngineError> {
        let location = location(opened)?;
        require_version(location.path(), version, newest.version).map_err(|error| past(opened, error))?;
        let mut cache = self.opened.lock().await;
        let key = (opened.securable.id, Some(version));
        if let Some(found) = cache.get(&key) {
            return Ok(found.clone());
        }
        let fault = |fault| EngineError::Open { label: opened.full_name.clone(), fault };
        let stored = Arc::new(self.snapshots.open_at(location.path(), version, &self.system).await.map_err(fault)?);
        cache.insert(key, stored.clone());
        Ok(stored)
    }

    /// Refuses a version with columns that are not known to be those of the catalog, to whom something may bind on them.
    fn require_lineage(&self, opened: &Opened, stored: &OpenTable, newest: u64) -> Result<(), EngineError> {
        let masked = !opened.masks.is_empty() || opened.unknown_columns.is_some();
        if !masked && opened.row_filter.is_none() && opened.closed.is_empty() {
            return Ok(());
        }
        let location = location(opened)?;
        let kept = Metadata::of(&stored.table)
            .and_then(|old| kept_columns(location.path(), &old, stored.version, newest))
            .map_err(EngineError::internal)?;
        let columns = opened.securable.columns();
        let is_kept = |argument: &PolicyArgument| match argument {
            PolicyArgument::Column(id) => columns.iter().any(|column| column.id == *id && kept.contains(&*column.name)),
            _ => true,
        };
        if let Some(filter) = opened.row_filter.as_ref().filter(|filter| !filter.arguments.iter().all(is_kept)) {
            let gone = EngineError::invalid("a column that it takes is another in the old version");
            return Err(self.closed(opened, &filter.label, &gone));
        }
        let lost = stored.schema.fields().iter().find(|field| !kept.contains(field.name()));
        match lost.filter(|_| masked || !opened.closed.is_empty()) {
            None => Ok(()),
            Some(_) => Err(EngineError::Refused(format!(
                "version {} of `{}` has columns that were renamed, changed or dropped since, and what binds you on its columns could not be told to hold there",
                stored.version, opened.full_name
            ))),
        }
    }

    /// The change feed of a table.
    pub(super) async fn changes(
        &self,
        opened: &Opened,
        from: &sql::Expr,
        to: Option<&sql::Expr>,
        scope: &Scope,
    ) -> Result<Relation, EngineError> {
        let newest = self.stored(opened).await?;
        let (first, last) = self.range(opened, &newest, from, to)?;
        let before = self.metadata_before(opened, &newest, first).await?;
        let location = location(opened)?;
        let feed = change_feed(&newest, location.path(), &before, (first, last));
        let feed = feed.map_err(|fault| {
            if let Some(details) = std::error::Error::source(&fault) {
                tracing::error!(table = %opened.full_name, %details, "a change feed was not read");
            }
            EngineError::Past { label: opened.full_name.clone(), why: fault.to_string() }
        })?;
        let closed = Closed::of(opened, &feed.schema, &scope.rights, Privilege::Select).opening(&FEED_COLUMNS);
        if scope.reads_raw(opened)? {
            self.note(opened, Some(last), &[]).await;
            return Ok((Arc::new(feed.raw.clone()), closed));
        }
        // The columns of the feed itself are nobody's.
        self.require_known_columns(opened, &newest)?;
        let known = Opened { unknown_columns: None, ..opened.clone() };
        let spec = self.govern(&known, &feed, &scope.guarding(opened.securable.id)?).await?;
        let spec = in_sql_types(spec).map_err(|e| EngineError::from_planning(&e))?;
        self.note(opened, Some(last), &spec.policy_ids).await;
        Ok((self.governed(spec, &closed), closed))
    }

    /// The metadata that the changes of a version start from. Files of that version may be gone.
    async fn metadata_before(&self, opened: &Opened, newest: &OpenTable, first: u64) -> Result<Metadata, EngineError> {
        let location = location(opened)?;
        let before = first.saturating_sub(1);
        require_version(location.path(), before, newest.version).map_err(|error| past(opened, error))?;
        let fault = |fault| EngineError::Open { label: opened.full_name.clone(), fault };
        let stored = open_table(location.path(), Some(before), &self.system).await.map_err(fault)?;
        Metadata::of(&stored.table).map_err(EngineError::internal)
    }

    /// The versions of a range, both ends included.
    fn range(
        &self,
        opened: &Opened,
        newest: &OpenTable,
        from: &sql::Expr,
        to: Option<&sql::Expr>,
    ) -> Result<(u64, u64), EngineError> {
        let folder = location(opened)?;
        let first = match self.point(from)? {
            Point::Version(version) => version,
            Point::Time(ms) => version_from(folder.path(), newest.version, ms).map_err(|error| past(opened, error))?,
        };
        let last = match to.map(|to| self.point(to)).transpose()? {
            None => newest.version,
            Some(Point::Version(version)) => version,
            Some(Point::Time(ms)) => self.version_at(opened, newest, ms)?,
        };
        for version in [first, last] {
            require_version(folder.path(), version, newest.version).map_err(|error| past(opened, error))?;
        }
        if first > last {
            return Err(EngineError::out_of_range(format!(
                "the changes end at version {last}, before they start at {first}"
            )));
        }
        Ok((first, last))
    }

    /// The version of a time, which has come.
    fn version_at(&self, opened: &Opened, newest: &OpenTable, ms: i64) -> Result<u64, EngineError> {
        let now = self.user.execution_props().query_execution_start_time;
        if now.is_none_or(|now| ms > now.timestamp_millis()) {
            return Err(EngineError::out_of_range(format!("{} is yet to come", times::shown(ms))));
        }
        version_at(location(opened)?.path(), newest.version, ms).map_err(|error| past(opened, error))
    }

    fn point(&self, expr: &sql::Expr) -> Result<Point, EngineError> {
        match whole_number(expr) {
            Some(version) => Ok(Point::Version(version)),
            None => self.time(expr).map(Point::Time),
        }
    }

    /// The milliseconds of a constant time.
    fn time(&self, expr: &sql::Expr) -> Result<i64, EngineError> {
        let unfit = || {
            EngineError::invalid(
                "the time of a version is a constant: a text such as '2026-01-31 12:00:00', a TIMESTAMP or DATE, or what is reckoned from these",
            )
        };
        let value = self.constant(expr)?.ok_or_else(unfit)?;
        if let Some(text) = value.try_as_str() {
            return times::milliseconds(text.ok_or_else(unfit)?);
        }
        if !matches!(value.data_type(), DataType::Date32 | DataType::Date64 | DataType::Timestamp(..)) {
            return Err(unfit());
        }
        match value.cast_to(&DataType::Timestamp(TimeUnit::Millisecond, None)) {
            Ok(ScalarValue::TimestampMillisecond(Some(ms), _)) => Ok(ms),
            _ => Err(unfit()),
        }
    }

    /// The value of an expression that names no column and no table; none when it has none before rows are read.
    fn constant(&self, expr: &sql::Expr) -> Result<Option<ScalarValue>, EngineError> {
        if !QueryRefs::of_expr(expr).tables.is_empty() {
            return Ok(None);
        }
        let sources = Sources::new(&self.user);
        let schema = DFSchema::empty();
        let planner = SqlToRel::new_with_options(&sources, parser_options());
        let planned = planner.sql_to_expr(expr.clone(), &schema, &mut PlannerContext::new());
        let planned = planned.map_err(|e| EngineError::from_planning(&e))?;
        let context = SimplifyContext::builder()
            .with_config_options(Arc::clone(self.user.config_options()))
            .with_query_execution_start_time(self.user.execution_props().query_execution_start_time)
            .build();
        let simplifier = ExprSimplifier::new(context);
        let simple = simplifier.coerce(planned, &schema).and_then(|expr| simplifier.simplify(expr));
        match simple.map_err(|e| EngineError::from_planning(&e))? {
            Expr::Literal(value, _) => Ok(Some(value)),
            _ => Ok(None),
        }
    }
}

fn location(opened: &Opened) -> Result<Location, EngineError> {
    let table = opened.securable.as_table().ok_or_else(|| EngineError::internal("not a table"))?;
    Ok(Location::of_table(table)?)
}

fn past(opened: &Opened, error: PastError) -> EngineError {
    if let PastError::Unreadable(details) = &error {
        tracing::error!(table = %opened.full_name, %details, "the log of a table was not read");
    }
    EngineError::Past { label: opened.full_name.clone(), why: error.to_string() }
}

fn no_version() -> EngineError {
    EngineError::invalid("a version is a whole number: VERSION AS OF 5")
}

fn whole_number(expr: &sql::Expr) -> Option<u64> {
    match expr {
        sql::Expr::Value(value) => match &value.value {
            sql::Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// The feed's own columns in the types of SQL.
fn in_sql_types(spec: GovernedSpec) -> datafusion::error::Result<GovernedSpec> {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let types = HashMap::from([("_commit_version", DataType::Int64), ("_commit_timestamp", utc)]);
    let column = |column: datafusion::common::Column| match types.get(column.name.as_str()) {
        Some(wanted) => cast(Expr::Column(column.clone()), wanted.clone()).alias(column.name),
        None => Expr::Column(column),
    };
    let columns: Vec<Expr> = spec.plan.schema().columns().into_iter().map(column).collect();
    let mut spec = spec;
    spec.plan = LogicalPlanBuilder::from(spec.plan).project(columns)?.build()?;
    spec.pass_through.retain(|name| !types.contains_key(name.as_str()));
    Ok(spec)
}
