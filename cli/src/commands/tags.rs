//! `tag`.

use std::collections::BTreeMap;

use lakewarden_proto::v1::change_tag_values_request::Change;
use lakewarden_proto::v1::{
    ChangeTagValuesRequest, CreateGovernedTagRequest, DeleteGovernedTagRequest, GetGovernedTagRequest, GetTagsRequest,
    GovernedTag, ListGovernedTagsRequest, SecurableRef, SecurableTags, SetTagsRequest, TagValues, UnsetTagsRequest,
    UpdateGovernedTagRequest,
};
use prost_types::FieldMask;

use super::{Context, confirm, page, records};
use crate::args::{
    ListLimit, On, TagCommand, TagCreateArgs, TagDeleteArgs, TagSetArgs, TagShowArgs, TagUnsetArgs, TagUpdateArgs,
    TagValuesArgs,
};
use crate::error::CliError;
use crate::names;

/// Runs the command.
///
/// # Errors
/// Those of the server, and of a malformed `--on`.
pub async fn run(command: TagCommand, context: &mut Context) -> Result<(), CliError> {
    match command {
        TagCommand::Show(args) => show(args, context).await,
        TagCommand::Set(args) => set(args, context).await,
        TagCommand::Unset(args) => unset(args, context).await,
        TagCommand::Create(args) => create(args, context).await,
        TagCommand::Get(args) => {
            let request = GetGovernedTagRequest { key: names::unquote(&args.key) };
            let found = context.client.tags().get_governed_tag(request).await?.into_inner();
            context.out.record(&records::governed_tag(found))
        }
        TagCommand::List(args) => list(args, context).await,
        TagCommand::Update(args) => update(args, context).await,
        TagCommand::Values(args) => values(args, context).await,
        TagCommand::Delete(args) => delete(args, context).await,
    }
}

fn on(args: &TagShowArgs) -> Result<Option<SecurableRef>, CliError> {
    On::parse(&args.on).map(Some).map_err(CliError::Usage)
}

async fn show(args: TagShowArgs, context: &mut Context) -> Result<(), CliError> {
    let found = context.client.tags().get_tags(GetTagsRequest { securable: on(&args)? }).await?.into_inner();
    listed(found, context)
}

async fn set(args: TagSetArgs, context: &mut Context) -> Result<(), CliError> {
    let mut tags = BTreeMap::new();
    for tag in args.tags {
        let (key, value) = tag.split_once('=').unwrap_or((&tag, ""));
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(CliError::usage(format!("tag `{key}` is given twice")));
        }
    }
    let request = SetTagsRequest { securable: on(&args.target)?, column: names::unquote(&args.column), tags };
    let changed = context.client.tags().set_tags(request).await?.into_inner();
    listed(changed, context)
}

async fn unset(args: TagUnsetArgs, context: &mut Context) -> Result<(), CliError> {
    let column = names::unquote(&args.column);
    let request = UnsetTagsRequest { securable: on(&args.target)?, column, keys: args.keys };
    let changed = context.client.tags().unset_tags(request).await?.into_inner();
    listed(changed, context)
}

fn listed(tags: SecurableTags, context: &mut Context) -> Result<(), CliError> {
    context.out.list("tag", &records::tags(tags), records::TAG_FIELDS)
}

async fn create(args: TagCreateArgs, context: &mut Context) -> Result<(), CliError> {
    let request = CreateGovernedTagRequest {
        key: names::unquote(&args.key),
        values: args.values,
        comment: args.describe.comment,
        properties: args.describe.properties.into_iter().collect(),
    };
    let created = context.client.tags().create_governed_tag(request).await?.into_inner();
    context.out.record(&records::governed_tag(created))
}

async fn list(args: ListLimit, context: &mut Context) -> Result<(), CliError> {
    let client = context.client.tags();
    let found = page::all(args.limit, async |page_size, page_token| {
        let request = ListGovernedTagsRequest { page_size, page_token };
        let page = client.clone().list_governed_tags(request).await?.into_inner();
        Ok((page.tags, page.next_page_token))
    })
    .await?;
    let records: Vec<_> = found.into_iter().map(records::governed_tag).collect();
    context.out.list("tag", &records, records::GOVERNED_TAG_FIELDS)
}

async fn update(args: TagUpdateArgs, context: &mut Context) -> Result<(), CliError> {
    let given = [("owner", args.owner.is_some()), ("comment", args.comment.is_some())];
    let paths = given.iter().filter(|(_, is)| *is).map(|(path, _)| (*path).to_owned()).collect();
    let tag = GovernedTag {
        owner: args.owner.unwrap_or_default(),
        comment: args.comment.unwrap_or_default(),
        ..Default::default()
    };
    let request = UpdateGovernedTagRequest {
        key: names::unquote(&args.key),
        tag: Some(tag),
        update_mask: Some(FieldMask { paths }),
        etag: args.etag,
    };
    let updated = context.client.tags().update_governed_tag(request).await?.into_inner();
    context.out.record(&records::governed_tag(updated))
}

async fn values(args: TagValuesArgs, context: &mut Context) -> Result<(), CliError> {
    let change = match (args.add.is_empty(), args.drop.is_empty()) {
        (false, _) => Change::Add(TagValues { values: args.add }),
        (_, false) => Change::Drop(TagValues { values: args.drop }),
        // `--any` has none.
        _ => Change::Set(TagValues { values: args.only }),
    };
    let request = ChangeTagValuesRequest { key: names::unquote(&args.key), change: Some(change), etag: args.etag };
    let changed = context.client.tags().change_tag_values(request).await?.into_inner();
    context.out.record(&records::governed_tag(changed))
}

async fn delete(args: TagDeleteArgs, context: &mut Context) -> Result<(), CliError> {
    confirm(&format!("govern tag `{}` no longer, so that anybody with APPLY TAG may set it", args.key), args.yes)?;
    let request = DeleteGovernedTagRequest { key: names::unquote(&args.key), etag: args.etag };
    context.client.tags().delete_governed_tag(request).await?;
    context.out.message(&format!("deleted governed tag `{}`", args.key));
    Ok(())
}
