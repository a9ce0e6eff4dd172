//! The one port: HTTP/1.1 and HTTP/2, plain or TLS, told apart by what the client sends.
//!
//! It owns connections and their limits, and knows nothing of what is served. A stop lets running requests end until
//! the deadline, then cuts them off.

mod addresses;
mod connection;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::error::ServerError;
use crate::telemetry::Metrics;

use addresses::Addresses;
pub use tls::acceptor;

/// A bound port, not served yet.
pub struct Listener {
    socket: TcpListener,
    /// The address, with the port that was taken.
    pub address: SocketAddr,
    settings: config::Listen,
    tls: Option<TlsAcceptor>,
    metrics: Arc<Metrics>,
}

/// The largest head of a request, in bytes: a token fits with room to spare.
const MAX_HEAD_BYTES: u32 = 64 * 1024;

impl Listener {
    /// Binds the port.
    ///
    /// # Errors
    /// When the port is taken or may not be bound.
    pub async fn bind(
        settings: &config::Listen,
        tls: Option<TlsAcceptor>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, ServerError> {
        let fault = |source| ServerError::Bind { address: settings.address, source };
        let socket = TcpListener::bind(settings.address).await.map_err(fault)?;
        let address = socket.local_addr().map_err(fault)?;
        Ok(Self { socket, address, settings: settings.clone(), tls, metrics })
    }

    /// Serves `router` until `stop`, then drains.
    ///
    /// # Errors
    /// `NotDrained` when requests were still running at the deadline; they were cut off.
    pub async fn serve(self, router: Router, stop: CancellationToken) -> Result<(), ServerError> {
        let graceful = GracefulShutdown::new();
        let shared = Arc::new(connection::Shared {
            builder: builder(&self.settings),
            router,
            tls: self.tls.clone(),
            metrics: Arc::clone(&self.metrics),
            header_timeout: Duration::from_millis(self.settings.header_timeout_ms),
            idle_timeout: Duration::from_millis(self.settings.idle_timeout_ms),
        });
        let slots = Arc::new(Semaphore::new(self.settings.max_connections));
        let addresses = Addresses::new(self.settings.max_connections_per_address);
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(_) = connections.join_next() => continue,
                accepted = self.accept(&slots) => accepted,
            };
            let Some((stream, peer, slot)) = accepted else { continue };
            // Closed at once: one address alone can't take the places of all.
            let Some(place) = addresses.enter(peer.ip()) else {
                self.metrics.connection_turned_away();
                continue;
            };
            let (shared, watcher) = (Arc::clone(&shared), graceful.watcher());
            connections.spawn(async move {
                connection::run(&shared, stream, watcher).await;
                drop((place, slot));
            });
        }
        drop(self.socket);
        self.settings.drain(graceful, connections).await
    }

    /// The next connection, once there is room for it.
    async fn accept(&self, slots: &Arc<Semaphore>) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let slot = Arc::clone(slots).acquire_owned().await.ok()?;
        match self.socket.accept().await {
            Ok((stream, peer)) => {
                // Small messages go at once; a failure costs only speed.
                let _ = stream.set_nodelay(true);
                Some((stream, peer, slot))
            }
            Err(error) => {
                // Out of file descriptors or the like: to try again at once would spin.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                None
            }
        }
    }
}

impl config::Listen {
    /// Waits for running requests until the deadline, then cuts off what is left.
    async fn drain(&self, graceful: GracefulShutdown, mut connections: JoinSet<()>) -> Result<(), ServerError> {
        let deadline = Duration::from_millis(self.drain_ms);
        let ended = async {
            graceful.shutdown().await;
            while connections.join_next().await.is_some() {}
        };
        let drained = tokio::time::timeout(deadline, ended).await.is_ok();
        connections.shutdown().await;
        if drained { Ok(()) } else { Err(ServerError::NotDrained) }
    }
}

fn builder(settings: &config::Listen) -> Builder<TokioExecutor> {
    let keepalive = Duration::from_millis(settings.keepalive_ms);
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(settings.header_timeout_ms))
        .max_buf_size(MAX_HEAD_BYTES as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(keepalive)
        .keep_alive_timeout(keepalive)
        .max_concurrent_streams(settings.max_streams_per_connection)
        .max_header_list_size(MAX_HEAD_BYTES)
        .adaptive_window(true);
    builder
}

#[cfg(test)]
mod tests;
