//! `schema`.

use lakewarden_proto::v1::{
    CreateSchemaRequest, DeleteSchemaRequest, GetSchemaRequest, ListSchemasRequest, Schema, UpdateSchemaRequest,
};

use super::{Context, confirm, page, records, update};
use crate::args::{ChangeArgs, ContainerDeleteArgs, ListArgs, SchemaCommand, SchemaCreateArgs};
use crate::error::CliError;
use crate::names;

/// Runs the command.
///
/// # Errors
/// Those of the server, and of a malformed name.
pub async fn run(command: SchemaCommand, context: &mut Context) -> Result<(), CliError> {
    match command {
        SchemaCommand::Create(args) => create(args, context).await,
        SchemaCommand::Get(args) => {
            let found =
                context.client.schemas().get_schema(GetSchemaRequest { full_name: args.name }).await?.into_inner();
            context.out.record(&records::schema(found))
        }
        SchemaCommand::List(args) => list(args, context).await,
        SchemaCommand::Update(args) => update(args, context).await,
        SchemaCommand::Delete(args) => delete(args, context).await,
    }
}

async fn create(args: SchemaCreateArgs, context: &mut Context) -> Result<(), CliError> {
    let (parent, name) = names::split_new(&args.name, 2).map_err(CliError::Usage)?;
    let properties = args.describe.properties.into_iter().collect();
    let request = CreateSchemaRequest { parent, name, comment: args.describe.comment, properties };
    let created = context.client.schemas().create_schema(request).await?.into_inner();
    context.out.record(&records::schema(created))
}

async fn list(args: ListArgs, context: &mut Context) -> Result<(), CliError> {
    let client = context.client.schemas();
    let found = page::all(args.list.limit, async |page_size, page_token| {
        let request = ListSchemasRequest { parent: args.parent.clone(), page_size, page_token };
        let page = client.clone().list_schemas(request).await?.into_inner();
        Ok((page.schemas, page.next_page_token))
    })
    .await?;
    let records: Vec<_> = found.into_iter().map(records::schema).collect();
    context.out.list("schema", &records, records::SCHEMA_FIELDS)
}

async fn update(args: ChangeArgs, context: &mut Context) -> Result<(), CliError> {
    let change = update::change(args)?;
    let request = UpdateSchemaRequest {
        full_name: change.full_name,
        schema: Some(Schema {
            name: change.name,
            owner: change.owner,
            comment: change.comment,
            properties: change.properties,
            ..Default::default()
        }),
        update_mask: Some(change.mask),
        etag: change.etag,
    };
    let updated = context.client.schemas().update_schema(request).await?.into_inner();
    context.out.record(&records::schema(updated))
}

async fn delete(args: ContainerDeleteArgs, context: &mut Context) -> Result<(), CliError> {
    let target = args.target;
    let what = if args.cascade { " and everything in it" } else { "" };
    confirm(&format!("delete schema `{}`{what}", target.name), target.yes)?;
    let request = DeleteSchemaRequest { full_name: target.name.clone(), force: args.cascade, etag: target.etag };
    context.client.schemas().delete_schema(request).await?;
    context.out.message(&format!("deleted schema `{}`{what}", target.name));
    Ok(())
}
