//! Reading and writing rows over the engine: chunks, the one writer, and when what was written is durable.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard, RwLock};

use super::engine::{Engine, guarded};
use super::row::{self, Head};
use super::{Disk, Rows, StoreError};

const STUCK: Duration = Duration::from_secs(10);

/// The open store without its lock and its timer.
#[derive(Debug)]
pub(super) struct Core {
    pub engine: Engine,
    pub disk: Arc<dyn Disk>,
    /// The engine's log, opened a second time to sync it.
    pub log: File,
    pub log_path: PathBuf,
    /// Where the engine puts what is never synced; empty as long as rows are short.
    pub blobs: PathBuf,
    pub writer: Mutex<Writer>,
    /// Held alone while a batch is applied, so that a reader never joins the head of one value to the chunks of another.
    pub rows: RwLock<()>,
    pub blobs_seen: AtomicBool,
}

/// The state of the one writer.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// A write failed: what is on disk is not known.
    pub stopped: bool,
    /// Rows were written that no sync has covered.
    pub dirty: bool,
}

impl Core {
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let _shared = self.rows.read();
        self.get_joined(key)
    }

    /// As `get`, for who holds `rows` already.
    pub fn get_joined(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(raw) = self.engine.get(key)? else {
            return Ok(None);
        };
        Head::parse(key, &raw)?
            .join(key, |chunk| self.engine.get(chunk))
            .map(Some)
    }

    /// Writes the rows; with `durable` they, and all before them, are kept when it returns.
    pub fn write(&self, rows: &Rows, durable: bool) -> Result<(), StoreError> {
        rows.check()?;
        let mut writer = self.running()?;
        let done = self
            .apply(rows)
            .and_then(|()| if durable { self.sync() } else { Ok(()) });
        self.settle(&mut writer, done, !durable)
    }

    /// Makes durable what was written without; does nothing when there is nothing, or the store has stopped.
    pub fn keep_written(&self) -> Result<(), StoreError> {
        let mut writer = self.writer.lock();
        self.keep_dirty(&mut writer)
    }

    /// What the timer does: `keep_written`, and a cry when one write holds the store for too long.
    pub fn tick(&self) {
        let Some(mut writer) = self.writer.try_lock_for(STUCK) else {
            tracing::error!(
                "a write has held the store for more than {} seconds",
                STUCK.as_secs()
            );
            return;
        };
        // A failure stops the store and is logged there; the next commit tells its caller.
        let _ = self.keep_dirty(&mut writer);
    }

    fn keep_dirty(&self, writer: &mut Writer) -> Result<(), StoreError> {
        if !writer.dirty || writer.stopped {
            return Ok(());
        }
        let done = self.sync();
        self.settle(writer, done, false)
    }

    fn running(&self) -> Result<MutexGuard<'_, Writer>, StoreError> {
        let writer = self.writer.lock();
        if writer.stopped {
            Err(StoreError::Stopped)
        } else {
            Ok(writer)
        }
    }

    fn settle(
        &self,
        writer: &mut Writer,
        done: Result<(), StoreError>,
        dirty: bool,
    ) -> Result<(), StoreError> {
        match &done {
            Ok(()) => writer.dirty = dirty,
            Err(error) => {
                writer.stopped = true;
                tracing::error!(%error, "a write failed: the store takes no more writes until it is opened anew");
            }
        }
        done
    }

    fn apply(&self, rows: &Rows) -> Result<(), StoreError> {
        let mut writes = Vec::with_capacity(rows.len());
        for (key, value) in rows.iter() {
            let stale = self.chunks_of(key)?;
            let fresh = match value {
                Some(value) => {
                    let (head, chunks) = row::split(key, value);
                    let fresh = u16::try_from(chunks.len()).unwrap_or(u16::MAX);
                    writes.push((key.to_vec(), Some(head)));
                    writes.extend(
                        chunks
                            .into_iter()
                            .map(|(key, part)| (key, Some(part.to_vec()))),
                    );
                    fresh
                }
                None => {
                    writes.push((key.to_vec(), None));
                    0
                }
            };
            writes.extend((fresh..stale).map(|index| (row::chunk_key(key, index), None)));
        }
        let _alone = self.rows.write();
        self.engine.apply(writes)
    }

    fn chunks_of(&self, key: &[u8]) -> Result<u16, StoreError> {
        let Some(raw) = self.engine.get(key)? else {
            return Ok(0);
        };
        Ok(Head::parse(key, &raw)?.chunks)
    }

    /// Makes durable all that was applied. `flush` alone hands it to the kernel, which loses it when the power goes.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.engine.flush()?;
        guarded(|| {
            self.disk
                .keep_file(&self.log_path, &self.log)
                .map_err(StoreError::io(&self.log_path))
        })?;
        self.watch_blobs();
        Ok(())
    }

    /// Cries, once, when the engine has put rows where no sync reaches them.
    pub fn watch_blobs(&self) {
        let found =
            std::fs::read_dir(&self.blobs).is_ok_and(|mut entries| entries.next().is_some());
        if found && !self.blobs_seen.swap(true, Ordering::Relaxed) {
            tracing::error!(
                folder = %self.blobs.display(),
                "the store has rows in files that are never synced: a power cut may lose them; \
                 make a backup, restore it into a new folder, and report this"
            );
        }
    }
}
