//! `who-can`.

use lakewarden_catalog::Need;
use lakewarden_catalog::model::{Privilege, SecurableKind};
use lakewarden_catalog::ops::page::Page;
use proptest::prelude::*;

use super::sample::{PLACES, PRIVILEGES, samples, who};
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// The quick filter leaves nobody out: the list is what asking the gate about each principal gives.
    #[test]
    fn the_list_is_what_the_gate_says_of_each(sample in samples()) {
        let world = sample.world();
        for (kind, name) in PLACES.into_iter().filter(|(kind, _)| *kind != SecurableKind::Metastore) {
            let found = world.metastore.get(&world.caller("admin"), kind, &super::full(name)).unwrap().securable;
            for privilege in PRIVILEGES.into_iter().filter(|privilege| privilege.reaches(kind)) {
                let listed = names(&world, &question(privilege, kind, name, "admin"), &Page::all()).0;
                for who in (0..8).map(who).chain(["admin"]) {
                    let may = world.metastore.pin(&world.anybody(who)).allows(found.id, Need::Privilege(privilege));
                    prop_assert_eq!(listed.contains(&who.to_owned()), may, "{} on {} by {}", privilege, name, who);
                }
            }
        }
    }
}
