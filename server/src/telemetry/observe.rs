//! One span and one count for each request, from its head to the end of its answer.
//!
//! The outermost layer. It gives the request its id, which goes back in `x-request-id`, and it knows the outcome only
//! when the body has ended: a gRPC code comes in the trailers, and a body dropped before its end was cancelled.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request};
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use lakewarden_catalog::clock::Clock;
use lakewarden_catalog::model::RequestId;
use tracing::{Instrument, Span, field};

use super::{Gauged, Metrics};
use crate::door;

/// What the layer needs.
#[derive(Clone)]
pub struct Observer {
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Gives ids.
    pub clock: Arc<dyn Clock>,
    /// The paths that exist. Any other is counted as `unknown`.
    pub ops: Arc<HashSet<String>>,
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Runs a request in its span and counts its outcome.
pub async fn observe(State(observer): State<Observer>, mut request: Request<Body>, next: Next) -> Response {
    let id = RequestId(observer.clock.new_id());
    let path = request.uri().path();
    let door = door::of(path);
    let op = observer.ops.get(path).map_or("unknown", |path| path.trim_start_matches('/')).to_owned();
    let span = tracing::info_span!(
        "request", request_id = %id, door, op, principal = field::Empty, kind = field::Empty, elapsed_ms = field::Empty
    );
    let outcome = Outcome {
        _running: observer.metrics.request_running(door),
        metrics: Arc::clone(&observer.metrics),
        started: Instant::now(),
        span: span.clone(),
        door,
        op,
        is_open: true,
    };
    request.extensions_mut().insert(id);
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let status = response.status();
    let head = grpc_code(response.headers());
    response.map(|inner| {
        let fallback = if door == "http" || !status.is_success() { Some(status.as_u16().to_string()) } else { None };
        Body::new(Observed { inner, code: head.or(fallback), outcome })
    })
}

struct Outcome {
    metrics: Arc<Metrics>,
    started: Instant,
    span: Span,
    door: &'static str,
    op: String,
    is_open: bool,
    _running: Gauged,
}

impl Outcome {
    fn close(&mut self, code: &str) {
        if !std::mem::take(&mut self.is_open) {
            return;
        }
        let took = self.started.elapsed();
        self.metrics.answered(self.door, &self.op, code, took);
        self.span.record("kind", code);
        self.span.record("elapsed_ms", u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        let _in_span = self.span.enter();
        match code {
            "INTERNAL" | "UNKNOWN" | "DATA_LOSS" | "500" => tracing::error!("request failed"),
            _ => tracing::info!("request done"),
        }
    }
}

/// A body that tells its outcome.
struct Observed {
    inner: Body,
    code: Option<String>,
    outcome: Outcome,
}

impl HttpBody for Observed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let span = self.outcome.span.clone();
        let _in_span = span.enter();
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        match &frame {
            None => {
                let code = self.code.take();
                self.outcome.close(code.as_deref().unwrap_or("UNKNOWN"));
            }
            Some(Err(_)) => self.outcome.close("CANCELLED"),
            Some(Ok(frame)) => {
                if let Some(code) = frame.trailers_ref().and_then(grpc_code) {
                    self.outcome.close(&code);
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        let ended = self.inner.is_end_stream();
        let code = self.code.take().filter(|_| ended);
        self.outcome.close(code.as_deref().unwrap_or("CANCELLED"));
    }
}

/// The gRPC code in headers or trailers, by its name.
fn grpc_code(headers: &HeaderMap) -> Option<String> {
    let code = tonic::Code::from_bytes(headers.get("grpc-status")?.as_bytes());
    // `InvalidArgument` is written as the protocol writes it, INVALID_ARGUMENT.
    let mut name = String::new();
    for (i, c) in format!("{code:?}").chars().enumerate() {
        if c.is_uppercase() && i > 0 && code != tonic::Code::Ok {
            name.push('_');
        }
        name.extend(c.to_uppercase());
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("0", "OK")]
    #[case("3", "INVALID_ARGUMENT")]
    #[case("16", "UNAUTHENTICATED")]
    fn codes_have_the_names_of_the_protocol(#[case] number: &str, #[case] name: &str) {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", number.parse().unwrap());
        assert_eq!(grpc_code(&headers).as_deref(), Some(name));
    }
}
