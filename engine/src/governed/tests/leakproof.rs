//! The proof of the leakproof list, by trial: a predicate that it accepts can't fail on any rows, and skipping by statistics
//! skips no row that the predicate keeps.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::common::pruning::PrunableStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, DFSchema, ScalarValue, Statistics};
use datafusion::logical_expr::{Between, Expr, Operator, and, binary_expr, cast, col, in_list, lit, not, or};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::prelude::SessionContext;
use proptest::prelude::*;

use crate::governed::leakproof::{is_leakproof, open_columns};

/// One column of every type that the list knows, and some that it does not.
fn types() -> Vec<DataType> {
    vec![
        DataType::Boolean,
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt64,
        DataType::Float32,
        DataType::Float64,
        DataType::Decimal128(10, 2),
        DataType::Decimal128(38, 10),
        DataType::Date32,
        DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Utf8,
        DataType::Utf8View,
        DataType::Binary,
    ]
}

fn schema() -> SchemaRef {
    let field = |(at, of): (usize, DataType)| Field::new(format!("c{at}"), of, true);
    Arc::new(Schema::new(types().into_iter().enumerate().map(field).collect::<Vec<_>>()))
}

/// A value of a type, from a small and edgy world so that columns and constants meet.
fn value(of: &DataType, seed: u8) -> ScalarValue {
    let text = ["", "a", "A", "aa", "ä", "\u{0}", "zz", "%", "12", "NaN"];
    let floats = [0.0, -0.0, 1.5, -1.5, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 5e-324];
    let whole = [0_i64, 1, -1, 2, i64::MAX, i64::MIN, 127, -128, 7, 1000];
    let at = usize::from(seed % 10);
    if seed >= 240 {
        return ScalarValue::try_from(of).unwrap();
    }
    match of {
        DataType::Boolean => ScalarValue::Boolean(Some(seed.is_multiple_of(2))),
        DataType::Int8 => ScalarValue::Int8(Some(whole[at] as i8)),
        DataType::Int16 => ScalarValue::Int16(Some(whole[at] as i16)),
        DataType::Int32 => ScalarValue::Int32(Some(whole[at] as i32)),
        DataType::Int64 => ScalarValue::Int64(Some(whole[at])),
        DataType::UInt64 => ScalarValue::UInt64(Some(whole[at] as u64)),
        DataType::Float32 => ScalarValue::Float32(Some(floats[at] as f32)),
        DataType::Float64 => ScalarValue::Float64(Some(floats[at])),
        DataType::Decimal128(precision, scale) => {
            let most = 10_i128.pow(u32::from(*precision)) - 1;
            let unscaled = [0, 1, -1, 100, most, -most, 99, -99, 7, 1000][at];
            ScalarValue::Decimal128(Some(unscaled), *precision, *scale)
        }
        DataType::Date32 => ScalarValue::Date32(Some(whole[at] as i32)),
        DataType::Timestamp(_, zone) => ScalarValue::TimestampMicrosecond(Some(whole[at]), zone.clone()),
        DataType::Utf8 => ScalarValue::Utf8(Some(text[at].into())),
        DataType::Utf8View => ScalarValue::Utf8View(Some(text[at].into())),
        DataType::Binary => ScalarValue::Binary(Some(text[at].into())),
        other => panic!("no values of {other}"),
    }
}

fn constant(of: usize, seed: u8) -> Expr {
    let mut data_type = types()[of].clone();
    // Texts meet in any layout.
    if data_type == DataType::Utf8 && seed.is_multiple_of(2) {
        data_type = DataType::Utf8View;
    }
    Expr::Literal(value(&data_type, seed), None)
}

fn compared(of: usize, operator: u8, seed: u8, swapped: bool) -> Expr {
    use Operator::*;
    let operator = [Eq, NotEq, Lt, LtEq, Gt, GtEq, Plus, IsDistinctFrom, Modulo][usize::from(operator % 9)];
    let (column, constant) = (col(format!("c{of}")), constant(of, seed));
    if swapped { binary_expr(constant, operator, column) } else { binary_expr(column, operator, constant) }
}

/// Predicates near the list: most are on it, some are not.
fn predicate() -> impl Strategy<Value = Expr> {
    let column = 0..types().len();
    let leaf = prop_oneof![
        6 => (column.clone(), any::<u8>(), any::<u8>(), any::<bool>())
            .prop_map(|(of, operator, seed, swapped)| compared(of, operator, seed, swapped)),
        2 => column.clone().prop_map(|of| col(format!("c{of}")).is_null()),
        2 => column.clone().prop_map(|of| col(format!("c{of}")).is_not_null()),
        3 => (column.clone(), prop::collection::vec(any::<u8>(), 1..4), any::<bool>()).prop_map(|(of, seeds, negated)| {
            in_list(col(format!("c{of}")), seeds.into_iter().map(|seed| constant(of, seed)).collect(), negated)
        }),
        3 => (column.clone(), any::<u8>(), any::<u8>(), any::<bool>()).prop_map(|(of, low, high, negated)| {
            Expr::Between(Between::new(
                Box::new(col(format!("c{of}"))),
                negated,
                Box::new(constant(of, low)),
                Box::new(constant(of, high)),
            ))
        }),
        1 => Just(col("c0")),
        1 => (column.clone(), column, any::<u8>())
            .prop_map(|(of, to, seed)| cast(col(format!("c{of}")), types()[to].clone()).eq(constant(to, seed))),
    ];
    leaf.prop_recursive(4, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| and(a, b)),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| or(a, b)),
            inner.prop_map(not),
        ]
    })
}

fn rows() -> impl Strategy<Value = RecordBatch> {
    (1_usize..6).prop_flat_map(|rows| prop::collection::vec(any::<u8>(), rows * types().len())).prop_map(|seeds| {
        let rows = seeds.len() / types().len();
        let column = |(at, of): (usize, DataType)| {
            let seeds = &seeds[at * rows..(at + 1) * rows];
            ScalarValue::iter_to_array(seeds.iter().map(|seed| value(&of, *seed))).unwrap()
        };
        let columns: Vec<ArrayRef> = types().into_iter().enumerate().map(column).collect();
        RecordBatch::try_new(schema(), columns).unwrap()
    })
}

/// What a writer says of a batch. It leaves NaN out, as Parquet wants it.
fn statistics(batch: &RecordBatch) -> Statistics {
    let column = |array: &ArrayRef| {
        let values: Vec<ScalarValue> =
            (0..array.len()).map(|at| ScalarValue::try_from_array(array, at).unwrap()).collect();
        let known = values.iter().filter(|value| !value.is_null() && !is_nan(value));
        let by = |a: &&ScalarValue, b: &&ScalarValue| a.partial_cmp(b).unwrap();
        let told = |value: Option<&ScalarValue>| value.cloned().map_or(Precision::Absent, Precision::Exact);
        ColumnStatistics {
            null_count: Precision::Exact(array.null_count()),
            min_value: told(known.clone().min_by(by)),
            max_value: told(known.max_by(by)),
            ..ColumnStatistics::new_unknown()
        }
    };
    Statistics {
        num_rows: Precision::Exact(batch.num_rows()),
        total_byte_size: Precision::Absent,
        column_statistics: batch.columns().iter().map(column).collect(),
    }
}

fn is_nan(value: &ScalarValue) -> bool {
    matches!(value, ScalarValue::Float64(Some(it)) if it.is_nan())
        || matches!(value, ScalarValue::Float32(Some(it)) if it.is_nan())
}

/// Evaluates a predicate as the scan does, without the analyzer that ran before.
fn kept(predicate: &Expr, batch: &RecordBatch) -> Result<RecordBatch, String> {
    let schema = DFSchema::try_from(batch.schema()).unwrap();
    let context = SessionContext::new();
    let predicate = context.state().create_physical_expr(predicate.clone(), &schema).map_err(|e| e.to_string())?;
    let judged = predicate.evaluate(batch).and_then(|judged| judged.into_array(batch.num_rows()));
    let judged = judged.map_err(|error| error.to_string())?;
    let keeps: BooleanArray = judged.as_any().downcast_ref::<BooleanArray>().unwrap().clone();
    filter_record_batch(batch, &keeps).map_err(|error| error.to_string())
}

fn skips(predicate: &Expr, batch: &RecordBatch) -> bool {
    let schema = DFSchema::try_from(batch.schema()).unwrap();
    let context = SessionContext::new();
    let predicate = context.state().create_physical_expr(predicate.clone(), &schema).unwrap();
    let pruning = PruningPredicateBuilder::new().with_file_schema(batch.schema()).try_build(predicate);
    let Ok(pruning) = pruning else { return false };
    let told = PrunableStatistics::new(vec![Arc::new(statistics(batch))], batch.schema());
    pruning.prune(&told).is_ok_and(|keeps| keeps == [false])
}

fn open() -> HashSet<String> {
    let all = schema().fields().iter().map(|field| field.name().clone()).collect();
    open_columns(&schema(), &all)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, max_global_rejects: 30_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_leakproof_never_fails_and_skips_nothing_that_it_keeps(
        predicate in predicate(),
        batches in prop::collection::vec(rows(), 1..4),
    ) {
        prop_assume!(is_leakproof(&predicate, &schema(), &open()));
        for batch in &batches {
            let kept = kept(&predicate, batch);
            prop_assert!(kept.is_ok(), "{predicate}: {kept:?}");
            let rows = kept.map(|kept| kept.num_rows()).unwrap_or_default();
            prop_assert!(rows == 0 || !skips(&predicate, batch), "{predicate} skips {rows} rows of {batch:?}");
            // Pure: a second look says the same.
            prop_assert_eq!(rows, self::kept(&predicate, batch).unwrap().num_rows());
        }
    }

    /// Whatever the predicate, a masked column in it keeps it above.
    #[test]
    fn a_predicate_on_a_masked_column_stays_above(predicate in predicate()) {
        let columns: Vec<_> = predicate.column_refs().into_iter().map(|column| column.name.clone()).collect();
        for masked in columns {
            let mut open = open();
            open.remove(&masked);
            prop_assert!(!is_leakproof(&predicate, &schema(), &open), "{predicate} reads {masked}");
        }
    }
}

fn batch_of(name: &str, values: ArrayRef) -> RecordBatch {
    RecordBatch::try_from_iter([(name, values)]).unwrap()
}

/// The trial finds a predicate that fails, and one that skips too much: NaN is greater than all numbers and in no statistics.
#[test]
fn the_trial_sees_what_it_is_for() {
    let texts = batch_of("c13", Arc::new(StringArray::from(vec!["x"])));
    let failing = cast(col("c13"), DataType::Int64).gt(lit(1_i64));
    assert!(kept(&failing, &texts).unwrap_err().contains("Cannot cast string 'x'"));
    let floats = batch_of("c7", Arc::new(Float64Array::from(vec![1.0, f64::NAN])));
    let greater = col("c7").gt(lit(1.5));
    assert!(skips(&greater, &floats));
    assert_eq!(kept(&greater, &floats).unwrap().num_rows(), 1);
}
