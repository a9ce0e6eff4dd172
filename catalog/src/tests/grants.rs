//! Grants, denials and revocations: what each leaves behind.

use super::*;
use crate::CatalogError;
use crate::model::{Privilege as P, PrivilegeSet};
use crate::ops::grants::{GrantEntry, GrantsOn, PrivilegeOn};
use crate::ops::views::NewView;

/// A change on the table `c.s.t`; a privilege may name columns.
fn on_table(verb: GrantVerb, privileges: &[(Privilege, &[&str])], to: &[&str]) -> GrantChange {
    let privileges = privileges.iter().map(|(privilege, columns)| PrivilegeOn {
        privilege: *privilege,
        columns: columns.iter().map(ToString::to_string).collect(),
    });
    GrantChange {
        verb,
        privileges: privileges.collect(),
        kind: SecurableKind::Table,
        name: full("c.s.t"),
        principals: to.iter().map(|to| principal(to)).collect(),
    }
}

/// A world with a table `c.s.t (a, B)`, a user `alice` and a group `team`.
fn furnished() -> World {
    let world = world();
    world.schema();
    world.user("alice");
    world.group("team");
    world.metastore.create_table(&world.admin, &table("c.s.t", "file:///t")).unwrap();
    world
}

impl World {
    fn made(&self, change: &GrantChange) -> Vec<String> {
        lines(&self.metastore.change_grants(&self.admin, change).unwrap())
    }

    fn refused(&self, change: &GrantChange) -> CatalogError {
        self.metastore.change_grants(&self.admin, change).unwrap_err()
    }

    fn listed(&self, kind: SecurableKind, name: &str) -> Vec<String> {
        let query = GrantsOn { kind, name: full(name), principal: None, inherited: true, as_of_ms: None };
        lines(&self.metastore.list_grants(&self.admin, &query).unwrap())
    }
}

fn lines(entries: &[GrantEntry]) -> Vec<String> {
    let line = |entry: &GrantEntry| {
        let column = entry.column.as_ref().map(|column| format!(" ({column})")).unwrap_or_default();
        let (not, from) = (if entry.denied { "not " } else { "" }, if entry.inherited { " above" } else { "" });
        format!("{}: {not}{}{column}{from}", entry.principal, entry.privilege)
    };
    entries.iter().map(line).collect()
}

#[test]
fn a_denial_stands_beside_the_grant_until_both_are_revoked() {
    let world = furnished();
    world.made(&on_table(GrantVerb::Grant, &[(P::Select, &[]), (P::Modify, &[])], &["alice"]));
    let both = world.made(&on_table(GrantVerb::Deny, &[(P::Select, &[])], &["alice"]));
    assert_eq!(both, ["alice: SELECT", "alice: MODIFY", "alice: not SELECT"]);
    assert_eq!(world.made(&on_table(GrantVerb::Revoke, &[(P::Select, &[])], &["alice"])), ["alice: MODIFY"]);
}

#[test]
fn revoking_everything_takes_every_grant_and_opens_nothing() {
    let world = furnished();
    world.made(&on_table(GrantVerb::Grant, &[(P::Select, &[]), (P::Manage, &[]), (P::Modify, &["a"])], &["alice"]));
    world.made(&on_table(
        GrantVerb::Deny,
        &[(P::AllPrivileges, &[]), (P::ApplyTag, &[]), (P::Select, &["a"])],
        &["alice"],
    ));
    let left = world.made(&on_table(GrantVerb::Revoke, &[(P::AllPrivileges, &[])], &["alice"]));
    assert_eq!(left, ["alice: not APPLY TAG", "alice: not SELECT (a)"]);
}

#[test]
fn a_privilege_revoked_on_the_table_is_revoked_on_its_columns_where_it_was_granted() {
    let world = furnished();
    world.made(&on_table(GrantVerb::Grant, &[(P::Select, &["a", "b"]), (P::Modify, &["a"])], &["alice", "team"]));
    world.made(&on_table(GrantVerb::Deny, &[(P::Select, &["b"])], &["alice"]));
    let left = world.made(&on_table(GrantVerb::Revoke, &[(P::Select, &[])], &["alice"]));
    assert_eq!(left, ["alice: MODIFY (a)", "alice: not SELECT (B)"]);
    let others = world.made(&on_table(GrantVerb::Revoke, &[(P::Select, &["B"])], &["alice", "team"]));
    assert_eq!(others, ["alice: MODIFY (a)", "team: SELECT (a)", "team: MODIFY (a)"]);
}

#[test]
fn columns_are_granted_on_as_far_as_they_are_there_and_it_means_something() {
    let world = furnished();
    let absent = world.refused(&on_table(GrantVerb::Grant, &[(P::Select, &["a", "c"])], &["alice"]));
    assert_eq!(absent.to_string(), "column `c` does not exist");
    let odd = world.refused(&on_table(GrantVerb::Grant, &[(P::Refresh, &["a"])], &["alice"]));
    assert_eq!(odd.to_string(), "REFRESH cannot be granted on a column: use one of SELECT, MODIFY");
    let on_schema = GrantChange {
        kind: SecurableKind::Schema,
        name: full("c.s"),
        ..on_table(GrantVerb::Grant, &[(P::Select, &["a"])], &["alice"])
    };
    assert_eq!(world.refused(&on_schema).to_string(), "a schema has no columns: only tables and views do");
    assert!(world.metastore.published().column_grants.is_empty());
}

#[test]
fn every_verb_applies_to_all_that_it_names_or_to_nothing() {
    let world = furnished();
    for verb in [GrantVerb::Grant, GrantVerb::Deny, GrantVerb::Revoke] {
        let before = digest(&world.metastore.published());
        for broken in [
            on_table(verb, &[(P::Select, &[]), (P::CreateCatalog, &[])], &["alice"]),
            on_table(verb, &[(P::Select, &["a"]), (P::Select, &["nope"])], &["alice"]),
            on_table(verb, &[(P::Select, &[])], &["alice", "team", "nobody"]),
            on_table(verb, &[], &["alice"]),
        ] {
            world.refused(&broken);
            assert_eq!(digest(&world.metastore.published()), before, "{broken:?}");
        }
        let whole = world.made(&on_table(verb, &[(P::Select, &[]), (P::Modify, &["a"])], &["alice", "team"]));
        assert_eq!(whole.is_empty(), verb == GrantVerb::Revoke, "{whole:?}");
    }
}

#[test]
fn one_record_tells_what_was_done_to_whom() {
    let world = furnished();
    let before = world.audit();
    world.made(&on_table(GrantVerb::Deny, &[(P::Select, &["a", "b"]), (P::Modify, &[])], &["alice", "team"]));
    assert_eq!(world.audit(), before + 1);
    let newest = world.metastore.list_audit(&world.admin, &Page { size: 1, after: None }).unwrap().items.remove(0);
    assert_eq!((newest.action.as_str(), newest.securable.as_str()), ("grants.deny", "c.s.t"));
    assert_eq!(newest.details["privileges"], "SELECT (a, b), MODIFY");
    assert_eq!(newest.details["principals"], "alice, team");
}

#[test]
fn grants_outlive_renames_and_go_with_what_they_are_on() {
    let world = furnished();
    let (store, admin) = (&world.metastore, &world.admin);
    world.made(&on_table(GrantVerb::Grant, &[(P::Modify, &[]), (P::Select, &["a"])], &["alice"]));
    let rename = |kind, from: &str, to: &str| {
        let update = Update { name: Some(name(to)), ..Update::default() };
        store.update(admin, kind, &full(from), &update).unwrap();
    };
    rename(SecurableKind::Table, "c.s.t", "moved");
    rename(SecurableKind::Catalog, "c", "other");
    let ann = crate::ops::principals::PrincipalUpdate { name: Some(principal("ann")), ..Default::default() };
    store.update_principal(admin, None, &principal("alice"), &ann).unwrap();
    assert_eq!(world.listed(SecurableKind::Table, "other.s.moved"), ["ann: MODIFY", "ann: SELECT (a)"]);
    store.delete(admin, SecurableKind::Table, &full("other.s.moved"), Delete::default()).unwrap();
    let state = store.published();
    assert!(state.granted().next().is_none() && state.column_grants.is_empty());
    let ann = state.principal_named(&principal("ann")).unwrap().id;
    assert!(state.holdings.get(&ann).is_none());
}

fn view(columns: &[&str]) -> NewView {
    let column = |name: &&str| NewColumn {
        name: (*name).to_owned(),
        type_text: "BIGINT".to_owned(),
        nullable: true,
        comment: None,
        partition_index: None,
    };
    NewView {
        name: full("c.s.v"),
        sql: "SELECT 1".to_owned(),
        namespace: Default::default(),
        columns: columns.iter().map(column).collect(),
        dependencies: Vec::new(),
        describe: Describe::default(),
        replace: true,
    }
}

#[test]
fn grants_on_the_columns_of_a_view_stay_with_the_names_when_it_is_replaced() {
    let world = furnished();
    let create = |columns: &[&str]| world.metastore.create_view(&world.admin, &view(columns)).unwrap().securable;
    create(&["a", "b", "c"]);
    let on_view = |verb, columns: &[&str]| GrantChange {
        kind: SecurableKind::View,
        name: full("c.s.v"),
        ..on_table(verb, &[(P::Select, columns)], &["alice"])
    };
    world.made(&on_view(GrantVerb::Grant, &["a", "b"]));
    world.made(&on_view(GrantVerb::Deny, &["c"]));
    create(&["C", "x", "B"]);
    assert_eq!(world.listed(SecurableKind::View, "c.s.v"), ["alice: SELECT (B)", "alice: not SELECT (C)"]);
    let replaced = create(&["a", "B"]);
    assert_eq!(world.listed(SecurableKind::View, "c.s.v"), ["alice: SELECT (B)"], "`a` is another one now");
    let ids = |view: &crate::model::Securable| view.columns().iter().map(|column| column.id.0).collect::<Vec<_>>();
    assert_eq!(ids(&replaced), [4, 1]);
    create(&["B"]);
    assert_eq!(ids(&create(&["B", "z"])), [1, 5], "no id is given twice");
}

#[test]
fn what_a_principal_leaves_behind_needs_a_choice() {
    let world = furnished();
    let (store, admin) = (&world.metastore, &world.admin);
    let give = Update { owner: Some(principal("alice")), ..Update::default() };
    store.update(admin, SecurableKind::Schema, &full("c.s"), &give).unwrap();
    world.made(&on_table(GrantVerb::Deny, &[(P::Modify, &[])], &["alice"]));
    world.made(&on_table(GrantVerb::Grant, &[(P::Select, &["a"])], &["alice"]));
    let delete = |leftovers| store.delete_principal(admin, None, &principal("alice"), &leftovers, None);
    assert_eq!(
        delete(Leftovers::Restrict).unwrap_err().to_string(),
        "user `alice` owns schema `c.s` and has grants or denials on table `c.s.t`: add REASSIGN OWNED TO somebody, or \
         give what it owns another owner first"
    );
    let owner = delete(Leftovers::Cascade).unwrap_err();
    assert!(owner.to_string().starts_with("user `alice` owns schema `c.s`: "), "{owner}");
    assert_eq!(delete(Leftovers::ReassignTo(principal("nobody"))).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(delete(Leftovers::ReassignTo(principal("alice"))).unwrap_err().kind(), ErrorKind::InvalidArgument);
    delete(Leftovers::ReassignTo(principal("team"))).unwrap();
    assert_eq!(store.get(admin, SecurableKind::Schema, &full("c.s")).unwrap().owner, "team");
    assert!(world.listed(SecurableKind::Table, "c.s.t").is_empty());
    assert!(store.published().column_grants.is_empty());
}

#[test]
fn what_a_principal_holds_goes_by_cascade_only() {
    let world = furnished();
    world.made(&on_table(GrantVerb::Grant, &[(P::Select, &["a"])], &["alice"]));
    let delete =
        |leftovers| world.metastore.delete_principal(&world.admin, None, &principal("alice"), &leftovers, None);
    let refused = delete(Leftovers::Restrict).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "user `alice` has grants or denials on table `c.s.t`: add CASCADE to drop them with it"
    );
    delete(Leftovers::Cascade).unwrap();
    assert!(world.metastore.published().column_grants.is_empty());
}

#[test]
fn a_principal_is_renamed_unless_the_name_is_taken_or_it_is_built_in() {
    use crate::ops::principals::PrincipalUpdate;
    let world = furnished();
    let (store, admin) = (&world.metastore, &world.admin);
    let to = |text: &str| PrincipalUpdate { name: Some(principal(text)), ..PrincipalUpdate::default() };
    let update = |of: &str, update: &PrincipalUpdate| store.update_principal(admin, None, &principal(of), update);
    assert_eq!(update("alice", &to("TEAM")).unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(update("account users", &to("all")).unwrap_err().reason(), "RESERVED");
    let seen = store.get_principal(admin, &principal("alice")).unwrap();
    let renamed = update("alice", &PrincipalUpdate { etag: Some(seen.etag), ..to("Alice") }).unwrap();
    assert_eq!((renamed.id, renamed.name.as_str()), (seen.id, "Alice"));
    let late = PrincipalUpdate { etag: Some(seen.etag), ..to("ann") };
    assert_eq!(update("alice", &late).unwrap_err().kind(), ErrorKind::Conflict);
    let of_kind = store.update_principal(admin, Some(PrincipalKind::Group), &principal("alice"), &to("ann"));
    assert_eq!(of_kind.unwrap_err().kind(), ErrorKind::NotFound);
    let comment = PrincipalUpdate { comment: Some(Some("on leave".to_owned())), ..PrincipalUpdate::default() };
    assert_eq!(update("alice", &comment).unwrap().comment.as_deref(), Some("on leave"));
}

#[test]
fn groups_nest_fifty_deep_and_close_no_circle() {
    let world = furnished();
    let (store, admin) = (&world.metastore, &world.admin);
    let names: Vec<String> = (0..50).map(|n| format!("g{n}")).collect();
    names.iter().for_each(|name| world.group(name));
    store.add_member(admin, &principal("g0"), &principal("alice")).unwrap();
    for pair in names.windows(2) {
        store.add_member(admin, &principal(&pair[1]), &principal(&pair[0])).unwrap();
    }
    let state = store.published();
    let id = |name: &str| state.principal_named(&principal(name)).unwrap().id;
    assert!(state.closure(id("alice")).contains(id("g49")));
    for (group, member) in [("g0", "g49"), ("g0", "g1"), ("g20", "g30"), ("g7", "g7")] {
        let before = digest(&store.published());
        assert_eq!(store.add_member(admin, &principal(group), &principal(member)).unwrap_err().reason(), "CYCLE");
        assert_eq!(digest(&store.published()), before);
    }
    let all = [principal("team"), principal("g49")];
    assert_eq!(store.add_members(admin, &principal("g10"), &all).unwrap_err().reason(), "CYCLE");
    assert!(!store.published().members[&id("g10")].contains(&id("team")), "all or none");
}

#[test]
fn what_all_privileges_stand_for_is_no_matter_of_storage() {
    let world = furnished();
    world.made(&on_table(GrantVerb::Grant, &[(P::AllPrivileges, &[])], &["alice"]));
    let state = world.metastore.published();
    let alice = state.principal_named(&principal("alice")).unwrap().id;
    let table = world.metastore.get(&world.admin, SecurableKind::Table, &full("c.s.t")).unwrap().securable.id;
    assert_eq!(state.grant_row(table, alice).allow, PrivilegeSet::EMPTY.with(P::AllPrivileges));
}
