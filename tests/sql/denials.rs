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
        ("CREATE STORAGE CREDENTIAL k", "credentials.create"),
        ("CREATE EXTERNAL LOCATION l URL '/nowhere'", "sql.create"),
        ("CREATE TABLE c.s.u (id BIGINT) LOCATION '/nowhere'", "sql.create"),
        ("CREATE VOLUME c.s.v", "volumes.stage"),
        ("LIST '/nowhere'", "sql.list"),
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

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_names_closed_columns_is_denied_and_recorded_prepared_or_run() {
    let world = World::new();
    let admin = world.session("admin");
    for statement in [
        "CREATE USER alice",
        "CREATE CATALOG c",
        "CREATE SCHEMA c.s",
        "CREATE TABLE c.s.t (id BIGINT, ssn STRING)",
        "GRANT USE CATALOG ON CATALOG c TO alice",
        "GRANT USE SCHEMA ON SCHEMA c.s TO alice",
        "GRANT SELECT (id), MODIFY (id) ON TABLE c.s.t TO alice",
    ] {
        admin.run(statement).await.unwrap();
    }
    let alice = world.session("alice");
    assert_eq!(alice.describe("SELECT id FROM c.s.t WHERE id > ?").await.unwrap().schema.fields().len(), 1);
    let denied = [
        ("SELECT id FROM c.s.t WHERE ssn = ?", "SELECT on column `ssn`"),
        ("SELECT * FROM c.s.t", "SELECT on column `ssn`"),
        ("EXPLAIN SELECT ssn FROM c.s.t", "SELECT on column `ssn`"),
        ("INSERT INTO c.s.t VALUES (?, ?)", "MODIFY on column `ssn`"),
        ("INSERT INTO c.s.t (id) SELECT length(ssn) FROM c.s.t", "SELECT on column `ssn`"),
    ];
    for (statement, needed) in denied {
        let expected = format!("permission denied: this needs {needed} of table `c.s.t`");
        let records = world.denials().len();
        let told = match statement.starts_with("EXPLAIN") {
            // EXPLAIN is not planned when it is prepared.
            true => alice.run(statement).await.unwrap_err(),
            false => alice.describe(statement).await.unwrap_err(),
        };
        assert_eq!((told.sqlstate(), told.to_string()), ("42501", expected.clone()), "{statement}");
        let told = alice.run(statement).await.unwrap_err();
        assert_eq!((told.sqlstate(), told.to_string()), ("42501", expected.clone()), "{statement}");
        let denials = world.denials();
        assert_eq!(denials.len(), records + 2, "{statement}");
        assert!(denials.iter().take(2).all(|(_, _, error)| *error == expected), "{statement}: {denials:?}");
    }
}
