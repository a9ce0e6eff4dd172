//! `FunctionService`.

use std::sync::Arc;

use lakewarden_catalog::Caller;
use lakewarden_catalog::model::{FullName, SecurableKind};
use lakewarden_catalog::ops::entries::Update;
use lakewarden_proto::v1;
use lakewarden_proto::v1::function_service_server::FunctionService;
use tonic::{Request, Response, Status};

use super::{Door, caller};
use crate::convert::page::Scope;
use crate::convert::{Faults, ddl, functions, records};

pub(super) struct Service(pub(super) Arc<Door>);

const KIND: SecurableKind = SecurableKind::Function;

#[tonic::async_trait]
impl FunctionService for Service {
    async fn create_function(
        &self,
        request: Request<v1::CreateFunctionRequest>,
    ) -> Result<Response<v1::Function>, Status> {
        let caller = caller(&request)?;
        let made = ddl::create_function(request.get_ref())?;
        self.0.run(&caller, &made).await?;
        // The statement knows no properties.
        let properties = request.into_inner().properties;
        if !properties.is_empty() {
            let (name, update) = (made.name.clone(), Update { properties: Some(properties), ..Update::default() });
            self.0.call(&caller, move |m, caller| m.update(caller, KIND, &name, &update)).await?;
        }
        self.function(&caller, made.name).await
    }

    async fn get_function(&self, request: Request<v1::GetFunctionRequest>) -> Result<Response<v1::Function>, Status> {
        let caller = caller(&request)?;
        let mut faults = Faults::new();
        let name = faults.full_name("full_name", &request.get_ref().full_name, 3);
        let name = faults.finish(name)?;
        self.function(&caller, name).await
    }

    async fn list_functions(
        &self,
        request: Request<v1::ListFunctionsRequest>,
    ) -> Result<Response<v1::ListFunctionsResponse>, Status> {
        let caller = caller(&request)?;
        let (request, mut faults) = (request.into_inner(), Faults::new());
        let scope = Scope::new("ListFunctions", &[&request.parent]);
        let parent = faults.full_name("parent", &request.parent, 2);
        let page = scope.page(request.page_size, &request.page_token, &mut faults);
        let (parent, page) = faults.finish(parent.zip(page))?;
        let found = self.0.read(&caller, move |pinned| {
            let found = pinned.list(KIND, Some(&parent), &page)?;
            Ok(found.map(|entry| functions::show(pinned, &entry)))
        });
        let found = found.await?;
        let next_page_token = scope.next_token(&found);
        Ok(Response::new(v1::ListFunctionsResponse { functions: found.items, next_page_token }))
    }

    async fn update_function(
        &self,
        request: Request<v1::UpdateFunctionRequest>,
    ) -> Result<Response<v1::Function>, Status> {
        let caller = caller(&request)?;
        let (name, update) = functions::change(request.get_ref())?;
        let changed = self.0.call(&caller, move |m, caller| {
            let changed = m.update(caller, KIND, &name, &update)?;
            Ok(functions::show(&m.pin(caller), &changed))
        });
        Ok(Response::new(changed.await?))
    }

    async fn delete_function(&self, request: Request<v1::DeleteFunctionRequest>) -> Result<Response<()>, Status> {
        let caller = caller(&request)?;
        let (name, options) = functions::delete(request.get_ref())?;
        self.0.call(&caller, move |m, caller| m.delete(caller, KIND, &name, options)).await?;
        Ok(Response::new(()))
    }
}

impl Service {
    async fn function(&self, caller: &Caller, name: FullName) -> Result<Response<v1::Function>, Status> {
        let found = self.0.read(caller, move |pinned| {
            let found = records::entry(pinned, pinned.resolve(KIND, &name)?);
            Ok(functions::show(pinned, &found))
        });
        Ok(Response::new(found.await?))
    }
}
