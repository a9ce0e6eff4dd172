//! `who-can`.

use lakewarden_catalog::Need;
use lakewarden_catalog::model::{Privilege, SecurableKind};
use lakewarden_catalog::ops::page::Page;

use super::{Question, World, all_words, on_table, question};

fn names(world: &World, question: &Question, page: &Page) -> (Vec<String>, Option<String>) {
    let listing = world.metastore.who_can(&world.caller("admin"), question, page).unwrap();
    (listing.items.into_iter().map(|holder| holder.principal).collect(), listing.next)
}

#[test]
fn whoever_holds_all_of_it_is_listed_with_what_gives_it() {
    let world = World::new();
    world.users(&["bob", "cyd", "dan", "eve"]);
    world.group("team", &["cyd", "dan"]);
    world.run(&[
        "GRANT USE CATALOG ON CATALOG c TO `account users`",
        "GRANT USE SCHEMA ON CATALOG c TO bob, team",
        "GRANT SELECT ON TABLE c.s.t TO bob, team, eve",
        "DENY SELECT ON SCHEMA c.s TO dan",
    ]);
    let asked = on_table(Privilege::Select, "admin");
    assert_eq!(names(&world, &asked, &Page::all()).0, ["admin", "bob", "cyd", "team"]);
    let listing = world.metastore.who_can(&world.caller("admin"), &asked, &Page::all()).unwrap();
    let because: Vec<_> = listing.items.iter().map(|holder| all_words(&holder.because).join("; ")).collect();
    assert_eq!(
        because,
        [
            "owner on TABLE c.s.t to admin",
            "SELECT on TABLE c.s.t to bob",
            "SELECT on TABLE c.s.t to team by team",
            "SELECT on TABLE c.s.t to team",
        ]
    );
}

#[test]
fn everybody_may_when_everybody_is_granted_and_pages_are_full() {
    let world = World::new();
    world.users(&["bob", "cyd", "dan"]);
    world.run(&["GRANT ALL PRIVILEGES ON CATALOG c TO `account users`", "DENY SELECT ON TABLE c.s.t TO cyd"]);
    let asked = on_table(Privilege::Select, "admin");
    let (mut found, mut page) = (Vec::new(), Page { size: 2, after: None });
    loop {
        let (names, next) = names(&world, &asked, &page);
        assert!(names.len() == 2 || next.is_none());
        found.extend(names);
        match next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    assert_eq!(found, ["account users", "admin", "bob", "dan"]);
}

#[test]
fn a_column_is_asked_about_by_itself() {
    let world = World::new();
    world.users(&["bob", "cyd"]);
    world.run(&[
        "GRANT USE CATALOG, USE SCHEMA ON CATALOG c TO `account users`",
        "GRANT SELECT ON TABLE c.s.t TO bob",
        "GRANT SELECT (ssn) ON TABLE c.s.t TO cyd",
        "DENY SELECT (ssn) ON TABLE c.s.t TO bob",
    ]);
    let of = |column: &str| Question { column: Some(column.to_owned()), ..on_table(Privilege::Select, "admin") };
    assert_eq!(names(&world, &of("ssn"), &Page::all()).0, ["admin", "cyd"]);
    assert_eq!(names(&world, &of("a"), &Page::all()).0, ["admin", "bob"]);
}

/// The quick filter leaves nobody out: the list is what asking the gate about each principal gives.
#[test]
fn the_list_is_what_the_gate_says_of_each() {
    let world = World::new();
    let users = ["bob", "cyd", "dan", "eve", "fay"];
    world.users(&users);
    world.group("g0", &["bob", "cyd"]);
    world.group("g1", &["g0", "dan"]);
    world.group("g2", &["eve", "g1"]);
    world.own(SecurableKind::Schema, "c.s", "g1");
    world.own(SecurableKind::Table, "c.s.t", "dan");
    world.run(&[
        "GRANT USE CATALOG ON CATALOG c TO g2, fay",
        "GRANT MODIFY, MANAGE ON CATALOG c TO g0",
        "GRANT ALL PRIVILEGES ON TABLE c.s.t TO fay",
        "GRANT USE SCHEMA ON SCHEMA c.s TO fay, eve",
        "GRANT SELECT ON SCHEMA c.s TO g2",
        "DENY SELECT, MANAGE ON TABLE c.s.t TO g0",
        "DENY MODIFY ON SCHEMA c.s TO cyd",
    ]);
    let id =
        world.metastore.get(&world.caller("admin"), SecurableKind::Table, &super::full("c.s.t")).unwrap().securable.id;
    for privilege in Privilege::ALL.iter().copied().filter(|privilege| privilege.reaches(SecurableKind::Table)) {
        let asked = question(privilege, SecurableKind::Table, "c.s.t", "admin");
        let listed = names(&world, &asked, &Page::all()).0;
        for user in users {
            let may = world.metastore.pin(&world.caller(user)).allows(id, Need::Privilege(privilege));
            assert_eq!(listed.contains(&user.to_owned()), may, "{privilege} by {user}");
        }
    }
}
