//! Reading and writing rows over the engine: chunks, the one writer, and when what was written is durable.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard, RwLock};

use super::engine::{Engine, guarded};
use super::ledger::Ledger;
use super::row::{self, Head, Parts};
use super::{Disk, Key, MetaRow, Rows, StoreError, mark};

/// Where the engine puts what is never synced; empty as long as rows are short.
const BLOBS: &str = "blobs";
const STUCK: Duration = Duration::from_secs(10);
const MARK_EVERY: Duration = Duration::from_secs(10);

/// The open store without its lock and its timer.
#[derive(Debug)]
pub(super) struct Core {
    pub engine: Engine,
    pub disk: Arc<dyn Disk>,
    /// The engine's log, opened a second time to sync it.
    pub log: File,
    pub log_path: PathBuf,
    /// The engine's folder.
    pub folder: PathBuf,
    pub writer: Mutex<Writer>,
    /// Held alone while a batch is applied, so that a reader never joins the head of one value to the chunks of another.
    pub rows: RwLock<()>,
    pub blobs_seen: AtomicBool,
}

/// The state of the one writer.
#[derive(Debug)]
pub(super) struct Writer {
    /// A write failed: what is on disk is not known.
    pub stopped: bool,
    /// Rows were written that no sync has covered.
    pub dirty: bool,
    /// What the store holds.
    pub ledger: Ledger,
    /// How many writes the mark says.
    pub marked: u64,
    /// When it was put there.
    pub marked_at: Instant,
}

impl Writer {
    pub fn new() -> Self {
        Self { stopped: false, dirty: false, ledger: Ledger::default(), marked: 0, marked_at: Instant::now() }
    }
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
        Head::parse(key, &raw)?.join(key, |chunk| self.engine.get(chunk)).map(Some)
    }

    /// Writes the rows; with `durable` they, and all before them, are kept when it returns.
    pub fn write(&self, rows: &Rows, durable: bool) -> Result<(), StoreError> {
        rows.check()?;
        let mut writer = self.running()?;
        let done = self.apply(rows, &mut writer.ledger).and_then(|()| if durable { self.sync() } else { Ok(()) });
        self.settle(&mut writer, done, !durable)
    }

    /// Makes durable what was written without, and marks it; does nothing when the store has stopped.
    pub fn keep_written(&self) -> Result<(), StoreError> {
        let mut writer = self.writer.lock();
        self.keep_dirty(&mut writer)?;
        self.mark(writer)
    }

    /// What the timer does: what `keep_written` does, and a cry when one write holds the store for too long.
    pub fn tick(&self) {
        let Some(mut writer) = self.writer.try_lock_for(STUCK) else {
            tracing::error!("a write has held the store for more than {} seconds", STUCK.as_secs());
            return;
        };
        // A failure stops the store and is logged there; the next commit tells its caller.
        let kept = self.keep_dirty(&mut writer).is_ok();
        if kept
            && writer.marked_at.elapsed() >= MARK_EVERY
            && let Err(error) = self.mark(writer)
        {
            tracing::error!(%error, "the mark of the store could not be written");
        }
    }

    /// Marks what is durable. The writer goes on meanwhile.
    fn mark(&self, mut writer: MutexGuard<'_, Writer>) -> Result<(), StoreError> {
        let count = writer.ledger.writes;
        if writer.stopped || writer.dirty || writer.marked == count {
            return Ok(());
        }
        writer.marked_at = Instant::now();
        drop(writer);
        guarded(|| mark::write(&self.folder, self.disk.as_ref(), count))?;
        self.writer.lock().marked = count;
        Ok(())
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
        if writer.stopped { Err(StoreError::Stopped) } else { Ok(writer) }
    }

    fn settle(&self, writer: &mut Writer, done: Result<(), StoreError>, dirty: bool) -> Result<(), StoreError> {
        match &done {
            Ok(()) => writer.dirty = dirty,
            Err(error) => {
                writer.stopped = true;
                tracing::error!(%error, "a write failed: the store takes no more writes until it is opened anew");
            }
        }
        done
    }

    fn apply(&self, rows: &Rows, ledger: &mut Ledger) -> Result<(), StoreError> {
        let mut writes = Vec::with_capacity(rows.len() + 1);
        for (key, value) in rows.iter() {
            self.stage(key, value, ledger, &mut writes)?;
        }
        ledger.writes += 1;
        let key = Key::Meta(MetaRow::Ledger).bytes();
        self.stage(&key, Some(&ledger.encode()), ledger, &mut writes)?;
        let _alone = self.rows.write();
        self.engine.apply(writes)
    }

    /// Adds the engine rows of one row, and the removal of chunks that the row had and has no more.
    fn stage(
        &self,
        key: &[u8],
        value: Option<&[u8]>,
        ledger: &mut Ledger,
        writes: &mut Vec<(Vec<u8>, Option<Vec<u8>>)>,
    ) -> Result<(), StoreError> {
        let old = self.engine.get(key)?;
        let old = old.as_deref().map(|raw| Head::parse(key, raw)).transpose()?;
        let mut fresh = 0;
        let mut new = None;
        if let Some(value) = value {
            let Parts { head, chunks, crc } = row::split(key, value);
            fresh = u16::try_from(chunks.len()).unwrap_or(u16::MAX);
            new = Some(crc);
            writes.push((key.to_vec(), Some(head)));
            writes.extend(chunks.into_iter().map(|(key, part)| (key, Some(part.to_vec()))));
        } else {
            writes.push((key.to_vec(), None));
        }
        let stale = old.as_ref().map_or(0, |head| head.chunks);
        writes.extend((fresh..stale).map(|index| (row::chunk_key(key, index), None)));
        ledger.enter(key, old.map(|head| head.crc), new);
        Ok(())
    }

    /// Makes durable all that was applied. `flush` alone hands it to the kernel, which loses it when the power goes.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.engine.flush()?;
        guarded(|| self.disk.keep_file(&self.log_path, &self.log).map_err(StoreError::io(&self.log_path)))?;
        self.watch_blobs();
        Ok(())
    }

    /// Cries, once, when the engine has put rows where no sync reaches them.
    pub fn watch_blobs(&self) {
        let found = std::fs::read_dir(self.folder.join(BLOBS)).is_ok_and(|mut entries| entries.next().is_some());
        if found && !self.blobs_seen.swap(true, Ordering::Relaxed) {
            tracing::error!(
                folder = %self.folder.join(BLOBS).display(),
                "the store has rows in files that are never synced: a power cut may lose them; \
                 make a backup, restore it into a new folder, and report this"
            );
        }
    }
}
