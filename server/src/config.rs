//! The settings of the server: one typed tree, read once and passed down.
//!
//! They come from a TOML file, then from the environment (`LAKEWARDEN__SECTION__KEY`), then from the command line; the
//! later wins. A key that does not exist is refused, and all faults are reported at once. Secrets are held in
//! [`Secret`], which does not print.

mod check;
mod load;
mod secret;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use load::{ConfigError, Overrides};
pub use secret::Secret;

/// Every setting of the server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where and how it listens.
    pub listen: Listen,
    /// Where the catalog is kept.
    pub store: Store,
    /// Who may come in.
    pub identity: Identity,
    /// What one query may use.
    pub engine: EngineLimits,
    /// Sessions and prepared statements of the Flight SQL door.
    pub flight: Flight,
    /// The certificate of the server.
    pub tls: Tls,
    /// Logs and metrics.
    pub telemetry: Telemetry,
}

/// `[listen]`: the one port that every door shares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// Address and port; port 0 takes a free one.
    pub address: SocketAddr,
    /// Whether tokens may travel unencrypted to an address other than this machine's own (behind a TLS proxy).
    pub allow_plaintext: bool,
    /// The largest message that is read, in bytes.
    pub max_request_bytes: usize,
    /// The largest message that is sent, in bytes.
    pub max_reply_bytes: usize,
    /// How many connections are held at once; more wait to be accepted.
    pub max_connections: usize,
    /// How many of them one address may have; 0 for no bound of its own, behind a proxy.
    pub max_connections_per_address: usize,
    /// How many requests one HTTP/2 connection may have open.
    pub max_streams_per_connection: u32,
    /// How long a TLS handshake or the head of a request may take.
    pub header_timeout_ms: u64,
    /// How long a new connection may stay without its first request.
    pub idle_timeout_ms: u64,
    /// How often an HTTP/2 connection is probed, and how long the answer may take.
    pub keepalive_ms: u64,
    /// How long running requests may go on after a stop was asked for.
    pub drain_ms: u64,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8642)),
            allow_plaintext: false,
            max_request_bytes: 16 * 1024 * 1024,
            max_reply_bytes: 64 * 1024 * 1024,
            max_connections: 1024,
            max_connections_per_address: 256,
            max_streams_per_connection: 256,
            header_timeout_ms: 10_000,
            idle_timeout_ms: 60_000,
            keepalive_ms: 20_000,
            drain_ms: 30_000,
        }
    }
}

/// `[store]`: the catalog on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// The folder that holds the catalog, the keys and the managed tables. One process at a time may have it open.
    pub data_dir: PathBuf,
}

impl Default for Store {
    fn default() -> Self {
        Self { data_dir: PathBuf::from("lakewarden-data") }
    }
}

/// `[identity]`: our own tokens, and the issuers that are trusted besides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {
    /// The `iss` of our own tokens.
    pub issuer: String,
    /// The `aud` of our own tokens.
    pub audience: String,
    /// How far the clocks of an issuer and of this machine may differ, in seconds.
    pub leeway_s: u64,
    /// The name of the administrator that the first start makes.
    pub admin: String,
    /// How long the administrator's first token lives, in seconds.
    pub admin_token_ttl_s: u64,
    /// How long a token lives when its maker does not say, in seconds.
    pub default_token_ttl_s: u64,
    /// The longest life a token may be given, in seconds.
    pub max_token_ttl_s: u64,
    /// The Ed25519 key that signs our tokens, as PKCS#8 PEM; without it one is made and kept under `data_dir/keys`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<Secret<String>>,
    /// The key of the function `tokenize`, 32 bytes as base64; without it one is made and kept under `data_dir/keys`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokenize_key: Option<Secret<String>>,
    /// Issuers whose tokens are accepted for principals that exist here.
    pub issuers: Vec<Issuer>,
}

const DAY_S: u64 = 24 * 60 * 60;

impl Default for Identity {
    fn default() -> Self {
        Self {
            issuer: "lakewarden".to_owned(),
            audience: "lakewarden".to_owned(),
            leeway_s: 5,
            admin: "admin".to_owned(),
            admin_token_ttl_s: 90 * DAY_S,
            default_token_ttl_s: 8 * 60 * 60,
            max_token_ttl_s: 365 * DAY_S,
            signing_key: None,
            tokenize_key: None,
            issuers: Vec::new(),
        }
    }
}

/// `[[identity.issuers]]`: one trusted issuer. Exactly one of `jwks_uri`, `jwks_file` and `jwks` gives its keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// Its `iss`, compared byte by byte.
    pub issuer: String,
    /// The `aud` that its tokens must carry for us.
    pub audience: String,
    /// The algorithms it signs with. Each key is used with one algorithm only, its own.
    pub algorithms: Vec<Algorithm>,
    /// Where its key set is fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// A file with its key set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_file: Option<PathBuf>,
    /// Its key set itself, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<String>,
    /// The claim that holds the name of the principal.
    #[serde(default = "subject")]
    pub principal_claim: String,
    /// How long must pass between two fetches of the key set, in seconds.
    #[serde(default = "refresh")]
    pub min_refresh_s: u64,
}

fn subject() -> String {
    "sub".to_owned()
}

fn refresh() -> u64 {
    60
}

/// A signature algorithm that an issuer may use. There is no symmetric one: who could verify could sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// RSA PKCS#1 v1.5 with SHA-256.
    RS256,
    /// RSA PKCS#1 v1.5 with SHA-384.
    RS384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    RS512,
    /// RSA-PSS with SHA-256.
    PS256,
    /// RSA-PSS with SHA-384.
    PS384,
    /// RSA-PSS with SHA-512.
    PS512,
    /// ECDSA on P-256.
    ES256,
    /// ECDSA on P-384.
    ES384,
    /// Ed25519.
    EdDSA,
}

/// `[engine]`: the limits of a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineLimits {
    /// How long a query may run.
    pub query_timeout_ms: u64,
    /// How much memory a query may use, in bytes.
    pub query_memory_bytes: usize,
    /// How much memory all queries together may use, in bytes.
    pub total_memory_bytes: usize,
    /// How much disk a query may spill to, in bytes.
    pub query_spill_bytes: u64,
    /// How long the parts of a query may compute, added up.
    pub query_cpu_time_ms: u64,
    /// How many rows a query may give over gRPC.
    pub max_result_rows: u64,
    /// The longest statement, in bytes.
    pub max_statement_bytes: usize,
    /// How deep a statement may nest.
    pub max_nesting: usize,
    /// How many queries run at once; more wait.
    pub max_concurrent_queries: usize,
    /// How many queries of one principal run at once.
    pub max_concurrent_queries_per_principal: usize,
    /// How many queries of one principal wait; more are turned away.
    pub max_waiting_queries_per_principal: usize,
    /// How long a query waits for its turn.
    pub queue_timeout_ms: u64,
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            query_timeout_ms: 5 * 60_000,
            query_memory_bytes: 1024 * 1024 * 1024,
            total_memory_bytes: 4 * 1024 * 1024 * 1024,
            query_spill_bytes: 10 * 1024 * 1024 * 1024,
            query_cpu_time_ms: 20 * 60_000,
            max_result_rows: 10_000_000,
            max_statement_bytes: 1024 * 1024,
            max_nesting: 50,
            max_concurrent_queries: 32,
            max_concurrent_queries_per_principal: 8,
            max_waiting_queries_per_principal: 100,
            queue_timeout_ms: 30_000,
        }
    }
}

/// `[flight]`: what the Flight SQL door keeps between requests, for all principals and for each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Flight {
    /// Sessions, tickets and prepared statements of each kind, in all.
    pub max_handles: usize,
    /// The same for one principal; its own oldest makes room.
    pub max_handles_per_principal: usize,
    /// How many bytes all handles of a kind keep: statements, parameters, answers.
    pub max_handle_bytes: usize,
    /// The same for one principal; its own oldest make room.
    pub max_handle_bytes_per_principal: usize,
    /// How long a ticket can be redeemed, in seconds.
    pub ticket_ttl_s: u64,
    /// How long a session or a prepared statement lives unused, in seconds.
    pub idle_ttl_s: u64,
    /// How many rows of parameters one statement may be bound to.
    pub max_parameter_rows: usize,
}

impl Default for Flight {
    fn default() -> Self {
        Self {
            max_handles: 20_000,
            max_handles_per_principal: 500,
            max_handle_bytes: 512 * 1024 * 1024,
            max_handle_bytes_per_principal: 64 * 1024 * 1024,
            ticket_ttl_s: 300,
            idle_ttl_s: 30 * 60,
            max_parameter_rows: 10_000,
        }
    }
}

/// `[tls]`: both or neither.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain, PEM, the server's own first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_file: Option<PathBuf>,
    /// Its private key, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
}

/// `[telemetry]`: logs and metrics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// What is logged, in the words of `tracing_subscriber::EnvFilter`.
    pub log: String,
    /// As lines for people or as JSON.
    pub format: LogFormat,
    /// Whether `/metrics` answers without a token.
    pub metrics_open: bool,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { log: "info".to_owned(), format: LogFormat::Text, metrics_open: false }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

#[cfg(test)]
mod tests;
