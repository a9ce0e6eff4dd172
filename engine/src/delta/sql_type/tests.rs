use arrow::datatypes::IntervalUnit;
use proptest::prelude::*;
use rstest::rstest;

use super::*;

/// Every type that a table stores, as it is read back, with nullable items and values: SQL has no word for others.
fn stored_types() -> impl Strategy<Value = DataType> {
    let leaf = prop_oneof![
        Just(DataType::Boolean),
        Just(DataType::Int8),
        Just(DataType::Int16),
        Just(DataType::Int32),
        Just(DataType::Int64),
        Just(DataType::Float32),
        Just(DataType::Float64),
        Just(DataType::Date32),
        Just(timestamp(true)),
        Just(timestamp(false)),
        Just(DataType::Utf8),
        Just(DataType::Binary),
        (1_u8..=38)
            .prop_flat_map(|precision| (Just(precision), 0..=precision))
            .prop_map(|(precision, scale)| DataType::Decimal128(precision, i8::try_from(scale).unwrap())),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let fields = prop::collection::vec(("[ -~äß]{1,8}", inner.clone(), any::<bool>()), 1..4);
        prop_oneof![
            inner.clone().prop_map(|item| list(item, true)),
            (inner.clone(), inner).prop_map(|(key, value)| map(key, value, true)),
            fields.prop_map(|fields| {
                // The position keeps names apart, as a struct requires.
                let named = fields.into_iter().enumerate();
                DataType::Struct(
                    named.map(|(at, (name, of, nullable))| Field::new(format!("{name}{at}"), of, nullable)).collect(),
                )
            }),
        ]
    })
}

proptest! {
    #[test]
    fn words_read_back_as_the_same_type(data_type in stored_types()) {
        prop_assert_eq!(parse_sql_type(&sql_type(&data_type)).unwrap(), data_type.clone());
        prop_assert_eq!(storage_type(&data_type).unwrap(), data_type);
    }

    #[test]
    fn any_text_is_a_type_or_an_error(text in "[A-Za-z0-9<>(),:` _]{0,40}") {
        if let Ok(data_type) = parse_sql_type(&text) {
            prop_assert_eq!(parse_sql_type(&sql_type(&data_type)).unwrap(), data_type);
        }
    }
}

#[rstest]
#[case("bigint", "BIGINT")]
#[case(" Integer ", "INT")]
#[case("dec", "DECIMAL(10,0)")]
#[case("NUMERIC ( 12 , 2 )", "DECIMAL(12,2)")]
#[case("decimal(5)", "DECIMAL(5,0)")]
#[case("double precision", "DOUBLE")]
#[case("array<map<string,array<int>>>", "ARRAY<MAP<STRING, ARRAY<INT>>>")]
#[case("struct<a int, b: string not null>", "STRUCT<a: INT, b: STRING NOT NULL>")]
#[case("STRUCT<`a b`: INT, `x``y` DATE>", "STRUCT<`a b`: INT, `x``y`: DATE>")]
#[case("timestamp_ltz", "TIMESTAMP")]
fn spellings_are_read(#[case] text: &str, #[case] words: &str) {
    assert_eq!(sql_type(&parse_sql_type(text).unwrap()), words);
}

#[rstest]
#[case("")]
#[case("bigint bigint")]
#[case("decimal(39,0)")]
#[case("decimal(0,0)")]
#[case("decimal(5,6)")]
#[case("decimal(5,-1)")]
#[case("array<int")]
#[case("array")]
#[case("map<int>")]
#[case("struct<>")]
#[case("struct<a int, A int>")]
#[case("struct<``: int>")]
#[case("struct<`a int>")]
#[case("int8")]
fn faults_are_invalid(#[case] text: &str) {
    let error = parse_sql_type(text).unwrap_err();
    assert!(!error.is_unsupported(), "{error}");
}

#[rstest]
#[case("varchar(10)")]
#[case("variant")]
#[case("array<interval>")]
fn types_of_the_field_that_are_not_built_say_so(#[case] text: &str) {
    let error = parse_sql_type(text).unwrap_err();
    assert!(error.is_unsupported(), "{error}");
}

#[test]
fn nesting_has_an_end() {
    let text = format!("{}int{}", "array<".repeat(100_000), ">".repeat(100_000));
    assert!(parse_sql_type(&text).unwrap_err().to_string().ends_with("it nests too deep"));
}

#[rstest]
#[case(DataType::Utf8View, "STRING")]
#[case(DataType::LargeUtf8, "STRING")]
#[case(DataType::BinaryView, "BINARY")]
#[case(DataType::FixedSizeBinary(4), "BINARY")]
#[case(DataType::UInt64, "BIGINT")]
#[case(DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8)), "STRING")]
#[case(DataType::Timestamp(TimeUnit::Nanosecond, None), "TIMESTAMP_NTZ")]
#[case(DataType::Timestamp(TimeUnit::Second, Some("+02:00".into())), "TIMESTAMP")]
#[case(DataType::new_large_list(DataType::Utf8View, true), "ARRAY<STRING>")]
fn variants_are_said_and_stored_as_what_they_hold(#[case] data_type: DataType, #[case] expected: &str) {
    assert_eq!(sql_type(&data_type), expected);
    assert_eq!(sql_type(&storage_type(&data_type).unwrap()), expected);
}

#[rstest]
#[case(DataType::Null, "VOID")]
#[case(DataType::Interval(IntervalUnit::MonthDayNano), "INTERVAL")]
#[case(DataType::Decimal256(60, 2), "DECIMAL")]
#[case(DataType::Decimal128(5, -2), "DECIMAL")]
#[case(DataType::new_list(DataType::Time64(TimeUnit::Nanosecond), true), "ARRAY")]
fn what_no_table_stores_is_named_and_refused(#[case] data_type: DataType, #[case] expected: &str) {
    assert_eq!(sql_type(&data_type), expected);
    assert!(storage_type(&data_type).unwrap_err().is_unsupported());
}

#[test]
fn stored_types_are_what_the_kernel_reads_back() {
    use deltalake::kernel::DataType as KernelType;
    use deltalake::kernel::engine::arrow_conversion::{TryIntoArrow, TryIntoKernel};
    let text = "STRUCT<a: ARRAY<INT>, m: MAP<STRING, DECIMAL(3,1)>, t: TIMESTAMP, n: TIMESTAMP_NTZ, d: DATE NOT NULL>";
    let ours = parse_sql_type(text).unwrap();
    let kernel: KernelType = (&ours).try_into_kernel().unwrap();
    let back: DataType = (&kernel).try_into_arrow().unwrap();
    assert_eq!(back, ours);
}
