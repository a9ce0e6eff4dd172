//! `SchemaService`.

use std::sync::Arc;

use lakewarden_catalog::model::SecurableKind;
use lakewarden_proto::v1;
use lakewarden_proto::v1::schema_service_server::SchemaService;
use tonic::{Request, Response, Status};

use super::{Door, caller};
use crate::convert::page::Scope;
use crate::convert::{Faults, records, schemas};

pub(super) struct Service(pub(super) Arc<Door>);

const KIND: SecurableKind = SecurableKind::Schema;

#[tonic::async_trait]
impl SchemaService for Service {
    async fn create_schema(&self, request: Request<v1::CreateSchemaRequest>) -> Result<Response<v1::Schema>, Status> {
        let caller = caller(&request)?;
        let (name, describe) = schemas::create(request.get_ref())?;
        let made = self.0.call(&caller, move |m, caller| m.create_schema(caller, &name, &describe)).await?;
        Ok(Response::new(schemas::show(&made)))
    }

    async fn get_schema(&self, request: Request<v1::GetSchemaRequest>) -> Result<Response<v1::Schema>, Status> {
        let caller = caller(&request)?;
        let mut faults = Faults::new();
        let name = faults.full_name("full_name", &request.get_ref().full_name, 2);
        let name = faults.finish(name)?;
        let found =
            self.0.read(&caller, move |pinned| Ok(records::entry(pinned, pinned.resolve(KIND, &name)?))).await?;
        Ok(Response::new(schemas::show(&found)))
    }

    async fn list_schemas(
        &self,
        request: Request<v1::ListSchemasRequest>,
    ) -> Result<Response<v1::ListSchemasResponse>, Status> {
        let caller = caller(&request)?;
        let (request, mut faults) = (request.into_inner(), Faults::new());
        let scope = Scope::new("ListSchemas", &[&request.parent]);
        let parent = faults.full_name("parent", &request.parent, 1);
        let page = scope.page(request.page_size, &request.page_token, &mut faults);
        let (parent, page) = faults.finish(parent.zip(page))?;
        let found = self.0.read(&caller, move |pinned| pinned.list(KIND, Some(&parent), &page)).await?;
        let next_page_token = scope.next_token(&found);
        let schemas = found.items.iter().map(schemas::show).collect();
        Ok(Response::new(v1::ListSchemasResponse { schemas, next_page_token }))
    }

    async fn update_schema(&self, request: Request<v1::UpdateSchemaRequest>) -> Result<Response<v1::Schema>, Status> {
        let caller = caller(&request)?;
        let (name, update) = schemas::change(request.get_ref())?;
        let changed = self.0.call(&caller, move |m, caller| m.update(caller, KIND, &name, &update)).await?;
        Ok(Response::new(schemas::show(&changed)))
    }

    async fn delete_schema(&self, request: Request<v1::DeleteSchemaRequest>) -> Result<Response<()>, Status> {
        let caller = caller(&request)?;
        let (name, options) = schemas::delete(request.get_ref())?;
        self.0.call(&caller, move |m, caller| m.delete(caller, KIND, &name, options)).await?;
        self.0.purge().await;
        Ok(Response::new(()))
    }
}
