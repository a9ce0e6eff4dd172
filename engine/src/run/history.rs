//! DESCRIBE HISTORY and DESCRIBE DETAIL: for who manages the table. What counts rows and quotes predicates is left out for whom
//! something binds on the table, its owner too: it speaks of all rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int64Array, ListBuilder, MapBuilder, RecordBatch, StringArray, StringBuilder,
    TimestampMillisecondArray,
};
use lakewarden_catalog::Need;
use lakewarden_catalog::model::{FullName, Securable, SecurableKind};
use serde_json::Value;

use super::Run;
use crate::delta::commits::{Commit, commit, oldest};
use crate::delta::{Location, OpenTable};
use crate::error::EngineError;
use crate::names;
use crate::statement::{DescribeLog, LogQuestion};
use crate::stream::QueryStream;

/// The most versions that are told when no LIMIT says how many.
const MOST: u64 = 1_000;

type Columns = Vec<(&'static str, ArrayRef)>;

impl Run {
    pub(super) async fn describe_log(&self, describe: DescribeLog) -> Result<QueryStream, EngineError> {
        let name = names::object(&describe.table, &self.namespace)?;
        let table = self.pinned.resolve_to_manage(SecurableKind::Table, &name)?;
        let Some(body) = table.as_table() else {
            return Err(EngineError::invalid(format!("`{name}` is a view, which has no files and no versions")));
        };
        let label = self.pinned.state().full_name(table.id);
        let location = Location::of_table(body)?;
        let stored = self.planner.as_stored(&table, &label).await?;
        let bound = self.is_bound(&name);
        let columns = match describe.question {
            LogQuestion::History { limit } => {
                let commits = commits(&location, stored.version, limit.unwrap_or(MOST));
                history(&commits.map_err(EngineError::internal)?, bound)?
            }
            LogQuestion::Detail => self.detail(&table, &label, &stored, bound)?,
        };
        Ok(QueryStream::table(
            RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
                .map_err(EngineError::internal)?,
        ))
    }

    /// Whether something stands between the caller and all rows and values of a table. Who may not read it at all is bound.
    fn is_bound(&self, table: &FullName) -> bool {
        self.pinned.open_to_read(table).map_or(true, |opened| {
            let free = opened.row_filter.is_none() && opened.masks.is_empty() && opened.unknown_columns.is_none();
            !(free && opened.closed.is_empty())
        })
    }

    fn detail(&self, table: &Securable, label: &str, stored: &OpenTable, bound: bool) -> Result<Columns, EngineError> {
        let state = stored.table.snapshot().map_err(EngineError::internal)?;
        let (metadata, protocol) = (state.metadata(), state.protocol());
        let (mut files, mut bytes) = (0, 0);
        for file in state.log_data() {
            files += 1;
            bytes += file.size();
        }
        let body = table.as_table().ok_or_else(|| EngineError::internal("not a table"))?;
        let manages = self.pinned.allows(table.id, Need::Manage);
        let count = |number: i64| (!bound).then_some(number);
        let properties = metadata.configuration().iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        Ok(vec![
            ("format", texts(&[Some("delta")])),
            ("id", texts(&[Some(metadata.id())])),
            ("name", texts(&[Some(label)])),
            ("description", texts(&[table.comment.as_deref()])),
            ("location", texts(&[Some(&*body.location).filter(|_| manages)])),
            ("createdAt", times(&[metadata.created_time()])),
            ("lastModified", times(&[Some(table.updated_at_ms)])),
            ("partitionColumns", lists(metadata.partition_columns())),
            ("numFiles", numbers(vec![count(files)])),
            ("sizeInBytes", numbers(vec![count(bytes)])),
            ("properties", maps(&[Some(properties)])?),
            ("minReaderVersion", numbers(vec![Some(i64::from(protocol.min_reader_version()))])),
            ("minWriterVersion", numbers(vec![Some(i64::from(protocol.min_writer_version()))])),
        ])
    }
}

/// The newest commits that the log still holds, newest first.
fn commits(location: &Location, newest: u64, most: u64) -> std::io::Result<Vec<Commit>> {
    let oldest = oldest(location.path(), newest)?;
    let mut found = Vec::new();
    for version in (oldest..=newest).rev() {
        if u64::try_from(found.len()).unwrap_or(u64::MAX) >= most {
            break;
        }
        found.extend(commit(location.path(), version)?);
    }
    Ok(found)
}

/// Source: Delta Lake, DESCRIBE HISTORY.
fn history(commits: &[Commit], bound: bool) -> Result<Columns, EngineError> {
    let text = |key: &str| texts(&commits.iter().map(|commit| commit.info.get(key)?.as_str()).collect::<Vec<_>>());
    let told = |key: &'static str| {
        let of = |commit: &Commit| commit.info.get(key).filter(|_| !bound).and_then(entries);
        commits.iter().map(of).collect::<Vec<_>>()
    };
    let versions = commits.iter().map(|commit| i64::try_from(commit.version).ok()).collect();
    let read = commits.iter().map(|commit| commit.info.get("readVersion")?.as_i64()).collect();
    let blind: Vec<Option<bool>> = commits.iter().map(|commit| commit.info.get("isBlindAppend")?.as_bool()).collect();
    let metadata: Vec<Option<&str>> =
        commits.iter().map(|commit| commit.info.get("userMetadata").filter(|_| !bound)?.as_str()).collect();
    let made: Vec<Option<i64>> = commits.iter().map(|commit| Some(commit.made_ms)).collect();
    Ok(vec![
        ("version", numbers(versions)),
        ("timestamp", times(&made)),
        ("userId", text("userId")),
        ("userName", text("userName")),
        ("operation", text("operation")),
        ("operationParameters", maps(&told("operationParameters"))?),
        ("readVersion", numbers(read)),
        ("isolationLevel", text("isolationLevel")),
        ("isBlindAppend", Arc::new(BooleanArray::from(blind))),
        ("operationMetrics", maps(&told("operationMetrics"))?),
        ("userMetadata", texts(&metadata)),
        ("engineInfo", text("engineInfo")),
    ])
}

/// The keys and values of an object as texts.
fn entries(value: &Value) -> Option<BTreeMap<String, String>> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some(value.as_object()?.iter().map(|(key, value)| (key.clone(), text(value))).collect())
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn numbers(values: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(Int64Array::from(values))
}

fn times(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(TimestampMillisecondArray::from(values.to_vec()).with_timezone("UTC"))
}

fn lists(values: &[String]) -> ArrayRef {
    let mut list = ListBuilder::new(StringBuilder::new());
    values.iter().for_each(|value| list.values().append_value(value));
    list.append(true);
    Arc::new(list.finish())
}

fn maps(values: &[Option<BTreeMap<String, String>>]) -> Result<ArrayRef, EngineError> {
    let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for value in values {
        for (key, text) in value.iter().flatten() {
            map.keys().append_value(key);
            map.values().append_value(text);
        }
        map.append(value.is_some()).map_err(EngineError::internal)?;
    }
    Ok(Arc::new(map.finish()))
}
