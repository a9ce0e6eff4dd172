//! `can` and `who-can`.

use std::time::SystemTime;

use lakewarden_proto::v1::{ExplainAccessRequest, WhoCanRequest};

use super::{Context, page, records};
use crate::args::{AboutArgs, CanArgs, WhoCanArgs};
use crate::error::CliError;
use crate::exit::Exit;
use crate::names;
use crate::render::Format;

/// Says whether somebody may do something, and why. The exit code is part of the answer.
///
/// # Errors
/// Those of the server.
pub async fn can(args: CanArgs, context: &mut Context) -> Result<Exit, CliError> {
    let asked = args.asked().map_err(CliError::Usage)?;
    let request = ExplainAccessRequest {
        securable: Some(asked.securable),
        privilege: asked.privilege.into(),
        column: column(&args.about),
        principal: asked.principal.unwrap_or_default(),
        as_of: args.about.as_of.map(|when| when.timestamp(SystemTime::now())),
    };
    let answer = context.client.grants().explain_access(request).await?.into_inner();
    let allowed = answer.allowed;
    let flat = context.out.is_flat();
    let mut record = records::explanation(answer, flat);
    if context.out.format() == Format::Table {
        record = record.without_nothing();
    }
    context.out.record(&record)?;
    Ok(if allowed { Exit::Success } else { Exit::PermissionDenied })
}

/// Lists who may do something.
///
/// # Errors
/// Those of the server.
pub async fn who_can(args: WhoCanArgs, context: &mut Context) -> Result<(), CliError> {
    let asked = args.asked().map_err(CliError::Usage)?;
    let as_of = args.about.as_of.map(|when| when.timestamp(SystemTime::now()));
    let client = context.client.grants();
    let found = page::all(args.list.limit, async |page_size, page_token| {
        let request = WhoCanRequest {
            securable: Some(asked.securable.clone()),
            privilege: asked.privilege.into(),
            column: column(&args.about),
            as_of,
            page_size,
            page_token,
        };
        let page = client.clone().who_can(request).await?.into_inner();
        Ok((page.holders, page.next_page_token))
    })
    .await?;
    let flat = context.out.is_flat();
    let records: Vec<_> = found.into_iter().map(|holder| records::holder(holder, flat)).collect();
    context.out.list("principal", &records, records::HOLDER_FIELDS)
}

fn column(about: &AboutArgs) -> String {
    about.column.as_deref().map(names::unquote).unwrap_or_default()
}
