//! Functions of our own: what they share.
//!
//! A function says what it takes and gives rows for rows; this gives it its signature, turns its arguments into the types that it takes, and
//! calls it once for constants.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray, StringViewBuilder};
use arrow::compute::can_cast_types;
use arrow::datatypes::DataType;
use datafusion::common::{ScalarValue, exec_err, plan_err, resources_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// Text, and whatever has a text. It arrives as `Utf8View`.
    Text,
    /// A whole number. It arrives as `Int64`.
    Whole,
    /// Binary as `BinaryView`, anything else as text.
    Bytes,
}

/// One function of our own.
pub(super) struct Native {
    /// Its name.
    pub name: &'static str,
    /// Further names.
    pub aliases: &'static [&'static str],
    /// Its parameters.
    pub takes: &'static [Takes],
    /// How many of them must be given.
    pub required: usize,
    /// What it returns.
    pub returns: fn() -> DataType,
    /// Computes it for rows; all arguments have as many.
    pub run: fn(&[ArrayRef]) -> Result<ArrayRef>,
}

/// The function for the registry.
pub(super) fn function(native: &'static Native) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(NativeFunction {
        native,
        aliases: native.aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

struct NativeFunction {
    native: &'static Native,
    aliases: Vec<String>,
    signature: Signature,
}

impl std::fmt::Debug for NativeFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.native.name)
    }
}

impl PartialEq for NativeFunction {
    fn eq(&self, other: &Self) -> bool {
        self.native.name == other.native.name
    }
}

impl Eq for NativeFunction {}

impl Hash for NativeFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.native.name.hash(state);
    }
}

impl ScalarUDFImpl for NativeFunction {
    fn name(&self) -> &str {
        self.native.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok((self.native.returns)())
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        coerced(self.native.name, self.native.takes, self.native.required, given)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        invoked(&args, self.native.run)
    }
}

/// The types that arguments arrive with.
pub(super) fn coerced(name: &str, takes: &[Takes], required: usize, given: &[DataType]) -> Result<Vec<DataType>> {
    if given.len() < required || given.len() > takes.len() {
        let wanted =
            if required == takes.len() { required.to_string() } else { format!("{required} to {}", takes.len()) };
        return plan_err!("{name} takes {wanted} arguments, not {}", given.len());
    }
    let one = |(at, (takes, given)): (usize, (&Takes, &DataType))| match takes {
        Takes::Whole if given.is_integer() || given.is_null() => Ok(DataType::Int64),
        Takes::Bytes if given.is_binary() => Ok(DataType::BinaryView),
        Takes::Text | Takes::Bytes if !given.is_nested() && can_cast_types(given, &DataType::Utf8View) => {
            Ok(DataType::Utf8View)
        }
        Takes::Whole => plan_err!("argument {} of {name} is a whole number, not {given}", at + 1),
        Takes::Text | Takes::Bytes => plan_err!("argument {} of {name} is a text, not {given}", at + 1),
    };
    takes.iter().zip(given).enumerate().map(one).collect()
}

/// Computes a function: for one row where all arguments are constants.
pub(super) fn invoked(
    args: &ScalarFunctionArgs,
    run: impl Fn(&[ArrayRef]) -> Result<ArrayRef>,
) -> Result<ColumnarValue> {
    let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
    let rows = if constant { 1 } else { args.number_rows };
    let arrays = args.args.iter().map(|arg| arg.to_array(rows)).collect::<Result<Vec<_>>>()?;
    let answer = run(&arrays)?;
    match constant {
        true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&answer, 0)?)),
        false => Ok(ColumnarValue::Array(answer)),
    }
}

/// The text argument at a place; every row NULL when it was not given.
pub(super) fn texts(args: &[ArrayRef], at: usize) -> Option<&StringViewArray> {
    args.get(at).map(|array| array.as_string_view())
}

/// The text of a row; NULL where there is none.
pub(super) fn text(texts: Option<&StringViewArray>, row: usize) -> Option<&str> {
    texts.filter(|texts| !texts.is_null(row)).map(|texts| texts.value(row))
}

/// The number of a row; NULL where there is none.
pub(super) fn whole(args: &[ArrayRef], at: usize, row: usize) -> Option<i64> {
    let numbers = args.get(at)?.as_primitive::<arrow::datatypes::Int64Type>();
    (!numbers.is_null(row)).then(|| numbers.value(row))
}

/// How many rows the arguments have.
pub(super) fn rows(args: &[ArrayRef]) -> usize {
    args.first().map_or(0, |array| array.len())
}

/// Computes a text for every row.
pub(super) fn each_text(args: &[ArrayRef], of: impl Fn(usize) -> Result<Option<String>>) -> Result<ArrayRef> {
    let mut made = StringViewBuilder::with_capacity(rows(args));
    for row in 0..rows(args) {
        made.append_option(of(row)?);
    }
    Ok(Arc::new(made.finish()))
}

/// The one character that an argument is.
pub(super) fn one_char(name: &str, what: &str, text: &str) -> Result<char> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(one), None) => Ok(one),
        _ => exec_err!("{what} of {name} is one character"),
    }
}

/// Bytes that a function may make for one batch of rows beyond those that it was given.
const MOST_GROWTH: usize = 64 << 20;

/// Counts what a function makes, so that a short call can't ask for a value of any size.
pub(super) struct Growth {
    name: &'static str,
    left: usize,
}

impl Growth {
    /// For a function that is given these texts.
    pub(super) fn beyond(name: &'static str, given: Option<&StringViewArray>) -> Self {
        let given = given.map_or(0, |texts| texts.iter().flatten().map(str::len).sum());
        Self { name, left: MOST_GROWTH.saturating_add(given) }
    }

    /// Counts bytes that are made.
    pub(super) fn make(&mut self, bytes: usize) -> Result<()> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => resources_err!("{} would make more than {MOST_GROWTH} bytes beyond its input at once", self.name),
        }
    }
}
