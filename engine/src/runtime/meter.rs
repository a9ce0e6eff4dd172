//! What one statement has used up so far, and how it is stopped.
//!
//! A statement runs as many tasks: its own, and those that DataFusion spawns for exchanges, sorts and joins. Each notes how long it computes
//! whenever it is polled, on the meter of its statement. Time in a queue, on a file or for a slow reader is no polling, so it isn't counted.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use datafusion::common::runtime::{JoinSetTracer, set_join_set_tracer};
use datafusion::execution::config::SessionConfig;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::limits::LimitError;

/// How long a task may compute before it lets others go.
const SLICE: Duration = Duration::from_millis(10);
/// Relations that one statement may scan, views within views included.
const MOST_SCANS: usize = 2_000;

/// The meter of one statement. It goes with the statement's sessions.
#[derive(Debug)]
pub struct Meter {
    most: Duration,
    spent_nanos: AtomicU64,
    scans: AtomicUsize,
    course: Mutex<Course>,
    is_stopped: AtomicBool,
    stopped: CancellationToken,
}

/// How far a statement is.
#[derive(Debug, Clone)]
enum Course {
    /// It can be stopped.
    Open,
    /// What it does is becoming visible: nothing stops it any more.
    Committing,
    /// It is to end with this error.
    Stopped(LimitError),
}

impl Meter {
    /// A meter that stops its statement after so much time of computing.
    pub fn new(most: Duration) -> Self {
        Self {
            most,
            spent_nanos: AtomicU64::new(0),
            scans: AtomicUsize::new(0),
            course: Mutex::new(Course::Open),
            is_stopped: AtomicBool::new(false),
            stopped: CancellationToken::new(),
        }
    }

    /// The meter that goes with a session.
    pub fn of(config: &SessionConfig) -> Option<Arc<Self>> {
        config.get_extension()
    }

    /// How long the statement has computed, without the polls that go on.
    pub fn spent(&self) -> Duration {
        Duration::from_nanos(self.spent_nanos.load(Ordering::Relaxed))
    }

    /// Asks the statement to end with this error. The error that it ends with, which may be an earlier one; none when it can't be stopped any
    /// more.
    pub fn stop(&self, why: LimitError) -> Option<LimitError> {
        let mut course = self.course.lock();
        match &*course {
            Course::Committing => return None,
            Course::Stopped(earlier) => return Some(earlier.clone()),
            Course::Open => *course = Course::Stopped(why.clone()),
        }
        drop(course);
        self.is_stopped.store(true, Ordering::Release);
        self.stopped.cancel();
        Some(why)
    }

    /// Goes past the point where the statement can be stopped: from here on it takes effect as a whole.
    ///
    /// # Errors
    /// What stopped it before; it must not take effect then.
    pub fn commit(&self) -> Result<(), LimitError> {
        let mut course = self.course.lock();
        if let Course::Stopped(why) = &*course {
            return Err(why.clone());
        }
        *course = Course::Committing;
        Ok(())
    }

    /// Whether it may go on.
    ///
    /// # Errors
    /// What stopped it.
    pub fn check(&self) -> Result<(), LimitError> {
        if !self.is_stopped.load(Ordering::Acquire) {
            return Ok(());
        }
        match &*self.course.lock() {
            Course::Stopped(why) => Err(why.clone()),
            Course::Open | Course::Committing => Ok(()),
        }
    }

    /// Waits until the statement is stopped, and tells why.
    pub async fn stopped(&self) -> LimitError {
        self.stopped.cancelled().await;
        self.check().err().unwrap_or(LimitError::Cancelled)
    }

    /// Is ready when the statement is stopped.
    pub(super) fn stop_signal(&self) -> WaitForCancellationFutureOwned {
        self.stopped.clone().cancelled_owned()
    }

    /// Counts one more scan into the plan.
    ///
    /// # Errors
    /// What stopped the statement, and `Complexity` beyond a bound.
    pub fn scan(&self) -> Result<(), LimitError> {
        self.check()?;
        match self.scans.fetch_add(1, Ordering::Relaxed) {
            scans if scans < MOST_SCANS => Ok(()),
            _ => Err(LimitError::Complexity("its views and tables make more than 2000 scans")),
        }
    }

    fn charge(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let spent = self.spent_nanos.fetch_add(nanos, Ordering::Relaxed).saturating_add(nanos);
        if Duration::from_nanos(spent) > self.most {
            self.stop(LimitError::CpuTime(self.most));
        }
    }
}

/// Bytes that functions may make before their rows are counted by an operator: the columns of a batch together, or the constants of a plan.
const MOST_MADE: u64 = 1 << 30;

thread_local! {
    static MADE: Cell<u64> = const { Cell::new(0) };

    /// The statement that this thread works for, and since when without a pause.
    static SLICES: RefCell<Option<(Arc<Meter>, Instant)>> = const { RefCell::new(None) };
}

/// Whether the task on this thread should let others go.
pub(super) fn slice_is_over() -> bool {
    SLICES.with_borrow(|slice| slice.as_ref().is_some_and(|(_, began)| began.elapsed() > SLICE))
}

/// Notes that a function makes a value of so many bytes. Nobody else counts the values of expressions.
///
/// # Errors
/// `Memory`, when one poll or one batch makes too much.
pub(crate) fn made(bytes: u64) -> Result<(), LimitError> {
    let sum = MADE.get().saturating_add(bytes);
    MADE.set(sum);
    if sum > MOST_MADE { Err(LimitError::Memory) } else { Ok(()) }
}

/// What was made is counted now.
pub(super) fn made_is_counted() {
    MADE.set(0);
}

/// Runs a future on a statement's meter, with all that DataFusion spawns in it.
pub fn metered<F: Future + Send>(meter: Arc<Meter>, inner: F) -> Metered<F> {
    Metered { meter, inner: Box::pin(inner) }
}

/// See [`metered`].
pub struct Metered<F> {
    meter: Arc<Meter>,
    inner: Pin<Box<F>>,
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _work = Work::begin(&self.meter);
        self.inner.as_mut().poll(context)
    }
}

/// One poll. A poll within a poll is part of it.
struct Work {
    is_outer: bool,
}

impl Work {
    fn begin(meter: &Arc<Meter>) -> Self {
        let is_outer = SLICES.with_borrow_mut(|slice| {
            let is_outer = slice.is_none();
            slice.get_or_insert_with(|| (Arc::clone(meter), Instant::now()));
            is_outer
        });
        if is_outer {
            MADE.set(0);
        }
        Self { is_outer }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if !self.is_outer {
            return;
        }
        if let Some((meter, began)) = SLICES.take() {
            meter.charge(began.elapsed());
        }
    }
}

/// Lets what a statement spawns run on its meter.
struct SpawnedOnMeter;

impl JoinSetTracer for SpawnedOnMeter {
    fn trace_future(
        &self,
        spawned: BoxFuture<'static, Box<dyn Any + Send>>,
    ) -> BoxFuture<'static, Box<dyn Any + Send>> {
        match SLICES.with_borrow(|slice| slice.as_ref().map(|(meter, _)| Arc::clone(meter))) {
            Some(meter) => Box::pin(metered(meter, spawned)),
            None => spawned,
        }
    }

    /// Threads that block do so on files and on full channels.
    fn trace_block(
        &self,
        blocking: Box<dyn FnOnce() -> Box<dyn Any + Send> + Send>,
    ) -> Box<dyn FnOnce() -> Box<dyn Any + Send> + Send> {
        blocking
    }
}

/// Makes DataFusion tell what it spawns. The first call of the process counts.
pub(super) fn trace_spawned() {
    if set_join_set_tracer(&SpawnedOnMeter).is_err() {
        tracing::debug!("spawned tasks are traced already");
    }
}
