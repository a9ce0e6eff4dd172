//! What `/metrics` shows, in the text format of Prometheus.
//!
//! Every label comes from a closed set: doors, the methods that exist, codes. Nothing a caller writes becomes a label.

use std::sync::OnceLock;
use std::time::Duration;

use lakewarden_engine::Load;
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::error::ServerError;
use crate::identity::Refusal;

/// The metrics of one server.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    running: IntGaugeVec,
    refused: IntCounterVec,
    connections: IntGauge,
    handshakes_failed: IntCounter,
    queries: IntGauge,
    handles: IntGaugeVec,
    engine: IntGaugeVec,
    ended: IntCounterVec,
    turned_away: IntCounter,
    load: OnceLock<Box<dyn Fn() -> Load + Send + Sync>>,
}

/// Counts one more for as long as it lives.
pub struct Gauged(IntGauge);

impl Gauged {
    fn new(gauge: IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Gauged {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// From a millisecond to five minutes.
const BUCKETS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

impl Metrics {
    /// Metrics that all stand at zero.
    ///
    /// # Errors
    /// When a metric cannot be registered.
    pub fn new() -> Result<Self, ServerError> {
        Self::build().map_err(|e| ServerError::Telemetry(e.to_string()))
    }

    fn build() -> Result<Self, prometheus::Error> {
        let name = |text: &str| format!("lakewarden_{text}");
        let metrics = Self {
            registry: Registry::new(),
            requests: IntCounterVec::new(
                Opts::new(name("requests_total"), "Requests that were answered, by door, operation and code."),
                &["door", "op", "code"],
            )?,
            seconds: HistogramVec::new(
                HistogramOpts::new(name("request_seconds"), "From the head of a request to the end of its answer.")
                    .buckets(BUCKETS.to_vec()),
                &["door", "op"],
            )?,
            running: IntGaugeVec::new(Opts::new(name("requests_running"), "Requests being answered."), &["door"])?,
            refused: IntCounterVec::new(
                Opts::new(name("tokens_refused_total"), "Requests without a valid token, by reason."),
                &["reason"],
            )?,
            connections: IntGauge::new(name("connections"), "Open connections.")?,
            handshakes_failed: IntCounter::new(name("tls_handshakes_failed_total"), "TLS handshakes that failed.")?,
            queries: IntGauge::new(name("queries_running"), "Statements being run.")?,
            handles: IntGaugeVec::new(
                Opts::new(name("flight_handles"), "Sessions, tickets and prepared statements that are kept."),
                &["kind"],
            )?,
            engine: IntGaugeVec::new(
                Opts::new(name("engine"), "Statements with a turn and waiting for one, and bytes of memory they hold."),
                &["what"],
            )?,
            ended: IntCounterVec::new(
                Opts::new(name("statements_ended_total"), "Statements that a limit or their caller ended, by reason."),
                &["reason"],
            )?,
            turned_away: IntCounter::new(
                name("connections_turned_away_total"),
                "Connections refused because their address had as many as it may.",
            )?,
            load: OnceLock::new(),
        };
        metrics.register()?;
        Ok(metrics)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        self.registry.register(Box::new(self.requests.clone()))?;
        self.registry.register(Box::new(self.seconds.clone()))?;
        self.registry.register(Box::new(self.running.clone()))?;
        self.registry.register(Box::new(self.refused.clone()))?;
        self.registry.register(Box::new(self.connections.clone()))?;
        self.registry.register(Box::new(self.handshakes_failed.clone()))?;
        self.registry.register(Box::new(self.queries.clone()))?;
        self.registry.register(Box::new(self.handles.clone()))?;
        self.registry.register(Box::new(self.engine.clone()))?;
        self.registry.register(Box::new(self.ended.clone()))?;
        self.registry.register(Box::new(self.turned_away.clone()))
    }

    /// A request was answered.
    pub fn answered(&self, door: &str, op: &str, code: &str, took: Duration) {
        self.requests.with_label_values(&[door, op, code]).inc();
        self.seconds.with_label_values(&[door, op]).observe(took.as_secs_f64());
    }

    /// A request is being answered, until the value is dropped.
    pub fn request_running(&self, door: &str) -> Gauged {
        Gauged::new(self.running.with_label_values(&[door]))
    }

    /// A statement is being run, until the value is dropped.
    pub fn query_running(&self) -> Gauged {
        Gauged::new(self.queries.clone())
    }

    /// A connection is open, until the value is dropped.
    pub fn connection(&self) -> Gauged {
        Gauged::new(self.connections.clone())
    }

    /// A TLS handshake failed.
    pub fn handshake_failed(&self) {
        self.handshakes_failed.inc();
    }

    /// A connection was refused for the number that its address has.
    pub fn connection_turned_away(&self) {
        self.turned_away.inc();
    }

    /// Shows how busy the engine is. The first call counts.
    pub fn show_load(&self, load: impl Fn() -> Load + Send + Sync + 'static) {
        drop(self.load.set(Box::new(load)));
    }

    fn read_load(&self) {
        let Some(load) = self.load.get().map(|load| load()) else { return };
        for (what, value) in [("running", load.running), ("waiting", load.waiting), ("memory_bytes", load.memory_bytes)]
        {
            self.engine.with_label_values(&[what]).set(i64::try_from(value).unwrap_or(i64::MAX));
        }
        for (reason, count) in load.ended {
            let shown = self.ended.with_label_values(&[reason]);
            shown.inc_by(count.saturating_sub(shown.get()));
        }
    }

    /// A token was refused.
    pub fn refused(&self, refusal: &Refusal) {
        self.refused.with_label_values(&[refusal.label()]).inc();
    }

    /// How many handles of a kind the Flight SQL door keeps.
    pub fn set_handles(&self, kind: &str, count: usize) {
        self.handles.with_label_values(&[kind]).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Everything as text.
    ///
    /// # Errors
    /// When a metric cannot be written as text.
    pub fn text(&self) -> Result<String, ServerError> {
        self.read_load();
        let mut bytes = Vec::new();
        let encoded = TextEncoder::new().encode(&self.registry.gather(), &mut bytes);
        encoded.map_err(|e| ServerError::Telemetry(e.to_string()))?;
        String::from_utf8(bytes).map_err(|e| ServerError::Telemetry(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_shows_in_the_text() {
        let metrics = Metrics::new().unwrap();
        metrics.answered("grpc", "Catalogs/ListCatalogs", "OK", Duration::from_millis(3));
        metrics.refused(&Refusal::Expired);
        let running = metrics.query_running();
        let text = metrics.text().unwrap();
        let line = r#"lakewarden_requests_total{code="OK",door="grpc",op="Catalogs/ListCatalogs"} 1"#;
        assert!(text.contains(line), "{text}");
        assert!(text.contains(r#"lakewarden_tokens_refused_total{reason="expired"} 1"#), "{text}");
        assert!(text.contains("lakewarden_queries_running 1"), "{text}");
        drop(running);
        assert!(metrics.text().unwrap().contains("lakewarden_queries_running 0"));
    }
}
