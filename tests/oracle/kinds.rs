//! The kinds of columns, their words in SQL and Arrow, and values that are worth trying.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};

use crate::dice::Dice;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Big,
    Text,
    Int,
    Bool,
    Double,
    Date,
    Decimal(u8, i8),
    Timestamp,
    Small,
    Tiny,
    Float,
    TimestampNtz,
    Bytes,
    Numbers,
    Texts,
    Map,
    Struct,
}

use Kind::*;

pub const ALL: &[Kind] = &[
    Big,
    Text,
    Int,
    Bool,
    Double,
    Date,
    Decimal(12, 3),
    Timestamp,
    Small,
    Tiny,
    Float,
    Decimal(38, 10),
    TimestampNtz,
    Decimal(5, 2),
    Bytes,
    Numbers,
    Texts,
    Map,
    Struct,
];

/// Kinds that a table may be partitioned by.
pub const PARTITION: &[Kind] = &[Text, Big, Int, Bool, Date, Decimal(12, 3), Timestamp, Small];

const TEXTS: &[&str] = &[
    "7",
    "a",
    "12",
    "x",
    "1",
    "",
    "-3",
    "abc",
    "0",
    "A",
    "ünïcödé",
    "2024-02-29",
    "it''s",
    "a%b_c",
    "日本",
    " 7 ",
    "9999999999",
    LONG,
    LONGER,
];
/// Statistics keep the beginning of a text only.
const LONG: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
const LONGER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\u{10ffff}z";
/// Only the last is no number: what a policy may hide, and what then fails in a cast.
const KEYS: &[&str] = &["1", "2", "3", "7", "x"];
const DATES: &[&str] = &["2024-02-29", "1970-01-01", "1969-12-31", "2023-07-01", "0001-01-01", "9999-12-31"];
const TIMES: &[&str] = &[
    "2024-02-29 12:34:56.123456",
    "1970-01-01 00:00:00",
    "2024-02-29 12:34:56.123457",
    "1969-12-31 23:59:59.999999",
    "1700-01-01 00:00:00",
    "2200-12-31 23:59:59.999",
];

impl Kind {
    /// The type in SQL.
    pub fn sql(self) -> String {
        match self {
            Big => "BIGINT".into(),
            Text => "STRING".into(),
            Int => "INT".into(),
            Bool => "BOOLEAN".into(),
            Double => "DOUBLE".into(),
            Date => "DATE".into(),
            Decimal(precision, scale) => format!("DECIMAL({precision},{scale})"),
            Timestamp => "TIMESTAMP".into(),
            Small => "SMALLINT".into(),
            Tiny => "TINYINT".into(),
            Float => "FLOAT".into(),
            TimestampNtz => "TIMESTAMP_NTZ".into(),
            Bytes => "BINARY".into(),
            Numbers => "ARRAY<INT>".into(),
            Texts => "ARRAY<STRING>".into(),
            Map => "MAP<STRING, INT>".into(),
            Struct => "STRUCT<a: INT, b: STRING>".into(),
        }
    }

    /// The type in Arrow, as a Delta table stores it.
    pub fn arrow(self) -> DataType {
        let list = |item| DataType::List(Arc::new(Field::new("element", item, true)));
        match self {
            Big => DataType::Int64,
            Text => DataType::Utf8,
            Int => DataType::Int32,
            Bool => DataType::Boolean,
            Double => DataType::Float64,
            Date => DataType::Date32,
            Decimal(precision, scale) => DataType::Decimal128(precision, scale),
            Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Small => DataType::Int16,
            Tiny => DataType::Int8,
            Float => DataType::Float32,
            TimestampNtz => DataType::Timestamp(TimeUnit::Microsecond, None),
            Bytes => DataType::Binary,
            Numbers => list(DataType::Int32),
            Texts => list(DataType::Utf8),
            Map => {
                let entry = vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Int32, true)];
                let entry = Field::new("key_value", DataType::Struct(Fields::from(entry)), false);
                DataType::Map(Arc::new(entry), false)
            }
            Struct => {
                let fields = vec![Field::new("a", DataType::Int32, true), Field::new("b", DataType::Utf8, true)];
                DataType::Struct(Fields::from(fields))
            }
        }
    }

    pub fn is_whole(self) -> bool {
        matches!(self, Big | Int | Small | Tiny)
    }

    /// Of these, `min` and `max` depend on the order of rows when there is a NaN among them.
    pub fn is_floating(self) -> bool {
        matches!(self, Double | Float)
    }

    /// Whether values have an order and can be compared with a literal.
    pub fn is_simple(self) -> bool {
        !matches!(self, Numbers | Texts | Map | Struct)
    }

    /// A value, in SQL. Never NULL.
    pub fn literal(self, dice: &mut Dice) -> String {
        match self {
            Big => {
                let wide = ["CAST('9223372036854775807' AS BIGINT)", "CAST('-9223372036854775808' AS BIGINT)"];
                if dice.chance(10) { (*dice.one(&wide)).to_owned() } else { whole(dice) }
            }
            Int => cast(
                if dice.chance(8) { (*dice.one(&["2147483647", "-2147483648"])).to_owned() } else { whole(dice) },
                self,
            ),
            Small => {
                cast(if dice.chance(8) { (*dice.one(&["32767", "-32768"])).to_owned() } else { whole(dice) }, self)
            }
            Tiny => cast(if dice.chance(8) { (*dice.one(&["127", "-128"])).to_owned() } else { whole(dice) }, self),
            Text => format!("'{}'", dice.one(TEXTS)),
            Bool => (*dice.one(&["true", "false"])).to_owned(),
            Double | Float => cast(
                format!("'{}'", dice.one(&["0.5", "1", "-2.25", "NaN", "-0.0", "0.0", "7", "Infinity", "1e30"])),
                self,
            ),
            Date => format!("DATE '{}'", dice.one(DATES)),
            Decimal(precision, scale) => decimal(precision, scale, dice),
            Timestamp | TimestampNtz => format!("TIMESTAMP '{}'", dice.one(TIMES)),
            Bytes => (*dice.one(&["X'61'", "X'00ff'", "X'626300'", "X''"])).to_owned(),
            Numbers => (*dice.one(&["make_array(1, 2)", "make_array(7)", "make_array(3, NULL, 0)"])).to_owned(),
            Texts => (*dice.one(&["make_array('a', 'b')", "make_array('7')", "make_array('x', NULL, '')"])).to_owned(),
            Map => (*dice
                .one(&["map(make_array('x'), make_array(1))", "map(make_array('x', 'y'), make_array(7, NULL))"]))
            .to_owned(),
            Struct => {
                let (a, b) = (dice.one(&["1", "7", "0", "-5"]), dice.one(&["x", "7", "", "abc"]));
                format!("named_struct('a', {a}, 'b', '{b}')")
            }
        }
    }

    /// A value or NULL, for a row.
    pub fn value(self, dice: &mut Dice) -> String {
        if dice.chance(14) { "NULL".to_owned() } else { self.literal(dice) }
    }
}

/// A value of the column that tables are often joined by, and filtered.
pub fn key(dice: &mut Dice) -> String {
    if dice.chance(10) { "NULL".to_owned() } else { format!("'{}'", dice.one(KEYS)) }
}

fn whole(dice: &mut Dice) -> String {
    (*dice.one(&["1", "2", "3", "0", "7", "5", "-1", "12", "4", "100"])).to_owned()
}

fn decimal(precision: u8, scale: i8, dice: &mut Dice) -> String {
    let most = "9".repeat(usize::from(precision) - usize::try_from(scale).unwrap());
    let most = format!("{most}.{}", "9".repeat(usize::try_from(scale).unwrap()));
    let least = format!("-{most}");
    let text = *dice.one(&["1.25", "0", "7", "-1.5", "100", "0.01", &most, &least]);
    cast(format!("'{text}'"), Decimal(precision, scale))
}

fn cast(text: String, kind: Kind) -> String {
    format!("CAST({text} AS {})", kind.sql())
}
