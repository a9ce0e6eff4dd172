//! What can be wrong with a statement's text.

use std::fmt;

use sqlparser::parser::ParserError;
use sqlparser::tokenizer::{Location, TokenizerError};

/// Longest message that is passed on from the parsing library.
const MAX_MESSAGE_CHARS: usize = 240;

/// The closed list of reasons why a text is no statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseErrorKind {
    /// The text holds no statement at all.
    Empty,
    /// The text holds more than one statement.
    SeveralStatements,
    /// The text does not follow the grammar.
    Syntax,
    /// The text is longer, deeper or wider than [`super::ParseLimits`] allow.
    Limit,
    /// Well understood, and not built. `parse_one` turns it into
    /// [`super::Statement::Unsupported`]; `split_script` never makes it.
    Unsupported,
}

/// A text that was refused, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Which of the closed reasons.
    pub kind: ParseErrorKind,
    /// What is wrong and what to do about it: one line, lower case, no full stop.
    pub message: String,
    /// Line and column of the fault, both from 1, counted in characters; absent when the whole text is at fault.
    pub position: Option<(u64, u64)>,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.position {
            Some((line, column)) => write!(f, " (line {line}, column {column})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ParseError {}

impl ParseError {
    /// An error about the whole text.
    pub(super) fn whole(kind: ParseErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), position: None }
    }

    /// An error at one place.
    pub(super) fn at(kind: ParseErrorKind, message: impl Into<String>, place: Location) -> Self {
        let position = (place.line > 0).then_some((place.line, place.column));
        Self { kind, message: message.into(), position }
    }

    /// A construct that is understood and not built.
    pub(super) fn unsupported(what: impl Into<String>) -> Self {
        Self::whole(ParseErrorKind::Unsupported, what)
    }

    /// The statement nests deeper than allowed.
    pub(super) fn too_deep() -> Self {
        Self::whole(
            ParseErrorKind::Limit,
            "the statement is nested too deeply: split it, or use common table expressions",
        )
    }

    /// Rewords a fault of the tokenizer.
    pub(super) fn from_tokenizer(fault: &TokenizerError) -> Self {
        Self::at(ParseErrorKind::Syntax, tidy(&fault.message), fault.location)
    }

    /// Rewords a fault of the expression and query parser, and takes the place out of its text.
    pub(super) fn from_parser(fault: &ParserError) -> Self {
        match fault {
            ParserError::RecursionLimitExceeded => Self::too_deep(),
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => {
                let (message, place) = split_place(text);
                Self { kind: ParseErrorKind::Syntax, message: tidy(message), position: place }
            }
        }
    }
}

/// Splits `… at Line: 3, Column: 5` off the end of a library message.
fn split_place(text: &str) -> (&str, Option<(u64, u64)>) {
    let Some((message, place)) = text.rsplit_once(" at Line: ") else { return (text, None) };
    let Some((line, column)) = place.split_once(", Column: ") else { return (text, None) };
    match (line.trim().parse(), column.trim().parse()) {
        (Ok(line), Ok(column)) => (message, Some((line, column))),
        _ => (text, None),
    }
}

/// One line, lower-case start, no full stop, bounded length.
fn tidy(text: &str) -> String {
    let mut out = String::new();
    for (at, c) in text.trim().trim_end_matches('.').chars().enumerate() {
        if at == MAX_MESSAGE_CHARS {
            out.push('…');
            break;
        }
        match c {
            _ if at == 0 => out.extend(c.to_lowercase()),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.replace("found: EOF", "found: the end of the statement")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn library_messages_lose_their_place_and_capital() {
        let fault = ParserError::ParserError("Expected: an expression, found: EOF at Line: 2, Column: 7".into());
        let error = ParseError::from_parser(&fault);
        assert_eq!(error.position, Some((2, 7)));
        assert_eq!(error.to_string(), "expected: an expression, found: the end of the statement (line 2, column 7)");
    }

    #[test]
    fn long_messages_are_cut() {
        let fault = ParserError::ParserError("x".repeat(10_000));
        assert!(ParseError::from_parser(&fault).message.chars().count() <= MAX_MESSAGE_CHARS + 1);
    }
}
