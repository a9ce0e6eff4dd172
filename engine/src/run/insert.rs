//! INSERT. It needs MODIFY on the columns that it fills. Whoever is bound by a row filter may only add rows that the filter
//! would show them, and may not overwrite: that would delete rows that they can't see.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::TableReference;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::ExecutionPlan;
use lakewarden_catalog::model::Privilege;
use lakewarden_catalog::ops::open::{BoundPolicy, Opened};
use sqlparser::ast::{Expr, Query, SetExpr, Value};

use super::Run;
use super::veil::veiled;
use crate::delta::{
    ColumnMatch, ExecProvider, Location, OpenTable, WriteError, WriteMode, conform, parse_sql_type, require_true,
    table_schema, write_as_judged,
};
use crate::error::EngineError;
use crate::governed::ScanFault;
use crate::governed::policy::GUARDED;
use crate::names;
use crate::planner::Closed;
use crate::statement::Insert;
use crate::stream::QueryStream;

impl Run {
    pub(super) async fn insert(&self, insert: Insert) -> Result<QueryStream, EngineError> {
        let name = names::object(&insert.table, &self.namespace)?;
        let target = self.pinned.open_to_modify(&name)?;
        if insert.overwrite && target.row_filter.is_some() {
            let message = format!("`{name}` has a row filter: rows that you may not see would be overwritten");
            return Err(EngineError::Refused(message));
        }
        let plan = self.planner.query(&insert.source.query, &self.scope()).await?;
        let stored = self.fillable(&target, &insert, &plan).await?;
        let veil = self.veil().await;
        let (_, source) = self.runtime.plan(&plan).await.map_err(|error| veiled(veil.as_ref(), error))?;
        let (input, matching) = match &target.row_filter {
            None => (source, matching(&insert)),
            Some(filter) => (self.checked(&target, filter, &stored, source, &insert).await?, ColumnMatch::Name),
        };
        let location = location_of(&target)?;
        let mode = if insert.overwrite { WriteMode::Overwrite } else { WriteMode::Append };
        let system = self.planner.system.clone();
        let written = write_as_judged(&location, &stored.table, mode, input, &matching, &system).await;
        let written = written.map_err(|error| veiled(veil.as_ref(), self.withheld(&target, error)))?;
        let details = vec![("version", written.version.to_string()), ("rows", written.rows.to_string())];
        let label = target.full_name.clone();
        self.change(move |metastore, caller| metastore.record_data_change(caller, "tables.insert", &label, &details))
            .await?;
        QueryStream::changed(written.rows)
    }

    /// The stored table, when the caller may write all columns that an INSERT fills. To overwrite is to write all.
    async fn fillable(
        &self,
        target: &Opened,
        insert: &Insert,
        plan: &LogicalPlan,
    ) -> Result<Arc<OpenTable>, EngineError> {
        let stored = self.planner.stored(target).await?;
        let filled: Option<Vec<String>> = match matching(insert) {
            _ if insert.overwrite => None,
            ColumnMatch::Position => None,
            ColumnMatch::Listed(columns) => Some(columns),
            ColumnMatch::Name => Some(plan.schema().fields().iter().map(|field| field.name().clone()).collect()),
        };
        let closed = Closed::of(target, &stored.schema, &self.pinned, Privilege::Modify);
        closed.refuse(Privilege::Modify, filled.as_deref())?;
        Ok(stored)
    }

    /// Parameters that stand alone in VALUES have the types of the columns that they go into.
    pub(super) async fn type_by_target(
        &self,
        insert: &Insert,
        plan: &LogicalPlan,
        parameters: &mut [Option<DataType>],
    ) -> Result<(), EngineError> {
        let target = self.pinned.open_to_modify(&names::object(&insert.table, &self.namespace)?)?;
        self.fillable(&target, insert, plan).await?;
        let columns = target.securable.as_table().map(|table| table.columns.as_slice()).unwrap_or_default();
        let listed = |name: &String| columns.iter().find(|c| c.name.eq_ignore_ascii_case(name));
        let into: Vec<_> = if insert.columns.is_empty() {
            columns.iter().map(Some).collect()
        } else {
            insert.columns.iter().map(listed).collect()
        };
        for (place, parameter) in parameters_in_values(&insert.source.query).into_iter().enumerate() {
            let (Some(at), Some(unknown)) = (parameter, parameters.get_mut(place)) else { continue };
            if let (None, Some(Some(column))) = (&unknown, into.get(at)) {
                *unknown = parse_sql_type(&column.type_text).ok();
            }
        }
        Ok(())
    }

    /// Under a row filter an error while computing rows may be the policy's, so that its text goes to the log.
    fn withheld(&self, target: &Opened, error: WriteError) -> EngineError {
        match error {
            WriteError::Input(details) if target.row_filter.is_some() && ScanFault::find(&details).is_none() => {
                let label = target.full_name.clone();
                let reference = self.planner.faults.record(&label, &details);
                EngineError::Governed(ScanFault { label, reference })
            }
            other => EngineError::from_writing(other),
        }
    }

    /// The rows in the table's own types, with the row filter judging each before it is written.
    async fn checked(
        &self,
        target: &Opened,
        filter: &BoundPolicy,
        stored: &OpenTable,
        source: Arc<dyn ExecutionPlan>,
        insert: &Insert,
    ) -> Result<Arc<dyn ExecutionPlan>, EngineError> {
        let schema = table_schema(&stored.table)?;
        let rows = conform(source, &schema, &matching(insert))?;
        let verdict = self.planner.row_filter(target, filter, stored, &self.scope()).await?;
        let provider = provider_as_source(Arc::new(ExecProvider::new(rows)));
        let planned = async {
            let scan = LogicalPlanBuilder::scan(TableReference::bare(GUARDED), provider, None)?;
            let judged = scan.filter(require_true(verdict))?.build()?;
            self.planner.system.create_physical_plan(&judged).await
        };
        // The verdict holds the policy's text, so that an error of planning it is not the caller's to read.
        planned.await.map_err(|error| {
            let reference = self.planner.faults.record(&target.full_name, &error);
            EngineError::Policy { label: target.full_name.clone(), policy: filter.label.clone(), reference }
        })
    }
}

/// For each `?` of a VALUES list, in order: its place in its row, when it stands alone there. Empty for any other query,
/// and when a `?` stands anywhere else.
fn parameters_in_values(query: &Query) -> Vec<Option<usize>> {
    let SetExpr::Values(values) = query.body.as_ref() else { return Vec::new() };
    let alone = |(at, value): (usize, &Expr)| match value {
        Expr::Value(value) if matches!(&value.value, Value::Placeholder(name) if name == "?") => Some(Some(at)),
        Expr::Value(_) => None,
        _ => Some(None),
    };
    let found: Vec<_> = values.rows.iter().flat_map(|row| row.content.iter().enumerate().filter_map(alone)).collect();
    if found.iter().all(Option::is_some) { found } else { Vec::new() }
}

fn matching(insert: &Insert) -> ColumnMatch {
    match (insert.by_name, insert.columns.is_empty()) {
        (true, _) => ColumnMatch::Name,
        (false, true) => ColumnMatch::Position,
        (false, false) => ColumnMatch::Listed(insert.columns.clone()),
    }
}

pub(super) fn location_of(target: &Opened) -> Result<Location, EngineError> {
    let table = target.securable.as_table().ok_or_else(|| EngineError::internal("not a table"))?;
    Ok(Location::of_table_to_write(table)?)
}
