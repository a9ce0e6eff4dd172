//! JSON: a list is an array with one object on each line, so that it reads as lines too.

use serde::Serialize;

use super::Record;
use super::clean::clean_json;
use crate::error::CliError;

/// The records as an array.
pub(super) fn array(records: &[Record]) -> Result<String, CliError> {
    let mut rows = Rows::default();
    let mut out = String::new();
    for record in records {
        rows.push(&mut out, &text(record, false)?);
    }
    rows.finish(&mut out);
    Ok(out)
}

/// One record as an object over several lines.
pub(super) fn single(record: &Record) -> Result<String, CliError> {
    Ok(format!("{}\n", text(record, true)?))
}

fn text<T: Serialize>(value: &T, pretty: bool) -> Result<String, CliError> {
    let text = if pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    text.map(|t| clean_json(&t)).map_err(|e| CliError::Protocol(e.to_string()))
}

/// Puts objects that are already JSON into an array.
#[derive(Default)]
pub(super) struct Rows {
    any: bool,
}

impl Rows {
    /// Appends one object.
    pub(super) fn push(&mut self, out: &mut String, object: &str) {
        out.push_str(if self.any { ",\n " } else { "[\n " });
        out.push_str(object);
        self.any = true;
    }

    /// Ends the array.
    pub(super) fn finish(&self, out: &mut String) {
        out.push_str(if self.any { "\n]\n" } else { "[]\n" });
    }
}
