//! The bounds of a query.

use std::path::PathBuf;
use std::time::Duration;

use datafusion::error::DataFusionError;

/// What one query may use, and how many may run.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Memory that the operators of one query may hold. What doesn't fit is spilled, or the query fails.
    pub memory_bytes: usize,
    /// Disk that one query may spill to.
    pub spill_bytes: u64,
    /// Where to spill; `None` for the system's folder for temporary files.
    pub spill_dir: Option<PathBuf>,
    /// Time from the start of planning to the last row.
    pub timeout: Duration,
    /// Rows that one query may return.
    pub result_rows: u64,
    /// Queries that run at once.
    pub concurrent: usize,
    /// Queries of one principal that run at once.
    pub concurrent_per_principal: usize,
    /// How long a query may wait for its turn.
    pub queue_timeout: Duration,
    /// Threads for queries, and the parts that a plan is split into.
    pub threads: usize,
    /// Stack of each of these threads. Planning recurses into expressions.
    pub stack_bytes: usize,
    /// Rows of a batch.
    pub batch_rows: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 1 << 30,
            spill_bytes: 10 << 30,
            spill_dir: None,
            timeout: Duration::from_secs(300),
            result_rows: 10_000_000,
            concurrent: 32,
            concurrent_per_principal: 8,
            queue_timeout: Duration::from_secs(30),
            threads: std::thread::available_parallelism().map_or(4, usize::from),
            stack_bytes: 64 << 20,
            batch_rows: 8192,
        }
    }
}

/// Why a query was ended or not let in. Full memory and full spill space come as DataFusion's `ResourcesExhausted`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// The query took too long.
    #[error("the query was ended after {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// The result has more rows than a result may have.
    #[error("the result has more than {0} rows: narrow it, or add a LIMIT")]
    TooManyRows(u64),
    /// No turn came in time.
    #[error("too many queries are running: try again later")]
    Busy,
}

impl LimitError {
    /// Finds the limit in an error that DataFusion wrapped on the way up.
    pub fn find(error: &DataFusionError) -> Option<&Self> {
        match error.find_root() {
            DataFusionError::External(inner) => inner.downcast_ref(),
            _ => None,
        }
    }
}

impl From<LimitError> for DataFusionError {
    fn from(error: LimitError) -> Self {
        Self::External(Box::new(error))
    }
}
