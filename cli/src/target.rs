//! Which server to talk to, and with which token.
//!
//! Order: what the command line says, then a profile that the command line names, then the environment, then the profile that
//! the environment names or `default`. A saved token goes to the endpoint it was saved with and to no other.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::args::ConnectionArgs;
use crate::error::CliError;
use crate::profiles::{self, DEFAULT_PROFILE, Profile, Profiles};
use crate::secret::Secret;

/// The address that is used when none is given.
pub const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:8642";

/// Which options were given on the command line itself rather than by the environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Given {
    /// `--endpoint`.
    pub endpoint: bool,
    /// `--token`.
    pub token: bool,
    /// `--token-file`.
    pub token_file: bool,
    /// `--profile`.
    pub profile: bool,
}

impl Given {
    /// The options without those that the environment sets to nothing, which is how a variable is switched off.
    pub fn without_empty(self, mut args: ConnectionArgs) -> ConnectionArgs {
        let keep = |by_flag: bool, empty: bool| by_flag || !empty;
        args.endpoint = args.endpoint.filter(|text| keep(self.endpoint, text.is_empty()));
        args.token = args.token.filter(|text| keep(self.token, text.is_empty()));
        args.token_file = args.token_file.filter(|path| keep(self.token_file, path.as_os_str().is_empty()));
        args.profile = args.profile.filter(|text| keep(self.profile, text.is_empty()));
        args.tls_ca = args.tls_ca.filter(|path| !path.as_os_str().is_empty());
        args.config_dir = args.config_dir.filter(|path| !path.as_os_str().is_empty());
        args
    }
}

/// Where to connect, and what to show there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The address.
    pub endpoint: String,
    /// The token, if there is one.
    pub token: Option<Secret>,
    /// File with certificates to trust instead of those of the system.
    pub tls_ca: Option<PathBuf>,
}

/// Finds the server and the token for a command.
///
/// # Errors
/// When a named profile is missing, options contradict each other, or a file cannot be read.
pub fn resolve(args: &ConnectionArgs, given: Given) -> Result<Target, CliError> {
    let profile = match &args.profile {
        Some(name) => Some(saved(args, name)?.ok_or_else(|| no_profile(name))?),
        // Without a home folder there are no profiles, which is no fault as long as none is asked for.
        None => saved(args, DEFAULT_PROFILE).ok().flatten(),
    };
    let endpoint = endpoint(args, given, profile.as_ref());
    let own = profile.as_ref().filter(|p| same_endpoint(&p.endpoint, &endpoint));
    let named = given.profile.then_some(own).flatten();
    let token = match token_given(args, given, named.is_some())? {
        Some(token) => Some(token),
        None => own.map(|p| p.token.clone()),
    };
    let tls_ca = args.tls_ca.clone().or_else(|| own.and_then(|p| p.tls_ca.clone()));
    Ok(Target { endpoint, token, tls_ca })
}

/// As `resolve`, for `login`: the profile need not exist, and its token is not used.
///
/// # Errors
/// When options contradict each other or a file cannot be read.
pub fn resolve_for_login(args: &ConnectionArgs, given: Given) -> Result<Target, CliError> {
    let profile = saved(args, profile_name(args))?;
    let endpoint = endpoint(args, given, profile.as_ref());
    let token = token_given(args, given, false)?;
    Ok(Target { endpoint, token, tls_ca: args.tls_ca.clone() })
}

/// The name of the profile in use.
pub fn profile_name(args: &ConnectionArgs) -> &str {
    args.profile.as_deref().unwrap_or(DEFAULT_PROFILE)
}

/// The error for a profile that is not there.
pub fn no_profile(name: &str) -> CliError {
    CliError::usage(format!("there is no profile `{name}`: save one with `lakewarden login --profile {name}`"))
}

fn saved(args: &ConnectionArgs, name: &str) -> Result<Option<Profile>, CliError> {
    Ok(Profiles::load(&profiles::config_dir(args)?)?.profiles.remove(name))
}

fn endpoint(args: &ConnectionArgs, given: Given, profile: Option<&Profile>) -> String {
    let from_profile = profile.map(|p| p.endpoint.clone());
    let chosen = match &args.endpoint {
        Some(endpoint) if given.endpoint || !given.profile => Some(endpoint.clone()),
        other => from_profile.clone().or_else(|| other.clone()),
    };
    chosen.or(from_profile).unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned())
}

fn same_endpoint(a: &str, b: &str) -> bool {
    a.trim_end_matches('/').eq_ignore_ascii_case(b.trim_end_matches('/'))
}

/// The token of the command line; else, unless a named profile has one, that of the environment.
fn token_given(args: &ConnectionArgs, given: Given, profile_wins: bool) -> Result<Option<Secret>, CliError> {
    if given.token && given.token_file {
        return Err(CliError::usage("give --token or --token-file, not both"));
    }
    let by_flag = given.token || given.token_file;
    if !by_flag && profile_wins {
        return Ok(None);
    }
    match (&args.token, &args.token_file) {
        (Some(token), _) if !given.token_file => {
            token.check().map(Some).map_err(|why| CliError::usage(format!("the token is wrong: {why}")))
        }
        (_, Some(file)) => read_token(file).map(Some),
        _ => Ok(None),
    }
}

fn read_token(path: &Path) -> Result<Secret, CliError> {
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map(|_| text)
            .map_err(|e| CliError::file("cannot read", "stdin", e))?
    } else {
        std::fs::read_to_string(path).map_err(|e| CliError::file("cannot read the token file", path, e))?
    };
    Secret::parse(&text).map_err(|why| CliError::usage(format!("`{}` holds no token: {why}", path.display())))
}

#[cfg(test)]
mod tests;
