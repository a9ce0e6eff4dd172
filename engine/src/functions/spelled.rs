//! Functions that are another way to write an expression: they are replaced by it before anything runs.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{ScalarValue, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::functions::datetime::expr_fn as time;
use datafusion::functions::unicode::expr_fn as unicode;
use datafusion::functions_nested::expr_fn as nested;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::type_coercion::binary::type_union_resolution;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, cast, lit, when,
};

use super::date_format;

/// One way to write.
pub(super) struct Spelled {
    name: &'static str,
    aliases: &'static [&'static str],
    /// The types of its arguments as they arrive, or why they can't.
    takes: fn(&[DataType]) -> Result<Vec<DataType>>,
    returns: fn(&[DataType]) -> Result<DataType>,
    /// The expression, of the type that it returns.
    written: fn(Vec<Expr>) -> Result<Expr>,
}

/// All of them.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    let function = |spelled: &'static Spelled| {
        Arc::new(ScalarUDF::from(SpelledFunction {
            spelled,
            aliases: spelled.aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            signature: Signature::user_defined(Volatility::Immutable),
        }))
    };
    SPELLED.iter().map(function).collect()
}

/// A part of a time as INT.
macro_rules! part {
    ($name:literal, $aliases:expr, $part:literal, $plus:literal) => {
        Spelled {
            name: $name,
            aliases: $aliases,
            takes: one_time,
            returns: |_| Ok(DataType::Int32),
            written: |args| {
                let [of] = exactly(args)?;
                let part = cast(time::date_part(lit($part), of), DataType::Int32);
                Ok(if $plus == 0 { part } else { part + lit($plus) })
            },
        }
    };
}

const SPELLED: &[Spelled] = &[
    Spelled {
        name: "if",
        aliases: &["iff"],
        takes: |given| match given {
            [_, yes, no] => {
                let one = union(&[yes, no])?;
                Ok(vec![DataType::Boolean, one.clone(), one])
            }
            _ => plan_err!("if takes a condition and two values"),
        },
        returns: |given| Ok(given.get(1).cloned().unwrap_or(DataType::Null)),
        written: |args| {
            let [condition, yes, no] = exactly(args)?;
            when(condition, yes).otherwise(no)
        },
    },
    Spelled {
        name: "isnull",
        aliases: &[],
        takes: one_of_any_type,
        returns: |_| Ok(DataType::Boolean),
        written: |args| exactly(args).map(|[value]: [Expr; 1]| value.is_null()),
    },
    Spelled {
        name: "isnotnull",
        aliases: &[],
        takes: one_of_any_type,
        returns: |_| Ok(DataType::Boolean),
        written: |args| exactly(args).map(|[value]: [Expr; 1]| value.is_not_null()),
    },
    part!("year", &[], "year", 0),
    part!("quarter", &[], "quarter", 0),
    part!("month", &[], "month", 0),
    part!("weekofyear", &[], "week", 0),
    part!("day", &["dayofmonth"], "day", 0),
    part!("dayofyear", &[], "doy", 0),
    // Sunday is 1.
    part!("dayofweek", &[], "dow", 1),
    part!("hour", &[], "hour", 0),
    part!("minute", &[], "minute", 0),
    part!("second", &[], "second", 0),
    Spelled {
        name: "date_add",
        aliases: &[],
        takes: date_and_days,
        returns: |_| Ok(DataType::Date32),
        written: |args| exactly(args).map(|[date, days]| as_date(days_of(date) + days)),
    },
    Spelled {
        name: "date_sub",
        aliases: &[],
        takes: date_and_days,
        returns: |_| Ok(DataType::Date32),
        written: |args| exactly(args).map(|[date, days]| as_date(days_of(date) - days)),
    },
    Spelled {
        name: "datediff",
        aliases: &["date_diff"],
        takes: |given| match given {
            [_, _] => Ok(vec![DataType::Date32, DataType::Date32]),
            _ => plan_err!("datediff takes two dates"),
        },
        returns: |_| Ok(DataType::Int32),
        written: |args| exactly(args).map(|[end, start]| days_of(end) - days_of(start)),
    },
    Spelled {
        name: "date_format",
        aliases: &[],
        takes: |given| match given {
            [of, _] => Ok(vec![time_type(of), DataType::Utf8]),
            _ => plan_err!("date_format takes a time and a pattern"),
        },
        returns: |_| Ok(DataType::Utf8),
        written: |args| {
            let [of, pattern] = exactly(args)?;
            Ok(cast(time::to_char(of, lit(date_format::library_pattern(&pattern)?)), DataType::Utf8))
        },
    },
    Spelled {
        name: "locate",
        aliases: &["charindex"],
        takes: |given| match given {
            [_, _] => Ok(vec![DataType::Utf8View, DataType::Utf8View]),
            _ => plan_err!("locate takes what to look for and where"),
        },
        returns: |_| Ok(DataType::Int32),
        written: |args| exactly(args).map(|[what, text]| cast(unicode::strpos(text, what), DataType::Int32)),
    },
    Spelled {
        name: "element_at",
        aliases: &["try_element_at"],
        takes: |given| match given {
            [DataType::Map(entries, sorted), _] => {
                Ok(vec![DataType::Map(Arc::clone(entries), *sorted), entry(entries.data_type(), 0)?])
            }
            [list @ (DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _)), _] => {
                Ok(vec![list.clone(), DataType::Int64])
            }
            _ => plan_err!("element_at takes an array and a place from 1, or a map and a key"),
        },
        returns: |given| match given.first() {
            Some(DataType::Map(entries, _)) => entry(entries.data_type(), 1),
            Some(DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _)) => {
                Ok(item.data_type().clone())
            }
            _ => plan_err!("element_at takes an array or a map"),
        },
        written: |args| {
            let [of, at] = exactly(args)?;
            Ok(nested::array_element(of, at))
        },
    },
];

fn one_of_any_type(given: &[DataType]) -> Result<Vec<DataType>> {
    match given {
        [_] => Ok(given.to_vec()),
        _ => plan_err!("it takes one value"),
    }
}

fn one_time(given: &[DataType]) -> Result<Vec<DataType>> {
    match given {
        [of] => Ok(vec![time_type(of)]),
        _ => plan_err!("it takes one time"),
    }
}

fn time_type(given: &DataType) -> DataType {
    match given {
        DataType::Timestamp(_, _) => given.clone(),
        _ => DataType::Timestamp(TimeUnit::Microsecond, None),
    }
}

fn date_and_days(given: &[DataType]) -> Result<Vec<DataType>> {
    match given {
        [_, days] if days.is_integer() || days.is_null() => Ok(vec![DataType::Date32, DataType::Int32]),
        _ => plan_err!("it takes a date and a number of days"),
    }
}

fn days_of(date: Expr) -> Expr {
    cast(date, DataType::Int32)
}

fn as_date(days: Expr) -> Expr {
    cast(days, DataType::Date32)
}

fn union(types: &[&DataType]) -> Result<DataType> {
    let types: Vec<DataType> = types.iter().map(|one| (*one).clone()).collect();
    match type_union_resolution(&types) {
        Some(one) => Ok(one),
        None => plan_err!("the two values have no type in common"),
    }
}

/// The type of the keys or the values of a map, by its entries.
fn entry(entries: &DataType, at: usize) -> Result<DataType> {
    match entries {
        DataType::Struct(fields) if fields.len() == 2 => match fields.get(at) {
            Some(field) => Ok(field.data_type().clone()),
            None => internal_err!("a map has keys and values"),
        },
        _ => internal_err!("a map has entries"),
    }
}

fn exactly<const N: usize>(args: Vec<Expr>) -> Result<[Expr; N]> {
    let count = args.len();
    args.try_into().or_else(|_| plan_err!("the function takes {N} arguments, not {count}"))
}

struct SpelledFunction {
    spelled: &'static Spelled,
    aliases: Vec<String>,
    signature: Signature,
}

impl std::fmt::Debug for SpelledFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.spelled.name)
    }
}

impl PartialEq for SpelledFunction {
    fn eq(&self, other: &Self) -> bool {
        self.spelled.name == other.spelled.name
    }
}

impl Eq for SpelledFunction {}

impl Hash for SpelledFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.spelled.name.hash(state);
    }
}

impl ScalarUDFImpl for SpelledFunction {
    fn name(&self) -> &str {
        self.spelled.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        (self.spelled.returns)(given)
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        (self.spelled.takes)(given)
    }

    fn simplify(&self, args: Vec<Expr>, _: &SimplifyContext) -> Result<ExprSimplifyResult> {
        Ok(ExprSimplifyResult::Simplified((self.spelled.written)(args)?))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("a call of `{}` was not replaced by what it stands for", self.spelled.name)
    }

    fn short_circuits(&self) -> bool {
        self.spelled.name == "if"
    }

    fn conditional_arguments<'a>(&self, args: &'a [Expr]) -> Option<(Vec<&'a Expr>, Vec<&'a Expr>)> {
        match args {
            [condition, rest @ ..] if self.short_circuits() => Some((vec![condition], rest.iter().collect())),
            _ => None,
        }
    }
}

/// A text constant.
pub(super) fn constant_text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(ScalarValue::Utf8(Some(text)), _)
        | Expr::Literal(ScalarValue::LargeUtf8(Some(text)), _)
        | Expr::Literal(ScalarValue::Utf8View(Some(text)), _) => Some(text),
        Expr::Cast(inner) => constant_text(&inner.expr),
        Expr::Alias(inner) => constant_text(&inner.expr),
        _ => None,
    }
}
