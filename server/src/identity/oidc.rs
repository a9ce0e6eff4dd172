//! Tokens of external issuers (OpenID Connect).
//!
//! The settings name each issuer, the audience that means us, and the algorithms it may sign with. The `kid` of a token
//! selects a key of that issuer's set, and the key is pinned to one algorithm; the token's own `alg` must be that one. A
//! key is never taken from the token itself or from an address in it. A `kid` that is not in the set leads to one fetch
//! of the set, at most one in `min_refresh_s` however many such tokens come.
//!
//! The name of the principal is the text of one claim. Groups and rights come from the catalog alone, whatever the token
//! claims.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonwebtoken::Validation;
use lakewarden_catalog::clock::Clock;
use parking_lot::RwLock;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::jwks::{self, KeySet, PinnedKey};
use super::{Refusal, tokens};
use crate::config;
use crate::error::ServerError;

/// A fetched set is fetched again after this time, so that a key that its issuer withdrew is given up.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);

/// The claim that is an address of e-mail.
const EMAIL: &str = "email";

/// All external issuers.
pub struct Issuers {
    by_issuer: HashMap<String, Issuer>,
    leeway_s: i64,
}

struct Issuer {
    settings: config::Issuer,
    leeway_s: u64,
    clock: Arc<dyn Clock>,
    source: Source,
    keys: RwLock<Held>,
}

enum Source {
    Fixed,
    Fetched { client: reqwest::Client, uri: String, last_try: Mutex<Option<Instant>> },
}

#[derive(Default)]
struct Held {
    keys: KeySet,
    since: Option<Instant>,
}

impl Issuers {
    /// Builds the issuers of the settings. Files are read now, addresses when the first token comes.
    ///
    /// # Errors
    /// When a key set that is given as text or file is unusable.
    pub fn new(settings: &config::Identity, clock: &Arc<dyn Clock>) -> Result<Self, ServerError> {
        let mut by_issuer = HashMap::new();
        for issuer in &settings.issuers {
            let built = Issuer::new(issuer.clone(), settings.leeway_s, Arc::clone(clock))?;
            by_issuer.insert(issuer.issuer.clone(), built);
        }
        Ok(Self { by_issuer, leeway_s: i64::try_from(settings.leeway_s).unwrap_or(0) })
    }

    /// How long an expired token is still taken, in seconds.
    pub(super) fn leeway_s(&self) -> i64 {
        self.leeway_s
    }

    /// Verifies a token of `issuer` and gives the name of its principal, and whether the name is exact: an address of
    /// e-mail is the same in any case, a subject is not.
    ///
    /// # Errors
    /// The check that failed.
    pub(super) async fn verify(&self, issuer: &str, token: &str) -> Result<(String, bool), Refusal> {
        let issuer = self.by_issuer.get(issuer).ok_or(Refusal::Issuer)?;
        let name = issuer.verify(token).await?;
        Ok((name, issuer.settings.principal_claim != EMAIL))
    }
}

impl Issuer {
    fn new(settings: config::Issuer, leeway_s: u64, clock: Arc<dyn Clock>) -> Result<Self, ServerError> {
        let fault = |cause: String| ServerError::Key { what: format!("key set of {}", settings.issuer), cause };
        let text = match (&settings.jwks, &settings.jwks_file) {
            (Some(text), _) => Some(text.clone()),
            (None, Some(path)) => Some(std::fs::read_to_string(path).map_err(|source| ServerError::File {
                path: path.clone(),
                doing: "read",
                source,
            })?),
            (None, None) => None,
        };
        let (source, held) = match (text, &settings.jwks_uri) {
            (Some(text), _) => {
                let keys = jwks::read(&text, &settings.algorithms).map_err(|e| fault(e.to_string()))?;
                (Source::Fixed, Held { keys, since: Some(Instant::now()) })
            }
            (None, Some(uri)) => {
                let client = jwks::client().map_err(|e| fault(e.to_string()))?;
                (Source::Fetched { client, uri: uri.clone(), last_try: Mutex::new(None) }, Held::default())
            }
            (None, None) => return Err(fault("no source is given".to_owned())),
        };
        Ok(Self { settings, leeway_s, clock, source, keys: RwLock::new(held) })
    }

    async fn verify(&self, token: &str) -> Result<String, Refusal> {
        let header = jsonwebtoken::decode_header(token)?;
        tokens::check_header(&header)?;
        let kid = header.kid.as_deref().ok_or(Refusal::Invalid("kid"))?;
        let pinned = self.key(kid).await?;
        if header.alg != pinned.algorithm {
            return Err(Refusal::Invalid("algorithm"));
        }
        let claims = jsonwebtoken::decode::<Map<String, Value>>(token, &pinned.key, &self.validation(&pinned))?.claims;
        self.check(&claims)
    }

    fn validation(&self, pinned: &PinnedKey) -> Validation {
        let mut validation = Validation::new(pinned.algorithm);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&[&self.settings.audience]);
        validation.validate_nbf = true;
        validation.leeway = self.leeway_s;
        validation
    }

    /// What the library leaves unchecked, and the name of the principal.
    fn check(&self, claims: &Map<String, Value>) -> Result<String, Refusal> {
        // A list of issuers would pass the library if any of them matched.
        if claims.get("iss").and_then(Value::as_str) != Some(&self.settings.issuer) {
            return Err(Refusal::Invalid("iss"));
        }
        let latest = self.clock.now_ms() / 1000 + i64::try_from(self.leeway_s).unwrap_or(0);
        match claims.get("iat") {
            None => {}
            Some(iat) if iat.as_f64().is_some_and(|iat| iat <= latest as f64) => {}
            Some(_) => return Err(Refusal::Invalid("iat")),
        }
        let claim = self.settings.principal_claim.as_str();
        // An address that its issuer has not verified can be anybody's.
        if claim == EMAIL && claims.get("email_verified").and_then(Value::as_bool) != Some(true) {
            return Err(Refusal::Invalid("email_verified"));
        }
        match claims.get(claim).and_then(Value::as_str) {
            Some(name) if !name.is_empty() => Ok(name.to_owned()),
            _ => Err(Refusal::Invalid("principal claim")),
        }
    }

    async fn key(&self, kid: &str) -> Result<PinnedKey, Refusal> {
        let (found, stale) = self.held(kid);
        if let (Some(key), false) = (&found, stale) {
            return Ok(key.clone());
        }
        self.refresh(kid).await;
        self.held(kid).0.ok_or(Refusal::UnknownKey)
    }

    fn held(&self, kid: &str) -> (Option<PinnedKey>, bool) {
        let held = self.keys.read();
        let fetched = matches!(self.source, Source::Fetched { .. });
        let stale = fetched && held.since.is_none_or(|since| since.elapsed() > MAX_AGE);
        (held.keys.get(kid).cloned(), stale)
    }

    async fn refresh(&self, kid: &str) {
        let Source::Fetched { client, uri, last_try } = &self.source else { return };
        let mut last_try = last_try.lock().await;
        // Somebody else may have fetched it while this one waited for the lock.
        if let (Some(_), false) = self.held(kid) {
            return;
        }
        let pause = Duration::from_secs(self.settings.min_refresh_s);
        if last_try.is_some_and(|at| at.elapsed() < pause) {
            return;
        }
        *last_try = Some(Instant::now());
        match jwks::fetch(client, uri, &self.settings.algorithms).await {
            Ok(keys) => *self.keys.write() = Held { keys, since: Some(Instant::now()) },
            Err(error) => {
                tracing::warn!(issuer = self.settings.issuer, %error, "the key set of an issuer could not be had")
            }
        }
    }
}

#[cfg(test)]
mod tests;
