//! `function`.

use lakewarden_proto::v1::{
    CreateFunctionRequest, DeleteFunctionRequest, Function, FunctionParameter, GetFunctionRequest,
    ListFunctionsRequest, UpdateFunctionRequest,
};

use super::{Context, confirm, page, records, text_or_file, update};
use crate::args::{ChangeArgs, DeleteArgs, FunctionCommand, FunctionCreateArgs, FunctionParameterArg, ListArgs};
use crate::error::CliError;
use crate::names;

/// Runs the command.
///
/// # Errors
/// Those of the server, and of a malformed name.
pub async fn run(command: FunctionCommand, context: &mut Context) -> Result<(), CliError> {
    match command {
        FunctionCommand::Create(args) => create(args, context).await,
        FunctionCommand::Get(args) => {
            let found = context
                .client
                .functions()
                .get_function(GetFunctionRequest { full_name: args.name })
                .await?
                .into_inner();
            context.out.record(&records::function(found))
        }
        FunctionCommand::List(args) => list(args, context).await,
        FunctionCommand::Update(args) => update(args, context).await,
        FunctionCommand::Delete(args) => delete(args, context).await,
    }
}

async fn create(args: FunctionCreateArgs, context: &mut Context) -> Result<(), CliError> {
    let (parent, name) = names::split_new(&args.name, 3).map_err(CliError::Usage)?;
    let parameter =
        |p: FunctionParameterArg| FunctionParameter { name: p.name, type_text: p.type_text, ..Default::default() };
    let request = CreateFunctionRequest {
        parent,
        name,
        parameters: args.parameters.into_iter().map(parameter).collect(),
        return_type: args.returns,
        routine_definition: text_or_file(args.body, args.file.as_deref())?,
        comment: args.describe.comment,
        properties: args.describe.properties.into_iter().collect(),
        or_replace: args.or_replace,
    };
    let created = context.client.functions().create_function(request).await?.into_inner();
    context.out.record(&records::function(created))
}

async fn list(args: ListArgs, context: &mut Context) -> Result<(), CliError> {
    let client = context.client.functions();
    let found = page::all(args.list.limit, async |page_size, page_token| {
        let request = ListFunctionsRequest { parent: args.parent.clone(), page_size, page_token };
        let page = client.clone().list_functions(request).await?.into_inner();
        Ok((page.functions, page.next_page_token))
    })
    .await?;
    let records: Vec<_> = found.into_iter().map(records::function).collect();
    context.out.list("function", &records, records::FUNCTION_FIELDS)
}

async fn update(args: ChangeArgs, context: &mut Context) -> Result<(), CliError> {
    let change = update::change(args)?;
    let request = UpdateFunctionRequest {
        full_name: change.full_name,
        function: Some(Function {
            name: change.name,
            owner: change.owner,
            comment: change.comment,
            properties: change.properties,
            ..Default::default()
        }),
        update_mask: Some(change.mask),
        etag: change.etag,
    };
    let updated = context.client.functions().update_function(request).await?.into_inner();
    context.out.record(&records::function(updated))
}

async fn delete(args: DeleteArgs, context: &mut Context) -> Result<(), CliError> {
    confirm(&format!("delete function `{}`", args.name), args.yes)?;
    let request = DeleteFunctionRequest { full_name: args.name.clone(), etag: args.etag };
    context.client.functions().delete_function(request).await?;
    context.out.message(&format!("deleted function `{}`", args.name));
    Ok(())
}
