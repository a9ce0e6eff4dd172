//! The bodies of a request and of its answer, for as long as the token holds that the request came with.
//!
//! A client decides how slowly it sends. Who opened a request while its token was good could otherwise keep it open and
//! finish it hours after the token was revoked or had expired. So each piece that arrives, and the end too, asks again. An answer asks
//! every second: one that runs for long ends soon after its token does.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use tokio::time::{Instant, Sleep};

use super::Refusal;

/// How often an answer asks.
const EVERY: Duration = Duration::from_secs(1);

type Check = Box<dyn Fn() -> Result<(), Refusal> + Send>;

/// A body whose pieces pass only while a check holds.
pub(super) struct Held {
    inner: Body,
    /// None when it has refused already.
    check: Option<Check>,
}

impl Held {
    /// The body, with `check` asked for each piece.
    pub(super) fn new(inner: Body, check: impl Fn() -> Result<(), Refusal> + Send + 'static) -> Self {
        Self { inner, check: Some(Box::new(check)) }
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        let Some(check) = &self.check else { return Poll::Ready(None) };
        match check() {
            Ok(()) => Poll::Ready(frame),
            Err(refusal) => {
                tracing::info!(%refusal, "a request was refused before its end");
                self.inner = Body::empty();
                self.check = None;
                Poll::Ready(Some(Err(axum::Error::new(refusal.status()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// An answer that ends when a check doesn't hold any more. What made it is dropped then, which cancels it.
pub(super) struct HeldAnswer {
    inner: Body,
    /// None when it has refused already.
    check: Option<Check>,
    next: Option<Pin<Box<Sleep>>>,
}

impl HeldAnswer {
    /// The answer, with `check` asked while it lasts.
    pub(super) fn new(inner: Body, check: impl Fn() -> Result<(), Refusal> + Send + 'static) -> Self {
        Self { inner, check: Some(Box::new(check)), next: None }
    }

    /// Asks when it is time to.
    fn poll_check(&mut self, context: &mut Context<'_>) -> Result<(), Refusal> {
        let Some(check) = &self.check else { return Ok(()) };
        let next = self.next.get_or_insert_with(|| Box::pin(tokio::time::sleep(EVERY)));
        while next.as_mut().poll(context).is_ready() {
            check()?;
            next.as_mut().reset(Instant::now() + EVERY);
        }
        Ok(())
    }
}

impl HttpBody for HeldAnswer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Err(refusal) = self.poll_check(context) {
            tracing::info!(%refusal, "an answer was ended");
            self.inner = Body::empty();
            self.check = None;
            let mut trailers = HeaderMap::new();
            let told = refusal.status().add_header(&mut trailers);
            return Poll::Ready(Some(told.map(|()| Frame::trailers(trailers)).map_err(axum::Error::new)));
        }
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
