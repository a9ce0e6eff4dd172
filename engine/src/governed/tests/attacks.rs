//! Hostile queries. Whatever they are, the answer is what a plain table of the visible, masked rows would give, and no text of an answer or an
//! error holds a canary.

use datafusion::physical_plan::collect;
use rstest::rstest;

use super::fixture::{Lake, MASKS, oracle, sorted};

/// Row filters of different makes that show the same rows to bob.
const FILTERS: &[&str] = &[
    "region = 'EU'",
    "lower(region) = 'eu'",
    "region IN (SELECT region FROM grants WHERE user_name = current_user())",
    "EXISTS (SELECT 1 FROM grants g WHERE g.region = __guarded.region AND g.user_name = current_user())",
    "region = (SELECT max(region) FROM grants WHERE user_name = current_user())",
    "(region = 'EU') = (pnum IS NULL OR pnum >= 0)",
    "is_account_group_member('Analysts') AND region = 'EU'",
    "CASE WHEN is_member('admins') THEN TRUE ELSE region = 'EU' END",
    "region = 'EU' AND (pnum > 1) IS NOT TRUE OR region = 'EU' AND pnum > 1",
];

const QUERIES: &[&str] = &[
    "SELECT * FROM employees",
    "SELECT count(*) FROM employees",
    "SELECT count(salary), count(ssn), count(notes), min(salary), max(ssn), min(notes) FROM employees",
    // Errors that quote values.
    "SELECT id FROM employees WHERE CAST(notes AS INT) > 0",
    "SELECT id FROM employees WHERE CASE WHEN region = 'EU' THEN CAST(notes AS INT) ELSE 0 END > 0",
    "SELECT id FROM employees WHERE region = 'EU' AND CAST(notes AS INT) > 15",
    "SELECT sum(CAST(notes AS INT)) FROM employees",
    "SELECT to_timestamp(notes) FROM employees WHERE notes LIKE 'CANARY%'",
    "SELECT id FROM employees WHERE 10 / (id - 13) > 100",
    "SELECT id FROM employees WHERE 10 / (id - 14) < 5",
    "SELECT id FROM employees WHERE chr(13 - id) IS NOT NULL AND id < 13",
    "SELECT id FROM employees WHERE CAST(notes AS INT) IN (SELECT CAST(notes AS INT) FROM employees WHERE id < 4)",
    "SELECT id FROM employees e WHERE EXISTS (SELECT 1 FROM employees f WHERE CAST(f.notes AS INT) = CAST(e.notes AS INT) + 10)",
    "SELECT id, rank() OVER (PARTITION BY CAST(notes AS INT) % 20 ORDER BY id) FROM employees",
    "SELECT * FROM (SELECT id, notes, row_number() OVER (PARTITION BY notes ORDER BY id) n FROM employees) WHERE CAST(notes AS INT) > 50",
    "SELECT u FROM (SELECT unnest(make_array(CAST(notes AS INT), id)) u FROM employees) ORDER BY u",
    "SELECT id FROM employees WHERE CAST(ssn AS INT) > 0",
    // Predicates on masked columns must see the mask.
    "SELECT id FROM employees WHERE ssn > 'A'",
    "SELECT id FROM employees WHERE ssn < 'D'",
    "SELECT id FROM employees WHERE ssn LIKE 'CANARY%'",
    "SELECT id FROM employees WHERE ssn = 'CANARY-0003'",
    "SELECT id FROM employees WHERE ssn = 'XXX-0003'",
    "SELECT id FROM employees WHERE ssn IN ('CANARY-0003', 'XXX-0002')",
    "SELECT id FROM employees WHERE salary IS NULL",
    "SELECT id FROM employees WHERE salary = 300",
    "SELECT id FROM employees WHERE salary > 0 OR id = 2",
    "SELECT id FROM employees WHERE salary BETWEEN 0 AND 987654999",
    "SELECT id FROM (SELECT id, CAST(NULL AS BIGINT) AS salary FROM employees) WHERE salary > 1",
    "SELECT id, ssn FROM employees ORDER BY ssn DESC NULLS LAST LIMIT 3",
    "SELECT id FROM employees ORDER BY ssn NULLS LAST, id LIMIT 2",
    // Predicates whose pushdown storage gets wrong.
    "SELECT id FROM employees WHERE pnum NOT IN (2, NULL)",
    "SELECT id FROM employees WHERE pnum IN (2, NULL)",
    "SELECT id FROM employees WHERE (region = 'EU') = (pnum = 1)",
    "SELECT id FROM employees WHERE (pnum > 1) IS NULL",
    "SELECT id FROM employees WHERE id > 3 AND NULL",
    "SELECT id FROM employees WHERE NOT (region = 'US')",
    "SELECT id FROM employees WHERE region IS NULL",
    "SELECT id FROM employees WHERE region <> 'EU'",
    // Ordinary work.
    "SELECT id FROM employees WHERE id = 14",
    "SELECT id FROM employees WHERE id IN (3, 13, 14, 15) AND name LIKE '%3'",
    "SELECT region, count(*) FROM employees GROUP BY region",
    "SELECT DISTINCT region, pnum FROM employees",
    "SELECT id FROM employees ORDER BY id DESC LIMIT 2",
    "SELECT id FROM employees WHERE id > 5 ORDER BY id LIMIT 3 OFFSET 1",
    "SELECT e.id, m.name FROM employees e JOIN employees m ON e.manager_id = m.id",
    "SELECT e.id, m.ssn FROM employees e LEFT JOIN employees m ON e.ssn = m.ssn",
    "SELECT e.id FROM (VALUES (4), (13), (14)) v(x) JOIN employees e ON e.id = v.x",
    "SELECT e.id FROM (VALUES (40), (130)) v(x) JOIN employees e ON CAST(e.notes AS INT) = v.x",
    "SELECT e.id FROM employees e WHERE e.id NOT IN (SELECT manager_id FROM employees WHERE manager_id IS NOT NULL)",
    "SELECT count(*) FROM employees a CROSS JOIN employees b",
    "SELECT id FROM employees UNION SELECT manager_id FROM employees",
    "SELECT id FROM employees INTERSECT SELECT CAST(notes AS BIGINT) FROM employees",
    "WITH RECURSIVE up(id, depth) AS (SELECT 12, 0 UNION ALL SELECT e.manager_id, up.depth + 1 FROM up JOIN employees e ON e.id = up.id \
     WHERE e.manager_id IS NOT NULL) SELECT * FROM up",
    "WITH RECURSIVE down(id) AS (SELECT id FROM employees WHERE manager_id IS NULL UNION ALL SELECT e.id FROM employees e JOIN down d ON \
     e.manager_id = d.id) SELECT count(*) FROM down",
    "SELECT current_user(), session_user(), is_member('analysts'), is_member('ADMINS'), is_member(NULL) FROM employees LIMIT 1",
];

#[rstest]
#[tokio::test]
async fn answers_are_those_of_a_table_of_the_visible_rows(
    #[values(0, 1, 2, 3, 4, 5, 6, 7, 8)] filter: usize,
    #[values(1, 4)] partitions: usize,
) {
    let lake = Lake::with_limits(crate::runtime::Limits { threads: partitions, ..Default::default() }).await;
    let mut desk = lake.desk(Some(FILTERS[filter]), MASKS).await.unwrap();
    let mut oracle = oracle(&desk.sessions.caller);
    for sql in QUERIES {
        desk.sessions.caller.mark_start_execution();
        oracle.mark_start_execution();
        let plan = oracle.create_logical_plan(sql).await.unwrap();
        let expected = match oracle.create_physical_plan(&plan).await {
            Ok(plan) => collect(plan, oracle.task_ctx()).await.map(|batches| sorted(&batches)),
            Err(error) => Err(error),
        };
        let found = desk.ask(sql).await;
        let said = format!("{expected:?} {found:?}");
        assert!(!said.contains("CANARY_"), "{} leaks under {}: {said}", sql, FILTERS[filter]);
        match (expected, found) {
            (Ok(expected), found) => assert_eq!(found, Ok(expected), "{sql} under {}", FILTERS[filter]),
            (Err(_), found) => assert!(found.is_err(), "{sql} under {}: {found:?}", FILTERS[filter]),
        }
    }
    assert_eq!(*desk.faults.0.lock(), Vec::<String>::new(), "no fault below the seal");
}
