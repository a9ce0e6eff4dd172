//! Logs, spans and metrics. Never in any of them: tokens, headers, values of rows, literals of statements.

mod metrics;
mod observe;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

pub use metrics::{Gauged, Metrics};
pub use observe::{Observer, observe};

use crate::config::{self, LogFormat};
use crate::error::ServerError;

/// Sends the logs of this process to standard error. Called once, by the binary; a library or test does without.
///
/// # Errors
/// When the filter cannot be read, or logs already go elsewhere.
pub fn install(settings: &config::Telemetry) -> Result<(), ServerError> {
    let fault = |e: &dyn std::fmt::Display| ServerError::Telemetry(e.to_string());
    let filter: EnvFilter = settings.log.parse().map_err(|e: tracing_subscriber::filter::ParseError| fault(&e))?;
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(true);
    match settings.format {
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    }
    .map_err(|e| ServerError::Telemetry(e.to_string()))
}
