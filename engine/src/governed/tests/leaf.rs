//! What the leaf tells the physical rules, and what they may hand it.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, Fields, Schema};
use datafusion::common::stats::Precision;
use datafusion::datasource::MemTable;
use datafusion::functions::core::expr_fn::{get_field, named_struct};
use datafusion::logical_expr::lit;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, Partitioning, collect, displayable};
use rstest::rstest;

use super::fixture::{Desk, Lake, MASKS, bob, catalog};
use super::metadata::{accepted, scans};
use crate::governed::policy::guarded_column;
use crate::governed::{GovernedTable, RawTable, TablePolicy, govern_table};

const EU: Option<&str> = Some("region = 'EU'");

#[rstest]
#[case::semi_join("SELECT id FROM employees WHERE id IN (SELECT 4 UNION ALL SELECT 14)", 1)]
#[case::one_key_masked(
    "SELECT e.id FROM (VALUES (4, 'XXX-0004')) v(x, y) JOIN employees e ON e.id = v.x AND e.ssn = v.y",
    0
)]
#[case::greatest_of_an_open_column("SELECT max(id) FROM employees", 1)]
#[case::greatest_of_a_masked_column("SELECT max(ssn) FROM employees", 0)]
#[case::greatest_of_an_expression("SELECT max(100 / (id - 13)) FROM employees", 0)]
#[case::top_of_two_one_masked("SELECT id FROM employees ORDER BY id, ssn LIMIT 2", 0)]
#[case::below_a_projection("SELECT x FROM (SELECT id + 0 x FROM employees) ORDER BY x LIMIT 2", 0)]
#[tokio::test]
async fn run_time_filters_are_taken_with_bare_open_columns_only(#[case] sql: &str, #[case] wanted: usize) {
    let lake = Lake::new().await;
    let desk = lake.desk(EU, MASKS).await.unwrap();
    let plan = desk.plan(sql).await.unwrap();
    assert_eq!(accepted(&plan), wanted, "{}", displayable(plan.as_ref()).indent(false));
    desk.ask(sql).await.unwrap();
}

/// The policy makes `region` a constant and files are sorted by nothing that the caller could see: neither is told.
#[tokio::test]
async fn the_leaf_tells_no_order_no_constant_and_no_partitioning() {
    let lake = Lake::new().await;
    let desk = lake.desk(EU, MASKS).await.unwrap();
    let plan = desk.plan("SELECT id, region, ssn FROM employees").await.unwrap();
    let scan = &scans(&plan)[0];
    let hidden = scan.downcast_ref::<crate::governed::GovernedScanExec>().unwrap().governed_plan();
    let constant = |plan: &Arc<dyn ExecutionPlan>| !plan.equivalence_properties().constants().is_empty();
    assert!(constant(hidden) && !constant(scan));
    assert_eq!(scan.equivalence_properties().eq_group().len(), 0);
    assert!(scan.output_ordering().is_none());
    assert!(matches!(scan.output_partitioning(), Partitioning::UnknownPartitioning(_)));
    // So a sort stays a sort, and a group by the constant stays one.
    let sorted = desk.plan("SELECT id FROM employees ORDER BY region, id").await.unwrap();
    let text = displayable(sorted.as_ref()).indent(false).to_string();
    assert!(text.contains("SortExec") && text.contains("region"), "{text}");
}

/// A column that the row filter leaves one value of has that value for everybody to count, not for a rule to know.
#[tokio::test]
async fn ranges_that_the_policy_implies_are_not_told() {
    let lake = Lake::new().await;
    let desk = lake.desk(Some("region = 'EU' AND salary < 700"), &[]).await.unwrap();
    for sql in [
        "SELECT id, salary FROM employees WHERE salary >= 700",
        "SELECT id FROM employees WHERE region = 'US'",
        "SELECT id FROM employees WHERE region IS NULL",
    ] {
        let plan = desk.plan(sql).await.unwrap();
        assert_eq!(scans(&plan).len(), 1, "an empty plan would tell the policy: {sql}");
        assert_eq!(desk.number(&format!("SELECT count(*) FROM ({sql})")).await, 0);
    }
}

#[rstest]
#[case::filtered(EU, MASKS, Precision::Absent)]
#[case::masked(None, MASKS, Precision::Exact(15))]
#[tokio::test]
async fn statistics_shown_by_explain_are_those_of_the_visible(
    #[case] filter: Option<&str>,
    #[case] masks: &[(&str, &str)],
    #[case] rows: Precision<usize>,
) {
    let lake = Lake::new().await;
    let mut desk = lake.desk(filter, masks).await.unwrap();
    // No statement of a caller can set this; it must not matter.
    desk.sessions.caller.config_mut().options_mut().explain.show_statistics = true;
    let sql = "SELECT id, ssn, salary FROM employees WHERE id > 3";
    let plan = desk.plan("SELECT id, ssn, salary FROM employees").await.unwrap();
    let told = StatisticsContext::new().compute(scans(&plan)[0].as_ref(), &StatisticsArgs::new()).unwrap();
    assert_eq!(told.num_rows, rows);
    for column in &told.column_statistics[1..] {
        assert_eq!((&column.min_value, &column.max_value), (&Precision::Absent, &Precision::Absent));
        assert_eq!((&column.null_count, &column.distinct_count), (&Precision::Absent, &Precision::Absent));
    }
    let text = desk.text(&format!("EXPLAIN VERBOSE {sql}")).await;
    assert!(!text.contains("CANARY") && !text.contains("9876540"), "{text}");
    assert_eq!(text.contains("Rows=Inexact(") || text.contains("Rows=Exact("), filter.is_none(), "{text}");
}

#[rstest]
#[case::short("EXPLAIN ANALYZE")]
#[case::long("EXPLAIN ANALYZE VERBOSE")]
#[tokio::test]
async fn metrics_count_visible_rows_and_no_work_on_files(#[case] explain: &str) {
    let lake = Lake::new().await;
    let desk = lake.desk(EU, MASKS).await.unwrap();
    let sql = "SELECT id, ssn FROM employees WHERE name <> 'n3' ORDER BY id LIMIT 20";
    let text = desk.text(&format!("{explain} {sql}")).await;
    let scan = text.lines().find(|line| line.contains("GovernedScan")).unwrap();
    let told: HashSet<_> =
        scan.split(['[', ',', ' ']).filter_map(|part| part.split_once('=')).map(|(name, _)| name).collect();
    assert_eq!(told, HashSet::from(["policies", "metrics", "output_rows"]), "{scan}");
    for work in
        ["bytes_scanned", "files", "row_groups", "pruned", "pushdown", "page_index", "selectivity", "scan_efficiency"]
    {
        let told = text.lines().any(|line| line.contains("GovernedScan") && line.contains(work));
        assert!(!told && !text.contains("DataSource"), "{work} in {text}");
    }
    // The hidden plan has them.
    let plan = desk.plan(sql).await.unwrap();
    collect(Arc::clone(&plan), desk.sessions.caller.task_ctx()).await.unwrap();
    let hidden = scans(&plan)[0].downcast_ref::<crate::governed::GovernedScanExec>().unwrap().governed_plan().clone();
    let hidden = datafusion::physical_plan::display::DisplayableExecutionPlan::with_metrics(hidden.as_ref());
    assert!(hidden.indent(false).to_string().contains("bytes_scanned"));
}

fn people() -> RecordBatch {
    let texts = |of: [&str; 3]| Arc::new(StringArray::from(of.to_vec())) as ArrayRef;
    let fields =
        Fields::from(vec![Field::new("city", DataType::Utf8, true), Field::new("street", DataType::Utf8, true)]);
    let home = StructArray::new(
        fields,
        vec![texts(["Ulm", "Bonn", "CANARY_CITY"]), texts(["CANARY_1", "CANARY_2", "CANARY_3"])],
        None,
    );
    let schema =
        Schema::new(vec![Field::new("id", DataType::Int64, true), Field::new("home", home.data_type().clone(), true)]);
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    RecordBatch::try_new(Arc::new(schema), vec![ids, Arc::new(home)]).unwrap()
}

/// Rules push a field of a struct down to the scan; a field of a masked struct is one of the mask.
#[rstest]
#[case("SELECT home['street'] FROM people", 2)]
#[case("SELECT home['street'] FROM people WHERE home['street'] = '***'", 2)]
#[case("SELECT id FROM people WHERE home['street'] LIKE 'CANARY%'", 0)]
#[case("SELECT home['city'], count(*) FROM people GROUP BY home['city'] HAVING home['city'] > 'C'", 1)]
#[case("SELECT p.home['street'], q.home['city'] FROM people p JOIN people q ON p.home['city'] = q.home['city']", 2)]
#[case("SELECT max(home['street']), min(home['city']) FROM people", 1)]
#[case("SELECT id FROM people ORDER BY home['street'], home['city'] LIMIT 5", 2)]
#[tokio::test]
async fn a_field_of_a_masked_struct_is_one_of_the_mask(#[case] sql: &str, #[case] rows: usize) {
    let lake = Lake::new().await;
    let mut sessions = lake.workshop.sessions(&bob()).unwrap();
    sessions.caller.config_mut().options_mut().optimizer.enable_leaf_expression_pushdown = true;
    let raw = RawTable::new(Arc::new(MemTable::try_new(people().schema(), vec![vec![people()]]).unwrap()));
    let city = get_field(guarded_column("home"), "city");
    let policy = TablePolicy {
        label: "hr.core.people".into(),
        policy_ids: vec![],
        row_filter: Some(guarded_column("id").lt(lit(3_i64))),
        masks: vec![("home".into(), named_struct(vec![lit("city"), city, lit("street"), lit("***")]))],
        visible: vec!["id".into(), "home".into()],
    };
    let spec = govern_table(&raw, policy, &sessions.system).unwrap();
    let table = GovernedTable::new(spec, Arc::clone(&sessions.system), Arc::clone(&lake.faults) as _);
    sessions.caller.register_catalog_list(catalog(vec![("people", Arc::new(table))]));
    let desk = Desk { sessions, faults: Arc::clone(&lake.faults) };
    let text = desk.text(sql).await;
    assert!(!text.contains("CANARY"), "{text}");
    let found: usize = desk.rows(sql).await.unwrap().iter().map(RecordBatch::num_rows).sum();
    assert_eq!(found, rows, "{text}");
    assert!(desk.faults.0.lock().is_empty());
}

#[tokio::test]
async fn a_recursive_query_reads_the_rows_of_every_round() {
    let lake = Lake::new().await;
    let filter = "region IN (SELECT region FROM grants WHERE user_name = current_user())";
    let desk = lake.desk(Some(filter), MASKS).await.unwrap();
    let sql = "WITH RECURSIVE up(id) AS (SELECT CAST(12 AS BIGINT) UNION ALL SELECT e.manager_id FROM up JOIN employees e \
               ON e.id = up.id WHERE e.manager_id IS NOT NULL) SELECT count(*) FROM up";
    assert_eq!(desk.number(sql).await, 4);
}
