//! `policies.proto`.
//!
//! The function of a policy, and the constants that it is given, are shown to those who may see the function. Others
//! learn that there is a policy and nothing more.

use lakewarden_catalog::Pinned;
use lakewarden_catalog::model::{self, Column, FullName, SecurableId};
use lakewarden_catalog::ops::entries::Entry;
use lakewarden_proto::v1;
use lakewarden_proto::v1::policy_argument::Argument;

use super::Faults;
use super::faults::show_etag;
use super::tables::column_name;

/// A row filter as the caller may see it.
pub fn show_filter(pinned: &Pinned, filter: &model::RowFilter, columns: &[Column]) -> v1::RowFilter {
    match visible(pinned, filter.function) {
        Some(function) => v1::RowFilter { function, arguments: arguments(&filter.arguments, columns) },
        None => v1::RowFilter::default(),
    }
}

/// A mask as the caller may see it.
pub fn show_mask(pinned: &Pinned, mask: &model::ColumnMask, columns: &[Column]) -> v1::ColumnMask {
    match visible(pinned, mask.function) {
        Some(function) => v1::ColumnMask { function, using_columns: arguments(&mask.using, columns) },
        None => v1::ColumnMask::default(),
    }
}

/// The policies of a table as the caller may see them.
pub fn show(pinned: &Pinned, entry: &Entry) -> v1::TablePolicies {
    let mut policies = v1::TablePolicies {
        table: entry.full_name.clone(),
        etag: show_etag(entry.securable.etag),
        ..v1::TablePolicies::default()
    };
    if let Some(table) = entry.securable.as_table() {
        policies.row_filter = table.row_filter.as_ref().map(|filter| show_filter(pinned, filter, &table.columns));
        let masked = table.columns.iter().filter_map(|column| Some((column, column.mask.as_ref()?)));
        let bindings = masked.map(|(column, mask)| v1::ColumnMaskBinding {
            column: column.name.to_string(),
            mask: Some(show_mask(pinned, mask, &table.columns)),
        });
        policies.column_masks = bindings.collect();
    }
    policies
}

fn visible(pinned: &Pinned, function: SecurableId) -> Option<String> {
    pinned.sees(function).then(|| pinned.state().full_name(function))
}

fn arguments(arguments: &[model::PolicyArgument], columns: &[Column]) -> Vec<v1::PolicyArgument> {
    let show = |argument: &model::PolicyArgument| match argument {
        model::PolicyArgument::Column(id) => Argument::Column(column_name(columns, *id)),
        model::PolicyArgument::Literal(text) => Argument::Literal(text.clone()),
    };
    arguments.iter().map(|argument| v1::PolicyArgument { argument: Some(show(argument)) }).collect()
}

/// What a request that changes policies names.
pub struct Target {
    /// The table.
    pub table: FullName,
    /// The etag it must have.
    pub etag: Option<u64>,
}

/// Reads the table and the etag of a request.
pub fn target(table: &str, etag: &str, faults: &mut Faults) -> Option<Target> {
    let table = faults.full_name("table", table, 3);
    let etag = faults.etag(etag);
    Some(Target { table: table?, etag: etag? })
}
