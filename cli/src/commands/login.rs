//! `login`, `logout` and `config profiles`.

use std::io::IsTerminal;

use lakewarden_proto::v1::{RevokeTokenRequest, WhoAmIRequest};
use prost_types::Timestamp;

use super::connect;
use crate::args::ConnectionArgs;
use crate::client::Client;
use crate::error::CliError;
use crate::profiles::{self, Profile, Profiles};
use crate::prompt;
use crate::render::{Output, Record, Value};
use crate::secret::Secret;
use crate::target::{self, Given, Target};
use crate::time;

/// Tries a token and saves it with the endpoint.
///
/// # Errors
/// When there is no token, when the server does not take it, or when the profile cannot be saved.
pub async fn login(args: &ConnectionArgs, given: Given, out: &mut Output) -> Result<(), CliError> {
    let dir = profiles::config_dir(args)?;
    let mut all = Profiles::load(&dir)?;
    let mut target = target::resolve_for_login(args, given)?;
    let token = match target.token.take() {
        Some(token) => token,
        None => ask_for_token(&target.endpoint)?,
    };
    target.token = Some(token.clone());
    let client = connect(&target, out).await?;
    let me = client.identity().who_am_i(WhoAmIRequest {}).await?.into_inner();
    let name = target::profile_name(args).to_owned();
    let tls_ca = match target.tls_ca {
        Some(path) => Some(std::path::absolute(&path).map_err(|e| CliError::file("cannot find", path, e))?),
        None => None,
    };
    let shown = token.redacted();
    let ends = me.token_expires_at.or_else(|| token.claims().exp.map(|seconds| Timestamp { seconds, nanos: 0 }));
    all.profiles.insert(name.clone(), Profile { endpoint: target.endpoint.clone(), token, tls_ca });
    let path = all.save(&dir)?;
    let record = Record::new()
        .with("profile", name)
        .with("endpoint", target.endpoint)
        .with("principal", me.principal.unwrap_or_default().name)
        .with("token", shown)
        .with("token_expires_at", time::value(ends.as_ref()));
    out.record(&record)?;
    out.message(&format!("saved in `{}`", path.display()));
    Ok(())
}

/// Forgets a profile.
///
/// # Errors
/// When there is no such profile, or when its token should be revoked and cannot be.
pub async fn logout(args: &ConnectionArgs, revoke: bool, out: &mut Output) -> Result<(), CliError> {
    let dir = profiles::config_dir(args)?;
    let mut all = Profiles::load(&dir)?;
    let name = target::profile_name(args);
    let profile = all.profiles.remove(name).ok_or_else(|| target::no_profile(name))?;
    if revoke {
        let token = profile.token.clone();
        let target = Target { endpoint: profile.endpoint, token: Some(profile.token), tls_ca: profile.tls_ca };
        revoke_own(&token, &connect(&target, out).await?, out).await?;
    }
    all.save(&dir)?;
    out.message(&format!("forgot profile `{name}`"));
    Ok(())
}

/// Lists the saved profiles; of the tokens only that they are there.
///
/// # Errors
/// When they cannot be read.
pub fn profiles(args: &ConnectionArgs, out: &mut Output) -> Result<(), CliError> {
    let all = Profiles::load(&profiles::config_dir(args)?)?;
    let record = |(name, profile): (String, Profile)| {
        Record::new()
            .with("profile", name)
            .with("endpoint", profile.endpoint)
            .with("token", profile.token.redacted())
            .with("tls_ca", Value::optional(profile.tls_ca.map(|p| p.display().to_string()).unwrap_or_default()))
    };
    let records: Vec<_> = all.profiles.into_iter().map(record).collect();
    out.list("profile", &records, &["profile", "endpoint", "token", "tls_ca"])
}

async fn revoke_own(token: &Secret, client: &Client, out: &mut Output) -> Result<(), CliError> {
    let told = client.identity().who_am_i(WhoAmIRequest {}).await?.into_inner().token_id;
    let id = if told.is_empty() { token.claims().jti.unwrap_or_default() } else { told };
    if id.is_empty() {
        let message = "this token was not made by this server, which cannot revoke it: leave --revoke away";
        return Err(CliError::usage(message));
    }
    client.tokens().revoke_token(RevokeTokenRequest { id: id.clone() }).await?;
    out.message(&format!("revoked token `{id}`"));
    Ok(())
}

fn ask_for_token(endpoint: &str) -> Result<Secret, CliError> {
    if !std::io::stdin().is_terminal() {
        return Err(CliError::usage("there is no token: give one with --token-file FILE, where - reads stdin"));
    }
    let text = prompt::secret(&format!("token for {endpoint}: "))?;
    Secret::parse(&text).map_err(|why| CliError::usage(format!("the token is wrong: {why}")))
}
