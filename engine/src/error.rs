//! The errors of the engine. `Display` is what the caller reads; what storage or a policy said stays in the log.

use datafusion::error::DataFusionError;
use lakewarden_catalog::{CatalogError, ErrorKind};

use crate::delta::{LocationError, OpenError, WriteError};
use crate::governed::ScanFault;
use crate::runtime::LimitError;
use crate::statement::{ParseError, ParseErrorKind};

/// Why a statement was not run, or did not end.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The text is no statement that we take.
    #[error("{0}")]
    Parse(#[from] ParseError),
    /// The catalog refused.
    #[error("{0}")]
    Catalog(#[from] CatalogError),
    /// The statement does not fit the tables and functions that it names.
    #[error("{message}")]
    Invalid {
        /// The SQLSTATE.
        sqlstate: &'static str,
        /// What does not fit.
        message: String,
    },
    /// It is SQL, but not built.
    #[error("{0} is not supported")]
    Unimplemented(String),
    /// A Delta table can't be opened.
    #[error("cannot read `{label}`: {fault}")]
    Open {
        /// The table.
        label: String,
        /// Why.
        #[source]
        fault: OpenError,
    },
    /// A version or a change feed of a table that can't be read.
    #[error("cannot read the past of `{label}`: {why}")]
    Past {
        /// The table.
        label: String,
        /// Why.
        why: String,
    },
    /// Reading a relation failed below its policies; the details are in the log.
    #[error("{0}")]
    Governed(ScanFault),
    /// A policy could not be applied, so that the relation stays closed. Names the policy, never its body.
    #[error(
        "cannot read `{label}`: its policy `{policy}` cannot be applied; an administrator finds why under reference {reference}"
    )]
    Policy {
        /// The relation.
        label: String,
        /// The function that is the policy.
        policy: String,
        /// What to quote to an administrator.
        reference: String,
    },
    /// A limit of the server was reached.
    #[error("{0}")]
    Limit(String),
    /// A limit of the runtime ended it, or its caller did.
    #[error("{0}")]
    Stopped(#[from] LimitError),
    /// The data stops it: a division by zero, a value that can't be cast.
    #[error("{message}")]
    Data {
        /// The SQLSTATE.
        sqlstate: &'static str,
        /// What stopped it; it speaks of what the caller may see only.
        message: String,
    },
    /// A write did not succeed; nothing was changed.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A policy that binds the caller forbids it.
    #[error("{0}")]
    Refused(String),
    /// A fault of ours. The text is logged, never sent.
    #[error("internal error")]
    Internal(String),
}

impl From<LocationError> for EngineError {
    fn from(error: LocationError) -> Self {
        Self::Write(WriteError::from(error))
    }
}

impl EngineError {
    /// A statement that does not fit what it names.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { sqlstate: "42000", message: message.into() }
    }

    /// A point or range in time that there is not.
    pub fn out_of_range(message: impl Into<String>) -> Self {
        Self::Invalid { sqlstate: "22023", message: message.into() }
    }

    /// A fault of ours.
    pub fn internal(what: impl std::fmt::Display) -> Self {
        Self::Internal(what.to_string())
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Parse(error) => match error.kind {
                ParseErrorKind::Unsupported => ErrorKind::Unimplemented,
                ParseErrorKind::Limit => ErrorKind::LimitExceeded,
                ParseErrorKind::Empty | ParseErrorKind::SeveralStatements | ParseErrorKind::Syntax => {
                    ErrorKind::InvalidArgument
                }
            },
            Self::Catalog(error) => error.kind(),
            Self::Invalid { .. } | Self::Data { .. } => ErrorKind::InvalidArgument,
            Self::Unimplemented(_) => ErrorKind::Unimplemented,
            Self::Open { fault: OpenError::Unsupported(_), .. } => ErrorKind::Unimplemented,
            Self::Open { .. } | Self::Past { .. } | Self::Governed(_) | Self::Policy { .. } => {
                ErrorKind::FailedPrecondition
            }
            Self::Write(error) => error.kind(),
            Self::Refused(_) => ErrorKind::PermissionDenied,
            Self::Limit(_) => ErrorKind::LimitExceeded,
            Self::Stopped(LimitError::TimedOut(_) | LimitError::CpuTime(_) | LimitError::Cancelled) => {
                ErrorKind::TimedOut
            }
            Self::Stopped(_) => ErrorKind::LimitExceeded,
            Self::Internal(_) => ErrorKind::Internal,
        }
    }

    /// A stable word for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Parse(_) => "SYNTAX_ERROR",
            Self::Catalog(error) => error.reason(),
            Self::Invalid { .. } => "INVALID_STATEMENT",
            Self::Unimplemented(_) => "NOT_SUPPORTED",
            Self::Open { .. } => "TABLE_NOT_READABLE",
            Self::Past { .. } => "VERSION_NOT_READABLE",
            Self::Governed(_) => "GOVERNED_READ_FAILED",
            Self::Policy { .. } => "POLICY_NOT_APPLICABLE",
            Self::Limit(_) => "LIMIT_EXCEEDED",
            Self::Stopped(why) => why.reason(),
            Self::Data { .. } => "DATA_ERROR",
            Self::Write(error) => error.reason(),
            Self::Refused(_) => "POLICY_FORBIDS",
            Self::Internal(_) => "INTERNAL",
        }
    }

    /// The five-character SQLSTATE.
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::Parse(_) if self.kind() == ErrorKind::InvalidArgument => "42601",
            Self::Catalog(error) => error.sqlstate(),
            Self::Invalid { sqlstate, .. } | Self::Data { sqlstate, .. } => sqlstate,
            Self::Stopped(why) => why.sqlstate(),
            Self::Write(error) => match error.reason() {
                "NOT_NULL_VIOLATION" => "23502",
                "CONSTRAINT_VIOLATION" => "23514",
                "MERGE_AMBIGUOUS" => "21000",
                "COLUMN_NOT_FOUND" => "42703",
                "COLUMN_DUPLICATE" => "42701",
                "INSERT_COLUMN_COUNT" => "42601",
                "INSERT_TYPE_MISMATCH" => "42804",
                "VALUE_INVALID" => "22000",
                _ => error.kind().sqlstate(),
            },
            _ => self.kind().sqlstate(),
        }
    }

    /// The limit of the runtime that it is about, if it is about one.
    pub fn limit(&self) -> Option<&LimitError> {
        match self {
            Self::Stopped(why) => Some(why),
            _ => None,
        }
    }

    /// What planning a caller's statement ran into. The planner has seen governed schemas only, so that its words hold no
    /// hidden name.
    pub fn from_planning(error: &DataFusionError) -> Self {
        if let Some(fault) = ScanFault::find(error) {
            return Self::Governed(fault.clone());
        }
        if let Some(limit) = LimitError::find(error) {
            return Self::Stopped(limit);
        }
        match error.find_root() {
            DataFusionError::SchemaError(inner, _) => Self::Invalid { sqlstate: "42703", message: first_line(inner) },
            // Its words quote the plan's own structures.
            DataFusionError::NotImplemented(what) if what.starts_with("Physical plan does not support") => {
                Self::Unimplemented("a subquery of this form".to_owned())
            }
            DataFusionError::NotImplemented(what) => Self::Unimplemented(first_line(what)),
            DataFusionError::Internal(what) => Self::Internal(what.clone()),
            DataFusionError::Plan(what) => Self::invalid(first_line(what)),
            other => Self::invalid(first_line(other)),
        }
    }

    /// What a write ran into. An error of computing its rows is like that of a query.
    pub fn from_writing(error: WriteError) -> Self {
        match error {
            WriteError::Input(details) => Self::from_running(&details),
            other => other.into(),
        }
    }

    /// What running a caller's statement ran into.
    pub fn from_running(error: &DataFusionError) -> Self {
        if let Some(fault) = ScanFault::find(error) {
            return Self::Governed(fault.clone());
        }
        if let Some(limit) = LimitError::find(error) {
            return Self::Stopped(limit);
        }
        let root = error.find_root();
        let message = first_line(root);
        let lower = message.to_lowercase();
        match root {
            DataFusionError::NotImplemented(what) => Self::Unimplemented(first_line(what)),
            DataFusionError::Internal(what) => Self::Internal(what.clone()),
            _ if lower.contains("divide by zero") => {
                Self::Data { sqlstate: "22012", message: "division by zero".to_owned() }
            }
            _ if lower.contains("overflow") => Self::Data { sqlstate: "22003", message },
            _ => Self::Data { sqlstate: "22000", message },
        }
    }
}

fn first_line(text: impl std::fmt::Display) -> String {
    let text = text.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}
