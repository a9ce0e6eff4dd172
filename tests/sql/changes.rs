//! UPDATE, DELETE and MERGE beside each other, with parameters, with constraints and with a change data feed.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use lakewarden_engine::{EngineError, Session};

use crate::changed_elsewhere::rows;
use crate::driver::World;

async fn session() -> (World, Session) {
    let world = World::new();
    let session = world.session("admin");
    for statement in ["CREATE CATALOG c", "CREATE SCHEMA c.s", "USE c.s"] {
        session.run(statement).await.unwrap();
    }
    (world, session)
}

/// Files of a table's folder that are no log.
fn files(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).map(Iterator::collect::<Vec<_>>).unwrap_or_default();
    entries
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_name() != "_delta_log")
        .map(|entry| match entry.path().is_dir() {
            true => files(&entry.path()),
            false => 1,
        })
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_at_once_lose_no_change_and_the_slower_is_told() {
    let (world, session) = session().await;
    session.run("CREATE TABLE t (id BIGINT, n BIGINT)").await.unwrap();
    session.run("INSERT INTO t VALUES (1, 0), (2, 0)").await.unwrap();
    let mut writers = Vec::new();
    for _ in 0..4 {
        let mine = world.session("admin");
        writers.push(tokio::spawn(async move {
            let (mut done, mut refused) = (0_u64, 0_u64);
            for _ in 0..5 {
                match mine.run("UPDATE c.s.t SET n = n + 1 WHERE id = 1").await {
                    Ok(answer) => drop((answer.collect().await.unwrap(), done += 1)),
                    Err(error) => {
                        assert_eq!(error.sqlstate(), "40001", "{error:?}");
                        refused += 1;
                    }
                }
            }
            (done, refused)
        }));
    }
    let (mut done, mut refused) = (0, 0);
    for writer in writers {
        let (mine, not) = writer.await.unwrap();
        (done, refused) = (done + mine, refused + not);
    }
    assert!(done >= 5 && done + refused == 20, "{done} {refused}");
    assert_eq!(rows(&session, "SELECT id, n FROM t").await.unwrap(), [format!("1 | {done}"), "2 | 0".to_owned()]);
    // One file for each version that was made: those of statements that failed are gone.
    let tables = world.folder().join("data").join("tables");
    assert_eq!(files(&tables) as u64, done + 1, "{}", tables.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_are_bound_in_the_order_of_the_text() {
    let (_world, session) = session().await;
    session.run("CREATE TABLE t (id BIGINT, name STRING)").await.unwrap();
    session.run("INSERT INTO t VALUES (1, 'one'), (2, 'two')").await.unwrap();
    let text = |value: &str| ScalarValue::from(value);
    let number = |value: i64| ScalarValue::Int64(Some(value));
    let changed = |sql: &'static str, values: Vec<ScalarValue>| {
        let session = session.clone();
        async move { session.run_with(sql, values).await?.collect().await.map(drop) }
    };
    changed("UPDATE t SET name = ? WHERE id = ?", vec![text("x'; --"), number(2)]).await.unwrap();
    changed("DELETE FROM t WHERE id = ?", vec![number(1)]).await.unwrap();
    assert_eq!(rows(&session, "SELECT * FROM t").await.unwrap(), ["2 | x'; --"]);
    let merge = "MERGE INTO t USING (SELECT CAST(? AS BIGINT) AS k) s ON id = k AND ? = 1 WHEN MATCHED AND name <> ? THEN UPDATE SET name = ? WHEN NOT MATCHED THEN INSERT (id, name) VALUES (k, ?)";
    let values = |k| vec![number(k), number(1), text("no"), text("merged"), text("new")];
    changed(merge, values(2)).await.unwrap();
    changed(merge, values(3)).await.unwrap();
    assert_eq!(rows(&session, "SELECT * FROM t").await.unwrap(), ["2 | merged", "3 | new"]);
    let described = session.describe("UPDATE t SET id = ?, name = ? WHERE id = ?").await.unwrap();
    assert!(!described.is_query);
    assert_eq!(described.parameters.first().unwrap(), &Some(DataType::Int64));
    assert!(matches!(described.parameters.get(1).unwrap(), Some(DataType::Utf8 | DataType::Utf8View)));
    assert_eq!(described.parameters.get(2).unwrap(), &Some(DataType::Int64));
    assert_eq!(session.describe(merge).await.unwrap().parameters.len(), 5);
    let wrong = changed("DELETE FROM t WHERE id = ?", vec![number(1), number(2)]).await.unwrap_err();
    assert!(wrong.to_string().contains("1 parameters and 2 values"), "{wrong}");
    assert_eq!(rows(&session, "SELECT count(*) FROM t").await.unwrap(), ["2"]);
}

/// Adds properties to a table, as another writer would.
async fn with_properties(world: &World, properties: &[(&str, &str)]) {
    let log = find_log(&world.folder().join("data").join("tables")).unwrap();
    let folder = log.parent().unwrap().canonicalize().unwrap();
    let url = deltalake::ensure_table_uri(folder.to_str().unwrap()).unwrap();
    let table = deltalake::DeltaTableBuilder::from_url(url).unwrap().load().await.unwrap();
    for (key, value) in properties {
        match key.strip_prefix("delta.constraints.") {
            Some(name) => drop(table.clone().add_constraint().with_constraint(name, *value).await.unwrap()),
            None => {
                let properties = [((*key).to_owned(), (*value).to_owned())].into();
                drop(table.clone().set_tbl_properties().with_properties(properties).await.unwrap());
            }
        }
    }
}

fn find_log(folder: &std::path::Path) -> Option<std::path::PathBuf> {
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        if entry.file_name() == "_delta_log" {
            return Some(entry.path());
        }
        if let Some(found) = entry.path().is_dir().then(|| find_log(&entry.path())).flatten() {
            return Some(found);
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn constraints_judge_new_values_and_no_old_ones() {
    let (world, session) = session().await;
    session.run("CREATE TABLE t (id BIGINT, pay BIGINT)").await.unwrap();
    session.run("INSERT INTO t VALUES (1, 10), (2, 20)").await.unwrap();
    with_properties(&world, &[("delta.constraints.positive", "pay > 0")]).await;
    let refused = |sql: &'static str| {
        let session = session.clone();
        async move { session.run(sql).await.map(drop).unwrap_err() }
    };
    for sql in [
        "UPDATE t SET pay = -1 WHERE id = 1",
        "UPDATE t SET pay = NULL",
        "MERGE INTO t USING (VALUES (3)) s(k) ON id = k WHEN NOT MATCHED THEN INSERT (id, pay) VALUES (k, 0)",
    ] {
        let error = refused(sql).await;
        assert_eq!(error.sqlstate(), "23514", "{error:?}");
        assert!(error.to_string().contains("`positive`"), "{error}");
    }
    assert_eq!(rows(&session, "UPDATE t SET pay = pay + 1 WHERE id = 2").await.unwrap(), ["1"]);
    assert_eq!(rows(&session, "SELECT * FROM t").await.unwrap(), ["1 | 10", "2 | 21"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn constraints_tell_nothing_of_masked_values() {
    let (world, session) = session().await;
    for statement in [
        "CREATE TABLE t (id BIGINT, pay BIGINT)",
        "INSERT INTO t VALUES (1, 10), (2, 20)",
        "CREATE FUNCTION hide(v BIGINT) RETURNS BIGINT RETURN 0",
        "ALTER TABLE t ALTER COLUMN pay SET MASK hide",
    ] {
        session.run(statement).await.unwrap();
    }
    with_properties(&world, &[("delta.constraints.below", "id < pay")]).await;
    for sql in ["UPDATE t SET id = 9 WHERE id = 1", "UPDATE t SET id = 11 WHERE id = 1"] {
        let error = session.run(sql).await.map(drop).unwrap_err();
        assert_eq!(error.sqlstate(), "42501", "{error:?}");
        assert!(error.to_string().contains("the constraint `below`"), "{error}");
    }
    assert_eq!(rows(&session, "UPDATE t SET id = 9, pay = 10 WHERE id = 1").await.unwrap(), ["1"]);
    let broken = session.run("UPDATE t SET id = 9, pay = 9 WHERE id = 9").await.map(drop).unwrap_err();
    assert_eq!(broken.sqlstate(), "23514", "{broken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_data_feed_tells_of_every_change() -> Result<(), EngineError> {
    let (_world, session) = session().await;
    let made = "CREATE TABLE t (id BIGINT, name STRING) TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')";
    session.run(made).await?;
    session.run("INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three')").await?;
    session.run("UPDATE t SET name = 'TWO' WHERE id = 2").await?;
    session.run("DELETE FROM t WHERE id = 1").await?;
    session
        .run("MERGE INTO t USING (VALUES (3), (4)) s(k) ON id = k WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id, name) VALUES (k, 'new')")
        .await?;
    let feed = "SELECT _commit_version, _change_type, id, name FROM table_changes('c.s.t', 2)";
    assert_eq!(
        rows(&session, feed).await?,
        [
            "2 | update_postimage | 2 | TWO",
            "2 | update_preimage | 2 | two",
            "3 | delete | 1 | one",
            "4 | delete | 3 | three",
            "4 | insert | 4 | new",
        ]
    );
    assert_eq!(rows(&session, "SELECT * FROM t").await?, ["2 | TWO", "4 | new"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_of_the_table_itself_is_the_state_before() -> Result<(), EngineError> {
    let (_world, session) = session().await;
    session.run("CREATE TABLE t (id BIGINT, n BIGINT)").await?;
    session.run("INSERT INTO t SELECT value AS id, value AS n FROM range(0, 20000)").await?;
    session.run("INSERT INTO t SELECT value + 20000 AS id, value AS n FROM range(0, 20000)").await?;
    assert_eq!(
        rows(&session, "UPDATE t SET n = (SELECT max(n) FROM t) WHERE id IN (SELECT id + 1 FROM t)").await?,
        ["39999"]
    );
    assert_eq!(rows(&session, "SELECT count(*), min(n), max(n) FROM t").await?, ["40000 | 0 | 19999"]);
    assert_eq!(
        rows(&session, "DELETE FROM t WHERE id % 2 = 0 AND id < (SELECT count(*) FROM t) - 2").await?,
        ["19999"]
    );
    assert_eq!(rows(&session, "SELECT count(*), sum(id % 2) FROM t").await?, ["20001 | 20000"]);
    assert_eq!(rows(&session, "UPDATE t SET n = random() * 1000000000").await?, ["20001"]);
    let distinct = rows(&session, "SELECT count(DISTINCT n) > 19000 FROM t").await?;
    assert_eq!(distinct, ["true"]);
    Ok(())
}
