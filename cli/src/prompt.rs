//! Asking the user for a secret without showing what is typed.

use std::borrow::Cow;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{Behavior, ColorMode, Config, Editor, Helper};

use crate::error::CliError;

/// Draws blanks for what is typed.
struct Blank;

impl Completer for Blank {
    type Candidate = String;
}

impl Helper for Blank {}

impl Hinter for Blank {
    type Hint = String;
}

impl Validator for Blank {}

impl Highlighter for Blank {
    fn highlight<'l>(&self, line: &'l str, _pos: usize) -> Cow<'l, str> {
        Cow::Owned(" ".repeat(line.chars().count()))
    }

    fn highlight_char(&self, _line: &str, _pos: usize, kind: CmdKind) -> bool {
        !matches!(kind, CmdKind::MoveCursor)
    }
}

/// Asks on the terminal, not on stdout, and returns what was typed.
///
/// # Errors
/// When the user stops it, or the terminal cannot be used.
pub fn secret(question: &str) -> Result<String, CliError> {
    let config =
        Config::builder().behavior(Behavior::PreferTerm).color_mode(ColorMode::Forced).auto_add_history(false).build();
    let mut editor =
        Editor::<Blank, MemHistory>::with_history(config, MemHistory::new()).map_err(|e| readline_error(&e))?;
    editor.set_helper(Some(Blank));
    editor.readline(question).map_err(|e| readline_error(&e))
}

/// An error of the line editor as one of ours.
pub fn readline_error(error: &ReadlineError) -> CliError {
    match error {
        ReadlineError::Interrupted | ReadlineError::Eof => CliError::Interrupted,
        other => CliError::file("cannot use", "the terminal", std::io::Error::other(other.to_string())),
    }
}
