//! After any sequence of changes to the catalog, the enforcer answers as casbin does over a rebuild from all the records.
//!
//! The gate is fed by the catalog, question by question; so this holds the catalog's indexes and chains to the records as
//! much as the enforcer: nothing that was dropped, renamed, revoked or handed over may leave a trace in a decision. In the
//! end the store is opened anew, and every answer is the same.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop on its own mistakes")]

use std::sync::Arc;

use lakewarden_catalog::clock::{Clock, StepClock};
use lakewarden_catalog::model::{
    FullName, Name, PrincipalKind, PrincipalName, Privilege, RequestId, SecurableId, SecurableKind,
};
use lakewarden_catalog::ops::containers::Describe;
use lakewarden_catalog::ops::entries::{Delete, Update};
use lakewarden_catalog::ops::grants::{GrantChange, GrantVerb, PrivilegeOn};
use lakewarden_catalog::ops::principals::Leftovers;
use lakewarden_catalog::ops::tables::{NewColumn, NewLocation, NewTable};
use lakewarden_catalog::store::OpenOptions;
use lakewarden_catalog::{Caller, CatalogError, Link, Metastore, Need};
use lakewarden_enforcer::Enforcer;
use lakewarden_enforcer::full::{Full, Records};
use proptest::prelude::*;

/// Who acts in the random changes: the admin, users, groups and everybody.
const PRINCIPALS: [&str; 9] = ["admin", "ann", "bob", "cyd", "g0", "g1", "g2", "g3", "account users"];
const SECURABLES: [(SecurableKind, &str); 10] = [
    (SecurableKind::Metastore, "metastore"),
    (SecurableKind::Catalog, "c0"),
    (SecurableKind::Catalog, "c1"),
    (SecurableKind::Schema, "c0.s0"),
    (SecurableKind::Schema, "c0.s1"),
    (SecurableKind::Schema, "c1.s0"),
    (SecurableKind::Table, "c0.s0.t0"),
    (SecurableKind::Table, "c0.s0.t1"),
    (SecurableKind::Table, "c0.s1.t0"),
    (SecurableKind::Table, "c1.s0.t0"),
];
const PRIVILEGES: [Privilege; 9] = [
    Privilege::Select,
    Privilege::Modify,
    Privilege::UseCatalog,
    Privilege::UseSchema,
    Privilege::AllPrivileges,
    Privilege::Manage,
    Privilege::Browse,
    Privilege::CreateTable,
    Privilege::CreateView,
];

#[derive(Debug, Clone)]
enum Change {
    Grant { verb: GrantVerb, on: usize, privilege: usize, to: usize, columns: Vec<&'static str> },
    Join { group: usize, member: usize },
    Leave { group: usize, member: usize },
    Own { on: usize, owner: usize },
    Rename { on: usize, name: &'static str },
    Drop { on: usize },
    Create { on: usize },
    Forget { who: usize, heir: Option<usize> },
    Welcome { who: usize },
}

fn changes() -> impl Strategy<Value = Change> {
    let (on, who) = (0..SECURABLES.len(), 0..PRINCIPALS.len());
    let verb = prop_oneof![4 => Just(GrantVerb::Grant), 2 => Just(GrantVerb::Deny), 1 => Just(GrantVerb::Revoke)];
    let columns = prop_oneof![3 => Just(vec![]), 1 => Just(vec!["a"]), 1 => Just(vec!["a", "b"])];
    let grant = (verb, on.clone(), 0..PRIVILEGES.len(), who.clone(), columns)
        .prop_map(|(verb, on, privilege, to, columns)| Change::Grant { verb, on, privilege, to, columns });
    prop_oneof![
        10 => grant,
        4 => (4..8usize, 1..8usize).prop_map(|(group, member)| Change::Join { group, member }),
        2 => (4..8usize, 1..8usize).prop_map(|(group, member)| Change::Leave { group, member }),
        2 => (1..SECURABLES.len(), who.clone()).prop_map(|(on, owner)| Change::Own { on, owner }),
        2 => (1..SECURABLES.len(), prop::sample::select(&["t0", "t1", "s1", "moved"][..]))
            .prop_map(|(on, name)| Change::Rename { on, name }),
        1 => (1..SECURABLES.len()).prop_map(|on| Change::Drop { on }),
        3 => (1..SECURABLES.len()).prop_map(|on| Change::Create { on }),
        1 => (1..8usize, prop::option::of(0..8usize)).prop_map(|(who, heir)| Change::Forget { who, heir }),
        1 => (1..8usize).prop_map(|who| Change::Welcome { who }),
    ]
}

fn full(text: &str) -> FullName {
    FullName::parse(text).unwrap()
}

fn principal(at: usize) -> PrincipalName {
    PrincipalName::parse(PRINCIPALS[at]).unwrap()
}

struct World {
    metastore: Metastore,
    admin: Caller,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let metastore = open(folder.path());
        metastore.bootstrap(&Name::parse("main").unwrap(), &principal(0)).unwrap();
        let admin = caller(&metastore, 0).unwrap();
        let world = Self { metastore, admin, folder };
        (1..8).for_each(|who| world.welcome(who).unwrap());
        (1..SECURABLES.len()).for_each(|on| world.create(on).unwrap());
        world
    }

    fn welcome(&self, who: usize) -> Result<(), CatalogError> {
        let kind = if who < 4 { PrincipalKind::User } else { PrincipalKind::Group };
        self.metastore.create_principal(&self.admin, kind, &principal(who), None).map(drop)
    }

    fn create(&self, on: usize) -> Result<(), CatalogError> {
        let ((kind, name), describe) = (SECURABLES[on], Describe::default());
        match kind {
            SecurableKind::Catalog => {
                self.metastore.create_catalog(&self.admin, &Name::parse(name)?, &describe).map(drop)
            }
            SecurableKind::Schema => self.metastore.create_schema(&self.admin, &full(name), &describe).map(drop),
            _ => self.metastore.create_table(&self.admin, &table(name, self.metastore.clock().as_ref())).map(drop),
        }
    }

    /// Makes a change; one that cannot be made is refused, and changes nothing.
    fn make(&self, change: &Change) -> Result<(), CatalogError> {
        let (store, admin) = (&self.metastore, &self.admin);
        match change {
            Change::Grant { verb, on, privilege, to, columns } => {
                let (kind, name) = SECURABLES[*on];
                let columns = columns.iter().map(ToString::to_string).collect();
                let privileges = vec![PrivilegeOn { privilege: PRIVILEGES[*privilege], columns }];
                let principals = vec![principal(*to)];
                let change = GrantChange { verb: *verb, privileges, kind, name: full(name), principals };
                store.change_grants(admin, &change).map(drop)
            }
            Change::Join { group, member } => store.add_member(admin, &principal(*group), &principal(*member)),
            Change::Leave { group, member } => store.remove_member(admin, &principal(*group), &principal(*member)),
            Change::Own { on, owner } => {
                let (kind, name) = SECURABLES[*on];
                let update = Update { owner: Some(principal(*owner)), ..Update::default() };
                store.update(admin, kind, &full(name), &update).map(drop)
            }
            Change::Rename { on, name: new } => {
                let (kind, name) = SECURABLES[*on];
                let update = Update { name: Some(Name::parse(new)?), ..Update::default() };
                store.update(admin, kind, &full(name), &update).map(drop)
            }
            Change::Drop { on } => {
                let (kind, name) = SECURABLES[*on];
                store.delete(admin, kind, &full(name), Delete { cascade: true, etag: None })
            }
            Change::Create { on } => self.create(*on),
            Change::Forget { who, heir } => {
                let leftovers = heir.map_or(Leftovers::Cascade, |heir| Leftovers::ReassignTo(principal(heir)));
                store.delete_principal(admin, None, &principal(*who), &leftovers, None)
            }
            Change::Welcome { who } => self.welcome(*who),
        }
    }

    /// The same world, read back from the store.
    fn reopened(self) -> Self {
        let Self { metastore, folder, .. } = self;
        drop(metastore);
        let metastore = open(folder.path());
        let admin = caller(&metastore, 0).unwrap();
        Self { metastore, admin, folder }
    }

    /// Everything that decides, read anew from the records.
    fn records(&self) -> Records {
        let pinned = self.metastore.pin(&self.admin);
        let state = pinned.state();
        let root = state.root().unwrap().clone();
        let mut securables = Vec::new();
        for one in std::iter::once(root.clone()).chain(state.descendants(root.id)) {
            securables.push((state.chain(one.id)[0].clone(), one.parent));
            for grants in state.column_grants_on(one.id).iter() {
                securables.push((state.column_chain(one.id, grants.column)[0].clone(), Some(one.id)));
            }
        }
        let mut members = Vec::new();
        for group in state.principals_of(PrincipalKind::Group) {
            for member in self.metastore.list_members(&self.admin, &group.name).unwrap() {
                members.push((member.id, group.id));
            }
        }
        Records { members, securables }
    }

    /// Every answer there is to a few needs, in one order.
    fn answers(&self) -> Vec<bool> {
        let needs = [Need::Privilege(Privilege::Select), Need::Privilege(Privilege::Modify), Need::Manage, Need::See];
        let records = self.records();
        let mut links: Vec<_> = records.securables.iter().collect();
        links.sort_by_key(|(link, _)| link.id);
        let callers: Vec<Caller> = (0..PRINCIPALS.len()).filter_map(|at| caller(&self.metastore, at)).collect();
        let asks = callers.iter().flat_map(|c| links.iter().flat_map(move |l| needs.map(|need| (c, l, need))));
        asks.map(|(caller, (link, parent), need)| self.ask(caller, link, *parent, need)).collect()
    }

    /// Compares answers about random callers, securables and needs.
    fn compare(&self, dice: &mut impl FnMut(usize) -> usize, count: usize) -> Result<usize, TestCaseError> {
        let records = self.records();
        let full = Full::new(&records).unwrap();
        let mut allowed = 0;
        for _ in 0..count {
            let Some(caller) = caller(&self.metastore, dice(PRINCIPALS.len())) else { continue };
            let (link, parent) = &records.securables[dice(records.securables.len())];
            let need = match dice(PRIVILEGES.len() + 2) {
                0 => Need::See,
                1 => Need::Manage,
                n => Need::Privilege(PRIVILEGES[n - 2]),
            };
            let expected = full.allows(caller.principal, link.id, need).unwrap();
            let found = self.ask(&caller, link, *parent, need);
            prop_assert_eq!(found, expected, "{} {:?} on {:?}", caller.name, need, link);
            allowed += usize::from(found);
        }
        Ok(allowed)
    }

    fn ask(&self, caller: &Caller, link: &Link, parent: Option<SecurableId>, need: Need) -> bool {
        let pinned = self.metastore.pin(caller);
        match (link.kind, parent) {
            (SecurableKind::Column, Some(relation)) => {
                let columns = pinned.state().column_grants_on(relation);
                let column = columns.iter().find(|c| SecurableId::of_column(relation, c.column) == link.id).unwrap();
                let chain = pinned.state().column_chain(relation, column.column);
                pinned.decide(&chain, need).unwrap().allowed
            }
            _ => pinned.allows(link.id, need),
        }
    }
}

fn open(folder: &std::path::Path) -> Metastore {
    let gate = Arc::new(Enforcer::new().unwrap());
    Metastore::open(folder, &OpenOptions::default(), gate, StepClock::starting_at(1_000_000)).unwrap()
}

fn caller(metastore: &Metastore, at: usize) -> Option<Caller> {
    let name = principal(at);
    let found = metastore.principal_for_identity(&name)?;
    let request_id = RequestId(metastore.clock().new_id());
    Some(Caller { principal: found.id, name, kind: found.kind, request_id, door: "test" })
}

fn table(name: &str, clock: &dyn Clock) -> NewTable {
    let column = |name: &str| NewColumn {
        name: name.to_owned(),
        type_text: "BIGINT".to_owned(),
        nullable: true,
        comment: None,
        partition_index: None,
    };
    NewTable {
        name: full(name),
        location: NewLocation::External(format!("file:///data/{}", clock.new_id())),
        columns: vec![column("a"), column("b")],
        describe: Describe::default(),
        row_filter: None,
        masks: Vec::new(),
        replace: false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn decisions_are_those_of_a_rebuild_after_any_changes(
        sequence in prop::collection::vec(changes(), 20..60),
        seed in 1..u64::MAX,
    ) {
        let (world, mut state) = (World::new(), seed);
        let mut dice = |bound: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as usize % bound
        };
        let (mut made, mut allowed) = (0, 0);
        for change in &sequence {
            made += usize::from(world.make(change).is_ok());
            allowed += world.compare(&mut dice, 12)?;
        }
        // A sequence in which hardly anything happens would show nothing: another takes its place.
        prop_assume!(made > sequence.len() / 4);
        prop_assert!(allowed > 0);
        let before = world.answers();
        let reopened = world.reopened();
        prop_assert_eq!(reopened.answers(), before);
        reopened.compare(&mut dice, 40)?;
    }
}
