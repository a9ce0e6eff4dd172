//! `TagService`: tags, and governed tags.

use std::sync::Arc;

use lakewarden_catalog::model::SecurableKind;
use lakewarden_proto::v1;
use lakewarden_proto::v1::tag_service_server::TagService;
use tonic::{Request, Response, Status};

use super::{Door, caller};
use crate::convert::page::Scope;
use crate::convert::{Faults, records, tags};

pub(super) struct Service(pub(super) Arc<Door>);

const KIND: SecurableKind = SecurableKind::Tag;

#[tonic::async_trait]
impl TagService for Service {
    async fn get_tags(&self, request: Request<v1::GetTagsRequest>) -> Result<Response<v1::SecurableTags>, Status> {
        let caller = caller(&request)?;
        let target = tags::get(request.get_ref())?;
        let read =
            self.0.read(&caller, move |pinned| Ok(records::entry(pinned, pinned.resolve(target.kind, &target.name)?)));
        Ok(Response::new(tags::show_tags(&read.await?)))
    }

    async fn set_tags(&self, request: Request<v1::SetTagsRequest>) -> Result<Response<v1::SecurableTags>, Status> {
        let caller = caller(&request)?;
        let (target, set) = tags::set(request.get_ref())?;
        let changed = self.0.call(&caller, move |m, caller| m.set_tags(caller, &target, &set)).await?;
        Ok(Response::new(tags::show_tags(&changed)))
    }

    async fn unset_tags(&self, request: Request<v1::UnsetTagsRequest>) -> Result<Response<v1::SecurableTags>, Status> {
        let caller = caller(&request)?;
        let (target, keys) = tags::unset(request.get_ref())?;
        let changed = self.0.call(&caller, move |m, caller| m.unset_tags(caller, &target, &keys)).await?;
        Ok(Response::new(tags::show_tags(&changed)))
    }

    async fn create_governed_tag(
        &self,
        request: Request<v1::CreateGovernedTagRequest>,
    ) -> Result<Response<v1::GovernedTag>, Status> {
        let caller = caller(&request)?;
        let new = tags::create(request.get_ref())?;
        let made = self.0.call(&caller, move |m, caller| m.create_tag(caller, &new)).await?;
        Ok(Response::new(tags::show(&made)))
    }

    async fn get_governed_tag(
        &self,
        request: Request<v1::GetGovernedTagRequest>,
    ) -> Result<Response<v1::GovernedTag>, Status> {
        let caller = caller(&request)?;
        let name = tags::named(&request.get_ref().key)?;
        let found =
            self.0.read(&caller, move |pinned| Ok(records::entry(pinned, pinned.resolve(KIND, &name)?))).await?;
        Ok(Response::new(tags::show(&found)))
    }

    async fn list_governed_tags(
        &self,
        request: Request<v1::ListGovernedTagsRequest>,
    ) -> Result<Response<v1::ListGovernedTagsResponse>, Status> {
        let caller = caller(&request)?;
        let (request, scope, mut faults) = (request.into_inner(), Scope::new("ListGovernedTags", &[]), Faults::new());
        let page = scope.page(request.page_size, &request.page_token, &mut faults);
        let page = faults.finish(page)?;
        let found = self.0.read(&caller, move |pinned| pinned.list(KIND, None, &page)).await?;
        let next_page_token = scope.next_token(&found);
        let tags = found.items.iter().map(tags::show).collect();
        Ok(Response::new(v1::ListGovernedTagsResponse { tags, next_page_token }))
    }

    async fn update_governed_tag(
        &self,
        request: Request<v1::UpdateGovernedTagRequest>,
    ) -> Result<Response<v1::GovernedTag>, Status> {
        let caller = caller(&request)?;
        let (name, update) = tags::change(request.get_ref())?;
        let changed = self.0.call(&caller, move |m, caller| m.update(caller, KIND, &name, &update)).await?;
        Ok(Response::new(tags::show(&changed)))
    }

    async fn change_tag_values(
        &self,
        request: Request<v1::ChangeTagValuesRequest>,
    ) -> Result<Response<v1::GovernedTag>, Status> {
        let caller = caller(&request)?;
        let (name, change, etag) = tags::values(request.get_ref())?;
        let changed = self.0.call(&caller, move |m, caller| m.alter_tag_values(caller, &name, &change, etag)).await?;
        Ok(Response::new(tags::show(&changed)))
    }

    async fn delete_governed_tag(
        &self,
        request: Request<v1::DeleteGovernedTagRequest>,
    ) -> Result<Response<()>, Status> {
        let caller = caller(&request)?;
        let (name, options) = tags::delete(request.get_ref())?;
        self.0.call(&caller, move |m, caller| m.delete(caller, KIND, &name, options)).await?;
        Ok(Response::new(()))
    }
}
