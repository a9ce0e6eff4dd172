//! What plans, statistics and metrics tell, and what goes below the seal.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::TableProvider;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::MemTable;
use datafusion::execution::TaskContext;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::{cast, col, lit};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, collect, displayable};
use rstest::rstest;

use super::fixture::{COLUMNS, Desk, Lake, MASKS, bob, catalog};
use crate::governed::policy::guarded_column;
use crate::governed::{GovernedScanExec, GovernedTable, RawTable, TablePolicy, govern_table};

const EU: Option<&str> = Some("region = 'EU'");

/// The leaves of a caller's plan.
pub(super) fn scans(plan: &Arc<dyn ExecutionPlan>) -> Vec<Arc<dyn ExecutionPlan>> {
    let mut scans = Vec::new();
    plan.apply(|node| {
        if node.is::<GovernedScanExec>() {
            scans.push(Arc::clone(node));
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .unwrap();
    scans
}

pub(super) fn accepted(plan: &Arc<dyn ExecutionPlan>) -> usize {
    scans(plan)
        .iter()
        .filter_map(|scan| scan.downcast_ref::<GovernedScanExec>())
        .map(GovernedScanExec::accepted_filters)
        .sum()
}

pub(super) fn inner(plan: &Arc<dyn ExecutionPlan>) -> String {
    let scan = scans(plan).pop().unwrap();
    let hidden = scan.downcast_ref::<GovernedScanExec>().unwrap().governed_plan();
    displayable(hidden.as_ref()).indent(true).to_string()
}

async fn desk(lake: &Lake) -> Desk {
    lake.desk(EU, MASKS).await.unwrap()
}

#[rstest]
#[case::plain("EXPLAIN SELECT id, ssn FROM employees WHERE id > 3")]
#[case::verbose("EXPLAIN VERBOSE SELECT id, ssn FROM employees WHERE id > 3")]
#[case::tree("EXPLAIN FORMAT tree SELECT id, ssn FROM employees WHERE id > 3")]
#[case::analyze("EXPLAIN ANALYZE SELECT id, ssn FROM employees WHERE id > 3")]
#[case::analyze_verbose("EXPLAIN ANALYZE VERBOSE SELECT id, ssn FROM employees WHERE id > 3")]
#[tokio::test]
async fn explain_shows_the_relation_and_the_names_of_policies_only(#[case] sql: &str) {
    let lake = Lake::new().await;
    let text = desk(&lake).await.text(sql).await;
    assert!(text.contains("hr.core.employees"), "{text}");
    for secret in [
        "XXX",
        "'EU'",
        "= EU",
        "right(",
        ".parquet",
        "PolicyBarrier",
        "DeltaScan",
        "DataSource",
        "grants",
        "__guarded",
        "CANARY",
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    // 15 rows are stored, 12 are visible, 9 match.
    assert!(!text.contains("output_rows=15") && !text.contains("output_rows=14"), "{text}");
}

#[tokio::test]
async fn debug_of_plans_and_providers_shows_no_policy() {
    let lake = Lake::new().await;
    let desk = desk(&lake).await;
    let plan = desk.sessions.caller.create_logical_plan("SELECT ssn FROM employees").await.unwrap();
    let physical = desk.plan("SELECT ssn FROM employees WHERE id > 3").await.unwrap();
    let text = format!("{plan:?} {physical:?}");
    assert!(!text.contains("EU") && !text.contains("XXX") && !text.contains("parquet"), "{text}");
}

#[tokio::test]
async fn statistics_are_unknown_when_rows_are_hidden() {
    let lake = Lake::new().await;
    let plan = desk(&lake).await.plan("SELECT id, name FROM employees").await.unwrap();
    let stats = StatisticsContext::new().compute(scans(&plan)[0].as_ref(), &StatisticsArgs::new()).unwrap();
    assert_eq!((stats.num_rows, stats.total_byte_size), (Precision::Absent, Precision::Absent));
    assert!(stats.column_statistics.iter().all(|column| column.min_value == Precision::Absent));
}

#[tokio::test]
async fn statistics_of_a_masked_table_count_its_rows_and_tell_nothing_of_masked_columns() {
    let lake = Lake::new().await;
    let desk = lake.desk(None, MASKS).await.unwrap();
    let plan = desk.plan("SELECT id, ssn FROM employees").await.unwrap();
    let stats = StatisticsContext::new().compute(scans(&plan)[0].as_ref(), &StatisticsArgs::new()).unwrap();
    assert_eq!(stats.num_rows, Precision::Exact(15));
    assert_eq!(stats.total_byte_size, Precision::Absent);
    assert_eq!(stats.column_statistics[1].min_value, Precision::Absent);
    assert_eq!(stats.column_statistics[1].null_count, Precision::Absent);
}

#[tokio::test]
async fn count_of_an_ungoverned_table_reads_no_data() {
    let lake = Lake::new().await;
    let desk = lake.desk(None, &[]).await.unwrap();
    let plan = desk.plan("SELECT count(*) FROM employees").await.unwrap();
    assert!(scans(&plan).is_empty(), "{}", displayable(plan.as_ref()).indent(false));
    assert_eq!(desk.number("SELECT count(*) FROM employees").await, 15);
    assert_eq!(desk.number("SELECT count(*) FROM employees WHERE id > 5").await, 10);
    assert_eq!(desk.number("SELECT count(*) FROM (SELECT * FROM employees LIMIT 4)").await, 4);
}

#[rstest]
#[case::top_of_open_column("SELECT id FROM employees ORDER BY id DESC LIMIT 2", 1)]
#[case::top_of_masked_column("SELECT id FROM employees ORDER BY ssn LIMIT 2", 0)]
#[case::top_of_expression("SELECT id FROM employees ORDER BY id % 3 LIMIT 2", 0)]
#[case::join_on_open_column("SELECT e.name FROM (VALUES (4)) v(x) JOIN employees e ON e.id = v.x", 1)]
#[case::join_on_cast("SELECT e.name FROM (VALUES (4)) v(x) JOIN employees e ON CAST(e.notes AS BIGINT) = v.x", 0)]
#[case::join_on_division("SELECT e.name FROM (VALUES (4)) v(x) JOIN employees e ON 10 / (e.id - 13) = v.x", 0)]
#[case::join_on_masked_column("SELECT e.name FROM (VALUES ('a')) v(x) JOIN employees e ON e.ssn = v.x", 0)]
#[tokio::test]
async fn run_time_filters_go_below_on_bare_open_columns_only(#[case] sql: &str, #[case] wanted: usize) {
    let lake = Lake::new().await;
    let desk = desk(&lake).await;
    let plan = desk.plan(sql).await.unwrap();
    assert_eq!(accepted(&plan), wanted, "{}", displayable(plan.as_ref()).indent(false));
    desk.ask(sql).await.unwrap();
}

#[tokio::test]
async fn joins_fill_the_filters_that_went_below() {
    let lake = Lake::new().await;
    let desk = desk(&lake).await;
    let plan = desk.plan("SELECT e.name FROM (VALUES (4), (7)) v(x) JOIN employees e ON e.id = v.x").await.unwrap();
    collect(Arc::clone(&plan), desk.sessions.caller.task_ctx()).await.unwrap();
    let hidden = inner(&plan);
    assert!(hidden.contains("DynamicFilter [") && !hidden.contains("DynamicFilter [ empty ]"), "{hidden}");
}

#[tokio::test]
async fn a_limit_below_a_predicate_that_stays_above_is_not_applied() {
    let lake = Lake::new().await;
    let sessions = lake.workshop.sessions(&bob()).unwrap();
    let table = lake.governed(&sessions, EU, MASKS, COLUMNS).await.unwrap();
    let above = cast(col("notes"), DataType::Int64).gt(lit(110_i64));
    for (filter, rows) in [(above, 12), (col("id").gt(lit(10_i64)), 1)] {
        let plan = table.scan(&sessions.caller, None, &[filter], Some(1)).await.unwrap();
        let batches = collect(plan, sessions.caller.task_ctx()).await.unwrap();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), rows);
    }
}

#[tokio::test]
async fn open_predicates_skip_data_below_the_row_filter_and_others_stay_above() {
    let lake = Lake::new().await;
    let desk = desk(&lake).await;
    let plan = desk.plan("SELECT name FROM employees WHERE id = 3").await.unwrap();
    let hidden = inner(&plan);
    assert!(hidden.contains("predicate=") && hidden.contains("id@"), "{hidden}");
    let plan =
        desk.plan("SELECT name FROM employees WHERE ssn = 'CANARY-0003' AND CAST(notes AS INT) = 30").await.unwrap();
    let hidden = inner(&plan);
    assert!(!hidden.contains("CANARY") && !hidden.contains("CAST") && !hidden.contains("predicate=notes"), "{hidden}");
}

#[tokio::test]
async fn the_row_filter_skips_files_by_partition() {
    let lake = Lake::new().await;
    let hidden = inner(&desk(&lake).await.plan("SELECT name FROM employees").await.unwrap());
    assert!(!hidden.contains("region=US"), "{hidden}");
    let all = inner(&lake.desk(None, MASKS).await.unwrap().plan("SELECT name FROM employees").await.unwrap());
    assert!(all.contains("region=US"), "{all}");
}

#[tokio::test]
async fn predicates_of_the_caller_are_judged_after_the_row_filter() {
    let lake = Lake::new().await;
    let hidden = inner(&desk(&lake).await.plan("SELECT ssn FROM employees WHERE id > 3").await.unwrap());
    let lines: Vec<_> = hidden.lines().collect();
    let position = |what: &str| lines.iter().position(|line| line.contains(what));
    let (theirs, barrier) = (position("FilterExec: id@"), position("PolicyBarrierExec"));
    assert!(theirs.is_some() && theirs < barrier, "{hidden}");
    assert!(
        lines.iter().skip(barrier.unwrap()).any(|line| line.contains("FilterExec") && line.contains("EU")),
        "{hidden}"
    );
}

#[rstest]
#[case::as_stored(None, &[])]
#[case::masked(None, MASKS)]
#[case::filtered(EU, &[])]
#[tokio::test]
async fn one_large_file_is_read_in_parts(#[case] filter: Option<&str>, #[case] masks: &[(&str, &str)]) {
    let lake = Lake::with_limits(crate::runtime::Limits { threads: 2, batch_rows: 2, ..Default::default() }).await;
    let desk = lake.desk(filter, masks).await.unwrap();
    let plan = desk.plan("SELECT region, count(ssn) FROM employees GROUP BY region").await.unwrap();
    let partitions = scans(&plan)[0].output_partitioning().partition_count();
    assert_eq!(partitions, 2, "{}", inner(&plan));
    assert!(inner(&plan).contains("2 groups"), "{}", inner(&plan));
    let rows = desk.number("SELECT count(DISTINCT id) FROM employees").await;
    assert_eq!(rows, if filter.is_some() { 12 } else { 15 });
}

#[tokio::test]
async fn hidden_columns_do_not_exist() {
    let lake = Lake::new().await;
    let shown: Vec<_> = COLUMNS.iter().copied().filter(|name| !["salary", "ssn"].contains(name)).collect();
    let desk = lake.desk_showing(EU, &[], &shown).await.unwrap();
    assert!(!desk.text("SELECT * FROM employees LIMIT 1").await.contains("salary"));
    let said = desk.ask("SELECT salary FROM employees").await.unwrap_err();
    let hint = desk.ask("SELECT salari FROM employees").await.unwrap_err();
    assert!(!said.contains("ssn") && !hint.contains("salary"), "{said} {hint}");
}

#[tokio::test]
async fn schemas_carry_no_metadata_of_storage() {
    let lake = Lake::new().await;
    let mut sessions = lake.workshop.sessions(&bob()).unwrap();
    let secret = HashMap::from([("comment".to_owned(), "CANARY".to_owned())]);
    let inner = Field::new("x", DataType::Int64, true).with_metadata(secret.clone());
    let id = Field::new("id", DataType::Int64, true).with_metadata(secret.clone());
    let point = Field::new("point", DataType::Struct(vec![inner].into()), true).with_metadata(secret.clone());
    let schema = Arc::new(Schema::new_with_metadata(vec![id, point], secret));
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let DataType::Struct(fields) = schema.field(1).data_type().clone() else { panic!("a struct") };
    let points = StructArray::new(fields, vec![Arc::clone(&ids)], None);
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![ids, Arc::new(points)]).unwrap();
    let raw = RawTable::new(Arc::new(MemTable::try_new(schema, vec![vec![batch]]).unwrap()));
    for row_filter in [None, Some(guarded_column("id").gt(lit(1_i64)))] {
        let policy = TablePolicy {
            label: "hr.core.points".into(),
            policy_ids: vec![],
            row_filter,
            masks: vec![],
            visible: vec!["id".into(), "point".into()],
        };
        let spec = govern_table(&raw, policy, &sessions.system).unwrap();
        let table = GovernedTable::new(spec, Arc::clone(&sessions.system), Arc::clone(&lake.faults) as _);
        sessions.caller.register_catalog_list(catalog(vec![("points", Arc::new(table))]));
        let desk = Desk { sessions: sessions.clone(), faults: Arc::clone(&lake.faults) };
        for batch in desk.rows("SELECT * FROM points").await.unwrap() {
            assert!(!format!("{batch:?}").contains("CANARY"), "{batch:?}");
        }
        assert!(desk.text("SELECT point FROM points WHERE id = 2").await.contains("{x: 2}"));
    }
}

#[tokio::test]
async fn work_below_the_seal_is_charged_to_the_query() {
    let lake = Lake::new().await;
    let filter = "region IN (SELECT region FROM grants WHERE user_name = current_user())";
    let desk = lake.desk(Some(filter), &[]).await.unwrap();
    let plan = desk.plan("SELECT name FROM employees").await.unwrap();
    let small = RuntimeEnvBuilder::new().with_memory_limit(64, 1.0).build_arc().unwrap();
    let said = collect(plan, Arc::new(TaskContext::default().with_runtime(small))).await.unwrap_err().to_string();
    assert!(said.contains("needs more memory than one statement may use"), "{said}");
    assert!(!said.contains("HashJoin") && desk.faults.0.lock().is_empty(), "{said}");
}
