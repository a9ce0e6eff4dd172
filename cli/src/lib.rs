//! The command line of lakewarden: its words, its tables and its exit codes.
//!
//! It owns the one tree of commands, `serve` and `quickstart` included, and runs those that talk to a server over gRPC. It does
//! not open the store, start a server or decide anything: commands of the server are handed back to the caller as an
//! [`Invocation`]. Results go to stdout alone; everything else goes to stderr.

pub mod args;
mod client;
mod commands;
mod duration;
mod error;
pub mod exit;
mod names;
mod profiles;
mod prompt;
pub mod quickstart;
mod render;
mod secret;
mod sql;
mod target;
mod time;

use std::ffi::OsString;
use std::fmt::Display;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, FromArgMatches};
use clap_complete::Shell;

use args::{Cli, Command, ConfigCommand, ConfigShowArgs, ConnectionArgs, QuickstartArgs, ServeArgs};
pub use error::CliError;
use exit::Exit;
pub use render::Format;
use render::{Output, clean_line};
use target::Given;

/// What the command line asks for.
#[derive(Debug)]
pub enum Invocation {
    /// Run the server.
    Serve(ServeArgs),
    /// Set up a server with sample data.
    Quickstart(QuickstartArgs),
    /// Show the settings of the server in this form.
    ConfigShow(ConfigShowArgs, Format),
    /// A command of this crate: hand it to [`run`].
    Client(Box<Invoked>),
}

/// A command of this crate with all that it needs.
#[derive(Debug)]
pub struct Invoked {
    connection: ConnectionArgs,
    given: Given,
    command: Command,
}

/// Reads the command line. When there is nothing left to do, because help was asked for or the words are wrong, it has
/// been said and the exit code is returned.
///
/// # Errors
/// The exit code: 0 after help and version, 3 after wrong arguments.
pub fn parse<T: Into<OsString> + Clone>(words: impl IntoIterator<Item = T>) -> Result<Invocation, ExitCode> {
    try_parse(words).map_err(|error| {
        // Nothing can be done about a terminal that is gone.
        let _ = error.print();
        ExitCode::from(usage_exit(error.kind()))
    })
}

/// Runs a command of this crate.
pub fn run(invoked: Invoked) -> ExitCode {
    let out = Output::stdio(invoked.connection.format);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start: {error}"), Exit::Internal),
    };
    let result = runtime.block_on(commands::run(invoked, out));
    // What still runs belongs to the connection, which ends with the process.
    runtime.shutdown_background();
    match result {
        Ok(exit) => exit.into(),
        Err(error) if error.is_broken_pipe() => Exit::Success.into(),
        Err(error) => fail(&error, error.exit()),
    }
}

/// Tells an error on stderr, in the one form that all commands use, and gives the exit code.
pub fn fail(error: &dyn Display, exit: Exit) -> ExitCode {
    eprintln!("error: {}", clean_line(&error.to_string()));
    exit.into()
}

fn try_parse<T: Into<OsString> + Clone>(words: impl IntoIterator<Item = T>) -> Result<Invocation, clap::Error> {
    let mut tree = args::command();
    let matches = tree.try_get_matches_from_mut(words)?;
    if let Some(fault) = args::misplaced(&matches) {
        return Err(tree.error(ErrorKind::UnknownArgument, fault));
    }
    let cli = Cli::from_arg_matches(&matches)?;
    let given = given(&matches);
    Ok(match cli.command {
        Command::Serve(args) => Invocation::Serve(args),
        Command::Quickstart(args) => Invocation::Quickstart(args),
        Command::Config(ConfigCommand::Show(args)) => Invocation::ConfigShow(args, cli.connection.format),
        command => {
            let connection = given.without_empty(cli.connection);
            Invocation::Client(Box::new(Invoked { connection, given, command }))
        }
    })
}

fn given(matches: &ArgMatches) -> Given {
    let is = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    Given { endpoint: is("endpoint"), token: is("token"), token_file: is("token_file"), profile: is("profile") }
}

fn usage_exit(kind: ErrorKind) -> Exit {
    match kind {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Success,
        _ => Exit::InvalidArgument,
    }
}

fn completions(shell: Shell, out: &mut Output) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "lakewarden", &mut script);
    let script = String::from_utf8(script).map_err(|e| CliError::Protocol(e.to_string()))?;
    out.line(script.trim_end())
}
