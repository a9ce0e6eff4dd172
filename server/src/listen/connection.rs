//! One connection, from the TLS handshake to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::telemetry::Metrics;

/// What all connections share.
pub(super) struct Shared {
    pub(super) builder: Builder<TokioExecutor>,
    pub(super) router: Router,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) header_timeout: Duration,
    pub(super) idle_timeout: Duration,
}

/// Serves a connection until it ends, or until `watcher` asks for its end and its requests are answered.
pub(super) async fn run(shared: &Shared, stream: TcpStream, watcher: Watcher) {
    let _counted = shared.metrics.connection();
    let Some(tls) = &shared.tls else {
        return requests(shared, stream, watcher).await;
    };
    match tokio::time::timeout(shared.header_timeout, tls.accept(stream)).await {
        Ok(Ok(stream)) => requests(shared, stream, watcher).await,
        Ok(Err(error)) => {
            shared.metrics.handshake_failed();
            tracing::debug!(%error, "a TLS handshake failed");
        }
        Err(_) => shared.metrics.handshake_failed(),
    }
}

async fn requests<S>(shared: &Shared, stream: S, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let seen = Arc::new(AtomicBool::new(false));
    let (router, first) = (shared.router.clone(), Arc::clone(&seen));
    let service = service_fn(move |request: Request<Incoming>| {
        first.store(true, Ordering::Relaxed);
        router.clone().oneshot(request)
    });
    let connection = shared.builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let mut connection = std::pin::pin!(watcher.watch(connection));
    let ended = tokio::select! {
        ended = &mut connection => ended,
        // Who connects and asks nothing would hold its slot for ever.
        () = tokio::time::sleep(shared.idle_timeout) => {
            if !seen.load(Ordering::Relaxed) {
                return;
            }
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}
