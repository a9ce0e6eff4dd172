//! Reading type words.

use arrow::datatypes::{DataType, Field};

use super::{MAX_DECIMAL_PRECISION, TypeError, list, map, timestamp};

/// Types may nest this deep.
const MAX_DEPTH: usize = 32;

/// Reads a type as it is written in SQL: `BIGINT`, `decimal(12, 2)`, `ARRAY<STRUCT<a: INT NOT NULL, b STRING>>`.
///
/// Case doesn't matter. `DECIMAL` alone is `DECIMAL(10,0)`; `DECIMAL(p)` has scale 0.
///
/// # Errors
/// `Invalid` when it isn't a type; `Unsupported` for types of the field that tables here can't hold.
pub fn parse_sql_type(text: &str) -> Result<DataType, TypeError> {
    let mut reader = Reader { whole: text, rest: text, depth: 0 };
    let data_type = reader.data_type()?;
    match reader.peek() {
        None => Ok(data_type),
        Some(_) => Err(reader.invalid(format!("nothing may follow after the type, and `{}` does", reader.rest.trim()))),
    }
}

struct Reader<'a> {
    whole: &'a str,
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn invalid(&self, reason: impl Into<String>) -> TypeError {
        TypeError::Invalid(self.whole.trim().to_owned(), reason.into())
    }

    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.rest = self.rest.strip_prefix(wanted).unwrap_or_default();
        }
        found
    }

    fn require(&mut self, wanted: char) -> Result<(), TypeError> {
        if self.eat(wanted) { Ok(()) } else { Err(self.invalid(format!("`{wanted}` is missing"))) }
    }

    /// The letters, digits and underscores that come next.
    fn word(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        let end =
            self.rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_')).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn eat_word(&mut self, wanted: &str) -> bool {
        let before = self.rest;
        let found = self.word().eq_ignore_ascii_case(wanted);
        if !found {
            self.rest = before;
        }
        found
    }

    fn data_type(&mut self) -> Result<DataType, TypeError> {
        if self.depth == MAX_DEPTH {
            return Err(self.invalid("it nests too deep"));
        }
        self.depth += 1;
        let word = self.word().to_ascii_uppercase();
        let data_type = match word.as_str() {
            "DECIMAL" | "DEC" | "NUMERIC" => self.decimal()?,
            "ARRAY" => self.array()?,
            "MAP" => self.map()?,
            "STRUCT" => self.structure()?,
            "DOUBLE" => {
                self.eat_word("PRECISION");
                DataType::Float64
            }
            "" => return Err(self.invalid("a type is missing")),
            other => self.simple(other)?,
        };
        self.depth -= 1;
        Ok(data_type)
    }

    fn simple(&self, word: &str) -> Result<DataType, TypeError> {
        Ok(match word {
            "BOOLEAN" | "BOOL" => DataType::Boolean,
            "TINYINT" | "BYTE" => DataType::Int8,
            "SMALLINT" | "SHORT" => DataType::Int16,
            "INT" | "INTEGER" => DataType::Int32,
            "BIGINT" | "LONG" => DataType::Int64,
            "FLOAT" | "REAL" => DataType::Float32,
            "DATE" => DataType::Date32,
            "TIMESTAMP" | "TIMESTAMP_LTZ" => timestamp(true),
            "TIMESTAMP_NTZ" => timestamp(false),
            "STRING" | "TEXT" => DataType::Utf8,
            "BINARY" => DataType::Binary,
            "VARCHAR" | "CHAR" | "CHARACTER" => {
                return Err(unsupported(word, "lengths are not enforced here, use STRING"));
            }
            "VARIANT" | "OBJECT" => return Err(unsupported(word, "use STRING or STRUCT")),
            "INTERVAL" | "TIME" | "VOID" | "GEOGRAPHY" | "GEOMETRY" => {
                return Err(unsupported(word, "Delta tables cannot store it"));
            }
            _ => return Err(self.invalid(format!("the type `{}` is unknown", word.to_ascii_lowercase()))),
        })
    }

    fn decimal(&mut self) -> Result<DataType, TypeError> {
        if !self.eat('(') {
            return Ok(DataType::Decimal128(10, 0));
        }
        let precision = self.number()?;
        let scale = if self.eat(',') { self.number()? } else { 0 };
        self.require(')')?;
        if !(1..=MAX_DECIMAL_PRECISION).contains(&precision) {
            return Err(self.invalid(format!("the precision of a DECIMAL is 1 to {MAX_DECIMAL_PRECISION}")));
        }
        match i8::try_from(scale) {
            Ok(signed) if scale <= precision => Ok(DataType::Decimal128(precision, signed)),
            _ => Err(self.invalid("the scale of a DECIMAL is 0 to its precision")),
        }
    }

    fn number(&mut self) -> Result<u8, TypeError> {
        let word = self.word();
        word.parse().map_err(|_| self.invalid(format!("`{word}` is not a small whole number")))
    }

    fn array(&mut self) -> Result<DataType, TypeError> {
        self.require('<')?;
        let item = self.data_type()?;
        self.require('>')?;
        Ok(list(item, true))
    }

    fn map(&mut self) -> Result<DataType, TypeError> {
        self.require('<')?;
        let key = self.data_type()?;
        self.require(',')?;
        let value = self.data_type()?;
        self.require('>')?;
        Ok(map(key, value, true))
    }

    fn structure(&mut self) -> Result<DataType, TypeError> {
        self.require('<')?;
        let mut fields: Vec<Field> = Vec::new();
        while self.peek() != Some('>') {
            if !fields.is_empty() {
                self.require(',')?;
            }
            let field = self.field()?;
            if fields.iter().any(|other| other.name().eq_ignore_ascii_case(field.name())) {
                return Err(self.invalid(format!("the field `{}` is there twice", field.name())));
            }
            fields.push(field);
        }
        self.require('>')?;
        if fields.is_empty() {
            Err(self.invalid("a STRUCT needs a field"))
        } else {
            Ok(DataType::Struct(fields.into()))
        }
    }

    fn field(&mut self) -> Result<Field, TypeError> {
        let name = self.name()?;
        self.eat(':');
        let data_type = self.data_type()?;
        let required = self.eat_word("NOT");
        if required && !self.eat_word("NULL") {
            return Err(self.invalid("NULL must follow after NOT"));
        }
        if self.eat_word("COMMENT") {
            return Err(unsupported("STRUCT", "comments on fields are not kept"));
        }
        Ok(Field::new(name, data_type, !required))
    }

    fn name(&mut self) -> Result<String, TypeError> {
        if !self.eat('`') {
            let word = self.word();
            return if word.is_empty() {
                Err(self.invalid("the name of a field is missing"))
            } else {
                Ok(word.to_owned())
            };
        }
        let mut name = String::new();
        loop {
            let Some((part, rest)) = self.rest.split_once('`') else {
                return Err(self.invalid("a quoted name does not end"));
            };
            name.push_str(part);
            self.rest = rest;
            match self.rest.strip_prefix('`') {
                Some(rest) => {
                    name.push('`');
                    self.rest = rest;
                }
                None if name.is_empty() => return Err(self.invalid("the name of a field is empty")),
                None => return Ok(name),
            }
        }
    }
}

fn unsupported(word: &str, hint: &'static str) -> TypeError {
    TypeError::Unsupported(word.to_owned(), hint)
}
