use arrow::array::{AsArray, Float64Array, Int32Array, Int64Array, StringArray, StringViewArray};
use arrow::datatypes::Int32Type;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::physical_plan::collect;
use rstest::rstest;

use super::super::sql_type::parse_sql_type;
use super::*;

fn source(columns: &[(&str, ArrayRef)]) -> Arc<dyn ExecutionPlan> {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.iter().map(|(name, array)| (*name, Arc::clone(array), true)))
            .unwrap();
    MemorySourceConfig::try_new_exec(&[vec![batch.clone()]], batch.schema(), None).unwrap()
}

fn table(columns: &[(&str, &str, bool)]) -> Schema {
    let fields =
        columns.iter().map(|(name, words, nullable)| Field::new(*name, parse_sql_type(words).unwrap(), *nullable));
    Schema::new(fields.collect::<Vec<_>>())
}

fn ints(values: &[i32]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}

async fn rows(plan: Arc<dyn ExecutionPlan>) -> Result<RecordBatch, RowFault> {
    match collect(plan, Arc::new(TaskContext::default())).await {
        Ok(mut batches) => Ok(batches.remove(0)),
        Err(error) => Err(RowFault::find(&error).unwrap().clone()),
    }
}

fn values(batch: &RecordBatch, name: &str) -> Vec<Option<i32>> {
    batch.column_by_name(name).unwrap().as_primitive::<Int32Type>().iter().collect()
}

#[tokio::test]
async fn columns_are_found_by_place_by_list_and_by_name() {
    let target = table(&[("a", "INT", true), ("B", "INT", true)]);
    let given = source(&[("b", ints(&[1])), ("A", ints(&[2]))]);
    for (matching, a, b) in [
        (ColumnMatch::Position, Some(1), Some(2)),
        (ColumnMatch::Name, Some(2), Some(1)),
        (ColumnMatch::Listed(vec!["b".to_owned(), "a".to_owned()]), Some(2), Some(1)),
    ] {
        let batch = rows(conform(Arc::clone(&given), &target, &matching).unwrap()).await.unwrap();
        assert_eq!((values(&batch, "a"), values(&batch, "B")), (vec![a], vec![b]), "{matching:?}");
    }
    let one = source(&[("b", ints(&[1]))]);
    let batch = rows(conform(one, &target, &ColumnMatch::Name).unwrap()).await.unwrap();
    assert_eq!((values(&batch, "a"), values(&batch, "B")), (vec![None], vec![Some(1)]));
}

#[test]
fn columns_that_do_not_match_are_refused_before_a_row_is_read() {
    let target = table(&[("a", "INT", true), ("b", "INT", false)]);
    let one = || source(&[("a", ints(&[1]))]);
    let two = || source(&[("a", ints(&[1])), ("A", ints(&[2]))]);
    let refused = |plan, matching: ColumnMatch| conform(plan, &target, &matching).unwrap_err();
    assert!(matches!(refused(one(), ColumnMatch::Position), WriteError::ColumnCount { wanted: 2, given: 1 }));
    assert!(matches!(refused(two(), ColumnMatch::Name), WriteError::DuplicateColumn(name) if name == "A"));
    assert!(
        matches!(refused(one(), ColumnMatch::Listed(vec!["c".into()])), WriteError::UnknownColumn(name) if name == "c")
    );
    assert!(matches!(refused(one(), ColumnMatch::Name), WriteError::Row(RowFault::NotNull(name)) if name == "b"));
}

#[rstest]
#[case("INT", ints(&[300]), "TINYINT")]
#[case("BIGINT", Arc::new(Int64Array::from(vec![i64::MAX])), "INT")]
#[case("DOUBLE", Arc::new(Float64Array::from(vec![1e30])), "BIGINT")]
#[case("DOUBLE", Arc::new(Float64Array::from(vec![f64::NAN])), "INT")]
#[case("INT", ints(&[12345]), "DECIMAL(4,1)")]
#[case("STRING", Arc::new(StringArray::from(vec!["secret-word"])), "INT")]
#[case("STRING", Arc::new(StringViewArray::from(vec!["secret-word"])), "DATE")]
#[case("STRING", Arc::new(StringArray::from(vec!["secret-word"])), "BOOLEAN")]
#[case("STRING", Arc::new(StringArray::from(vec!["2020-01-01T99:00:00"])), "TIMESTAMP")]
#[tokio::test]
async fn a_value_that_does_not_fit_is_an_error_that_does_not_quote_it(
    #[case] from: &str,
    #[case] array: ArrayRef,
    #[case] to: &str,
) {
    let plan = conform(source(&[(from, array)]), &table(&[("c", to, true)]), &ColumnMatch::Position).unwrap();
    let fault = rows(plan).await.unwrap_err();
    assert_eq!(fault, RowFault::Cast { column: "c".to_owned(), to: to.to_owned() });
    assert!(!fault.to_string().contains("secret"), "{fault}");
}

#[rstest]
#[case(ints(&[7]), "BIGINT", "7")]
#[case(ints(&[7]), "STRING", "7")]
#[case(ints(&[7]), "DECIMAL(5,2)", "7.00")]
#[case(Arc::new(StringViewArray::from(vec!["2020-02-29"])), "DATE", "2020-02-29")]
#[case(Arc::new(StringArray::from(vec!["7"])), "INT", "7")]
#[case(Arc::new(StringArray::from(vec!["2020-02-29 10:00:00"])), "TIMESTAMP", "2020-02-29T10:00:00Z")]
#[tokio::test]
async fn a_value_that_fits_is_stored(#[case] array: ArrayRef, #[case] to: &str, #[case] shown: &str) {
    let target = table(&[("c", to, false)]);
    let batch = rows(conform(source(&[("x", array)]), &target, &ColumnMatch::Position).unwrap()).await.unwrap();
    assert_eq!(batch.schema().field(0).data_type(), target.field(0).data_type());
    assert_eq!(arrow::util::display::array_value_to_string(batch.column(0), 0).unwrap(), shown);
}

#[rstest]
#[case("INT", "DATE")]
#[case("BOOLEAN", "INT")]
#[case("TIMESTAMP", "BIGINT")]
#[case("BINARY", "STRING")]
#[case("ARRAY<INT>", "STRING")]
#[case("ARRAY<INT>", "ARRAY<DATE>")]
#[case("STRUCT<a: INT>", "STRUCT<b: INT>")]
#[case("STRUCT<a: INT>", "STRUCT<a: INT, b: INT>")]
#[case("MAP<STRING, INT>", "MAP<STRING, BOOLEAN>")]
fn types_with_nothing_in_common_are_refused_by_name(#[case] from: &str, #[case] to: &str) {
    let array = new_null_array(&parse_sql_type(from).unwrap(), 1);
    let error = conform(source(&[("x", array)]), &table(&[("c", to, true)]), &ColumnMatch::Position).unwrap_err();
    let WriteError::Incompatible { column, from: said_from, to: said_to } = error else { panic!("{error}") };
    assert_eq!((column.as_str(), said_from.as_str(), said_to.as_str()), ("c", from, to));
}

#[tokio::test]
async fn null_in_a_column_that_holds_none_names_the_column() {
    let array: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
    let plan = conform(source(&[("x", array)]), &table(&[("c", "INT", false)]), &ColumnMatch::Position).unwrap();
    assert_eq!(rows(plan).await.unwrap_err(), RowFault::NotNull("c".to_owned()));
}
