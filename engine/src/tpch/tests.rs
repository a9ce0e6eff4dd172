use arrow::array::AsArray;
use arrow::datatypes::{Decimal128Type, Int64Type};
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::prelude::{SessionContext, col, lit};
use deltalake::table::builder::DeltaTableBuilder;
use rstest::rstest;

use super::*;

async fn load(location: &Location) -> deltalake::DeltaTable {
    DeltaTableBuilder::from_url(location.url().unwrap()).unwrap().load().await.unwrap()
}

#[test]
fn every_table_has_the_columns_that_the_generator_gives() {
    for table in TpchTable::ALL {
        let ours = table.definition(1.0).unwrap();
        ours.validate().unwrap();
        let theirs = table.generator(0.001, 1, 1);
        let names: Vec<_> = theirs.schema().fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, table.columns().iter().map(|(name, _)| *name).collect::<Vec<_>>());
        for (column, field) in ours.columns.iter().zip(theirs.schema().fields()) {
            assert_eq!(crate::delta::storage_type(field.data_type()).unwrap(), column.data_type, "{}", column.name);
        }
        assert!(table.primary_key().iter().all(|key| names.contains(key)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_tables_are_written_and_read_back() {
    let root = tempfile::tempdir().unwrap();
    for table in TpchTable::ALL {
        let location = Location::from_path(&root.path().join(table.name())).unwrap();
        let mut last = None;
        let written = generate(table, 0.002, &location, |progress| last = Some(progress)).await.unwrap();
        assert_eq!(written.version, 0);
        assert_eq!(last, Some(Progress { table, rows_done: written.rows, rows_total: written.rows }));
        if table != TpchTable::LineItem {
            assert_eq!(written.rows, table.rows(0.002), "{}", table.name());
        }
        let frame = SessionContext::new().read_table(load(&location).await.table_provider().await.unwrap()).unwrap();
        assert_eq!(u64::try_from(frame.count().await.unwrap()).unwrap(), written.rows, "{}", table.name());
    }
}

/// At scale 0.05 the orders are 75,000: two files, made side by side, must be the rows of one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_are_files_and_make_the_whole_table() {
    let root = tempfile::tempdir().unwrap();
    let location = Location::from_path(root.path()).unwrap();
    let written = generate(TpchTable::Orders, 0.05, &location, |_| ()).await.unwrap();
    let table = load(&location).await;
    assert_eq!(table.get_file_uris().unwrap().count(), 2);
    let frame = SessionContext::new().read_table(table.table_provider().await.unwrap()).unwrap();
    let totals =
        frame.aggregate(vec![], vec![count(lit(1)), sum(col("o_totalprice"))]).unwrap().collect().await.unwrap();
    let expected: i128 = TpchTable::Orders
        .generator(0.05, 1, 1)
        .map(|batch| batch.column(3).as_primitive::<Decimal128Type>().values().iter().sum::<i128>())
        .sum();
    assert_eq!(totals[0].column(0).as_primitive::<Int64Type>().value(0), i64::try_from(written.rows).unwrap());
    assert_eq!(totals[0].column(1).as_primitive::<Decimal128Type>().value(0), expected);
}

#[rstest]
#[case(0.0)]
#[case(-1.0)]
#[case(f64::NAN)]
#[case(f64::INFINITY)]
#[case(1001.0)]
#[tokio::test]
async fn a_scale_that_makes_no_sense_is_refused(#[case] scale: f64) {
    let root = tempfile::tempdir().unwrap();
    let location = Location::from_path(&root.path().join("t")).unwrap();
    let refused = generate(TpchTable::Region, scale, &location, |_| ()).await;
    assert!(matches!(refused, Err(WriteError::Definition(_))));
    assert!(!location.path().exists());
}
