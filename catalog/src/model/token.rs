//! Access tokens. The store keeps a hash, never the token.

use serde::{Deserialize, Serialize};

use super::{PrincipalId, TokenId};

/// The record of an access token.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// Its id, the `jti` of the JWT.
    pub id: TokenId,
    /// Whom it identifies.
    pub principal: PrincipalId,
    /// The SHA-256 of the whole token.
    pub sha256: [u8; 32],
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// When it was made, in milliseconds since 1970 (UTC).
    pub created_at_ms: i64,
    /// Who made it.
    pub created_by: PrincipalId,
    /// From when on it is refused, in milliseconds since 1970 (UTC).
    pub expires_at_ms: i64,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at_ms: Option<i64>,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("id", &self.id)
            .field("principal", &self.principal)
            .field("expires_at_ms", &self.expires_at_ms)
            .field("revoked_at_ms", &self.revoked_at_ms)
            .finish_non_exhaustive()
    }
}
