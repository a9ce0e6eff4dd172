//! The operations together: what they refuse, what they leave behind, and that the store holds what was published.

use std::sync::Arc;

use crate::clock::StepClock;
use crate::gate::{AllowAll, DenyAll, Gate};
use crate::model::{FullName, Name, PrincipalKind, PrincipalName, Privilege, RequestId, SecurableKind, TokenId};
use crate::ops::containers::Describe;
use crate::ops::entries::{Delete, Update};
use crate::ops::grants::{GrantChange, GrantVerb};
use crate::ops::page::Page;
use crate::ops::principals::Leftovers;
use crate::ops::tables::{NewColumn, NewLocation, NewTable};
use crate::ops::tokens::NewToken;
use crate::store::OpenOptions;
use crate::{Caller, ErrorKind, Metastore};

mod columns;
mod grants;
mod history;
mod policies;
mod sequences;
mod storage;

use sequences::digest;

struct World {
    metastore: Metastore,
    admin: Caller,
    folder: tempfile::TempDir,
}

fn open(folder: &std::path::Path, gate: Arc<dyn Gate>) -> Metastore {
    Metastore::open(folder, &OpenOptions::default(), gate, StepClock::starting_at(1_000_000)).unwrap()
}

fn caller(metastore: &Metastore, name: &str) -> Caller {
    let name = PrincipalName::parse(name).unwrap();
    let principal = metastore.principal_for_identity(&name).unwrap();
    let request_id = RequestId(metastore.clock().new_id());
    Caller { principal: principal.id, name, kind: principal.kind, request_id, door: "test" }
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let metastore = open(folder.path(), Arc::new(AllowAll));
    metastore.bootstrap(&name("main"), &principal("admin")).unwrap();
    let admin = caller(&metastore, "admin");
    World { metastore, admin, folder }
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn full(text: &str) -> FullName {
    FullName::parse(text).unwrap()
}

fn principal(text: &str) -> PrincipalName {
    PrincipalName::parse(text).unwrap()
}

fn table(text: &str, location: &str) -> NewTable {
    let column = |name: &str| NewColumn {
        name: name.to_owned(),
        type_text: "BIGINT".to_owned(),
        nullable: true,
        comment: None,
        partition_index: None,
    };
    NewTable {
        name: full(text),
        location: NewLocation::External(location.to_owned()),
        columns: vec![column("a"), column("B")],
        describe: Describe::default(),
        row_filter: None,
        masks: Vec::new(),
        replace: false,
    }
}

fn grant_on(kind: SecurableKind, securable: &str, privileges: &[Privilege], to: &str) -> GrantChange {
    let privileges = privileges.iter().map(|privilege| (*privilege).into()).collect();
    let (verb, principals) = (GrantVerb::Grant, vec![principal(to)]);
    GrantChange { verb, privileges, kind, name: full(securable), principals }
}

impl World {
    fn user(&self, name: &str) {
        self.metastore.create_principal(&self.admin, PrincipalKind::User, &principal(name), None).unwrap();
    }

    fn group(&self, name: &str) {
        self.metastore.create_principal(&self.admin, PrincipalKind::Group, &principal(name), None).unwrap();
    }

    fn schema(&self) {
        self.metastore.create_catalog(&self.admin, &name("c"), &Describe::default()).unwrap();
        self.metastore.create_schema(&self.admin, &full("c.s"), &Describe::default()).unwrap();
    }

    fn audit(&self) -> usize {
        self.metastore.list_audit(&self.admin, &Page::all()).unwrap().items.len()
    }
}

#[test]
fn names_are_taken_once_and_compared_without_case() {
    let world = world();
    world.schema();
    let again = world.metastore.create_catalog(&world.admin, &name("C"), &Describe::default());
    assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);
    let found = world.metastore.get(&world.admin, SecurableKind::Schema, &full("C.S")).unwrap();
    assert_eq!(found.full_name, "c.s");
}

#[test]
fn reserved_names_are_refused_and_the_system_catalog_stays() {
    let world = world();
    world.schema();
    for refused in [
        world.metastore.create_catalog(&world.admin, &name("System"), &Describe::default()).map(drop),
        world.metastore.create_schema(&world.admin, &full("c.information_schema"), &Describe::default()).map(drop),
        world.metastore.create_schema(&world.admin, &full("system.mine"), &Describe::default()).map(drop),
        world.metastore.delete(&world.admin, SecurableKind::Catalog, &full("system"), Delete::default()),
    ] {
        assert_eq!(refused.unwrap_err().reason(), "RESERVED");
    }
}

#[test]
fn what_is_not_empty_is_dropped_with_cascade_only_and_grants_go_with_it() {
    let world = world();
    world.schema();
    world.user("alice");
    world.metastore.create_table(&world.admin, &table("c.s.t", "file:///t")).unwrap();
    world
        .metastore
        .change_grants(&world.admin, &grant_on(SecurableKind::Table, "c.s.t", &[Privilege::Select], "alice"))
        .unwrap();
    let drop = |cascade| {
        world.metastore.delete(&world.admin, SecurableKind::Catalog, &full("c"), Delete { cascade, etag: None })
    };
    assert_eq!(drop(false).unwrap_err().reason(), "NOT_EMPTY");
    drop(true).unwrap();
    let state = world.metastore.published();
    assert!(state.granted().next().is_none() && state.locations.is_empty());
    assert_eq!(state.holdings.len(), 2, "only the admin and the system own something");
}

#[test]
fn a_location_belongs_to_one_table() {
    let world = world();
    world.schema();
    world.metastore.create_table(&world.admin, &table("c.s.t", "file:///data/t")).unwrap();
    for taken in ["file:///data/t", "file:///data/t/", "file:///data", "file:///data/t/below"] {
        let clash = world.metastore.create_table(&world.admin, &table("c.s.other", taken));
        assert_eq!(clash.unwrap_err().reason(), "LOCATION_IN_USE", "{taken}");
    }
    world.metastore.create_table(&world.admin, &table("c.s.other", "file:///data/tt")).unwrap();
}

#[test]
fn an_update_with_an_old_etag_changes_nothing() {
    let world = world();
    world.schema();
    let seen = world.metastore.get(&world.admin, SecurableKind::Schema, &full("c.s")).unwrap().securable.etag;
    let comment = |text: &str, etag| Update { comment: Some(Some(text.to_owned())), etag, ..Update::default() };
    let update = |change: &Update| world.metastore.update(&world.admin, SecurableKind::Schema, &full("c.s"), change);
    let changed = update(&comment("one", Some(seen))).unwrap();
    assert_ne!(changed.securable.etag, seen);
    assert_eq!(update(&comment("two", Some(seen))).unwrap_err().kind(), ErrorKind::Conflict);
    let now = world.metastore.get(&world.admin, SecurableKind::Schema, &full("c.s")).unwrap();
    assert_eq!(now.securable.comment.as_deref(), Some("one"));
}

#[test]
fn granting_twice_and_revoking_what_is_absent_change_nothing() {
    let world = world();
    world.schema();
    world.user("alice");
    let change = grant_on(SecurableKind::Schema, "c.s", &[Privilege::Select, Privilege::Modify], "alice");
    let first = world.metastore.change_grants(&world.admin, &change).unwrap();
    let records = world.audit();
    assert_eq!(world.metastore.change_grants(&world.admin, &change).unwrap(), first);
    assert_eq!(world.audit(), records, "no change, no record");
    let revoke = |privilege| GrantChange {
        verb: GrantVerb::Revoke,
        ..grant_on(SecurableKind::Schema, "c.s", &[privilege], "alice")
    };
    let absent = revoke(Privilege::Execute);
    assert_eq!(world.metastore.change_grants(&world.admin, &absent).unwrap(), first);
    let all = revoke(Privilege::AllPrivileges);
    assert_eq!(world.metastore.change_grants(&world.admin, &all).unwrap(), Vec::new());
}

#[test]
fn a_list_of_grants_applies_whole_or_not_at_all() {
    let world = world();
    world.schema();
    world.user("alice");
    let mut change = grant_on(SecurableKind::Schema, "c.s", &[Privilege::Select], "alice");
    change.principals.push(principal("nobody"));
    assert_eq!(world.metastore.change_grants(&world.admin, &change).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(world.metastore.published().granted().next().is_none());
    let illegal = grant_on(SecurableKind::Schema, "c.s", &[Privilege::Select, Privilege::CreateCatalog], "alice");
    assert_eq!(world.metastore.change_grants(&world.admin, &illegal).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert!(world.metastore.published().granted().next().is_none());
}

#[test]
fn groups_nest_but_form_no_cycle() {
    let world = world();
    for group in ["a", "b", "c"] {
        world.group(group);
    }
    let add =
        |group: &str, member: &str| world.metastore.add_member(&world.admin, &principal(group), &principal(member));
    add("a", "b").unwrap();
    add("b", "c").unwrap();
    assert_eq!(add("c", "a").unwrap_err().reason(), "CYCLE");
    assert_eq!(add("a", "a").unwrap_err().reason(), "CYCLE");
    assert_eq!(add("account users", "a").unwrap_err().reason(), "RESERVED");
    let state = world.metastore.published();
    let c = state.principal_named(&principal("c")).unwrap().id;
    let a = state.principal_named(&principal("a")).unwrap().id;
    assert!(state.closure(c).contains(a));
}

#[test]
fn a_principal_that_owns_something_stays() {
    let world = world();
    world.schema();
    world.user("alice");
    let give = Update { owner: Some(principal("alice")), ..Update::default() };
    world.metastore.update(&world.admin, SecurableKind::Schema, &full("c.s"), &give).unwrap();
    let delete = || {
        let leftovers = Leftovers::Restrict;
        world.metastore.delete_principal(&world.admin, None, &principal("alice"), &leftovers, None)
    };
    let refused = delete().unwrap_err();
    assert_eq!(refused.reason(), "IN_USE");
    assert!(refused.to_string().contains("`c.s`"), "{refused}");
    let back = Update { owner: Some(principal("admin")), ..Update::default() };
    world.metastore.update(&world.admin, SecurableKind::Schema, &full("c.s"), &back).unwrap();
    delete().unwrap();
}

#[test]
fn a_token_is_good_until_it_expires_is_revoked_or_its_principal_goes() {
    let world = world();
    world.user("alice");
    let alice = world.metastore.published().principal_named(&principal("alice")).unwrap().id;
    let id = TokenId(uuid::Uuid::from_u128(7));
    let new = NewToken { id, sha256: [7; 32], principal: alice, expires_at_ms: 2_000_000, comment: None };
    world.metastore.record_token(&world.admin, &new).unwrap();
    assert_eq!(world.metastore.principal_of_token(id, &[7; 32]).unwrap().id, alice);
    assert!(world.metastore.principal_of_token(id, &[8; 32]).is_none(), "another token with the same id");
    world.metastore.revoke_token(&world.admin, id).unwrap();
    assert!(world.metastore.principal_of_token(id, &[7; 32]).is_none());
    let late = NewToken { id: TokenId(uuid::Uuid::from_u128(8)), expires_at_ms: 1, ..new };
    world.metastore.record_token(&world.admin, &late).unwrap();
    assert!(world.metastore.principal_of_token(late.id, &[7; 32]).is_none(), "expired");
}

#[test]
fn a_denied_change_leaves_its_audit_record_and_nothing_else() {
    let world = world();
    world.schema();
    let World { metastore, admin, folder } = world;
    drop(metastore);
    let closed = open(folder.path(), Arc::new(DenyAll));
    let before = digest(&closed.published());
    let seq = closed.published().seq;
    let denied = closed.create_catalog(&admin, &name("other"), &Describe::default()).unwrap_err();
    assert_eq!(denied.kind(), ErrorKind::PermissionDenied);
    let unseen = closed.get(&admin, SecurableKind::Catalog, &full("c")).unwrap_err();
    let absent = closed.get(&admin, SecurableKind::Catalog, &full("d")).unwrap_err();
    assert_eq!(unseen.to_string().replace("`c`", "`d`"), absent.to_string());
    let after = closed.published();
    assert_eq!(after.seq, seq + 1);
    assert_eq!(digest(&after).split_once('\n').unwrap().1, before.split_once('\n').unwrap().1);
    drop(closed);
    let reopened = open(folder.path(), Arc::new(AllowAll));
    let newest = reopened.list_audit(&admin, &Page { size: 1, after: None }).unwrap().items.remove(0);
    assert_eq!((newest.action.as_str(), newest.securable.as_str()), ("catalogs.create", "other"));
    assert_eq!(newest.outcome, crate::model::Outcome::Denied);
}

#[test]
fn pages_are_full_and_hold_each_item_once() {
    let world = world();
    for n in 0..7 {
        world.metastore.create_catalog(&world.admin, &name(&format!("c{n}")), &Describe::default()).unwrap();
    }
    let mut page = Page { size: 3, after: None };
    let mut seen = Vec::new();
    loop {
        let listing = world.metastore.list(&world.admin, SecurableKind::Catalog, None, &page).unwrap();
        seen.extend(listing.items.iter().map(|e| e.full_name.clone()));
        assert!(listing.items.len() == 3 || listing.next.is_none());
        match listing.next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "system"]);
}
