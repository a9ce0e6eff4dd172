//! `user`, `group` and `service-principal`.

use lakewarden_proto::v1::{
    AddMemberRequest, CreatePrincipalRequest, DeletePrincipalRequest, GetPrincipalRequest, Leftovers,
    ListMembersRequest, ListPrincipalsRequest, Principal, PrincipalKind, RemoveMemberRequest, UpdatePrincipalRequest,
};
use prost_types::FieldMask;

use super::{Context, confirm, page, records};
use crate::args::{
    GroupCommand, MembersArgs, PrincipalCommand, PrincipalCreateArgs, PrincipalDeleteArgs, PrincipalUpdateArgs,
};
use crate::error::CliError;

/// Runs a command about users.
///
/// # Errors
/// Those of the server.
pub async fn users(command: PrincipalCommand, context: &mut Context) -> Result<(), CliError> {
    run(command, PrincipalKind::User, context).await
}

/// Runs a command about service principals.
///
/// # Errors
/// Those of the server.
pub async fn service_principals(command: PrincipalCommand, context: &mut Context) -> Result<(), CliError> {
    run(command, PrincipalKind::ServicePrincipal, context).await
}

/// Runs a command about groups.
///
/// # Errors
/// Those of the server.
pub async fn groups(command: GroupCommand, context: &mut Context) -> Result<(), CliError> {
    let command = match command {
        GroupCommand::AddMember(args) => return add_members(args, context).await,
        GroupCommand::RemoveMember(args) => return remove_members(args, context).await,
        GroupCommand::Members { group, list } => return members(group, list.limit, context).await,
        GroupCommand::Create(args) => PrincipalCommand::Create(args),
        GroupCommand::Get { name } => PrincipalCommand::Get { name },
        GroupCommand::List(args) => PrincipalCommand::List(args),
        GroupCommand::Update(args) => PrincipalCommand::Update(args),
        GroupCommand::Delete(args) => PrincipalCommand::Delete(args),
    };
    run(command, PrincipalKind::Group, context).await
}

async fn run(command: PrincipalCommand, kind: PrincipalKind, context: &mut Context) -> Result<(), CliError> {
    match command {
        PrincipalCommand::Create(args) => create(args, kind, context).await,
        PrincipalCommand::Get { name } => {
            let found = get(name, kind, context).await?;
            context.out.record(&records::principal(found))
        }
        PrincipalCommand::List(args) => list(kind, args.limit, context).await,
        PrincipalCommand::Update(args) => update(args, kind, context).await,
        PrincipalCommand::Delete(args) => delete(args, kind, context).await,
    }
}

async fn create(args: PrincipalCreateArgs, kind: PrincipalKind, context: &mut Context) -> Result<(), CliError> {
    let request = CreatePrincipalRequest { name: args.name, kind: kind.into(), comment: args.comment };
    let created = context.client.principals().create_principal(request).await?.into_inner();
    context.out.record(&records::principal(created))
}

async fn get(name: String, kind: PrincipalKind, context: &Context) -> Result<Principal, CliError> {
    let request = GetPrincipalRequest { name, kind: kind.into() };
    Ok(context.client.principals().get_principal(request).await?.into_inner())
}

async fn list(kind: PrincipalKind, limit: Option<u64>, context: &mut Context) -> Result<(), CliError> {
    let client = context.client.principals();
    let found = page::all(limit, async |page_size, page_token| {
        let request = ListPrincipalsRequest { kind: kind.into(), page_size, page_token };
        let page = client.clone().list_principals(request).await?.into_inner();
        Ok((page.principals, page.next_page_token))
    })
    .await?;
    show(noun(kind), found, context)
}

async fn update(args: PrincipalUpdateArgs, kind: PrincipalKind, context: &mut Context) -> Result<(), CliError> {
    let given = [("name", args.rename.is_some()), ("comment", args.comment.is_some())];
    let paths = given.iter().filter(|(_, is)| *is).map(|(path, _)| (*path).to_owned()).collect();
    let principal = Principal {
        name: args.rename.unwrap_or_default(),
        comment: args.comment.unwrap_or_default(),
        ..Default::default()
    };
    let request = UpdatePrincipalRequest {
        name: args.name,
        principal: Some(principal),
        update_mask: Some(FieldMask { paths }),
        etag: args.etag,
        kind: kind.into(),
    };
    let updated = context.client.principals().update_principal(request).await?.into_inner();
    context.out.record(&records::principal(updated))
}

async fn delete(args: PrincipalDeleteArgs, kind: PrincipalKind, context: &mut Context) -> Result<(), CliError> {
    let noun = noun(kind);
    confirm(&format!("delete {noun} `{}`", args.name), args.yes)?;
    let leftovers = match (args.cascade, &args.reassign_owned_to) {
        (_, Some(_)) => Leftovers::Reassign,
        (true, None) => Leftovers::Cascade,
        (false, None) => Leftovers::Restrict,
    };
    let request = DeletePrincipalRequest {
        name: args.name.clone(),
        kind: kind.into(),
        etag: args.etag,
        leftovers: leftovers.into(),
        reassign_owned_to: args.reassign_owned_to.unwrap_or_default(),
    };
    context.client.principals().delete_principal(request).await?;
    context.out.message(&format!("deleted {noun} `{}`", args.name));
    Ok(())
}

async fn add_members(args: MembersArgs, context: &mut Context) -> Result<(), CliError> {
    for member in args.members {
        let request = AddMemberRequest { group: args.group.clone(), member: member.clone() };
        context.client.principals().add_member(request).await?;
        context.out.message(&format!("`{member}` is a member of `{}`", args.group));
    }
    Ok(())
}

async fn remove_members(args: MembersArgs, context: &mut Context) -> Result<(), CliError> {
    for member in args.members {
        let request = RemoveMemberRequest { group: args.group.clone(), member: member.clone() };
        context.client.principals().remove_member(request).await?;
        context.out.message(&format!("`{member}` is not a member of `{}`", args.group));
    }
    Ok(())
}

async fn members(group: String, limit: Option<u64>, context: &mut Context) -> Result<(), CliError> {
    let client = context.client.principals();
    let found = page::all(limit, async |page_size, page_token| {
        let request = ListMembersRequest { group: group.clone(), page_size, page_token };
        let page = client.clone().list_members(request).await?.into_inner();
        Ok((page.members, page.next_page_token))
    })
    .await?;
    show("member", found, context)
}

fn show(noun: &str, found: Vec<Principal>, context: &mut Context) -> Result<(), CliError> {
    let records: Vec<_> = found.into_iter().map(records::principal).collect();
    context.out.list(noun, &records, records::PRINCIPAL_FIELDS)
}

fn noun(kind: PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::User => "user",
        PrincipalKind::Group => "group",
        PrincipalKind::ServicePrincipal => "service principal",
        PrincipalKind::Unspecified => "principal",
    }
}
