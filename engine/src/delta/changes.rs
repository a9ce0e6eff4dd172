//! The change feed of a table as a relation: its rows as they were before and after each commit.
//!
//! The rows are put together by the names of the columns. So the columns must be the same from the commit before the first that is
//! read to the newest: else policies, which are bound to the columns of now, would be put on other values.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use deltalake::DeltaTable;
use deltalake::delta_datafusion::DeltaCdfTableProvider;

use super::commits::{Metadata, commit};
use super::contained::Contained;
use super::open::OpenTable;
use crate::governed::RawTable;

/// What a change feed says of a row, besides its columns.
pub const FEED_COLUMNS: [&str; 3] = ["_change_type", "_commit_version", "_commit_timestamp"];

/// Why there is no change feed.
#[derive(Debug, thiserror::Error)]
pub enum ChangesError {
    /// Changes were not recorded.
    #[error(
        "the changes of version {0} were not recorded: the table property delta.enableChangeDataFeed has to be true before rows are changed"
    )]
    NotRecorded(u64),
    /// The columns are others by now.
    #[error("its columns were changed in version {0}: ask for the changes after it")]
    ColumnsChanged(u64),
    /// A commit is gone.
    #[error("the log tells no more of version {0}")]
    Forgotten(u64),
    /// A table whose own columns have the names of those of the feed.
    #[error("it has a column `{0}`, which is a name of the change feed's own")]
    NameTaken(&'static str),
    /// deltalake refuses.
    #[error("its change feed cannot be read")]
    Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The changes of the versions from `first` to `last`. `before` is the metadata of the version before, or of the first itself when that is
/// version 0.
///
/// # Errors
/// See [`ChangesError`].
pub fn change_feed(
    newest: &OpenTable,
    folder: &Path,
    before: &Metadata,
    (first, last): (u64, u64),
) -> std::result::Result<OpenTable, ChangesError> {
    let unreadable = |error: Box<dyn std::error::Error + Send + Sync>| ChangesError::Unreadable(error);
    let now = Metadata::of(&newest.table).map_err(|error| unreadable(error.into()))?;
    if let Some(taken) = FEED_COLUMNS.into_iter().find(|name| now.columns.contains_key(*name)) {
        return Err(ChangesError::NameTaken(taken));
    }
    let mut current = before.clone();
    for version in first..=newest.version {
        let found = commit(folder, version).map_err(|error| unreadable(error.into()))?;
        let found = found.ok_or(ChangesError::Forgotten(version))?;
        let is_read = version <= last;
        // Rows that were taken away have the columns of before.
        if is_read && found.replaces_rows && current.columns != now.columns {
            return Err(last_change(folder, version, newest.version, &now));
        }
        if let Some(metadata) = found.metadata {
            if metadata.columns != now.columns {
                return Err(last_change(folder, version, newest.version, &now));
            }
            current = metadata;
        }
        if is_read && current.columns != now.columns {
            return Err(last_change(folder, version, newest.version, &now));
        }
        if is_read && !current.has_feed {
            return Err(ChangesError::NotRecorded(version));
        }
    }
    provide(&newest.table, folder, (first, last)).map_err(|error| unreadable(error.into()))
}

/// The error that names the last version whose commit changed the columns.
fn last_change(folder: &Path, from: u64, newest: u64, now: &Metadata) -> ChangesError {
    let is_change = |version: &u64| {
        let metadata = commit(folder, *version).ok().flatten().and_then(|commit| commit.metadata);
        metadata.is_some_and(|metadata| metadata.columns == now.columns)
    };
    ChangesError::ColumnsChanged((from..=newest).rev().find(is_change).unwrap_or(from))
}

fn provide(
    table: &DeltaTable,
    folder: &Path,
    (first, last): (u64, u64),
) -> std::result::Result<OpenTable, deltalake::DeltaTableError> {
    let feed = table.clone().scan_cdf().with_starting_version(first).with_ending_version(last);
    let provider: Arc<dyn TableProvider> = Arc::new(Feed(DeltaCdfTableProvider::try_new(feed)?));
    let schema = provider.schema();
    let raw = RawTable::new(Arc::new(Contained::relative(provider, folder.to_path_buf())));
    Ok(OpenTable { table: table.clone(), version: last, schema, raw })
}

/// The library's provider, which is asked for all rows: it hands filters to the files with the columns in another order.
#[derive(Debug)]
struct Feed(DeltaCdfTableProvider);

#[async_trait]
impl TableProvider for Feed {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.0.scan(session, projection, &[], None).await
    }
}
