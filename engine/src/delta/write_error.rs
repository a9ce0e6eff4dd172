//! Why a Delta table wasn't created or written, without a value of any row.
//!
//! deltalake quotes rows in its errors ("Preview of invalid data"). What a caller reads is therefore made here from the
//! kind of the error, never from its text.

use std::io;

use datafusion::error::DataFusionError;
use deltalake::DeltaTableError;
use deltalake::kernel::transaction::TransactionError;
use lakewarden_catalog::ErrorKind;

use super::location::LocationError;
use super::sql_type::TypeError;

/// A row that may not be written. It travels inside a [`DataFusionError`]; [`RowFault::find`] gets it back.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RowFault {
    /// A NULL in a column that holds none.
    #[error("the column `{0}` is NOT NULL, and a row has no value for it")]
    NotNull(String),
    /// A value that the type of the column can't hold.
    #[error("a value for the column `{column}` is no {to}: it is out of range or malformed")]
    Cast {
        /// The column.
        column: String,
        /// Its type in SQL words.
        to: String,
    },
    /// The row filter would hide the row from the one who writes it.
    #[error("a row does not satisfy the row filter of the table: only rows that you may read can be written")]
    Hidden,
    /// A constraint of the table.
    #[error("a row breaks the constraint `{0}` of the table")]
    Check(String),
    /// A MERGE that would change one row several times.
    #[error("several rows of the source would change one row of the table: let each match at most one")]
    Ambiguous,
}

impl RowFault {
    /// The fault, when an error of DataFusion carries one.
    pub fn find(error: &DataFusionError) -> Option<&Self> {
        match error.find_root() {
            DataFusionError::External(inner) => inner.downcast_ref(),
            _ => None,
        }
    }
}

impl From<RowFault> for DataFusionError {
    fn from(fault: RowFault) -> Self {
        Self::External(Box::new(fault))
    }
}

/// Why a Delta table wasn't created or written. `Display` is for the caller; sources are for the log.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The place of the table.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// The type of a column.
    #[error(transparent)]
    Type(#[from] TypeError),
    /// A new table needs a folder of its own.
    #[error("the folder of a new table must be empty")]
    NotEmpty,
    /// There is no table to write to.
    #[error("no Delta table is stored there")]
    NotFound,
    /// Columns, partitions or properties that make no table.
    #[error("{0}")]
    Definition(String),
    /// A feature that isn't built.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// The rows have another number of columns than the table.
    #[error("the rows have {given} columns, and {wanted} are to be filled")]
    ColumnCount {
        /// Of the table, or of the list of columns.
        wanted: usize,
        /// Of the rows.
        given: usize,
    },
    /// A column that the table doesn't have.
    #[error("the table has no column `{0}`")]
    UnknownColumn(String),
    /// A column that is filled twice.
    #[error("the column `{0}` is given twice")]
    DuplicateColumn(String),
    /// A type that isn't stored in another one without being asked.
    #[error("{from} is not stored in the column `{column}` of type {to}: use CAST")]
    Incompatible {
        /// The column.
        column: String,
        /// What was given.
        from: String,
        /// What the column holds.
        to: String,
    },
    /// A row that may not be written.
    #[error(transparent)]
    Row(#[from] RowFault),
    /// A constraint that deltalake checks.
    #[error("a row breaks a NOT NULL, CHECK or generated-column rule of the table; its values are withheld")]
    Constraint,
    /// `delta.appendOnly`.
    #[error("the table is append-only: rows can be added and not replaced")]
    AppendOnly,
    /// Somebody else committed first, in a way that can't be joined.
    #[error("the table was changed meanwhile: try again")]
    Conflict,
    /// The memory of the statement is used up.
    #[error("the statement needs more memory than it may use")]
    Exhausted,
    /// The rows can't be computed. It was raised above the seal, so it tells nothing hidden.
    #[error(transparent)]
    Input(Box<DataFusionError>),
    /// Rows that were computed can't be judged or written. It may quote what the caller may not see.
    #[error("the rows cannot be written")]
    Judged(#[source] Box<DataFusionError>),
    /// The file system or the log.
    #[error("the Delta table cannot be written")]
    Storage(#[source] Box<DeltaTableError>),
    /// The file system.
    #[error("the folder of the table cannot be used")]
    Io(#[from] io::Error),
}

impl WriteError {
    /// Its kind.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Location(error) if error.is_unsupported() => ErrorKind::Unimplemented,
            Self::Type(error) if error.is_unsupported() => ErrorKind::Unimplemented,
            Self::Unsupported(_) => ErrorKind::Unimplemented,
            Self::Location(_)
            | Self::Type(_)
            | Self::Definition(_)
            | Self::ColumnCount { .. }
            | Self::UnknownColumn(_)
            | Self::DuplicateColumn(_)
            | Self::Incompatible { .. }
            | Self::Row(RowFault::NotNull(_) | RowFault::Cast { .. } | RowFault::Check(_) | RowFault::Ambiguous)
            | Self::Constraint
            | Self::Input(_) => ErrorKind::InvalidArgument,
            Self::Row(RowFault::Hidden) => ErrorKind::PermissionDenied,
            Self::NotEmpty | Self::AppendOnly => ErrorKind::FailedPrecondition,
            Self::NotFound => ErrorKind::NotFound,
            Self::Conflict => ErrorKind::Conflict,
            Self::Exhausted => ErrorKind::LimitExceeded,
            Self::Storage(_) | Self::Io(_) | Self::Judged(_) => ErrorKind::Internal,
        }
    }

    /// A stable word for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Location(_) => "LOCATION_INVALID",
            Self::Type(_) => "TYPE_INVALID",
            Self::NotEmpty => "LOCATION_NOT_EMPTY",
            Self::NotFound => "DELTA_TABLE_NOT_FOUND",
            Self::Definition(_) => "TABLE_DEFINITION_INVALID",
            Self::Unsupported(_) => "DELTA_FEATURE_UNSUPPORTED",
            Self::ColumnCount { .. } => "INSERT_COLUMN_COUNT",
            Self::UnknownColumn(_) => "COLUMN_NOT_FOUND",
            Self::DuplicateColumn(_) => "COLUMN_DUPLICATE",
            Self::Incompatible { .. } => "INSERT_TYPE_MISMATCH",
            Self::Row(RowFault::NotNull(_)) => "NOT_NULL_VIOLATION",
            Self::Row(RowFault::Cast { .. }) => "VALUE_INVALID",
            Self::Row(RowFault::Hidden) => "ROW_FILTER_VIOLATION",
            Self::Row(RowFault::Check(_)) => "CONSTRAINT_VIOLATION",
            Self::Row(RowFault::Ambiguous) => "MERGE_AMBIGUOUS",
            Self::Constraint => "CONSTRAINT_VIOLATION",
            Self::AppendOnly => "DELTA_APPEND_ONLY",
            Self::Conflict => "DELTA_CONFLICT",
            Self::Exhausted => "MEMORY_LIMIT_EXCEEDED",
            Self::Input(_) => "INPUT_FAILED",
            Self::Judged(_) | Self::Storage(_) | Self::Io(_) => "STORAGE_FAILED",
        }
    }

    /// What an error of computing the rows means.
    pub(super) fn from_input(error: DataFusionError) -> Self {
        if let Some(fault) = RowFault::find(&error) {
            return Self::Row(fault.clone());
        }
        match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => Self::Exhausted,
            _ => Self::Input(Box::new(error)),
        }
    }
}

impl From<DeltaTableError> for WriteError {
    fn from(error: DeltaTableError) -> Self {
        match error {
            DeltaTableError::NotATable(_)
            | DeltaTableError::InvalidVersion(_)
            | DeltaTableError::InvalidTableLocation(_) => Self::NotFound,
            DeltaTableError::InvalidData { .. } => Self::Constraint,
            DeltaTableError::VersionAlreadyExists(_) => Self::Conflict,
            DeltaTableError::Transaction { source } => transaction(source),
            DeltaTableError::UnsupportedColumnMapping { operation, .. } => {
                Self::Unsupported(format!("`{operation}` on a table with column mapping"))
            }
            // DataFusion's errors arrive as text only.
            DeltaTableError::Generic(text) if text.contains("Invalid data found") => Self::Constraint,
            DeltaTableError::Generic(text) if text.contains("Resources exhausted") => Self::Exhausted,
            other if too_long(&other) => {
                Self::Unsupported("a partition value that is too long for the name of a folder".to_owned())
            }
            other => Self::Storage(Box::new(other)),
        }
    }
}

/// Whether the file system refused a name for its length; on local disks only the values of partition columns make
/// names long.
fn too_long(error: &DeltaTableError) -> bool {
    let first: &(dyn std::error::Error + 'static) = error;
    let mut causes = std::iter::successors(Some(first), |error| error.source());
    let found = causes.any(|error| {
        error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::InvalidFilename)
    });
    // Parquet's writer keeps causes as text only.
    found || error.to_string().contains("File name too long")
}

fn transaction(error: TransactionError) -> WriteError {
    match error {
        TransactionError::CommitConflict(_) | TransactionError::MaxCommitAttempts(_) => WriteError::Conflict,
        TransactionError::DeltaTableAppendOnly => WriteError::AppendOnly,
        TransactionError::UnsupportedTableFeatures(features) => {
            let mut names: Vec<_> = features.iter().map(|feature| format!("`{feature}`")).collect();
            names.sort();
            WriteError::Unsupported(format!("writing to a Delta table with the feature {}", names.join(", ")))
        }
        TransactionError::TableFeaturesRequired(feature) => WriteError::Unsupported(format!(
            "a value that needs the Delta feature `{feature}`, which the table does not have,"
        )),
        other => WriteError::Storage(Box::new(DeltaTableError::Transaction { source: other })),
    }
}
