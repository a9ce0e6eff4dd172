//! The words for types: SQL text to Arrow and back, and what of Arrow a Delta table can store.
//!
//! One place, so that `DESCRIBE`, `CREATE TABLE`, the catalog and the drivers say the same of a column.
//!
//! **Source:** Databricks SQL language reference, data types; Delta PROTOCOL, primitive types.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};

mod parse;

pub use parse::parse_sql_type;

/// The largest precision of a `DECIMAL`.
pub const MAX_DECIMAL_PRECISION: u8 = 38;

/// Why a type can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TypeError {
    /// The text is no type.
    #[error("`{0}` is not a data type: {1}")]
    Invalid(String, String),
    /// A type of the field that tables here can't hold.
    #[error("the type `{0}` is not supported: {1}")]
    Unsupported(String, &'static str),
}

impl TypeError {
    /// Whether the type is a real one that isn't built, rather than a mistake.
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Self::Unsupported(..))
    }
}

/// The SQL words for an Arrow type, such as `DECIMAL(12,2)` or `STRUCT<a: INT>`.
///
/// Views, dictionaries and large variants are said as what they hold; a type that no table can store is still named.
pub fn sql_type(data_type: &DataType) -> String {
    match stored(data_type) {
        Some(stored) => words(&stored),
        None => foreign(data_type).to_owned(),
    }
}

/// The form in which a Delta table stores an Arrow type, and in which it is read back.
///
/// # Errors
/// `Unsupported` when no Delta type holds its values.
pub fn storage_type(data_type: &DataType) -> Result<DataType, TypeError> {
    let hint = match data_type {
        DataType::Null => "give the column a type with CAST",
        DataType::Decimal256(..) => "a DECIMAL has at most 38 digits",
        _ => "Delta tables cannot store it",
    };
    stored(data_type).ok_or_else(|| TypeError::Unsupported(foreign(data_type).to_owned(), hint))
}

fn stored(data_type: &DataType) -> Option<DataType> {
    Some(match data_type {
        DataType::Boolean => DataType::Boolean,
        DataType::Int8 => DataType::Int8,
        DataType::Int16 | DataType::UInt8 => DataType::Int16,
        DataType::Int32 | DataType::UInt16 => DataType::Int32,
        // A count fits; a larger value is an error when it is written.
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Float16 | DataType::Float32 => DataType::Float32,
        DataType::Float64 => DataType::Float64,
        DataType::Date32 | DataType::Date64 => DataType::Date32,
        DataType::Timestamp(_, zone) => timestamp(zone.is_some()),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            DataType::Binary
        }
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => decimal(*precision, *scale)?,
        DataType::Dictionary(_, values) => stored(values)?,
        DataType::RunEndEncoded(_, values) => stored(values.data_type())?,
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => list(stored(item.data_type())?, item.is_nullable()),
        DataType::Map(entries, _) => stored_map(entries)?,
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(|field| stored_field(field)).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn stored_map(entries: &Field) -> Option<DataType> {
    let DataType::Struct(fields) = entries.data_type() else { return None };
    let [key, value] = fields.as_ref() else { return None };
    Some(map(stored(key.data_type())?, stored(value.data_type())?, value.is_nullable()))
}

fn stored_field(field: &Field) -> Option<Field> {
    Some(Field::new(field.name(), stored(field.data_type())?, field.is_nullable()))
}

fn timestamp(zoned: bool) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zoned.then(|| Arc::from("UTC")))
}

fn decimal(precision: u8, scale: i8) -> Option<DataType> {
    let fits =
        (1..=MAX_DECIMAL_PRECISION).contains(&precision) && u8::try_from(scale).is_ok_and(|scale| scale <= precision);
    fits.then_some(DataType::Decimal128(precision, scale))
}

fn list(item: DataType, nullable: bool) -> DataType {
    DataType::List(Arc::new(Field::new("element", item, nullable)))
}

fn map(key: DataType, value: DataType, nullable: bool) -> DataType {
    let entry = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, nullable)]);
    DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(entry), false)), false)
}

/// The words for a stored type.
fn words(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int8 => "TINYINT".to_owned(),
        DataType::Int16 => "SMALLINT".to_owned(),
        DataType::Int32 => "INT".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::Float32 => "FLOAT".to_owned(),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Timestamp(_, Some(_)) => "TIMESTAMP".to_owned(),
        DataType::Timestamp(_, None) => "TIMESTAMP_NTZ".to_owned(),
        DataType::Utf8 => "STRING".to_owned(),
        DataType::Binary => "BINARY".to_owned(),
        DataType::Decimal128(precision, scale) => format!("DECIMAL({precision},{scale})"),
        DataType::List(item) => format!("ARRAY<{}>", words(item.data_type())),
        DataType::Map(entries, _) => map_words(entries),
        DataType::Struct(fields) => {
            let fields: Vec<_> = fields.iter().map(|field| field_words(field)).collect();
            format!("STRUCT<{}>", fields.join(", "))
        }
        other => foreign(other).to_owned(),
    }
}

fn map_words(entries: &Field) -> String {
    match entries.data_type() {
        DataType::Struct(fields) => {
            let parts: Vec<_> = fields.iter().map(|field| words(field.data_type())).collect();
            format!("MAP<{}>", parts.join(", "))
        }
        _ => "MAP".to_owned(),
    }
}

fn field_words(field: &Field) -> String {
    let required = if field.is_nullable() { "" } else { " NOT NULL" };
    format!("{}: {}{required}", quoted(field.name()), words(field.data_type()))
}

fn quoted(name: &str) -> String {
    let plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && name.chars().next().is_some_and(|first| !first.is_ascii_digit());
    if plain { name.to_owned() } else { format!("`{}`", name.replace('`', "``")) }
}

/// What to call a type that no table stores.
fn foreign(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Null => "VOID",
        DataType::Interval(_) | DataType::Duration(_) => "INTERVAL",
        DataType::Time32(_) | DataType::Time64(_) => "TIME",
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            "DECIMAL"
        }
        DataType::List(_) | DataType::LargeList(_) | DataType::ListView(_) | DataType::LargeListView(_) => "ARRAY",
        DataType::FixedSizeList(..) => "ARRAY",
        DataType::Map(..) => "MAP",
        DataType::Struct(_) => "STRUCT",
        DataType::Union(..) => "UNION",
        _ => "UNKNOWN",
    }
}

#[cfg(test)]
mod tests;
