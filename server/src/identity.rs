//! Who is calling. It turns the token of a request into a `Caller`, and nothing else: what the caller may do is asked
//! by the catalog for each operation.
//!
//! Every request carries a token, but for the probes of [`layer`]. There are two sorts: our own, signed with the key of this
//! server and recorded in the catalog, so that they can be revoked; and those of issuers named in the settings. Nothing
//! that a token says of itself chooses the key or the algorithm it is checked with: its `iss` and `kid` only select
//! among what the settings pin together. A verified token is not remembered, so a revocation is in force at once.
//!
//! A refusal tells the caller that the token is not valid; that it expired is told only when its signature was good.

pub mod admin;
mod held;
mod jwks;
pub mod keys;
pub mod layer;
pub mod oidc;
mod presented;
mod refusal;
pub mod secret_file;
#[cfg(test)]
mod testing;
pub mod token_key;
pub mod tokens;

use std::sync::Arc;

use lakewarden_catalog::model::{Principal, PrincipalKind, PrincipalName, RequestId};
use lakewarden_catalog::{Caller, Handle};
use serde::Deserialize;

pub use presented::TokenInfo;
pub use refusal::Refusal;

use tokens::TokenAuthority;

/// Verifies tokens.
pub struct Identity {
    authority: Arc<TokenAuthority>,
    issuers: oidc::Issuers,
    catalog: Handle,
}

/// The longest token that is looked at, in bytes.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The one claim that is read before the signature is checked: it selects whose keys to check with.
#[derive(Deserialize)]
struct Unverified {
    iss: String,
}

impl Identity {
    /// Joins the parts.
    pub fn new(authority: Arc<TokenAuthority>, issuers: oidc::Issuers, catalog: Handle) -> Self {
        Self { authority, issuers, catalog }
    }

    /// The caller that `token` stands for, at `door`.
    ///
    /// # Errors
    /// A [`Refusal`] that says which check failed.
    pub async fn caller(&self, token: &str, request_id: RequestId, door: &'static str) -> Result<Caller, Refusal> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::Malformed("too long"));
        }
        let unverified: Unverified = jsonwebtoken::dangerous::insecure_decode_claims(token)?;
        let principal = if unverified.iss == self.authority.issuer() {
            self.own(token)?
        } else {
            self.external(&unverified.iss, token).await?
        };
        if principal.kind == PrincipalKind::Group {
            return Err(Refusal::Principal);
        }
        let name = principal.name.clone();
        Ok(Caller { principal: principal.id, name, kind: principal.kind, request_id, door })
    }

    /// Whether a token that was accepted for `caller` is good still: not revoked, not expired, its principal not deleted.
    fn still_holds(&self, caller: &Caller, sha256: &[u8; 32], told: Option<TokenInfo>) -> Result<(), Refusal> {
        let told = told.ok_or(Refusal::Malformed("no expiry"))?;
        let reads = self.catalog.reads();
        let (principal, gone) = match told.id {
            Some(id) => (reads.principal_of_token(id, sha256), Refusal::Unrecorded),
            None if told.expires_at_s.saturating_add(self.issuers.leeway_s()) <= reads.clock().now_ms() / 1000 => {
                return Err(Refusal::Expired);
            }
            None => (reads.principal_for_identity(&caller.name), Refusal::Principal),
        };
        principal.filter(|principal| principal.id == caller.principal).map(drop).ok_or(gone)
    }

    fn own(&self, token: &str) -> Result<Arc<Principal>, Refusal> {
        let claims = self.authority.verify(token)?;
        let recorded = self.catalog.reads().principal_of_token(claims.id, &claims.sha256);
        recorded.filter(|principal| principal.id == claims.principal).ok_or(Refusal::Unrecorded)
    }

    async fn external(&self, issuer: &str, token: &str) -> Result<Arc<Principal>, Refusal> {
        let (name, exact) = self.issuers.verify(issuer, token).await?;
        let parsed = PrincipalName::parse(&name).map_err(|_| Refusal::Principal)?;
        let principal = self.catalog.reads().principal_for_identity(&parsed).ok_or(Refusal::Principal)?;
        // Names of principals are alike whatever their case; subjects of an issuer are not.
        if exact && principal.name.as_str() != name {
            return Err(Refusal::Principal);
        }
        Ok(principal)
    }
}
