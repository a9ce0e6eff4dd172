//! `catalog`.

use lakewarden_proto::v1::{
    Catalog, CreateCatalogRequest, DeleteCatalogRequest, GetCatalogRequest, ListCatalogsRequest, UpdateCatalogRequest,
};

use super::{Context, confirm, page, records, update};
use crate::args::{CatalogCommand, CatalogCreateArgs, ChangeArgs, ContainerDeleteArgs, ListLimit};
use crate::error::CliError;
use crate::names;

/// Runs the command.
///
/// # Errors
/// Those of the server, and of a malformed name.
pub async fn run(command: CatalogCommand, context: &mut Context) -> Result<(), CliError> {
    match command {
        CatalogCommand::Create(args) => create(args, context).await,
        CatalogCommand::Get(args) => {
            let found =
                context.client.catalogs().get_catalog(GetCatalogRequest { full_name: args.name }).await?.into_inner();
            context.out.record(&records::catalog(found))
        }
        CatalogCommand::List(args) => list(args, context).await,
        CatalogCommand::Update(args) => update(args, context).await,
        CatalogCommand::Delete(args) => delete(args, context).await,
    }
}

async fn create(args: CatalogCreateArgs, context: &mut Context) -> Result<(), CliError> {
    let (_, name) = names::split_new(&args.name, 1).map_err(CliError::Usage)?;
    let request = CreateCatalogRequest {
        name,
        comment: args.describe.comment,
        properties: args.describe.properties.into_iter().collect(),
    };
    let created = context.client.catalogs().create_catalog(request).await?.into_inner();
    context.out.record(&records::catalog(created))
}

async fn list(args: ListLimit, context: &mut Context) -> Result<(), CliError> {
    let client = context.client.catalogs();
    let found = page::all(args.limit, async |page_size, page_token| {
        let request = ListCatalogsRequest { page_size, page_token };
        let page = client.clone().list_catalogs(request).await?.into_inner();
        Ok((page.catalogs, page.next_page_token))
    })
    .await?;
    let records: Vec<_> = found.into_iter().map(records::catalog).collect();
    context.out.list("catalog", &records, records::CATALOG_FIELDS)
}

async fn update(args: ChangeArgs, context: &mut Context) -> Result<(), CliError> {
    let change = update::change(args)?;
    let request = UpdateCatalogRequest {
        full_name: change.full_name,
        catalog: Some(Catalog {
            name: change.name,
            owner: change.owner,
            comment: change.comment,
            properties: change.properties,
            ..Default::default()
        }),
        update_mask: Some(change.mask),
        etag: change.etag,
    };
    let updated = context.client.catalogs().update_catalog(request).await?.into_inner();
    context.out.record(&records::catalog(updated))
}

async fn delete(args: ContainerDeleteArgs, context: &mut Context) -> Result<(), CliError> {
    let target = args.target;
    let what = if args.cascade { " and everything in it" } else { "" };
    confirm(&format!("delete catalog `{}`{what}", target.name), target.yes)?;
    let request = DeleteCatalogRequest { full_name: target.name.clone(), force: args.cascade, etag: target.etag };
    context.client.catalogs().delete_catalog(request).await?;
    context.out.message(&format!("deleted catalog `{}`{what}", target.name));
    Ok(())
}
