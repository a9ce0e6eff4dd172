//! Opening one version of a Delta table for reading.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::execution::SessionState;
use deltalake::delta_datafusion::{DeltaScanConfig, DeltaScanNext};
use deltalake::table::builder::DeltaTableBuilder;
use deltalake::{DeltaTable, DeltaTableError};
use url::Url;

use crate::governed::RawTable;

/// One version of a Delta table, ready to be governed and read.
#[derive(Debug)]
pub struct OpenTable {
    /// The table at exactly [`OpenTable::version`].
    pub table: DeltaTable,
    /// The version that was opened.
    pub version: u64,
    /// Columns as stored, partition columns among them with their plain types.
    pub schema: SchemaRef,
    /// What policies are planned on.
    pub raw: RawTable,
}

/// Why a table can't be opened. Paths and storage texts are in the source, for the log.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no Delta log, or no such version.
    #[error("no Delta table is stored there{}", at(.0))]
    NotFound(Option<u64>, #[source] Option<Box<DeltaTableError>>),
    /// The protocol of the table asks for something that isn't built.
    #[error("the Delta table needs a feature that is not supported: {0}")]
    Unsupported(String),
    /// The log contradicts itself or can't be read.
    #[error("the Delta table cannot be read: {0}")]
    Broken(String, #[source] Box<DeltaTableError>),
}

fn at(version: &Option<u64>) -> String {
    version.map(|version| format!(" at version {version}")).unwrap_or_default()
}

/// Opens the table at a local directory, at its newest version or at `version`, for plans made under `system`.
///
/// # Errors
/// See [`OpenError`]. A table that needs an unknown feature is refused by the name of the feature, never read wrongly.
pub async fn open_table(location: &Path, version: Option<u64>, system: &SessionState) -> Result<OpenTable, OpenError> {
    let not_found = |source: Option<DeltaTableError>| OpenError::NotFound(version, source.map(Box::new));
    let directory = std::path::absolute(location).map_err(|_| not_found(None))?;
    let url = Url::from_directory_path(&directory).map_err(|()| not_found(None))?;
    let mut builder = DeltaTableBuilder::from_url(url).map_err(|error| not_found(Some(error)))?;
    if let Some(version) = version {
        builder = builder.with_version(version);
    }
    let table = builder.load().await.map_err(|error| classify(version, error))?;
    provide(table, version, system)
}

fn provide(table: DeltaTable, asked: Option<u64>, system: &SessionState) -> Result<OpenTable, OpenError> {
    let broken = |error: DeltaTableError| classify(asked, error);
    let state = table.snapshot().map_err(broken)?;
    let version = state.version();
    // deltalake ignores a version asked for in some orders of calls; a wrong version would be read under the wrong policies.
    if asked.is_some_and(|asked| asked != version) {
        return Err(OpenError::NotFound(asked, None));
    }
    table.update_datafusion_session(system).map_err(broken)?;
    let snapshot = state.snapshot().clone();
    // Plain partition values: with dictionaries, literals of a predicate have another type than the column and skip nothing.
    let config = DeltaScanConfig::new_from_session(system).with_wrap_partition_values(false);
    let scan = DeltaScanNext::new(snapshot, config).map_err(|error| broken(error.into()))?;
    let schema = scan.schema();
    Ok(OpenTable { version, schema, raw: RawTable::new(Arc::new(scan)), table })
}

fn classify(version: Option<u64>, error: DeltaTableError) -> OpenError {
    let text = deepest(&error);
    let lower = text.to_lowercase();
    match &error {
        DeltaTableError::NotATable(_)
        | DeltaTableError::InvalidVersion(_)
        | DeltaTableError::InvalidTableLocation(_) => OpenError::NotFound(version, Some(Box::new(error))),
        _ if lower.contains("feature") || lower.contains("unsupported") => OpenError::Unsupported(text),
        _ => OpenError::Broken(text, Box::new(error)),
    }
}

/// The innermost message: the outer ones only say which library spoke.
fn deepest(error: &DeltaTableError) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string().replace('\n', " ")
}
