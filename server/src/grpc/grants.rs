//! `GrantService`: grants, denials, and the answers to who may do what, and why.

use std::sync::Arc;

use lakewarden_catalog::Caller;
use lakewarden_catalog::model::FullName;
use lakewarden_catalog::ops::access::EffectiveGrant;
use lakewarden_catalog::ops::grants::{GrantChange, GrantEntry, GrantVerb, GrantsOn};
use lakewarden_catalog::ops::page::{Listing, Page};
use lakewarden_proto::v1;
use lakewarden_proto::v1::grant_service_server::GrantService;
use tonic::{Request, Response, Status};

use super::{Door, caller};
use crate::convert::grants::asked;
use crate::convert::page::Scope;
use crate::convert::{Faults, access, grants, principals};

pub(super) struct Service(pub(super) Arc<Door>);

#[tonic::async_trait]
impl GrantService for Service {
    async fn grant(&self, request: Request<v1::GrantRequest>) -> Result<Response<v1::GrantResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.get_ref());
        let grants = self.change(&caller, grants::change(GrantVerb::Grant, &asked!(request))?).await?;
        Ok(Response::new(v1::GrantResponse { grants }))
    }

    async fn deny(&self, request: Request<v1::DenyRequest>) -> Result<Response<v1::DenyResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.get_ref());
        let grants = self.change(&caller, grants::change(GrantVerb::Deny, &asked!(request))?).await?;
        Ok(Response::new(v1::DenyResponse { grants }))
    }

    async fn revoke(&self, request: Request<v1::RevokeRequest>) -> Result<Response<v1::RevokeResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.get_ref());
        let grants = self.change(&caller, grants::change(GrantVerb::Revoke, &asked!(request))?).await?;
        Ok(Response::new(v1::RevokeResponse { grants }))
    }

    async fn rehearse_grants(
        &self,
        request: Request<v1::RehearseGrantsRequest>,
    ) -> Result<Response<v1::RehearseGrantsResponse>, Status> {
        let caller = caller(&request)?;
        let change = grants::rehearsed(request.get_ref())?;
        let found = self.0.call(&caller, move |m, caller| m.rehearse_grants(caller, &change)).await?;
        Ok(Response::new(access::show_rehearsal(found)))
    }

    async fn list_grants(
        &self,
        request: Request<v1::ListGrantsRequest>,
    ) -> Result<Response<v1::ListGrantsResponse>, Status> {
        let caller = caller(&request)?;
        let (request, mut faults) = (request.get_ref(), Faults::new());
        let inherited = request.include_inherited;
        let as_of = access::as_of_scope(request.as_of.as_ref());
        let on = scope_of(request.securable.as_ref());
        let scope = Scope::new("ListGrants", &[&on, &request.principal, &inherited.to_string(), &as_of]);
        let principal = principals::optional("principal", &request.principal, &mut faults);
        // Everything that one principal holds, wherever it lies.
        let anywhere = request.securable.is_none() && !request.principal.is_empty();
        let on =
            if anywhere { Some(None) } else { grants::securable(request.securable.as_ref(), &mut faults).map(Some) };
        let as_of = access::as_of(request.as_of.as_ref(), &mut faults);
        if anywhere && request.as_of.is_some() {
            faults.add("as_of", "needs a securable: what a principal holds anywhere is listed as of now only");
        }
        let page = scope.page(request.page_size, &request.page_token, &mut faults);
        let (((principal, on), as_of_ms), page) = faults.finish(principal.zip(on).zip(as_of).zip(page))?;
        let found = self.0.call(&caller, move |m, caller| {
            let held = match (on, principal) {
                (Some((kind, name)), principal) => {
                    let query = GrantsOn { kind, name, principal, inherited, as_of_ms };
                    m.list_grants(caller, &query).map_err(access::of_request)?
                }
                (None, Some(principal)) => m.list_grants_to(caller, &principal)?,
                (None, None) => Vec::new(),
            };
            let (found, pinned) = (cut(held, &page, place), m.pin(caller));
            Ok(found.map(|entry| grants::show(&pinned, entry)))
        });
        let found = found.await?;
        let next_page_token = scope.next_token(&found);
        Ok(Response::new(v1::ListGrantsResponse { grants: found.items, next_page_token }))
    }

    async fn list_effective_grants(
        &self,
        request: Request<v1::ListEffectiveGrantsRequest>,
    ) -> Result<Response<v1::ListEffectiveGrantsResponse>, Status> {
        let caller = caller(&request)?;
        let (request, mut faults) = (request.get_ref(), Faults::new());
        let (on, as_of) = (scope_of(request.securable.as_ref()), access::as_of_scope(request.as_of.as_ref()));
        let scope = Scope::new("ListEffectiveGrants", &[&on, &request.principal, &as_of]);
        let query = access::effective(request, &mut faults);
        let page = scope.page(request.page_size, &request.page_token, &mut faults);
        let (query, page) = faults.finish(query.zip(page))?;
        let held = self
            .0
            .call(&caller, move |m, caller| m.effective_grants(caller, &query).map_err(access::of_request))
            .await?;
        let found = cut(held, &page, place_in_effect).map(access::show_effective);
        let next_page_token = scope.next_token(&found);
        Ok(Response::new(v1::ListEffectiveGrantsResponse { grants: found.items, next_page_token }))
    }

    async fn explain_access(
        &self,
        request: Request<v1::ExplainAccessRequest>,
    ) -> Result<Response<v1::ExplainAccessResponse>, Status> {
        let caller = caller(&request)?;
        let mut faults = Faults::new();
        let question = access::explained(request.get_ref(), &mut faults);
        let question = faults.finish(question)?;
        let found = self
            .0
            .call(&caller, move |m, caller| m.explain_access(caller, &question).map_err(access::of_request))
            .await?;
        Ok(Response::new(access::show(found)))
    }

    async fn who_can(&self, request: Request<v1::WhoCanRequest>) -> Result<Response<v1::WhoCanResponse>, Status> {
        let caller = caller(&request)?;
        let (request, mut faults) = (request.get_ref(), Faults::new());
        let (on, as_of) = (scope_of(request.securable.as_ref()), access::as_of_scope(request.as_of.as_ref()));
        let scope = Scope::new("WhoCan", &[&on, &request.privilege.to_string(), &request.column, &as_of]);
        let question = access::wanted(request, &mut faults);
        let page = scope.page(request.page_size, &request.page_token, &mut faults);
        let (question, page) = faults.finish(question.zip(page))?;
        let found = self
            .0
            .call(&caller, move |m, caller| m.who_can(caller, &question, &page).map_err(access::of_request))
            .await?;
        let found = found.map(access::show_holder);
        let next_page_token = scope.next_token(&found);
        Ok(Response::new(v1::WhoCanResponse { holders: found.items, next_page_token }))
    }
}

impl Service {
    /// Makes a change, and shows what the principals hold and are denied there then.
    async fn change(&self, caller: &Caller, change: GrantChange) -> Result<Vec<v1::GrantEntry>, Status> {
        let held = self.0.call(caller, move |m, caller| {
            let (held, pinned) = (m.change_grants(caller, &change)?, m.pin(caller));
            Ok(held.into_iter().map(|entry| grants::show(&pinned, entry)).collect())
        });
        held.await
    }
}

/// A securable as an argument that a page token is bound to.
fn scope_of(securable: Option<&v1::SecurableRef>) -> String {
    securable.map(|on| format!("{} {}", on.kind, on.full_name)).unwrap_or_default()
}

/// Cuts a page out of items that are worked out as a whole. They come in the fixed order of their places, and a page ends
/// at a place; so one that comes or goes between two pages moves no other over the cut.
fn cut<T>(mut items: Vec<T>, page: &Page, place: impl Fn(&T) -> String) -> Listing<T> {
    items.sort_by_cached_key(&place);
    let is_behind = |item: &T| page.after.as_deref().is_none_or(|after| place(item).as_str() > after);
    let mut items: Vec<_> = items.into_iter().filter(is_behind).collect();
    let more = items.len() > page.size;
    items.truncate(page.size);
    let next = items.last().filter(|_| more).map(place);
    Listing { items, next }
}

/// Where a grant stands: outermost securable first, then by securable, column, principal and privilege; what is on the
/// whole comes before what is on a column of it.
fn place(entry: &GrantEntry) -> String {
    let folded =
        |text: &str| FullName::parse(text).map_or_else(|_| text.to_lowercase(), |name| name.to_string().to_lowercase());
    let (securable, principal) = (folded(&entry.securable), entry.principal.to_lowercase());
    let (depth, kind) = (entry.kind.name_parts(), entry.kind as u8);
    let column = entry.column.as_deref().unwrap_or_default().to_lowercase();
    let (privilege, denied) = (entry.privilege as u8, u8::from(entry.denied));
    format!("{depth}\0{securable}\0{kind:02}\0{column}\0{principal}\0{privilege:02}{denied}")
}

/// Where something held in effect stands: what is held on the whole first, then by column, then by privilege.
fn place_in_effect(grant: &EffectiveGrant) -> String {
    let column = grant.column.as_deref().unwrap_or_default().to_lowercase();
    format!("{column}\0{:02}", grant.privilege as u8)
}

#[cfg(test)]
mod tests {
    use lakewarden_catalog::model::{Privilege, SecurableKind};

    use super::*;

    fn entry(kind: SecurableKind, securable: &str, principal: &str, privilege: Privilege) -> GrantEntry {
        GrantEntry {
            principal: principal.to_owned(),
            privilege,
            kind,
            securable: securable.to_owned(),
            denied: false,
            column: None,
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
    fn no_two_entries_share_a_place() {
        let table = entry(SecurableKind::Table, "main.sales.orders", "bob", Privilege::Select);
        let column = |name: &str| GrantEntry { column: Some(name.to_owned()), ..table.clone() };
        let in_order = [
            table.clone(),
            GrantEntry { denied: true, ..table.clone() },
            column("a"),
            column("b"),
            GrantEntry { principal: "carol".to_owned(), ..column("b") },
            GrantEntry { kind: SecurableKind::Function, ..table.clone() },
        ];
        let places: Vec<_> = in_order.iter().map(place).collect();
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{places:?}");
    }

    #[test]
    fn pages_joined_are_the_whole_in_order() {
        let whole = cut(held(), &Page { size: 100, after: None }, place);
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
            let page = cut(held(), &Page { size: 2, after }, place);
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
        let first = cut(held(), &Page { size: 3, after: None }, place);
        let mut rest = held();
        rest.retain(|entry| entry.principal != "Alice" || entry.privilege != Privilege::Select);
        let second = cut(rest, &Page { size: 3, after: first.next }, place);
        assert_eq!(second.items.len(), 2);
        assert_eq!(second.next, None);
    }
}
