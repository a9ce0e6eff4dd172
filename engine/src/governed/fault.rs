//! Errors from below the seal: whole for the log, a reference for the caller.

use datafusion::error::DataFusionError;

use crate::runtime::LimitError;

/// Where the details of a failed governed scan go.
pub trait FaultLog: Send + Sync {
    /// Keeps the error of reading `label` and gives the reference that the caller is shown.
    fn record(&self, label: &str, error: &DataFusionError) -> String;
}

/// What a caller is told when reading a governed relation fails.
///
/// It says which relation of theirs failed and nothing of why: the reason may quote hidden values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read `{label}`: the details are withheld; an administrator finds them under reference {reference}")]
pub struct ScanFault {
    /// The relation as the caller named it: `catalog.schema.table`.
    pub label: String,
    /// What to quote to an administrator.
    pub reference: String,
}

impl ScanFault {
    /// Finds the fault in an error that DataFusion wrapped on the way up.
    pub fn find(error: &DataFusionError) -> Option<&Self> {
        match error.find_root() {
            DataFusionError::External(inner) => inner.downcast_ref(),
            _ => None,
        }
    }
}

/// Replaces an error from below the seal. A limit of the statement stays what it is, without the names of the hidden operators; the fault of a
/// relation further in is told under this relation's name with its own reference, and isn't recorded twice.
pub(super) fn redact(log: &dyn FaultLog, label: &str, error: &DataFusionError) -> DataFusionError {
    if let Some(limit) = LimitError::find(error) {
        return limit.into();
    }
    let reference = match ScanFault::find(error) {
        Some(inner) => inner.reference.clone(),
        None => log.record(label, error),
    };
    DataFusionError::External(Box::new(ScanFault { label: label.to_owned(), reference }))
}
