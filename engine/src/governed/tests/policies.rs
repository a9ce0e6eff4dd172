//! Policies of difficult shapes: what they hide, and what happens when one can't be applied.

use std::sync::Arc;

use arrow::datatypes::DataType;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType, col, lit};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use rstest::rstest;

use super::fixture::{COLUMNS, Lake, MASKS, bob, catalog};
use crate::governed::policy::{guarded_column, guarded_schema};
use crate::governed::{GovernedTable, RawTable, ScanFault, TablePolicy, govern_table, govern_view};

#[rstest]
#[case::never("1 / 0 = 1", None)]
#[case::null("NULL", Some(0))]
#[case::false_("FALSE", Some(0))]
#[case::true_("TRUE", Some(15))]
#[case::unknown("CAST(NULL AS BOOLEAN)", Some(0))]
#[case::not_in_null("pnum NOT IN (2, NULL)", Some(0))]
#[case::partition_equality("(region = 'EU') = (pnum = 1)", Some(4))]
#[case::is_null_of_comparison("(pnum > 1) IS NULL", Some(3))]
#[case::and_null("id > 3 AND NULL", Some(0))]
#[case::mixed("region = 'EU' AND (pnum > 1) IS NULL", Some(3))]
#[case::group("is_account_group_member('analysts')", Some(15))]
#[case::no_group("is_account_group_member('admins')", Some(0))]
#[case::unknown_group_of_row("is_member(name)", Some(0))]
#[case::group_or("is_member('admins') OR region = 'EU'", Some(12))]
#[case::group_or_true("is_member('ANALYSTS') OR region = 'EU'", Some(15))]
#[case::not_in_lookup("region NOT IN (SELECT region FROM grants WHERE user_name = 'bob')", Some(2))]
#[case::not_exists("NOT EXISTS (SELECT 1 FROM grants g WHERE g.region = __guarded.region)", Some(1))]
#[case::self_read("id < (SELECT avg(id) FROM __guarded)", Some(7))]
#[tokio::test]
async fn row_filters_hide_what_sql_says(#[case] filter: &str, #[case] visible: Option<i64>) {
    let lake = Lake::new().await;
    let desk = lake.desk(Some(filter), MASKS).await.unwrap();
    match visible {
        Some(rows) => {
            assert_eq!(desk.number("SELECT count(*) FROM employees").await, rows);
            let all = desk.rows("SELECT * FROM employees").await.unwrap();
            assert_eq!(all.iter().map(|batch| batch.num_rows() as i64).sum::<i64>(), rows);
            let some = desk.rows("SELECT id, ssn FROM employees WHERE id > 0").await.unwrap();
            assert_eq!(some.iter().map(|batch| batch.num_rows() as i64).sum::<i64>(), rows);
        }
        None => assert!(desk.ask("SELECT * FROM employees").await.is_err()),
    }
}

#[rstest]
#[case::row_filter(Some("10 / (id - 7) > -100"), &[])]
#[case::mask(None, &[("salary", "CAST(notes AS BIGINT)")])]
#[case::cast(Some("CAST(notes AS INT) > 0"), &[])]
#[tokio::test]
async fn a_failing_policy_fails_the_query_and_says_nothing_of_why(
    #[case] filter: Option<&str>,
    #[case] masks: &[(&str, &str)],
) {
    let lake = Lake::new().await;
    let desk = lake.desk(filter, masks).await.unwrap();
    let error = desk.rows("SELECT * FROM employees").await.unwrap_err();
    let fault = ScanFault::find(&error).unwrap();
    assert_eq!(fault.label, "hr.core.employees");
    assert!(!error.to_string().contains("CANARY") && !error.to_string().to_lowercase().contains("zero"), "{error}");
    let log = desk.faults.0.lock();
    // Partitions fail each for itself; the caller gets the reference of one of them.
    assert!(log.iter().any(|entry| entry.contains("CANARY") || entry.to_lowercase().contains("zero")), "{log:?}");
}

#[rstest]
#[case::no_boolean(Some("id + 1"), &[])]
#[case::other_mask_type(None, &[("ssn", "id")])]
#[case::narrower_mask(None, &[("pnum", "id")])]
#[case::unknown_mask_column(None, &[("gone", "'x'")])]
#[case::two_masks(None, &[("ssn", "'x'"), ("ssn", "'y'")])]
#[case::aggregate_mask(None, &[("id", "max(id)")])]
#[tokio::test]
async fn a_policy_that_does_not_fit_is_refused(#[case] filter: Option<&str>, #[case] masks: &[(&str, &str)]) {
    let lake = Lake::new().await;
    let built = lake.desk(filter, masks).await;
    assert!(built.is_err());
}

#[tokio::test]
async fn masks_may_look_up_and_keep_the_type_of_their_column() {
    let lake = Lake::new().await;
    let masks = &[
        ("name", "(SELECT max(g.user_name) FROM grants g WHERE g.region = __guarded.region)"),
        ("ssn", "CASE WHEN is_member('admins') THEN ssn ELSE '***' END"),
        ("salary", "CASE WHEN region = 'EU' THEN salary END"),
    ];
    let desk = lake.desk(None, masks).await.unwrap();
    assert_eq!(desk.number("SELECT count(DISTINCT name) FROM employees").await, 2);
    assert_eq!(desk.number("SELECT count(*) FROM employees WHERE ssn = '***'").await, 15);
    assert_eq!(desk.number("SELECT count(salary) FROM employees").await, 11);
    let said = desk.text("SELECT * FROM employees WHERE region <> 'EU' OR region IS NULL").await;
    assert!(!said.contains("CANARY_NAME") && !said.contains("CANARY_SSN") && !said.contains("987654"), "{said}");
    let raw = lake.open("employees", &desk.sessions.system).await.schema;
    let shown = desk.rows("SELECT ssn, salary FROM employees LIMIT 1").await.unwrap()[0].schema();
    assert_eq!(shown.field(0).data_type(), raw.field_with_name("ssn").unwrap().data_type());
    assert_eq!(shown.field(1).data_type(), &DataType::Int64);
}

/// A storage provider that claims to have applied everything.
#[derive(Debug)]
struct Boastful(Arc<dyn TableProvider>);

#[async_trait]
impl TableProvider for Boastful {
    fn schema(&self) -> arrow::datatypes::SchemaRef {
        self.0.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Exact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.0.scan(session, projection, &[], None).await
    }
}

#[tokio::test]
async fn storage_that_claims_to_have_filtered_is_not_believed() {
    let lake = Lake::new().await;
    let mut sessions = lake.workshop.sessions(&bob()).unwrap();
    let stored: Arc<dyn TableProvider> = Arc::new(lake.open("employees", &sessions.system).await.raw);
    let raw = RawTable::new(Arc::new(Boastful(stored)));
    let policy = TablePolicy {
        label: "hr.core.employees".into(),
        policy_ids: vec![],
        row_filter: Some(guarded_column("region").eq(lit("EU"))),
        masks: vec![],
        visible: COLUMNS.iter().map(|name| (*name).to_owned()).collect(),
    };
    let spec = govern_table(&raw, policy, &sessions.system).unwrap();
    let table = GovernedTable::new(spec, Arc::clone(&sessions.system), Arc::clone(&lake.faults) as _);
    sessions.caller.register_catalog_list(catalog(vec![("employees", Arc::new(table))]));
    let desk = super::fixture::Desk { sessions, faults: Arc::clone(&lake.faults) };
    assert_eq!(desk.number("SELECT count(*) FROM employees").await, 12);
    assert_eq!(desk.number("SELECT count(*) FROM employees WHERE id > 10").await, 2);
}

#[tokio::test]
async fn a_plan_that_lost_its_row_filter_is_refused() {
    let lake = Lake::new().await;
    let mut sessions = lake.workshop.sessions(&bob()).unwrap();
    let raw = lake.open("employees", &sessions.system).await.raw;
    let policy = |row_filter| TablePolicy {
        label: "hr.core.employees".into(),
        policy_ids: vec![],
        row_filter,
        masks: vec![],
        visible: COLUMNS.iter().map(|name| (*name).to_owned()).collect(),
    };
    let mut spec = govern_table(&raw, policy(Some(guarded_column("region").eq(lit("EU")))), &sessions.system).unwrap();
    spec.plan = govern_table(&raw, policy(None), &sessions.system).unwrap().plan;
    let table = GovernedTable::new(spec, Arc::clone(&sessions.system), Arc::clone(&lake.faults) as _);
    sessions.caller.register_catalog_list(catalog(vec![("employees", Arc::new(table))]));
    let desk = super::fixture::Desk { sessions, faults: Arc::clone(&lake.faults) };
    assert!(desk.ask("SELECT id FROM employees").await.is_err());
    assert!(desk.faults.0.lock()[0].contains("not on every path"), "{:?}", desk.faults.0.lock());
}

#[tokio::test]
async fn a_view_is_a_barrier_over_governed_tables() {
    let lake = Lake::new().await;
    let mut sessions = lake.workshop.sessions(&bob()).unwrap();
    let base = lake.governed(&sessions, None, MASKS, COLUMNS).await.unwrap();
    let mut planner = sessions.system.as_ref().clone();
    planner.register_catalog_list(catalog(vec![("employees", Arc::new(base))]));
    let body = "SELECT e.id, e.name, e.notes, upper(e.region) AS region, e.ssn FROM employees e WHERE region = 'EU'";
    let body = planner.create_logical_plan(body).await.unwrap();
    let spec = govern_view("hr.core.europeans".into(), vec![], body);
    let mut open: Vec<_> = spec.pass_through.iter().map(String::as_str).collect();
    open.sort_unstable();
    assert_eq!(open, ["id", "name", "notes", "ssn"]);
    let view = GovernedTable::new(spec, Arc::clone(&sessions.system), Arc::clone(&lake.faults) as _);
    sessions.caller.register_catalog_list(catalog(vec![("europeans", Arc::new(view))]));
    let desk = super::fixture::Desk { sessions, faults: Arc::clone(&lake.faults) };
    assert_eq!(desk.number("SELECT count(*) FROM europeans").await, 12);
    assert_eq!(desk.number("SELECT count(*) FROM europeans WHERE id > 10").await, 2);
    assert_eq!(desk.number("SELECT sum(CAST(notes AS BIGINT)) FROM europeans").await, 720);
    assert_eq!(
        desk.ask("SELECT id FROM europeans WHERE CAST(notes AS INT) > 110").await.unwrap().matches("12").count(),
        1
    );
    assert_eq!(desk.number("SELECT count(*) FROM europeans WHERE ssn LIKE 'XXX%' AND region = 'EU'").await, 11);
    let leaf = desk.plan("SELECT id FROM europeans").await.unwrap();
    let stats = StatisticsContext::new().compute(leaf.as_ref(), &StatisticsArgs::new()).unwrap();
    assert_eq!(stats.num_rows, Precision::Absent);
    let text = desk.text("EXPLAIN VERBOSE SELECT * FROM europeans WHERE id > 3").await;
    assert!(!text.contains("hr.core.employees") && !text.contains("'EU'") && !text.contains("upper"), "{text}");
}

#[tokio::test]
async fn functions_are_inlined_below_subqueries_too() {
    use crate::governed::inline::{Parameters, inline};
    let lake = Lake::new().await;
    let mut sessions = lake.workshop.sessions(&bob()).unwrap();
    let open = lake.open("employees", &sessions.system).await;
    let grants = lake.open("grants", &sessions.system).await.raw;
    let params = Parameters::new(0, vec![("r".to_owned(), DataType::Utf8), ("least".to_owned(), DataType::Int64)]);
    let body =
        "least < 0 OR EXISTS (SELECT 1 FROM grants g WHERE g.region = upper(r) AND g.user_name = current_user())";
    let mut planner = sessions.system.as_ref().clone();
    let empty = datafusion::datasource::empty::EmptyTable::new(Arc::new(params.schema().unwrap().as_arrow().clone()));
    planner.register_catalog_list(catalog(vec![("__parameters0", Arc::new(empty)), ("grants", Arc::new(grants))]));
    let plan = planner.create_logical_plan(&format!("SELECT {body} AS answer FROM __parameters0")).await.unwrap();
    let body = plan.expressions().remove(0).unalias();
    let scope = guarded_schema(&open.schema).unwrap();
    let args = vec![guarded_column("region"), guarded_column("pnum")];
    let filter = inline(body.clone(), &params, args, &scope).unwrap();
    let said = filter.to_string();
    assert!(!said.contains("__parameters"), "{said}");
    assert!(inline(body.clone(), &params, vec![lit("EU")], &scope).is_err());
    assert!(inline(col("unknown"), &params, vec![lit("EU"), lit(1_i64)], &scope).is_err());
    let constant = inline(body, &params, vec![lit("US"), lit(1_i64)], &scope).unwrap();
    for (filter, rows) in [(filter, 12), (constant, 0)] {
        let policy = TablePolicy {
            label: "hr.core.employees".into(),
            policy_ids: vec![],
            row_filter: Some(filter),
            masks: vec![],
            visible: COLUMNS.iter().map(|name| (*name).to_owned()).collect(),
        };
        let spec = govern_table(&open.raw, policy, &sessions.system).unwrap();
        let table = GovernedTable::new(spec, Arc::clone(&sessions.system), Arc::clone(&lake.faults) as _);
        sessions.caller.register_catalog_list(catalog(vec![("employees", Arc::new(table))]));
        let desk = super::fixture::Desk { sessions: sessions.clone(), faults: Arc::clone(&lake.faults) };
        assert_eq!(desk.number("SELECT count(*) FROM employees").await, rows);
    }
}
