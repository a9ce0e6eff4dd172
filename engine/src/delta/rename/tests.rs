use std::collections::BTreeMap;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datafusion::physical_plan::collect;
use deltalake::operations::create::CreateBuilder;

use super::super::{
    Location, TableColumn, TableDefinition, WriteMode, append_batches, create_table, open_table, parse_sql_type,
    write_as_judged,
};
use super::*;
use crate::runtime::{Limits, Workshop};

fn column(name: &str, words: &str, nullable: bool) -> TableColumn {
    let comment = Some(format!("what {name} is"));
    TableColumn { name: name.to_owned(), data_type: parse_sql_type(words).unwrap(), nullable, comment }
}

fn definition(properties: &[(&str, &str)]) -> TableDefinition {
    TableDefinition {
        columns: vec![
            column("region", "STRING", true),
            column("id", "BIGINT", false),
            column("Pay", "DECIMAL(12,2)", true),
            column("home", "STRUCT<city: STRING, tags: ARRAY<STRING>>", true),
        ],
        partition_columns: vec!["region".to_owned()],
        properties: properties.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>(),
        description: Some("who works here".to_owned()),
    }
}

fn rows(from: i64, to: i64) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(from..to));
    let pay: ArrayRef = Arc::new(Int64Array::from_iter((from..to).map(|id| (id % 3 != 0).then_some(id * 10))));
    let region: ArrayRef = Arc::new(StringArray::from_iter((from..to).map(|id| ["EU", "US"].get(id as usize % 3))));
    RecordBatch::try_from_iter([("id", ids), ("pay", pay), ("region", region)]).unwrap()
}

/// The columns and the sorted rows of a table, read by the engine's own session.
async fn told(location: &Location, system: &SessionState) -> (Vec<String>, Vec<String>) {
    let stored = open_table(location.path(), None, system).await.unwrap();
    let raw = provider_as_source(Arc::new(stored.raw.clone()));
    let plan = LogicalPlanBuilder::scan("t", raw, None).unwrap().build().unwrap();
    let plan = system.create_physical_plan(&plan).await.unwrap();
    let batches = collect(plan, system.task_ctx()).await.unwrap();
    let shown = arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string();
    let mut lines: Vec<_> = shown.lines().skip(3).map(str::to_owned).collect();
    lines.sort();
    (stored.schema.fields().iter().map(|field| field.name().clone()).collect(), lines)
}

fn system() -> (Workshop, Arc<SessionState>) {
    let workshop = Workshop::new(Limits::default()).unwrap();
    let system = Arc::new(workshop.system().unwrap());
    (workshop, system)
}

#[tokio::test]
async fn all_but_the_name_stays() {
    let root = tempfile::tempdir().unwrap();
    let location = Location::from_path(&root.path().join("a b/t")).unwrap();
    let (_workshop, system) = system();
    create_table(&location, &definition(&[("team", "sales"), ("delta.checkpointInterval", "5")])).await.unwrap();
    for batch in [rows(0, 10), rows(10, 1000)] {
        append_batches(&location, vec![batch], &ColumnMatch::Name, &system).await.unwrap();
    }
    let before = open_table(location.path(), None, &system).await.unwrap();
    let (columns, lines) = told(&location, &system).await;
    let written = rename_column(&before, "Pay", "wage", &system).await.unwrap();
    assert_eq!(written, Written { version: 3, rows: 1000 });
    let after = open_table(location.path(), None, &system).await.unwrap();
    let renamed = |name: &String| if name == "Pay" { "wage".to_owned() } else { name.clone() };
    let (found, same) = told(&location, &system).await;
    assert_eq!((found, same), (columns.iter().map(renamed).collect(), lines));
    let schema = table_schema(&after.table).unwrap();
    assert_eq!(schema, super::renamed(&table_schema(&before.table).unwrap(), "Pay", "wage").unwrap());
    assert!(!schema.field_with_name("id").unwrap().is_nullable());
    assert_eq!(schema.field_with_name("wage").unwrap().metadata()["comment"], "what Pay is");
    let [old, new] = [&before, &after].map(|open| open.table.snapshot().unwrap().metadata().clone());
    assert_eq!((old.id(), old.description()), (new.id(), new.description()));
    assert_eq!((old.partition_columns(), old.configuration()), (new.partition_columns(), new.configuration()));
    // It goes on as a table of its own.
    append_batches(
        &location,
        vec![rows(0, 2)],
        &ColumnMatch::Listed(["id", "WAGE", "region"].map(str::to_owned).into()),
        &system,
    )
    .await
    .unwrap();
    assert_eq!(told(&location, &system).await.1.len(), 1002 + 1);
}

#[tokio::test]
async fn rows_that_come_in_between_are_not_lost() {
    let root = tempfile::tempdir().unwrap();
    let location = Location::from_path(&root.path().join("t")).unwrap();
    let (_workshop, system) = system();
    create_table(&location, &definition(&[])).await.unwrap();
    append_batches(&location, vec![rows(0, 3)], &ColumnMatch::Name, &system).await.unwrap();
    let seen = open_table(location.path(), None, &system).await.unwrap();
    append_batches(&location, vec![rows(3, 5)], &ColumnMatch::Name, &system).await.unwrap();
    let error = rename_column(&seen, "Pay", "wage", &system).await.unwrap_err();
    assert!(matches!(error, WriteError::Conflict), "{error:?}");
    let (columns, lines) = told(&location, &system).await;
    assert!(columns.contains(&"Pay".to_owned()) && lines.len() == 5 + 1, "{columns:?} {lines:?}");
}

#[tokio::test]
async fn an_empty_table_is_renamed_and_only_to_a_name_that_is_free() {
    let root = tempfile::tempdir().unwrap();
    let location = Location::from_path(&root.path().join("t")).unwrap();
    let (_workshop, system) = system();
    create_table(&location, &definition(&[])).await.unwrap();
    let stored = open_table(location.path(), None, &system).await.unwrap();
    for (from, to) in [("Pay", "ID"), ("pay", "x"), ("Pay", "a b"), ("Pay", "a,b")] {
        rename_column(&stored, from, to, &system).await.unwrap_err();
    }
    assert_eq!(rename_column(&stored, "Pay", "pay", &system).await.unwrap(), Written { version: 1, rows: 0 });
    assert_eq!(told(&location, &system).await.0, ["region", "id", "pay", "home"]);
}

#[tokio::test]
async fn what_may_depend_on_the_name_is_left_alone() {
    let (_workshop, system) = system();
    for property in [
        ("delta.columnMapping.mode", "name"),
        ("delta.enableChangeDataFeed", "true"),
        ("delta.appendOnly", "true"),
        ("delta.constraints.paid", "Pay > 0"),
    ] {
        let root = tempfile::tempdir().unwrap();
        let location = Location::from_path(root.path()).unwrap();
        let columns = definition(&[]).kernel_columns().unwrap();
        let made = CreateBuilder::new().with_location(location.url().unwrap().as_str()).with_columns(columns);
        let made = made.with_configuration([(property.0, Some(property.1))]).with_raise_if_key_not_exists(false);
        made.await.unwrap();
        let stored = open_table(location.path(), None, &system).await.unwrap();
        let error = rename_column(&stored, "Pay", "wage", &system).await.unwrap_err();
        assert!(matches!(error, WriteError::Unsupported(_) | WriteError::AppendOnly), "{property:?}: {error:?}");
        assert_eq!(open_table(location.path(), None, &system).await.unwrap().version, 0);
    }
}

#[tokio::test]
async fn rows_for_columns_that_were_renamed_meanwhile_are_not_written() {
    let root = tempfile::tempdir().unwrap();
    let location = Location::from_path(&root.path().join("t")).unwrap();
    let (_workshop, system) = system();
    create_table(&location, &definition(&[])).await.unwrap();
    let judged = open_table(location.path(), None, &system).await.unwrap();
    let rows = || {
        let batch = rows(0, 3);
        let schema = batch.schema();
        datafusion::datasource::memory::MemorySourceConfig::try_new_exec(&[vec![batch]], schema, None).unwrap()
    };
    let write = |table| write_as_judged(&location, table, WriteMode::Append, rows(), &ColumnMatch::Name, &system);
    assert_eq!(write(&judged.table).await.unwrap().rows, 3);
    let newest = open_table(location.path(), None, &system).await.unwrap();
    rename_column(&newest, "home", "base", &system).await.unwrap();
    let error = write(&judged.table).await.unwrap_err();
    assert!(matches!(error, WriteError::Conflict), "{error:?}");
}
