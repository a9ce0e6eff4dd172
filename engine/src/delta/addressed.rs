//! Rows with their addresses: which file of the version, and which row among those of the file that are not deleted.
//!
//! An address is the same whenever and by whatever columns the version is read, since a file is always read from its first row to its
//! last by one reader: predicates choose files here and skip nothing inside of them.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt16Type};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{internal_datafusion_err, internal_err};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use deltalake::delta_datafusion::{DeltaScanConfig, DeltaScanNext};
use deltalake::kernel::{LogicalFileView, Remove};
use futures::{StreamExt, TryStreamExt};
use parking_lot::Mutex;
use url::Url;

use super::contained::require_inside;
use super::location::Location;
use super::made::MadeExec;
use super::open::OpenTable;
use super::write_error::WriteError;

/// The bits of an address that say which row; the ones above say which file.
const ROW_BITS: u32 = 40;
const MOST_FILES: usize = 1 << 22;

/// The file that an address is in.
pub(super) fn file_of(address: i64) -> i64 {
    address >> ROW_BITS
}

/// One version of a table whose rows have addresses.
#[derive(Clone)]
pub struct AddressedTable {
    scan: DeltaScanNext,
    folder: PathBuf,
    files: Arc<Files>,
    /// The stored columns, then the address.
    schema: SchemaRef,
    system: Arc<SessionState>,
}

/// The files of a version.
struct Files {
    views: Vec<LogicalFileView>,
    paths: Vec<PathBuf>,
    places: HashMap<PathBuf, i64>,
    have_deletion_vectors: bool,
    /// What deltalake calls the files that were met.
    met: Mutex<HashMap<i64, String>>,
}

impl AddressedTable {
    /// The version that was opened, with a column of this name for addresses.
    ///
    /// # Errors
    /// `Storage`; `Unsupported` for more files than an address can tell apart.
    pub async fn new(
        stored: &OpenTable,
        location: &Location,
        address: &str,
        system: &Arc<SessionState>,
    ) -> Result<Self, WriteError> {
        let state = stored.table.snapshot()?;
        let log_store = stored.table.log_store();
        let views: Vec<_> = state.snapshot().file_views(log_store.as_ref(), None).try_collect().await?;
        let folder = location.path().canonicalize()?;
        let files = Files::new(views, &folder)?;
        let config = DeltaScanConfig::new_from_session(system.as_ref())
            .with_wrap_partition_values(false)
            .with_parquet_pushdown(false)
            .with_file_column_name(format!("{address}_file"));
        let scan = DeltaScanNext::new(state.snapshot().clone(), config).map_err(WriteError::from_input)?;
        let mut fields: Vec<_> = stored.schema.fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(address, DataType::Int64, false)));
        let schema = Arc::new(Schema::new(fields));
        Ok(Self { scan, folder, files: Arc::new(files), schema, system: Arc::clone(system) })
    }

    /// How many columns are stored; the address comes after them.
    fn width(&self) -> usize {
        self.schema.fields().len().saturating_sub(1)
    }

    /// What takes a file out of the table.
    pub(super) fn removed(&self, file: i64) -> Option<Remove> {
        let view = usize::try_from(file).ok().and_then(|at| self.files.views.get(at));
        view.map(|view| view.remove_action(true))
    }

    /// All rows of all files, to be narrowed to one file at a time by `one_file`.
    pub(super) async fn whole(&self) -> Result<Arc<dyn ExecutionPlan>> {
        self.stored_plan(&self.scan, self.system.as_ref(), &(0..self.width()).collect::<Vec<_>>(), &[]).await
    }

    /// The rows of one file, in their order, with their addresses.
    pub(super) async fn one_file(&self, whole: &Arc<dyn ExecutionPlan>, file: i64) -> Result<Arc<dyn ExecutionPlan>> {
        let path = usize::try_from(file).ok().and_then(|at| self.files.paths.get(at));
        let path = path.ok_or_else(|| internal_datafusion_err!("there is no file {file}"))?;
        let plan = if self.files.have_deletion_vectors {
            // A plan with deletion vectors is not narrowed afterwards.
            let url = self.files.met.lock().get(&file).cloned();
            let url = url.ok_or_else(|| internal_datafusion_err!("file {file} was not met"))?;
            let scan = self.scan.clone().with_file_paths([url]);
            self.stored_plan(&scan, self.system.as_ref(), &(0..self.width()).collect::<Vec<_>>(), &[]).await?
        } else {
            regrouped(whole, |files| vec![files.into_iter().filter(|found| found == path).collect()])?
        };
        let outputs = (0..=self.width()).collect();
        Ok(self.numbered(plan, outputs))
    }

    /// The plan of deltalake for these stored columns and the file of each row.
    async fn stored_plan(
        &self,
        scan: &DeltaScanNext,
        session: &dyn Session,
        columns: &[usize],
        filters: &[Expr],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut projection = columns.to_vec();
        if projection.is_empty() {
            // Without a column the log would answer for the files.
            projection.push(0);
        }
        projection.push(self.width());
        let plan = scan.scan(session, Some(&projection), filters, None).await?;
        require_inside(&plan, &self.folder)?;
        Ok(plan)
    }

    /// A leaf over a plan of `stored_plan`; `outputs` says for each column whether it is one of the plan's, or (by `width`) the address.
    fn numbered(&self, plan: Arc<dyn ExecutionPlan>, outputs: Vec<usize>) -> Arc<dyn ExecutionPlan> {
        let stored = plan.schema().fields().len().saturating_sub(1);
        let fields = outputs.iter().map(|at| match *at < stored {
            true => plan.schema().fields().get(*at).cloned(),
            false => self.schema.fields().last().cloned(),
        });
        let schema = Arc::new(Schema::new(fields.flatten().collect::<Vec<_>>()));
        let (files, shown) = (Arc::clone(&self.files), Arc::clone(&schema));
        let partitions = plan.output_partitioning().partition_count();
        let leaf = MadeExec::new(schema, partitions, move |partition, context| {
            let mut numbers = Numbers { files: Arc::clone(&files), next: HashMap::new() };
            let (schema, outputs) = (Arc::clone(&shown), outputs.clone());
            let rows = plan.execute(partition, context)?;
            let numbered = rows.map(move |batch| numbers.take(&batch?, &outputs, &schema));
            Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&shown), numbered)))
        });
        Arc::new(leaf)
    }
}

impl fmt::Debug for AddressedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressedTable")
    }
}

#[async_trait]
impl TableProvider for AddressedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Filters choose files at most.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted = projection.cloned().unwrap_or_else(|| (0..=self.width()).collect());
        let stored: Vec<usize> = wanted.iter().copied().filter(|at| *at < self.width()).collect();
        let mut chosen = None;
        if !filters.is_empty() && !self.files.have_deletion_vectors {
            let address = self.schema.fields().last().map(|field| field.name().as_str());
            let plain = filters.iter().filter(|f| f.column_refs().iter().all(|c| Some(c.name.as_str()) != address));
            let plain: Vec<Expr> = plain.cloned().collect();
            chosen = Some(files_in(&self.stored_plan(&self.scan, session, &stored, &plain).await?)?);
        }
        let mut plan = self.stored_plan(&self.scan, session, &stored, &[]).await?;
        if !self.files.have_deletion_vectors {
            let groups = session.config().target_partitions().max(1);
            plan = regrouped(&plan, |mut files| {
                files.retain(|file| chosen.as_ref().is_none_or(|chosen| chosen.contains(file)));
                let each = files.len().div_ceil(groups).max(1);
                files.chunks(each).map(<[PathBuf]>::to_vec).collect()
            })?;
        }
        let mut given = 0..;
        let outputs = wanted.iter().map(|at| if *at < self.width() { given.next().unwrap_or(0) } else { usize::MAX });
        Ok(self.numbered(plan, outputs.collect()))
    }
}

impl Files {
    fn new(views: Vec<LogicalFileView>, folder: &Path) -> Result<Self, WriteError> {
        if views.len() >= MOST_FILES {
            return Err(WriteError::Unsupported(format!("changing rows of a table with {} files", views.len())));
        }
        let path = |view: &LogicalFileView| {
            let named = view.path();
            let absolute = Url::parse(&named).ok().and_then(|url| url.to_file_path().ok());
            absolute.unwrap_or_else(|| folder.join(named.as_ref()))
        };
        let paths: Vec<PathBuf> = views.iter().map(path).collect();
        let places = paths.iter().cloned().zip(0_i64..).collect();
        let have_deletion_vectors = views.iter().any(|view| view.remove_action(true).deletion_vector.is_some());
        Ok(Self { views, paths, places, have_deletion_vectors, met: Mutex::default() })
    }

    /// The file that deltalake calls by this URL.
    fn called(&self, url: &str) -> Result<i64> {
        let path = Url::parse(url).ok().and_then(|url| url.to_file_path().ok());
        let place = path.and_then(|path| self.places.get(&path).copied());
        let place = place.ok_or_else(|| internal_datafusion_err!("a row is of no file of the table"))?;
        self.met.lock().insert(place, url.to_owned());
        Ok(place)
    }
}

/// The next row of each file, for one reader.
struct Numbers {
    files: Arc<Files>,
    next: HashMap<String, (i64, i64)>,
}

impl Numbers {
    /// A batch of `stored_plan` with addresses for the names of files.
    fn take(&mut self, batch: &RecordBatch, outputs: &[usize], schema: &SchemaRef) -> Result<RecordBatch> {
        let Some((names, stored)) = batch.columns().split_last() else { return internal_err!("rows without a file") };
        let addresses: ArrayRef = Arc::new(self.addresses(names)?);
        let column = |at: &usize| stored.get(*at).cloned().unwrap_or_else(|| Arc::clone(&addresses));
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let columns = outputs.iter().map(column).collect();
        Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
    }

    fn addresses(&mut self, names: &ArrayRef) -> Result<Int64Array> {
        let names = names.as_dictionary_opt::<UInt16Type>();
        let names = names.ok_or_else(|| internal_datafusion_err!("the files of rows are no dictionary"))?;
        let values = cast(names.values(), &DataType::Utf8)?;
        let values = values.as_string::<i32>();
        let mut addresses = Vec::with_capacity(names.len());
        for key in names.keys() {
            let key = key.map(usize::from).filter(|key| *key < values.len() && values.is_valid(*key));
            let key = key.ok_or_else(|| internal_datafusion_err!("a row is of no file"))?;
            addresses.push(self.next_of(values.value(key))?);
        }
        Ok(Int64Array::from(addresses))
    }

    fn next_of(&mut self, url: &str) -> Result<i64> {
        if !self.next.contains_key(url) {
            let file = self.files.called(url)?;
            self.next.insert(url.to_owned(), (file, 0));
        }
        let Some((file, next)) = self.next.get_mut(url) else { return internal_err!("a file without a number") };
        let row = *next;
        if row >> ROW_BITS != 0 {
            return internal_err!("a file has too many rows");
        }
        *next += 1;
        Ok((*file << ROW_BITS) | row)
    }
}

/// The files that a plan reads.
fn files_in(plan: &Arc<dyn ExecutionPlan>) -> Result<HashSet<PathBuf>> {
    let mut found = HashSet::new();
    plan.apply(|node| {
        if let Some(scan) = file_scan(node) {
            found.extend(
                scan.file_groups.iter().flat_map(FileGroup::iter).map(|file| local(&file.object_meta.location)),
            );
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// A plan with the files of each of its sources in other groups. A file stays whole.
fn regrouped(
    plan: &Arc<dyn ExecutionPlan>,
    group: impl Fn(Vec<PathBuf>) -> Vec<Vec<PathBuf>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let changed = Arc::clone(plan).transform_up(|node| {
        let Some(scan) = file_scan(&node) else { return Ok(Transformed::no(node)) };
        let files: HashMap<PathBuf, _> = scan
            .file_groups
            .iter()
            .flat_map(FileGroup::iter)
            .map(|file| (local(&file.object_meta.location), file.clone()))
            .collect();
        let order = scan.file_groups.iter().flat_map(FileGroup::iter).map(|file| local(&file.object_meta.location));
        let mut groups: Vec<FileGroup> = Vec::new();
        for paths in group(order.collect()) {
            groups.push(FileGroup::new(paths.iter().filter_map(|path| files.get(path).cloned()).collect()));
        }
        if groups.is_empty() {
            groups.push(FileGroup::new(Vec::new()));
        }
        let scan = FileScanConfigBuilder::from(scan.clone()).with_file_groups(groups).build();
        Ok(Transformed::yes(DataSourceExec::from_data_source(scan) as Arc<dyn ExecutionPlan>))
    })?;
    Ok(changed.data)
}

fn file_scan(node: &Arc<dyn ExecutionPlan>) -> Option<&FileScanConfig> {
    node.downcast_ref::<DataSourceExec>().and_then(|source| source.data_source().downcast_ref::<FileScanConfig>())
}

fn local(location: &object_store::path::Path) -> PathBuf {
    Path::new("/").join(location.as_ref())
}
