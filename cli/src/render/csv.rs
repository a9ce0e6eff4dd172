//! CSV as RFC 4180 has it: CRLF after every row, quotes where needed and doubled inside. Nothing (NULL) is an empty field, an
//! empty text is a pair of quotes, so that the two can be told apart.

use super::Record;
use super::clean::clean_line;

/// The records with a header. Without records the header is made from `fields`.
pub(super) fn records(records: &[Record], fields: &[&'static str], to_terminal: bool) -> String {
    let mut out = String::new();
    let names: Vec<&str> = match records.first() {
        Some(first) => first.fields.iter().map(|(name, _)| *name).collect(),
        None => fields.to_vec(),
    };
    row(&mut out, names.iter().map(|n| Some((*n).to_owned())), to_terminal);
    for record in records {
        row(&mut out, names.iter().map(|name| record.get(name).flat()), to_terminal);
    }
    out
}

/// Appends one row.
pub(super) fn row(out: &mut String, fields: impl Iterator<Item = Option<String>>, to_terminal: bool) {
    for (index, field) in fields.enumerate() {
        if index > 0 {
            out.push(',');
        }
        let Some(text) = field else { continue };
        let text = if to_terminal { clean_line(&text) } else { text };
        if text.is_empty() || text.contains(['"', ',', '\r', '\n']) {
            out.push('"');
            out.push_str(&text.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&text);
        }
    }
    out.push_str("\r\n");
}
