//! `policies.proto`.
//!
//! The function of a policy is shown to those who may see it; others learn that there is a policy and nothing more. The
//! constants that it is given may tell what it hides, so they are for those who see the text of the table's definition.

use lakewarden_catalog::Pinned;
use lakewarden_catalog::model::{self, FullName, Securable, SecurableId, SecurableKind};
use lakewarden_catalog::ops::entries::Entry;
use lakewarden_catalog::ops::policies::{PolicyEntry, PolicyKind};
use lakewarden_catalog::ops::rules;
use lakewarden_proto::v1;
use lakewarden_proto::v1::policy_argument::Argument;
use tonic::Status;

use super::Faults;
use super::ddl::policy_target;
use super::faults::show_etag;
use super::grants::show_securable;
use super::records::{shows_text, timestamp};
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
        let masked = table.columns.iter().flat_map(|column| column.masks().map(move |mask| (column, mask)));
        let bindings = masked.map(|(column, (path, mask))| v1::ColumnMaskBinding {
            column: column.name.to_string(),
            mask: Some(show_mask(pinned, mask, &entry.securable)),
            field_path: path.iter().map(String::from).collect(),
        });
        policies.column_masks = bindings.collect();
    }
    policies
}

/// A policy by tags as the caller may see it.
pub fn show_policy(policy: PolicyEntry) -> v1::Policy {
    let kind = match policy.effect {
        PolicyKind::RowFilter => v1::PolicyKind::RowFilter,
        PolicyKind::ColumnMask => v1::PolicyKind::ColumnMask,
    };
    let shown = v1::Policy {
        id: policy.id.to_string(),
        name: policy.name,
        securable: Some(show_securable(policy.kind, policy.securable)),
        kind: kind.into(),
        comment: policy.comment.unwrap_or_default(),
        function: policy.function.unwrap_or_default(),
        terms_told: policy.terms.is_some(),
        created_at: Some(timestamp(policy.created_at_ms)),
        created_by: policy.created_by,
        ..v1::Policy::default()
    };
    let Some(terms) = policy.terms else { return shown };
    let matched =
        |(condition, alias): (String, Option<String>)| v1::ColumnMatch { condition, alias: alias.unwrap_or_default() };
    let input = |input: rules::Argument| match input {
        rules::Argument::Column(alias) => Argument::Column(alias),
        rules::Argument::Literal(text) => Argument::Literal(text),
    };
    let using = terms.using.into_iter().map(|one| v1::PolicyArgument { argument: Some(input(one)) });
    v1::Policy {
        to: terms.to,
        except: terms.except,
        when: terms.when.unwrap_or_default(),
        match_columns: terms.matches.into_iter().map(matched).collect(),
        on_column: terms.on_column.unwrap_or_default(),
        using_columns: using.collect(),
        ..shown
    }
}

/// Reads the name of a policy and what it is on.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn named(
    securable: Option<&v1::SecurableRef>,
    name: &str,
) -> Result<((SecurableKind, FullName), model::Name), Status> {
    let mut faults = Faults::new();
    let on = policy_target(securable, "securable", &mut faults);
    let name = faults.name("name", name);
    faults.finish(on.zip(name))
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
