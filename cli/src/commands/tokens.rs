//! `token`.

use lakewarden_proto::v1::{CreateTokenRequest, ListTokensRequest, RevokeTokenRequest};

use super::{Context, page, records};
use crate::args::{TokenCommand, TokenCreateArgs, TokenListArgs};
use crate::error::CliError;
use crate::render::{Format, Record, clean_line};
use crate::secret::Secret;
use crate::time;

/// Runs the command.
///
/// # Errors
/// Those of the server.
pub async fn run(command: TokenCommand, context: &mut Context) -> Result<(), CliError> {
    match command {
        TokenCommand::Create(args) => create(args, context).await,
        TokenCommand::List(args) => list(args, context).await,
        TokenCommand::Revoke { ids } => revoke(ids, context).await,
    }
}

/// Prints the token alone on stdout, so that `> bob.token` gives a file that `--token-file` reads.
async fn create(args: TokenCreateArgs, context: &mut Context) -> Result<(), CliError> {
    let ttl = match args.ttl {
        Some(ttl) => {
            Some(prost_types::Duration::try_from(ttl).map_err(|_| CliError::usage("the lifetime is too long"))?)
        }
        None => None,
    };
    let request = CreateTokenRequest { principal: args.principal, ttl, comment: args.comment };
    let made = context.client.tokens().create_token(request).await?.into_inner();
    let token = Secret::parse(&made.token).map_err(|why| CliError::Protocol(format!("the token is wrong: {why}")))?;
    let info = made.info.unwrap_or_default();
    let until = info.expires_at.as_ref().map(|t| format!(", valid until {}", time::text(t))).unwrap_or_default();
    let told = format!(
        "token `{}` for `{}`{until}: keep it, it is not shown again",
        clean_line(&info.id),
        clean_line(&info.principal)
    );
    match context.out.format() {
        Format::Table | Format::Csv => context.out.line(token.expose())?,
        Format::Json => {
            let mut record = Record::new().with("token", token.expose());
            record.fields.extend(records::token(info).fields);
            context.out.record(&record)?;
        }
    }
    context.out.message(&told);
    Ok(())
}

async fn list(args: TokenListArgs, context: &mut Context) -> Result<(), CliError> {
    let principal = if args.all { "*".to_owned() } else { args.principal.unwrap_or_default() };
    let client = context.client.tokens();
    let found = page::all(args.list.limit, async |page_size, page_token| {
        let request = ListTokensRequest {
            principal: principal.clone(),
            include_inactive: args.include_inactive,
            page_size,
            page_token,
        };
        let page = client.clone().list_tokens(request).await?.into_inner();
        Ok((page.tokens, page.next_page_token))
    })
    .await?;
    let records: Vec<_> = found.into_iter().map(records::token).collect();
    context.out.list("token", &records, records::TOKEN_FIELDS)
}

async fn revoke(ids: Vec<String>, context: &mut Context) -> Result<(), CliError> {
    for id in ids {
        let revoked = context.client.tokens().revoke_token(RevokeTokenRequest { id }).await?.into_inner();
        context.out.message(&format!("revoked token `{}` of `{}`", revoked.id, revoked.principal));
    }
    Ok(())
}
