//! The store: the durable rows under the catalog.
//!
//! It owns the data folder's `store/` and `lock`, the bytes of keys and values, and one promise: when
//! [`Store::commit`] has returned, its rows are there after a crash of the process, of the machine or of the power, all of
//! them; until then either all of them or none. It does not know what the rows mean.
//!
//! One process has a folder at a time, one write happens at a time, and after a write that failed there are no more: what
//! is on disk is then known only to who opens it anew. Reads go on. They see what is written before it is durable, so the
//! catalog reads when it starts and answers from memory.
//!
//! **Shape.** `lock` (the process that has the folder) and `store/` (sled: `db` the log, `conf`, `snap.*`, and `blobs/`,
//! which must be empty; and our `mark`). The rows `Meta(Format)` and `Meta(Ledger)` are in every store.

use std::fmt;
use std::fs::{DirBuilder, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use self::core::{Core, Writer};
use self::engine::Engine;
use self::ledger::Ledger;
use self::lock::FolderLock;

pub mod change;
pub mod codec;
mod core;
mod disk;
mod engine;
mod error;
pub mod keys;
mod ledger;
mod lock;
mod mark;
mod row;
mod rows;
mod scan;

#[cfg(test)]
mod tests;

pub use disk::{Disk, RealDisk};
pub use error::StoreError;
pub use keys::{Family, Key, MetaRow};
pub use rows::Rows;
pub use scan::Scan;

/// The format that this version writes. A store of an older one is read too, and is of this one once it was opened: an older
/// version, which knows nothing of column grants and of the change log, opens it no more.
const FORMAT: u32 = 2;
/// The oldest format that this version reads.
const OLDEST_FORMAT: u32 = 1;

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// How much memory the engine may keep pages in, in bytes. Only changes and the logs are read from it once the catalog
    /// is open. It keeps some sixteen thousand pages in any case.
    pub cache_bytes: u64,
    /// How long a row of [`Store::append_relaxed`] may stay undurable, in milliseconds.
    pub relaxed_ms: u64,
    /// What keeps files over a power cut.
    pub disk: Arc<dyn Disk>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { cache_bytes: 16 * 1024 * 1024, relaxed_ms: 1_000, disk: Arc::new(RealDisk) }
    }
}

/// An open store. See the module for what it promises.
pub struct Store {
    // The fields fall in this order: the timer ends, the engine closes, the lock is lifted.
    timer: Option<Timer>,
    core: Arc<Core>,
    _lock: FolderLock,
}

impl Store {
    /// Opens the store in the data folder `dir`; creates both, for the owner of the process only, when they are absent.
    ///
    /// # Errors
    /// `Locked` when the folder is in use; `Format` or `Foreign` when it holds something else than a store that this
    /// version reads; `Lost` when rows that were durable are gone; `Engine`, `Panicked`, `Corrupt` or `Io` when what it holds cannot be read.
    pub fn open(dir: &Path, options: &OpenOptions) -> Result<Self, StoreError> {
        create_folder(dir, options.disk.as_ref())?;
        let lock = FolderLock::take(dir)?;
        let folder = dir.join("store");
        create_folder(&folder, options.disk.as_ref())?;
        let engine = Engine::open(&folder, options.cache_bytes)?;
        let log_path = folder.join("db");
        let core = Core {
            engine,
            disk: Arc::clone(&options.disk),
            log: File::options().read(true).write(true).open(&log_path).map_err(StoreError::io(&log_path))?,
            log_path,
            folder: folder.clone(),
            writer: Mutex::new(Writer::new()),
            rows: RwLock::new(()),
            blobs_seen: AtomicBool::new(false),
        };
        core.watch_blobs();
        settle_ledger(&core, dir)?;
        settle_format(&core, dir)?;
        keep_opened(&core, dir, &folder)?;
        core.keep_written()?;
        let core = Arc::new(core);
        let timer = Timer::start(Arc::clone(&core), Duration::from_millis(options.relaxed_ms))?;
        Ok(Self { timer: Some(timer), core, _lock: lock })
    }

    /// The value under a key.
    ///
    /// # Errors
    /// `Corrupt` when the row is damaged, `Engine` or `Panicked` when it cannot be read.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.core.get(key)
    }

    /// The rows whose keys begin with `prefix`, in key order. Not a snapshot; each row is whole. It ends after an error.
    ///
    /// When the prefix is that of a family and the walk goes to its end with no write meanwhile, the rows are compared with
    /// the store's own account: when some have vanished or gone back to an older value, the last item is `Altered`. So a
    /// family is to be read to its end before its rows are believed.
    pub fn scan_prefix(&self, prefix: &[u8]) -> Scan<'_> {
        Scan::forwards(&self.core, prefix)
    }

    /// As [`Store::scan_prefix`], from the last key to the first, beginning with the one before `before` when given: the
    /// last audit record, or a page of them, newest first.
    pub fn scan_prefix_back(&self, prefix: &[u8], before: Option<&[u8]>) -> Scan<'_> {
        Scan::backwards(&self.core, prefix, before)
    }

    /// Writes the rows, all or none, and returns when they, and all rows written before, are durable.
    ///
    /// # Errors
    /// `Refused` when a key or value is one that the store does not take: nothing was written. `Stopped` when a write
    /// failed before. Any other: this write failed, its rows may or may not be there, and the store has stopped.
    pub fn commit(&self, rows: &Rows) -> Result<(), StoreError> {
        self.core.write(rows, true)
    }

    /// Writes the rows, all or none, and does not wait until they are durable: the next commit makes them so, or the timer
    /// (see [`OpenOptions::relaxed_ms`]), or the store when it closes. A crash before that loses them.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn append_relaxed(&self, rows: &Rows) -> Result<(), StoreError> {
        self.core.write(rows, false)
    }

    /// Whether a write has failed, so that no more are taken.
    pub fn is_stopped(&self) -> bool {
        self.core.writer.lock().stopped
    }

    /// Closes the store. Dropping it does the same and logs the error.
    ///
    /// # Errors
    /// When rows of [`Store::append_relaxed`] could not be made durable, or the mark could not be written.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.finish()
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        match self.timer.take() {
            Some(timer) => {
                timer.end();
                self.core.keep_written()
            }
            None => Ok(()),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            tracing::error!(%error, "the store could not keep its last rows or its mark");
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("log", &self.core.log_path).finish_non_exhaustive()
    }
}

/// Reads what the store holds and compares it with the mark.
fn settle_ledger(core: &Core, dir: &Path) -> Result<(), StoreError> {
    let key = Key::Meta(MetaRow::Ledger).bytes();
    let ledger = match core.get(&key)? {
        Some(value) => Ledger::decode(&value).ok_or(StoreError::Corrupt { key })?,
        None => Ledger::default(),
    };
    let marked = mark::read(&core.folder)?.unwrap_or(0);
    if ledger.writes < marked {
        return Err(StoreError::Lost { folder: dir.to_path_buf(), found: ledger.writes, marked });
    }
    let mut writer = core.writer.lock();
    writer.ledger = ledger;
    writer.marked = marked;
    Ok(())
}

/// Checks the format; writes it into an empty store and into one of an older format.
fn settle_format(core: &Core, dir: &Path) -> Result<(), StoreError> {
    let folder = || dir.to_path_buf();
    let key = Key::Meta(MetaRow::Format).bytes();
    match core.get(&key)? {
        Some(value) => {
            let found =
                value.try_into().map(u32::from_be_bytes).map_err(|_| StoreError::Foreign { folder: folder() })?;
            match found {
                FORMAT => Ok(()),
                OLDEST_FORMAT..FORMAT => write_format(core, key),
                _ => Err(StoreError::Format { folder: folder(), found, expected: FORMAT }),
            }
        }
        None if core.engine.range(&[], &[0xff, 0xff])?.step(false)?.is_some() => {
            Err(StoreError::Foreign { folder: folder() })
        }
        None => write_format(core, key),
    }
}

fn write_format(core: &Core, key: Vec<u8>) -> Result<(), StoreError> {
    let mut rows = Rows::new();
    rows.put(key, FORMAT.to_be_bytes());
    core.write(&rows, true)
}

/// Makes durable what opening has written: the files of a new store, or what recovery has repaired, and their names.
fn keep_opened(core: &Core, dir: &Path, folder: &Path) -> Result<(), StoreError> {
    core.sync()?;
    let conf = folder.join("conf");
    let file = File::options().read(true).write(true).open(&conf).map_err(StoreError::io(&conf))?;
    core.disk.keep_file(&conf, &file).map_err(StoreError::io(&conf))?;
    for folder in [folder, dir] {
        core.disk.keep_folder(folder).map_err(StoreError::io(folder))?;
    }
    Ok(())
}

/// Creates the folder and those above it, with their names kept, for the owner of the process only.
fn create_folder(folder: &Path, disk: &dyn Disk) -> Result<(), StoreError> {
    let absent: Vec<PathBuf> = folder.ancestors().take_while(|above| !above.exists()).map(Path::to_path_buf).collect();
    for folder in absent.iter().rev().filter(|folder| !folder.as_os_str().is_empty()) {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(folder) {
            Err(source) if source.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(StoreError::Io { path: folder.clone(), source });
            }
            _ => {}
        }
        let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        disk.keep_folder(above).map_err(StoreError::io(above))?;
    }
    Ok(())
}

/// The thread that makes relaxed rows durable.
struct Timer {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Timer {
    fn start(core: Arc<Core>, every: Duration) -> Result<Self, StoreError> {
        let (stop, stopped) = channel::<()>();
        let path = core.log_path.clone();
        let ticks = move || {
            while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                core.tick();
            }
        };
        let thread =
            std::thread::Builder::new().name("store-timer".to_owned()).spawn(ticks).map_err(StoreError::io(path))?;
        Ok(Self { stop, thread })
    }

    fn end(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the timer of the store panicked");
        }
    }
}
