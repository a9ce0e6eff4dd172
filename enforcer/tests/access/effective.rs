//! `SHOW EFFECTIVE GRANTS`.

use lakewarden_catalog::model::{PrincipalName, SecurableKind};
use lakewarden_catalog::ops::grants::GrantsOn;

use super::{World, full, principal, words};

fn held(world: &World, asker: &str, kind: SecurableKind, name: &str, who: &str) -> Vec<String> {
    let query = GrantsOn {
        kind,
        name: full(name),
        principal: Some(principal(who)).filter(|name: &PrincipalName| name.as_str() != asker),
        inherited: true,
        as_of_ms: None,
    };
    let grants = world.metastore.effective_grants(&world.caller(asker), &query).unwrap();
    let line = |grant: &lakewarden_catalog::ops::access::EffectiveGrant| {
        let column = grant.column.as_ref().map(|column| format!(" ({column})")).unwrap_or_default();
        let because: Vec<_> = grant.because.iter().map(words).collect();
        format!("{}{column}: {}", grant.privilege, because.join("; "))
    };
    grants.iter().map(line).collect()
}

#[test]
fn all_privileges_are_told_as_what_they_stand_for_without_what_is_denied() {
    let world = World::new();
    world.users(&["bob"]);
    world.group("team", &["bob"]);
    world.run(&["GRANT ALL PRIVILEGES ON SCHEMA c.s TO team", "DENY MODIFY ON CATALOG c TO bob"]);
    let expected = ["BROWSE", "SELECT", "APPLY TAG", "REFRESH"]
        .map(|privilege| format!("{privilege}: ALL PRIVILEGES on SCHEMA c.s to team by team"));
    assert_eq!(held(&world, "admin", SecurableKind::Table, "c.s.t", "bob"), expected);
    assert_eq!(held(&world, "bob", SecurableKind::Table, "c.s.t", "bob"), expected);
}

#[test]
fn an_owner_holds_everything_and_the_owner_above_may_manage() {
    let world = World::new();
    world.users(&["bob", "cyd"]);
    world.own(SecurableKind::Table, "c.s.t", "bob");
    world.own(SecurableKind::Schema, "c.s", "cyd");
    let privileges = |who: &str| {
        let held = held(&world, "admin", SecurableKind::Table, "c.s.t", who);
        held.into_iter().map(|line| line.split(':').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(privileges("bob"), ["MANAGE", "BROWSE", "SELECT", "MODIFY", "APPLY TAG", "REFRESH"]);
    assert_eq!(privileges("cyd"), ["MANAGE", "BROWSE"]);
}

#[test]
fn where_columns_differ_each_open_one_is_told() {
    let world = World::new();
    world.users(&["bob", "cyd"]);
    world.run(&[
        "GRANT SELECT, MODIFY ON TABLE c.s.t TO bob",
        "DENY SELECT (ssn) ON TABLE c.s.t TO bob",
        "GRANT SELECT (b) ON TABLE c.s.t TO cyd",
    ]);
    assert_eq!(
        held(&world, "admin", SecurableKind::Table, "c.s.t", "bob"),
        [
            "SELECT (a): SELECT on TABLE c.s.t to bob",
            "SELECT (b): SELECT on TABLE c.s.t to bob",
            "MODIFY: MODIFY on TABLE c.s.t to bob",
        ]
    );
    assert_eq!(
        held(&world, "admin", SecurableKind::Table, "c.s.t", "cyd"),
        ["SELECT (b): SELECT (b) on TABLE c.s.t to cyd"]
    );
}
