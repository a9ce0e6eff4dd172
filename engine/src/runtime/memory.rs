//! The memory of one query, out of the memory of all.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// What marks an error as one of the memory of all queries.
pub(super) const TOTAL: &str = "the memory of all statements is used up";
const OWN: &str = "the memory of the statement is used up";

/// The memory that all queries draw from.
#[derive(Debug)]
pub struct TotalMemory {
    used: AtomicUsize,
    most: usize,
}

impl TotalMemory {
    /// This many bytes.
    pub fn new(most: usize) -> Self {
        Self { used: AtomicUsize::new(0), most }
    }

    /// What all queries hold now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> bool {
        let grown = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.most);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown).is_ok()
    }

    fn take_anyway(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The pool of one query: fair among its operators, and no more than is left of the total. Its errors name no operator and no size, since
/// some operators are below a seal.
#[derive(Debug)]
pub struct QueryMemory {
    own: FairSpillPool,
    total: Arc<TotalMemory>,
}

impl QueryMemory {
    /// A pool of this many bytes.
    pub fn new(most: usize, total: Arc<TotalMemory>) -> Self {
        Self { own: FairSpillPool::new(most), total }
    }
}

impl fmt::Display for QueryMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl MemoryPool for QueryMemory {
    fn name(&self) -> &str {
        "query"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.own.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.own.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.own.grow(reservation, additional);
        self.total.take_anyway(additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.own.shrink(reservation, shrink);
        self.total.give_back(shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let full = |words: &str| DataFusionError::ResourcesExhausted(words.to_owned());
        self.own.try_grow(reservation, additional).map_err(|_| full(OWN))?;
        if self.total.take(additional) {
            return Ok(());
        }
        self.own.shrink(reservation, additional);
        Err(full(TOTAL))
    }

    fn reserved(&self) -> usize {
        self.own.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.own.memory_limit()
    }
}
