//! What a predicate of the caller spares: as many files and row groups as without the engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::SessionStateBuilder;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::SessionConfig;
use deltalake::parquet::file::properties::WriterProperties;
use deltalake::protocol::SaveMode;
use rstest::rstest;

use super::fixture::{Desk, Lake, catalog};
use super::metadata::scans;
use crate::governed::policy::{GUARDED, guarded_column};
use crate::governed::tests::fixture::bob;
use crate::governed::{GovernedScanExec, GovernedTable, TablePolicy, govern_table};

const FILES: i64 = 6;
const ROWS_PER_FILE: i64 = 400;
const ROWS_PER_GROUP: usize = 100;

/// Rows 0 to 399 are in the first file, and so on.
async fn events(lake: &Lake) {
    let mut delta = lake.create("events").await;
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(ROWS_PER_GROUP)).build();
    for file in 0..FILES {
        let ids = || file * ROWS_PER_FILE..(file + 1) * ROWS_PER_FILE;
        let numbers: ArrayRef = Arc::new(ids().collect::<Int64Array>());
        let days: ArrayRef = Arc::new(Date32Array::from_iter_values(ids().map(|id| i32::try_from(id / 10).unwrap())));
        let names: ArrayRef = Arc::new(ids().map(|id| Some(format!("n{id:06}"))).collect::<StringArray>());
        let level: ArrayRef = Arc::new(ids().map(|id| Some(id as f64)).collect::<Float64Array>());
        let batch = RecordBatch::try_from_iter([("id", numbers), ("day", days), ("name", names), ("level", level)]);
        let write = delta.write(vec![batch.unwrap()]).with_save_mode(SaveMode::Append);
        delta = write.with_writer_properties(properties.clone()).await.unwrap();
    }
}

/// Files that were listed to read, and what the reader says that it read.
#[derive(Debug, PartialEq, Eq)]
struct Work {
    files: usize,
    read: BTreeMap<String, usize>,
}

fn work(plan: &Arc<dyn ExecutionPlan>) -> Work {
    let mut work = Work { files: 0, read: BTreeMap::new() };
    plan.apply(|node| {
        if let Some(source) = node.downcast_ref::<DataSourceExec>()
            && let Some(scan) = source.data_source().downcast_ref::<FileScanConfig>()
        {
            let mut paths: Vec<_> =
                scan.file_groups.iter().flat_map(|group| group.iter().map(|file| file.path().clone())).collect();
            paths.sort();
            paths.dedup();
            work.files += paths.len();
            let metrics = source.metrics().unwrap();
            for name in ["bytes_scanned", "row_groups_pruned_statistics", "files_ranges_pruned_statistics"] {
                let told = metrics.sum_by_name(name).map(|value| value.as_usize()).unwrap_or_default();
                work.read.insert(name.to_owned(), told);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .unwrap();
    work
}

/// The work of plain DataFusion over deltalake's own provider.
async fn bare(lake: &Lake, sql: &str) -> Work {
    let system = lake.workshop.sessions(&bob()).unwrap().system;
    let table = lake.open("events", &system).await.table;
    let config = SessionConfig::new().with_target_partitions(2);
    let mut state = SessionStateBuilder::new().with_default_features().with_config(config).build();
    table.update_datafusion_session(&state).unwrap();
    state.register_catalog_list(catalog(vec![("events", table.table_provider().await.unwrap())]));
    let plan = state.create_logical_plan(sql).await.unwrap();
    let plan = state.create_physical_plan(&plan).await.unwrap();
    collect(Arc::clone(&plan), state.task_ctx()).await.unwrap();
    work(&plan)
}

async fn desk(lake: &Lake, filter: Option<&str>, masked: bool, strict: bool) -> Desk {
    let mut sessions = lake.workshop.sessions(&bob()).unwrap();
    let raw = lake.open("events", &sessions.system).await.raw;
    let mut state = sessions.system.as_ref().clone();
    state.register_catalog_list(catalog(vec![(GUARDED, Arc::new(raw.clone()))]));
    let row_filter = match filter {
        Some(sql) => {
            let plan = state.create_logical_plan(&format!("SELECT {sql} AS answer FROM {GUARDED}")).await.unwrap();
            Some(plan.expressions().remove(0).unalias())
        }
        None => None,
    };
    let policy = TablePolicy {
        label: "hr.core.events".into(),
        policy_ids: vec!["hr.core.p".into()],
        row_filter,
        masks: if masked {
            vec![("name".into(), datafusion::functions::expr_fn::reverse(guarded_column("name")))]
        } else {
            vec![]
        },
        visible: ["id", "day", "name", "level"].map(str::to_owned).into(),
    };
    let mut spec = govern_table(&raw, policy, &sessions.system).unwrap();
    spec.strict = strict;
    let table = GovernedTable::new(spec, Arc::clone(&sessions.system), Arc::clone(&lake.faults) as _);
    sessions.caller.register_catalog_list(catalog(vec![("events", Arc::new(table))]));
    Desk { sessions, faults: Arc::clone(&lake.faults) }
}

async fn governed(desk: &Desk, sql: &str) -> (Work, usize) {
    let plan = desk.plan(sql).await.unwrap();
    let rows = collect(Arc::clone(&plan), desk.sessions.caller.task_ctx()).await.unwrap();
    let hidden = Arc::clone(scans(&plan)[0].downcast_ref::<GovernedScanExec>().unwrap().governed_plan());
    (work(&hidden), rows.iter().map(RecordBatch::num_rows).sum())
}

#[rstest]
#[case::one_row("SELECT id, name FROM events WHERE id = 777", 1)]
#[case::a_range("SELECT id, name FROM events WHERE id BETWEEN 790 AND 830", 41)]
#[case::the_end("SELECT id, name FROM events WHERE id >= 2350", 50)]
#[case::a_list("SELECT id, name FROM events WHERE id IN (3, 1900)", 2)]
#[case::two_ranges("SELECT id, name FROM events WHERE id < 10 OR id > 2390", 19)]
#[case::a_day("SELECT id, day, name FROM events WHERE day = DATE '1970-03-01'", 10)]
#[case::nothing("SELECT id, name FROM events WHERE id > 100000", 0)]
#[case::one_of_two("SELECT id, name FROM events WHERE id > 2300 AND name LIKE 'n%'", 99)]
#[case::in_a_join("SELECT e.id, e.name FROM events e JOIN (VALUES (5), (2100)) v(x) ON e.id = v.x", 2)]
#[tokio::test]
async fn a_selective_predicate_spares_as_much_as_without_the_engine(
    #[case] sql: &str,
    #[case] rows: usize,
    #[values((None, false), (None, true), (Some("reverse(name) <> 'x'"), false), (Some("reverse(name) <> 'x'"), true))]
    policy: (Option<&str>, bool),
) {
    let lake = Lake::new().await;
    events(&lake).await;
    let expected = bare(&lake, sql).await;
    let (filter, masked) = policy;
    let (found, shown) = governed(&desk(&lake, filter, masked, false).await, sql).await;
    // A predicate on what is masked stays above.
    if !(masked && sql.contains("LIKE")) {
        assert_eq!(shown, rows, "{sql}");
        assert_eq!(found, expected, "{sql}");
    }
}

/// With the option that gives this up, what is read does not depend on what is asked.
#[tokio::test]
async fn a_strict_table_is_read_whole_whatever_is_asked() {
    let lake = Lake::new().await;
    events(&lake).await;
    let desk = desk(&lake, Some("reverse(name) <> 'x'"), false, true).await;
    for (sql, rows) in [
        ("SELECT id, name FROM events WHERE id = 777", 1),
        ("SELECT id, name FROM events WHERE id > 100000", 0),
        ("SELECT id, name FROM events", 2400),
        ("SELECT id, name FROM events WHERE id IN (SELECT 5 UNION ALL SELECT 6)", 2),
        ("SELECT id, name FROM events ORDER BY id DESC LIMIT 3", 3),
    ] {
        let (found, shown) = governed(&desk, sql).await;
        assert_eq!((found.files, shown), (6, rows), "{sql}");
        assert_eq!(found.read["row_groups_pruned_statistics"], 0, "{sql}");
    }
}
