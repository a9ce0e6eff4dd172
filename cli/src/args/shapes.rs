//! Arguments with a shape of their own: properties, columns, parameters.

use crate::names;

/// A column of a new table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumnArg {
    /// Its name.
    pub name: String,
    /// Its type in SQL words.
    pub type_text: String,
    /// Whether it may hold NULL.
    pub nullable: bool,
}

/// A parameter of a new function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionParameterArg {
    /// Its name.
    pub name: String,
    /// Its type in SQL words.
    pub type_text: String,
}

/// Reads `KEY=VALUE`.
pub(super) fn property(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE, as in team=sales".to_owned()),
    }
}

/// Reads `NAME TYPE [NOT NULL]`.
pub(super) fn column(text: &str) -> Result<TableColumnArg, String> {
    let (name, rest) = name_and_type(text).ok_or("write NAME TYPE [NOT NULL], as in 'id BIGINT NOT NULL'")?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    let (words, nullable) = match words.as_slice() {
        [type_words @ .., not, null] if not.eq_ignore_ascii_case("not") && null.eq_ignore_ascii_case("null") => {
            (type_words, false)
        }
        [type_words @ .., null] if null.eq_ignore_ascii_case("null") => (type_words, true),
        all => (all, true),
    };
    if words.is_empty() {
        return Err("the type is missing: write NAME TYPE [NOT NULL], as in 'id BIGINT NOT NULL'".to_owned());
    }
    Ok(TableColumnArg { name, type_text: words.join(" "), nullable })
}

/// Reads `NAME TYPE`.
pub(super) fn parameter(text: &str) -> Result<FunctionParameterArg, String> {
    let (name, type_text) = name_and_type(text).ok_or("write NAME TYPE, as in 'phone STRING'")?;
    Ok(FunctionParameterArg { name, type_text })
}

fn name_and_type(text: &str) -> Option<(String, String)> {
    let text = text.trim();
    let end = names::part_end(text)?;
    let (name, rest) = text.split_at_checked(end)?;
    let rest = rest.trim();
    (!name.is_empty() && !rest.is_empty()).then(|| (names::unquote(name), rest.to_owned()))
}

/// Names of columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns(pub Vec<String>);

/// Reads `NAME,NAME,..`; a name in backticks may hold commas.
pub(super) fn columns(text: &str) -> Result<Columns, String> {
    let names = names::split_at(text, ',').ok_or("write names parted by commas, as in id,price")?;
    Ok(Columns(names.into_iter().map(names::unquote).collect()))
}
