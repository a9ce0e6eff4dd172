//! Closed columns behind the planner's back: plans that it would have refused reach the scan here.

use std::collections::BTreeSet;
use std::sync::Arc;

use rstest::rstest;

use super::fixture::{COLUMNS, Desk, Lake, bob, catalog};

/// Bob's statement on `employees` with `salary` and `ssn` closed; the row filter and the mask of `name` read them.
async fn desk(lake: &Lake) -> Desk {
    let mut sessions = lake.workshop.sessions(&bob()).unwrap();
    let masks = [("name", "left(name, 1) || right(ssn, 1)")];
    let table = lake.governed(&sessions, Some("salary < 400"), &masks, COLUMNS).await.unwrap();
    let closed = BTreeSet::from([4, 5]);
    sessions.caller.register_catalog_list(catalog(vec![("employees", Arc::new(table.closing(closed)))]));
    Desk { sessions, faults: Arc::clone(&lake.faults) }
}

#[rstest]
#[case::shown("SELECT salary FROM employees")]
#[case::all("SELECT * FROM employees")]
#[case::counted("SELECT count(ssn) FROM employees")]
#[case::compared("SELECT id FROM employees WHERE ssn = 'CANARY-0001'")]
#[case::within("SELECT id FROM employees WHERE salary IS NULL")]
#[case::sorted("SELECT id FROM employees ORDER BY salary LIMIT 1")]
#[case::grouped("SELECT count(*) FROM employees GROUP BY ssn")]
#[case::joined("SELECT a.id FROM employees a JOIN employees b ON a.ssn = b.ssn")]
#[case::bound("SELECT a.id FROM employees a JOIN employees b ON a.id = b.id AND a.salary > b.salary")]
#[case::correlated("SELECT id FROM employees a WHERE EXISTS (SELECT 1 FROM employees b WHERE b.id = a.salary)")]
#[case::listed("SELECT id FROM employees WHERE id IN (SELECT salary FROM employees)")]
#[case::windowed("SELECT id, rank() OVER (ORDER BY salary) FROM employees")]
#[case::explained("EXPLAIN SELECT salary FROM employees")]
#[tokio::test]
async fn a_scan_that_is_asked_for_a_closed_column_is_refused(#[case] sql: &str) {
    let lake = Lake::new().await;
    let desk = desk(&lake).await;
    let told = match desk.ask(sql).await {
        // EXPLAIN shows the error in place of the plan.
        Ok(text) if sql.starts_with("EXPLAIN") && !text.contains("GovernedScan") => text,
        other => other.unwrap_err(),
    };
    assert!(told.contains("hr.core.employees") && !told.contains("CANARY"), "{told}");
    let recorded = desk.faults.0.lock().join("\n");
    assert!(recorded.contains("closed column"), "{recorded}");
}

#[rstest]
#[case("SELECT count(*) FROM employees", 3)]
#[case("SELECT sum(id) FROM employees WHERE region = 'EU'", 6)]
#[case("SELECT count(*) FROM employees WHERE name = 'n1'", 1)]
#[case("SELECT count(*) FROM employees a JOIN employees b USING (id)", 3)]
#[tokio::test]
async fn the_open_columns_and_the_policies_are_as_without_it(#[case] sql: &str, #[case] expected: i64) {
    let lake = Lake::new().await;
    assert_eq!(desk(&lake).await.number(sql).await, expected, "{sql}");
}
