//! Time and ids, injected so that tests can hold them still.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// Where the time and new ids come from.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970 (UTC).
    fn now_ms(&self) -> i64;
    /// A new id, in rising order.
    fn new_id(&self) -> Uuid;
}

/// The time of the machine and UUIDv7.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the home of the time")]
    fn now_ms(&self) -> i64 {
        chrono::Utc::now().timestamp_millis()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the home of new ids")]
    fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// A clock for tests: it starts at a given time, and every reading is one millisecond later.
#[derive(Debug)]
pub struct StepClock {
    next: AtomicU64,
}

impl StepClock {
    /// A clock that starts at `start_ms`.
    pub fn starting_at(start_ms: u64) -> Arc<Self> {
        Arc::new(Self { next: AtomicU64::new(start_ms) })
    }
}

impl Clock for StepClock {
    fn now_ms(&self) -> i64 {
        i64::try_from(self.next.fetch_add(1, Ordering::Relaxed)).unwrap_or(i64::MAX)
    }

    fn new_id(&self) -> Uuid {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        Uuid::from_u128((u128::from(n) << 80) | 0x7000_8000_0000_0000_0000)
    }
}
