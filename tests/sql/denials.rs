//! Every denied statement leaves one audit record, whether the catalog or the planner refused it.

use crate::driver::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_statement_leaves_one_record() {
    let world = World::new();
    let admin = world.session("admin");
    for statement in [
        "CREATE USER alice",
        "CREATE CATALOG c",
        "CREATE SCHEMA c.s",
        "CREATE TABLE c.s.t (id BIGINT)",
        "GRANT BROWSE ON CATALOG c TO alice",
    ] {
        admin.run(statement).await.unwrap();
    }
    let alice = world.session("alice");
    let denied = [
        ("SELECT * FROM c.s.t", "sql.select"),
        ("EXPLAIN SELECT * FROM c.s.t", "sql.explain"),
        ("INSERT INTO c.s.t VALUES (1)", "sql.insert"),
        ("DROP TABLE c.s.t", "tables.delete"),
        ("GRANT SELECT ON TABLE c.s.t TO alice", "grants.grant"),
    ];
    for (at, (statement, action)) in denied.iter().enumerate() {
        let told = alice.run(statement).await.unwrap_err();
        assert_eq!(told.sqlstate(), "42501", "{statement}");
        let records = world.denials();
        assert_eq!(records.len(), at + 1, "{statement}: {records:?}");
        assert_eq!(records.first().unwrap(), &("alice".to_owned(), (*action).to_owned(), told.to_string()));
    }
    alice.run("SELECT * FROM c.s.absent").await.unwrap_err();
    assert_eq!(world.denials().len(), denied.len(), "what is absent or hidden is no denial");
}
