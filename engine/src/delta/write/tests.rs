use std::collections::BTreeMap;

use arrow::array::{ArrayRef, AsArray, Int32Array, Int64Array, StringArray, StructArray, new_null_array};
use arrow::datatypes::{DataType, Field, Int64Type, SchemaRef};
use arrow::util::pretty::pretty_format_batches;
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::prelude::{SessionConfig, SessionContext, col};
use deltalake::kernel::StructField;
use deltalake::operations::create::CreateBuilder;
use futures::StreamExt;
use rstest::rstest;
use serde_json::json;

use super::super::definition::TableColumn;
use super::super::sql_type::parse_sql_type;
use super::super::write_error::RowFault;
use super::*;

fn session() -> SessionState {
    let config = SessionConfig::new().with_target_partitions(2);
    SessionStateBuilder::new_with_default_features().with_config(config).build()
}

fn definition(columns: &[(&str, &str, bool)], partitions: &[&str], properties: &[(&str, &str)]) -> TableDefinition {
    let columns = columns.iter().map(|(name, words, nullable)| TableColumn {
        name: (*name).to_owned(),
        data_type: parse_sql_type(words).unwrap(),
        nullable: *nullable,
        comment: None,
    });
    TableDefinition {
        columns: columns.collect(),
        partition_columns: partitions.iter().map(|name| (*name).to_owned()).collect(),
        properties: properties
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        description: None,
    }
}

fn batch(columns: &[(&str, ArrayRef)]) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.iter().map(|(name, array)| (*name, Arc::clone(array), true)))
        .unwrap()
}

fn source(batches: Vec<RecordBatch>) -> Arc<dyn ExecutionPlan> {
    let schema = batches[0].schema();
    MemorySourceConfig::try_new_exec(&[batches], schema, None).unwrap()
}

fn people() -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3]));
    let names: ArrayRef = Arc::new(StringArray::from(vec![Some("ann"), None, Some("canary-bob")]));
    batch(&[("id", ids), ("name", names)])
}

struct Fixture {
    _root: tempfile::TempDir,
    location: Location,
}

impl Fixture {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let location = Location::from_path(&root.path().join("t")).unwrap();
        Self { _root: root, location }
    }

    async fn with(definition: &TableDefinition) -> Self {
        let fixture = Self::new();
        create::create_table(&fixture.location, definition).await.unwrap();
        fixture
    }

    async fn append(&self, rows: RecordBatch) -> Result<Written, WriteError> {
        append_batches(&self.location, vec![rows], &ColumnMatch::Position, &session()).await
    }

    async fn shown(&self, order: &str) -> String {
        let table = open(&self.location).await.unwrap();
        let context = SessionContext::new();
        let frame = context.read_table(table.table_provider().await.unwrap()).unwrap();
        let batches = frame.sort(vec![col(order).sort(true, true)]).unwrap().collect().await.unwrap();
        pretty_format_batches(&batches)
            .unwrap()
            .to_string()
            .replace(['+', '-', '|'], " ")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    async fn version(&self) -> u64 {
        open(&self.location).await.unwrap().version().unwrap()
    }
}

#[tokio::test]
async fn appended_rows_are_cast_counted_and_read_back() {
    let fixture = Fixture::with(&definition(&[("id", "BIGINT", false), ("name", "STRING", true)], &[], &[])).await;
    assert_eq!(fixture.append(people()).await.unwrap(), Written { version: 1, rows: 3 });
    let one: ArrayRef = Arc::new(Int32Array::from(vec![4]));
    let written =
        append_batches(&fixture.location, vec![batch(&[("ID", one)])], &ColumnMatch::Name, &session()).await.unwrap();
    assert_eq!(written, Written { version: 2, rows: 1 });
    assert_eq!(fixture.shown("id").await, "id name 1 ann 2 3 canary bob 4");
    assert_eq!(
        append_batches(&fixture.location, vec![], &ColumnMatch::Name, &session()).await.unwrap(),
        Written { version: 2, rows: 0 }
    );
}

#[tokio::test]
async fn overwriting_replaces_all_rows() {
    let fixture = Fixture::with(&definition(&[("id", "INT", true), ("name", "STRING", true)], &[], &[])).await;
    fixture.append(people()).await.unwrap();
    let rows = source(vec![people().slice(0, 1)]);
    let written =
        write(&fixture.location, WriteMode::Overwrite, rows, &ColumnMatch::Position, &session()).await.unwrap();
    assert_eq!(written, Written { version: 2, rows: 1 });
    assert_eq!(fixture.shown("id").await, "id name 1 ann");
}

#[tokio::test]
async fn partitions_become_folders() {
    let fixture = Fixture::with(&definition(&[("name", "STRING", true), ("id", "INT", true)], &["name"], &[])).await;
    let written = append_batches(&fixture.location, vec![people()], &ColumnMatch::Name, &session()).await.unwrap();
    assert_eq!(written.rows, 3);
    assert!(fixture.location.path().join("name=ann").is_dir());
    assert_eq!(fixture.shown("id").await, "name id ann 1 2 canary bob 3");
}

#[tokio::test]
async fn a_null_where_none_may_be_changes_nothing() {
    let fixture = Fixture::with(&definition(&[("id", "INT", true), ("name", "STRING", false)], &[], &[])).await;
    let error = fixture.append(people()).await.unwrap_err();
    assert!(matches!(&error, WriteError::Row(RowFault::NotNull(name)) if name == "name"), "{error}");
    assert_eq!(fixture.version().await, 0);
}

#[tokio::test]
async fn a_broken_constraint_quotes_no_row() {
    let fixture = Fixture::with(&definition(&[("id", "INT", true), ("name", "STRING", true)], &[], &[])).await;
    open(&fixture.location).await.unwrap().add_constraint().with_constraint("small", "id < 3").await.unwrap();
    let error = fixture.append(people()).await.unwrap_err();
    assert!(matches!(error, WriteError::Constraint), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("canary"));
    assert_eq!(fixture.version().await, 1);
    fixture.append(people().slice(0, 2)).await.unwrap();
}

#[tokio::test]
async fn a_table_of_a_query_is_one_commit() {
    let fixture = Fixture::new();
    let rows = source(vec![people()]);
    let mut wanted = TableDefinition::of_query(&rows.schema()).unwrap();
    wanted.description = Some("people".to_owned());
    wanted.columns[0].comment = Some("who".to_owned());
    let written = create_table_as(&fixture.location, &wanted, rows, &session()).await.unwrap();
    assert_eq!(written, Written { version: 0, rows: 3 });
    let table = open(&fixture.location).await.unwrap();
    assert_eq!(table.snapshot().unwrap().metadata().description(), Some("people"));
    assert_eq!(&table_schema(&table).unwrap(), wanted.schema().unwrap().as_ref());
    assert_eq!(fixture.shown("id").await, "id name 1 ann 2 3 canary bob");
    let again = create_table_as(&fixture.location, &wanted, source(vec![people()]), &session()).await;
    assert!(matches!(again, Err(WriteError::NotEmpty)));
}

#[rstest]
#[case(&[], &[("delta.columnMapping.mode", "name")])]
#[case(&["name"], &[])]
#[case(&[], &[("delta.enableChangeDataFeed", "true")])]
#[case(&[], &[("delta.enableDeletionVectors", "true")])]
#[tokio::test]
async fn tables_of_queries_with_features_are_written_and_read(
    #[case] partitions: &[&str],
    #[case] properties: &[(&str, &str)],
) {
    let fixture = Fixture::new();
    let wanted = definition(&[("id", "INT", true), ("name", "STRING", true)], partitions, properties);
    create_table_as(&fixture.location, &wanted, source(vec![people()]), &session()).await.unwrap();
    fixture.append(people().slice(0, 1)).await.unwrap();
    let ids = fixture.shown("id").await;
    assert!(ids.starts_with("id name 1 ann 1 ann 2"), "{ids}");
}

#[tokio::test]
async fn a_query_without_rows_makes_an_empty_table() {
    let fixture = Fixture::new();
    let wanted = definition(&[("id", "INT", true), ("name", "STRING", true)], &[], &[]);
    let written =
        create_table_as(&fixture.location, &wanted, source(vec![people().slice(0, 0)]), &session()).await.unwrap();
    assert_eq!(written, Written { version: 0, rows: 0 });
    assert_eq!(fixture.append(people()).await.unwrap().rows, 3);
}

#[tokio::test]
async fn a_failed_table_of_a_query_leaves_nothing() {
    let fixture = Fixture::new();
    let wanted = definition(&[("id", "INT", true), ("name", "DATE", true)], &["name"], &[]);
    let error = create_table_as(&fixture.location, &wanted, source(vec![people()]), &session()).await.unwrap_err();
    assert!(matches!(error, WriteError::Row(RowFault::Cast { .. })), "{error:?}");
    assert_eq!(std::fs::read_dir(fixture.location.path()).unwrap().count(), 0);
    let wanted = definition(&[("id", "INT", true), ("name", "STRING", true)], &["name"], &[]);
    create_table_as(&fixture.location, &wanted, source(vec![people()]), &session()).await.unwrap();
}

#[tokio::test]
async fn an_append_only_table_is_not_overwritten() {
    let fixture = Fixture::with(&definition(
        &[("id", "INT", true), ("name", "STRING", true)],
        &[],
        &[("delta.appendOnly", "true")],
    ))
    .await;
    fixture.append(people()).await.unwrap();
    let error =
        write(&fixture.location, WriteMode::Overwrite, source(vec![people()]), &ColumnMatch::Position, &session())
            .await;
    assert!(matches!(error, Err(WriteError::AppendOnly)));
}

#[tokio::test]
async fn a_table_that_is_not_there_is_not_found() {
    let fixture = Fixture::new();
    assert!(matches!(fixture.append(people()).await, Err(WriteError::NotFound)));
    assert!(!fixture.location.path().exists());
    std::fs::create_dir(fixture.location.path()).unwrap();
    assert!(matches!(fixture.append(people()).await, Err(WriteError::NotFound)));
}

#[tokio::test]
async fn a_feature_that_is_not_built_is_named() {
    let fixture = Fixture::new();
    let log = fixture.location.path().join("_delta_log");
    std::fs::create_dir_all(&log).unwrap();
    let protocol = json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["rowTracking", "domainMetadata"]}});
    let schema =
        json!({"type": "struct", "fields": [{"name": "id", "type": "integer", "nullable": true, "metadata": {}}]});
    let metadata = json!({"metaData": {"id": "t", "format": {"provider": "parquet", "options": {}}, "schemaString": schema.to_string(),
        "partitionColumns": [], "configuration": {}, "createdTime": 0}});
    std::fs::write(log.join("00000000000000000000.json"), format!("{protocol}\n{metadata}\n")).unwrap();
    let ids: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    let error = fixture.append(batch(&[("id", ids)])).await.unwrap_err();
    let WriteError::Unsupported(what) = error else { panic!("{error:?}") };
    assert!(what.contains("`rowTracking`"), "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_at_the_same_time_all_count() {
    let fixture = Fixture::with(&definition(&[("id", "INT", true), ("name", "STRING", true)], &[], &[])).await;
    let done = futures::future::join_all((0..4).map(|_| fixture.append(people()))).await;
    let mut versions: Vec<_> = done.into_iter().map(|written| written.unwrap().version).collect();
    versions.sort_unstable();
    assert_eq!(versions, [1, 2, 3, 4]);
    assert_eq!(fixture.shown("id").await.matches("ann").count(), 4);
}

async fn append_generated(key: &str, twice: Option<i32>, fixture: &Fixture) -> Result<Written, WriteError> {
    let one = |value: i32| Arc::new(Int32Array::from(vec![value])) as ArrayRef;
    let mut columns = vec![(key, one(4))];
    columns.extend(twice.map(|twice| ("twice", one(twice))));
    append_batches(&fixture.location, vec![batch(&columns)], &ColumnMatch::Name, &session()).await
}

#[tokio::test]
async fn generated_columns_are_computed_and_checked() {
    for key in ["id", "Id"] {
        let fixture = Fixture::new();
        std::fs::create_dir_all(fixture.location.path()).unwrap();
        let generation = [("delta.generationExpression", format!("{key} * 2"))];
        let whole = deltalake::kernel::DataType::INTEGER;
        CreateBuilder::new()
            .with_location(fixture.location.path().to_str().unwrap())
            .with_columns([
                StructField::nullable(key, whole.clone()),
                StructField::nullable("twice", whole).with_metadata(generation),
            ])
            .await
            .unwrap();
        let done = [append_generated(key, Some(9), &fixture).await, append_generated(key, Some(8), &fixture).await];
        let computed = append_generated(key, None, &fixture).await;
        if key == "id" {
            assert!(matches!(done, [Err(WriteError::Constraint), Ok(_)]), "{done:?}");
            assert_eq!(computed.unwrap().version, 2);
            assert_eq!(fixture.shown("twice").await, "id twice 4 8 4 8");
        } else {
            assert!(
                matches!((&done[1], computed), (Err(WriteError::Unsupported(_)), Err(WriteError::Unsupported(_)))),
                "{done:?}"
            );
        }
    }
}

#[tokio::test]
async fn nested_values_are_stored_and_nested_nulls_are_judged() {
    let words = "STRUCT<a: INT NOT NULL, b: ARRAY<STRING>>";
    let fixture = Fixture::with(&definition(&[("s", words, true)], &[], &[])).await;
    let fields =
        vec![Field::new("a", DataType::Int32, true), Field::new("b", DataType::new_list(DataType::Utf8, true), true)];
    let rows = |values: Vec<Option<i32>>| {
        let lists = new_null_array(fields[1].data_type(), values.len());
        let columns: Vec<ArrayRef> = vec![Arc::new(Int32Array::from(values)), lists];
        batch(&[("s", Arc::new(StructArray::try_new(fields.clone().into(), columns, None).unwrap()))])
    };
    fixture.append(rows(vec![Some(1), Some(2)])).await.unwrap();
    let error = fixture.append(rows(vec![Some(1), None])).await.unwrap_err();
    assert!(matches!(error, WriteError::Row(RowFault::Cast { .. }) | WriteError::Constraint), "{error:?}");
    assert_eq!(fixture.version().await, 1);
}

#[tokio::test]
async fn the_memory_of_the_session_is_what_the_rows_may_use() {
    let fixture = Fixture::with(&definition(&[("id", "BIGINT", true)], &[], &[])).await;
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..200_000));
    let order = PhysicalSortExpr::new_default(Arc::new(Column::new("id", 0)));
    let sort = |ids| SortExec::new(LexOrdering::new([order.clone()]).unwrap(), source(vec![batch(&[("id", ids)])]));
    let pool = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(GreedyMemoryPool::new(10_000))).build_arc().unwrap();
    let small = SessionStateBuilder::new_from_existing(session()).with_runtime_env(pool).build();
    let append = async |session| {
        write(&fixture.location, WriteMode::Append, Arc::new(sort(Arc::clone(&ids))), &ColumnMatch::Position, session)
            .await
    };
    assert!(matches!(append(&small).await, Err(WriteError::Exhausted)));
    assert_eq!(append(&session()).await.unwrap().rows, 200_000);
}

#[tokio::test]
async fn an_error_of_the_rows_stays_theirs() {
    let fixture = Fixture::with(&definition(&[("id", "INT", true)], &[], &[])).await;
    let context = SessionContext::new_with_state(session());
    let ids: ArrayRef = Arc::new(Int32Array::from(vec![1, 0]));
    let frame = context.read_batch(batch(&[("id", ids)])).unwrap();
    let plan =
        frame.select(vec![datafusion::prelude::lit(1) / col("id")]).unwrap().create_physical_plan().await.unwrap();
    let error =
        write(&fixture.location, WriteMode::Append, plan, &ColumnMatch::Position, &session()).await.unwrap_err();
    let WriteError::Input(inner) = &error else { panic!("{error:?}") };
    assert!(inner.to_string().to_lowercase().contains("divide by zero"), "{inner}");
}

#[tokio::test]
async fn a_written_file_says_how_many_rows_and_which_values_it_holds() {
    let fixture = Fixture::with(&definition(&[("id", "BIGINT", true), ("name", "STRING", true)], &[], &[])).await;
    fixture.append(people()).await.unwrap();
    let table = open(&fixture.location).await.unwrap();
    let actions = table.snapshot().unwrap().snapshot().add_actions_table(true).unwrap();
    assert_eq!(actions.column_by_name("num_records").unwrap().as_primitive::<Int64Type>().value(0), 3);
    assert_eq!(actions.column_by_name("max.id").unwrap().as_primitive::<Int64Type>().value(0), 3);
}

#[rstest]
#[case("BOOLEAN", "true", "true")]
#[case("TINYINT", "-128", "-128")]
#[case("SMALLINT", "32767", "32767")]
#[case("INT", "7", "7")]
#[case("BIGINT", "9223372036854775807", "9223372036854775807")]
#[case("FLOAT", "0.5", "0.5")]
#[case("DOUBLE", "1e10", "10000000000.0")]
#[case("DECIMAL(38,10)", "12345678901234567890.0123456789", "12345678901234567890.0123456789")]
#[case("STRING", "ä", "ä")]
#[case("BINARY", "ab", "6162")]
#[case("DATE", "0001-01-01", "0001-01-01")]
#[case("TIMESTAMP", "1999-12-31T23:59:59.123456", "1999-12-31T23:59:59.123456Z")]
#[case("TIMESTAMP_NTZ", "1999-12-31T23:59:59.123456", "1999-12-31T23:59:59.123456")]
#[tokio::test]
async fn every_simple_type_goes_in_and_comes_out(#[case] words: &str, #[case] text: &str, #[case] shown: &str) {
    let whole = Fixture::with(&definition(&[("c", words, true)], &[], &[])).await;
    let by_value = definition(&[("c", words, true), ("n", "INT", true)], &["c"], &[]);
    let parted = match words {
        "BINARY" => {
            assert!(matches!(by_value.validate(), Err(WriteError::Unsupported(_))));
            None
        }
        _ => Some(Fixture::with(&by_value).await),
    };
    let values: ArrayRef = Arc::new(StringArray::from(vec![Some(text), None]));
    let rows = batch(&[("c", values)]);
    for fixture in [Some(whole), parted].iter().flatten() {
        append_batches(&fixture.location, vec![rows.clone()], &ColumnMatch::Name, &session()).await.unwrap();
        let table = open(&fixture.location).await.unwrap();
        let frame = SessionContext::new().read_table(table.table_provider().await.unwrap()).unwrap();
        let sorted = frame.sort(vec![col("c").sort(true, false)]).unwrap().collect().await.unwrap();
        let values = arrow::compute::concat_batches(&sorted[0].schema(), &sorted).unwrap();
        assert_eq!(arrow::util::display::array_value_to_string(values.column(0), 0).unwrap(), shown);
        assert!(values.column(0).is_null(1) && values.num_rows() == 2);
    }
}

#[tokio::test]
async fn a_partition_value_that_no_folder_can_be_named_by_is_refused() {
    let fixture = Fixture::with(&definition(&[("name", "STRING", true), ("id", "INT", true)], &["name"], &[])).await;
    let long: ArrayRef = Arc::new(StringArray::from(vec!["canary".repeat(100)]));
    let error = append_batches(&fixture.location, vec![batch(&[("name", long)])], &ColumnMatch::Name, &session())
        .await
        .unwrap_err();
    assert!(matches!(&error, WriteError::Unsupported(what) if !what.contains("canary")), "{error:?}");
    assert_eq!(fixture.version().await, 0);
}

#[derive(Debug)]
struct Endless(SchemaRef);

impl PartitionStream for Endless {
    fn schema(&self) -> &SchemaRef {
        &self.0
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = futures::stream::once(async { Ok(people()) }).chain(futures::stream::pending());
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.0), rows))
    }
}

#[tokio::test]
async fn a_write_that_is_dropped_commits_nothing() {
    let fixture = Fixture::with(&definition(&[("id", "INT", true), ("name", "STRING", true)], &[], &[])).await;
    let endless = Arc::new(Endless(people().schema()));
    let schema = Arc::clone(&endless.0);
    let rows = Arc::new(StreamingTableExec::try_new(schema, vec![endless], None, vec![], false, None).unwrap());
    let session = session();
    let writing = write(&fixture.location, WriteMode::Append, rows, &ColumnMatch::Position, &session);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(200), writing).await.is_err());
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(fixture.version().await, 0);
    let files = std::fs::read_dir(fixture.location.path()).unwrap().filter_map(Result::ok);
    assert!(files.map(|file| file.file_name()).all(|name| name == "_delta_log"), "a part of a file stayed");
    assert_eq!(fixture.append(people()).await.unwrap().version, 1);
}
