//! `CatalogService`.

use std::sync::Arc;

use lakewarden_catalog::model::SecurableKind;
use lakewarden_proto::v1;
use lakewarden_proto::v1::catalog_service_server::CatalogService;
use tonic::{Request, Response, Status};

use super::{Door, caller};
use crate::convert::page::Scope;
use crate::convert::{Faults, catalogs, records};

pub(super) struct Service(pub(super) Arc<Door>);

const KIND: SecurableKind = SecurableKind::Catalog;

#[tonic::async_trait]
impl CatalogService for Service {
    async fn create_catalog(
        &self,
        request: Request<v1::CreateCatalogRequest>,
    ) -> Result<Response<v1::Catalog>, Status> {
        let caller = caller(&request)?;
        let (name, describe) = catalogs::create(request.get_ref())?;
        let made = self.0.call(&caller, move |m, caller| m.create_catalog(caller, &name, &describe)).await?;
        Ok(Response::new(catalogs::show(&made)))
    }

    async fn get_catalog(&self, request: Request<v1::GetCatalogRequest>) -> Result<Response<v1::Catalog>, Status> {
        let caller = caller(&request)?;
        let mut faults = Faults::new();
        let name = faults.full_name("full_name", &request.get_ref().full_name, 1);
        let name = faults.finish(name)?;
        let found =
            self.0.read(&caller, move |pinned| Ok(records::entry(pinned, pinned.resolve(KIND, &name)?))).await?;
        Ok(Response::new(catalogs::show(&found)))
    }

    async fn list_catalogs(
        &self,
        request: Request<v1::ListCatalogsRequest>,
    ) -> Result<Response<v1::ListCatalogsResponse>, Status> {
        let caller = caller(&request)?;
        let (request, scope, mut faults) = (request.into_inner(), Scope::new("ListCatalogs", &[]), Faults::new());
        let page = scope.page(request.page_size, &request.page_token, &mut faults);
        let page = faults.finish(page)?;
        let found = self.0.read(&caller, move |pinned| pinned.list(KIND, None, &page)).await?;
        let next_page_token = scope.next_token(&found);
        let catalogs = found.items.iter().map(catalogs::show).collect();
        Ok(Response::new(v1::ListCatalogsResponse { catalogs, next_page_token }))
    }

    async fn update_catalog(
        &self,
        request: Request<v1::UpdateCatalogRequest>,
    ) -> Result<Response<v1::Catalog>, Status> {
        let caller = caller(&request)?;
        let (name, update) = catalogs::change(request.get_ref())?;
        let changed = self.0.call(&caller, move |m, caller| m.update(caller, KIND, &name, &update)).await?;
        Ok(Response::new(catalogs::show(&changed)))
    }

    async fn delete_catalog(&self, request: Request<v1::DeleteCatalogRequest>) -> Result<Response<()>, Status> {
        let caller = caller(&request)?;
        let (name, options) = catalogs::delete(request.get_ref())?;
        self.0.call(&caller, move |m, caller| m.delete(caller, KIND, &name, options)).await?;
        self.0.purge().await;
        Ok(Response::new(()))
    }
}
