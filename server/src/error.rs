//! The errors of starting and stopping the server. Errors of requests belong to the rooms that make them.

use std::error::Error as _;
use std::path::{Path, PathBuf};

use lakewarden_catalog::{CatalogError, ErrorKind};

use crate::config::ConfigError;

/// Why the server did not start, or did not stop well.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The settings are wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file that the server needs could not be read or written.
    #[error("`{}` could not be {doing}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// `read`, `written`...
        doing: &'static str,
        /// The cause.
        source: std::io::Error,
    },
    /// A file of secrets can be read by others.
    #[error("`{}` can be read by others: `chmod 600` it, and replace what it holds", path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
    },
    /// A key or certificate is unusable.
    #[error("`{what}` is unusable: {cause}")]
    Key {
        /// Which one, by its setting or file.
        what: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The address could not be bound.
    #[error("could not listen on `{address}`: {source}")]
    Bind {
        /// Which address.
        address: std::net::SocketAddr,
        /// The cause.
        source: std::io::Error,
    },
    /// The catalog could not be opened or set up.
    #[error("the catalog in `{}` could not be opened: {cause}", data_dir.display())]
    Catalog {
        /// Its folder.
        data_dir: PathBuf,
        /// The cause and its causes.
        cause: String,
        /// The error of the catalog.
        source: CatalogError,
    },
    /// The engine could not be started.
    #[error("the engine could not be started: {0}")]
    Engine(String),
    /// Metrics or logs could not be set up.
    #[error("telemetry could not be set up: {0}")]
    Telemetry(String),
    /// The description of the gRPC services could not be read.
    #[error("gRPC reflection could not be set up: {0}")]
    Reflection(String),
    /// A step of the quickstart failed.
    #[error("the quickstart stopped at {cause}")]
    Quickstart {
        /// The step and what stopped it.
        cause: String,
        /// The kind of what stopped it.
        kind: ErrorKind,
    },
    /// There is a catalog of the quickstart's name that it did not make.
    #[error("there is a catalog `{catalog}` that the quickstart did not make: use another --data-dir")]
    NotOurs {
        /// Its name.
        catalog: &'static str,
    },
    /// Requests were still running when the time to drain was over.
    #[error("stopped while requests were still running")]
    NotDrained,
}

impl ServerError {
    /// A fault of the catalog in `data_dir`. Whoever starts the server may read all causes.
    pub(crate) fn catalog(data_dir: &Path, source: CatalogError) -> Self {
        let mut causes = vec![source.to_string()];
        let mut next = source.source();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        Self::Catalog { data_dir: data_dir.to_owned(), cause: causes.join(": "), source }
    }

    /// A step of the quickstart that failed for a cause without a kind of its own.
    pub(crate) fn quickstart(step: &str, cause: &dyn std::fmt::Display) -> Self {
        Self::Quickstart { cause: format!("{step}: {cause}"), kind: ErrorKind::Internal }
    }

    /// The kind, for the exit code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Config(_) => ErrorKind::InvalidArgument,
            Self::Exposed { .. } | Self::Key { .. } | Self::NotOurs { .. } => ErrorKind::FailedPrecondition,
            Self::Quickstart { kind, .. } => *kind,
            Self::Catalog { source, .. } => source.kind(),
            Self::File { .. } | Self::Bind { .. } | Self::NotDrained => ErrorKind::Unavailable,
            Self::Engine(_) | Self::Telemetry(_) | Self::Reflection(_) => ErrorKind::Internal,
        }
    }
}
