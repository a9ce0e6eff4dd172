//! `GrantService`.

use std::sync::Arc;

use lakewarden_catalog::model::{FullName, SecurableKind};
use lakewarden_catalog::ops::grants::GrantEntry;
use lakewarden_catalog::ops::page::{Listing, Page};
use lakewarden_proto::v1;
use lakewarden_proto::v1::grant_service_server::GrantService;
use tonic::{Request, Response, Status};

use super::{Door, caller};
use crate::convert::page::Scope;
use crate::convert::{Faults, grants};

pub(super) struct Service(pub(super) Arc<Door>);

#[tonic::async_trait]
impl GrantService for Service {
    async fn grant(&self, request: Request<v1::GrantRequest>) -> Result<Response<v1::GrantResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.get_ref());
        let change = grants::change(request.securable.as_ref(), &request.principals, &request.privileges)?;
        let held = self.0.call(&caller, move |m, caller| {
            let (held, pinned) = (m.grant(caller, &change)?, m.pin(caller));
            Ok(held.into_iter().map(|entry| grants::show(&pinned, entry)).collect())
        });
        Ok(Response::new(v1::GrantResponse { grants: held.await? }))
    }

    async fn revoke(&self, request: Request<v1::RevokeRequest>) -> Result<Response<v1::RevokeResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.get_ref());
        let change = grants::change(request.securable.as_ref(), &request.principals, &request.privileges)?;
        let held = self.0.call(&caller, move |m, caller| {
            let (held, pinned) = (m.revoke(caller, &change)?, m.pin(caller));
            Ok(held.into_iter().map(|entry| grants::show(&pinned, entry)).collect())
        });
        Ok(Response::new(v1::RevokeResponse { grants: held.await? }))
    }

    async fn list_grants(
        &self,
        request: Request<v1::ListGrantsRequest>,
    ) -> Result<Response<v1::ListGrantsResponse>, Status> {
        let caller = caller(&request)?;
        let (request, mut faults) = (request.get_ref(), Faults::new());
        let scope = scope(request);
        let principal = match request.principal.as_str() {
            "" => Some(None),
            name => faults.principal("principal", name).map(Some),
        };
        // Everything that one principal holds, wherever it lies.
        let anywhere = request.securable.is_none() && !request.principal.is_empty();
        let on =
            if anywhere { Some(None) } else { grants::securable(request.securable.as_ref(), &mut faults).map(Some) };
        let page = scope.page(request.page_size, &request.page_token, &mut faults);
        let ((principal, on), page) = faults.finish(principal.zip(on).zip(page))?;
        let inherited = request.include_inherited;
        let found = self.0.call(&caller, move |m, caller| {
            let held = match (on, &principal) {
                (Some((kind, name)), _) => m.list_grants(caller, kind, &name, principal.as_ref(), inherited)?,
                (None, Some(principal)) => m.list_grants_to(caller, principal)?,
                (None, None) => Vec::new(),
            };
            let (found, pinned) = (cut(held, &page), m.pin(caller));
            Ok(found.map(|entry| grants::show(&pinned, entry)))
        });
        let found = found.await?;
        let next_page_token = scope.next_token(&found);
        Ok(Response::new(v1::ListGrantsResponse { grants: found.items, next_page_token }))
    }
}

fn scope(request: &v1::ListGrantsRequest) -> Scope {
    let securable = request.securable.as_ref().map(|on| format!("{} {}", on.kind, on.full_name)).unwrap_or_default();
    Scope::new("ListGrants", &[&securable, &request.principal, &request.include_inherited.to_string()])
}

/// Cuts a page out of grants. They come in a fixed order, of which the position of a page is a place; so a grant
/// that comes or goes between two pages moves no other over the cut.
fn cut(mut held: Vec<GrantEntry>, page: &Page) -> Listing<GrantEntry> {
    held.sort_by_cached_key(place);
    let is_behind = |entry: &GrantEntry| page.after.as_deref().is_none_or(|after| place(entry).as_str() > after);
    let mut items: Vec<_> = held.into_iter().filter(is_behind).collect();
    let more = items.len() > page.size;
    items.truncate(page.size);
    let next = items.last().filter(|_| more).map(place);
    Listing { items, next }
}

/// Where a grant stands: outermost securable first, then by securable, principal and privilege.
fn place(entry: &GrantEntry) -> String {
    let depth = match entry.kind {
        SecurableKind::Metastore => 0,
        SecurableKind::Catalog => 1,
        SecurableKind::Schema => 2,
        SecurableKind::Table | SecurableKind::View | SecurableKind::Function => 3,
    };
    let folded =
        |text: &str| FullName::parse(text).map_or_else(|_| text.to_lowercase(), |name| name.to_string().to_lowercase());
    let (securable, principal) = (folded(&entry.securable), entry.principal.to_lowercase());
    format!("{depth}\0{securable}\0{principal}\0{:02}", entry.privilege as u8)
}

#[cfg(test)]
mod tests {
    use lakewarden_catalog::model::Privilege;

    use super::*;

    fn entry(kind: SecurableKind, securable: &str, principal: &str, privilege: Privilege) -> GrantEntry {
        GrantEntry {
            principal: principal.to_owned(),
            privilege,
            kind,
            securable: securable.to_owned(),
            inherited: kind != SecurableKind::Table,
        }
    }

    fn held() -> Vec<GrantEntry> {
        vec![
            entry(SecurableKind::Table, "main.sales.orders", "bob", Privilege::Select),
            entry(SecurableKind::Table, "main.sales.orders", "Alice", Privilege::Modify),
            entry(SecurableKind::Table, "main.sales.orders", "Alice", Privilege::Select),
            entry(SecurableKind::Schema, "main.sales", "zoe", Privilege::UseSchema),
            entry(SecurableKind::Catalog, "main", "bob", Privilege::UseCatalog),
        ]
    }

    #[test]
    fn pages_joined_are_the_whole_in_order() {
        let whole = cut(held(), &Page { size: 100, after: None });
        let shown: Vec<_> =
            whole.items.iter().map(|e| format!("{} {} {}", e.securable, e.principal, e.privilege)).collect();
        assert_eq!(
            shown,
            [
                "main bob USE CATALOG",
                "main.sales zoe USE SCHEMA",
                "main.sales.orders Alice SELECT",
                "main.sales.orders Alice MODIFY",
                "main.sales.orders bob SELECT",
            ]
        );
        let (mut joined, mut after) = (Vec::new(), None);
        loop {
            let page = cut(held(), &Page { size: 2, after });
            joined.extend(page.items);
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(joined, whole.items);
    }

    #[test]
    fn a_grant_that_goes_between_pages_moves_no_other() {
        let first = cut(held(), &Page { size: 3, after: None });
        let mut rest = held();
        rest.retain(|entry| entry.principal != "Alice" || entry.privilege != Privilege::Select);
        let second = cut(rest, &Page { size: 3, after: first.next });
        assert_eq!(second.items.len(), 2);
        assert_eq!(second.next, None);
    }
}
