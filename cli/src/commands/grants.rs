//! `grant`, `deny`, `revoke` and `grants show`.

use std::time::SystemTime;

use lakewarden_proto::v1::{
    DenyRequest, GrantEntry, GrantRequest, GrantVerb, ListEffectiveGrantsRequest, ListGrantsRequest, PrivilegeOn,
    RehearseGrantsRequest, RevokeRequest, SecurableRef,
};

use super::{Context, page, records};
use crate::args::{Command, GrantsCommand, GrantsShowArgs, On, PrivilegesOn};
use crate::error::CliError;

/// Sees to it that what is asked about is well formed, before a connection is made.
///
/// # Errors
/// When it is not.
pub fn check(command: &Command) -> Result<(), CliError> {
    let checked = match command {
        Command::Grant(args) => On::parse(&args.what.on).map(drop),
        Command::Deny(args) => On::parse(&args.what.on).map(drop),
        Command::Revoke(args) => On::parse(&args.what.on).map(drop),
        Command::Grants(GrantsCommand::Show(args)) => args.securable().map(drop),
        Command::Can(args) => args.asked().map(drop),
        Command::WhoCan(args) => args.asked().map(drop),
        _ => Ok(()),
    };
    checked.map_err(CliError::Usage)
}

/// Grants, denies or revokes, and shows what the principals hold there now; or shows what that would change.
///
/// # Errors
/// Those of the server, and of a malformed `--on`.
pub async fn change(
    verb: GrantVerb,
    what: PrivilegesOn,
    principals: Vec<String>,
    context: &mut Context,
) -> Result<(), CliError> {
    let securable = Some(On::parse(&what.on).map_err(CliError::Usage)?);
    let dry_run = what.dry_run;
    let (privileges, on_columns) = privileges(what);
    if dry_run {
        let request = RehearseGrantsRequest { verb: verb.into(), securable, principals, privileges, on_columns };
        return rehearse(request, context).await;
    }
    let mut client = context.client.grants();
    let held = match verb {
        GrantVerb::Deny => {
            client.deny(DenyRequest { securable, principals, privileges, on_columns }).await?.into_inner().grants
        }
        GrantVerb::Revoke => {
            client.revoke(RevokeRequest { securable, principals, privileges, on_columns }).await?.into_inner().grants
        }
        GrantVerb::Grant | GrantVerb::Unspecified => {
            client.grant(GrantRequest { securable, principals, privileges, on_columns }).await?.into_inner().grants
        }
    };
    list(held, context)
}

/// The privileges on the whole, and those on columns: with columns, all are on these.
fn privileges(what: PrivilegesOn) -> (Vec<i32>, Vec<PrivilegeOn>) {
    let numbers = what.privileges.into_iter().map(i32::from);
    match what.columns {
        None => (numbers.collect(), Vec::new()),
        Some(columns) => {
            let on_columns = numbers.map(|privilege| PrivilegeOn { privilege, columns: columns.0.clone() });
            (Vec::new(), on_columns.collect())
        }
    }
}

async fn rehearse(request: RehearseGrantsRequest, context: &mut Context) -> Result<(), CliError> {
    let found = context.client.grants().rehearse_grants(request).await?.into_inner();
    let records: Vec<_> = found.effects.into_iter().map(records::effect).collect();
    context.out.list("effect", &records, records::EFFECT_FIELDS)?;
    if found.more {
        context.out.message("there are more effects than these");
    }
    context.out.message("a dry run: nothing was changed");
    Ok(())
}

/// Shows grants and denials, or what is held in effect.
///
/// # Errors
/// Those of the server, and of a malformed `--on`.
pub async fn show(command: GrantsCommand, context: &mut Context) -> Result<(), CliError> {
    let GrantsCommand::Show(args) = command;
    let securable = args.securable().map_err(CliError::Usage)?;
    if args.effective {
        show_effective(args, securable, context).await
    } else {
        show_held(args, securable, context).await
    }
}

async fn show_held(
    args: GrantsShowArgs,
    securable: Option<SecurableRef>,
    context: &mut Context,
) -> Result<(), CliError> {
    let principal = args.to.unwrap_or_default();
    let as_of = args.as_of.map(|when| when.timestamp(SystemTime::now()));
    let client = context.client.grants();
    let found = page::all(args.limit, async |page_size, page_token| {
        let request = ListGrantsRequest {
            securable: securable.clone(),
            principal: principal.clone(),
            include_inherited: args.inherited,
            page_size,
            page_token,
            as_of,
        };
        let page = client.clone().list_grants(request).await?.into_inner();
        Ok((page.grants, page.next_page_token))
    })
    .await?;
    list(found, context)
}

async fn show_effective(
    args: GrantsShowArgs,
    securable: Option<SecurableRef>,
    context: &mut Context,
) -> Result<(), CliError> {
    let principal = args.to.unwrap_or_default();
    let as_of = args.as_of.map(|when| when.timestamp(SystemTime::now()));
    let client = context.client.grants();
    let found = page::all(args.limit, async |page_size, page_token| {
        let request = ListEffectiveGrantsRequest {
            securable: securable.clone(),
            principal: principal.clone(),
            as_of,
            page_size,
            page_token,
        };
        let page = client.clone().list_effective_grants(request).await?.into_inner();
        Ok((page.grants, page.next_page_token))
    })
    .await?;
    let flat = context.out.is_flat();
    let records: Vec<_> = found.into_iter().map(|grant| records::effective(grant, flat)).collect();
    context.out.list("privilege", &records, records::EFFECTIVE_FIELDS)
}

fn list(found: Vec<GrantEntry>, context: &mut Context) -> Result<(), CliError> {
    let records: Vec<_> = found.into_iter().map(records::grant).collect();
    context.out.list("grant", &records, records::GRANT_FIELDS)
}
