//! The errors of the command line. `Display` is the one line that the user reads on stderr.

use std::error::Error;
use std::path::PathBuf;

use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::exit::Exit;
use crate::render::clean_line;

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The command line is malformed in a way that clap cannot see.
    #[error("{0}")]
    Usage(String),
    /// The server refused or failed.
    #[error("{}", status_line(.0))]
    Server(Box<Status>),
    /// The server could not be reached.
    #[error("cannot reach `{endpoint}`: {reason}: {}", way_out(.reason))]
    Unreachable {
        /// The address that was tried.
        endpoint: String,
        /// What went wrong, causes joined by colons.
        reason: String,
    },
    /// The connection broke, or what answers is no lakewarden server.
    #[error(
        "the connection failed: {0}: see that the server runs and that the endpoint's http:// or https:// is right"
    )]
    Lost(String),
    /// A file could not be read or written.
    #[error("{what} `{}`: {source}", path.display())]
    File {
        /// What was tried, such as `cannot read`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Writing the result failed.
    #[error("cannot write the result: {0}")]
    Output(#[source] std::io::Error),
    /// The server sent something that cannot be read.
    #[error("the server's answer cannot be read: {0}")]
    Protocol(String),
    /// A statement of a script failed.
    #[error("statement {number} (line {line}): {source}")]
    InScript {
        /// Which statement, from 1.
        number: usize,
        /// The line on which it begins, from 1.
        line: usize,
        /// Its error.
        source: Box<CliError>,
    },
    /// The server's limit cut the answer, and the user did not ask for less.
    #[error(
        "the answer is cut at {rows} rows, the server's limit: ask for less, or say with --max-rows {rows} that this is enough"
    )]
    Cut {
        /// How many rows there were.
        rows: i64,
    },
    /// The user was asked and said no.
    #[error("nothing was changed")]
    Declined,
    /// The user stopped it.
    #[error("interrupted")]
    Interrupted,
}

impl CliError {
    /// A malformed command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// A file that could not be read or written.
    pub fn file(what: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::File { what, path: path.into(), source }
    }

    /// The exit code of the error; never success.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::File { .. } => Exit::InvalidArgument,
            Self::Server(status) if status.code() != Code::Ok => Exit::from_grpc(status.code()),
            Self::Server(_) | Self::Output(_) | Self::Protocol(_) | Self::Interrupted => Exit::Internal,
            Self::InScript { source, .. } => source.exit(),
            Self::Cut { .. } => Exit::Limit,
            Self::Unreachable { .. } | Self::Lost(_) => Exit::Unavailable,
            Self::Declined => Exit::FailedPrecondition,
        }
    }

    /// Whether the reader of our output went away, as `head` does; that is nobody's fault.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }
}

impl From<Status> for CliError {
    fn from(status: Status) -> Self {
        // A status that came from the server has no source; one that our side made of a broken connection has.
        match status.source() {
            Some(cause) => Self::Lost(chain(cause)),
            None => Self::Server(Box::new(status)),
        }
    }
}

impl From<arrow::error::ArrowError> for CliError {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Protocol(error.to_string())
    }
}

/// The causes of an error, outermost first, each said once.
pub fn chain(error: &dyn Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = clean_line(&error.to_string());
        if !text.is_empty() && text != "transport error" && !parts.iter().any(|p| p.contains(&text)) {
            parts.push(text);
        }
        next = error.source();
    }
    parts.join(": ")
}

fn way_out(reason: &str) -> &'static str {
    if reason.contains("certificate") {
        "name the file with the certificates to trust with --tls-ca"
    } else {
        "start a server there with `lakewarden serve`, or name another with --endpoint"
    }
}

/// One line: the server's message, every field at fault, the SQLSTATE when there is one, and what to do next.
fn status_line(status: &Status) -> String {
    let mut line = clean_line(status.message());
    if line.is_empty() {
        line = code_words(status.code()).to_owned();
    }
    let details = status.get_error_details();
    for fault in details.bad_request().map(|b| b.field_violations.as_slice()).unwrap_or_default() {
        let text = clean_line(&fault.description);
        if !line.contains(&text) {
            line.push_str(&format!(": {}: {text}", clean_line(&fault.field)));
        }
    }
    if let Some(state) = details.error_info().and_then(|info| info.metadata.get("sqlstate")) {
        line.push_str(&format!(" ({})", clean_line(state)));
    }
    if let Some(request) = details.request_info().filter(|_| status.code() == Code::Internal) {
        line.push_str(&format!(" (request {})", clean_line(&request.request_id)));
    }
    if let Some(next) = next_step(status.code()) {
        line.push_str(": ");
        line.push_str(next);
    }
    line
}

fn code_words(code: Code) -> &'static str {
    match code {
        Code::Unauthenticated => "not signed in",
        Code::PermissionDenied => "permission denied",
        Code::NotFound => "not found",
        Code::Unimplemented => "the server does not know this call",
        Code::Unavailable => "the server cannot answer now",
        Code::DeadlineExceeded => "it took too long",
        _ => "the server gave no reason",
    }
}

fn next_step(code: Code) -> Option<&'static str> {
    match code {
        Code::Unauthenticated => {
            Some("give a token with --token-file or LAKEWARDEN_TOKEN, or sign in with `lakewarden login`")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::ErrorDetails;

    #[test]
    fn every_field_at_fault_is_named_on_the_one_line() {
        let mut details = ErrorDetails::new();
        details.add_bad_request_violation("catalog.name", "must not be empty");
        details.add_bad_request_violation("catalog.comment", "is longer than 1024 bytes");
        let status = Status::with_error_details(Code::InvalidArgument, "the request is malformed", details);
        insta::assert_snapshot!(CliError::from(status), @"the request is malformed: catalog.name: must not be empty: catalog.comment: is longer than 1024 bytes");
    }

    #[test]
    fn the_sqlstate_is_shown() {
        let details = ErrorDetails::with_error_info(
            "PERMISSION_DENIED",
            "lakewarden",
            [("sqlstate".to_owned(), "42501".to_owned())],
        );
        let status =
            Status::with_error_details(Code::PermissionDenied, "permission denied: SELECT on `a.b.c`", details);
        insta::assert_snapshot!(CliError::from(status), @"permission denied: SELECT on `a.b.c` (42501)");
    }

    #[test]
    fn an_unauthenticated_caller_is_told_how_to_sign_in() {
        let error = CliError::from(Status::unauthenticated("the token has expired"));
        insta::assert_snapshot!(error, @"the token has expired: give a token with --token-file or LAKEWARDEN_TOKEN, or sign in with `lakewarden login`");
        assert_eq!(error.exit(), Exit::Unauthenticated);
    }

    #[test]
    fn a_message_cannot_smuggle_escape_codes_or_lines() {
        let error = CliError::from(Status::not_found("table `\u{1b}[2J\nerror: fake` does not exist"));
        assert!(!error.to_string().chars().any(char::is_control), "{error}");
    }

    #[test]
    fn an_error_never_exits_with_success() {
        assert_ne!(CliError::from(Status::ok("odd")).exit(), Exit::Success);
        assert_ne!(CliError::Declined.exit(), Exit::Success);
    }
}
