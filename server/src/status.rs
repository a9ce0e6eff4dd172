//! The one table of error kinds: what each is called over gRPC and over HTTP, and how an error becomes a `Status`.
//!
//! A status carries `google.rpc.ErrorInfo` (reason, domain `lakewarden`, metadata) and, for malformed requests, a
//! `google.rpc.BadRequest` with one violation for each field. What we broke ourselves says `internal error` and the
//! request id only; its cause goes to the log.
//!
//! Texts are cut to a length that surely fits into HTTP/2 trailers: a client's own overlong name, told back to it, must
//! not turn an error with a reason into a broken connection.

use std::collections::HashMap;
use std::fmt::Display;

use lakewarden_catalog::model::RequestId;
use lakewarden_catalog::{CatalogError, ErrorKind};
use lakewarden_engine::EngineError;
use lakewarden_engine::runtime::LimitError;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

/// The domain of every `ErrorInfo`.
pub const DOMAIN: &str = "lakewarden";

/// The most bytes of a message; percent-encoding may triple them.
const MAX_MESSAGE: usize = 1_000;
/// The most bytes of one field violation.
const MAX_VIOLATION: usize = 200;
/// The most field violations.
const MAX_VIOLATIONS: usize = 16;

/// The gRPC code of a kind of error.
pub fn code(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::InvalidArgument => Code::InvalidArgument,
        ErrorKind::Unauthenticated => Code::Unauthenticated,
        ErrorKind::PermissionDenied => Code::PermissionDenied,
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::AlreadyExists => Code::AlreadyExists,
        ErrorKind::FailedPrecondition => Code::FailedPrecondition,
        ErrorKind::Conflict => Code::Aborted,
        ErrorKind::LimitExceeded => Code::ResourceExhausted,
        ErrorKind::TimedOut => Code::DeadlineExceeded,
        ErrorKind::Unimplemented => Code::Unimplemented,
        ErrorKind::Unavailable => Code::Unavailable,
        ErrorKind::Internal => Code::Internal,
    }
}

/// The HTTP status of a kind of error.
pub fn http_status(kind: ErrorKind) -> u16 {
    match kind {
        ErrorKind::InvalidArgument => 400,
        ErrorKind::Unauthenticated => 401,
        ErrorKind::PermissionDenied => 403,
        ErrorKind::NotFound => 404,
        ErrorKind::AlreadyExists | ErrorKind::FailedPrecondition | ErrorKind::Conflict => 409,
        ErrorKind::LimitExceeded => 429,
        ErrorKind::Internal => 500,
        ErrorKind::Unimplemented => 501,
        ErrorKind::Unavailable => 503,
        ErrorKind::TimedOut => 504,
    }
}

/// An error that a caller may be told of.
pub trait Described: Display {
    /// Its kind.
    fn kind(&self) -> ErrorKind;
    /// A constant word for it, in UPPER_SNAKE_CASE.
    fn reason(&self) -> &str;
    /// Its SQLSTATE.
    fn sqlstate(&self) -> &str;
    /// The field it is about and what is wrong with that, for malformed requests.
    fn violation(&self) -> Option<(String, String)> {
        None
    }
    /// What it is about: the kind of the thing and its name, as far as the caller named it.
    fn about(&self) -> Option<(String, String)> {
        None
    }
    /// Whether the caller itself ended it.
    fn is_cancelled(&self) -> bool {
        false
    }
    /// What broke, for the log.
    fn cause(&self) -> String {
        self.to_string()
    }
}

impl Described for CatalogError {
    fn kind(&self) -> ErrorKind {
        self.kind()
    }

    fn reason(&self) -> &str {
        self.reason()
    }

    fn sqlstate(&self) -> &str {
        self.sqlstate()
    }

    fn violation(&self) -> Option<(String, String)> {
        match self {
            Self::Invalid { field, message } => Some((field.clone(), message.clone())),
            _ => None,
        }
    }

    fn about(&self) -> Option<(String, String)> {
        match self {
            Self::NotFound { kind, name } => Some((kind.noun().to_owned(), name.clone())),
            Self::NoSuch { what, name } | Self::AlreadyExists { what, name } | Self::Conflict { what, name } => {
                Some(((*what).to_owned(), name.clone()))
            }
            _ => None,
        }
    }

    fn cause(&self) -> String {
        format!("{self:?}")
    }
}

impl Described for EngineError {
    fn kind(&self) -> ErrorKind {
        self.kind()
    }

    fn reason(&self) -> &str {
        self.reason()
    }

    fn sqlstate(&self) -> &str {
        self.sqlstate()
    }

    fn violation(&self) -> Option<(String, String)> {
        match self {
            Self::Catalog(error) => error.violation(),
            _ => None,
        }
    }

    fn about(&self) -> Option<(String, String)> {
        match self {
            Self::Catalog(error) => error.about(),
            _ => None,
        }
    }

    fn is_cancelled(&self) -> bool {
        self.limit() == Some(&LimitError::Cancelled)
    }

    fn cause(&self) -> String {
        format!("{self:?}")
    }
}

/// The status of an error, and a line in the log when the fault is ours.
pub fn status(error: &impl Described, request: Option<RequestId>) -> Status {
    let kind = error.kind();
    let request = request.map(|id| id.to_string());
    let mut metadata = HashMap::from([("sqlstate".to_owned(), error.sqlstate().to_owned())]);
    if let Some(id) = &request {
        metadata.insert("request_id".to_owned(), id.clone());
    }
    if let Some((what, name)) = error.about() {
        metadata.insert("resource_type".to_owned(), what);
        metadata.insert("resource_name".to_owned(), clip(&name, MAX_VIOLATION));
    }
    let message = match kind {
        ErrorKind::Internal => {
            let id = request.unwrap_or_default();
            tracing::error!(request_id = %id, cause = %error.cause(), "internal error");
            format!("internal error (request {id})")
        }
        ErrorKind::Unavailable => {
            tracing::error!(request_id = %request.unwrap_or_default(), cause = %error.cause(), "unavailable");
            error.to_string()
        }
        _ => error.to_string(),
    };
    let mut details = ErrorDetails::with_error_info(error.reason(), DOMAIN, metadata);
    if let Some((field, description)) = error.violation() {
        details.add_bad_request_violation(clip(&field, MAX_VIOLATION), clip(&description, MAX_VIOLATION));
    }
    let code = if error.is_cancelled() { Code::Cancelled } else { code(kind) };
    Status::with_error_details(code, clip(&message, MAX_MESSAGE), details)
}

/// The status of a kind of error that no other room described.
pub fn plain(kind: ErrorKind, reason: &'static str, message: impl Into<String>) -> Status {
    let metadata = HashMap::from([("sqlstate".to_owned(), kind.sqlstate().to_owned())]);
    let details = ErrorDetails::with_error_info(reason, DOMAIN, metadata);
    Status::with_error_details(code(kind), clip(&message.into(), MAX_MESSAGE), details)
}

/// The status of a malformed request: every field at fault, and what is wrong with it.
pub fn malformed(violations: &[(String, String)]) -> Status {
    let message = match violations {
        [(field, description)] => format!("{field}: {description}"),
        many => format!("{} fields are wrong: {}", many.len(), first_words(many)),
    };
    let shown = violations.iter().take(MAX_VIOLATIONS);
    let shown: Vec<_> = shown
        .map(|(field, description)| FieldViolation::new(clip(field, MAX_VIOLATION), clip(description, MAX_VIOLATION)))
        .collect();
    let metadata = HashMap::from([("sqlstate".to_owned(), ErrorKind::InvalidArgument.sqlstate().to_owned())]);
    let mut details = ErrorDetails::with_error_info("INVALID_ARGUMENT", DOMAIN, metadata);
    details.set_bad_request(shown);
    Status::with_error_details(Code::InvalidArgument, clip(&message, MAX_MESSAGE), details)
}

fn first_words(violations: &[(String, String)]) -> String {
    let each: Vec<_> = violations.iter().map(|(field, description)| format!("{field}: {description}")).collect();
    each.join("; ")
}

/// Cuts a text to at most `max` bytes, at a character, and shows that it was cut.
fn clip(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= max - 3).last().unwrap_or(0);
    format!("{}...", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests;
