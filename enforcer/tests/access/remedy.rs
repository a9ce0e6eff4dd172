//! A remedy is enough, and no statement of it is too many: in random worlds, with names that need quotes.

use lakewarden_catalog::Need;
use lakewarden_catalog::model::{Privilege, SecurableKind};
use proptest::prelude::*;

use super::{Question, World, full, question};

const USERS: [&str; 3] = ["bob", "o'neil `x`", "to"];
const GROUPS: [&str; 4] = ["g0", "on call", "table", "grün"];
const PLACES: [(SecurableKind, &str); 4] = [
    (SecurableKind::Catalog, "c"),
    (SecurableKind::Schema, "c.s"),
    (SecurableKind::Table, "c.s.t"),
    (SecurableKind::Metastore, "main"),
];
const PRIVILEGES: [Privilege; 8] = [
    Privilege::Select,
    Privilege::Modify,
    Privilege::AllPrivileges,
    Privilege::UseCatalog,
    Privilege::UseSchema,
    Privilege::Manage,
    Privilege::CreateTable,
    Privilege::CreateView,
];

#[derive(Debug, Clone)]
struct Sample {
    /// Verb, privilege, place, principal, whether on column `a` only.
    grants: Vec<(bool, usize, usize, usize, bool)>,
    /// Group, and a member: users first, then groups that come before it.
    members: Vec<(usize, usize)>,
    owners: [usize; 3],
}

fn who(at: usize) -> &'static str {
    USERS.iter().chain(&GROUPS).chain(&["account users"]).nth(at).unwrap()
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn samples() -> impl Strategy<Value = Sample> {
    let grant = (any::<bool>(), 0..PRIVILEGES.len(), 0..PLACES.len(), 0..8usize, prop::bool::weighted(0.3));
    let grants = prop::collection::vec(grant, 0..14);
    let members = prop::collection::vec((0..4usize, 0..7usize), 0..8);
    // Mostly somebody else owns things.
    let owner = || prop_oneof![3 => Just(9usize), 1 => 0..7usize];
    (grants, members, [owner(), owner(), owner()]).prop_map(|(grants, members, owners)| Sample {
        grants,
        members,
        owners,
    })
}

impl Sample {
    fn world(&self) -> World {
        let world = World::new();
        world.users(&USERS);
        GROUPS.iter().for_each(|group| world.group(group, &[]));
        let admin = world.caller("admin");
        for (group, member) in &self.members {
            // A cycle is refused.
            let _ =
                world.metastore.add_member(&admin, &super::principal(GROUPS[*group]), &super::principal(who(*member)));
        }
        for ((kind, name), owner) in PLACES.iter().zip(self.owners).filter(|(_, owner)| *owner < 9) {
            world.own(*kind, name, who(owner));
        }
        for (deny, privilege, place, to, on_column) in &self.grants {
            let ((kind, name), privilege) = (PLACES[*place], PRIVILEGES[*privilege]);
            let on_column = *on_column && kind == SecurableKind::Table && privilege.grantable_on(SecurableKind::Column);
            if privilege.grantable_on(kind) {
                let verb = if *deny { "DENY" } else { "GRANT" };
                let columns = if on_column { " (a)" } else { "" };
                let name = if kind == SecurableKind::Metastore { "" } else { name };
                world.run(&[&format!("{verb} {privilege}{columns} ON {kind} {name} TO {}", quoted(who(*to)))]);
            }
        }
        world
    }
}

/// What the gate says of the subject by itself.
fn may(world: &World, asked: &Question, user: &str) -> bool {
    let pinned = world.metastore.pin(&world.caller(user));
    let admin = world.caller("admin");
    let found = world.metastore.get(&admin, asked.kind, &asked.name).unwrap().securable;
    match &asked.column {
        Some(name) => {
            let column = found.columns().iter().find(|column| column.name.to_string() == *name).unwrap().id;
            pinned.allows_on_column(found.id, column, asked.privilege)
        }
        None => pinned.allows(found.id, Need::Privilege(asked.privilege)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_remedy_is_enough_and_nothing_of_it_is_too_much(
        sample in samples(),
        user in 0..3usize,
        place in 0..3usize,
        privilege in 0..PRIVILEGES.len(),
        on_column in any::<bool>(),
    ) {
        let ((kind, name), privilege) = (PLACES[place], PRIVILEGES[privilege]);
        let on_column = on_column && kind == SecurableKind::Table && privilege.grantable_on(SecurableKind::Column);
        prop_assume!(privilege.reaches(kind));
        let column = on_column.then(|| "a".to_owned());
        let asked = Question { column, name: full(name), ..question(privilege, kind, name, USERS[user]) };
        let world = sample.world();
        let told = world.explain("admin", &asked).unwrap();
        prop_assert_eq!(told.allowed, may(&world, &asked, USERS[user]));
        prop_assert_eq!(told.allowed, told.steps.iter().all(|step| step.allowed));
        if told.allowed {
            prop_assert!(told.remedy.is_empty());
            return Ok(());
        }
        prop_assert!(!told.remedy.is_empty());
        for left_out in (0..told.remedy.len()).map(Some).chain([None]) {
            let world = sample.world();
            for (at, text) in told.remedy.iter().enumerate() {
                if Some(at) != left_out {
                    world.run(&[text]);
                }
            }
            prop_assert_eq!(may(&world, &asked, USERS[user]), left_out.is_none(), "{:?} without {:?}", told.remedy, left_out);
        }
    }
}
