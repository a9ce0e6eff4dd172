//! What a verified token says of itself, for its bearer who asks.

use lakewarden_catalog::model::TokenId;
use serde::Deserialize;
use uuid::Uuid;

use super::Identity;

/// The token that a request was let in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenInfo {
    /// The id of its record; none when another issuer made it.
    pub id: Option<TokenId>,
    /// From when on it is refused, in seconds since 1970 (UTC).
    pub expires_at_s: i64,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    jti: Option<serde_json::Value>,
    exp: f64,
}

impl Identity {
    /// What a token says that [`Identity::caller`] has just accepted. None when it does not say it in the usual form.
    pub(super) fn told_by(&self, verified: &str) -> Option<TokenInfo> {
        let claims: Claims = jsonwebtoken::dangerous::insecure_decode_claims(verified).ok()?;
        let id = claims.jti.as_ref().and_then(|jti| Uuid::parse_str(jti.as_str()?).ok()).map(TokenId);
        let expires_at_s = claims.exp as i64;
        Some(TokenInfo { id: id.filter(|_| claims.iss == self.authority.issuer()), expires_at_s })
    }
}
