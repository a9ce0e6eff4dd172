//! What the log of a table says of its versions: when each was made, what it changed of the columns, and how far back it goes.
//!
//! Read from the commits themselves: a snapshot knows the state that they add up to, and not what was in between.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::Value;

/// One commit, as far as it is asked about.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The version that it made.
    pub version: u64,
    /// When it was made, in milliseconds since 1970 (UTC): what it says itself, else when its file was written.
    pub made_ms: i64,
    /// The `commitInfo` action.
    pub info: Value,
    /// What it made of the table's metadata, when it changed that.
    pub metadata: Option<Metadata>,
    /// Whether it took rows away or names the changed rows itself.
    pub replaces_rows: bool,
}

/// The metadata of a table, as far as it is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The columns: name and type as the log writes it.
    pub columns: BTreeMap<String, String>,
    /// Whether changes are recorded.
    pub has_feed: bool,
}

/// Why the past of a table can't be told.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    /// No version was there yet at that time, or the log does not reach so far.
    #[error("there is no version of that time: the oldest that can be read is version {oldest}")]
    TooEarly {
        /// The oldest version that can be read.
        oldest: u64,
    },
    /// The log has no such version.
    #[error("there is no version {asked}: the versions from {oldest} to {newest} can be read")]
    NoVersion {
        /// The version that was asked for.
        asked: u64,
        /// The oldest that can be read.
        oldest: u64,
        /// The newest.
        newest: u64,
    },
    /// The log is not readable.
    #[error("the log of the table cannot be read")]
    Unreadable(#[source] std::io::Error),
}

impl From<std::io::Error> for PastError {
    fn from(error: std::io::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// The file of a commit. Source: Delta PROTOCOL, "Delta Log Entries".
pub(super) fn commit_file(folder: &Path, version: u64) -> PathBuf {
    folder.join("_delta_log").join(format!("{version:020}.json"))
}

/// One commit; none when the log has it no more.
///
/// # Errors
/// When its file can't be read.
pub fn commit(folder: &Path, version: u64) -> std::io::Result<Option<Commit>> {
    let path = commit_file(folder, version);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut found = Commit { version, made_ms: 0, info: Value::Null, metadata: None, replaces_rows: false };
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let action: Value = serde_json::from_str(line)?;
        found.replaces_rows |= action.get("remove").is_some() || action.get("cdc").is_some();
        if let Some(info) = action.get("commitInfo") {
            found.info = info.clone();
        }
        if let Some(metadata) = action.get("metaData") {
            found.metadata = Some(read_metadata(metadata)?);
        }
    }
    let said = ["inCommitTimestamp", "timestamp"].iter().find_map(|key| found.info.get(key)?.as_i64());
    found.made_ms = match said {
        Some(ms) => ms,
        None => written_ms(&path)?,
    };
    Ok(Some(found))
}

fn written_ms(path: &Path) -> std::io::Result<i64> {
    let since = std::fs::metadata(path)?.modified()?.duration_since(SystemTime::UNIX_EPOCH);
    Ok(since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
}

fn read_metadata(metadata: &Value) -> std::io::Result<Metadata> {
    let broken = || std::io::Error::new(std::io::ErrorKind::InvalidData, "the metadata of the table is unreadable");
    let schema = metadata.get("schemaString").and_then(Value::as_str).ok_or_else(broken)?;
    let schema: Value = serde_json::from_str(schema)?;
    let has_feed = metadata.get("configuration").and_then(|c| c.get("delta.enableChangeDataFeed"));
    let has_feed = has_feed.and_then(Value::as_str).is_some_and(|on| on.eq_ignore_ascii_case("true"));
    Ok(Metadata { columns: columns(&schema).ok_or_else(broken)?, has_feed })
}

/// The columns of a schema as the log writes it. Comments are no part of it.
fn columns(schema: &Value) -> Option<BTreeMap<String, String>> {
    let fields = schema.get("fields")?.as_array()?.iter();
    fields.map(|field| Some((field.get("name")?.as_str()?.to_owned(), shape(field.get("type")?).to_string()))).collect()
}

/// A type without what does not change its values: comments, and whether there may be NULLs.
fn shape(data_type: &Value) -> Value {
    match data_type {
        Value::Object(parts) => {
            let kept =
                parts.iter().filter(|(key, _)| !matches!(key.as_str(), "metadata" | "nullable" | "containsNull"));
            Value::Object(kept.map(|(key, value)| (key.clone(), shape(value))).collect())
        }
        Value::Array(parts) => Value::Array(parts.iter().map(shape).collect()),
        other => other.clone(),
    }
}

/// The oldest version that the log can still tell: the first, or the first checkpoint that all commits follow.
///
/// # Errors
/// When the log can't be read.
pub fn oldest(folder: &Path, newest: u64) -> std::io::Result<u64> {
    let (mut commits, mut checkpoints) = (BTreeSet::new(), BTreeSet::new());
    for entry in std::fs::read_dir(folder.join("_delta_log"))? {
        let name = entry?.file_name();
        let Some((number, rest)) = name.to_str().and_then(|name| name.split_once('.')) else { continue };
        let Ok(version) = number.parse::<u64>() else { continue };
        match rest {
            "json" => commits.insert(version),
            rest if rest.starts_with("checkpoint") => checkpoints.insert(version),
            _ => continue,
        };
    }
    let mut from = newest;
    while from > 0 && commits.contains(&from) {
        from -= 1;
    }
    if from == 0 && commits.contains(&0) {
        return Ok(0);
    }
    Ok(checkpoints.range(from..).next().copied().unwrap_or(newest))
}

/// Checks that a version can be read.
///
/// # Errors
/// `NoVersion`.
pub fn require_version(folder: &Path, asked: u64, newest: u64) -> Result<(), PastError> {
    let oldest = oldest(folder, newest)?;
    if (oldest..=newest).contains(&asked) { Ok(()) } else { Err(PastError::NoVersion { asked, oldest, newest }) }
}

/// The newest version that was made at a time or before.
///
/// # Errors
/// `TooEarly`.
pub fn version_at(folder: &Path, newest: u64, ms: i64) -> Result<u64, PastError> {
    let oldest = oldest(folder, newest)?;
    for version in (oldest..=newest).rev() {
        // A checkpoint may have outlived its commit, and then nothing says when that was.
        let Some(commit) = commit(folder, version)? else { break };
        if commit.made_ms <= ms {
            return Ok(version);
        }
    }
    Err(PastError::TooEarly { oldest })
}

/// The oldest version that was made at a time or after; the one after the newest when there is none.
///
/// # Errors
/// `Unreadable`.
pub fn version_from(folder: &Path, newest: u64, ms: i64) -> Result<u64, PastError> {
    let oldest = oldest(folder, newest)?;
    let mut from = newest.saturating_add(1);
    for version in (oldest..=newest).rev() {
        match commit(folder, version)? {
            Some(commit) if commit.made_ms >= ms => from = version,
            _ => break,
        }
    }
    Ok(from)
}

/// Which columns of an old version are the columns of those names still: there under one name and type in every version since.
/// None at all when a commit since then is gone, so that nothing tells.
///
/// # Errors
/// When a commit can't be read.
pub fn kept_columns(folder: &Path, old: &Metadata, since: u64, newest: u64) -> std::io::Result<BTreeSet<String>> {
    let mut kept = old.columns.clone();
    for version in since.saturating_add(1)..=newest {
        let Some(commit) = commit(folder, version)? else { return Ok(BTreeSet::new()) };
        if let Some(metadata) = commit.metadata {
            kept.retain(|name, data_type| metadata.columns.get(name) == Some(data_type));
        }
    }
    Ok(kept.into_keys().collect())
}

impl Metadata {
    /// The metadata of an opened version.
    ///
    /// # Errors
    /// When the schema can't be written down.
    pub fn of(table: &deltalake::DeltaTable) -> std::io::Result<Self> {
        let fault = |error: &dyn std::fmt::Display| std::io::Error::other(error.to_string());
        let state = table.snapshot().map_err(|error| fault(&error))?;
        let schema = serde_json::to_value(state.schema())?;
        let columns = columns(&schema).ok_or_else(|| fault(&"the schema has no columns"))?;
        let on = state.metadata().configuration().get("delta.enableChangeDataFeed");
        Ok(Self { columns, has_feed: on.is_some_and(|on| on.eq_ignore_ascii_case("true")) })
    }
}
