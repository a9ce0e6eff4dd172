//! Statements with parameters, as drivers prepare and run them.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use lakewarden_engine::{EngineError, Session};

use crate::driver::World;

async fn session() -> (World, Session) {
    let world = World::new();
    let session = world.session("admin");
    for statement in ["CREATE CATALOG c", "CREATE SCHEMA c.s", "USE c.s", "CREATE TABLE t (id BIGINT, name STRING)"] {
        session.run(statement).await.unwrap();
    }
    (world, session)
}

async fn names(session: &Session, sql: &str, values: Vec<ScalarValue>) -> Result<Vec<String>, EngineError> {
    let batches = session.run_with(sql, values).await?.collect().await?;
    let column = |batch: &arrow::record_batch::RecordBatch| {
        let text = arrow::compute::cast(batch.column(0), &DataType::Utf8).unwrap();
        let text = arrow::array::AsArray::as_string::<i32>(&text).clone();
        text.iter().map(|name| name.unwrap_or("NULL").to_owned()).collect::<Vec<_>>()
    };
    Ok(batches.iter().flat_map(column).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_of_insert_have_the_types_of_their_columns() {
    let (_world, session) = session().await;
    let described = session.describe("INSERT INTO t VALUES (?, ?), (7, ?)").await.unwrap();
    assert!(!described.is_query);
    assert_eq!(described.parameters.len(), 3);
    assert_eq!(described.parameters.first().unwrap(), &Some(DataType::Int64));
    assert!(described.parameters.iter().skip(1).all(|t| matches!(t, Some(DataType::Utf8 | DataType::Utf8View))));
    let swapped = session.describe("INSERT INTO t (name, id) VALUES (?, ?)").await.unwrap();
    assert_eq!(swapped.parameters.get(1).unwrap(), &Some(DataType::Int64));
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_bound_and_never_read_as_sql() {
    let (_world, session) = session().await;
    let hostile = "x'; DROP TABLE t; --";
    let values = vec![ScalarValue::Int64(Some(1)), ScalarValue::from(hostile)];
    session.run_with("INSERT INTO t VALUES (?, ?)", values).await.unwrap();
    let found = names(&session, "SELECT name FROM t WHERE id = ?", vec![ScalarValue::Int64(Some(1))]).await.unwrap();
    assert_eq!(found, [hostile]);
    let numbered = names(&session, "SELECT name FROM t WHERE id = $1 AND id = $1", vec![ScalarValue::Int64(Some(1))]);
    assert_eq!(numbered.await.unwrap(), [hostile]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_number_of_values_is_an_error() {
    let (_world, session) = session().await;
    let sql = "SELECT name FROM t WHERE id = ? AND name = ?";
    let refused = names(&session, sql, vec![ScalarValue::Int64(Some(1))]).await.unwrap_err();
    assert!(refused.to_string().contains("2 parameters and 1 values"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_does_not_take_the_callers_values() {
    let (_world, session) = session().await;
    session.run("INSERT INTO t VALUES (1, 'one'), (2, 'two')").await.unwrap();
    for definition in
        ["CREATE VIEW v AS SELECT name FROM t WHERE id = ?", "CREATE FUNCTION f() RETURNS STRING RETURN ?"]
    {
        let refused = session.run_with(definition, vec![ScalarValue::from("x")]).await;
        assert!(refused.is_err(), "{definition}");
    }
}
