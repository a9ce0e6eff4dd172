//! Columns that another system renamed in the Delta log. The catalog does not know the new name, so it may be that of a
//! closed column: it is open to those only who may read the whole table.

use lakewarden_engine::Session;
use serde_json::Value;

use crate::driver::World;

/// Renames `salary` to `pay` in the log of a table, as another system would.
fn rename(table: &std::path::Path) {
    let log = table.join("_delta_log");
    let first = std::fs::read_to_string(log.join("00000000000000000000.json")).unwrap();
    let mut actions = first.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut action = actions.find(|action| action.get("metaData").is_some()).unwrap();
    let schema = action.pointer_mut("/metaData/schemaString").unwrap();
    *schema = Value::String(schema.as_str().unwrap().replace("\"salary\"", "\"pay\""));
    std::fs::write(log.join("00000000000000000002.json"), format!("{action}\n")).unwrap();
}

async fn told(session: &Session, sql: &str) -> String {
    match session.run(sql).await {
        Ok(answer) => answer.collect().await.unwrap().iter().map(|b| b.num_rows()).sum::<usize>().to_string(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_the_catalog_does_not_know_is_closed_to_who_may_not_read_all() {
    let world = World::new();
    let place = world.folder().join("elsewhere");
    let admin = world.session("admin");
    for statement in [
        "CREATE USER some",
        "CREATE USER listed",
        "CREATE USER whole",
        "CREATE CATALOG c",
        "CREATE SCHEMA c.s",
        &format!("CREATE TABLE c.s.t (id BIGINT, salary BIGINT) LOCATION '{}'", place.display()),
        "INSERT INTO c.s.t VALUES (1, 10)",
        "GRANT USE CATALOG ON CATALOG c TO `account users`",
        "GRANT USE SCHEMA ON SCHEMA c.s TO `account users`",
        "GRANT SELECT, MODIFY ON TABLE c.s.t TO some, whole",
        "DENY SELECT (salary), MODIFY (salary) ON TABLE c.s.t TO some",
        "GRANT SELECT (id, salary) ON TABLE c.s.t TO listed",
    ] {
        admin.run(statement).await.unwrap();
    }
    let [some, listed, whole] = ["some", "listed", "whole"].map(|name| world.session(name));
    assert_eq!(told(&listed, "SELECT * FROM c.s.t").await, "1");
    rename(&place);
    let needs = |privilege: &str| format!("permission denied: this needs {privilege} on column `pay` of table `c.s.t`");
    for session in [&some, &listed] {
        assert_eq!(told(session, "SELECT id FROM c.s.t").await, "1");
        for query in ["SELECT pay FROM c.s.t", "SELECT * FROM c.s.t", "SELECT id FROM c.s.t ORDER BY pay"] {
            assert_eq!(told(session, query).await, needs("SELECT"), "{query}");
        }
    }
    assert_eq!(told(&some, "INSERT INTO c.s.t (id, pay) VALUES (2, 3)").await, needs("MODIFY"));
    assert_eq!(told(&whole, "SELECT pay FROM c.s.t").await, "1");
}
