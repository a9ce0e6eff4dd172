//! `sql`: one statement, a script, or an interactive shell.

mod runner;
mod shell;
mod split;

use std::io::IsTerminal;
use std::path::Path;

use crate::args::{ConnectionArgs, SqlArgs};
use crate::commands::{Context, read_text};
use crate::error::CliError;
use runner::Runner;

/// Runs what the command line says.
///
/// # Errors
/// Those of the first statement that fails, and of files that cannot be read.
pub async fn run(args: &SqlArgs, connection: &ConnectionArgs, context: Context) -> Result<(), CliError> {
    let mut runner = Runner::new(context, args);
    let Some(script) = script(args)? else {
        return shell::run(&mut runner, connection).await;
    };
    let result = run_script(&script, &mut runner).await;
    runner.close().await;
    result
}

/// The text to run; nothing when the user wants the shell.
fn script(args: &SqlArgs) -> Result<Option<String>, CliError> {
    match (&args.statement, &args.file) {
        (Some(text), _) if text == "-" => read_text(Path::new("-")).map(Some),
        (Some(text), _) => Ok(Some(text.clone())),
        (None, Some(path)) => read_text(path).map(Some),
        (None, None) if std::io::stdin().is_terminal() => Ok(None),
        (None, None) => read_text(Path::new("-")).map(Some),
    }
}

async fn run_script(script: &str, runner: &mut Runner) -> Result<(), CliError> {
    let (statements, _) = split::split(script);
    let several = statements.len() > 1;
    if statements.is_empty() {
        return Err(CliError::usage("there is no statement to run: give one, as in `lakewarden sql 'SHOW CATALOGS'`"));
    }
    if several {
        runner.open().await?;
    }
    for (index, statement) in statements.iter().enumerate() {
        runner.run(statement.text).await.map_err(|error| {
            if several && !error.is_broken_pipe() {
                CliError::InScript { number: index + 1, line: statement.line, source: Box::new(error) }
            } else {
                error
            }
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
