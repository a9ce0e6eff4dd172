//! What describes tagged tables and policies tells whom, plans under policies, prepared statements, and the audit trail.

use arrow::util::pretty::pretty_format_batches;
use lakewarden_engine::Session;

use crate::driver::World;

/// A table with a tagged column, masked and filtered by policies of its schema and catalog; ann reads, olga owns.
async fn world() -> World {
    let world = World::new();
    let admin = world.session("admin");
    for statement in [
        "CREATE USER ann",
        "CREATE USER olga",
        "CREATE GROUP hr",
        "CREATE CATALOG c",
        "CREATE SCHEMA c.s",
        "CREATE SCHEMA c.gov",
        "CREATE TABLE c.s.t (id BIGINT, region STRING, ssn STRING)",
        "INSERT INTO c.s.t VALUES (1, 'EU', 'CANARY-1'), (2, 'US', 'CANARY-2')",
        "ALTER CATALOG c SET TAGS ('zone' = 'closed')",
        "ALTER TABLE c.s.t SET TAGS ('checked')",
        "ALTER TABLE c.s.t ALTER COLUMN ssn SET TAGS ('pii' = 'ssn')",
        "ALTER TABLE c.s.t ALTER COLUMN region SET TAGS ('geo')",
        "CREATE FUNCTION c.gov.one_of(r STRING, wanted STRING) RETURNS BOOLEAN RETURN r = wanted",
        "CREATE FUNCTION c.gov.hide(v STRING) RETURNS STRING RETURN concat('hidden', '-', 'LITERAL')",
        "CREATE POLICY rows ON CATALOG c COMMENT 'by region' ROW FILTER c.gov.one_of TO `account users` EXCEPT hr FOR TABLES \
         WHEN hasTagValue('zone', 'closed') MATCH COLUMNS hasTag('geo') AS r USING COLUMNS (r, 'EU')",
        "CREATE POLICY pii ON SCHEMA c.s COLUMN MASK c.gov.hide TO `account users` FOR TABLES \
         MATCH COLUMNS hasTag('pii') OR (hasTag('a') AND NOT hasTag('b')) AS p ON COLUMN p",
        "GRANT USE CATALOG, USE SCHEMA ON CATALOG c TO ann, olga",
        "GRANT SELECT ON TABLE c.s.t TO ann",
        "ALTER TABLE c.s.t OWNER TO olga",
    ] {
        admin.run(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    world
}

async fn text(session: &Session, sql: &str) -> String {
    let batches = session.run(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}")).collect().await.unwrap();
    pretty_format_batches(&batches).unwrap().to_string()
}

/// The lines of a table of keys and values, without blanks.
fn told(described: &str) -> Vec<(String, String)> {
    let cells = described.lines().filter(|line| line.starts_with("| ")).map(|line| {
        let mut cells = line.split('|').skip(1).map(|cell| cell.trim().to_owned());
        (cells.next().unwrap(), cells.next().unwrap())
    });
    cells.collect()
}

fn value<'a>(lines: &'a [(String, String)], key: &str) -> Option<&'a str> {
    lines.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_tells_its_tags_and_policies_by_name() {
    let world = world().await;
    for name in ["ann", "olga"] {
        let lines = told(&text(&world.session(name), "DESCRIBE EXTENDED c.s.t").await);
        assert_eq!(value(&lines, "Tags"), Some("checked, zone = closed (of catalog c)"), "{name}: {lines:?}");
        assert_eq!(value(&lines, "Tags on ssn"), Some("pii = ssn"));
        assert_eq!(value(&lines, "Tags on region"), Some("geo"));
        assert_eq!(value(&lines, "Policy rows"), Some("ROW FILTER on catalog c"), "the function is hidden from {name}");
        assert_eq!(value(&lines, "Policy pii"), Some("COLUMN MASK on schema c.s"));
    }
    let lines = told(&text(&world.session("admin"), "DESCRIBE EXTENDED c.s.t").await);
    assert_eq!(value(&lines, "Policy rows"), Some("ROW FILTER on catalog c, c.gov.one_of"));
    let lines = told(&text(&world.session("admin"), "DESCRIBE CATALOG c").await);
    assert_eq!(value(&lines, "Tags"), Some("zone = closed"));
    assert_eq!(value(&lines, "Policy rows"), Some("ROW FILTER on catalog c, c.gov.one_of"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terms_of_a_policy_are_for_those_who_manage_what_it_is_on() {
    let world = world().await;
    let lines = told(&text(&world.session("admin"), "DESCRIBE POLICY rows ON CATALOG c").await);
    for (key, expected) in [
        ("Name", "rows"),
        ("On", "CATALOG c"),
        ("Type", "ROW FILTER"),
        ("Function", "c.gov.one_of"),
        ("Comment", "by region"),
        ("Created By", "admin"),
        ("To", "account users"),
        ("Except", "hr"),
        ("When", "hasTagValue('zone', 'closed')"),
        ("Match Columns", "hasTag('geo') AS r"),
        ("Using Columns", "r, 'EU'"),
    ] {
        assert_eq!(value(&lines, key), Some(expected), "{key}");
    }
    let lines = told(&text(&world.session("admin"), "DESCRIBE POLICY pii ON SCHEMA c.s").await);
    assert_eq!(value(&lines, "On Column"), Some("p"));
    assert_eq!(value(&lines, "Match Columns"), Some("hasTag('pii') OR (hasTag('a') AND NOT hasTag('b')) AS p"));
    for name in ["ann", "olga"] {
        let lines = told(&text(&world.session(name), "DESCRIBE POLICY rows ON CATALOG c").await);
        assert_eq!(value(&lines, "Function"), Some("a function that you may not see"));
        assert_eq!(value(&lines, "Comment"), Some("by region"));
        for key in ["To", "Except", "When", "Match Columns", "On Column", "Using Columns"] {
            assert_eq!(value(&lines, key), None, "{name}: {key}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_names_the_policies_and_nothing_of_what_they_hold() {
    let world = world().await;
    let ann = world.session("ann");
    for explain in ["EXPLAIN", "EXPLAIN VERBOSE", "EXPLAIN ANALYZE"] {
        let plan = text(&ann, &format!("{explain} SELECT id, ssn FROM c.s.t WHERE ssn <> 'x'")).await;
        assert!(plan.contains("policy `rows` on catalog `c`"), "{plan}");
        assert!(plan.contains("policy `pii` on schema `c.s`"), "{plan}");
        for hidden in ["CANARY", "LITERAL", "EU", "one_of", "gov", "region"] {
            assert!(!plan.contains(hidden), "{hidden}: {plan}");
        }
    }
    assert!(text(&ann, "SELECT ssn FROM c.s.t").await.contains("hidden-LITERAL"), "the mask itself tells its constant");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_statement_runs_under_the_policies_of_the_moment() {
    let world = world().await;
    let (admin, ann) = (world.session("admin"), world.session("ann"));
    let sql = "SELECT id, ssn FROM c.s.t ORDER BY id";
    assert_eq!(ann.describe(sql).await.unwrap().schema.fields().len(), 2);
    let rows = |shown: &str| shown.lines().filter(|line| line.contains("| 1") || line.contains("| 2")).count();
    let first = text(&ann, sql).await;
    assert!(rows(&first) == 1 && first.contains("hidden-LITERAL"), "{first}");
    admin.run("ALTER GROUP hr ADD USER ann").await.unwrap();
    assert_eq!(rows(&text(&ann, sql).await), 2);
    admin.run("ALTER TABLE c.s.t ALTER COLUMN ssn UNSET TAGS ('pii')").await.unwrap();
    assert!(text(&ann, sql).await.contains("CANARY-2"));
    admin.run("ALTER TABLE c.s.t ALTER COLUMN ssn SET TAGS ('pii')").await.unwrap();
    admin.run("ALTER GROUP hr DROP USER ann").await.unwrap();
    let last = text(&ann, sql).await;
    assert!(rows(&last) == 1 && !last.contains("CANARY"), "{last}");
    admin.run("CREATE POLICY also ON SCHEMA c.s ROW FILTER c.gov.one_of TO ann FOR TABLES MATCH COLUMNS hasTag('geo') AS r USING COLUMNS (r, 'US')").await.unwrap();
    for refused in [ann.describe(sql).await.err().unwrap(), ann.run(sql).await.err().unwrap()] {
        assert_eq!(refused.sqlstate(), "55000");
        let refused = refused.to_string();
        assert!(refused.contains("`also` on schema `c.s`") && refused.contains("`rows` on catalog `c`"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_tags_and_policies_are_audited_and_denials_once() {
    let world = world().await;
    let ann = world.session("ann");
    let denied = [
        ("ALTER TABLE c.s.t SET TAGS ('a')", "tags.set"),
        ("ALTER TABLE c.s.t ALTER COLUMN ssn UNSET TAGS ('pii')", "tags.unset"),
        ("CREATE TAG k", "tags.create"),
        ("DROP POLICY pii ON SCHEMA c.s", "policies.drop"),
        ("CREATE POLICY p ON SCHEMA c.s ROW FILTER c.gov.one_of TO ann FOR TABLES", "sql.create"),
    ];
    for (at, (statement, action)) in denied.iter().enumerate() {
        let told = ann.run(statement).await.err().unwrap_or_else(|| panic!("{statement}"));
        assert_eq!(told.sqlstate(), "42501", "{statement}: {told}");
        let records = world.denials();
        assert_eq!(records.len(), at + 1, "{statement}: {records:?}");
        assert_eq!(records.first().unwrap(), &("ann".to_owned(), (*action).to_owned(), told.to_string()));
    }
    let admin = world.session("admin");
    admin.run("DROP POLICY pii ON SCHEMA c.s").await.unwrap();
    let records = world.audit();
    for action in ["tags.set", "policies.create", "policies.drop"] {
        assert!(records.iter().any(|record| record.action == action), "{action}");
    }
    let made = records.iter().find(|record| record.action == "policies.create" && record.securable == "c").unwrap();
    assert_eq!(made.details.get("policy").map(String::as_str), Some("rows"));
    assert_eq!(made.details.get("except").map(String::as_str), Some("hr"));
}
