//! Functions by which a short query could ask for a value of any size.
//!
//! DataFusion evaluates constants while planning and counts no memory for the values of an expression, so `repeat('x', 2000000000)` would take
//! the memory of the whole server. These functions say beforehand how much they would make, and refuse beyond a bound.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Int64Type, IntervalMonthDayNanoType, TimeUnit};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use crate::runtime::meter::made;
use crate::runtime::weight;

/// Bytes that one call may make for one batch of rows.
const MOST_BYTES: u64 = 64 << 20;
/// The same where only a worst case can be told beforehand.
const MOST_BYTES_AT_WORST: u64 = 1 << 30;
/// Bytes that one element of an array is counted as.
const ELEMENT_BYTES: u64 = 16;
const DAY_NANOS: i128 = 86_400_000_000_000;

/// The capped form of a function that needs it.
pub(super) fn capped(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    let growth = match function.name() {
        "repeat" => Growth::Repeat,
        "lpad" | "rpad" => Growth::Pad,
        "range" | "generate_series" => Growth::Series,
        "array_repeat" => Growth::RepeatElement,
        "array_resize" => Growth::Resize,
        "replace" | "translate" => Growth::Replace,
        "array_replace" | "array_replace_n" | "array_replace_all" => Growth::ReplaceElement,
        "string_to_array" => Growth::Letters,
        "levenshtein" => Growth::Table,
        name if JOINING.contains(&name) => Growth::Join,
        _ => return function,
    };
    Arc::new(ScalarUDF::from(Capped { inner: function, growth }))
}

/// Functions whose result is as large as all their arguments together.
const JOINING: &[&str] = &[
    "array_append",
    "array_concat",
    "array_prepend",
    "array_to_string",
    "array_union",
    "arrays_zip",
    "concat",
    "concat_ws",
    "encode",
    "make_array",
    "overlay",
];

/// How the size of the result follows from the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Growth {
    /// `(text, times)`
    Repeat,
    /// `(text, length, ..)`
    Pad,
    /// `(stop)`, `(start, stop)` or `(start, stop, step)`
    Series,
    /// `(element, times)`
    RepeatElement,
    /// `(array, length, ..)`
    Resize,
    /// `(text, pattern, replacement, ..)`
    Replace,
    /// `(array, from, to, ..)`
    ReplaceElement,
    /// `(part, part, ..)`
    Join,
    /// `(text, ..)`, an element for each letter
    Letters,
    /// `(text, text)`: steps, not bytes
    Table,
}

impl Growth {
    fn most(self) -> u64 {
        match self {
            Self::Replace | Self::ReplaceElement | Self::Join | Self::Letters | Self::Table => MOST_BYTES_AT_WORST,
            _ => MOST_BYTES,
        }
    }

    /// Bytes of the result for all rows, at worst.
    fn bytes(self, args: &[ArrayRef]) -> Result<u64> {
        match (self, args) {
            (Self::Repeat, [text, times, ..]) => sum(lengths(text)?, integers(times)?, |length, times| length * times),
            (Self::Pad, [_, length, ..]) => Ok(total(integers(length)?.map(|length| length * 4))),
            (Self::Resize, [_, length, with @ ..]) => {
                let one = ELEMENT_BYTES + with.first().map_or(0, |with| weight::of_widest(with) as u64);
                Ok(total(integers(length)?.map(|length| length.saturating_mul(one))))
            }
            (Self::ReplaceElement, [array, _, to, ..]) => {
                let (items, one) = (weight::items(array) as u64, weight::of_widest(to) as u64);
                Ok(items.saturating_mul(one).saturating_add(weight::of_array(array) as u64))
            }
            (Self::Join, parts) => Ok(total(parts.iter().map(|part| weight::of_array(part) as u64))),
            (Self::Letters, [text, ..]) => Ok(total(lengths(text)?.map(|length| length.saturating_mul(ELEMENT_BYTES)))),
            (Self::Table, [left, right]) => sum(lengths(left)?, lengths(right)?, u64::saturating_mul),
            (Self::RepeatElement, [element, times, ..]) => {
                let one = element.get_array_memory_size() as u64 / (element.len() as u64).max(1) + ELEMENT_BYTES;
                Ok(total(integers(times)?.map(|times| times.saturating_mul(one))))
            }
            (Self::Replace, [text, _, with, ..]) => {
                sum(lengths(text)?, lengths(with)?, |text, with| text.saturating_add(1).saturating_mul(with.max(1)))
            }
            (Self::Series, _) => series_bytes(args),
            _ => Ok(0),
        }
    }
}

fn series_bytes(args: &[ArrayRef]) -> Result<u64> {
    let (start, stop, step) = match args {
        [stop] => (None, stop, None),
        [start, stop] => (Some(start), stop, None),
        [start, stop, step, ..] => (Some(start), stop, Some(step)),
        [] => return Ok(0),
    };
    let mut bytes = 0_u64;
    let points = (start.map(points).transpose()?, points(stop)?, step.map(points).transpose()?);
    for (row, stop) in points.1.iter().enumerate() {
        let at = |list: &Option<Vec<i128>>, default| {
            list.as_ref().and_then(|list| list.get(row).copied()).unwrap_or(default)
        };
        let (start, step) = (at(&points.0, 0), at(&points.2, 1));
        let elements = (stop - start).checked_div(step).map_or(0, i128::unsigned_abs);
        bytes = bytes.saturating_add(u64::try_from(elements).unwrap_or(u64::MAX).saturating_mul(ELEMENT_BYTES));
    }
    Ok(bytes)
}

/// Numbers as they are, times and intervals in nanoseconds; a month counts as its fewest days. NULL is 0.
fn points(array: &ArrayRef) -> Result<Vec<i128>> {
    match array.data_type() {
        DataType::Interval(_) => {
            let interval = DataType::Interval(arrow::datatypes::IntervalUnit::MonthDayNano);
            let array = cast(array, &interval)?;
            let parts = array.as_primitive::<IntervalMonthDayNanoType>().iter();
            let nanos = parts.map(|part| {
                part.map_or(0, |part| {
                    (i128::from(part.months) * 28 + i128::from(part.days)) * DAY_NANOS + i128::from(part.nanoseconds)
                })
            });
            Ok(nanos.collect())
        }
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, _) => {
            let seconds = cast(&cast(array, &DataType::Timestamp(TimeUnit::Second, None))?, &DataType::Int64)?;
            let seconds = seconds.as_primitive::<Int64Type>().iter();
            Ok(seconds.map(|seconds| i128::from(seconds.unwrap_or(0)) * 1_000_000_000).collect())
        }
        _ => {
            let numbers = cast(array, &DataType::Int64)?;
            Ok(numbers.as_primitive::<Int64Type>().iter().map(|number| i128::from(number.unwrap_or(0))).collect())
        }
    }
}

fn integers(array: &ArrayRef) -> Result<impl Iterator<Item = u64>> {
    let numbers = points(array)?;
    Ok(numbers.into_iter().map(|number| u64::try_from(number.clamp(0, i128::from(u32::MAX))).unwrap_or(0)))
}

/// Bytes of every text of an array.
fn lengths(array: &ArrayRef) -> Result<std::vec::IntoIter<u64>> {
    let bytes = |text: Option<&str>| text.map_or(0, |text| text.len() as u64);
    let lengths: Vec<u64> = match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().map(bytes).collect(),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().map(bytes).collect(),
        DataType::Utf8View => array.as_string_view().iter().map(bytes).collect(),
        _ => cast(array, &DataType::LargeUtf8)?.as_string::<i64>().iter().map(bytes).collect(),
    };
    Ok(lengths.into_iter())
}

fn sum(left: impl Iterator<Item = u64>, right: impl Iterator<Item = u64>, of: impl Fn(u64, u64) -> u64) -> Result<u64> {
    Ok(total(left.zip(right).map(|(left, right)| of(left, right))))
}

fn total(sizes: impl Iterator<Item = u64>) -> u64 {
    sizes.fold(0, u64::saturating_add)
}

/// The function as it was, with the bound before it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Capped {
    inner: Arc<ScalarUDF>,
    growth: Growth,
}

impl ScalarUDFImpl for Capped {
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

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let too_much = |bytes: u64| {
            let most = self.growth.most();
            exec_err!("{} would make up to {bytes} bytes at once, more than {most}", self.name())
        };
        let mut arrays = Vec::with_capacity(args.args.len());
        for arg in &args.args {
            if let ColumnarValue::Scalar(value) = arg {
                // It stands in every row: what is large for one is not spread to be measured.
                let spread = weight::of_array(&value.to_array()?).saturating_mul(rows) as u64;
                if spread > self.growth.most() {
                    return too_much(spread);
                }
            }
            arrays.push(arg.to_array(rows)?);
        }
        let bytes = self.growth.bytes(&arrays)?;
        if bytes > self.growth.most() {
            return too_much(bytes);
        }
        if self.growth != Growth::Table {
            made(bytes)?;
        }
        self.inner.invoke_with_args(args)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.inner.output_ordering(inputs)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}
