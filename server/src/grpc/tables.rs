//! `TableService`: tables and views.

use std::sync::Arc;

use lakewarden_catalog::model::{FullName, SecurableKind};
use lakewarden_catalog::ops::entries::{Delete, Entry};
use lakewarden_catalog::ops::page::{Listing, Page};
use lakewarden_catalog::{Caller, CatalogError, Metastore, Pinned};
use lakewarden_proto::v1;
use lakewarden_proto::v1::table_service_server::TableService;
use tonic::{Request, Response, Status};

use super::{Door, caller};
use crate::convert::page::Scope;
use crate::convert::tables::Doomed;
use crate::convert::{Faults, ddl, records, tables};

pub(super) struct Service(pub(super) Arc<Door>);

/// Finds views too.
const KIND: SecurableKind = SecurableKind::Table;

#[tonic::async_trait]
impl TableService for Service {
    async fn create_table(&self, request: Request<v1::CreateTableRequest>) -> Result<Response<v1::Table>, Status> {
        let caller = caller(&request)?;
        let made = ddl::create_table(request.get_ref())?;
        self.0.run(&caller, &made).await?;
        self.table(&caller, made.name).await
    }

    async fn create_view(&self, request: Request<v1::CreateViewRequest>) -> Result<Response<v1::Table>, Status> {
        let caller = caller(&request)?;
        let made = ddl::create_view(request.get_ref())?;
        self.0.run(&caller, &made).await?;
        self.table(&caller, made.name).await
    }

    async fn get_table(&self, request: Request<v1::GetTableRequest>) -> Result<Response<v1::Table>, Status> {
        let caller = caller(&request)?;
        let mut faults = Faults::new();
        let name = faults.full_name("full_name", &request.get_ref().full_name, 3);
        let name = faults.finish(name)?;
        self.table(&caller, name).await
    }

    async fn list_tables(
        &self,
        request: Request<v1::ListTablesRequest>,
    ) -> Result<Response<v1::ListTablesResponse>, Status> {
        let caller = caller(&request)?;
        let (request, mut faults) = (request.into_inner(), Faults::new());
        let scope = Scope::new("ListTables", &[&request.parent, &format!("{:?}", request.table_types)]);
        let parent = faults.full_name("parent", &request.parent, 2);
        let page = scope.page(request.page_size, &request.page_token, &mut faults);
        let wanted = tables::wanted_types(&request, &mut faults);
        let ((parent, page), wanted) = faults.finish(parent.zip(page).zip(wanted))?;
        let found = self.0.read(&caller, move |pinned| {
            let found = list(pinned, &parent, &page, &wanted)?;
            Ok(found.map(|entry| tables::show(pinned, &entry, !request.omit_columns)))
        });
        let found = found.await?;
        let next_page_token = scope.next_token(&found);
        Ok(Response::new(v1::ListTablesResponse { tables: found.items, next_page_token }))
    }

    async fn update_table(&self, request: Request<v1::UpdateTableRequest>) -> Result<Response<v1::Table>, Status> {
        let caller = caller(&request)?;
        let (name, update) = tables::change(request.get_ref())?;
        let changed = self.0.call(&caller, move |m, caller| {
            let changed = m.update(caller, KIND, &name, &update)?;
            Ok(tables::show(&m.pin(caller), &changed, true))
        });
        Ok(Response::new(changed.await?))
    }

    async fn delete_table(&self, request: Request<v1::DeleteTableRequest>) -> Result<Response<()>, Status> {
        let caller = caller(&request)?;
        let doomed = tables::delete(request.get_ref())?;
        self.0.call(&caller, move |m, caller| delete(m, caller, &doomed)).await?;
        self.0.purge().await;
        Ok(Response::new(()))
    }
}

impl Service {
    async fn table(&self, caller: &Caller, name: FullName) -> Result<Response<v1::Table>, Status> {
        let found = self.0.read(caller, move |pinned| {
            let found = records::entry(pinned, pinned.resolve(KIND, &name)?);
            Ok(tables::show(pinned, &found, true))
        });
        Ok(Response::new(found.await?))
    }
}

/// A page of the tables of these types. What is not wanted is left out before the page is cut.
fn list(
    pinned: &Pinned,
    parent: &FullName,
    page: &Page,
    wanted: &[v1::TableType],
) -> Result<Listing<Entry>, CatalogError> {
    let takes = |entry: &Entry| wanted.is_empty() || wanted.contains(&tables::table_type(&entry.securable.body));
    let (mut items, mut after) = (Vec::new(), page.after.clone());
    loop {
        let rest = Page { size: page.size - items.len(), after };
        let found = pinned.list(KIND, Some(parent), &rest)?;
        items.extend(found.items.into_iter().filter(takes));
        match found.next {
            Some(next) if items.len() < page.size => after = Some(next),
            next => return Ok(Listing { items, next }),
        }
    }
}

fn delete(metastore: &Metastore, caller: &Caller, doomed: &Doomed) -> Result<(), CatalogError> {
    let found = metastore.pin(caller).resolve(KIND, &doomed.name)?;
    let is = tables::table_type(&found.body);
    if let Some(wanted) = doomed.table_type.filter(|wanted| *wanted != is) {
        let words =
            |table_type: v1::TableType| table_type.as_str_name().trim_start_matches("TABLE_TYPE_").to_lowercase();
        let message = format!("`{}` is of type {}, not {}", doomed.name, words(is), words(wanted));
        return Err(CatalogError::precondition("WRONG_KIND", message));
    }
    metastore.delete(caller, tables::kind(is), &doomed.name, Delete { cascade: false, etag: doomed.etag })
}
