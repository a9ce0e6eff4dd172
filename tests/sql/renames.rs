//! Renames that stop between the files and the catalog: nobody reads the table until the rename is ended.

use std::path::{Path, PathBuf};

use lakewarden_engine::Session;

use crate::driver::World;

async fn told(session: &Session, sql: &str) -> String {
    match session.run(sql).await {
        Ok(answer) => answer.collect().await.unwrap().iter().map(|b| b.num_rows()).sum::<usize>().to_string(),
        Err(error) => format!("{}: {error}", error.sqlstate()),
    }
}

/// The one folder of a managed table.
fn folder(world: &World) -> PathBuf {
    let tables = std::fs::read_dir(world.folder().join("data/tables")).unwrap();
    let mut found: Vec<_> = tables.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A table whose files say `pay` while the catalog still says `salary`: the files of a whole rename, put back after another one in the
/// catalog gave the column its old name.
async fn half_renamed(world: &World) {
    let admin = world.session("admin");
    for statement in [
        "CREATE USER whole",
        "CREATE USER barred",
        "CREATE CATALOG c",
        "CREATE SCHEMA c.s",
        "CREATE TABLE c.s.t (id BIGINT, salary BIGINT)",
        "INSERT INTO c.s.t VALUES (1, 10), (2, 20)",
        "GRANT USE CATALOG ON CATALOG c TO `account users`",
        "GRANT USE SCHEMA ON SCHEMA c.s TO `account users`",
        "GRANT SELECT, MODIFY ON TABLE c.s.t TO whole, barred",
        "DENY SELECT (salary) ON TABLE c.s.t TO barred",
        "ALTER TABLE c.s.t RENAME COLUMN salary TO pay",
    ] {
        admin.run(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    let (table, kept) = (folder(world), world.folder().join("kept"));
    copy(&table, &kept);
    admin.run("ALTER TABLE c.s.t RENAME COLUMN pay TO salary").await.unwrap();
    std::fs::remove_dir_all(&table).unwrap();
    copy(&kept, &table);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_that_stopped_halfway_closes_the_table_until_it_is_run_again() {
    let world = World::new();
    half_renamed(&world).await;
    let [admin, whole, barred] = ["admin", "whole", "barred"].map(|name| world.session(name));
    let closed = "55000: cannot read `c.s.t`: a change of its columns has not ended";
    for session in [&admin, &whole, &barred] {
        for query in
            ["SELECT pay FROM c.s.t", "SELECT * FROM c.s.t", "SELECT id FROM c.s.t", "SELECT count(*) FROM c.s.t"]
        {
            let answer = told(session, query).await;
            assert!(answer.starts_with(closed), "{query}: {answer}");
        }
    }
    let added = told(&whole, "INSERT INTO c.s.t VALUES (3, 30)").await;
    assert!(added.starts_with(closed), "{added}");
    for other in ["salary TO wage", "id TO n"] {
        let answer = told(&admin, &format!("ALTER TABLE c.s.t RENAME COLUMN {other}")).await;
        assert!(answer.starts_with(closed), "{other}: {answer}");
    }
    assert!(told(&whole, "ALTER TABLE c.s.t RENAME COLUMN salary TO pay").await.starts_with("42501"));
    let commits = || std::fs::read_dir(folder(&world).join("_delta_log")).unwrap().count();
    let before = commits();
    assert_eq!(told(&admin, "ALTER TABLE c.s.t RENAME COLUMN salary TO pay").await, "0");
    assert_eq!(commits(), before, "the files had the new name already");
    assert_eq!(told(&whole, "SELECT pay FROM c.s.t").await, "2");
    assert_eq!(
        told(&barred, "SELECT pay FROM c.s.t").await,
        "42501: permission denied: this needs SELECT on column `pay` of table `c.s.t`"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_added_while_columns_are_renamed_are_kept_or_refused() {
    let world = World::new();
    let admin = world.session("admin");
    for statement in ["CREATE CATALOG c", "CREATE SCHEMA c.s", "CREATE TABLE c.s.t (id BIGINT, a BIGINT)"] {
        admin.run(statement).await.unwrap();
    }
    let adding = world.session("admin");
    let adds = tokio::spawn(async move {
        let (mut added, mut row) = (0, 0);
        // Each is kept or refused; once the renames are over, none is refused any more.
        while added < 10 {
            row += 1;
            assert!(row < 10_000);
            match told(&adding, &format!("INSERT INTO c.s.t VALUES ({row}, {row})")).await {
                answer if answer == "1" || answer == "0" => added += 1,
                refused => assert!(refused.starts_with("40001") || refused.starts_with("55000"), "{refused}"),
            }
        }
        added
    });
    let mut renamed = 0;
    for (from, to) in [("a", "b"), ("b", "a")].iter().cycle().take(12) {
        loop {
            match told(&admin, &format!("ALTER TABLE c.s.t RENAME COLUMN {from} TO {to}")).await {
                answer if answer == "0" => break,
                refused => assert!(refused.starts_with("40001"), "{refused}"),
            }
        }
        renamed += 1;
    }
    let added = adds.await.unwrap();
    assert_eq!(renamed, 12);
    let found = told(&admin, "SELECT id FROM c.s.t WHERE a = id").await;
    assert_eq!(found, added.to_string());
}
