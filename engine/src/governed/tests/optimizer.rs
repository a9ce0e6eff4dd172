//! One rule of the optimizer after another against the barrier.
//!
//! Each statement is asked twice: of the governed table, and of the same row filter and masks as a plain view, where the rules may do what
//! they do. The view shows that the rule would cross; the governed table shows that it does not, and answers what a table of the
//! visible rows answers. The mark stands in every predicate, so that it can be looked for below the row filter.

use std::sync::Arc;

use datafusion::datasource::ViewTable;
use datafusion::execution::SessionState;
use datafusion::physical_plan::{ExecutionPlan, collect, displayable};

use super::fixture::{Desk, Lake, MASKS, catalog, oracle, sorted};
use super::metadata::inner;

const MARK: &str = "424242";
/// No file can be skipped by it.
const ROWS: &str = "lower(region) = 'eu'";

/// What the view of the same rows and masks lets happen.
#[derive(Debug, PartialEq, Eq)]
enum Naively {
    /// The caller's expression is evaluated with, or below, the row filter.
    Crosses,
    /// It does, and an error quotes a hidden value.
    Tells,
    /// Neither: the rule doesn't show what it is here for.
    Holds,
}
use Naively::{Crosses, Holds, Tells};

const RULES: &[(&str, Naively, &str)] = &[
    ("a projection of masks", Crosses, "SELECT id FROM employees WHERE ssn LIKE '%424242'"),
    ("no projection to pass", Tells, "SELECT id FROM employees WHERE CAST(notes AS INT) <> 424242"),
    ("reordered conjuncts", Tells, "SELECT id FROM employees WHERE id % 2 < 424242 AND CAST(notes AS INT) < 424242"),
    ("AND that was to guard", Tells, "SELECT id FROM employees WHERE name LIKE '%n%' AND CAST(notes AS INT) < 424242"),
    (
        "CASE that was to guard",
        Tells,
        "SELECT id FROM employees WHERE CASE WHEN id > 0 THEN CAST(notes AS INT) END < 424242",
    ),
    (
        "an inner join",
        Tells,
        "SELECT e.id FROM (VALUES (4), (13)) v(x) JOIN employees e ON e.id = v.x WHERE CAST(e.notes AS INT) < 424242",
    ),
    (
        "a join condition on one side",
        Tells,
        "SELECT e.id FROM (VALUES (4), (13)) v(x) LEFT JOIN employees e ON e.id = v.x AND CAST(e.notes AS INT) < 424242",
    ),
    (
        "a semi join",
        Tells,
        "SELECT id FROM employees WHERE CAST(notes AS INT) < 424242 AND id IN (SELECT manager_id FROM employees)",
    ),
    (
        "a union",
        Tells,
        "SELECT id FROM (SELECT id, notes FROM employees UNION ALL SELECT id + 100, notes FROM employees) \
         WHERE CAST(notes AS INT) < 424242",
    ),
    (
        "a window, by its partitions",
        Tells,
        "SELECT id, n FROM (SELECT id, notes, row_number() OVER (PARTITION BY notes ORDER BY id) n FROM employees) \
         WHERE CAST(notes AS INT) < 424242",
    ),
    (
        "an aggregate, by its groups",
        Tells,
        "SELECT notes FROM (SELECT notes, count(*) FROM employees GROUP BY notes) WHERE CAST(notes AS INT) < 424242",
    ),
    ("DISTINCT", Tells, "SELECT notes FROM (SELECT DISTINCT notes FROM employees) WHERE CAST(notes AS INT) < 424242"),
    (
        "an alias and a CTE",
        Tells,
        "WITH a AS (SELECT notes AS b, id FROM employees x) SELECT id FROM a y WHERE CAST(b AS INT) < 424242",
    ),
    (
        "ORDER BY without a limit",
        Tells,
        "SELECT id FROM (SELECT id, notes FROM employees ORDER BY id) WHERE CAST(notes AS INT) < 424242",
    ),
    (
        "a predicate inferred from a join",
        Crosses,
        "SELECT e.id FROM employees e JOIN employees f ON e.ssn = f.ssn WHERE f.ssn = 'XXX-424242'",
    ),
    (
        "UnionsToFilter",
        Tells,
        "SELECT id FROM employees WHERE CAST(notes AS INT) < 424242 UNION SELECT id FROM employees WHERE ssn = '424242'",
    ),
    (
        "RewriteSetComparison",
        Tells,
        "SELECT id FROM employees WHERE notes <> ALL (SELECT '424242' FROM employees WHERE CAST(notes AS INT) > 424242)",
    ),
    (
        "a correlated subquery",
        Tells,
        "SELECT id FROM employees e WHERE EXISTS (SELECT 1 FROM employees f WHERE f.manager_id = e.id AND CAST(f.notes AS INT) < 424242)",
    ),
    (
        "HAVING on a group",
        Tells,
        "SELECT notes, count(*) FROM employees GROUP BY notes HAVING CAST(notes AS INT) < 424242",
    ),
    (
        "an outer join turned inner",
        Tells,
        "SELECT e.id FROM (VALUES (6), (7)) v(x) LEFT JOIN employees e ON e.manager_id = v.x WHERE CAST(e.notes AS INT) < 424242",
    ),
    ("a function that is folded", Crosses, "SELECT id FROM employees WHERE ssn < concat('424', '242')"),
];

/// The same rows and masks as a view: what a rewrite of the query gives.
pub(super) struct Naive {
    state: SessionState,
}

impl Naive {
    pub(super) async fn new(lake: &Lake, desk: &Desk, body: &str) -> Self {
        let mut state = desk.sessions.system.as_ref().clone();
        let stored = lake.open("employees", &state).await.raw;
        state.register_catalog_list(catalog(vec![("stored", Arc::new(stored))]));
        let body = state.create_logical_plan(body).await.unwrap();
        state.register_catalog_list(catalog(vec![("employees", Arc::new(ViewTable::new(body, None)))]));
        Self { state }
    }

    async fn plan(&self, sql: &str) -> Arc<dyn ExecutionPlan> {
        let plan = self.state.create_logical_plan(sql).await.unwrap();
        self.state.create_physical_plan(&plan).await.unwrap()
    }

    pub(super) async fn ask(&self, sql: &str) -> Result<String, String> {
        let rows = collect(self.plan(sql).await, self.state.task_ctx()).await;
        rows.map(|batches| sorted(&batches)).map_err(|error| error.to_string())
    }
}

fn view(filter: &str) -> String {
    format!(
        "SELECT id, name, region, pnum, CAST(NULL AS BIGINT) AS salary, 'XXX-' || right(ssn, 4) AS ssn, notes, manager_id \
         FROM stored WHERE {filter}"
    )
}

/// Whether the mark stands in the line of the row filter or in one below it.
fn crosses(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let text = displayable(plan.as_ref()).indent(true).to_string();
    text.lines().skip_while(|line| !line.contains("lower(")).any(|line| line.contains(MARK))
}

#[tokio::test]
async fn no_rule_moves_a_predicate_below_the_row_filter() {
    let lake = Lake::new().await;
    let mut desk = lake.desk(Some(ROWS), MASKS).await.unwrap();
    desk.sessions.caller.config_mut().options_mut().optimizer.enable_unions_to_filter = true;
    let naive = Naive::new(&lake, &desk, &view(ROWS)).await;
    let oracle = oracle(&desk.sessions.caller);
    for (rule, naively, sql) in RULES {
        let plan = desk.plan(sql).await.unwrap();
        let hidden = inner(&plan);
        assert!(!hidden.contains(MARK), "{rule}: {hidden}");
        let expected = collect(
            oracle.create_physical_plan(&oracle.create_logical_plan(sql).await.unwrap()).await.unwrap(),
            oracle.task_ctx(),
        );
        let expected = sorted(&expected.await.unwrap());
        assert_eq!(desk.ask(sql).await, Ok(expected), "{rule}");
        let told = naive.ask(sql).await.is_err_and(|error| error.contains("CANARY_NOTE"));
        let found = match (told, crosses(&naive.plan(sql).await)) {
            (true, _) => Tells,
            (false, true) => Crosses,
            (false, false) => Holds,
        };
        assert_eq!(
            &found,
            naively,
            "{rule} in the view:\n{}",
            displayable(naive.plan(sql).await.as_ref()).indent(true)
        );
    }
    assert_eq!(*desk.faults.0.lock(), Vec::<String>::new());
}

/// The caller writes what the policy writes. In one plan the common part is computed once, for all rows, hidden ones too.
#[tokio::test]
async fn a_common_subexpression_is_computed_on_either_side() {
    let policy = "length(concat(notes, 'x')) > 0 AND lower(region) = 'eu'";
    let sql =
        "SELECT id FROM employees WHERE length(concat(notes, 'x')) % 2 < 7 AND length(concat(notes, 'x')) < 424242";
    let lake = Lake::new().await;
    let desk = lake.desk(Some(policy), MASKS).await.unwrap();
    let naive = Naive::new(&lake, &desk, &view(policy)).await;
    let shared = displayable(naive.plan(sql).await.as_ref()).indent(true).to_string();
    let filter = shared.lines().position(|line| line.contains("lower(")).unwrap();
    assert!(shared.lines().skip(filter + 1).any(|line| line.contains("as __common_expr")), "{shared}");
    let hidden = inner(&desk.plan(sql).await.unwrap());
    assert!(!hidden.contains("__common_expr") && !hidden.contains(MARK), "{hidden}");
    assert_eq!(desk.number(&format!("SELECT count(*) FROM ({sql})")).await, 12);
    // And so for the expression of a mask, which is another thing above the seal than below it.
    let sql = "SELECT id, 'XXX-' || right(ssn, 4) AS twice FROM employees WHERE 'XXX-' || right(ssn, 4) = ssn";
    assert_eq!(desk.number(&format!("SELECT count(*) FROM ({sql})")).await, 11);
    assert!(!inner(&desk.plan(sql).await.unwrap()).contains("twice"));
}

#[tokio::test]
async fn a_limit_counts_visible_rows() {
    let lake = Lake::new().await;
    // The first file that is read holds hidden rows only for some order of the files, so all limits are tried.
    let desk = lake.desk(Some("lower(region) = 'eu'"), MASKS).await.unwrap();
    for limit in 0..=16_i64 {
        for offset in [0_i64, 3, 11, 12, 13] {
            let sql = format!("SELECT count(*) FROM (SELECT id, ssn FROM employees LIMIT {limit} OFFSET {offset})");
            assert_eq!(desk.number(&sql).await, limit.min(12 - offset.min(12)), "{sql}");
            let sql = format!(
                "SELECT count(*) FROM (SELECT id FROM employees WHERE id > 2 AND ssn <> 'XXX-0003' LIMIT {limit} OFFSET {offset})"
            );
            assert_eq!(desk.number(&sql).await, limit.min(8 - offset.min(8)), "{sql}");
        }
    }
    let first = desk.number("SELECT max(id) FROM (SELECT id FROM employees ORDER BY id DESC LIMIT 1)").await;
    assert_eq!(first, 12);
}

/// Without a row filter the leaf tells how many rows there are; nothing may be answered from what is stored of a masked column.
#[tokio::test]
async fn aggregates_of_masked_columns_are_not_answered_from_statistics() {
    let lake = Lake::new().await;
    let desk = lake.desk(None, MASKS).await.unwrap();
    for (sql, expected) in [
        ("SELECT count(salary) FROM employees", 0),
        ("SELECT count(*) FROM employees WHERE salary IS NULL", 15),
        ("SELECT coalesce(min(salary), -1) FROM employees", -1),
        ("SELECT coalesce(max(salary), -1) FROM employees", -1),
        ("SELECT count(*) FROM employees WHERE ssn > 'XXX'", 14),
        (
            "SELECT count(*) FROM (SELECT max(ssn) m, min(ssn) n FROM employees) WHERE m LIKE 'XXX%' AND n LIKE 'XXX%'",
            1,
        ),
        ("SELECT count(DISTINCT salary) FROM employees", 0),
    ] {
        assert_eq!(desk.number(sql).await, expected, "{sql}");
    }
    let filtered = lake.desk(Some(ROWS), &[]).await.unwrap();
    for (sql, expected) in [
        ("SELECT count(*) FROM employees", 12),
        ("SELECT count(salary) FROM employees", 11),
        ("SELECT max(id) FROM employees", 12),
        ("SELECT max(salary) FROM employees", 1200),
        ("SELECT min(manager_id) + count(id) FROM employees", 13),
    ] {
        assert_eq!(filtered.number(sql).await, expected, "{sql}");
        let plan = filtered.plan(sql).await.unwrap();
        assert!(displayable(plan.as_ref()).indent(false).to_string().contains("GovernedScan"), "{sql}");
    }
}
