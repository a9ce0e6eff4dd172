//! `policies.proto`.
//!
//! The function of a policy is shown to those who may see it; others learn that there is a policy and nothing more. The
//! constants that it is given may tell what it hides, so they are for those who see the text of the table's definition.

use lakewarden_catalog::Pinned;
use lakewarden_catalog::model::{self, FullName, Securable, SecurableId};
use lakewarden_catalog::ops::entries::Entry;
use lakewarden_proto::v1;
use lakewarden_proto::v1::policy_argument::Argument;

use super::Faults;
use super::faults::show_etag;
use super::records::shows_text;
use super::tables::column_name;

/// A row filter as the caller may see it.
pub fn show_filter(pinned: &Pinned, filter: &model::RowFilter, table: &Securable) -> v1::RowFilter {
    match visible(pinned, filter.function) {
        Some(function) => v1::RowFilter { function, arguments: arguments(pinned, &filter.arguments, table) },
        None => v1::RowFilter::default(),
    }
}

/// A mask as the caller may see it.
pub fn show_mask(pinned: &Pinned, mask: &model::ColumnMask, table: &Securable) -> v1::ColumnMask {
    match visible(pinned, mask.function) {
        Some(function) => v1::ColumnMask { function, using_columns: arguments(pinned, &mask.using, table) },
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
        policies.row_filter = table.row_filter.as_ref().map(|filter| show_filter(pinned, filter, &entry.securable));
        let masked = table.columns.iter().filter_map(|column| Some((column, column.mask.as_ref()?)));
        let bindings = masked.map(|(column, mask)| v1::ColumnMaskBinding {
            column: column.name.to_string(),
            mask: Some(show_mask(pinned, mask, &entry.securable)),
        });
        policies.column_masks = bindings.collect();
    }
    policies
}

fn visible(pinned: &Pinned, function: SecurableId) -> Option<String> {
    pinned.sees(function).then(|| pinned.state().full_name(function))
}

fn arguments(pinned: &Pinned, arguments: &[model::PolicyArgument], table: &Securable) -> Vec<v1::PolicyArgument> {
    let with_constants = shows_text(pinned, table);
    let show = |argument: &model::PolicyArgument| match argument {
        model::PolicyArgument::Column(id) => Some(Argument::Column(column_name(table.columns(), *id))),
        model::PolicyArgument::Literal(text) => with_constants.then(|| Argument::Literal(text.clone())),
    };
    arguments.iter().map(|argument| v1::PolicyArgument { argument: show(argument) }).collect()
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
