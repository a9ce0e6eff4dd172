//! What commands show: records of named values in a fixed order.

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

/// A value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// Words.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Bool(bool),
    /// Several values.
    List(Vec<Value>),
    /// Keys and values.
    Map(Vec<(String, Value)>),
}

/// A named value; names are words of JSON, `created_at`.
pub type Field = (&'static str, Value);

/// One thing, as its fields in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    /// The fields in the order in which they are shown.
    pub fields: Vec<Field>,
}

impl Value {
    /// Text, or nothing when it is empty.
    pub fn optional(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Null } else { Self::Text(text) }
    }

    /// A list of texts.
    pub fn texts<T: Into<String>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(items.into_iter().map(|t| Self::Text(t.into())).collect())
    }

    /// The value on one line for tables and CSV; `None` for nothing. A text comes as it is, a list as its items
    /// joined by commas, a map as `key=value`.
    pub fn flat(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(number.to_string()),
            Self::Bool(value) => Some(value.to_string()),
            Self::List(items) if items.is_empty() => None,
            Self::List(items) => Some(items.iter().map(Self::flat_or_null).collect::<Vec<_>>().join(", ")),
            Self::Map(entries) if entries.is_empty() => None,
            Self::Map(entries) => {
                Some(entries.iter().map(|(k, v)| format!("{k}={}", v.flat_or_null())).collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn flat_or_null(&self) -> String {
        self.flat().unwrap_or_else(|| "NULL".to_owned())
    }
}

impl Record {
    /// An empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// The record with one more field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// The record without the fields that hold nothing.
    #[must_use]
    pub fn without_nothing(mut self) -> Self {
        self.fields.retain(|(_, value)| value.flat().is_some());
        self
    }

    /// The value of a field; nothing when there is none of this name.
    pub fn get(&self, name: &str) -> &Value {
        self.fields.iter().find(|(n, _)| *n == name).map_or(&Value::Null, |(_, value)| value)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Record> for Value {
    fn from(record: Record) -> Self {
        Self::Map(record.fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len()))?;
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
