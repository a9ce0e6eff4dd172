//! `--dry-run`.

use std::collections::BTreeSet;
use std::sync::Arc;

use lakewarden_catalog::model::{Privilege, Securable, SecurableKind};
use lakewarden_catalog::ops::access::GrantEffect;
use lakewarden_catalog::{ErrorKind, Need};
use proptest::prelude::*;

use super::sample::{PLACES, PRIVILEGES, quoted, samples, who};
use super::{World, statement};

fn words(effect: &GrantEffect) -> String {
    let column = effect.column.as_ref().map(|column| format!(" ({column})")).unwrap_or_default();
    let verb = if effect.gains { "gains" } else { "loses" };
    format!("{} {verb} {}{column} on {}", effect.principal, effect.privilege, effect.securable)
}

fn effects(world: &World, asker: &str, text: &str) -> Vec<String> {
    let rehearsal = world.metastore.rehearse_grants(&world.caller(asker), &statement::parse(text)).unwrap();
    assert!(!rehearsal.more);
    rehearsal.effects.iter().map(words).collect()
}

#[test]
fn members_gain_what_their_group_is_granted_unless_they_have_it_or_are_denied_it() {
    let world = World::new();
    world.users(&["bob", "cyd", "dan"]);
    world.group("inner", &["cyd"]);
    world.group("team", &["bob", "dan", "inner"]);
    world.run(&["GRANT SELECT ON CATALOG c TO dan", "DENY SELECT ON TABLE c.s.t TO cyd"]);
    assert_eq!(
        effects(&world, "admin", "GRANT SELECT ON SCHEMA c.s TO team"),
        [
            "bob gains SELECT on c.s",
            "cyd gains SELECT on c.s",
            "inner gains SELECT on c.s",
            "team gains SELECT on c.s",
            "bob gains SELECT on c.s.t",
            "inner gains SELECT on c.s.t",
            "team gains SELECT on c.s.t",
        ]
    );
}

#[test]
fn a_denial_takes_from_owners_and_from_what_is_granted_below() {
    let world = World::new();
    world.users(&["bob", "cyd"]);
    world.own(SecurableKind::Table, "c.s.t", "cyd");
    world.run(&["GRANT SELECT ON TABLE c.s.t TO bob"]);
    assert_eq!(
        effects(&world, "admin", "DENY SELECT ON CATALOG c TO `account users`"),
        [
            "admin loses SELECT on c",
            "admin loses SELECT on c.s",
            "bob loses SELECT on c.s.t",
            "cyd loses SELECT on c.s.t"
        ]
    );
}

#[test]
fn revoking_everything_takes_manage_too_and_creating_tables_is_creating_views() {
    let world = World::new();
    world.users(&["bob"]);
    world.run(&["GRANT CREATE TABLE, MANAGE ON SCHEMA c.s TO bob"]);
    assert_eq!(
        effects(&world, "admin", "REVOKE ALL PRIVILEGES ON SCHEMA c.s FROM bob"),
        [
            "bob loses MANAGE on c.s",
            "bob loses CREATE TABLE on c.s",
            "bob loses CREATE VIEW on c.s",
            "bob loses MANAGE on c.s.t",
        ]
    );
    assert!(effects(&world, "admin", "GRANT CREATE VIEW ON SCHEMA c.s TO bob").is_empty());
}

#[test]
fn a_column_is_told_where_it_differs_from_its_table() {
    let world = World::new();
    world.users(&["bob"]);
    world.run(&["GRANT SELECT ON TABLE c.s.t TO bob"]);
    assert_eq!(
        effects(&world, "admin", "DENY SELECT (ssn) ON TABLE c.s.t TO bob"),
        ["bob loses SELECT (ssn) on c.s.t"]
    );
    world.run(&["GRANT SELECT (a) ON TABLE c.s.t TO bob"]);
    assert_eq!(
        effects(&world, "admin", "DENY SELECT ON SCHEMA c.s TO bob"),
        ["bob loses SELECT on c.s.t"],
        "column a goes with the table"
    );
    world.run(&["REVOKE SELECT ON TABLE c.s.t FROM bob", "GRANT SELECT (a) ON TABLE c.s.t TO bob"]);
    assert_eq!(effects(&world, "admin", "DENY SELECT ON SCHEMA c.s TO bob"), ["bob loses SELECT (a) on c.s.t"]);
}

#[test]
fn it_changes_nothing_and_leaves_no_record_unless_it_is_denied() {
    let world = World::new();
    world.users(&["bob"]);
    world.run(&["GRANT USE CATALOG, USE SCHEMA, SELECT ON CATALOG c TO bob"]);
    let before = (world.audited(), listed(&world));
    assert!(!effects(&world, "admin", "REVOKE SELECT ON CATALOG c FROM bob").is_empty());
    let change = statement::parse("GRANT MODIFY ON TABLE c.s.t TO bob");
    let refused = world.metastore.rehearse_grants(&world.caller("bob"), &change).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    let illegal = statement::parse("GRANT CREATE CATALOG ON TABLE c.s.t TO bob");
    let refused = world.metastore.rehearse_grants(&world.caller("admin"), &illegal).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
    assert_eq!((world.audited(), listed(&world)), (before.0 + 1, before.1), "the denial is on record");
}

fn listed(world: &World) -> Vec<lakewarden_catalog::ops::grants::GrantEntry> {
    world.metastore.list_grants_to(&world.caller("admin"), &super::principal("bob")).unwrap()
}

#[test]
fn members_are_told_to_members_only() {
    let world = World::new();
    world.users(&["boss", "bob", "mate"]);
    world.group("inner", &["bob"]);
    world.group("secret", &["inner", "mate"]);
    world.own(SecurableKind::Table, "c.s.t", "boss");
    world.run(&["GRANT MANAGE ON TABLE c.s.t TO mate"]);
    let told = |asker: &str| effects(&world, asker, "GRANT SELECT ON TABLE c.s.t TO secret");
    assert_eq!(told("boss"), ["secret gains SELECT on c.s.t"]);
    let of_mate = ["inner", "mate", "secret"].map(|who| format!("{who} gains SELECT on c.s.t"));
    assert_eq!(told("mate"), of_mate, "inner is known to be in secret, its members are not");
    assert_eq!(told("admin").len(), 4);
}

#[test]
fn nothing_is_told_of_what_the_asker_may_not_manage() {
    let world = World::new();
    world.users(&["boss", "bob"]);
    ["c.s.hidden", "c.s.seen"].iter().for_each(|name| world.table(name));
    world.run(&[
        "GRANT MANAGE ON SCHEMA c.s TO boss",
        "DENY ALL PRIVILEGES, MANAGE ON TABLE c.s.hidden TO boss",
        "DENY MANAGE ON TABLE c.s.seen TO boss",
    ]);
    let told = |asker: &str| effects(&world, asker, "GRANT SELECT ON SCHEMA c.s TO bob");
    assert_eq!(told("boss"), ["bob gains SELECT on c.s", "bob gains SELECT on c.s.t"]);
    assert_eq!(told("admin").len(), 4);
}

#[test]
fn what_is_told_is_bounded() {
    let world = World::new();
    let users: Vec<String> = (0..600).map(|n| format!("u{n}")).collect();
    world.users(&users.iter().map(String::as_str).collect::<Vec<_>>());
    let change = statement::parse("GRANT SELECT ON CATALOG c TO `account users`");
    let rehearsal = world.metastore.rehearse_grants(&world.caller("admin"), &change).unwrap();
    assert_eq!(rehearsal.effects.len(), 1_000);
    assert!(rehearsal.more);
    assert!(rehearsal.effects[..600].iter().all(|effect| effect.securable == "c"));
}

#[test]
fn what_changes_nothing_is_known_without_asking_about_everything_below() {
    let world = World::new();
    let users: Vec<String> = (0..300).map(|n| format!("u{n}")).collect();
    world.users(&users.iter().map(String::as_str).collect::<Vec<_>>());
    (0..100).for_each(|n| world.table(&format!("c.s.t{n}")));
    world.run(&["GRANT ALL PRIVILEGES ON CATALOG c TO `account users`"]);
    // 300 users, 101 tables and 7 privileges would be more than is compared.
    assert!(effects(&world, "admin", "GRANT ALL PRIVILEGES ON SCHEMA c.s TO `account users`").is_empty());
}

/// What everybody holds on everything: who, privilege, securable, column.
fn holdings(world: &World) -> BTreeSet<(String, Privilege, String, Option<String>)> {
    let mut held = BTreeSet::new();
    for who in (0..8).map(who).chain(["admin"]) {
        let pinned = world.metastore.pin(&world.anybody(who));
        let state = pinned.state();
        for (kind, name) in PLACES {
            let found = pinned_by_admin(world, kind, name);
            let columns = found.columns().iter().map(|column| Some((column.id, column.name.to_string())));
            for column in std::iter::once(None).chain(columns) {
                let chain = match &column {
                    Some((id, _)) => state.column_chain(found.id, *id),
                    None => state.chain(found.id),
                };
                for privilege in Privilege::ALL.iter().filter(|p| **p != Privilege::AllPrivileges) {
                    let means = if column.is_some() { SecurableKind::Column } else { kind };
                    let legal = if column.is_some() { privilege.grantable_on(means) } else { privilege.reaches(means) };
                    if legal && pinned.decide(&chain, Need::Alone(*privilege)).unwrap().allowed {
                        let column = column.as_ref().map(|(_, name)| name.clone());
                        held.insert((who.to_owned(), *privilege, state.full_name(found.id), column));
                    }
                }
            }
        }
    }
    held
}

fn pinned_by_admin(world: &World, kind: SecurableKind, name: &str) -> Arc<Securable> {
    world.metastore.get(&world.caller("admin"), kind, &super::full(name)).unwrap().securable
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// What is told is what then happens, no less and no more.
    #[test]
    fn the_rehearsal_tells_what_the_change_does(
        sample in samples(),
        (verb, privilege, place) in (0..3usize, 0..PRIVILEGES.len(), 0..PLACES.len()),
        (to, also, on_column) in (0..8usize, 0..8usize, any::<bool>()),
    ) {
        let ((kind, name), privilege) = (PLACES[place], PRIVILEGES[privilege]);
        prop_assume!(privilege.grantable_on(kind));
        let on_column = on_column && kind == SecurableKind::Table && privilege.grantable_on(SecurableKind::Column);
        let world = sample.world();
        let (verb, to_word) = [("GRANT", "TO"), ("DENY", "TO"), ("REVOKE", "FROM")][verb];
        let name = if kind == SecurableKind::Metastore { "" } else { name };
        let columns = if on_column { " (a)" } else { "" };
        let (to, also) = (quoted(who(to)), quoted(who(also)));
        let text = format!("{verb} {privilege}{columns} ON {kind} {name} {to_word} {to}, {also}");
        let told = world.metastore.rehearse_grants(&world.caller("admin"), &statement::parse(&text)).unwrap();
        prop_assert!(!told.more);
        let before = holdings(&world);
        world.run(&[&text]);
        let after = holdings(&world);
        let told: BTreeSet<_> = told
            .effects
            .iter()
            .map(|e| ((e.principal.clone(), e.privilege, e.securable.clone(), e.column.clone()), e.gains))
            .collect();
        let lost = before.difference(&after).map(|held| (held.clone(), false));
        let gained = after.difference(&before).map(|held| (held.clone(), true));
        let happened: BTreeSet<_> = lost.chain(gained).collect();
        // What happens to a column as to its table is told of the table.
        let as_the_table = |(held, gains): &(_, bool)| {
            let (principal, privilege, securable, column): &(String, Privilege, String, Option<String>) = held;
            let of_table = (principal.clone(), *privilege, securable.clone(), None);
            column.is_some() && happened.contains(&(of_table, *gains))
        };
        let expected: BTreeSet<_> = happened.iter().filter(|one| !as_the_table(one)).cloned().collect();
        prop_assert_eq!(told, expected, "{}", text);
    }
}
