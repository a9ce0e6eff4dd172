//! `--dry-run`.

use lakewarden_catalog::ErrorKind;
use lakewarden_catalog::model::SecurableKind;
use lakewarden_catalog::ops::access::GrantEffect;

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
fn it_changes_nothing_and_leaves_no_record_even_when_refused() {
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
    assert_eq!((world.audited(), listed(&world)), before);
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
