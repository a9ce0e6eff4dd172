//! Snapshots of tables that were read lately, so that a statement reads only what was committed since.
//!
//! A snapshot is what the log says, the same for everybody: who may see what of it is decided by every statement anew. One is used again
//! only while the log still ends with the very commit that it was read at; anything else reads the log from its start.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use datafusion::execution::SessionState;
use deltalake::DeltaTable;
use parking_lot::Mutex;

use super::commits::commit_file;
use super::contained::{is_in_place, is_plain};
use super::open::{OpenError, OpenTable, open_table, provide, require_plain_log};

/// Snapshots that are kept. The one that was used longest ago goes first.
const MOST: usize = 256;

/// Snapshots of tables, by folder: the newest, and old versions by their number.
#[derive(Debug, Default)]
pub struct SnapshotCache {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    snapshots: HashMap<(PathBuf, Option<u64>), Snapshot>,
    uses: u64,
}

#[derive(Debug)]
struct Snapshot {
    table: DeltaTable,
    last: Commit,
    used: u64,
}

/// The commit that a snapshot ends with, and its file as it was then.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Commit {
    version: u64,
    modified: SystemTime,
    bytes: u64,
}

impl SnapshotCache {
    /// Opens a table at its newest version.
    ///
    /// # Errors
    /// As [`open_table`].
    pub async fn open(&self, location: &Path, system: &SessionState) -> Result<OpenTable, OpenError> {
        if is_in_place(location).is_ok_and(|in_place| !in_place) {
            return Err(OpenError::Linked);
        }
        if let Some(mut table) = self.still_true(location, None) {
            let next = table.version().map(|version| commit_file(location, version + 1));
            if next.is_some_and(|next| !next.exists()) {
                return provide(table, location, None, system);
            }
            require_plain_log(location)?;
            if table.update_state().await.is_ok() {
                self.keep(location, None, &table);
                return provide(table, location, None, system);
            }
        }
        let opened = open_table(location, None, system).await?;
        self.keep(location, None, &opened.table);
        Ok(opened)
    }

    /// Opens a table at an old version. All files of the version must be there still.
    ///
    /// # Errors
    /// As [`open_table`], and `Vacuumed`.
    pub async fn open_at(&self, location: &Path, version: u64, system: &SessionState) -> Result<OpenTable, OpenError> {
        if is_in_place(location).is_ok_and(|in_place| !in_place) {
            return Err(OpenError::Linked);
        }
        let opened = match self.still_true(location, Some(version)) {
            Some(table) => provide(table, location, Some(version), system)?,
            None => open_table(location, Some(version), system).await?,
        };
        require_files(&opened, location)?;
        self.keep(location, Some(version), &opened.table);
        Ok(opened)
    }

    /// The kept snapshot, when the commit that it ends with is still there as it was.
    fn still_true(&self, location: &Path, version: Option<u64>) -> Option<DeltaTable> {
        let key = (location.to_path_buf(), version);
        let mut kept = self.kept.lock();
        kept.uses += 1;
        let now = kept.uses;
        let snapshot = kept.snapshots.get_mut(&key)?;
        if commit(location, snapshot.last.version).as_ref() != Some(&snapshot.last) {
            kept.snapshots.remove(&key);
            return None;
        }
        snapshot.used = now;
        Some(snapshot.table.clone())
    }

    fn keep(&self, location: &Path, version: Option<u64>, table: &DeltaTable) {
        let Some(last) = table.version().and_then(|last| commit(location, last)) else { return };
        let mut kept = self.kept.lock();
        kept.uses += 1;
        let used = kept.uses;
        kept.snapshots.insert((location.to_path_buf(), version), Snapshot { table: table.clone(), last, used });
        if kept.snapshots.len() > MOST {
            let oldest = kept.snapshots.iter().min_by_key(|(_, s)| s.used).map(|(key, _)| key.clone());
            oldest.and_then(|key| kept.snapshots.remove(&key));
        }
    }
}

fn commit(location: &Path, version: u64) -> Option<Commit> {
    let file = std::fs::metadata(commit_file(location, version)).ok()?;
    Some(Commit { version, modified: file.modified().ok()?, bytes: file.len() })
}

/// Refuses a version some of whose files are gone. It is asked of old versions only: files of the newest are never taken away.
fn require_files(opened: &OpenTable, location: &Path) -> Result<(), OpenError> {
    let broken = |error: deltalake::DeltaTableError| OpenError::Broken(error.to_string(), Box::new(error));
    let state = opened.table.snapshot().map_err(broken)?;
    let mut plain_folders = HashSet::new();
    for file in state.log_data() {
        let path = location.join(file.object_store_path().as_ref());
        // What lies behind a link is not looked for: reading it is refused.
        if is_plain(&path, &mut plain_folders) && path.symlink_metadata().is_err() {
            return Err(OpenError::Vacuumed(opened.version));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;
    use datafusion::execution::SessionStateBuilder;

    use super::super::{ColumnMatch, Location, TableColumn, TableDefinition, append_batches, create_table};
    use super::*;

    fn session() -> SessionState {
        SessionStateBuilder::new().with_default_features().build()
    }

    async fn table(location: &Location) {
        let column = TableColumn { name: "a".to_owned(), data_type: DataType::Int64, nullable: true, comment: None };
        create_table(location, &TableDefinition { columns: vec![column], ..Default::default() }).await.unwrap();
    }

    async fn append(location: &Location, rows: i64) {
        let column: arrow::array::ArrayRef = std::sync::Arc::new(arrow::array::Int64Array::from_iter_values(0..rows));
        let batch = arrow::record_batch::RecordBatch::try_from_iter([("a", column)]).unwrap();
        append_batches(location, vec![batch], &ColumnMatch::Position, &session()).await.unwrap();
    }

    #[tokio::test]
    async fn what_others_commit_is_seen_by_the_next_statement() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::from_path(&folder.path().join("t")).unwrap();
        table(&location).await;
        let (cache, session) = (SnapshotCache::default(), session());
        assert_eq!(cache.open(location.path(), &session).await.unwrap().version, 0);
        assert_eq!(cache.open(location.path(), &session).await.unwrap().version, 0);
        append(&location, 3).await;
        append(&location, 4).await;
        assert_eq!(cache.open(location.path(), &session).await.unwrap().version, 2);
    }

    #[tokio::test]
    async fn another_table_in_the_same_folder_is_not_taken_for_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::from_path(&folder.path().join("t")).unwrap();
        table(&location).await;
        append(&location, 3).await;
        let (cache, session) = (SnapshotCache::default(), session());
        assert_eq!(cache.open(location.path(), &session).await.unwrap().version, 1);
        std::fs::remove_dir_all(location.path()).unwrap();
        assert!(matches!(cache.open(location.path(), &session).await, Err(OpenError::NotFound(..))));
        table(&location).await;
        assert_eq!(cache.open(location.path(), &session).await.unwrap().version, 0);
    }
}
