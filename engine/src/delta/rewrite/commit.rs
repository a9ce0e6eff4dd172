//! Writing the new files, and the one commit that puts them in the place of the old ones.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Int8Type, Schema, SchemaRef};
use datafusion::common::internal_datafusion_err;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, Add, AddCDCFile};
use deltalake::logstore::LogStore;
use deltalake::protocol::DeltaOperation;
use deltalake::writer::{DeltaWriter, RecordBatchWriter};
use deltalake::{DeltaTable, DeltaTableError, Path};
use futures::StreamExt;
use object_store::ObjectStoreExt;

use super::super::open::OpenTable;
use super::super::write_error::{RowFault, WriteError};
use super::rows::Job;
use super::{Rewritten, Tag};
use crate::governed::ScanFault;

/// About how large a new file may grow.
const FILE_BYTES: u64 = 128 << 20;
/// Where the files of a change data feed are, in the folder of the table.
const FEED: &str = "_change_data";
/// The column of a change data feed that says what happened.
const CHANGE_TYPE: &str = "_change_type";
const FEED_PROPERTY: &str = "delta.enableChangeDataFeed";

/// Refuses tables whose rows can't be changed, before any is read.
pub(super) fn refuse_unsupported(table: &DeltaTable) -> Result<(), WriteError> {
    let snapshot = table.snapshot()?;
    let property = |key: &str| snapshot.metadata().configuration().get(key).map(|value| value.to_lowercase());
    if property("delta.appendOnly").as_deref() == Some("true") {
        return Err(WriteError::AppendOnly);
    }
    let mode = property("delta.columnMapping.mode");
    if mode.is_some_and(|mode| mode != "none") {
        return Err(WriteError::Unsupported("UPDATE, DELETE and MERGE of a table with column mapping".to_owned()));
    }
    for key in ["delta.enableRowTracking", "delta.enableIcebergCompatV1", "delta.enableIcebergCompatV2"] {
        if property(key).as_deref() == Some("true") {
            return Err(WriteError::Unsupported(format!(
                "UPDATE, DELETE and MERGE of a table with the property `{key}`"
            )));
        }
    }
    Ok(())
}

/// Whether the table keeps a change data feed. Under the newest writer protocol the property counts only with the feature.
pub(super) fn feeds_changes(table: &DeltaTable) -> Result<bool, WriteError> {
    let snapshot = table.snapshot()?;
    let on =
        snapshot.metadata().configuration().get(FEED_PROPERTY).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let protocol = snapshot.protocol();
    let named = |features: &[_]| features.iter().any(|feature| format!("{feature}") == "changeDataFeed");
    let has_feature = protocol.min_writer_version() < 7 || protocol.writer_features().is_some_and(named);
    Ok(on && has_feature)
}

/// New files that are in no version of the table yet.
pub(super) struct Staged {
    adds: Vec<Add>,
    feed: Vec<AddCDCFile>,
}

/// Writes the rows; what a failed statement wrote is taken away.
pub(super) async fn stage(
    job: &Job,
    stored: &OpenTable,
    rows: Arc<dyn ExecutionPlan>,
    system: &SessionState,
) -> Result<Staged, WriteError> {
    let mut files = Files::new(job, stored)?;
    let filled = files.fill(rows, system).await;
    let (adds, feed) = files.finish().await?;
    let staged = Staged { adds, feed };
    if filled.is_err() {
        staged.discard(stored).await;
    }
    filled.map(|()| staged)
}

impl Staged {
    /// Puts the new files in the place of those that the changes touched; takes them away when that fails.
    pub(super) async fn commit(
        self,
        job: &Job,
        stored: &OpenTable,
        operation: DeltaOperation,
    ) -> Result<Rewritten, WriteError> {
        let committed = self.try_commit(job, stored, operation).await;
        if committed.is_err() {
            self.discard(stored).await;
        }
        committed
    }

    async fn try_commit(
        &self,
        job: &Job,
        stored: &OpenTable,
        operation: DeltaOperation,
    ) -> Result<Rewritten, WriteError> {
        let mut done = job.counts.now();
        let mut actions = Vec::new();
        for file in job.counts.touched.lock().iter() {
            let removed = job.table().removed(*file);
            let removed = removed.ok_or_else(|| judged(internal_datafusion_err!("there is no file {file}")))?;
            actions.push(Action::Remove(removed));
        }
        actions.extend(self.adds.iter().cloned().map(Action::Add));
        actions.extend(self.feed.iter().cloned().map(Action::Cdc));
        if actions.is_empty() {
            return Ok(done);
        }
        let state = stored.table.snapshot()?;
        let properties = CommitProperties::default().with_max_retries(0);
        let commit = CommitBuilder::from(properties).with_actions(actions);
        done.version = Some(commit.build(Some(state), stored.table.log_store(), operation).await?.version());
        Ok(done)
    }

    /// Deletes the files.
    pub(super) async fn discard(&self, stored: &OpenTable) {
        let store = stored.table.object_store();
        let feed = self.feed.iter().map(|file| file.path.as_str());
        for path in self.adds.iter().map(|add| add.path.as_str()).chain(feed) {
            let path = Path::parse(path).unwrap_or_else(|_| Path::from(path));
            if let Err(error) = store.delete(&path).await {
                tracing::warn!(%error, "a file of a statement that failed was not deleted");
            }
        }
    }
}

/// The files that are being written.
struct Files {
    data: RecordBatchWriter,
    feed: Option<RecordBatchWriter>,
}

impl Files {
    fn new(job: &Job, stored: &OpenTable) -> Result<Self, WriteError> {
        let data = RecordBatchWriter::for_table(&stored.table)?.with_target_file_size(FILE_BYTES);
        let feed = if job.feeds { Some(feed_writer(&stored.table, &data.arrow_schema())?) } else { None };
        Ok(Self { data, feed })
    }

    async fn fill(&mut self, rows: Arc<dyn ExecutionPlan>, system: &SessionState) -> Result<(), WriteError> {
        let mut stream = execute_stream(rows, system.task_ctx()).map_err(judged)?;
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(judged)?;
            let tags = batch.columns().last().and_then(|tags| tags.as_primitive_opt::<Int8Type>()).cloned();
            let tags = tags.ok_or_else(|| judged(internal_datafusion_err!("rows without tags")))?;
            let having = |wanted: &dyn Fn(i8) -> bool| {
                let mask: BooleanArray = tags.values().iter().map(|tag| Some(wanted(*tag))).collect();
                filter_record_batch(&batch, &mask).map_err(|error| judged(error.into()))
            };
            let staying = having(&|tag| tag <= Tag::Inserted as i8)?;
            if staying.num_rows() > 0 {
                let stored = under(&staying, &self.data.arrow_schema())?;
                self.data.write(stored).await?;
            }
            let Some(feed) = &mut self.feed else { continue };
            let changed = having(&|tag| tag != Tag::Kept as i8)?;
            if changed.num_rows() > 0 {
                feed.write(with_change_type(&changed, &feed.arrow_schema())?).await?;
            }
        }
        Ok(())
    }

    /// The files that were written, whole or not.
    async fn finish(&mut self) -> Result<(Vec<Add>, Vec<AddCDCFile>), WriteError> {
        let adds = self.data.flush().await?;
        let Some(feed) = &mut self.feed else { return Ok((adds, Vec::new())) };
        let feed = feed.flush().await?.into_iter().map(|add| AddCDCFile {
            path: format!("{FEED}/{}", add.path),
            size: add.size,
            partition_values: add.partition_values,
            data_change: false,
            tags: add.tags,
        });
        Ok((adds, feed.collect()))
    }
}

fn feed_writer(table: &DeltaTable, stored: &Schema) -> Result<RecordBatchWriter, WriteError> {
    let mut fields: Vec<_> = stored.fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(CHANGE_TYPE, DataType::Utf8, true)));
    let folder = table.log_store().root_url().join(&format!("{FEED}/"));
    let folder = folder.map_err(|error| DeltaTableError::InvalidTableLocation(error.to_string()))?;
    let partitions = table.snapshot()?.metadata().partition_columns().to_vec();
    Ok(RecordBatchWriter::try_new(folder.as_str(), Arc::new(Schema::new(fields)), Some(partitions), None)?)
}

/// A batch without its tags, under the schema of the files.
fn under(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, WriteError> {
    let columns = batch.columns().iter().take(schema.fields().len()).cloned().collect();
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(|error| judged(error.into()))
}

/// A batch with words for its tags.
fn with_change_type(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, WriteError> {
    let mut columns = batch.columns().to_vec();
    let tags = columns.pop().and_then(|tags| tags.as_primitive_opt::<Int8Type>().cloned());
    let tags = tags.ok_or_else(|| judged(internal_datafusion_err!("rows without tags")))?;
    let word = |tag: &i8| match *tag {
        tag if tag == Tag::Inserted as i8 => "insert",
        tag if tag == Tag::Updated as i8 => "update_postimage",
        tag if tag == Tag::Before as i8 => "update_preimage",
        _ => "delete",
    };
    columns.push(Arc::new(StringArray::from_iter_values(tags.values().iter().map(word))));
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(|error| judged(error.into()))
}

/// What making and judging the rows ran into: faults that are meant for the caller stay what they are.
fn judged(error: DataFusionError) -> WriteError {
    if RowFault::find(&error).is_some() || ScanFault::find(&error).is_some() {
        return WriteError::from_input(error);
    }
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => WriteError::Exhausted,
        _ => WriteError::Judged(Box::new(error)),
    }
}
