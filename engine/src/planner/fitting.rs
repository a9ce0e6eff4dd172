//! Whether the functions of policies fit the columns that they are given, said in words that help whoever binds them.
//!
//! A function that is bound to a table takes what can be cast to its parameters: whoever binds it names the columns. A policy
//! finds its columns by their tags, so that nobody looked at them: each must be of its parameter's type, or of one that becomes
//! it without loss. What a mask returns must always become its column without loss.

use arrow::compute::can_cast_types;
use arrow::datatypes::DataType;
use lakewarden_catalog::model::{Column, ColumnId, FunctionBody, Parameter, PolicyArgument, TableBody, Text};
use lakewarden_catalog::ops::open::{BoundMask, BoundPolicy, Opened};

use crate::delta::{parse_sql_type, sql_type};
use crate::error::EngineError;
use crate::governed::fields::fields_on_path;
use crate::governed::policy::is_lossless;

/// Checks every policy of a table.
///
/// # Errors
/// 42804, naming the function and the column.
pub(crate) fn require(preview: &Opened) -> Result<(), EngineError> {
    let table = preview.securable.as_table().ok_or_else(|| EngineError::internal("a policy on what is no table"))?;
    if let Some(filter) = &preview.row_filter {
        require_filter(table, filter)?;
    }
    preview.masks.iter().try_for_each(|mask| require_mask(table, mask))
}

/// Checks a row filter: each column can become its parameter.
pub(super) fn require_filter(table: &TableBody, filter: &BoundPolicy) -> Result<(), EngineError> {
    parameters(table, filter, 0, &filter.arguments)
}

/// Checks a mask: also that what it returns can become its column.
pub(super) fn require_mask(table: &TableBody, bound: &BoundMask) -> Result<(), EngineError> {
    let (id, mask) = (bound.column, &bound.policy);
    let masked = Given::at(column(table, id)?, &bound.path)?;
    if let Some(first) = body(mask)?.parameters.first() {
        masked.require_fit(mask, first)?;
    }
    parameters(table, mask, 1, &mask.arguments)?;
    if is_lossless(&parsed(&body(mask)?.return_type)?, &masked.data_type) {
        return Ok(());
    }
    Err(mismatch(format!(
        "`{}` returns {} and masks `{}`, which is {}: return {}, with a CAST in the body",
        mask.name,
        body(mask)?.return_type,
        masked.name,
        masked.type_text,
        masked.type_text
    )))
}

fn parameters(
    table: &TableBody,
    policy: &BoundPolicy,
    skip: usize,
    arguments: &[PolicyArgument],
) -> Result<(), EngineError> {
    for (parameter, argument) in body(policy)?.parameters.iter().skip(skip).zip(arguments) {
        let PolicyArgument::Column(id) = argument else { continue };
        Given::at(column(table, *id)?, &[])?.require_fit(policy, parameter)?;
    }
    Ok(())
}

/// What a parameter is given: a column, or a field inside one.
struct Given {
    name: String,
    type_text: String,
    data_type: DataType,
}

impl Given {
    fn at(column: &Column, path: &[Text]) -> Result<Self, EngineError> {
        let of = parsed(&column.type_text)?;
        let path: Vec<&str> = path.iter().map(Text::as_str).collect();
        let fields = fields_on_path(&of, &path).map_err(|error| match EngineError::from_planning(&error) {
            EngineError::Invalid { message, .. } => {
                EngineError::Invalid { sqlstate: "42703", message: format!("column `{}`: {message}", column.name) }
            }
            other => other,
        })?;
        let names = fields.iter().map(|field| field.name().as_str());
        let name = [column.name.as_str()].into_iter().chain(names).collect::<Vec<_>>().join(".");
        Ok(match fields.last() {
            Some(field) => Self { name, type_text: sql_type(field.data_type()), data_type: field.data_type().clone() },
            None => Self { name, type_text: column.type_text.to_string(), data_type: of },
        })
    }

    fn require_fit(&self, policy: &BoundPolicy, parameter: &Parameter) -> Result<(), EngineError> {
        let taken = parsed(&parameter.type_text)?;
        let fits = match is_by_tags(policy) {
            true => is_lossless(&self.data_type, &taken),
            false => can_cast_types(&self.data_type, &taken),
        };
        if fits {
            return Ok(());
        }
        Err(mismatch(format!(
            "column `{}` is {} and cannot become the parameter `{}` of `{}`, which is {}",
            self.name, self.type_text, parameter.name, policy.name, parameter.type_text
        )))
    }
}

/// Whether it is a policy that finds its columns by tags. What is bound to a table goes by its function's name.
fn is_by_tags(policy: &BoundPolicy) -> bool {
    policy.label != policy.name
}

fn column(table: &TableBody, id: ColumnId) -> Result<&Column, EngineError> {
    let found = table.columns.iter().find(|c| c.id == id);
    found.ok_or_else(|| EngineError::internal("a policy on a column that is gone"))
}

fn body(policy: &BoundPolicy) -> Result<&FunctionBody, EngineError> {
    policy.function.as_function().ok_or_else(|| EngineError::internal("a policy that is no function"))
}

fn parsed(text: &str) -> Result<DataType, EngineError> {
    parse_sql_type(text).map_err(EngineError::internal)
}

fn mismatch(message: String) -> EngineError {
    EngineError::Invalid { sqlstate: "42804", message }
}
