//! What leaves the server holds only what the caller was given: the bytes behind a result are cleaned before they are
//! encoded.
//!
//! Arrow arrays carry more than they show. A filtered string view or dictionary still holds the strings of the rows that
//! were filtered out; a value that became NULL by `nullif` or a CASE still lies under its null bit; a list or struct
//! that is NULL still has children. Arrow's IPC writer sends all of it. To a client that reads the bytes, a row
//! filter or a mask would then hide nothing. So views and dictionaries become plain arrays of what is referenced,
//! and what lies under a null is zeroed or left out.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, FixedSizeListArray, GenericByteArray, GenericListArray, MapArray,
    OffsetSizeTrait, RecordBatch, RecordBatchOptions, StructArray, UInt64Array, make_array,
};
use arrow::buffer::{Buffer, MutableBuffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    ByteArrayType, DataType, Field, FieldRef, Fields, GenericBinaryType, GenericStringType, Schema,
};
use arrow::error::ArrowError;

/// The schema of what `scrub` gives: views and dictionaries as plain types, without metadata.
pub fn plain_schema(schema: &Schema) -> Schema {
    Schema::new(schema.fields().iter().map(plain_field).collect::<Fields>())
}

/// The batch with the same values and nothing else, in the types of `plain_schema`.
///
/// # Errors
/// For types whose bytes can't be vouched for: unions and run-end encoded arrays.
pub fn scrub(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = Arc::new(plain_schema(batch.schema_ref()));
    let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| {
        if column.data_type() == field.data_type() {
            clean(column.as_ref(), None)
        } else {
            clean(arrow::compute::cast(column, field.data_type())?.as_ref(), None)
        }
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema, columns, &options)
}

fn plain_field(field: &FieldRef) -> FieldRef {
    Arc::new(Field::new(field.name(), plain_type(field.data_type()), field.is_nullable()))
}

fn plain_type(of: &DataType) -> DataType {
    match of {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, value) => plain_type(value),
        DataType::RunEndEncoded(_, values) => plain_type(values.data_type()),
        DataType::List(item) | DataType::ListView(item) => DataType::List(plain_field(item)),
        DataType::LargeList(item) | DataType::LargeListView(item) => DataType::LargeList(plain_field(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(plain_field(item), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(plain_field).collect()),
        DataType::Map(entries, sorted) => DataType::Map(plain_field(entries), *sorted),
        other => other.clone(),
    }
}

/// Cleans an array; `above` says which of its slots lie under a parent that is not NULL.
fn clean(array: &dyn Array, above: Option<&NullBuffer>) -> Result<ArrayRef, ArrowError> {
    let shown = NullBuffer::union(array.nulls(), above).filter(|shown| shown.null_count() > 0);
    match array.data_type() {
        DataType::Null => Ok(array.slice(0, array.len())),
        DataType::Boolean => Ok(clean_booleans(array.as_boolean(), shown.as_ref())),
        DataType::Utf8 => clean_bytes::<GenericStringType<i32>>(array.as_bytes(), shown.as_ref()),
        DataType::LargeUtf8 => clean_bytes::<GenericStringType<i64>>(array.as_bytes(), shown.as_ref()),
        DataType::Binary => clean_bytes::<GenericBinaryType<i32>>(array.as_bytes(), shown.as_ref()),
        DataType::LargeBinary => clean_bytes::<GenericBinaryType<i64>>(array.as_bytes(), shown.as_ref()),
        DataType::List(item) => clean_list(array.as_list::<i32>(), item, shown.as_ref()),
        DataType::LargeList(item) => clean_list(array.as_list::<i64>(), item, shown.as_ref()),
        DataType::Map(entries, sorted) => clean_map(array.as_map(), entries, *sorted, shown.as_ref()),
        DataType::FixedSizeList(item, size) => {
            let array = array.as_fixed_size_list();
            let shown = shown.map(|shown| shown.expand(usize::try_from(*size).unwrap_or_default()));
            let values = clean(array.values().as_ref(), shown.as_ref())?;
            let clean = FixedSizeListArray::try_new_with_length(
                item.clone(),
                *size,
                values,
                array.nulls().cloned(),
                array.len(),
            )?;
            Ok(Arc::new(clean))
        }
        DataType::Struct(fields) => clean_struct(array.as_struct(), fields, shown.as_ref()),
        DataType::FixedSizeBinary(width) => {
            clean_fixed(array, usize::try_from(*width).unwrap_or_default(), shown.as_ref())
        }
        other => match other.primitive_width() {
            Some(width) => clean_fixed(array, width, shown.as_ref()),
            None => Err(ArrowError::NotYetImplemented(format!("a result of type {other}: cast it to another"))),
        },
    }
}

fn clean_booleans(array: &BooleanArray, shown: Option<&NullBuffer>) -> ArrayRef {
    let values = match shown {
        Some(shown) => array.values() & shown.inner(),
        None => array.values().clone(),
    };
    Arc::new(BooleanArray::new(values, array.nulls().cloned()))
}

/// Zeroes the hidden slots of an array of fixed-width values.
fn clean_fixed(array: &dyn Array, width: usize, shown: Option<&NullBuffer>) -> Result<ArrayRef, ArrowError> {
    let Some(shown) = shown else { return Ok(array.slice(0, array.len())) };
    let data = array.to_data();
    let (start, bytes) = (data.offset() * width, array.len() * width);
    let held = data.buffers().first().and_then(|buffer| buffer.get(start..start + bytes));
    let held =
        held.ok_or_else(|| ArrowError::InvalidArgumentError("an array is shorter than its length".to_owned()))?;
    let mut clean = MutableBuffer::with_capacity(bytes);
    clean.extend_from_slice(held);
    for (slot, seen) in clean.as_slice_mut().chunks_exact_mut(width.max(1)).zip(shown.iter()) {
        if !seen {
            slot.fill(0);
        }
    }
    let builder = data.into_builder().offset(0).nulls(array.nulls().cloned()).buffers(vec![clean.into()]);
    Ok(make_array(builder.build()?))
}

/// Leaves out the hidden values of an array of strings or bytes.
fn clean_bytes<T: ByteArrayType>(
    array: &GenericByteArray<T>,
    shown: Option<&NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    let hides =
        |shown: &NullBuffer| array.offsets().lengths().zip(shown.iter()).any(|(length, seen)| length > 0 && !seen);
    let Some(shown) = shown.filter(|shown| hides(shown)) else { return Ok(Arc::new(array.clone())) };
    let (mut values, mut lengths) = (MutableBuffer::new(0), Vec::with_capacity(array.len()));
    for (row, seen) in shown.iter().enumerate() {
        let value: &[u8] = if seen { array.value(row).as_ref() } else { &[] };
        values.extend_from_slice(value);
        lengths.push(value.len());
    }
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(GenericByteArray::<T>::try_new(offsets, Buffer::from(values), array.nulls().cloned())?))
}

fn clean_list<O: OffsetSizeTrait>(
    array: &GenericListArray<O>,
    item: &FieldRef,
    shown: Option<&NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    let (offsets, values) = shown_items(array.offsets(), array.values(), shown)?;
    Ok(Arc::new(GenericListArray::try_new(
        item.clone(),
        offsets,
        clean(values.as_ref(), None)?,
        array.nulls().cloned(),
    )?))
}

fn clean_map(
    array: &MapArray,
    entries: &FieldRef,
    sorted: bool,
    shown: Option<&NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    let held: ArrayRef = Arc::new(array.entries().clone());
    let (offsets, held) = shown_items(array.offsets(), &held, shown)?;
    let held = clean(held.as_ref(), None)?.as_struct().clone();
    Ok(Arc::new(MapArray::try_new(entries.clone(), offsets, held, array.nulls().cloned(), sorted)?))
}

/// The items of lists without those of hidden lists, and the offsets into them.
fn shown_items<O: OffsetSizeTrait>(
    offsets: &OffsetBuffer<O>,
    values: &ArrayRef,
    shown: Option<&NullBuffer>,
) -> Result<(OffsetBuffer<O>, ArrayRef), ArrowError> {
    let lengths: Vec<usize> = offsets.lengths().collect();
    let first = offsets.first().map_or(0, |first| first.as_usize());
    let hides = |shown: &NullBuffer| lengths.iter().zip(shown.iter()).any(|(length, seen)| *length > 0 && !seen);
    let Some(shown) = shown.filter(|shown| hides(shown)) else {
        let held = lengths.iter().sum();
        return Ok((OffsetBuffer::from_lengths(lengths), values.slice(first, held)));
    };
    let (mut kept, mut kept_lengths, mut at) = (Vec::new(), Vec::with_capacity(lengths.len()), first);
    for (length, seen) in lengths.into_iter().zip(shown.iter()) {
        if seen {
            kept.extend((at..at + length).map(|item| item as u64));
        }
        kept_lengths.push(if seen { length } else { 0 });
        at += length;
    }
    let items = arrow::compute::take(values.as_ref(), &UInt64Array::from(kept), None)?;
    Ok((OffsetBuffer::from_lengths(kept_lengths), items))
}

fn clean_struct(array: &StructArray, fields: &Fields, shown: Option<&NullBuffer>) -> Result<ArrayRef, ArrowError> {
    let columns = array.columns().iter().map(|column| clean(column.as_ref(), shown)).collect::<Result<Vec<_>, _>>()?;
    let clean = StructArray::try_new_with_length(fields.clone(), columns, array.nulls().cloned(), array.len())?;
    Ok(Arc::new(clean))
}

#[cfg(test)]
mod tests;
