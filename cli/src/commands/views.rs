//! `view`.

use lakewarden_proto::v1::{CreateViewRequest, TableType};

use super::tables::{self, Kind};
use super::{Context, records, text_or_file};
use crate::args::{ViewCommand, ViewCreateArgs};
use crate::error::CliError;
use crate::names;

/// Runs the command.
///
/// # Errors
/// Those of the server, and of a malformed name.
pub async fn run(command: ViewCommand, context: &mut Context) -> Result<(), CliError> {
    match command {
        ViewCommand::Create(args) => create(args, context).await,
        ViewCommand::Get(args) => {
            let found = tables::get(args.name, Kind::View, context).await?;
            context.out.record(&records::view(found))
        }
        ViewCommand::List(args) => {
            let found = tables::list(args, &[TableType::View], context).await?;
            let records: Vec<_> = found.into_iter().map(|t| records::without_columns(records::view(t))).collect();
            context.out.list("view", &records, records::VIEW_FIELDS)
        }
        ViewCommand::Update(args) => {
            let updated = tables::update(args, Kind::View, context).await?;
            context.out.record(&records::view(updated))
        }
        ViewCommand::Delete(args) => tables::delete(args, Kind::View, context).await,
    }
}

async fn create(args: ViewCreateArgs, context: &mut Context) -> Result<(), CliError> {
    let (parent, name) = names::split_new(&args.name, 3).map_err(CliError::Usage)?;
    let request = CreateViewRequest {
        parent,
        name,
        view_definition: text_or_file(args.query, args.file.as_deref())?,
        comment: args.describe.comment,
        properties: args.describe.properties.into_iter().collect(),
        or_replace: args.or_replace,
    };
    let created = context.client.tables().create_view(request).await?.into_inner();
    context.out.record(&records::view(created))
}
