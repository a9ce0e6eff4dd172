//! `TokenService`.

use std::sync::Arc;

use lakewarden_catalog::model::{PrincipalName, Token, TokenId};
use lakewarden_catalog::ops::page::{Listing, Page};
use lakewarden_catalog::ops::tokens::NewToken;
use lakewarden_catalog::{Caller, CatalogError, ErrorKind, Metastore};
use lakewarden_proto::v1;
use lakewarden_proto::v1::token_service_server::TokenService;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Door, caller};
use crate::convert::page::Scope;
use crate::convert::{Faults, records, tokens};
use crate::status::plain;

pub(super) struct Service(pub(super) Arc<Door>);

/// The word that stands for everybody in a list request.
const EVERYBODY: &str = "*";

#[tonic::async_trait]
impl TokenService for Service {
    async fn create_token(
        &self,
        request: Request<v1::CreateTokenRequest>,
    ) -> Result<Response<v1::CreateTokenResponse>, Status> {
        let caller = caller(&request)?;
        let (request, mut faults) = (request.get_ref(), Faults::new());
        let settings = &self.0.identity;
        let (usual, longest) = (settings.default_token_ttl_s, settings.max_token_ttl_s);
        let name = own_or(&caller, &request.principal, &mut faults);
        let ttl_s = tokens::lifetime(request.ttl.as_ref(), usual, longest, &mut faults);
        let comment = records::checked_comment(&request.comment, &mut faults);
        let ((name, ttl_s), comment) = faults.finish(name.zip(ttl_s).zip(comment))?;
        let principal = self.0.call(&caller, move |m, caller| m.token_principal(caller, &name)).await?;
        let minted = self.0.parts.authority.mint(principal.id, ttl_s).map_err(|refusal| {
            tracing::error!(request_id = %caller.request_id, %refusal, "a token could not be signed");
            plain(ErrorKind::Internal, "INTERNAL", format!("internal error (request {})", caller.request_id))
        })?;
        let new = NewToken {
            id: minted.id,
            sha256: minted.sha256,
            principal: principal.id,
            expires_at_ms: minted.expires_at_ms,
            comment,
        };
        let info = self.0.call(&caller, move |m, caller| {
            m.record_token(caller, &new)?;
            show(m, caller, new.id)
        });
        let info = Some(info.await?);
        Ok(Response::new(v1::CreateTokenResponse { token: minted.token.expose().clone(), info }))
    }

    async fn list_tokens(
        &self,
        request: Request<v1::ListTokensRequest>,
    ) -> Result<Response<v1::ListTokensResponse>, Status> {
        let caller = caller(&request)?;
        let (request, mut faults) = (request.get_ref(), Faults::new());
        let scope = Scope::new("ListTokens", &[&request.principal, &request.include_inactive.to_string()]);
        let of = match request.principal.as_str() {
            EVERYBODY => Some(None),
            name => own_or(&caller, name, &mut faults).map(Some),
        };
        let page = scope.page(request.page_size, &request.page_token, &mut faults);
        let (of, page) = faults.finish(of.zip(page))?;
        let with_inactive = request.include_inactive;
        let found = self.0.call(&caller, move |m, caller| {
            let found = list(m, caller, of.as_ref(), &page, with_inactive)?;
            let pinned = m.pin(caller);
            Ok(found.map(|token| tokens::show(&pinned, &token)))
        });
        let found = found.await?;
        let next_page_token = scope.next_token(&found);
        Ok(Response::new(v1::ListTokensResponse { tokens: found.items, next_page_token }))
    }

    async fn revoke_token(&self, request: Request<v1::RevokeTokenRequest>) -> Result<Response<v1::Token>, Status> {
        let caller = caller(&request)?;
        let mut faults = Faults::new();
        let id = tokens::id(&request.get_ref().id, &mut faults);
        let id = faults.finish(id)?;
        let revoked = self.0.call(&caller, move |m, caller| {
            m.revoke_token(caller, id)?;
            show(m, caller, id)
        });
        Ok(Response::new(revoked.await?))
    }
}

/// The principal named, or the caller.
fn own_or(caller: &Caller, name: &str, faults: &mut Faults) -> Option<PrincipalName> {
    if name.is_empty() { Some(caller.name.clone()) } else { faults.principal("principal", name) }
}

/// A page of tokens. What is not wanted is left out before the page is cut.
fn list(
    metastore: &Metastore,
    caller: &Caller,
    of: Option<&PrincipalName>,
    page: &Page,
    with_inactive: bool,
) -> Result<Listing<Arc<Token>>, CatalogError> {
    let now = metastore.clock().now_ms();
    let takes = |token: &Arc<Token>| with_inactive || (token.revoked_at_ms.is_none() && now < token.expires_at_ms);
    let (mut items, mut after) = (Vec::new(), page.after.clone());
    loop {
        let rest = Page { size: page.size - items.len(), after };
        let found = metastore.list_tokens(caller, of, &rest)?;
        items.extend(found.items.into_iter().filter(takes));
        match found.next {
            Some(next) if items.len() < page.size => after = Some(next),
            next => return Ok(Listing { items, next }),
        }
    }
}

/// What is known of one token, which the caller has just made or revoked: its own, or anybody's as a metastore admin.
fn show(metastore: &Metastore, caller: &Caller, id: TokenId) -> Result<v1::Token, CatalogError> {
    let before = TokenId(Uuid::from_u128(id.0.as_u128().saturating_sub(1)));
    let page = Page { size: 1, after: Some(before.to_string()) };
    let found = metastore.list_tokens(caller, Some(&caller.name), &page)?;
    let own = found.items.into_iter().find(|token| token.id == id);
    let found = match own {
        Some(token) => Some(token),
        None => metastore.list_tokens(caller, None, &page)?.items.into_iter().find(|token| token.id == id),
    };
    let token = found.ok_or_else(|| CatalogError::NoSuch { what: "token", name: id.to_string() })?;
    Ok(tokens::show(&metastore.pin(caller), &token))
}
