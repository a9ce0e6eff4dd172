//! Key sets of issuers: which keys are taken from them, and with which one algorithm each is used.

use std::collections::HashMap;
use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};

use crate::config;

/// A key with the one algorithm it may be used with.
#[derive(Clone)]
pub(super) struct PinnedKey {
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// The keys of one issuer by `kid`.
pub(super) type KeySet = HashMap<String, PinnedKey>;

/// The largest key set that is read, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// Why a key set could not be had. Its text is logged.
#[derive(Debug, thiserror::Error)]
pub(super) enum JwksError {
    #[error("it is not a JSON Web Key Set: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("none of its keys can be used with the algorithms of the settings")]
    Empty,
    #[error("it could not be fetched: {0}")]
    Fetch(#[from] reqwest::Error),
    #[error("it is larger than {MAX_BYTES} bytes")]
    TooLarge,
}

/// Reads a key set. A key is left out when it has no `kid`, is symmetric, is not for signatures, or its algorithm is not
/// among `allowed` or not clear.
pub(super) fn read(text: &str, allowed: &[config::Algorithm]) -> Result<KeySet, JwksError> {
    let set: JwkSet = serde_json::from_str(text)?;
    let mut keys = KeySet::new();
    let mut twice = Vec::new();
    for jwk in &set.keys {
        let Some((kid, key)) = pin(jwk, allowed) else { continue };
        if keys.insert(kid.clone(), key).is_some() {
            twice.push(kid);
        }
    }
    // Two keys under one name: which of them is meant cannot be known, so neither is used.
    for kid in twice {
        keys.remove(&kid);
    }
    if keys.is_empty() { Err(JwksError::Empty) } else { Ok(keys) }
}

fn pin(jwk: &Jwk, allowed: &[config::Algorithm]) -> Option<(String, PinnedKey)> {
    let kid = jwk.common.key_id.clone()?;
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let algorithm = algorithm_of(jwk, allowed)?;
    let key = DecodingKey::from_jwk(jwk).ok()?;
    // INVARIANT: the family of the key, known from its material, is the family of the algorithm.
    (key.family() == algorithm.family()).then_some((kid, PinnedKey { algorithm, key }))
}

/// The algorithm of a key: the one it names, else the one its material leaves, and only if the settings allow it.
fn algorithm_of(jwk: &Jwk, allowed: &[config::Algorithm]) -> Option<Algorithm> {
    let possible: Vec<config::Algorithm> = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => rsa(),
        AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
            EllipticCurve::P256 => vec![config::Algorithm::ES256],
            EllipticCurve::P384 => vec![config::Algorithm::ES384],
            _ => Vec::new(),
        },
        AlgorithmParameters::OctetKeyPair(curve) => match curve.curve {
            EllipticCurve::Ed25519 => vec![config::Algorithm::EdDSA],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    let mut candidates: Vec<config::Algorithm> = possible.into_iter().filter(|a| allowed.contains(a)).collect();
    if let Some(named) = &jwk.common.key_algorithm {
        candidates.retain(|a| key_algorithm(*a) == *named);
    }
    match candidates.as_slice() {
        [one] => Some(one.as_jwt()),
        _ => None,
    }
}

fn rsa() -> Vec<config::Algorithm> {
    use config::Algorithm as A;
    vec![A::RS256, A::RS384, A::RS512, A::PS256, A::PS384, A::PS512]
}

fn key_algorithm(algorithm: config::Algorithm) -> KeyAlgorithm {
    use config::Algorithm as A;
    match algorithm {
        A::RS256 => KeyAlgorithm::RS256,
        A::RS384 => KeyAlgorithm::RS384,
        A::RS512 => KeyAlgorithm::RS512,
        A::PS256 => KeyAlgorithm::PS256,
        A::PS384 => KeyAlgorithm::PS384,
        A::PS512 => KeyAlgorithm::PS512,
        A::ES256 => KeyAlgorithm::ES256,
        A::ES384 => KeyAlgorithm::ES384,
        A::EdDSA => KeyAlgorithm::EdDSA,
    }
}

impl config::Algorithm {
    /// The same algorithm in the words of the token library.
    fn as_jwt(self) -> Algorithm {
        match self {
            Self::RS256 => Algorithm::RS256,
            Self::RS384 => Algorithm::RS384,
            Self::RS512 => Algorithm::RS512,
            Self::PS256 => Algorithm::PS256,
            Self::PS384 => Algorithm::PS384,
            Self::PS512 => Algorithm::PS512,
            Self::ES256 => Algorithm::ES256,
            Self::ES384 => Algorithm::ES384,
            Self::EdDSA => Algorithm::EdDSA,
        }
    }
}

/// A client for key sets: it follows no redirects, so that only the address of the settings is ever asked.
pub(super) fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(5))
        .user_agent("lakewarden")
        .build()
}

/// Fetches and reads the key set at `uri`.
pub(super) async fn fetch(
    client: &reqwest::Client,
    uri: &str,
    allowed: &[config::Algorithm],
) -> Result<KeySet, JwksError> {
    let mut reply = client.get(uri).send().await?.error_for_status()?;
    let mut bytes = Vec::new();
    while let Some(chunk) = reply.chunk().await? {
        if bytes.len() + chunk.len() > MAX_BYTES {
            return Err(JwksError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    read(&String::from_utf8_lossy(&bytes), allowed)
}
