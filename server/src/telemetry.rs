//! Logs, spans and metrics. Never in any of them: tokens, headers, values of rows, literals of statements.

mod metrics;
mod observe;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

pub use metrics::{Gauged, Metrics};
pub use observe::{Observer, observe};

use crate::config::{self, LogFormat};
use crate::error::ServerError;

/// Libraries below a governed read: they log file names and predicates; and the parser, which logs literals. A filter that names one of them still wins.
const QUIET: &str = "buoyant_kernel=warn,buoyant_kernel_engine=warn,delta_kernel=warn,deltalake_core=warn,datafusion=warn,sqlparser=warn";

/// Sends the logs of this process to standard error. Called once, by the binary; a library or test does without.
///
/// # Errors
/// When the filter cannot be read, or logs already go elsewhere.
pub fn install(settings: &config::Telemetry) -> Result<(), ServerError> {
    let filter = filter(&settings.log)?;
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(true);
    match settings.format {
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    }
    .map_err(|e| ServerError::Telemetry(e.to_string()))
}

fn filter(log: &str) -> Result<EnvFilter, ServerError> {
    let parsed = format!("{QUIET},{log}").parse();
    parsed.map_err(|e: tracing_subscriber::filter::ParseError| ServerError::Telemetry(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_below_a_governed_read_are_quiet_unless_they_are_named() {
        let usual = filter("info").unwrap().to_string();
        assert!(usual.contains("buoyant_kernel=warn") && usual.contains("info"), "{usual}");
        let loud = filter("trace").unwrap().to_string();
        assert!(loud.contains("sqlparser=warn") && loud.contains("datafusion=warn"), "{loud}");
        let named = filter("info,buoyant_kernel=debug").unwrap().to_string();
        assert!(named.contains("buoyant_kernel=debug") && !named.contains("buoyant_kernel=warn"), "{named}");
    }
}
