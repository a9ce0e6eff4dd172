//! Random UPDATE, DELETE and MERGE by a caller whom a row filter and a mask bind, against queries that say what must come of them.
//!
//! What must come of a statement: the rows that are hidden from the caller as they were, and the visible ones as a query over a plain copy of
//! them gives them. The statement fails just when that query fails, when a new row would be hidden, or when a MERGE matches a row twice.

use lakewarden_engine::Session;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::changed_elsewhere::rows;
use crate::driver::World;

/// Conditions over the columns of `t`; some fail on some rows.
const CONDITIONS: [&str; 12] = [
    "t.id > 3",
    "t.k = 2 OR t.v IS NULL",
    "t.v LIKE 'a%'",
    "NOT (t.k < 2)",
    "t.r = 'EU'",
    "10 / (t.k - 3) > 0",
    "CAST(t.v AS BIGINT) > 0",
    "t.id IN (SELECT x.k FROM keys x)",
    "t.k = (SELECT max(x.k) FROM keys x) - 1",
    "NULL",
    "true",
    "t.id % 2 = 0",
];
/// New values: column, expression, type.
const VALUES: [(&str, &str, &str); 8] = [
    ("k", "t.k + 1", "BIGINT"),
    ("k", "10 / (t.id - 4)", "BIGINT"),
    ("v", "upper(t.v)", "STRING"),
    ("v", "'new'", "STRING"),
    ("v", "NULL", "STRING"),
    ("r", "'EU'", "STRING"),
    ("r", "CASE WHEN t.id > 5 THEN 'US' ELSE t.r END", "STRING"),
    ("s", "'written'", "STRING"),
];
const FILTERS: [&str; 5] =
    ["r = 'EU'", "k > 1", "r IN (SELECT m.r FROM seen m)", "NOT (k = 2)", "r <> 'US' OR k IS NULL"];
const COLUMNS: [&str; 5] = ["id", "k", "v", "r", "s"];

#[derive(Debug, Clone)]
enum Change {
    Delete,
    Update(usize),
    Merge { update: Option<usize>, delete: bool, insert: bool, keys: Vec<i64> },
}

/// `id`, `k`, `v`, `r`.
type Row = (i64, Option<i64>, Option<&'static str>, Option<&'static str>);

#[derive(Debug, Clone)]
struct Case {
    files: Vec<Vec<Row>>,
    partitioned: bool,
    filter: usize,
    condition: usize,
    change: Change,
}

fn cases() -> impl Strategy<Value = Case> {
    let word = || prop_oneof![Just(None), Just(Some("a1")), Just(Some("17")), Just(Some("Abc")), Just(Some("b"))];
    let region = || prop_oneof![Just(None), Just(Some("EU")), Just(Some("US")), Just(Some("a b/c%"))];
    let row = (0_i64..8, prop::option::of(0_i64..5), word(), region());
    let files = prop::collection::vec(prop::collection::vec(row, 1..5), 1..4);
    let keys = prop::collection::vec(0_i64..10, 1..4);
    let merge = (prop::option::of(0..VALUES.len()), any::<bool>(), any::<bool>(), keys)
        .prop_filter("a clause", |(update, delete, insert, _)| update.is_some() || *delete || *insert)
        .prop_map(|(update, delete, insert, keys)| Change::Merge { update, delete, insert, keys });
    let change = prop_oneof![1 => Just(Change::Delete), 2 => (0..VALUES.len()).prop_map(Change::Update), 2 => merge];
    (files, any::<bool>(), 0..FILTERS.len(), 0..CONDITIONS.len(), change).prop_map(
        |(files, partitioned, filter, condition, change)| {
            // A condition of a MERGE may be computed for visible rows that match nothing: those that can fail are for the others.
            let fails = matches!(change, Change::Merge { .. }) && (5..=6).contains(&condition);
            Case { files, partitioned, filter, condition: if fails { 0 } else { condition }, change }
        },
    )
}

struct Judge {
    admin: Session,
    alice: Session,
}

impl Judge {
    async fn run(&self, sql: &str) {
        self.admin.run(sql).await.unwrap_or_else(|error| panic!("{sql}: {error} {error:?}")).collect().await.unwrap();
    }

    async fn admin(&self, sql: &str) -> Vec<String> {
        rows(&self.admin, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    async fn check(&self, number: usize, case: &Case) {
        let (table, copy) = (format!("g{number}"), format!("p{number}"));
        self.make(&table, number, case).await;
        let visible = format!("({}) IS TRUE", FILTERS[case.filter]);
        let hidden = self.admin(&format!("SELECT * FROM {table} WHERE NOT ({visible})")).await;
        self.run(&format!("CREATE TABLE {copy} AS SELECT * FROM {table} WHERE {visible}")).await;
        let before = self.admin(&format!("SELECT * FROM {table}")).await;
        let expected = self.expected(&copy, case, &visible).await;
        let sql = statement(&table, case);
        let told = match self.alice.run(&sql).await {
            Ok(answer) => Ok(answer.collect().await.unwrap()),
            Err(error) => Err(error),
        };
        let after = self.admin(&format!("SELECT * FROM {table}")).await;
        match (told, expected) {
            (Ok(counts), Some((mut left, changed))) => {
                left.extend(hidden);
                left.sort();
                assert_eq!(after, left, "{sql} {case:?}");
                let counted =
                    arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(counts[0].column(0)).value(0);
                assert_eq!(usize::try_from(counted).unwrap(), changed, "{sql} {case:?}");
            }
            (Err(error), None) => {
                assert_eq!(after, before, "{sql} {case:?}");
                assert!(!error.to_string().contains("CANARY") && error.sqlstate() != "XX000", "{error:?}");
            }
            (Ok(_), None) => panic!("{sql} should have failed: {case:?}"),
            (Err(error), Some(_)) => panic!("{sql} failed: {error} {error:?} {case:?}"),
        }
    }

    async fn make(&self, table: &str, number: usize, case: &Case) {
        let partitions = if case.partitioned { "PARTITIONED BY (r)" } else { "" };
        self.run(&format!("CREATE TABLE {table} (id BIGINT, k BIGINT, v STRING, r STRING, s STRING) {partitions}"))
            .await;
        let text = |value: &Option<&str>| value.map_or("NULL".to_owned(), |value| format!("'{value}'"));
        let number_of = |value: &Option<i64>| value.map_or("NULL".to_owned(), |value| value.to_string());
        for file in &case.files {
            let rows = file
                .iter()
                .map(|(id, k, v, r)| format!("({id}, {}, {}, {}, 'CANARY{id}')", number_of(k), text(v), text(r)));
            self.run(&format!("INSERT INTO {table} VALUES {}", rows.collect::<Vec<_>>().join(", "))).await;
        }
        let body = FILTERS[case.filter];
        self.run(&format!(
            "CREATE FUNCTION f{number}(k BIGINT, r STRING) RETURNS BOOLEAN RETURN current_user() = 'admin' OR {body}"
        ))
        .await;
        self.run(&format!("ALTER TABLE {table} SET ROW FILTER f{number} ON (k, r)")).await;
        self.run(&format!("ALTER TABLE {table} ALTER COLUMN s SET MASK veil")).await;
        self.run(&format!("GRANT SELECT, MODIFY ON TABLE {table} TO alice")).await;
    }

    /// The visible rows after the statement and how many it changed; none when it must fail.
    async fn expected(&self, copy: &str, case: &Case, visible: &str) -> Option<(Vec<String>, usize)> {
        let condition = CONDITIONS[case.condition];
        let taken = format!("(({condition}) IS TRUE)");
        let (left, new, changed) = match &case.change {
            Change::Delete => {
                let left = format!("SELECT t.* FROM {copy} t WHERE NOT {taken}");
                (left, None, vec![format!("SELECT t.id FROM {copy} t WHERE {taken}")])
            }
            Change::Update(value) => {
                let new = updated(*value, &taken, copy);
                let fresh = format!("{new} WHERE {taken}");
                (new, Some(fresh), vec![format!("SELECT t.id FROM {copy} t WHERE {taken}")])
            }
            Change::Merge { update, delete, insert, keys } => {
                // Conditions are computed for rows that match, and for no others.
                let listed = keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let met = format!("{copy}_met");
                self.run(&format!("CREATE TABLE {met} AS SELECT * FROM {copy} WHERE id IN ({listed})")).await;
                let updates = if update.is_some() { taken } else { "false".to_owned() };
                let deletes = if *delete { format!("(NOT {updates})") } else { "false".to_owned() };
                let touched = format!("SELECT t.id FROM {met} t WHERE {updates} OR {deletes}");
                let twice = keys.iter().filter(|key| keys.iter().filter(|other| other == key).count() > 1);
                let twice = twice.map(ToString::to_string).chain(["-1".to_owned()]).collect::<Vec<_>>().join(", ");
                // One clause alone that deletes may meet a row again.
                let again = format!("{touched} INTERSECT SELECT t.id FROM {met} t WHERE t.id IN ({twice})");
                let again = rows(&self.admin, &again).await.ok()?;
                if update.is_some() && !again.is_empty() {
                    return None;
                }
                let new = updated(update.unwrap_or(0), &updates, &met);
                let values = "z.key AS id, CAST(NULL AS BIGINT) AS k, 'in' AS v, 'EU' AS r, CAST(NULL AS STRING) AS s";
                let unmet = format!(
                    "SELECT {values} FROM {} z WHERE {insert} AND z.key NOT IN (SELECT t.id FROM {copy} t)",
                    source(keys)
                );
                let rest = format!("SELECT * FROM {copy} WHERE id NOT IN ({listed})");
                let left = format!("{new} WHERE NOT {deletes} UNION ALL {rest} UNION ALL {unmet}");
                let fresh = format!("SELECT * FROM ({new} WHERE {updates} UNION ALL {unmet}) AS w(id, k, v, r, s)");
                (left, Some(fresh), vec![touched, unmet])
            }
        };
        let after = rows(&self.admin, &left).await.ok()?;
        if let Some(new) = new {
            let unseen = format!("SELECT * FROM ({new}) AS w(id, k, v, r, s) WHERE NOT ({visible})");
            if !self.admin(&unseen).await.is_empty() {
                return None;
            }
        }
        let mut count = 0;
        for one in changed {
            count += self.admin(&one).await.len();
        }
        Some((after, count))
    }
}

/// The rows of the copy with a new value where a condition holds.
fn updated(value: usize, taken: &str, copy: &str) -> String {
    let (column, value, sql_type) = VALUES[value];
    let columns = COLUMNS.map(|name| match name == column {
        true => format!("CASE WHEN {taken} THEN CAST({value} AS {sql_type}) ELSE t.{name} END AS {name}"),
        false => format!("t.{name}"),
    });
    format!("SELECT {} FROM {copy} t", columns.join(", "))
}

fn source(keys: &[i64]) -> String {
    let rows = keys.iter().map(|key| format!("({key})")).collect::<Vec<_>>().join(", ");
    format!("(SELECT y.key FROM (VALUES {rows}) AS y(key))")
}

fn statement(table: &str, case: &Case) -> String {
    let condition = CONDITIONS[case.condition];
    match &case.change {
        Change::Delete => format!("DELETE FROM {table} AS t WHERE {condition}"),
        Change::Update(value) => {
            let (column, value, _) = VALUES[*value];
            format!("UPDATE {table} t SET {column} = {value} WHERE {condition}")
        }
        Change::Merge { update, delete, insert, keys } => {
            let mut sql = format!("MERGE INTO {table} t USING {} s ON t.id = s.key", source(keys));
            if let Some((column, value, _)) = update.and_then(|value| VALUES.get(value)) {
                sql += &format!(" WHEN MATCHED AND {condition} THEN UPDATE SET {column} = {value}");
            }
            if *delete {
                sql += " WHEN MATCHED THEN DELETE";
            }
            if *insert {
                sql += " WHEN NOT MATCHED THEN INSERT (id, v, r) VALUES (s.key, 'in', 'EU')";
            }
            sql
        }
    }
}

#[test]
fn changes_by_the_bound_are_changes_of_what_they_see() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let world = World::new();
    let judge = runtime.block_on(async {
        let admin = world.session("admin");
        for statement in [
            "CREATE CATALOG c",
            "CREATE SCHEMA c.s",
            "USE c.s",
            "CREATE USER alice",
            "GRANT USE CATALOG ON CATALOG c TO alice",
            "GRANT USE SCHEMA ON SCHEMA c.s TO alice",
            "CREATE TABLE keys (k BIGINT)",
            "INSERT INTO keys VALUES (1), (3), (5)",
            "GRANT SELECT ON TABLE keys TO alice",
            "CREATE TABLE seen (r STRING)",
            "INSERT INTO seen VALUES ('EU'), ('a b/c%')",
            "CREATE FUNCTION veil(v STRING) RETURNS STRING RETURN CASE WHEN current_user() = 'admin' THEN v ELSE '***' END",
        ] {
            admin.run(statement).await.unwrap();
        }
        let alice = world.session("alice");
        alice.run("USE c.s").await.unwrap();
        Judge { admin, alice }
    });
    // More with PROPTEST_CASES.
    let cases_to_run = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { 30 };
    let config = Config { cases: cases_to_run, failure_persistence: None, max_shrink_iters: 40, ..Config::default() };
    let number = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(config);
    let done = runner.run(&cases(), |case| {
        number.set(number.get() + 1);
        runtime.block_on(judge.check(number.get(), &case));
        Ok(())
    });
    done.unwrap();
}
