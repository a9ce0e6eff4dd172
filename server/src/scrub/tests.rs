use arrow::array::{
    BinaryViewArray, BooleanBuilder, DictionaryArray, FixedSizeBinaryArray, FixedSizeListBuilder, Int32Array,
    Int32Builder, Int64Array, LargeStringArray, ListBuilder, MapBuilder, StringArray, StringBuilder, StringViewArray,
    UnionArray,
};
use arrow::compute::kernels::nullif::nullif;
use arrow::compute::{cast, concat_batches, filter};
use arrow::datatypes::{Int8Type, UnionFields};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use proptest::prelude::*;

use super::*;

/// Long enough that a view does not hold it inline.
const SECRET: &str = "SECRET-SECRET-SECRET-SECRET";
const SECRET_NUMBER: i64 = 0x5EC2_E7ED_5EC2_E7ED;

fn batch(column: ArrayRef) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([("c", column, true)]).unwrap()
}

fn encode(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), batch.schema_ref()).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn holds_secret(bytes: &[u8]) -> bool {
    let number = SECRET_NUMBER.to_le_bytes();
    bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
        || bytes.windows(8).any(|window| window == number)
}

/// The column as Arrow sends it holds the secret, and as we send it does not, though its values are the same.
fn assert_scrubbed(column: impl Array) {
    let dirty = batch(make_array(column.to_data()));
    assert!(holds_secret(&encode(&dirty)), "the case shows nothing: Arrow does not send the secret either");
    let clean = scrub(&dirty).unwrap();
    let bytes = encode(&clean);
    assert!(!holds_secret(&bytes));
    let read: Vec<_> = StreamReader::try_new(bytes.as_slice(), None).unwrap().map(Result::unwrap).collect();
    let read = concat_batches(&clean.schema(), &read).unwrap();
    let expected = cast(dirty.column(0), clean.column(0).data_type()).unwrap();
    assert_eq!(read.column(0).as_ref(), expected.as_ref());
}

fn keep_first(column: &dyn Array) -> ArrayRef {
    let keep: BooleanArray = (0..column.len()).map(|row| Some(row == 0)).collect();
    filter(column, &keep).unwrap()
}

#[test]
fn strings_of_filtered_rows_are_not_sent() {
    assert_scrubbed(keep_first(&StringViewArray::from(vec!["a value that is not inlined", SECRET])));
    assert_scrubbed(keep_first(&BinaryViewArray::from(vec![
        b"a value that is not inlined".as_slice(),
        SECRET.as_bytes(),
    ])));
}

#[test]
fn dictionary_entries_of_filtered_rows_are_not_sent() {
    let dictionary: DictionaryArray<Int8Type> = ["shown", SECRET].into_iter().collect();
    assert_scrubbed(keep_first(&dictionary));
}

#[test]
fn sliced_views_and_lists_do_not_send_the_rest() {
    let views = StringViewArray::from(vec!["a value that is not inlined", SECRET]);
    assert_scrubbed(views.slice(0, 1));
    let mut lists = ListBuilder::new(arrow::array::StringViewBuilder::new());
    lists.append_value([Some("shown shown shown shown")]);
    lists.append_value([Some(SECRET)]);
    assert_scrubbed(lists.finish().slice(0, 1));
}

#[test]
fn values_under_a_null_are_not_sent() {
    let yes = BooleanArray::from(vec![false, true]);
    assert_scrubbed(nullif(&Int64Array::from(vec![1, SECRET_NUMBER]), &yes).unwrap());
    assert_scrubbed(nullif(&StringArray::from(vec!["shown", SECRET]), &yes).unwrap());
    assert_scrubbed(nullif(&LargeStringArray::from(vec!["shown", SECRET]), &yes).unwrap());
    let fixed = FixedSizeBinaryArray::try_from_iter([SECRET.replace("SEC", "sec"), SECRET.to_owned()].iter()).unwrap();
    assert_scrubbed(nullif(&fixed, &yes).unwrap());
}

#[test]
fn values_under_a_null_of_a_slice_are_not_sent() {
    let yes = BooleanArray::from(vec![false, false, true, false]);
    let numbers = nullif(&Int64Array::from(vec![1, 2, SECRET_NUMBER, 4]), &yes).unwrap();
    assert_scrubbed(numbers.slice(1, 3));
    let strings = nullif(&StringArray::from(vec!["1", "2", SECRET, "4"]), &yes).unwrap();
    assert_scrubbed(strings.slice(1, 3));
}

#[test]
fn children_of_a_null_are_not_sent() {
    let nulls = NullBuffer::from(vec![true, false]);
    let children: ArrayRef = Arc::new(StringArray::from(vec!["shown", SECRET]));
    let fields = Fields::from(vec![Field::new("x", DataType::Utf8, true)]);
    assert_scrubbed(StructArray::new(fields.clone(), vec![children.clone()], Some(nulls.clone())));

    let item = Arc::new(Field::new_list_field(DataType::Utf8, true));
    let offsets = OffsetBuffer::from_lengths([1, 1]);
    assert_scrubbed(GenericListArray::<i32>::new(item.clone(), offsets.clone(), children.clone(), Some(nulls.clone())));
    let offsets = OffsetBuffer::from_lengths([1, 1]);
    assert_scrubbed(GenericListArray::<i64>::new(item.clone(), offsets, children.clone(), Some(nulls.clone())));
    assert_scrubbed(FixedSizeListArray::new(item, 1, children.clone(), Some(nulls.clone())));

    let key: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let fields =
        Fields::from(vec![Field::new("keys", DataType::Utf8, false), Field::new("values", DataType::Utf8, true)]);
    let entries = StructArray::new(fields.clone(), vec![key, children], None);
    let field = Arc::new(Field::new("entries", DataType::Struct(fields), false));
    assert_scrubbed(MapArray::new(field, OffsetBuffer::from_lengths([1, 1]), entries, Some(nulls), false));
}

#[test]
fn booleans_under_a_null_are_zeroed() {
    let dirty = nullif(&BooleanArray::from(vec![true, true]), &BooleanArray::from(vec![false, true])).unwrap();
    let clean = scrub(&batch(dirty)).unwrap();
    let values = clean.column(0).as_boolean().values();
    assert!(values.value(0) && !values.value(1));
}

#[test]
fn rows_without_columns_keep_their_number() {
    let options = RecordBatchOptions::new().with_row_count(Some(3));
    let bare = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options).unwrap();
    assert_eq!(scrub(&bare).unwrap().num_rows(), 3);
}

#[test]
fn a_type_that_cannot_be_vouched_for_is_refused() {
    let fields: UnionFields = [(0, Arc::new(Field::new("a", DataType::Int32, true)))].into_iter().collect();
    let union =
        UnionArray::try_new(fields, vec![0].into(), None, vec![Arc::new(Int32Array::from(vec![1])) as ArrayRef])
            .unwrap();
    let union = RecordBatch::try_from_iter([("u", Arc::new(union) as ArrayRef)]).unwrap();
    assert!(scrub(&union).is_err());
}

#[test]
fn field_metadata_is_not_sent() {
    let field = Field::new("c", DataType::Utf8View, true)
        .with_metadata([("physicalName".to_owned(), SECRET.to_owned())].into());
    let schema = Schema::new(vec![field]).with_metadata([("path".to_owned(), SECRET.to_owned())].into());
    assert!(!format!("{:?}", plain_schema(&schema)).contains(SECRET));
}

/// Rows of nested values, some of them NULL at each level.
type Row = (Option<i32>, Option<String>, Option<Vec<Option<i32>>>, Option<Vec<(String, Option<bool>)>>);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let list = prop::collection::vec(any::<Option<i32>>(), 0..4);
    let map = prop::collection::vec((".{0,3}", any::<Option<bool>>()), 0..3);
    prop::collection::vec(
        (any::<Option<i32>>(), prop::option::of(".{0,20}"), prop::option::of(list), prop::option::of(map)),
        1..40,
    )
}

fn columns(rows: &[Row]) -> RecordBatch {
    let numbers: Int32Array = rows.iter().map(|row| row.0).collect();
    let strings: StringArray = rows.iter().map(|row| row.1.clone()).collect();
    let views: StringViewArray = rows.iter().map(|row| row.1.clone()).collect();
    let mut lists = ListBuilder::new(Int32Builder::new());
    let mut pairs = FixedSizeListBuilder::new(Int32Builder::new(), 2);
    let mut maps = MapBuilder::new(None, StringBuilder::new(), BooleanBuilder::new());
    for (number, _, list, map) in rows {
        lists.append_option(list.clone());
        pairs.values().append_value(1);
        pairs.values().append_option(*number);
        pairs.append(list.is_some());
        for (key, value) in map.iter().flatten() {
            maps.keys().append_value(key);
            maps.values().append_option(*value);
        }
        maps.append(map.is_some()).unwrap();
    }
    RecordBatch::try_from_iter_with_nullable([
        ("n", Arc::new(numbers) as ArrayRef, true),
        ("s", Arc::new(strings), true),
        ("v", Arc::new(views), true),
        ("l", Arc::new(lists.finish()), true),
        ("p", Arc::new(pairs.finish()), true),
        ("m", Arc::new(maps.finish()), true),
    ])
    .unwrap()
}

proptest! {
    #[test]
    fn values_stay_what_they_are(rows in rows(), from in 0usize..40, hidden in prop::collection::vec(any::<bool>(), 40)) {
        let whole = columns(&rows);
        let from = from % rows.len();
        let slice = whole.slice(from, rows.len() - from);
        let hidden = BooleanArray::from(hidden[..slice.num_rows()].to_vec());
        let masked: Vec<_> = slice.columns().iter().map(|column| nullif(column, &hidden).unwrap()).collect();
        let dirty = RecordBatch::try_new(slice.schema(), masked).unwrap();
        let clean = scrub(&dirty).unwrap();
        for (before, after) in dirty.columns().iter().zip(clean.columns()) {
            let before = cast(before, after.data_type()).unwrap();
            prop_assert_eq!(before.as_ref(), after.as_ref());
        }
    }
}
