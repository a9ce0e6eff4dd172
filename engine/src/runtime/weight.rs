//! How much memory rows take, as far as they are their own: a slice counts for its part, a view for what it shows.

use arrow::array::{Array, ArrayRef, AsArray, OffsetSizeTrait, RecordBatch};
use arrow::datatypes::{ArrowNativeType, ByteArrayType, ByteViewType, DataType};
use datafusion::arrow::array::{GenericByteViewArray, GenericListArray};

/// Bytes of a batch.
pub(crate) fn of_batch(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(of_array).fold(0, usize::saturating_add)
}

/// Bytes of an array.
pub(crate) fn of_array(array: &ArrayRef) -> usize {
    let rows = array.len();
    match array.data_type() {
        DataType::Utf8 => bytes::<arrow::datatypes::Utf8Type>(array),
        DataType::LargeUtf8 => bytes::<arrow::datatypes::LargeUtf8Type>(array),
        DataType::Binary => bytes::<arrow::datatypes::BinaryType>(array),
        DataType::LargeBinary => bytes::<arrow::datatypes::LargeBinaryType>(array),
        DataType::Utf8View => shown(array.as_string_view()),
        DataType::BinaryView => shown(array.as_binary_view()),
        DataType::List(_) => of_list(array.as_list::<i32>()),
        DataType::LargeList(_) => of_list(array.as_list::<i64>()),
        DataType::FixedSizeList(_, _) => of_array(array.as_fixed_size_list().values()),
        DataType::Map(_, _) => {
            let map = array.as_map();
            let (first, last) = (map.offsets().first().copied(), map.offsets().last().copied());
            part_of(&(std::sync::Arc::new(map.entries().clone()) as ArrayRef), first, last).saturating_add(4 * rows)
        }
        DataType::Struct(_) => array.as_struct().columns().iter().map(of_array).fold(0, usize::saturating_add),
        kind => match kind.primitive_width() {
            Some(width) => width.saturating_mul(rows),
            None => array.to_data().get_slice_memory_size().unwrap_or_else(|_| array.get_array_memory_size()),
        },
    }
}

/// Bytes of the widest row, as far as another operator copies them when it repeats the row.
pub(crate) fn of_widest_row(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(of_widest).fold(0, usize::saturating_add)
}

/// Bytes of the widest value, as far as copies of it are of their own.
pub(crate) fn of_widest(array: &ArrayRef) -> usize {
    match array.data_type() {
        DataType::Utf8 => longest(array.as_string::<i32>().offsets()),
        DataType::LargeUtf8 => longest(array.as_string::<i64>().offsets()),
        DataType::Binary => longest(array.as_binary::<i32>().offsets()),
        DataType::LargeBinary => longest(array.as_binary::<i64>().offsets()),
        DataType::List(_) => longest_list(array.as_list::<i32>()),
        DataType::LargeList(_) => longest_list(array.as_list::<i64>()),
        DataType::Map(_, _) => {
            let map = array.as_map();
            let entries = std::sync::Arc::new(map.entries().clone()) as ArrayRef;
            longest(map.offsets()).saturating_mul(of_one(&entries))
        }
        DataType::FixedSizeList(_, length) => {
            let values = array.as_fixed_size_list().values();
            usize::try_from(*length).unwrap_or(0).saturating_mul(of_one(values))
        }
        DataType::Struct(_) => array.as_struct().columns().iter().map(of_widest).fold(0, usize::saturating_add),
        kind => kind.primitive_width().unwrap_or(16),
    }
}

fn longest<O: OffsetSizeTrait>(offsets: &[O]) -> usize {
    let lengths = offsets.iter().zip(offsets.iter().skip(1)).map(|(start, end)| end.as_usize() - start.as_usize());
    lengths.max().unwrap_or(0)
}

fn longest_list<O: OffsetSizeTrait>(list: &GenericListArray<O>) -> usize {
    longest(list.offsets()).saturating_mul(of_one(list.values()))
}

/// Bytes of one of many, on average and rounded up.
fn of_one(values: &ArrayRef) -> usize {
    of_array(values).div_ceil(values.len().max(1))
}

fn bytes<T: ByteArrayType>(array: &ArrayRef) -> usize {
    let offsets = array.as_bytes::<T>().offsets();
    let (first, last) = (offsets.first().copied(), offsets.last().copied());
    let text: usize = last.zip(first).map_or(0, |(last, first)| last.as_usize() - first.as_usize());
    text.saturating_add(std::mem::size_of_val::<[T::Offset]>(offsets))
}

fn shown<T: ByteViewType>(array: &GenericByteViewArray<T>) -> usize {
    let lengths = array.views().iter().map(|view| usize::try_from(*view & u128::from(u32::MAX)).unwrap_or(0));
    lengths.fold(16 * array.len(), usize::saturating_add)
}

fn of_list<O: OffsetSizeTrait>(list: &GenericListArray<O>) -> usize {
    let (first, last) = (list.offsets().first().copied(), list.offsets().last().copied());
    part_of(list.values(), first, last).saturating_add(std::mem::size_of_val::<[O]>(list.offsets()))
}

fn part_of<O: OffsetSizeTrait>(values: &ArrayRef, first: Option<O>, last: Option<O>) -> usize {
    let Some((first, last)) = first.zip(last) else { return 0 };
    of_array(&values.slice(first.as_usize(), last.as_usize() - first.as_usize()))
}

/// How many items the longest column of lists has.
pub(crate) fn items_in_lists(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(items).max().unwrap_or(0)
}

/// How many items the lists of a column have.
pub(crate) fn items(lists: &ArrayRef) -> usize {
    match lists.data_type() {
        DataType::List(_) => spread(lists.as_list::<i32>().offsets()),
        DataType::LargeList(_) => spread(lists.as_list::<i64>().offsets()),
        DataType::FixedSizeList(_, _) => lists.as_fixed_size_list().values().len(),
        _ => 0,
    }
}

/// As [`of_widest_row`], without columns of lists.
pub(crate) fn of_widest_scalars(batch: &RecordBatch) -> usize {
    let is_list =
        |kind: &DataType| matches!(kind, DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _));
    batch.columns().iter().filter(|column| !is_list(column.data_type())).map(of_widest).fold(0, usize::saturating_add)
}

fn spread<O: OffsetSizeTrait>(offsets: &[O]) -> usize {
    let (first, last) = (offsets.first().copied(), offsets.last().copied());
    last.zip(first).map_or(0, |(last, first)| last.as_usize() - first.as_usize())
}
