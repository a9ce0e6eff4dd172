//! Faults of the settings that their shape does not show.

use std::collections::BTreeSet;

use super::{Config, Issuer};

/// Every fault, each with the key it is about.
pub(super) fn faults(config: &Config) -> Vec<String> {
    let mut faults = Vec::new();
    listen(config, &mut faults);
    identity(config, &mut faults);
    positive(config, &mut faults);
    if config.tls.cert_file.is_some() != config.tls.key_file.is_some() {
        faults.push("tls: `cert_file` and `key_file` go together: give both or neither".to_owned());
    }
    if config.telemetry.log.parse::<tracing_subscriber::filter::EnvFilter>().is_err() {
        faults.push(format!(
            "telemetry.log: `{}` is not a log filter such as `info,lakewarden_engine=debug`",
            config.telemetry.log
        ));
    }
    faults
}

fn listen(config: &Config, faults: &mut Vec<String>) {
    let listen = &config.listen;
    if !listen.address.ip().is_loopback() && config.tls.cert_file.is_none() && !listen.allow_plaintext {
        faults.push(format!(
            "listen.address: `{}` is reachable from other machines and tokens would travel unencrypted: give a certificate in [tls], or set `listen.allow_plaintext` behind a TLS proxy",
            listen.address
        ));
    }
}

fn positive(config: &Config, faults: &mut Vec<String>) {
    let (listen, identity, engine, flight) = (&config.listen, &config.identity, &config.engine, &config.flight);
    let numbers = [
        ("listen.max_request_bytes", listen.max_request_bytes as u64),
        ("listen.max_reply_bytes", listen.max_reply_bytes as u64),
        ("listen.max_connections", listen.max_connections as u64),
        ("listen.max_streams_per_connection", u64::from(listen.max_streams_per_connection)),
        ("listen.header_timeout_ms", listen.header_timeout_ms),
        ("listen.idle_timeout_ms", listen.idle_timeout_ms),
        ("listen.keepalive_ms", listen.keepalive_ms),
        ("identity.admin_token_ttl_s", identity.admin_token_ttl_s),
        ("identity.default_token_ttl_s", identity.default_token_ttl_s),
        ("identity.max_token_ttl_s", identity.max_token_ttl_s),
        ("engine.query_timeout_ms", engine.query_timeout_ms),
        ("engine.query_memory_bytes", engine.query_memory_bytes as u64),
        ("engine.total_memory_bytes", engine.total_memory_bytes as u64),
        ("engine.query_spill_bytes", engine.query_spill_bytes),
        ("engine.query_cpu_time_ms", engine.query_cpu_time_ms),
        ("engine.max_result_rows", engine.max_result_rows),
        ("engine.max_statement_bytes", engine.max_statement_bytes as u64),
        ("engine.max_nesting", engine.max_nesting as u64),
        ("engine.max_concurrent_queries", engine.max_concurrent_queries as u64),
        ("engine.max_concurrent_queries_per_principal", engine.max_concurrent_queries_per_principal as u64),
        ("engine.queue_timeout_ms", engine.queue_timeout_ms),
        ("flight.max_handle_bytes", flight.max_handle_bytes as u64),
        ("flight.max_handle_bytes_per_principal", flight.max_handle_bytes_per_principal as u64),
        ("flight.max_handles", flight.max_handles as u64),
        ("flight.max_handles_per_principal", flight.max_handles_per_principal as u64),
        ("flight.ticket_ttl_s", flight.ticket_ttl_s),
        ("flight.idle_ttl_s", flight.idle_ttl_s),
        ("flight.max_parameter_rows", flight.max_parameter_rows as u64),
    ];
    let none = numbers.iter().filter(|(_, value)| *value == 0);
    faults.extend(none.map(|(key, _)| format!("{key}: must be more than 0")));
}

fn identity(config: &Config, faults: &mut Vec<String>) {
    let identity = &config.identity;
    if identity.leeway_s > 60 {
        faults.push("identity.leeway_s: more than 60 seconds would keep expired tokens alive".to_owned());
    }
    if identity.default_token_ttl_s > identity.max_token_ttl_s {
        faults.push("identity.default_token_ttl_s: is more than `max_token_ttl_s`".to_owned());
    }
    for (key, text) in [("issuer", &identity.issuer), ("audience", &identity.audience), ("admin", &identity.admin)] {
        if text.trim().is_empty() {
            faults.push(format!("identity.{key}: must not be empty"));
        }
    }
    let mut seen = BTreeSet::from([identity.issuer.as_str()]);
    for (i, issuer) in identity.issuers.iter().enumerate() {
        if !seen.insert(&issuer.issuer) {
            faults.push(format!(
                "identity.issuers[{i}].issuer: `{}` is taken by another issuer or by our own tokens",
                issuer.issuer
            ));
        }
        faults.extend(issuer_faults(issuer).into_iter().map(|fault| format!("identity.issuers[{i}].{fault}")));
    }
}

fn issuer_faults(issuer: &Issuer) -> Vec<String> {
    let mut faults = Vec::new();
    let texts =
        [("issuer", &issuer.issuer), ("audience", &issuer.audience), ("principal_claim", &issuer.principal_claim)];
    let empty = texts.iter().filter(|(_, text)| text.trim().is_empty());
    faults.extend(empty.map(|(key, _)| format!("{key}: must not be empty")));
    if issuer.algorithms.is_empty() {
        faults.push("algorithms: name at least one, such as `RS256`".to_owned());
    }
    let sources = [issuer.jwks_uri.is_some(), issuer.jwks_file.is_some(), issuer.jwks.is_some()];
    if sources.iter().filter(|given| **given).count() != 1 {
        faults.push("jwks: give exactly one of `jwks_uri`, `jwks_file` and `jwks`".to_owned());
    }
    if let Some(uri) = &issuer.jwks_uri
        && !is_safe_uri(uri)
    {
        faults.push(format!("jwks_uri: `{uri}` must be an https address (http only to this machine)"));
    }
    faults
}

/// Keys fetched over plain http could be replaced on the way, so that is for this machine only.
fn is_safe_uri(uri: &str) -> bool {
    let Ok(url) = url::Url::parse(uri) else { return false };
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(url::Host::Ipv4(ip))) => ip.is_loopback(),
        ("http", Some(url::Host::Ipv6(ip))) => ip.is_loopback(),
        ("http", Some(url::Host::Domain(name))) => name == "localhost",
        _ => false,
    }
}
