//! Running queries on threads of their own.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::internal_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::{ExecutionPlan, RecordBatchStream, execute_stream};
use futures::{Future, Stream, StreamExt};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::admission::Admitted;
use super::limits::{LimitError, Limits};
use super::meter::{Meter, metered, trace_spawned};
use super::weight;

/// A batch, or the end of a whole result. A query that dies sends neither, so what it sent can't be taken for all.
type Message = Result<Option<RecordBatch>>;

/// About how large a batch is at most that a reader gets.
const PIECE_BYTES: usize = 16 << 20;
/// Batches that may wait for a reader.
const WAITING_BATCHES: usize = 4;

/// Threads for planning and running queries. They are not those of the doors, which a heavy query can't starve therefore.
#[derive(Debug)]
pub struct Executor {
    runtime: Option<Runtime>,
    handle: Handle,
    limits: Limits,
}

impl Executor {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(limits: Limits) -> std::io::Result<Self> {
        trace_spawned();
        let runtime = Builder::new_multi_thread()
            .worker_threads(limits.threads.max(2))
            .thread_name("query")
            .thread_stack_size(limits.stack_bytes)
            .enable_all()
            .build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime), limits })
    }

    /// When a query that starts now must have ended.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.limits.timeout
    }

    /// Does one step of a query, such as planning, on a thread of its own with a deep stack: a step may not give way, and must not keep others'
    /// queries from the query threads. Dropping the future, or `cancel`, ends the step at its next point of waiting, unless what it does is
    /// becoming visible: then it goes on to its end.
    ///
    /// # Errors
    /// [`LimitError::TimedOut`] at the deadline, even when the step itself never gives way; the step's own error otherwise.
    pub async fn run<T, F>(
        &self,
        meter: &Arc<Meter>,
        deadline: Instant,
        cancel: &CancellationToken,
        step: F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (handle, own) = (self.handle.clone(), Arc::clone(meter));
        let mut work = self.handle.spawn_blocking(move || {
            let step = metered(Arc::clone(&own), step);
            handle.block_on(async move {
                tokio::select! {
                    biased;
                    why = own.stopped() => Err(why.into()),
                    done = step => done,
                }
            })
        });
        let mut left = StopOnDrop(Some(Arc::clone(meter)));
        let why = tokio::select! {
            biased;
            done = &mut work => {
                left.0 = None;
                return done.map_err(|died| DataFusionError::ExecutionJoin(Box::new(died)))?;
            }
            () = tokio::time::sleep_until(deadline) => LimitError::TimedOut(self.limits.timeout),
            () = cancel.cancelled() => LimitError::Cancelled,
            why = meter.stopped() => why,
        };
        match meter.stop(why) {
            Some(why) => Err(why.into()),
            None => work.await.map_err(|died| DataFusionError::ExecutionJoin(Box::new(died)))?,
        }
    }

    /// Runs a physical plan. Batches come as they are made, a few ahead of the reader; dropping the output ends the query.
    ///
    /// `turn` is held until the query has ended.
    pub fn stream(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        context: Arc<TaskContext>,
        deadline: Instant,
        cancel: CancellationToken,
        turn: Option<Admitted>,
    ) -> QueryOutput {
        let schema = plan.schema();
        let meter = Meter::of(context.session_config()).unwrap_or_else(|| Arc::new(Meter::new(self.limits.cpu_time)));
        let (sender, receiver) = mpsc::channel(WAITING_BATCHES);
        let most = self.limits.result_rows;
        let run = async move {
            let _turn = turn;
            let end = match execute_stream(plan, context) {
                Ok(stream) => forward(stream, &sender, most).await.map(|()| None),
                Err(error) => Err(error),
            };
            // Without a reader nobody waits for the end either.
            let _ = sender.send(end).await;
        };
        let work = self.handle.spawn(metered(Arc::clone(&meter), run));
        QueryOutput {
            schema,
            receiver,
            timer: Box::pin(tokio::time::sleep_until(deadline)),
            timeout: self.limits.timeout,
            cancelled: Box::pin(cancel.cancelled_owned()),
            stopped: Box::pin(meter.stop_signal()),
            meter,
            work: AbortOnDrop(work.abort_handle()),
            ended: false,
        }
    }
}

/// A runtime must not be waited for on a thread of another one.
impl Drop for Executor {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn forward(mut stream: SendableRecordBatchStream, sender: &mpsc::Sender<Message>, most: u64) -> Result<()> {
    let mut rows = 0_u64;
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        rows = rows.saturating_add(batch.num_rows() as u64);
        if rows > most {
            return Err(LimitError::TooManyRows(most).into());
        }
        let mut rest = Some(batch);
        while let Some(batch) = rest.take() {
            let (piece, more) = piece(batch);
            rest = more;
            if sender.send(Ok(Some(piece))).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// As much of a batch as a reader should get at once, and the rest. A few views of one long text weigh nothing here and much when they are
/// written out.
fn piece(batch: RecordBatch) -> (RecordBatch, Option<RecordBatch>) {
    let mut rows = batch.num_rows();
    while rows > 1 && weight::of_batch(&batch.slice(0, rows)) > PIECE_BYTES {
        rows = rows.div_ceil(2);
    }
    let rest = (rows < batch.num_rows()).then(|| batch.slice(rows, batch.num_rows() - rows));
    (batch.slice(0, rows), rest)
}

#[derive(Debug)]
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Stops a statement that nobody waits for any more.
struct StopOnDrop(Option<Arc<Meter>>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        if let Some(meter) = &self.0 {
            meter.stop(LimitError::Cancelled);
        }
    }
}

/// The batches of a running query. Its clock runs on the reader's runtime, so a query that never gives way still times out.
pub struct QueryOutput {
    schema: SchemaRef,
    receiver: mpsc::Receiver<Message>,
    timer: Pin<Box<tokio::time::Sleep>>,
    timeout: Duration,
    cancelled: Pin<Box<WaitForCancellationFutureOwned>>,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    meter: Arc<Meter>,
    work: AbortOnDrop,
    ended: bool,
}

impl QueryOutput {
    /// Why the query is to end now, if it is.
    fn poll_stop(&mut self, context: &mut Context<'_>) -> Option<LimitError> {
        if self.timer.as_mut().poll(context).is_ready() {
            self.meter.stop(LimitError::TimedOut(self.timeout));
        }
        if self.cancelled.as_mut().poll(context).is_ready() {
            self.meter.stop(LimitError::Cancelled);
        }
        if self.stopped.as_mut().poll(context).is_pending() {
            return None;
        }
        self.meter.check().err()
    }
}

impl std::fmt::Debug for QueryOutput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueryOutput").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl Stream for QueryOutput {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if let Some(why) = self.poll_stop(context) {
            self.ended = true;
            self.work.0.abort();
            return Poll::Ready(Some(Err(why.into())));
        }
        let next = match std::task::ready!(self.receiver.poll_recv(context)) {
            Some(message) => message.transpose(),
            None => Some(internal_err!("the query died")),
        };
        self.ended = !matches!(next, Some(Ok(_)));
        Poll::Ready(next)
    }
}

impl Drop for QueryOutput {
    fn drop(&mut self) {
        if !self.ended {
            self.meter.stop(LimitError::Cancelled);
        }
    }
}

impl RecordBatchStream for QueryOutput {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
