//! sled, and nothing else: every call of it is in this file, so that another engine can take its place.
//!
//! Facts that shape it, all reproduced with sled 0.34.7: opening a torn store panics instead of failing; `flush` reaches
//! the kernel but not the disk; `flush_async` hangs under load; a closed store keeps its own lock for a moment while its
//! threads end. A panic anywhere in it becomes an error here.

use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use super::StoreError;

const UNLOCK_WAIT: Duration = Duration::from_secs(3);
const UNLOCK_POLL: Duration = Duration::from_millis(20);

/// Bytes of the engine, which are shared and not copied.
pub(super) type Bytes = sled::IVec;
/// One row of the engine, as it lies there.
pub(super) type RawRow = (Bytes, Bytes);

/// The engine: ordered rows, one atomic batch at a time.
#[derive(Debug)]
pub(super) struct Engine {
    db: Option<sled::Db>,
}

impl Engine {
    /// Opens or creates the engine's files in `folder`, which the caller has locked.
    ///
    /// # Errors
    /// `Engine` or `Panicked` when the files cannot be read.
    pub fn open(folder: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        let config = sled::Config::new()
            .path(folder)
            .mode(sled::Mode::LowSpace)
            .cache_capacity(cache_bytes)
            .flush_every_ms(None);
        let until = Instant::now() + UNLOCK_WAIT;
        loop {
            match guarded(|| Ok(config.open()?)) {
                Ok(db) => return Ok(Self { db: Some(db) }),
                Err(StoreError::Engine(error)) if is_still_closing(&error) && Instant::now() < until => {
                    std::thread::sleep(UNLOCK_POLL);
                }
                Err(error) => return Err(error),
            }
        }
    }

    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        guarded(|| Ok(self.db()?.get(key)?.map(|value| value.to_vec())))
    }

    /// Writes all or none of the rows, when the process lives; `None` removes. Not durable before `flush` and a sync.
    pub fn apply(&self, writes: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for (key, value) in writes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        guarded(|| Ok(self.db()?.apply_batch(batch)?))
    }

    /// Hands all that was applied to the kernel.
    pub fn flush(&self) -> Result<(), StoreError> {
        guarded(|| Ok(self.db()?.flush().map(drop)?))
    }

    /// The rows from `from` (which may be there) up to `to` (which is not among them), readable from both ends.
    pub fn range(&self, from: &[u8], to: &[u8]) -> Result<RawScan, StoreError> {
        let bounds = (Bound::Included(from.to_vec()), Bound::Excluded(to.to_vec()));
        guarded(|| Ok(RawScan { rows: self.db()?.range(bounds) }))
    }

    fn db(&self) -> Result<&sled::Db, StoreError> {
        self.db.as_ref().ok_or(StoreError::Stopped)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let db = self.db.take();
        if let Err(error) = guarded(|| {
            drop(db);
            Ok(())
        }) {
            tracing::error!(%error, "the store did not close cleanly");
        }
    }
}

/// A walk over the engine's rows.
pub(super) struct RawScan {
    rows: sled::Iter,
}

impl RawScan {
    pub fn step(&mut self, backwards: bool) -> Result<Option<RawRow>, StoreError> {
        guarded(|| {
            let row = if backwards { self.rows.next_back() } else { self.rows.next() };
            Ok(row.transpose()?)
        })
    }
}

/// Runs `act`; a panic in it becomes an error.
pub(super) fn guarded<T>(act: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(StoreError::Panicked(text.unwrap_or_else(|| "it panicked".to_owned())))
    })
}

fn is_still_closing(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("could not acquire lock"))
}
