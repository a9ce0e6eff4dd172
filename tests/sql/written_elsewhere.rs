//! Delta tables that Spark and others wrote: each is registered where it lies and read back whole.
//!
//! The tables lie beside the checkout (`../shared/data/delta`). In a checkout on its own this test says that it was
//! skipped, and why.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef};
use arrow::compute::cast;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use lakewarden_engine::{EngineError, Session};
use serde_json::Value;

use crate::driver::World;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/delta")
}

#[test]
fn tables_written_elsewhere_are_read_as_they_were_written() {
    let Ok(text) = std::fs::read_to_string(folder().join("expectations.json")) else {
        eprintln!("skipped: the tables written elsewhere are not beside this checkout ({})", folder().display());
        return;
    };
    let expectations: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let faults = runtime.block_on(async {
        let world = World::new();
        let session = world.session("admin");
        for statement in ["CREATE CATALOG c", "CREATE SCHEMA c.s", "USE c.s"] {
            session.run(statement).await.unwrap();
        }
        let mut faults = Vec::new();
        for (name, expected) in &expectations {
            if let Err(fault) = check(&session, name, expected).await {
                faults.push(format!("{name}: {fault}"));
            }
        }
        faults
    });
    assert!(faults.is_empty(), "{} of {} tables:\n{}", faults.len(), expectations.len(), faults.join("\n"));
}

async fn check(session: &Session, name: &str, expected: &Value) -> Result<(), String> {
    let location = folder().join(name).join("delta").canonicalize().map_err(|e| e.to_string())?;
    let table = name.replace('-', "_");
    let created = session.run(&format!("CREATE TABLE `{table}` LOCATION '{}'", location.display())).await;
    if expected["expect"] == "error" {
        return match created {
            Ok(_) => Err("it was taken, though its log is not valid".to_owned()),
            Err(error @ EngineError::Internal(_)) => Err(format!("the error is not clear: {error:?}")),
            Err(_) => Ok(()),
        };
    }
    created.map_err(|e| format!("not registered: {e}"))?;
    let rows = expected["rows"].as_u64().unwrap();
    let count = query(session, &format!("SELECT count(*) FROM `{table}`")).await?;
    let counted = lines(&count, None)?;
    if counted != [rows.to_string()] {
        return Err(format!("count(*) is {counted:?}, not {rows}"));
    }
    let all = query(session, &format!("SELECT * FROM `{table}`")).await?;
    let total: usize = all.iter().map(RecordBatch::num_rows).sum();
    if total as u64 != rows {
        return Err(format!("SELECT * gives {total} rows, not {rows}"));
    }
    compare(name, &all).await
}

async fn query(session: &Session, sql: &str) -> Result<Vec<RecordBatch>, String> {
    let describe = |e: EngineError| format!("{sql}: {e} ({e:?})");
    session.run(sql).await.map_err(describe)?.collect().await.map_err(describe)
}

/// Compares with the rows that the writer itself reads, when they are there.
async fn compare(name: &str, found: &[RecordBatch]) -> Result<(), String> {
    let expected = folder().join(name).join("expected");
    let Some(first) = found.first().filter(|_| expected.is_dir()) else { return Ok(()) };
    let path = parquet_folder(&expected).display().to_string();
    let context = SessionContext::new();
    let frame = context.read_parquet(path, ParquetReadOptions::default()).await.map_err(|e| e.to_string())?;
    let expected = frame.collect().await.map_err(|e| e.to_string())?;
    if expected.iter().all(|batch| batch.num_rows() == 0) {
        return Ok(());
    }
    let (found, expected) = (lines(found, Some(first))?, lines(&expected, Some(first))?);
    if found == expected {
        return Ok(());
    }
    let differ = found.iter().zip(&expected).find(|(a, b)| a != b);
    Err(format!("the rows differ, such as {differ:?}"))
}

/// The files lie in the folder or one below it.
fn parquet_folder(expected: &Path) -> PathBuf {
    let below = std::fs::read_dir(expected).unwrap().filter_map(Result::ok).map(|e| e.path());
    below.into_iter().find(|p| p.is_dir()).unwrap_or_else(|| expected.to_path_buf())
}

/// Rows as sorted text, with the columns and types of `like`.
fn lines(batches: &[RecordBatch], like: Option<&RecordBatch>) -> Result<Vec<String>, String> {
    let options = FormatOptions::default().with_null("NULL");
    let mut lines = Vec::new();
    for batch in batches {
        let columns: Vec<ArrayRef> = match like {
            None => batch.columns().to_vec(),
            Some(like) => like
                .schema()
                .fields()
                .iter()
                .map(|field| {
                    let column = batch.column_by_name(field.name());
                    let column = column.ok_or_else(|| format!("no column {} is expected", field.name()))?;
                    cast(column, field.data_type()).map_err(|e| e.to_string())
                })
                .collect::<Result<_, String>>()?,
        };
        let formats: Vec<_> = columns
            .iter()
            .map(|column: &ArrayRef| ArrayFormatter::try_new(column.as_ref() as &dyn Array, &options))
            .collect::<Result<_, _>>()
            .map_err(|e| e.to_string())?;
        for row in 0..batch.num_rows() {
            lines.push(formats.iter().map(|f| f.value(row).to_string()).collect::<Vec<_>>().join(" | "));
        }
    }
    lines.sort_unstable();
    Ok(lines)
}
