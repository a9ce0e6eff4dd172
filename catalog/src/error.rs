//! The errors of the catalog, and the closed set of kinds that every edge maps.

use crate::gate::GateError;
use crate::model::SecurableKind;
use crate::store::StoreError;

/// What kind of error it is. Each edge maps the kinds in one exhaustive match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is malformed or names something impossible.
    InvalidArgument,
    /// The caller did not show who it is.
    Unauthenticated,
    /// The caller may see the thing but not do this with it.
    PermissionDenied,
    /// It does not exist, or the caller may not know that it does.
    NotFound,
    /// The name is taken.
    AlreadyExists,
    /// The state of the thing forbids it, such as a schema that is not empty.
    FailedPrecondition,
    /// Somebody else changed it first.
    Conflict,
    /// A limit was reached.
    LimitExceeded,
    /// It took too long.
    TimedOut,
    /// It is not built.
    Unimplemented,
    /// The server cannot do it now.
    Unavailable,
    /// A fault of ours.
    Internal,
}

/// An error of the catalog. `Display` is what the caller reads.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The request is malformed.
    #[error("{message}")]
    Invalid {
        /// The field at fault, as a path.
        field: String,
        /// What is wrong with it, and the way out.
        message: String,
    },
    /// The caller may see the securable but not do this.
    #[error("permission denied: {message}")]
    Denied {
        /// What is missing, and on what.
        message: String,
    },
    /// It does not exist, or the caller may not know that it does: the words are the same.
    #[error("{} `{name}` does not exist, or you may not see it", kind.noun())]
    NotFound {
        /// What was looked for.
        kind: SecurableKind,
        /// Its full name as the caller wrote it.
        name: String,
    },
    /// A principal, token or other record that is not a securable does not exist.
    #[error("{what} `{name}` does not exist")]
    NoSuch {
        /// `principal`, `token`...
        what: &'static str,
        /// As the caller wrote it.
        name: String,
    },
    /// The name is taken.
    #[error("{what} `{name}` already exists")]
    AlreadyExists {
        /// What kind of thing.
        what: &'static str,
        /// Its full name.
        name: String,
    },
    /// The state of the thing forbids it.
    #[error("{message}")]
    Precondition {
        /// A stable word for the precondition, such as `NOT_EMPTY`.
        reason: &'static str,
        /// What forbids it, and the way out.
        message: String,
    },
    /// Somebody else changed it first.
    #[error("{what} `{name}` was changed by somebody else since you read it: read it again and repeat your change")]
    Conflict {
        /// What kind of thing.
        what: &'static str,
        /// Its full name.
        name: String,
    },
    /// The gate could not decide, which is a denial.
    #[error("permission denied: the decision could not be made")]
    Gate(#[from] GateError),
    /// The store failed.
    #[error("the catalog store is not available")]
    Store(#[from] StoreError),
    /// A fault of ours.
    #[error("internal error")]
    Internal(String),
}

impl CatalogError {
    /// A malformed field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), message: message.into() }
    }

    /// A state that forbids the operation.
    pub fn precondition(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Precondition { reason, message: message.into() }
    }

    /// A securable that is absent or hidden.
    pub fn not_found(kind: SecurableKind, name: impl Into<String>) -> Self {
        Self::NotFound { kind, name: name.into() }
    }

    /// A fault of ours; the text is logged, never sent.
    pub fn internal(what: impl Into<String>) -> Self {
        Self::Internal(what.into())
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid { .. } => ErrorKind::InvalidArgument,
            Self::Denied { .. } | Self::Gate(_) => ErrorKind::PermissionDenied,
            Self::NotFound { .. } | Self::NoSuch { .. } => ErrorKind::NotFound,
            Self::AlreadyExists { .. } => ErrorKind::AlreadyExists,
            Self::Precondition { .. } => ErrorKind::FailedPrecondition,
            Self::Conflict { .. } => ErrorKind::Conflict,
            Self::Store(_) => ErrorKind::Unavailable,
            Self::Internal(_) => ErrorKind::Internal,
        }
    }

    /// A stable word for programs, such as `TABLE_NOT_FOUND`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "INVALID_ARGUMENT",
            Self::Denied { .. } => "PERMISSION_DENIED",
            Self::NotFound { kind, .. } => match kind {
                SecurableKind::Metastore => "METASTORE_NOT_FOUND",
                SecurableKind::Catalog => "CATALOG_NOT_FOUND",
                SecurableKind::Schema => "SCHEMA_NOT_FOUND",
                SecurableKind::Table | SecurableKind::View => "TABLE_NOT_FOUND",
                SecurableKind::Function => "FUNCTION_NOT_FOUND",
                SecurableKind::Column => "COLUMN_NOT_FOUND",
                SecurableKind::Volume
                | SecurableKind::Model
                | SecurableKind::ExternalLocation
                | SecurableKind::StorageCredential
                | SecurableKind::Connection
                | SecurableKind::Share
                | SecurableKind::Recipient
                | SecurableKind::Provider
                | SecurableKind::Tag => "SECURABLE_NOT_FOUND",
            },
            Self::NoSuch { .. } => "NOT_FOUND",
            Self::AlreadyExists { what, .. } => match *what {
                "table" | "view" => "TABLE_ALREADY_EXISTS",
                _ => "ALREADY_EXISTS",
            },
            Self::Precondition { reason, .. } => reason,
            Self::Conflict { .. } => "CONFLICT",
            Self::Gate(_) => "DECISION_FAILED",
            Self::Store(_) => "STORE_UNAVAILABLE",
            Self::Internal(_) => "INTERNAL",
        }
    }

    /// The five-character SQLSTATE. Source: PostgreSQL, appendix A, as HOUSE's table of kinds has it.
    pub fn sqlstate(&self) -> &'static str {
        match (self.kind(), self.reason()) {
            (ErrorKind::NotFound, "CATALOG_NOT_FOUND") => "3D000",
            (ErrorKind::NotFound, "SCHEMA_NOT_FOUND") => "3F000",
            (ErrorKind::NotFound, "TABLE_NOT_FOUND") => "42P01",
            (ErrorKind::NotFound, "FUNCTION_NOT_FOUND") => "42883",
            (ErrorKind::AlreadyExists, "TABLE_ALREADY_EXISTS") => "42P07",
            (ErrorKind::FailedPrecondition, "NOT_EMPTY" | "IN_USE") => "2BP01",
            (kind, _) => kind.sqlstate(),
        }
    }
}

impl ErrorKind {
    /// The SQLSTATE of the kind when nothing more precise is known.
    pub fn sqlstate(self) -> &'static str {
        match self {
            Self::InvalidArgument => "22023",
            Self::Unauthenticated => "28000",
            Self::PermissionDenied => "42501",
            Self::NotFound => "42704",
            Self::AlreadyExists => "42710",
            Self::FailedPrecondition => "55000",
            Self::Conflict => "40001",
            Self::LimitExceeded => "53000",
            Self::TimedOut => "57014",
            Self::Unimplemented => "0A000",
            Self::Unavailable => "57P03",
            Self::Internal => "XX000",
        }
    }
}
