//! Starting and stopping a server.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::crypto;
use crate::error::ServerError;
use crate::grpc::Health;
use crate::listen::{Listener, acceptor};
use crate::pages::Readiness;
use crate::wire::{Base, open, wire};

/// A server that takes requests. Dropping it stops it without waiting.
pub struct Running {
    address: SocketAddr,
    admin_token_file: PathBuf,
    stop: CancellationToken,
    readiness: Readiness,
    health: Health,
    served: JoinHandle<Result<(), ServerError>>,
}

/// Starts a server. It takes requests when this returns.
///
/// # Errors
/// When a key, the catalog, the engine or the port cannot be had; another process on the same data folder is one cause.
pub async fn serve(config: Config) -> Result<Running, ServerError> {
    crypto::install_providers();
    let tls = acceptor(&config.tls)?;
    // The catalog first: who does not get the data folder must not take the port of who has it.
    let base = open(&config).await?;
    serve_base(config, tls, base).await
}

/// Starts a server on what is open already.
pub(crate) async fn serve_base(config: Config, tls: Option<TlsAcceptor>, base: Base) -> Result<Running, ServerError> {
    let wired = wire(&config, base)?;
    let listener = Listener::bind(&config.listen, tls, wired.metrics).await?;
    let (address, stop) = (listener.address, CancellationToken::new());
    let served = tokio::spawn(listener.serve(wired.router, stop.clone()));
    wired.readiness.set(true);
    wired.health.set(true).await;
    tracing::info!(%address, data_dir = %config.store.data_dir.display(), "serving");
    let (admin_token_file, readiness, health) = (wired.admin_token_file, wired.readiness, wired.health);
    Ok(Running { address, admin_token_file, stop, readiness, health, served })
}

/// The runtime that a process of its own serves on.
///
/// # Errors
/// When its threads can't be started.
pub fn runtime() -> Result<Runtime, ServerError> {
    let made = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("lakewarden-door").build();
    made.map_err(|e| ServerError::Engine(format!("no threads: {e}")))
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The file with the administrator's token.
    pub fn admin_token_file(&self) -> &Path {
        &self.admin_token_file
    }

    /// Stops it: no new connections, running requests may end until the deadline of the settings.
    ///
    /// # Errors
    /// `NotDrained` when requests had to be cut off.
    pub async fn stop(mut self) -> Result<(), ServerError> {
        self.readiness.set(false);
        self.health.set(false).await;
        self.stop.cancel();
        self.health.close().await;
        self.ended().await
    }

    /// Serves until SIGTERM or SIGINT, then stops.
    ///
    /// # Errors
    /// As `stop`; also when signals cannot be heard.
    pub async fn until_signal(mut self) -> Result<(), ServerError> {
        let fault = |e: std::io::Error| ServerError::Telemetry(format!("signals cannot be heard: {e}"));
        let mut terminate = signal(SignalKind::terminate()).map_err(fault)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(fault)?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            ended = self.ended() => return ended,
        }
        tracing::info!("stopping: running requests may end");
        self.stop().await
    }

    async fn ended(&mut self) -> Result<(), ServerError> {
        match (&mut self.served).await {
            Ok(result) => result,
            Err(fault) => Err(ServerError::Engine(fault.to_string())),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.readiness.set(false);
        self.stop.cancel();
    }
}
