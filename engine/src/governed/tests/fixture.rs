//! A small lake: `employees`, partitioned by `region` and `pnum`, and `grants`, which says who may see which region.
//!
//! Ids 1 to 12 are in region EU; 13 to 15 are not, and their texts hold CANARY. Notes of visible rows are numbers.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::util::pretty::pretty_format_batches;
use datafusion::catalog::memory::{MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider};
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_plan::{ExecutionPlan, collect};
use deltalake::DeltaTable;
use deltalake::protocol::SaveMode;
use parking_lot::Mutex;
use tempfile::TempDir;
use url::Url;

use crate::delta::{OpenTable, open_table};
use crate::functions::Identity;
use crate::governed::policy::GUARDED;
use crate::governed::{FaultLog, GovernedTable, TablePolicy, govern_table};
use crate::runtime::{Limits, Sessions, Workshop, require_governed_leaves};

pub(crate) const COLUMNS: &[&str] = &["id", "name", "region", "pnum", "salary", "ssn", "notes", "manager_id"];
pub(crate) const MASKS: &[(&str, &str)] = &[("ssn", "'XXX-' || right(ssn, 4)"), ("salary", "CAST(NULL AS BIGINT)")];

/// Keeps what was hidden from the caller.
#[derive(Debug, Default)]
pub(crate) struct Faults(pub(crate) Mutex<Vec<String>>);

impl FaultLog for Faults {
    fn record(&self, label: &str, error: &DataFusionError) -> String {
        let mut log = self.0.lock();
        log.push(format!("{label}: {error}"));
        format!("r{}", log.len())
    }
}

pub(crate) struct Lake {
    directory: TempDir,
    pub(crate) workshop: Workshop,
    pub(crate) faults: Arc<Faults>,
}

/// A statement's sessions with `employees` in the caller's catalog.
pub(crate) struct Desk {
    pub(crate) sessions: Sessions,
    pub(crate) faults: Arc<Faults>,
}

impl Lake {
    pub(crate) async fn new() -> Self {
        Self::with_limits(Limits { threads: 2, ..Limits::default() }).await
    }

    pub(crate) async fn with_limits(limits: Limits) -> Self {
        let lake = Self {
            directory: tempfile::tempdir().unwrap(),
            workshop: Workshop::new(limits).unwrap(),
            faults: Arc::default(),
        };
        lake.write("employees", employees(), &["region", "pnum"]).await;
        lake.write("grants", grants(), &[]).await;
        lake
    }

    pub(crate) fn path(&self, table: &str) -> PathBuf {
        self.directory.path().join(table)
    }

    /// A table to write to.
    pub(crate) async fn create(&self, table: &str) -> DeltaTable {
        let path = self.path(table);
        std::fs::create_dir_all(&path).unwrap();
        DeltaTable::try_from_url(Url::from_directory_path(&path).unwrap()).await.unwrap()
    }

    pub(crate) async fn write(&self, table: &str, batch: RecordBatch, partitions: &[&str]) {
        let delta = self.create(table).await;
        delta
            .write(vec![batch])
            .with_partition_columns(partitions.to_vec())
            .with_save_mode(SaveMode::Append)
            .await
            .unwrap();
    }

    pub(crate) async fn open(&self, table: &str, system: &SessionState) -> OpenTable {
        open_table(&self.path(table), None, system).await.unwrap()
    }

    /// Bob's statement on `employees` under a row filter and masks, all given as SQL over its columns.
    pub(crate) async fn desk(&self, filter: Option<&str>, masks: &[(&str, &str)]) -> Result<Desk> {
        self.desk_showing(filter, masks, COLUMNS).await
    }

    pub(crate) async fn desk_showing(
        &self,
        filter: Option<&str>,
        masks: &[(&str, &str)],
        show: &[&str],
    ) -> Result<Desk> {
        let mut sessions = self.workshop.sessions(&bob()).unwrap();
        // These files are tiny; read them in parts as large ones would be.
        for state in [Arc::get_mut(&mut sessions.system).unwrap(), &mut sessions.caller] {
            state.config_mut().options_mut().optimizer.repartition_file_min_size = 0;
        }
        let table = self.governed(&sessions, filter, masks, show).await?;
        sessions.caller.register_catalog_list(catalog(vec![("employees", Arc::new(table))]));
        Ok(Desk { sessions, faults: Arc::clone(&self.faults) })
    }

    pub(crate) async fn governed(
        &self,
        sessions: &Sessions,
        filter: Option<&str>,
        masks: &[(&str, &str)],
        show: &[&str],
    ) -> Result<GovernedTable> {
        let raw = self.open("employees", &sessions.system).await.raw;
        let mut planned = Vec::new();
        for (column, sql) in masks {
            planned.push(((*column).to_owned(), self.planned(sql, &sessions.system).await?));
        }
        let row_filter = match filter {
            Some(sql) => Some(self.planned(sql, &sessions.system).await?),
            None => None,
        };
        let policy = TablePolicy {
            label: "hr.core.employees".into(),
            policy_ids: filter.map(|_| "hr.core.by_region".to_owned()).into_iter().collect(),
            row_filter,
            masks: planned,
            visible: show.iter().map(|name| (*name).to_owned()).collect(),
        };
        let spec = govern_table(&raw, policy, &sessions.system)?;
        Ok(GovernedTable::new(spec, Arc::clone(&sessions.system), Arc::clone(&self.faults) as _))
    }

    /// An expression of a policy, with `grants` to look up in.
    async fn planned(&self, sql: &str, system: &SessionState) -> Result<Expr> {
        let employees = self.open("employees", system).await.raw;
        let grants = self.open("grants", system).await.raw;
        let mut state = system.clone();
        state.register_catalog_list(catalog(vec![(GUARDED, Arc::new(employees)), ("grants", Arc::new(grants))]));
        let plan = state.create_logical_plan(&format!("SELECT {sql} AS answer FROM {GUARDED}")).await?;
        match plan {
            LogicalPlan::Projection(projection) => match projection.expr.first() {
                Some(Expr::Alias(alias)) => Ok((*alias.expr).clone()),
                Some(other) => Ok(other.clone()),
                None => panic!("a projection has an expression"),
            },
            other => panic!("not a projection: {other}"),
        }
    }
}

impl Desk {
    pub(crate) async fn plan(&self, sql: &str) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = self.sessions.caller.create_logical_plan(sql).await?;
        let plan = self.sessions.caller.create_physical_plan(&plan).await?;
        require_governed_leaves(&plan)?;
        Ok(plan)
    }

    pub(crate) async fn rows(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        let plan = self.plan(sql).await?;
        collect(plan, self.sessions.caller.task_ctx()).await
    }

    /// The result as text with sorted lines, or the error as text.
    pub(crate) async fn ask(&self, sql: &str) -> std::result::Result<String, String> {
        self.rows(sql).await.map(|batches| sorted(&batches)).map_err(|error| error.to_string())
    }

    /// The result as text in its own order.
    pub(crate) async fn text(&self, sql: &str) -> String {
        pretty_format_batches(&self.rows(sql).await.unwrap()).unwrap().to_string()
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let batches = self.rows(sql).await.unwrap();
        let batch = batches.iter().find(|batch| batch.num_rows() > 0).unwrap();
        batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap().value(0)
    }
}

pub(crate) fn bob() -> Identity {
    let groups = HashSet::from(["analysts".to_owned()]);
    Identity {
        user_name: "bob".into(),
        groups: Arc::new(groups),
        catalog: Some("hr".into()),
        schema: Some("core".into()),
        ..Identity::nobody()
    }
}

pub(crate) fn catalog(tables: Vec<(&str, Arc<dyn TableProvider>)>) -> Arc<dyn CatalogProviderList> {
    let schema = MemorySchemaProvider::new();
    for (name, table) in tables {
        schema.register_table(name.to_owned(), table).unwrap();
    }
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema("public", Arc::new(schema)).unwrap();
    let list = MemoryCatalogProviderList::new();
    list.register_catalog("datafusion".to_owned(), Arc::new(catalog));
    Arc::new(list)
}

/// A plain table of the visible rows with the same functions and options as the caller's.
pub(crate) fn oracle(caller: &SessionState) -> SessionState {
    let batch = visible_employees();
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
    let mut state = SessionStateBuilder::new_from_existing(caller.clone()).build();
    state.register_catalog_list(catalog(vec![("employees", Arc::new(table))]));
    state
}

pub(crate) fn sorted(batches: &[RecordBatch]) -> String {
    let full: Vec<_> = batches.iter().filter(|batch| batch.num_rows() > 0).cloned().collect();
    let text = pretty_format_batches(&full).unwrap().to_string();
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

fn region(id: i64) -> Option<&'static str> {
    match id {
        15 => None,
        13 | 14 => Some("US"),
        _ => Some("EU"),
    }
}

fn hidden(id: i64) -> bool {
    id > 12
}

/// `employees` as stored.
pub(crate) fn employees() -> RecordBatch {
    batch((1..=15).collect(), false)
}

/// What bob may see of it under any of the row filters and [`MASKS`].
pub(crate) fn visible_employees() -> RecordBatch {
    batch((1..=12).collect(), true)
}

fn batch(ids: Vec<i64>, masked: bool) -> RecordBatch {
    let each = |of: &dyn Fn(i64) -> Option<String>| {
        Arc::new(ids.iter().map(|id| of(*id)).collect::<StringArray>()) as ArrayRef
    };
    let numbers =
        |of: &dyn Fn(i64) -> Option<i64>| Arc::new(ids.iter().map(|id| of(*id)).collect::<Int64Array>()) as ArrayRef;
    let ssn =
        |id: i64| (id != 5).then(|| if hidden(id) { format!("CANARY_SSN_{id:04}") } else { format!("CANARY-{id:04}") });
    let shown = |id: i64| ssn(id).map(|ssn| if masked { format!("XXX-{id:04}") } else { ssn });
    RecordBatch::try_from_iter_with_nullable(vec![
        ("id", numbers(&Some), true),
        ("name", each(&|id| Some(if hidden(id) { format!("CANARY_NAME_{id}") } else { format!("n{id}") })), true),
        ("region", each(&|id| region(id).map(str::to_owned)), true),
        ("pnum", Arc::new(ids.iter().map(|id| (id % 4 != 0).then(|| (id % 3) as i32)).collect::<Int32Array>()), true),
        (
            "salary",
            numbers(&|id| {
                if masked { None } else { (id != 4).then(|| if hidden(id) { 987_654_000 + id } else { id * 100 }) }
            }),
            true,
        ),
        ("ssn", each(&shown), true),
        (
            "notes",
            each(&|id| (id != 6).then(|| if hidden(id) { format!("CANARY_NOTE_{id}") } else { (id * 10).to_string() })),
            true,
        ),
        ("manager_id", numbers(&|id| (id > 1).then_some(id / 2)), true),
    ])
    .unwrap()
}

fn grants() -> RecordBatch {
    let users: ArrayRef = Arc::new(StringArray::from(vec!["bob", "alice", "alice"]));
    let regions: ArrayRef = Arc::new(StringArray::from(vec!["EU", "US", "EU"]));
    RecordBatch::try_from_iter_with_nullable(vec![("user_name", users, true), ("region", regions, true)]).unwrap()
}
