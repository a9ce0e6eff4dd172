//! Opening one version of a Delta table for reading.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::execution::SessionState;
use deltalake::delta_datafusion::{DeltaScanConfig, DeltaScanNext};
use deltalake::kernel::DataType as KernelType;
use deltalake::table::builder::DeltaTableBuilder;
use deltalake::{DeltaTable, DeltaTableError};
use url::Url;

use super::contained::{Contained, has_plain_log};
use super::write_error::WriteError;
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

impl OpenTable {
    /// The CHECK constraints of the table: name and text.
    ///
    /// # Errors
    /// When the table was not loaded.
    pub fn constraints(&self) -> Result<Vec<(String, String)>, WriteError> {
        let properties = self.table.snapshot()?.metadata().configuration();
        let constraint = |(key, text): (&String, &String)| {
            key.strip_prefix("delta.constraints.").map(|name| (name.to_owned(), text.clone()))
        };
        let mut found: Vec<_> = properties.iter().filter_map(constraint).collect();
        found.sort();
        Ok(found)
    }
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
    /// A managed table whose columns are not those of the catalog.
    #[error(
        "a change of its columns has not ended: try again, and if that does not help, run its ALTER TABLE … RENAME COLUMN again"
    )]
    Unfinished,
    /// Files of an old version are gone.
    #[error("files of version {0} have been removed since (VACUUM)")]
    Vacuumed(u64),
    /// It leads out of its folder.
    #[error("the Delta table cannot be read: its folder or its log is a symbolic link, or holds one")]
    Linked,
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
    let directory = location.canonicalize().map_err(|_| not_found(None))?;
    if !directory.join("_delta_log").is_dir() {
        return Err(not_found(None));
    }
    require_plain_log(&directory)?;
    let url = Url::from_directory_path(&directory).map_err(|()| not_found(None))?;
    let mut builder = DeltaTableBuilder::from_url(url).map_err(|error| not_found(Some(error)))?;
    if let Some(version) = version {
        builder = builder.with_version(version);
    }
    let table = builder.load().await.map_err(|error| classify(version, error))?;
    provide(table, &directory, version, system)
}

/// Refuses a log that leads out of the table's folder.
pub(super) fn require_plain_log(directory: &Path) -> Result<(), OpenError> {
    if has_plain_log(directory).unwrap_or(false) { Ok(()) } else { Err(OpenError::Linked) }
}

pub(super) fn provide(
    table: DeltaTable,
    directory: &Path,
    asked: Option<u64>,
    system: &SessionState,
) -> Result<OpenTable, OpenError> {
    let broken = |error: DeltaTableError| classify(asked, error);
    let state = table.snapshot().map_err(broken)?;
    let version = state.version();
    // deltalake ignores a version asked for in some orders of calls; a wrong version would be read under the wrong policies.
    if asked.is_some_and(|asked| asked != version) {
        return Err(OpenError::NotFound(asked, None));
    }
    refuse_binary_partitions(&table).map_err(broken)??;
    table.update_datafusion_session(system).map_err(broken)?;
    let snapshot = state.snapshot().clone();
    // Plain partition values: with dictionaries, literals of a predicate have another type than the column and skip nothing.
    let config = DeltaScanConfig::new_from_session(system).with_wrap_partition_values(false);
    let scan = DeltaScanNext::new(snapshot, config).map_err(|error| broken(error.into()))?;
    let schema = scan.schema();
    let raw = RawTable::new(Arc::new(Contained::new(Arc::new(scan), directory.to_path_buf())));
    Ok(OpenTable { version, schema, raw, table })
}

/// deltalake gives the value of such a column as its escaped text, which is another value.
fn refuse_binary_partitions(table: &DeltaTable) -> Result<Result<(), OpenError>, DeltaTableError> {
    let state = table.snapshot()?;
    let schema = state.schema();
    let is_binary = |name: &&String| schema.field(name.as_str()).is_some_and(|f| f.data_type() == &KernelType::BINARY);
    Ok(match state.metadata().partition_columns().iter().find(is_binary) {
        Some(name) => Err(OpenError::Unsupported(format!("the partition column `{name}` of type BINARY"))),
        None => Ok(()),
    })
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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use datafusion::physical_plan::collect;

    use super::*;
    use crate::governed::tests::fixture::{Lake, catalog};
    use crate::runtime::{Limits, Workshop};

    async fn opened(path: &Path, version: Option<u64>) -> Result<OpenTable, OpenError> {
        let workshop = Workshop::new(Limits::default()).unwrap();
        open_table(path, version, &workshop.system().unwrap()).await
    }

    #[tokio::test]
    async fn a_version_is_opened_exactly_or_not_at_all() {
        let lake = Lake::new().await;
        let path = lake.path("grants");
        let batch = crate::governed::tests::fixture::employees();
        lake.write("other", batch.clone(), &[]).await;
        lake.write("other", batch, &[]).await;
        let other = lake.path("other");
        assert_eq!(opened(&other, None).await.unwrap().version, 1);
        assert_eq!(opened(&other, Some(0)).await.unwrap().version, 0);
        assert!(opened(&other, Some(7)).await.is_err());
        assert!(matches!(opened(&path.join("nothing"), None).await, Err(OpenError::NotFound(None, _))));
    }

    #[tokio::test]
    async fn partition_columns_have_plain_types() {
        let lake = Lake::new().await;
        let open = opened(&lake.path("employees"), None).await.unwrap();
        let region = open.schema.field_with_name("region").unwrap();
        assert_eq!(region.data_type(), open.schema.field_with_name("name").unwrap().data_type());
    }

    #[tokio::test]
    async fn an_unknown_feature_is_named() {
        let lake = Lake::new().await;
        let log = lake.path("grants").join("_delta_log/00000000000000000000.json");
        let text = std::fs::read_to_string(&log).unwrap();
        let protocol = r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["quantumRows"],"writerFeatures":["quantumRows"]}}"#;
        let lines = text.lines().map(|line| if line.contains("\"protocol\"") { protocol } else { line });
        std::fs::write(&log, lines.collect::<Vec<_>>().join("\n")).unwrap();
        let error = opened(&lake.path("grants"), None).await.unwrap_err();
        assert!(matches!(&error, OpenError::Unsupported(text) if text.contains("quantumRows")), "{error}");
    }

    /// Tables of other writers. Says that it was skipped where the data isn't there.
    #[tokio::test]
    async fn tables_of_other_writers_read_as_expected() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/delta");
        let Ok(text) = std::fs::read_to_string(data.join("expectations.json")) else {
            println!("skipped: no tables of other writers at {}", data.display());
            return;
        };
        let workshop = Workshop::new(Limits::default()).unwrap();
        let expectations: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        for (name, expected) in expectations {
            let mut system = workshop.system().unwrap();
            let open = open_table(&data.join(&name).join("delta"), None, &system).await;
            if expected["expect"] == "error" {
                println!("{name}: {}", open.unwrap_err());
                continue;
            }
            let open = open.unwrap_or_else(|error| panic!("{name}: {error}"));
            system.register_catalog_list(catalog(vec![("t", Arc::new(open.raw))]));
            let plan = system.create_logical_plan("SELECT * FROM t").await.unwrap();
            let plan = system.create_physical_plan(&plan).await.unwrap();
            let batches = collect(plan, system.task_ctx()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
            assert_eq!(rows as u64, expected["rows"].as_u64().unwrap(), "{name}");
        }
    }
}
