//! `PrincipalService`: users, groups, service principals, and who is in which group.

use std::sync::Arc;

use lakewarden_catalog::model::{Principal, PrincipalKind, PrincipalName};
use lakewarden_catalog::ops::page::{Listing, Page};
use lakewarden_catalog::{Caller, CatalogError, Metastore, Pinned};
use lakewarden_proto::v1;
use lakewarden_proto::v1::principal_service_server::PrincipalService;
use tonic::{Request, Response, Status};

use super::{Door, caller};
use crate::convert::page::Scope;
use crate::convert::{Faults, principals, records};

pub(super) struct Service(pub(super) Arc<Door>);

const KINDS: [PrincipalKind; 3] = [PrincipalKind::User, PrincipalKind::Group, PrincipalKind::ServicePrincipal];

#[tonic::async_trait]
impl PrincipalService for Service {
    async fn create_principal(
        &self,
        request: Request<v1::CreatePrincipalRequest>,
    ) -> Result<Response<v1::Principal>, Status> {
        let caller = caller(&request)?;
        let (request, mut faults) = (request.get_ref(), Faults::new());
        let name = faults.principal("name", &request.name);
        let kind = principals::required_kind(request.kind, &mut faults);
        let comment = records::checked_comment(&request.comment, &mut faults);
        let ((name, kind), comment) = faults.finish(name.zip(kind).zip(comment))?;
        let made = self.0.call(&caller, move |m, caller| {
            let made = m.create_principal(caller, kind, &name, comment)?;
            Ok(principals::show(&m.pin(caller), &made))
        });
        Ok(Response::new(made.await?))
    }

    async fn get_principal(
        &self,
        request: Request<v1::GetPrincipalRequest>,
    ) -> Result<Response<v1::Principal>, Status> {
        let caller = caller(&request)?;
        let (request, mut faults) = (request.get_ref(), Faults::new());
        let name = faults.principal("name", &request.name);
        let kind = principals::kind(request.kind, &mut faults);
        let (name, kind) = faults.finish(name.zip(kind))?;
        let found = self.0.call(&caller, move |m, caller| {
            let found = named(m, caller, &name, kind)?;
            Ok(principals::show(&m.pin(caller), &found))
        });
        Ok(Response::new(found.await?))
    }

    async fn list_principals(
        &self,
        request: Request<v1::ListPrincipalsRequest>,
    ) -> Result<Response<v1::ListPrincipalsResponse>, Status> {
        let caller = caller(&request)?;
        let (request, mut faults) = (request.get_ref(), Faults::new());
        let scope = Scope::new("ListPrincipals", &[&request.kind.to_string()]);
        let kind = principals::kind(request.kind, &mut faults);
        let page = scope.page(request.page_size, &request.page_token, &mut faults);
        let (kind, page) = faults.finish(kind.zip(page))?;
        let found = self.0.read(&caller, move |pinned| {
            let found = list(pinned, kind, &page);
            Ok(found.map(|principal| principals::show(pinned, &principal)))
        });
        let found = found.await?;
        let next_page_token = scope.next_token(&found);
        Ok(Response::new(v1::ListPrincipalsResponse { principals: found.items, next_page_token }))
    }

    async fn update_principal(
        &self,
        request: Request<v1::UpdatePrincipalRequest>,
    ) -> Result<Response<v1::Principal>, Status> {
        let caller = caller(&request)?;
        let ((name, kind), update) = principals::change(request.get_ref())?;
        let changed = self.0.call(&caller, move |m, caller| {
            let changed = m.update_principal(caller, kind, &name, &update)?;
            Ok(principals::show(&m.pin(caller), &changed))
        });
        Ok(Response::new(changed.await?))
    }

    async fn delete_principal(&self, request: Request<v1::DeletePrincipalRequest>) -> Result<Response<()>, Status> {
        let caller = caller(&request)?;
        let ((name, kind), leftovers, etag) = principals::delete(request.get_ref())?;
        self.0.call(&caller, move |m, caller| m.delete_principal(caller, kind, &name, &leftovers, etag)).await?;
        Ok(Response::new(()))
    }

    async fn add_member(&self, request: Request<v1::AddMemberRequest>) -> Result<Response<()>, Status> {
        let caller = caller(&request)?;
        let (group, member) = membership(&request.get_ref().group, &request.get_ref().member)?;
        self.0.call(&caller, move |m, caller| m.add_member(caller, &group, &member)).await?;
        Ok(Response::new(()))
    }

    async fn remove_member(&self, request: Request<v1::RemoveMemberRequest>) -> Result<Response<()>, Status> {
        let caller = caller(&request)?;
        let (group, member) = membership(&request.get_ref().group, &request.get_ref().member)?;
        self.0.call(&caller, move |m, caller| m.remove_member(caller, &group, &member)).await?;
        Ok(Response::new(()))
    }

    async fn list_members(
        &self,
        request: Request<v1::ListMembersRequest>,
    ) -> Result<Response<v1::ListMembersResponse>, Status> {
        let caller = caller(&request)?;
        let (request, mut faults) = (request.get_ref(), Faults::new());
        let scope = Scope::new("ListMembers", &[&request.group]);
        let group = faults.principal("group", &request.group);
        let page = scope.page(request.page_size, &request.page_token, &mut faults);
        let (group, page) = faults.finish(group.zip(page))?;
        let found = self.0.call(&caller, move |m, caller| {
            let members = m.list_members(caller, &group)?;
            let (found, pinned) = (cut(members, &page), m.pin(caller));
            Ok(found.map(|member| principals::show(&pinned, &member)))
        });
        let found = found.await?;
        let next_page_token = scope.next_token(&found);
        Ok(Response::new(v1::ListMembersResponse { members: found.items, next_page_token }))
    }
}

fn membership(group: &str, member: &str) -> Result<(PrincipalName, PrincipalName), Status> {
    let mut faults = Faults::new();
    let group = faults.principal("group", group);
    let member = faults.principal("member", member);
    faults.finish(group.zip(member))
}

/// The principal of this name; one of another kind than the wanted does not exist.
fn named(
    metastore: &Metastore,
    caller: &Caller,
    name: &PrincipalName,
    kind: Option<PrincipalKind>,
) -> Result<Arc<Principal>, CatalogError> {
    let found = metastore.get_principal(caller, name)?;
    match kind {
        Some(kind) if kind != found.kind => Err(CatalogError::NoSuch { what: kind.noun(), name: name.to_string() }),
        _ => Ok(found),
    }
}

/// A page of the principals of a kind, or of all kinds together.
fn list(pinned: &Pinned, kind: Option<PrincipalKind>, page: &Page) -> Listing<Arc<Principal>> {
    let kinds = KINDS.iter().filter(|each| kind.is_none_or(|kind| kind == **each));
    // One more than the page holds, so that it shows whether there is a next page.
    let one_more = Page { size: page.size + 1, after: page.after.clone() };
    let mut items: Vec<_> = kinds.flat_map(|kind| pinned.list_principals(*kind, &one_more).items).collect();
    items.sort_by(|a, b| a.name.folded().cmp(b.name.folded()));
    cut(items, page)
}

/// Cuts a page out of principals that are in the order of their names.
fn cut(items: Vec<Arc<Principal>>, page: &Page) -> Listing<Arc<Principal>> {
    let is_behind =
        |principal: &Arc<Principal>| page.after.as_deref().is_none_or(|after| &**principal.name.folded() > after);
    let mut items: Vec<_> = items.into_iter().filter(is_behind).collect();
    let more = items.len() > page.size;
    items.truncate(page.size);
    let next = items.last().filter(|_| more).map(|last| last.name.folded().to_string());
    Listing { items, next }
}
