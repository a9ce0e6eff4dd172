//! `grant`, `revoke` and `grants show`.

use lakewarden_proto::v1::{GrantEntry, GrantRequest, ListGrantsRequest, RevokeRequest};

use super::{Context, page, records};
use crate::args::{Command, GrantArgs, GrantsCommand, On, RevokeArgs};
use crate::error::CliError;

/// Sees to it that `--on` is well formed, before a connection is made.
///
/// # Errors
/// When it is not.
pub fn check(command: &Command) -> Result<(), CliError> {
    let on = match command {
        Command::Grant(args) => &args.on,
        Command::Revoke(args) => &args.on,
        Command::Grants(GrantsCommand::Show(args)) => &args.on,
        _ => return Ok(()),
    };
    On::parse(on).map(|_| ()).map_err(CliError::Usage)
}

/// Grants, and shows what the principals hold there now.
///
/// # Errors
/// Those of the server, and of a malformed `--on`.
pub async fn grant(args: GrantArgs, context: &mut Context) -> Result<(), CliError> {
    let request = GrantRequest {
        securable: Some(On::parse(&args.on).map_err(CliError::Usage)?),
        principals: args.to,
        privileges: args.privileges.into_iter().map(i32::from).collect(),
    };
    let held = context.client.grants().grant(request).await?.into_inner().grants;
    list(held, context)
}

/// Revokes, and shows what the principals hold there now.
///
/// # Errors
/// Those of the server, and of a malformed `--on`.
pub async fn revoke(args: RevokeArgs, context: &mut Context) -> Result<(), CliError> {
    let request = RevokeRequest {
        securable: Some(On::parse(&args.on).map_err(CliError::Usage)?),
        principals: args.from,
        privileges: args.privileges.into_iter().map(i32::from).collect(),
    };
    let held = context.client.grants().revoke(request).await?.into_inner().grants;
    list(held, context)
}

/// Shows grants.
///
/// # Errors
/// Those of the server, and of a malformed `--on`.
pub async fn show(command: GrantsCommand, context: &mut Context) -> Result<(), CliError> {
    let GrantsCommand::Show(args) = command;
    let securable = On::parse(&args.on).map_err(CliError::Usage)?;
    let principal = args.to.unwrap_or_default();
    let client = context.client.grants();
    let found = page::all(args.limit, async |page_size, page_token| {
        let request = ListGrantsRequest {
            securable: Some(securable.clone()),
            principal: principal.clone(),
            include_inherited: args.inherited,
            page_size,
            page_token,
        };
        let page = client.clone().list_grants(request).await?.into_inner();
        Ok((page.grants, page.next_page_token))
    })
    .await?;
    list(found, context)
}

fn list(found: Vec<GrantEntry>, context: &mut Context) -> Result<(), CliError> {
    let records: Vec<_> = found.into_iter().map(records::grant).collect();
    context.out.list("grant", &records, records::GRANT_FIELDS)
}
