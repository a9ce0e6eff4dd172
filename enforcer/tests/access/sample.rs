//! Random worlds: users and groups with names that need quotes, groups in groups, owners, grants and denials at every level.

use lakewarden_catalog::model::{Privilege, SecurableKind};
use proptest::prelude::*;

use super::{World, principal};

pub const USERS: [&str; 3] = ["bob", "o'neil `x`", "to"];
pub const GROUPS: [&str; 4] = ["g0", "on call", "table", "grün"];
pub const PLACES: [(SecurableKind, &str); 4] = [
    (SecurableKind::Catalog, "c"),
    (SecurableKind::Schema, "c.s"),
    (SecurableKind::Table, "c.s.t"),
    (SecurableKind::Metastore, "main"),
];
pub const PRIVILEGES: [Privilege; 8] = [
    Privilege::Select,
    Privilege::Modify,
    Privilege::AllPrivileges,
    Privilege::UseCatalog,
    Privilege::UseSchema,
    Privilege::Manage,
    Privilege::CreateTable,
    Privilege::CreateView,
];

/// A world to be made.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Verb, privilege, place, principal, whether on column `a` only.
    grants: Vec<(bool, usize, usize, usize, bool)>,
    /// Group, and a member: users first, then groups that come before it.
    members: Vec<(usize, usize)>,
    owners: [usize; 3],
}

pub fn who(at: usize) -> &'static str {
    USERS.iter().chain(&GROUPS).chain(&["account users"]).nth(at).unwrap()
}

pub fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

pub fn samples() -> impl Strategy<Value = Sample> {
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
    pub fn world(&self) -> World {
        let world = World::new();
        world.users(&USERS);
        GROUPS.iter().for_each(|group| world.group(group, &[]));
        let admin = world.caller("admin");
        for (group, member) in &self.members {
            // A cycle is refused.
            let _ = world.metastore.add_member(&admin, &principal(GROUPS[*group]), &principal(who(*member)));
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
