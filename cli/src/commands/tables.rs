//! `table`; also what tables and views share.

use lakewarden_proto::v1::{
    Column, CreateTableRequest, DeleteTableRequest, GetTableRequest, ListTablesRequest, Table, TableType,
    UpdateTableRequest,
};

use super::{Context, confirm, page, records, update};
use crate::args::{ChangeArgs, DeleteArgs, ListArgs, TableCommand, TableCreateArgs};
use crate::error::CliError;
use crate::names;

/// Runs the command.
///
/// # Errors
/// Those of the server, and of a malformed name.
pub async fn run(command: TableCommand, context: &mut Context) -> Result<(), CliError> {
    match command {
        TableCommand::Create(args) => create(args, context).await,
        TableCommand::Get(args) => {
            let found = get(args.name, Kind::Table, context).await?;
            context.out.record(&records::table(found))
        }
        TableCommand::List(args) => {
            let found = list(args, &[TableType::Managed, TableType::External], context).await?;
            let records: Vec<_> = found.into_iter().map(|t| records::without_columns(records::table(t))).collect();
            context.out.list("table", &records, records::TABLE_FIELDS)
        }
        TableCommand::Update(args) => {
            let updated = update(args, Kind::Table, context).await?;
            context.out.record(&records::table(updated))
        }
        TableCommand::Delete(args) => delete(args, Kind::Table, context).await,
    }
}

async fn create(args: TableCreateArgs, context: &mut Context) -> Result<(), CliError> {
    let (parent, name) = names::split_new(&args.name, 3).map_err(CliError::Usage)?;
    let column = |c: crate::args::TableColumnArg| Column {
        name: c.name,
        type_text: c.type_text,
        nullable: Some(c.nullable),
        ..Default::default()
    };
    let request = CreateTableRequest {
        parent,
        name,
        columns: args.columns.into_iter().map(column).collect(),
        location: args.location,
        comment: args.describe.comment,
        properties: args.describe.properties.into_iter().collect(),
        partition_columns: args.partition_by,
    };
    let created = context.client.tables().create_table(request).await?.into_inner();
    context.out.record(&records::table(created))
}

/// What the user calls the thing: the word decides whether a view will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A managed or external table.
    Table,
    /// A view.
    View,
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::View => "view",
        }
    }
}

/// Reads a table or view, and sees to it that it is what the user called it.
///
/// # Errors
/// Those of the server, and when it is the other kind.
pub async fn get(full_name: String, kind: Kind, context: &Context) -> Result<Table, CliError> {
    let found = context.client.tables().get_table(GetTableRequest { full_name }).await?.into_inner();
    let other = if found.table_type() == TableType::View { Kind::View } else { Kind::Table };
    if other != kind {
        let (is, name) = (other.noun(), &found.full_name);
        return Err(CliError::usage(format!("`{name}` is a {is}: use `lakewarden {is}`")));
    }
    Ok(found)
}

/// Reads the list of a schema.
///
/// # Errors
/// Those of the server.
pub async fn list(args: ListArgs, types: &[TableType], context: &Context) -> Result<Vec<Table>, CliError> {
    let client = context.client.tables();
    page::all(args.list.limit, async |page_size, page_token| {
        let table_types = types.iter().map(|t| i32::from(*t)).collect();
        let request =
            ListTablesRequest { parent: args.parent.clone(), page_size, page_token, table_types, omit_columns: true };
        let page = client.clone().list_tables(request).await?.into_inner();
        Ok((page.tables, page.next_page_token))
    })
    .await
}

/// Changes a table or view.
///
/// # Errors
/// Those of the server, and when it is the other kind.
pub async fn update(args: ChangeArgs, kind: Kind, context: &Context) -> Result<Table, CliError> {
    get(args.name.clone(), kind, context).await?;
    let change = update::change(args)?;
    let request = UpdateTableRequest {
        full_name: change.full_name,
        table: Some(Table {
            name: change.name,
            owner: change.owner,
            comment: change.comment,
            properties: change.properties,
            ..Default::default()
        }),
        update_mask: Some(change.mask),
        etag: change.etag,
    };
    Ok(context.client.tables().update_table(request).await?.into_inner())
}

/// Deletes a table or view: exactly the type that was looked at, not what may have taken its name since.
///
/// # Errors
/// Those of the server, and when it is the other kind.
pub async fn delete(args: DeleteArgs, kind: Kind, context: &mut Context) -> Result<(), CliError> {
    let found = get(args.name.clone(), kind, context).await?;
    let what = match found.table_type() {
        TableType::Managed => "managed table",
        TableType::External => "external table",
        TableType::View => "view",
        TableType::Unspecified => "table",
    };
    confirm(&format!("delete {what} `{}`", found.full_name), args.yes)?;
    let request = DeleteTableRequest { full_name: args.name, etag: args.etag, table_type: found.table_type };
    context.client.tables().delete_table(request).await?;
    context.out.message(&format!("deleted {what} `{}`", found.full_name));
    Ok(())
}
