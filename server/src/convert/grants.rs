//! `grants.proto`, and the securables that it names.

use lakewarden_catalog::Pinned;
use lakewarden_catalog::model::{FullName, PrincipalName, Privilege, SecurableKind};
use lakewarden_catalog::ops::grants::{GrantChange, GrantEntry, GrantVerb, PrivilegeOn};
use lakewarden_proto::v1;
use tonic::Status;

use super::{Faults, principals};

/// The most principals or privileges of one request.
const MAX_ITEMS: usize = 1_000;

/// A kind of securables as it is sent. The wire has the same words, after its prefix.
pub fn show_kind(kind: SecurableKind) -> v1::SecurableKind {
    let name = format!("SECURABLE_KIND_{}", kind.as_str().replace(' ', "_"));
    v1::SecurableKind::from_str_name(&name).unwrap_or(v1::SecurableKind::Unspecified)
}

/// A privilege as it is sent. The wire has the same words, after its prefix.
pub fn show_privilege(privilege: Privilege) -> v1::Privilege {
    let name = format!("PRIVILEGE_{}", privilege.as_str().replace(' ', "_"));
    v1::Privilege::from_str_name(&name).unwrap_or(v1::Privilege::Unspecified)
}

/// A grant or denial as it is sent.
pub fn show(pinned: &Pinned, entry: GrantEntry) -> v1::GrantEntry {
    let name = PrincipalName::parse(&entry.principal).ok();
    let principal = name.and_then(|name| pinned.state().principal_named(&name).cloned());
    let kind = principal.map_or(v1::PrincipalKind::Unspecified, |principal| principals::show_kind(principal.kind));
    v1::GrantEntry {
        principal: entry.principal,
        principal_kind: kind.into(),
        privilege: show_privilege(entry.privilege).into(),
        securable: Some(show_securable(entry.kind, entry.securable)),
        inherited: entry.inherited,
        denied: entry.denied,
        column: entry.column.unwrap_or_default(),
    }
}

/// A securable as it is sent.
pub fn show_securable(kind: SecurableKind, full_name: String) -> v1::SecurableRef {
    let full_name = if kind == SecurableKind::Metastore { String::new() } else { full_name };
    v1::SecurableRef { kind: show_kind(kind).into(), full_name }
}

/// A securable that a request names: its kind and its full name.
pub fn securable(named: Option<&v1::SecurableRef>, faults: &mut Faults) -> Option<(SecurableKind, FullName)> {
    let Some(named) = named else {
        faults.add("securable", "is required");
        return None;
    };
    let sent = v1::SecurableKind::try_from(named.kind).unwrap_or(v1::SecurableKind::Unspecified);
    let Some(kind) = SecurableKind::ALL.iter().copied().find(|kind| show_kind(*kind) == sent) else {
        faults.add("securable.kind", format!("is required: {}", kinds()));
        return None;
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
        SecurableKind::Column => {
            faults.add("securable.kind", "columns are granted on through their table: name the table, and the columns");
            return None;
        }
        _ => kind.name_parts(),
    };
    Some((kind, faults.full_name("securable.full_name", &named.full_name, parts)?))
}

/// The kinds that can be granted on, as they read in a message.
fn kinds() -> String {
    let kinds = SecurableKind::ALL.iter().filter(|kind| **kind != SecurableKind::Column);
    kinds.map(|kind| kind.noun()).collect::<Vec<_>>().join(", ")
}

/// What the requests to grant, deny, revoke and rehearse share.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// On what.
    pub securable: Option<&'a v1::SecurableRef>,
    /// To or from whom.
    pub principals: &'a [String],
    /// The privileges on the whole of it.
    pub privileges: &'a [i32],
    /// The privileges on columns.
    pub on_columns: &'a [v1::PrivilegeOn],
}

/// What a request asks to be granted, denied or revoked.
macro_rules! asked {
    ($request:expr) => {
        $crate::convert::grants::Asked {
            securable: $request.securable.as_ref(),
            principals: &$request.principals,
            privileges: &$request.privileges,
            on_columns: &$request.on_columns,
        }
    };
}
pub(crate) use asked;

/// Reads a request to grant, deny or revoke.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn change(verb: GrantVerb, asked: &Asked<'_>) -> Result<GrantChange, Status> {
    let mut faults = Faults::new();
    let change = read_change(Some(verb), asked, &mut faults);
    faults.finish(change)
}

/// Reads a request to rehearse a change.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn rehearsed(request: &v1::RehearseGrantsRequest) -> Result<GrantChange, Status> {
    let mut faults = Faults::new();
    let verb = match v1::GrantVerb::try_from(request.verb) {
        Ok(v1::GrantVerb::Grant) => Some(GrantVerb::Grant),
        Ok(v1::GrantVerb::Deny) => Some(GrantVerb::Deny),
        Ok(v1::GrantVerb::Revoke) => Some(GrantVerb::Revoke),
        Ok(v1::GrantVerb::Unspecified) | Err(_) => {
            faults.add("verb", "is required: grant, deny or revoke");
            None
        }
    };
    let change = read_change(verb, &asked!(request), &mut faults);
    faults.finish(change)
}

fn read_change(verb: Option<GrantVerb>, asked: &Asked<'_>, faults: &mut Faults) -> Option<GrantChange> {
    let securable = securable(asked.securable, faults);
    let privileges = privileges(asked, faults);
    let principals = each("principals", asked.principals, faults, |field, name, faults| faults.principal(field, name));
    let (kind, name) = securable?;
    Some(GrantChange { verb: verb?, privileges: privileges?, kind, name, principals: principals? })
}

/// The privileges on the whole, and those on columns: at least one of either.
fn privileges(asked: &Asked<'_>, faults: &mut Faults) -> Option<Vec<PrivilegeOn>> {
    let on_whole = match asked.privileges {
        [] if !asked.on_columns.is_empty() => Some(Vec::new()),
        numbers => each("privileges", numbers, faults, |field, number, faults| privilege(field, *number, faults)),
    };
    let on_columns = match asked.on_columns {
        [] => Some(Vec::new()),
        items => each("on_columns", items, faults, |field, item, faults| {
            let privilege = privilege(&format!("{field}.privilege"), item.privilege, faults);
            let columns = each(&format!("{field}.columns"), &item.columns, faults, |field, name, faults| {
                faults.required(field, name).map(ToOwned::to_owned)
            });
            Some(PrivilegeOn { privilege: privilege?, columns: columns? })
        }),
    };
    let named: usize = asked.on_columns.iter().map(|item| item.columns.len()).sum();
    if named > MAX_ITEMS {
        faults.add("on_columns", format!("names {named} columns in all: the most is {MAX_ITEMS}"));
        return None;
    }
    let on_whole = on_whole?.into_iter().map(PrivilegeOn::from);
    Some(on_whole.chain(on_columns?).collect())
}

/// A privilege that a request names.
pub fn privilege(field: &str, number: i32, faults: &mut Faults) -> Option<Privilege> {
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
        for kind in SecurableKind::ALL {
            assert_ne!(show_kind(*kind), v1::SecurableKind::Unspecified, "{kind} is not on the wire");
        }
        let last = i32::try_from(Privilege::ALL.len()).unwrap();
        assert!(v1::Privilege::try_from(last + 1).is_err(), "the wire knows a privilege that the catalog does not");
    }

    fn named(kind: v1::SecurableKind, full_name: &str) -> v1::SecurableRef {
        v1::SecurableRef { kind: kind.into(), full_name: full_name.to_owned() }
    }

    fn on_columns(privilege: i32, columns: &[&str]) -> v1::PrivilegeOn {
        v1::PrivilegeOn { privilege, columns: columns.iter().map(|name| (*name).to_owned()).collect() }
    }

    fn faults<T: std::fmt::Debug>(read: Result<T, Status>) -> Vec<String> {
        let told = read.unwrap_err().get_details_bad_request().unwrap().field_violations;
        told.into_iter().map(|v| v.field).collect()
    }

    #[test]
    fn all_faults_of_a_grant_are_told() {
        let on = named(v1::SecurableKind::Table, "main.sales");
        let asked = Asked {
            securable: Some(&on),
            principals: &["bob".to_owned(), String::new()],
            privileges: &[6, 99, 0],
            on_columns: &[on_columns(6, &["a", " "]), on_columns(99, &[])],
        };
        assert_eq!(
            faults(change(GrantVerb::Grant, &asked)),
            [
                "securable.full_name",
                "privileges[1]",
                "privileges[2]",
                "on_columns[0].columns[1]",
                "on_columns[1].privilege",
                "on_columns[1].columns",
                "principals[1]",
            ]
        );
    }

    #[test]
    fn lists_must_not_be_empty() {
        assert_eq!(faults(change(GrantVerb::Deny, &Asked::default())), ["securable", "privileges", "principals"]);
    }

    #[test]
    fn columns_alone_are_enough() {
        let (on, to) = (named(v1::SecurableKind::Table, "main.sales.orders"), ["bob".to_owned()]);
        let on_columns = [on_columns(6, &["phone"])];
        let asked = Asked { securable: Some(&on), principals: &to, on_columns: &on_columns, privileges: &[] };
        let change = change(GrantVerb::Deny, &asked).unwrap();
        let expected = PrivilegeOn { privilege: Privilege::Select, columns: vec!["phone".to_owned()] };
        assert_eq!((change.verb, change.privileges), (GrantVerb::Deny, vec![expected]));
    }

    #[test]
    fn columns_are_counted_over_all_privileges() {
        let (on, to) = (named(v1::SecurableKind::Table, "main.sales.orders"), ["bob".to_owned()]);
        let with = |columns: usize| {
            let half = on_columns(6, &vec!["phone"; columns / 2]);
            let on_columns = [half.clone(), half];
            change(
                GrantVerb::Grant,
                &Asked { securable: Some(&on), principals: &to, on_columns: &on_columns, privileges: &[] },
            )
        };
        assert!(with(MAX_ITEMS).is_ok());
        assert_eq!(faults(with(MAX_ITEMS + 2)), ["on_columns"]);
    }

    #[test]
    fn a_rehearsal_says_of_what() {
        let request = v1::RehearseGrantsRequest { verb: 9, ..Default::default() };
        assert_eq!(faults(rehearsed(&request)), ["verb", "securable", "privileges", "principals"]);
    }

    #[test]
    fn columns_are_named_through_their_table() {
        let mut faults = Faults::new();
        assert!(securable(Some(&named(v1::SecurableKind::Column, "a.b.c.d")), &mut faults).is_none());
        assert!(securable(Some(&named(v1::SecurableKind::Share, "a.b")), &mut faults).is_none());
        assert_eq!(self::faults(faults.finish::<()>(None)), ["securable.kind", "securable.full_name"]);
    }

    #[test]
    fn the_metastore_has_no_name() {
        let mut faults = Faults::new();
        let (kind, _) = securable(Some(&named(v1::SecurableKind::Metastore, "")), &mut faults).unwrap();
        assert_eq!(kind, SecurableKind::Metastore);
        assert!(securable(Some(&named(v1::SecurableKind::Metastore, "main")), &mut faults).is_none());
    }
}
