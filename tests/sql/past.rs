//! What SQL tells of the past: grants, effects and explanations as of a time, by the log of changes.

use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::util::display::array_value_to_string;
use lakewarden_engine::Session;

use crate::driver::World;

/// A moment that no change is in: after all before it, and before all after it.
async fn moment(session: &Session) -> String {
    tokio::time::sleep(Duration::from_millis(5)).await;
    let now = rows(session, "SELECT CAST(now() AS STRING)").await.concat();
    tokio::time::sleep(Duration::from_millis(5)).await;
    now.get(..23).unwrap().replace('T', " ")
}

async fn rows(session: &Session, sql: &str) -> Vec<String> {
    let batches = session.run(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}")).collect().await.unwrap();
    let row = |batch: &RecordBatch, at: usize| {
        let cells = batch.columns().iter().map(|column| array_value_to_string(column, at).unwrap());
        cells.collect::<Vec<_>>().join(" | ")
    };
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(|at| row(batch, at)).collect::<Vec<_>>()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_of_the_incident_is_told() {
    let world = World::new();
    let admin = world.session("admin");
    for statement in [
        "CREATE USER alice",
        "CREATE GROUP team",
        "ALTER GROUP team ADD USER alice",
        "CREATE CATALOG c",
        "CREATE SCHEMA c.s",
        "CREATE TABLE c.s.t (id BIGINT, ssn STRING)",
        "GRANT USE CATALOG ON CATALOG c TO team",
        "GRANT USE SCHEMA ON SCHEMA c.s TO team",
    ] {
        admin.run(statement).await.unwrap();
    }
    let before = moment(&admin).await;
    admin.run("GRANT SELECT ON SCHEMA c.s TO team").await.unwrap();
    admin.run("DENY SELECT (ssn) ON TABLE c.s.t TO alice").await.unwrap();
    let open = moment(&admin).await;
    admin.run("ALTER GROUP team REMOVE USER alice").await.unwrap();
    admin.run("REVOKE SELECT (ssn) ON TABLE c.s.t FROM alice").await.unwrap();
    admin.run("ALTER TABLE c.s.t RENAME TO u").await.unwrap();

    let grants = |name: &str, time: &str| format!("SHOW GRANTS ON TABLE c.s.{name} AS OF TIMESTAMP '{time}'");
    assert_eq!(rows(&admin, &grants("t", &before)).await, Vec::<String>::new());
    let told = ["alice | DENY SELECT (ssn) | TABLE | c.s.t", "team | SELECT | SCHEMA | c.s"];
    assert_eq!(rows(&admin, &grants("t", &open)).await, told);
    let zoned = format!("{open}+00:00");
    assert_eq!(rows(&admin, &grants("t", &zoned)).await, told);
    assert_eq!(rows(&admin, "SHOW GRANTS ON TABLE c.s.u").await, ["team | SELECT | SCHEMA | c.s"]);

    let held = format!("SHOW EFFECTIVE GRANTS alice ON TABLE c.s.t AS OF TIMESTAMP '{open}'");
    let by = "grant of SELECT on schema `c.s` to group `team` (alice > team)";
    assert_eq!(rows(&admin, &held).await, [format!("alice | SELECT (id) | TABLE | c.s.t | {by}")]);
    assert_eq!(rows(&admin, "SHOW EFFECTIVE GRANTS alice ON TABLE c.s.u").await, Vec::<String>::new());

    let explain = |on: &str, time: &str| format!("EXPLAIN ACCESS SELECT ON {on} FOR alice AS OF TIMESTAMP '{time}'");
    let then = rows(&admin, &explain("c.s.t", &open)).await;
    let verdict =
        format!("SELECT on table `c.s.t` for `alice` | ALLOWED | everything that is needed holds, as of {open} UTC");
    assert_eq!(then.first().unwrap(), &verdict);
    assert!(then.contains(&format!("SELECT on table `c.s.t` | holds | {by}")), "{then:?}");
    assert!(then.contains(&"columns | closed | `ssn`; the others may be named".to_owned()), "{then:?}");
    let earlier = rows(&admin, &explain("c.s.t", &before)).await;
    assert!(earlier.first().unwrap().contains("| DENIED | missing or denied: 1 of 3, as of"), "{earlier:?}");
    assert!(earlier.iter().all(|row| !row.starts_with("remedy")), "the past has no remedy: {earlier:?}");
    let now = rows(&admin, "EXPLAIN ACCESS SELECT ON c.s.u FOR alice").await;
    assert!(now.first().unwrap().contains("| DENIED | missing or denied: 3 of 3"), "{now:?}");

    // A name of now is none of then.
    let error = admin.run(&grants("u", &open)).await.unwrap_err();
    assert_eq!(
        (error.sqlstate(), error.to_string()),
        ("42P01", "table `c.s.u` does not exist, or you may not see it".to_owned())
    );
    // Who may not ask about others now asks about nobody's past either.
    let alice = world.session("alice");
    assert_eq!(alice.run(&grants("t", &open)).await.unwrap_err().sqlstate(), "42P01");
}
