//! The bounds of a query.

use std::path::PathBuf;
use std::time::Duration;

use datafusion::error::DataFusionError;

use super::memory;

/// What one query may use, and how many may run.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Memory that the operators of one query may hold. What doesn't fit is spilled, or the query fails.
    pub memory_bytes: usize,
    /// Memory that all queries together may hold.
    pub total_memory_bytes: usize,
    /// Disk that one query may spill to.
    pub spill_bytes: u64,
    /// Where to spill; `None` for the system's folder for temporary files.
    pub spill_dir: Option<PathBuf>,
    /// Time from the start of planning to the last row.
    pub timeout: Duration,
    /// Time that the parts of one query may compute, added up over the threads. Waiting doesn't count.
    pub cpu_time: Duration,
    /// Rows that one query may return.
    pub result_rows: u64,
    /// Queries that run at once.
    pub concurrent: usize,
    /// Queries of one principal that run at once.
    pub concurrent_per_principal: usize,
    /// Queries of one principal that wait for a turn; more are turned away.
    pub waiting_per_principal: usize,
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
            total_memory_bytes: 4 << 30,
            spill_bytes: 10 << 30,
            spill_dir: None,
            timeout: Duration::from_secs(300),
            cpu_time: Duration::from_secs(1200),
            result_rows: 10_000_000,
            concurrent: 32,
            concurrent_per_principal: 8,
            waiting_per_principal: 100,
            queue_timeout: Duration::from_secs(30),
            threads: std::thread::available_parallelism().map_or(4, usize::from),
            stack_bytes: 64 << 20,
            batch_rows: 8192,
        }
    }
}

/// Why a query was ended or not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// The query took too long.
    #[error("the statement was stopped after {} s, the most that one statement may take", .0.as_secs_f32())]
    TimedOut(Duration),
    /// The query computed too long.
    #[error("the statement was stopped after {} s of CPU time, the most that one statement may use", .0.as_secs_f32())]
    CpuTime(Duration),
    /// Its caller cancelled the query, or went away.
    #[error("the statement was cancelled")]
    Cancelled,
    /// The result has more rows than a result may have.
    #[error("the result has more than {0} rows: narrow it, or add a LIMIT")]
    TooManyRows(u64),
    /// No turn came in time.
    #[error("too many queries are running: try again later")]
    Busy,
    /// Too many of the principal's queries wait for a turn.
    #[error("too many queries: {0} of yours wait for a turn already")]
    QueueFull(usize),
    /// The query needs more memory than it may have.
    #[error("the statement needs more memory than one statement may use")]
    Memory,
    /// All queries together need more memory than they may have.
    #[error("the memory for statements is used up by those that run: try again later")]
    TotalMemory,
    /// The query needs more disk than it may have.
    #[error("the statement needs more disk to spill to than one statement may use")]
    Spill,
    /// One call of a function takes too much. Its words quote nothing.
    #[error("{0}")]
    Function(String),
    /// The plan of the query would grow too large.
    #[error("the statement is too complex: {0}")]
    Complexity(&'static str),
}

impl LimitError {
    /// Finds the limit in an error that DataFusion wrapped on the way up.
    pub fn find(error: &DataFusionError) -> Option<Self> {
        match error.find_root() {
            DataFusionError::External(inner) => inner.downcast_ref().cloned(),
            // Operators spill at this error, so it can't be one of ours. Its own words name operators and how much they hold, also those below
            // a seal.
            DataFusionError::ResourcesExhausted(words) => Some(match words {
                words if words == memory::TOTAL => Self::TotalMemory,
                words if words.contains("disk space") => Self::Spill,
                words if words.starts_with("a regular expression") || words.starts_with("the functions of the") => {
                    Self::Function(words.clone())
                }
                _ => Self::Memory,
            }),
            _ => None,
        }
    }

    /// A stable word for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TimedOut(_) => "STATEMENT_TIMED_OUT",
            Self::CpuTime(_) => "STATEMENT_CPU_TIME",
            Self::Cancelled => "STATEMENT_CANCELLED",
            Self::TooManyRows(_) => "LIMIT_EXCEEDED",
            Self::Busy => "SERVER_BUSY",
            Self::QueueFull(_) => "TOO_MANY_QUERIES",
            Self::Memory => "OUT_OF_MEMORY",
            Self::TotalMemory => "SERVER_OUT_OF_MEMORY",
            Self::Spill => "OUT_OF_SPILL_SPACE",
            Self::Function(_) => "FUNCTION_LIMIT",
            Self::Complexity(_) => "STATEMENT_TOO_COMPLEX",
        }
    }

    /// The five-character SQLSTATE.
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::TimedOut(_) | Self::CpuTime(_) | Self::Cancelled => "57014",
            Self::TooManyRows(_) | Self::Function(_) => "53000",
            Self::Busy | Self::QueueFull(_) => "53300",
            Self::Memory | Self::TotalMemory => "53200",
            Self::Spill => "53100",
            Self::Complexity(_) => "54001",
        }
    }
}

impl From<LimitError> for DataFusionError {
    fn from(error: LimitError) -> Self {
        Self::External(Box::new(error))
    }
}
