//! Our own tokens: EdDSA JWTs signed with the key of this server.
//!
//! A token holds `iss aud sub jti iat nbf exp`, all required; `sub` is the id of the principal and `jti` the id of the
//! token's record. The record keeps a SHA-256 of the whole text, so a token that the catalog did not issue is refused
//! even if it was signed with our key.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, Header, Validation};
use lakewarden_catalog::clock::Clock;
use lakewarden_catalog::model::{PrincipalId, TokenId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Refusal;
use super::keys::SigningKey;
use crate::config::{self, Secret};

/// Makes and verifies our own tokens.
pub struct TokenAuthority {
    key: SigningKey,
    validation: Validation,
    issuer: String,
    audience: String,
    leeway_s: u64,
    clock: Arc<dyn Clock>,
}

/// A token that was made, with what its record needs. It is good for nothing until the record is kept.
pub struct Minted {
    /// The token itself; shown once to who asked for it, never kept.
    pub token: Secret<String>,
    /// Its id.
    pub id: TokenId,
    /// The SHA-256 of the whole token.
    pub sha256: [u8; 32],
    /// When it was made, in milliseconds since 1970 (UTC).
    pub created_at_ms: i64,
    /// From when on it is refused, in milliseconds since 1970 (UTC).
    pub expires_at_ms: i64,
}

/// What a verified token says.
#[derive(Debug, PartialEq, Eq)]
pub struct Verified {
    /// The id of the token.
    pub id: TokenId,
    /// Whom it stands for.
    pub principal: PrincipalId,
    /// The SHA-256 of the whole token, to be compared with its record.
    pub sha256: [u8; 32],
}

/// Each claim is required and has one type; a list for `iss` or `aud` is no token of ours.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    jti: Uuid,
    iat: u64,
    nbf: u64,
    exp: u64,
}

impl TokenAuthority {
    /// An authority with this key.
    pub fn new(key: SigningKey, settings: &config::Identity, clock: Arc<dyn Clock>) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.set_issuer(&[&settings.issuer]);
        validation.set_audience(&[&settings.audience]);
        // The times are checked by `times` against the clock that is passed in: our own tokens come from that very clock,
        // so an expired one has no leeway.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self {
            key,
            validation,
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            leeway_s: settings.leeway_s,
            clock,
        }
    }

    /// The `iss` of our tokens.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Makes a token for `principal` that lives for `ttl_s` seconds.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn mint(&self, principal: PrincipalId, ttl_s: u64) -> Result<Minted, Refusal> {
        let created_at_ms = self.clock.now_ms();
        let now = seconds(created_at_ms);
        let exp = now.saturating_add(ttl_s);
        let jti = self.clock.new_id();
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: principal.0,
            jti,
            iat: now,
            nbf: now,
            exp,
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.key.kid.clone());
        let token = jsonwebtoken::encode(&header, &claims, &self.key.encoding)?;
        Ok(Minted {
            sha256: sha256(&token),
            token: Secret::new(token),
            id: TokenId(jti),
            created_at_ms,
            expires_at_ms: i64::try_from(exp.saturating_mul(1000)).unwrap_or(i64::MAX),
        })
    }

    /// Checks form, algorithm, key, signature, claims and times. Whether it is recorded and not revoked is for the
    /// caller of this method to ask.
    ///
    /// # Errors
    /// The check that failed.
    pub fn verify(&self, token: &str) -> Result<Verified, Refusal> {
        let header = jsonwebtoken::decode_header(token)?;
        check_header(&header)?;
        if header.kid.as_deref() != Some(&self.key.kid) {
            return Err(Refusal::UnknownKey);
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.key.decoding, &self.validation)?.claims;
        self.times(&claims)?;
        Ok(Verified { id: TokenId(claims.jti), principal: PrincipalId(claims.sub), sha256: sha256(token) })
    }

    fn times(&self, claims: &Claims) -> Result<(), Refusal> {
        let now = seconds(self.clock.now_ms());
        if claims.exp <= now {
            return Err(Refusal::Expired);
        }
        if claims.nbf.max(claims.iat) > now.saturating_add(self.leeway_s) {
            return Err(Refusal::NotYet);
        }
        Ok(())
    }
}

/// What must hold for the header of any token: no extension that we do not understand, and no other sort of JOSE object.
pub(super) fn check_header(header: &Header) -> Result<(), Refusal> {
    if header.crit.is_some() {
        return Err(Refusal::Invalid("crit"));
    }
    if header.enc.is_some() || header.zip.is_some() {
        return Err(Refusal::Invalid("enc"));
    }
    match header.typ.as_deref() {
        None => Ok(()),
        Some(typ) if typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("at+jwt") => Ok(()),
        Some(_) => Err(Refusal::Invalid("typ")),
    }
}

pub(super) fn sha256(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn seconds(ms: i64) -> u64 {
    u64::try_from(ms / 1000).unwrap_or(0)
}

#[cfg(test)]
mod tests;
