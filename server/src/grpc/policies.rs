//! `PolicyService`: row filters and column masks, bound to tables or by policies.

use std::sync::Arc;

use lakewarden_catalog::model::{FullName, SecurableKind};
use lakewarden_catalog::{Caller, CatalogError, Pinned};
use lakewarden_proto::v1;
use lakewarden_proto::v1::policy_service_server::PolicyService;
use tonic::{Request, Response, Status};

use super::{Door, caller};
use crate::convert::policies::{Target, named, show, show_policy, target};
use crate::convert::{Faults, ddl, grants, records};

pub(super) struct Service(pub(super) Arc<Door>);

const KIND: SecurableKind = SecurableKind::Table;

#[tonic::async_trait]
impl PolicyService for Service {
    async fn get_table_policies(
        &self,
        request: Request<v1::GetTablePoliciesRequest>,
    ) -> Result<Response<v1::TablePolicies>, Status> {
        let caller = caller(&request)?;
        let mut faults = Faults::new();
        let table = faults.full_name("table", &request.get_ref().table, 3);
        let table = faults.finish(table)?;
        self.policies(&caller, table).await
    }

    async fn set_row_filter(
        &self,
        request: Request<v1::SetRowFilterRequest>,
    ) -> Result<Response<v1::TablePolicies>, Status> {
        let caller = caller(&request)?;
        let (request, mut faults) = (request.get_ref(), Faults::new());
        let target = target(&request.table, &request.etag, &mut faults);
        let name = target.as_ref().map_or_else(placeholder, |target| Some(target.table.clone()));
        let made = name.and_then(|name| ddl::set_row_filter(&name, request.row_filter.as_ref(), &mut faults));
        let (target, made) = faults.finish(target.zip(made))?;
        self.require_etag(&caller, &target).await?;
        self.0.run(&caller, &made).await?;
        self.policies(&caller, target.table).await
    }

    async fn drop_row_filter(
        &self,
        request: Request<v1::DropRowFilterRequest>,
    ) -> Result<Response<v1::TablePolicies>, Status> {
        let caller = caller(&request)?;
        let (request, mut faults) = (request.get_ref(), Faults::new());
        let target = target(&request.table, &request.etag, &mut faults);
        let target = faults.finish(target)?;
        let dropped = self.0.call(&caller, move |m, caller| {
            check_etag(&m.pin(caller), &target)?;
            let changed = m.drop_row_filter(caller, &target.table)?;
            Ok(show(&m.pin(caller), &changed))
        });
        Ok(Response::new(dropped.await?))
    }

    async fn set_column_mask(
        &self,
        request: Request<v1::SetColumnMaskRequest>,
    ) -> Result<Response<v1::TablePolicies>, Status> {
        let caller = caller(&request)?;
        let (request, mut faults) = (request.get_ref(), Faults::new());
        let target = target(&request.table, &request.etag, &mut faults);
        let name = target.as_ref().map_or_else(placeholder, |target| Some(target.table.clone()));
        let made = name.and_then(|name| {
            ddl::set_mask(&name, &request.column, &request.field_path, request.mask.as_ref(), &mut faults)
        });
        let (target, made) = faults.finish(target.zip(made))?;
        self.require_etag(&caller, &target).await?;
        self.0.run(&caller, &made).await?;
        self.policies(&caller, target.table).await
    }

    async fn drop_column_mask(
        &self,
        request: Request<v1::DropColumnMaskRequest>,
    ) -> Result<Response<v1::TablePolicies>, Status> {
        let caller = caller(&request)?;
        let (request, mut faults) = (request.into_inner(), Faults::new());
        let target = target(&request.table, &request.etag, &mut faults);
        faults.required("column", &request.column);
        let target = faults.finish(target)?;
        let dropped = self.0.call(&caller, move |m, caller| {
            check_etag(&m.pin(caller), &target)?;
            let changed = m.drop_mask(caller, &target.table, &request.column, &request.field_path)?;
            Ok(show(&m.pin(caller), &changed))
        });
        Ok(Response::new(dropped.await?))
    }

    async fn create_policy(&self, request: Request<v1::CreatePolicyRequest>) -> Result<Response<v1::Policy>, Status> {
        let caller = caller(&request)?;
        let made = ddl::create_policy(request.get_ref())?;
        self.0.run(&caller, &made).await?;
        let policy = request.into_inner().policy.unwrap_or_default();
        self.policy(&caller, policy.securable.as_ref(), &policy.name).await
    }

    async fn get_policy(&self, request: Request<v1::GetPolicyRequest>) -> Result<Response<v1::Policy>, Status> {
        let caller = caller(&request)?;
        let request = request.get_ref();
        self.policy(&caller, request.securable.as_ref(), &request.name).await
    }

    async fn list_policies(
        &self,
        request: Request<v1::ListPoliciesRequest>,
    ) -> Result<Response<v1::ListPoliciesResponse>, Status> {
        let caller = caller(&request)?;
        let (request, mut faults) = (request.get_ref(), Faults::new());
        let (on, effective) = (grants::securable(request.securable.as_ref(), &mut faults), request.effective);
        let (kind, name) = faults.finish(on)?;
        let listed = self.0.call(&caller, move |m, caller| m.list_policies(caller, kind, &name, effective)).await?;
        let policies = listed.into_iter().map(show_policy).collect();
        Ok(Response::new(v1::ListPoliciesResponse { policies }))
    }

    async fn delete_policy(&self, request: Request<v1::DeletePolicyRequest>) -> Result<Response<()>, Status> {
        let caller = caller(&request)?;
        let request = request.get_ref();
        let ((kind, on), name) = named(request.securable.as_ref(), &request.name)?;
        self.0.call(&caller, move |m, caller| m.drop_policy(caller, kind, &on, &name)).await?;
        Ok(Response::new(()))
    }
}

impl Service {
    async fn policy(
        &self,
        caller: &Caller,
        securable: Option<&v1::SecurableRef>,
        name: &str,
    ) -> Result<Response<v1::Policy>, Status> {
        let ((kind, on), name) = named(securable, name)?;
        let found = self.0.call(caller, move |m, caller| m.get_policy(caller, kind, &on, &name)).await?;
        Ok(Response::new(show_policy(found)))
    }

    async fn policies(&self, caller: &Caller, table: FullName) -> Result<Response<v1::TablePolicies>, Status> {
        let found = self.0.read(caller, move |pinned| {
            let found = records::entry(pinned, pinned.resolve(KIND, &table)?);
            Ok(show(pinned, &found))
        });
        Ok(Response::new(found.await?))
    }

    async fn require_etag(&self, caller: &Caller, target: &Target) -> Result<(), Status> {
        let target = Target { table: target.table.clone(), etag: target.etag };
        self.0.read(caller, move |pinned| check_etag(pinned, &target)).await
    }
}

/// A table that stands for the one that a faulty request does not name, so that its other faults are found.
fn placeholder() -> Option<FullName> {
    FullName::parse("catalog.schema.table").ok()
}

fn check_etag(pinned: &Pinned, target: &Target) -> Result<(), CatalogError> {
    let Some(etag) = target.etag else { return Ok(()) };
    let found = pinned.resolve(KIND, &target.table)?;
    if found.etag == etag {
        return Ok(());
    }
    Err(CatalogError::Conflict { what: found.kind().noun(), name: target.table.to_string() })
}
