//! The body of a request, for as long as the token holds that the request came with.
//!
//! A client decides how slowly it sends. Who opened a request while its token was good could otherwise keep it open and
//! finish it hours after the token was revoked or had expired. So each piece that arrives, and the end too, asks again.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::Refusal;

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
