//! How many statements ended before their time, and why. Numbers only: nothing a caller wrote.

use std::sync::atomic::{AtomicU64, Ordering};

use super::limits::LimitError;

/// Counts since the engine started.
#[derive(Debug, Default)]
pub struct Counts {
    turned_away: AtomicU64,
    timed_out: AtomicU64,
    cpu_time: AtomicU64,
    cancelled: AtomicU64,
    out_of_memory: AtomicU64,
    other: AtomicU64,
}

impl Counts {
    /// A statement ended by this limit.
    pub fn add(&self, why: &LimitError) {
        let count = match why {
            LimitError::Busy | LimitError::QueueFull(_) => &self.turned_away,
            LimitError::TimedOut(_) => &self.timed_out,
            LimitError::CpuTime(_) => &self.cpu_time,
            LimitError::Cancelled => &self.cancelled,
            LimitError::Memory | LimitError::TotalMemory | LimitError::Spill => &self.out_of_memory,
            LimitError::TooManyRows(_) | LimitError::Function(_) | LimitError::Complexity(_) => &self.other,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Each reason with its count.
    pub fn read(&self) -> [(&'static str, u64); 6] {
        let all = [
            ("turned_away", &self.turned_away),
            ("timed_out", &self.timed_out),
            ("cpu_time", &self.cpu_time),
            ("cancelled", &self.cancelled),
            ("out_of_memory", &self.out_of_memory),
            ("other_limit", &self.other),
        ];
        all.map(|(reason, count)| (reason, count.load(Ordering::Relaxed)))
    }
}
