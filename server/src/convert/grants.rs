//! `grants.proto`, and the securables that it names.

use lakewarden_catalog::Pinned;
use lakewarden_catalog::model::{FullName, PrincipalName, Privilege, SecurableKind};
use lakewarden_catalog::ops::grants::{GrantChange, GrantEntry};
use lakewarden_proto::v1;
use tonic::Status;

use super::{Faults, principals};

/// The most principals or privileges of one request.
const MAX_ITEMS: usize = 1_000;

/// A kind of securables as it is sent.
pub fn show_kind(kind: SecurableKind) -> v1::SecurableKind {
    match kind {
        SecurableKind::Metastore => v1::SecurableKind::Metastore,
        SecurableKind::Catalog => v1::SecurableKind::Catalog,
        SecurableKind::Schema => v1::SecurableKind::Schema,
        SecurableKind::Table => v1::SecurableKind::Table,
        SecurableKind::View => v1::SecurableKind::View,
        SecurableKind::Function => v1::SecurableKind::Function,
    }
}

/// A privilege as it is sent.
pub fn show_privilege(privilege: Privilege) -> v1::Privilege {
    match privilege {
        Privilege::AllPrivileges => v1::Privilege::AllPrivileges,
        Privilege::Manage => v1::Privilege::Manage,
        Privilege::Browse => v1::Privilege::Browse,
        Privilege::UseCatalog => v1::Privilege::UseCatalog,
        Privilege::UseSchema => v1::Privilege::UseSchema,
        Privilege::Select => v1::Privilege::Select,
        Privilege::Modify => v1::Privilege::Modify,
        Privilege::Execute => v1::Privilege::Execute,
        Privilege::CreateCatalog => v1::Privilege::CreateCatalog,
        Privilege::CreateSchema => v1::Privilege::CreateSchema,
        Privilege::CreateTable => v1::Privilege::CreateTable,
        Privilege::CreateFunction => v1::Privilege::CreateFunction,
    }
}

/// A grant as it is sent.
pub fn show(pinned: &Pinned, entry: GrantEntry) -> v1::GrantEntry {
    let name = PrincipalName::parse(&entry.principal).ok();
    let principal = name.and_then(|name| pinned.state().principal_named(&name).cloned());
    let kind = principal.map_or(v1::PrincipalKind::Unspecified, |principal| principals::show_kind(principal.kind));
    let is_root = entry.kind == SecurableKind::Metastore;
    let full_name = if is_root { String::new() } else { entry.securable };
    v1::GrantEntry {
        principal: entry.principal,
        principal_kind: kind.into(),
        privilege: show_privilege(entry.privilege).into(),
        securable: Some(v1::SecurableRef { kind: show_kind(entry.kind).into(), full_name }),
        inherited: entry.inherited,
    }
}

/// A securable that a request names: its kind and its full name.
pub fn securable(named: Option<&v1::SecurableRef>, faults: &mut Faults) -> Option<(SecurableKind, FullName)> {
    let Some(named) = named else {
        faults.add("securable", "is required");
        return None;
    };
    let kind = match v1::SecurableKind::try_from(named.kind) {
        Ok(v1::SecurableKind::Metastore) => SecurableKind::Metastore,
        Ok(v1::SecurableKind::Catalog) => SecurableKind::Catalog,
        Ok(v1::SecurableKind::Schema) => SecurableKind::Schema,
        Ok(v1::SecurableKind::Table) => SecurableKind::Table,
        Ok(v1::SecurableKind::View) => SecurableKind::View,
        Ok(v1::SecurableKind::Function) => SecurableKind::Function,
        Ok(v1::SecurableKind::Unspecified) | Err(_) => {
            faults.add("securable.kind", "is required: metastore, catalog, schema, table, view or function");
            return None;
        }
    };
    let parts = match kind {
        SecurableKind::Metastore if named.full_name.is_empty() => {
            // The catalog knows the metastore by its kind; the name is what the audit record says.
            return faults.take("securable", FullName::parse("metastore")).map(|name| (kind, name));
        }
        SecurableKind::Metastore => {
            faults.add("securable.full_name", "must be empty for the metastore");
            return None;
        }
        SecurableKind::Catalog => 1,
        SecurableKind::Schema => 2,
        SecurableKind::Table | SecurableKind::View | SecurableKind::Function => 3,
    };
    Some((kind, faults.full_name("securable.full_name", &named.full_name, parts)?))
}

/// Reads a grant or revoke request.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn change(on: Option<&v1::SecurableRef>, principals: &[String], privileges: &[i32]) -> Result<GrantChange, Status> {
    let mut faults = Faults::new();
    let securable = securable(on, &mut faults);
    let privileges =
        each("privileges", privileges, &mut faults, |field, number, faults| privilege(field, *number, faults));
    let principals = each("principals", principals, &mut faults, |field, name, faults| faults.principal(field, name));
    let change = securable.zip(privileges).zip(principals);
    faults.finish(change.map(|(((kind, name), privileges), principals)| GrantChange {
        privileges,
        kind,
        name,
        principals,
    }))
}

fn privilege(field: &str, number: i32, faults: &mut Faults) -> Option<Privilege> {
    let sent = v1::Privilege::try_from(number).ok();
    let found =
        sent.and_then(|sent| Privilege::ALL.iter().copied().find(|privilege| show_privilege(*privilege) == sent));
    if found.is_none() {
        faults.add(field, "is not a privilege that this server knows");
    }
    found
}

/// Reads each item of a list that must not be empty, noting all faults.
fn each<T, U>(
    field: &str,
    items: &[T],
    faults: &mut Faults,
    read: impl Fn(&str, &T, &mut Faults) -> Option<U>,
) -> Option<Vec<U>> {
    if items.is_empty() || items.len() > MAX_ITEMS {
        faults.add(field, format!("holds {} items: name 1 to {MAX_ITEMS}", items.len()));
        return None;
    }
    let read: Vec<_> =
        items.iter().enumerate().map(|(at, item)| read(&format!("{field}[{at}]"), item, faults)).collect();
    read.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tonic_types::StatusExt;

    use super::*;

    #[test]
    fn every_privilege_has_its_own_number_and_the_same_words() {
        let mut seen = BTreeSet::new();
        for privilege in Privilege::ALL {
            let sent = show_privilege(*privilege);
            assert!(seen.insert(sent as i32), "{privilege} shares a number");
            let words = sent.as_str_name().trim_start_matches("PRIVILEGE_").replace('_', " ");
            assert_eq!(words, privilege.as_str());
        }
        let last = i32::try_from(Privilege::ALL.len()).unwrap();
        assert!(v1::Privilege::try_from(last + 1).is_err(), "the wire knows a privilege that the catalog does not");
    }

    fn named(kind: v1::SecurableKind, full_name: &str) -> v1::SecurableRef {
        v1::SecurableRef { kind: kind.into(), full_name: full_name.to_owned() }
    }

    #[test]
    fn all_faults_of_a_grant_are_told() {
        let on = named(v1::SecurableKind::Table, "main.sales");
        let status = change(Some(&on), &["bob".to_owned(), String::new()], &[6, 99, 0]).unwrap_err();
        let told = status.get_details_bad_request().unwrap().field_violations;
        let fields: Vec<_> = told.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["securable.full_name", "privileges[1]", "privileges[2]", "principals[1]"]);
    }

    #[test]
    fn lists_must_not_be_empty() {
        let status = change(None, &[], &[]).unwrap_err();
        let told = status.get_details_bad_request().unwrap().field_violations;
        let fields: Vec<_> = told.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["securable", "privileges", "principals"]);
    }

    #[test]
    fn the_metastore_has_no_name() {
        let mut faults = Faults::new();
        let (kind, _) = securable(Some(&named(v1::SecurableKind::Metastore, "")), &mut faults).unwrap();
        assert_eq!(kind, SecurableKind::Metastore);
        assert!(securable(Some(&named(v1::SecurableKind::Metastore, "main")), &mut faults).is_none());
    }
}
