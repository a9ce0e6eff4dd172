//! The layer in front of every door: a request passes with a `Caller`, or not at all.
//!
//! Open without a token are only the probes: `/healthz`, `/readyz`, gRPC health, and `/metrics` where the settings say so.
//! The token comes as `authorization: Bearer`. `authorization: Basic`, with the token as the password, is taken for the
//! handshake of Flight SQL alone, since its drivers know no other way to exchange a password for a token. The header is
//! taken off the request here, so that nothing behind this layer can log it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use lakewarden_catalog::model::RequestId;

use super::held::{Held, HeldAnswer};
use super::{Identity, Refusal, tokens};
use crate::config::Secret;
use crate::door;
use crate::telemetry::Metrics;

/// Some drivers leave the padding out.
const BASIC: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What the layer needs.
#[derive(Clone)]
pub struct Entrance {
    /// Verifies tokens.
    pub identity: Arc<Identity>,
    /// Counts refusals.
    pub metrics: Arc<Metrics>,
    /// Whether `/metrics` needs no token.
    pub metrics_open: bool,
}

/// The token with which a handshake was made; its handler gives it back as the bearer token to use.
#[derive(Clone, Debug)]
pub struct PresentedToken(pub Secret<String>);

/// Lets a request through with its `Caller` among the extensions, or answers that it is not known who calls.
pub async fn require_caller(State(entrance): State<Entrance>, mut request: Request<Body>, next: Next) -> Response {
    let several = request.headers().get_all(AUTHORIZATION).iter().nth(1).is_some();
    let header = request.headers_mut().remove(AUTHORIZATION);
    let path = request.uri().path();
    if is_open(path, entrance.metrics_open) {
        return next.run(request).await;
    }
    let (door, is_handshake) = (door::of(path), path == door::HANDSHAKE);
    let Some(request_id) = request.extensions().get::<RequestId>().copied() else {
        return refuse(request.headers(), &Refusal::Missing, &entrance.metrics);
    };
    let presented = match several {
        // Which of them counts would be a guess, and a proxy may have guessed otherwise.
        true => Err(Refusal::Malformed("several headers")),
        false => token(header.as_ref(), is_handshake),
    };
    let verified = match presented {
        Ok(token) => entrance.identity.caller(&token, request_id, door).await.map(|caller| (caller, token)),
        Err(refusal) => Err(refusal),
    };
    match verified {
        Ok((caller, token)) => {
            tracing::Span::current().record("principal", caller.name.as_str());
            let told = entrance.identity.told_by(&token);
            let (identity, sha256, whose) = (entrance.identity, tokens::sha256(&token), caller.clone());
            let holds = move || identity.still_holds(&whose, &sha256, told);
            let asked = holds.clone();
            let mut request = request.map(|body| Body::new(Held::new(body, asked)));
            if is_handshake {
                request.extensions_mut().insert(PresentedToken(Secret::new(token)));
            }
            if let Some(told) = told {
                request.extensions_mut().insert(told);
            }
            request.extensions_mut().insert(caller);
            next.run(request).await.map(|body| Body::new(HeldAnswer::new(body, holds)))
        }
        Err(refusal) => refuse(request.headers(), &refusal, &entrance.metrics),
    }
}

fn is_open(path: &str, metrics_open: bool) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/grpc.health.v1.Health/Check" | "/grpc.health.v1.Health/Watch")
        || (metrics_open && path == "/metrics")
}

/// The token in the header.
fn token(header: Option<&HeaderValue>, is_handshake: bool) -> Result<String, Refusal> {
    let text = header.ok_or(Refusal::Missing)?.to_str().map_err(|_| Refusal::Malformed("not text"))?;
    let (scheme, rest) = text.split_once(' ').ok_or(Refusal::Malformed("no scheme"))?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(rest.to_owned());
    }
    if is_handshake && scheme.eq_ignore_ascii_case("basic") {
        let bytes = BASIC.decode(rest).map_err(|_| Refusal::Malformed("not base64"))?;
        let pair = String::from_utf8(bytes).map_err(|_| Refusal::Malformed("not text"))?;
        let (_, password) = pair.split_once(':').ok_or(Refusal::Malformed("no password"))?;
        return Ok(password.to_owned());
    }
    Err(Refusal::Malformed("scheme"))
}

fn refuse(headers: &HeaderMap, refusal: &Refusal, metrics: &Metrics) -> Response {
    metrics.refused(refusal);
    tracing::info!(%refusal, "a request was refused");
    let is_grpc = headers.get(CONTENT_TYPE).is_some_and(|t| t.as_bytes().starts_with(b"application/grpc"));
    if is_grpc {
        return refusal.status().into_http::<Body>();
    }
    let body = serde_json::json!({ "errorCode": "UNAUTHENTICATED", "message": refusal.answer() });
    let headers = [(WWW_AUTHENTICATE, "Bearer"), (CONTENT_TYPE, "application/json")];
    (StatusCode::UNAUTHORIZED, headers, body.to_string()).into_response()
}

#[cfg(test)]
mod tests;
