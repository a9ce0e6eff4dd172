//! Access tokens: recorded, listed, revoked, and looked up when somebody shows one.

use subtle::ConstantTimeEq;

use super::page::{Listing, Page};
use super::principals::named;
use crate::model::{Principal, PrincipalId, PrincipalKind, PrincipalName, Token, TokenId};
use crate::tx::Tx;
use crate::{Caller, CatalogError, metastore::Metastore};
use std::sync::Arc;

/// What the identity layer asks to be recorded of a token that it is about to hand out.
#[derive(Clone)]
pub struct NewToken {
    /// Its id, the `jti`.
    pub id: TokenId,
    /// The SHA-256 of the whole token.
    pub sha256: [u8; 32],
    /// Whom it identifies.
    pub principal: PrincipalId,
    /// From when on it is refused, in milliseconds since 1970 (UTC).
    pub expires_at_ms: i64,
    /// Free text.
    pub comment: Option<String>,
}

impl Metastore {
    /// The principal that a token would be for, when the caller may make one: for itself, or for anybody as a metastore
    /// admin. Groups have no tokens.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`, `InvalidArgument` for a group.
    pub fn token_principal(&self, caller: &Caller, name: &PrincipalName) -> Result<Arc<Principal>, CatalogError> {
        self.read(caller, "tokens.create", name.as_str(), |pinned| {
            let principal = named(pinned.state(), name)?;
            if principal.id != caller.principal {
                pinned.require_admin()?;
            }
            if principal.kind == PrincipalKind::Group {
                let message = format!("`{name}` is a group: tokens are for users and service principals");
                return Err(CatalogError::invalid("principal", message));
            }
            Ok(principal.clone())
        })
    }

    /// Records a token.
    ///
    /// # Errors
    /// As `token_principal`.
    pub fn record_token(&self, caller: &Caller, new: &NewToken) -> Result<(), CatalogError> {
        self.write(caller, "tokens.create", &new.id.to_string(), |tx| {
            let gone = || CatalogError::NoSuch { what: "principal", name: new.principal.to_string() };
            let principal = tx.state().principal(new.principal).cloned().ok_or_else(gone)?;
            if principal.id != tx.caller().principal {
                tx.pinned().require_admin()?;
            }
            tx.detail("principal", principal.name.to_string());
            tx.put_token(Token {
                id: new.id,
                principal: new.principal,
                sha256: new.sha256,
                comment: new.comment.clone(),
                created_at_ms: tx.now_ms(),
                created_by: tx.caller().principal,
                expires_at_ms: new.expires_at_ms,
                revoked_at_ms: None,
            })
        })
    }

    /// Lists tokens, oldest first: one's own, or anybody's as a metastore admin.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`, `InvalidArgument` for a page token of ours that is not one.
    pub fn list_tokens(
        &self,
        caller: &Caller,
        of: Option<&PrincipalName>,
        page: &Page,
    ) -> Result<Listing<Arc<Token>>, CatalogError> {
        self.read(caller, "tokens.list", of.map_or("", PrincipalName::as_str), |pinned| {
            let of = of.map(|name| named(pinned.state(), name).map(|p| p.id)).transpose()?;
            if of != Some(caller.principal) {
                pinned.require_admin()?;
            }
            let after = page.after.as_deref().map(parse_id).transpose()?;
            let tokens = pinned.state().tokens.values().filter(|t| of.is_none_or(|of| t.principal == of));
            let rest = tokens.filter(|t| after.is_none_or(|after| t.id > after)).cloned();
            Ok(page.take(rest, |t| t.id.to_string()))
        })
    }

    /// Revokes a token: the very next request that shows it is refused. Revoking twice changes nothing.
    ///
    /// # Errors
    /// `NotFound` when there is none, or it is somebody else's and the caller is no metastore admin.
    pub fn revoke_token(&self, caller: &Caller, id: TokenId) -> Result<(), CatalogError> {
        self.write(caller, "tokens.revoke", &id.to_string(), |tx| {
            let no_such = || CatalogError::NoSuch { what: "token", name: id.to_string() };
            let token = tx.state().tokens.get(&id).cloned().ok_or_else(no_such)?;
            if token.principal != tx.caller().principal && tx.pinned().require_admin().is_err() {
                return Err(no_such());
            }
            if token.revoked_at_ms.is_some() {
                return Ok(());
            }
            let mut revoked = token.as_ref().clone();
            revoked.revoked_at_ms = Some(tx.now_ms());
            tx.put_token(revoked)
        })
    }

    /// The principal that a token of ours identifies, now. Its signature and times have been checked already; this checks
    /// that it was recorded by us, is the very one, has not expired and was not revoked.
    pub fn principal_of_token(&self, id: TokenId, sha256: &[u8; 32]) -> Option<Arc<Principal>> {
        let state = self.published();
        let token = state.tokens.get(&id)?;
        let same: bool = token.sha256.ct_eq(sha256).into();
        let live = token.revoked_at_ms.is_none() && self.clock().now_ms() < token.expires_at_ms;
        if same && live { state.principal(token.principal).cloned() } else { None }
    }

    /// The user or service principal of a name, for an identity that another issuer vouches for.
    pub fn principal_for_identity(&self, name: &PrincipalName) -> Option<Arc<Principal>> {
        let state = self.published();
        state.principal_named(name).filter(|p| p.kind != PrincipalKind::Group).cloned()
    }
}

/// Revokes every token of a principal that goes.
pub(crate) fn revoke_all(tx: &mut Tx, principal: PrincipalId) -> Result<(), CatalogError> {
    let live: Vec<Arc<Token>> =
        tx.state().tokens.values().filter(|t| t.principal == principal && t.revoked_at_ms.is_none()).cloned().collect();
    for token in live {
        let mut revoked = token.as_ref().clone();
        revoked.revoked_at_ms = Some(tx.now_ms());
        tx.put_token(revoked)?;
    }
    Ok(())
}

fn parse_id(text: &str) -> Result<TokenId, CatalogError> {
    let parsed = uuid::Uuid::parse_str(text).map(TokenId);
    parsed.map_err(|_| CatalogError::invalid("page_token", "this page token was not given out by this listing"))
}
