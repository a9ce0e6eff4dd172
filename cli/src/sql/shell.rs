//! The interactive shell: history, line editing, statements over several lines.

use std::path::PathBuf;

use clap::ValueEnum;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Behavior, Config, Editor, Helper};

use super::runner::Runner;
use super::split;
use crate::args::ConnectionArgs;
use crate::error::CliError;
use crate::profiles;
use crate::prompt::readline_error;
use crate::render::{Format, clean_line};

const HISTORY: &str = "sql_history";
const HISTORY_LINES: usize = 2000;
/// A person does not read more; `.rows` changes it.
const ROWS: i64 = 1000;

const HELP: &str = "\
A statement may take several lines and ends with a semicolon. Ctrl-C drops the line or stops the statement, Ctrl-D leaves.
  .help                    show this
  .quit                    leave
  .format table|json|csv   change the form of results
  .rows N                  show at most N rows of an answer
  .timing                  show how long statements take, or stop showing it";

type Lines = Editor<Complete, FileHistory>;

/// Takes a line for finished when its last statement is.
struct Complete;

impl Completer for Complete {
    type Candidate = String;
}

impl Helper for Complete {}

impl Highlighter for Complete {}

impl Hinter for Complete {
    type Hint = String;
}

impl Validator for Complete {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let complete = split::is_complete(context.input());
        Ok(if complete { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

struct Shell<'a> {
    runner: &'a mut Runner,
    timing: bool,
}

/// What to do after a line.
#[derive(PartialEq, Eq)]
enum Next {
    GoOn,
    Leave,
}

/// Reads and runs until the user leaves. A statement that fails is told, and the shell goes on.
///
/// # Errors
/// When no session can be opened or the terminal cannot be used.
pub async fn run(runner: &mut Runner, connection: &ConnectionArgs) -> Result<(), CliError> {
    runner.cut_is_error = false;
    runner.max_rows = runner.max_rows.or(Some(ROWS));
    runner.open().await?;
    let history = history_file(connection);
    let mut lines = editor().map_err(|e| readline_error(&e))?;
    if let Some(path) = &history {
        // The first time there is none.
        let _ = lines.load_history(path);
    }
    runner.context.out.message("lakewarden SQL: statements end with a semicolon, .help lists commands, .quit leaves");
    let mut shell = Shell { runner, timing: false };
    let result = shell.read_and_run(&mut lines, history.as_ref()).await;
    shell.runner.close().await;
    result
}

impl Shell<'_> {
    async fn read_and_run(&mut self, lines: &mut Lines, history: Option<&PathBuf>) -> Result<(), CliError> {
        loop {
            let line = match lines.readline(&self.prompt()) {
                Ok(line) => line,
                Err(ReadlineError::Interrupted) => continue,
                Err(ReadlineError::Eof) => return Ok(()),
                Err(other) => return Err(readline_error(&other)),
            };
            let text = line.trim();
            if text.is_empty() {
                continue;
            }
            let _ = lines.add_history_entry(text);
            if let Some(path) = history {
                let _ = lines.append_history(path);
            }
            let next = match text.strip_prefix('.') {
                Some(command) => self.command(command),
                None => self.statements(text).await?,
            };
            if next == Next::Leave {
                return Ok(());
            }
        }
    }

    fn prompt(&self) -> String {
        let place: Vec<&str> = [&self.runner.catalog, &self.runner.schema]
            .into_iter()
            .map(String::as_str)
            .filter(|p| !p.is_empty())
            .collect();
        let place = if place.is_empty() { "lakewarden".to_owned() } else { place.join(".") };
        format!("{}> ", clean_line(&place))
    }

    async fn statements(&mut self, text: &str) -> Result<Next, CliError> {
        for statement in split::split(text).0 {
            let outcome = self.runner.run_until(statement.text, tokio::signal::ctrl_c).await;
            match outcome {
                Ok(outcome) if self.timing => {
                    self.tell(&format!("{:.3} s on the server", outcome.elapsed.as_secs_f64()));
                }
                Ok(_) => {}
                Err(error @ CliError::Output(_)) => return Err(error),
                Err(error) => {
                    self.tell(&format!("error: {error}"));
                    return Ok(Next::GoOn);
                }
            }
        }
        Ok(Next::GoOn)
    }

    fn command(&mut self, text: &str) -> Next {
        let words: Vec<&str> = text.trim_end_matches(';').split_whitespace().collect();
        match words.as_slice() {
            ["quit" | "exit" | "q"] => return Next::Leave,
            ["help" | "h"] => HELP.lines().for_each(|line| self.tell(line)),
            ["timing"] => {
                self.timing = !self.timing;
                self.tell(if self.timing { "times are shown" } else { "times are not shown" });
            }
            ["format", word] => match Format::from_str(word, true) {
                Ok(format) => self.runner.context.out.set_format(format),
                Err(_) => self.tell("error: write .format table, .format json or .format csv"),
            },
            ["rows", number] => match number.parse::<i64>() {
                Ok(rows) if rows > 0 => self.runner.max_rows = Some(rows),
                _ => self.tell("error: write a number above 0, as in .rows 100"),
            },
            _ => self.tell(&format!("error: `.{}` is no command: .help lists them", text.trim())),
        }
        Next::GoOn
    }

    fn tell(&mut self, text: &str) {
        self.runner.context.out.message(text);
    }
}

fn editor() -> rustyline::Result<Lines> {
    let config = Config::builder()
        .behavior(Behavior::PreferTerm)
        .max_history_size(HISTORY_LINES)?
        .history_ignore_dups(true)?
        .history_ignore_space(true)
        .build();
    let mut lines = Lines::with_config(config)?;
    lines.set_helper(Some(Complete));
    Ok(lines)
}

/// The history lies with the profiles; without a folder there is none. The line editor makes the file for its owner only.
fn history_file(connection: &ConnectionArgs) -> Option<PathBuf> {
    let dir = profiles::config_dir(connection).ok()?;
    profiles::make_private_dir(&dir).ok()?;
    Some(dir.join(HISTORY))
}
