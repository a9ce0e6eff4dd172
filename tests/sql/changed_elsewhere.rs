//! UPDATE and DELETE of Delta tables that Spark and others wrote: copies of them are changed and read back. Tables with deletion vectors,
//! odd partition values, nested types and change data feeds are among them. What can't be changed is refused and stays as it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow::util::display::{ArrayFormatter, FormatOptions};
use lakewarden_engine::{EngineError, Session};
use serde_json::Value;

use crate::driver::World;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/delta")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target)
        } else {
            drop(std::fs::copy(entry.path(), &target))
        }
    }
}

/// The rows of a query as texts, sorted.
pub async fn rows(session: &Session, sql: &str) -> Result<Vec<String>, EngineError> {
    let batches = session.run(sql).await?.collect().await?;
    let options = FormatOptions::default().with_null("NULL");
    let mut rows = Vec::new();
    for batch in &batches {
        let columns: Vec<_> = batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
        rows.extend(
            (0..batch.num_rows())
                .map(|row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join(" | ")),
        );
    }
    rows.sort();
    Ok(rows)
}

#[test]
fn tables_written_elsewhere_are_changed_or_refused() {
    let Ok(text) = std::fs::read_to_string(folder().join("expectations.json")) else {
        eprintln!("skipped: the tables written elsewhere are not beside this checkout ({})", folder().display());
        return;
    };
    let expectations: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (mut faults, mut changed) = (Vec::new(), Vec::new());
    runtime.block_on(async {
        let world = World::new();
        let session = world.session("admin");
        for statement in ["CREATE CATALOG c", "CREATE SCHEMA c.s", "USE c.s"] {
            session.run(statement).await.unwrap();
        }
        for (name, expected) in expectations.iter().filter(|(_, expected)| expected["expect"] != "error") {
            let place = world.folder().join("copies").join(name);
            copy(&folder().join(name).join("delta"), &place);
            match change(&session, &name.replace('-', "_"), &place.canonicalize().unwrap()).await {
                Ok(true) => changed.push(name.clone()),
                Ok(false) => println!("refused: {name} {expected}"),
                Err(fault) => faults.push(format!("{name}: {fault}")),
            }
        }
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    for one in ["table-with-dv-small", "basic_partitioned", "data-reader-map", "cdf-table-simple"] {
        assert!(changed.iter().any(|name| name == one), "{one} was not changed: {changed:?}");
    }
    println!("{} tables were changed", changed.len());
}

/// Changes a table in every way; false when it is refused as a whole.
async fn change(session: &Session, table: &str, place: &Path) -> Result<bool, String> {
    let wrong = |what: &str, error: &EngineError| format!("{what}: {} {error} {error:?}", error.sqlstate());
    let created = session.run(&format!("CREATE TABLE `{table}` LOCATION '{}'", place.display())).await;
    created.map_err(|error| wrong("CREATE", &error))?;
    let all = format!("SELECT * FROM `{table}`");
    let before = rows(session, &all).await.map_err(|error| wrong("SELECT", &error))?;
    let described = session.run(&all).await.map_err(|error| wrong("SELECT", &error))?;
    let first = described.schema().field(0).name().clone();
    let updated = rows(session, &format!("UPDATE `{table}` SET `{first}` = `{first}`")).await;
    match updated {
        Err(error) if error.sqlstate() == "0A000" => {
            assert_eq!(rows(session, &all).await.unwrap(), before, "{table}");
            return Ok(false);
        }
        Err(error) => return Err(wrong("UPDATE", &error)),
        Ok(counts) => assert_eq!(counts, [before.len().to_string()], "{table}"),
    }
    let after = rows(session, &all).await.map_err(|error| wrong("SELECT after UPDATE", &error))?;
    if after != before {
        return Err(format!("UPDATE changed values: {before:?} {after:?}"));
    }
    let condition = format!("CAST(`{first}` AS STRING) IN (SELECT min(CAST(`{first}` AS STRING)) FROM `{table}`)");
    let stay = rows(session, &format!("{all} WHERE ({condition}) IS NOT TRUE")).await;
    let Ok(stay) = stay else { return Ok(true) };
    let deleted = rows(session, &format!("DELETE FROM `{table}` WHERE {condition}")).await;
    let deleted = deleted.map_err(|error| wrong("DELETE", &error))?;
    let after = rows(session, &all).await.map_err(|error| wrong("SELECT after DELETE", &error))?;
    if after != stay || deleted != [(before.len() - stay.len()).to_string()] {
        return Err(format!("DELETE left {after:?} of {before:?}, counted {deleted:?}"));
    }
    session.run(&format!("TRUNCATE TABLE `{table}`")).await.map_err(|error| wrong("TRUNCATE", &error))?;
    let after = rows(session, &all).await.map_err(|error| wrong("SELECT after TRUNCATE", &error))?;
    if after.is_empty() { Ok(true) } else { Err(format!("TRUNCATE left {after:?}")) }
}
