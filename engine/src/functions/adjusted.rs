//! Functions whose numbers Spark reads another way than the library: negative ones.
//!
//! It matters in masks: `substring(ssn, -4)` is the last four characters there, and would be all of them in the library's reading.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

/// The function as Spark has it.
pub(super) fn adjusted(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    let reading = match function.name() {
        "substr" => Reading::Start,
        "left" | "right" => Reading::Length,
        _ => return function,
    };
    Arc::new(ScalarUDF::from(Adjusted { inner: function, reading }))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Reading {
    /// `(text, start[, length])`: a negative start counts from the end, 0 is 1, and a length is at least 0.
    Start,
    /// `(text, length)`: at least 0.
    Length,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Adjusted {
    inner: Arc<ScalarUDF>,
    reading: Reading,
}

impl ScalarUDFImpl for Adjusted {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.inner().coerce_types(arg_types)
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        match (self.reading, args.args.as_mut_slice()) {
            (Reading::Start, [text, start, rest @ ..]) => {
                *start = from_the_end(text, start, rows)?;
                if let [length] = rest {
                    *length = at_least(length, 0)?;
                }
            }
            (Reading::Length, [_, length]) => *length = at_least(length, 0)?,
            _ => {}
        }
        self.inner.invoke_with_args(args)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

/// The start as a place from the beginning, which may lie before it.
fn from_the_end(text: &ColumnarValue, start: &ColumnarValue, rows: usize) -> Result<ColumnarValue> {
    match start {
        ColumnarValue::Scalar(ScalarValue::Int64(Some(1..) | None)) => return Ok(start.clone()),
        ColumnarValue::Scalar(ScalarValue::Int64(Some(0))) => return Ok(number(1)),
        _ => {}
    }
    let constant = matches!((text, start), (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)));
    let rows = if constant { 1 } else { rows };
    let lengths = characters(&text.to_array(rows)?)?;
    let starts = cast(&start.to_array(rows)?, &DataType::Int64)?;
    let place = |(start, length): (Option<i64>, Option<i64>)| match start? {
        0 => Some(1),
        start @ 1.. => Some(start),
        start => Some(length?.saturating_add(start).saturating_add(1)),
    };
    let places: Int64Array = starts.as_primitive::<Int64Type>().iter().zip(lengths).map(place).collect();
    match constant {
        true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&places, 0)?)),
        false => Ok(ColumnarValue::Array(Arc::new(places))),
    }
}

fn characters(texts: &ArrayRef) -> Result<Vec<Option<i64>>> {
    let texts = cast(texts, &DataType::Utf8View)?;
    let count = |text: &str| i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    Ok(texts.as_string_view().iter().map(|text| text.map(count)).collect())
}

fn at_least(value: &ColumnarValue, least: i64) -> Result<ColumnarValue> {
    match value {
        ColumnarValue::Scalar(ScalarValue::Int64(Some(given))) => Ok(number((*given).max(least))),
        ColumnarValue::Array(array) if array.data_type() == &DataType::Int64 => {
            let values: Int64Array = array.as_primitive::<Int64Type>().unary(|given| given.max(least));
            Ok(ColumnarValue::Array(Arc::new(values)))
        }
        other => Ok(other.clone()),
    }
}

fn number(value: i64) -> ColumnarValue {
    ColumnarValue::Scalar(ScalarValue::Int64(Some(value)))
}
