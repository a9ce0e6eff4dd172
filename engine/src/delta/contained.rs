//! A table is read inside its own folder, whatever its log says.
//!
//! A log may name files by absolute URLs and with `..`, and logs and files may be symbolic links: deltalake follows all of
//! them, with the server's rights. Whoever writes into the folder of an external table by other means could so have the
//! server read the files of other tables for them, past every policy. So a log and the files that it names lie in the
//! folder themselves, or the table stays closed.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::plan_err;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;

/// A storage provider that plans no file outside of a folder.
pub(super) struct Contained {
    provider: Arc<dyn TableProvider>,
    folder: PathBuf,
    /// What the paths of a plan's files start from.
    base: PathBuf,
}

impl Contained {
    pub(super) fn new(provider: Arc<dyn TableProvider>, folder: PathBuf) -> Self {
        Self { provider, folder, base: PathBuf::from("/") }
    }

    /// The same for a provider whose plans name files from the folder on.
    pub(super) fn relative(provider: Arc<dyn TableProvider>, folder: PathBuf) -> Self {
        Self { provider, base: folder.clone(), folder }
    }
}

impl fmt::Debug for Contained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Contained")
    }
}

#[async_trait]
impl TableProvider for Contained {
    fn schema(&self) -> SchemaRef {
        self.provider.schema()
    }

    fn table_type(&self) -> TableType {
        self.provider.table_type()
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        self.provider.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = self.provider.scan(session, projection, filters, limit).await?;
        require_inside_from(&plan, &self.folder, &self.base)?;
        Ok(plan)
    }
}

/// Refuses a plan that reads a file outside of the folder, or through a link.
pub(super) fn require_inside(plan: &Arc<dyn ExecutionPlan>, folder: &Path) -> Result<()> {
    require_inside_from(plan, folder, Path::new("/"))
}

/// The same for a plan whose paths start from `base`.
fn require_inside_from(plan: &Arc<dyn ExecutionPlan>, folder: &Path, base: &Path) -> Result<()> {
    let mut plain_folders = HashSet::new();
    plan.apply(|node| {
        let source = node.downcast_ref::<DataSourceExec>().map(DataSourceExec::data_source);
        let scan = source.and_then(|source| source.downcast_ref::<FileScanConfig>());
        if node.children().is_empty() && scan.is_none() && !reads_no_file(node) {
            return plan_err!("the table is read by an operator whose files are not known: {}", node.name());
        }
        for file in scan.iter().flat_map(|scan| &scan.file_groups).flat_map(|group| group.iter()) {
            let path = base.join(file.object_meta.location.as_ref());
            if !path.starts_with(folder) || !is_plain(&path, &mut plain_folders) {
                return plan_err!("the log of the table names a file outside of its folder: {}", path.display());
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// Whether a leaf of deltalake's plans answers from nothing, or from the log alone.
fn reads_no_file(leaf: &Arc<dyn ExecutionPlan>) -> bool {
    // The latter is private to the library.
    leaf.is::<EmptyExec>() || leaf.name() == "DeltaScanMetaExec"
}

/// Whether a file and the folders that it is in are no links. What is missing is for the reader to say.
pub(super) fn is_plain(path: &Path, plain_folders: &mut HashSet<PathBuf>) -> bool {
    let Some(parent) = path.parent() else { return false };
    if !plain_folders.contains(parent) {
        if parent.canonicalize().is_ok_and(|real| real != parent) {
            return false;
        }
        plain_folders.insert(parent.to_path_buf());
    }
    !path.symlink_metadata().is_ok_and(|file| file.is_symlink())
}

/// Whether the folder of a table and its log are what they say: no links, nor anything in the log.
pub(super) fn has_plain_log(folder: &Path) -> io::Result<bool> {
    Ok(is_in_place(folder)? && has_no_links(&folder.join("_delta_log"), 2)?)
}

/// Whether the log of a table is where it seems to be: no link, nor a folder above it.
pub(super) fn is_in_place(folder: &Path) -> io::Result<bool> {
    let log = folder.join("_delta_log");
    Ok(log.canonicalize()? == log)
}

/// Whether a folder holds no link, nor the folders in it, so many levels down.
pub(super) fn has_no_links(folder: &Path, depth: usize) -> io::Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_symlink() || (kind.is_dir() && depth > 0 && !has_no_links(&entry.path(), depth - 1)?) {
            return Ok(false);
        }
    }
    Ok(true)
}
