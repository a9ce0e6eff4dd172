//! The commands that talk to a server: each asks, and writes what it got.

mod access;
mod audit;
mod catalogs;
mod functions;
mod grants;
mod identity;
mod login;
mod page;
mod policies;
mod principals;
mod records;
mod schemas;
mod tables;
mod tags;
mod tokens;
mod update;
mod views;

use std::io::{IsTerminal, Read, Write};
use std::path::Path;

use lakewarden_proto::v1::GrantVerb;

use crate::args::{Command, ConfigCommand};
use crate::client::{self, Client};
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::{Output, clean_line};
use crate::target::{self, Target};
use crate::{Invoked, sql};

/// What a command works with.
pub struct Context {
    /// The server.
    pub client: Client,
    /// Where results and messages go.
    pub out: Output,
}

/// Does what the command line says, and gives the exit code, which is part of the answer of some commands.
///
/// # Errors
/// Of every kind: see `CliError`.
pub async fn run(invoked: Invoked, mut out: Output) -> Result<Exit, CliError> {
    let done = match invoked.command {
        Command::Login(_) => login::login(&invoked.connection, invoked.given, &mut out).await,
        Command::Logout(args) => login::logout(&invoked.connection, args.revoke, &mut out).await,
        Command::Config(ConfigCommand::Profiles) => login::profiles(&invoked.connection, &mut out),
        Command::Completions(args) => crate::completions(args.shell, &mut out),
        Command::Sql(ref args) => {
            let target = target::resolve(&invoked.connection, invoked.given)?;
            let client = connect(&target, &mut out).await?;
            sql::run(args, &invoked.connection, Context { client, out }).await
        }
        command => {
            grants::check(&command)?;
            let target = target::resolve(&invoked.connection, invoked.given)?;
            let client = connect(&target, &mut out).await?;
            return dispatch(command, &mut Context { client, out }).await;
        }
    };
    done.map(|()| Exit::Success)
}

async fn dispatch(command: Command, context: &mut Context) -> Result<Exit, CliError> {
    let done = match command {
        Command::Catalog(command) => catalogs::run(command, context).await,
        Command::Schema(command) => schemas::run(command, context).await,
        Command::Table(command) => tables::run(command, context).await,
        Command::View(command) => views::run(command, context).await,
        Command::Function(command) => functions::run(command, context).await,
        Command::User(command) => principals::users(command, context).await,
        Command::ServicePrincipal(command) => principals::service_principals(command, context).await,
        Command::Group(command) => principals::groups(command, context).await,
        Command::Token(command) => tokens::run(command, context).await,
        Command::Grant(args) => grants::change(GrantVerb::Grant, args.what, args.to, context).await,
        Command::Deny(args) => grants::change(GrantVerb::Deny, args.what, args.to, context).await,
        Command::Revoke(args) => grants::change(GrantVerb::Revoke, args.what, args.from, context).await,
        Command::Grants(command) => grants::show(command, context).await,
        Command::Can(args) => return access::can(args, context).await,
        Command::WhoCan(args) => access::who_can(args, context).await,
        Command::Policy(command) => policies::run(command, context).await,
        Command::Tag(command) => tags::run(command, context).await,
        Command::Audit(command) => audit::run(command, context).await,
        Command::Whoami => identity::whoami(context).await,
        // The rest was taken care of before a connection was made.
        _ => Err(CliError::usage("this command does not talk to a server")),
    };
    done.map(|()| Exit::Success)
}

async fn connect(target: &Target, out: &mut Output) -> Result<Client, CliError> {
    if target.token.is_some() && client::travels_in_the_clear(&target.endpoint) {
        out.message(&format!(
            "warning: the token travels unencrypted to `{}`: use an https:// endpoint",
            target.endpoint
        ));
    }
    Client::connect(target).await
}

/// Asks before something is lost, when there is somebody to ask.
fn confirm(question: &str, yes: bool) -> Result<(), CliError> {
    if yes || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(());
    }
    let mut stderr = std::io::stderr();
    let mut answer = String::new();
    let asked = write!(stderr, "{}? [y/N] ", clean_line(question)).and_then(|()| stderr.flush());
    asked
        .and_then(|()| std::io::stdin().read_line(&mut answer))
        .map_err(|e| CliError::file("cannot read", "stdin", e))?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(CliError::Declined),
    }
}

/// The text of a file; `-` is stdin.
///
/// # Errors
/// When it cannot be read as UTF-8.
pub fn read_text(path: &Path) -> Result<String, CliError> {
    if path == Path::new("-") {
        let mut text = String::new();
        return std::io::stdin()
            .read_to_string(&mut text)
            .map(|_| text)
            .map_err(|e| CliError::file("cannot read", "stdin", e));
    }
    std::fs::read_to_string(path).map_err(|e| CliError::file("cannot read", path, e))
}

/// The text given as an option or in a file.
fn text_or_file(text: Option<String>, file: Option<&Path>) -> Result<String, CliError> {
    match (text, file) {
        (Some(text), _) => Ok(text),
        (None, Some(path)) => read_text(path),
        (None, None) => Err(CliError::usage("the text is missing: give it as an option or in a file")),
    }
}
