//! Answers as of an earlier time: names and grants are those of then, the right to ask is that of now.

use lakewarden_catalog::ErrorKind;
use lakewarden_catalog::model::{Name, PrincipalKind, Privilege, SecurableKind};
use lakewarden_catalog::ops::entries::{Delete, Update};
use lakewarden_catalog::ops::grants::GrantsOn;
use lakewarden_catalog::ops::page::Page;
use lakewarden_catalog::ops::principals::Leftovers;

use super::{Question, World, all_words, full, on_table, principal, question};

fn lines(world: &World, who: &str, name: &str, at: Option<i64>) -> Vec<String> {
    let query =
        GrantsOn { kind: SecurableKind::Table, name: full(name), principal: None, inherited: true, as_of_ms: at };
    let listed = world.metastore.list_grants(&world.caller(who), &query).unwrap();
    listed.into_iter().map(|line| format!("{} {} on {}", line.principal, line.privilege, line.securable)).collect()
}

#[test]
fn who_could_read_on_the_day_is_told_after_everything_changed() {
    let world = World::new();
    world.users(&["bob", "cyd"]);
    world.group("team", &["bob"]);
    world.run(&["GRANT USE CATALOG, USE SCHEMA ON CATALOG c TO team", "GRANT SELECT ON TABLE c.s.t TO team, cyd"]);
    let incident = world.now_ms();
    let admin = world.caller("admin");
    world.metastore.remove_member(&admin, &principal("team"), &principal("bob")).unwrap();
    world.run(&["REVOKE SELECT ON TABLE c.s.t FROM team"]);
    let renamed = Update { name: Some(Name::parse("moved").unwrap()), ..Update::default() };
    world.metastore.update(&admin, SecurableKind::Table, &full("c.s.t"), &renamed).unwrap();
    world
        .metastore
        .delete_principal(&admin, Some(PrincipalKind::User), &principal("cyd"), &Leftovers::Cascade, None)
        .unwrap();

    let then = |who: &str| Question { as_of_ms: Some(incident), ..on_table(Privilege::Select, who) };
    let told = world.explain("admin", &then("bob")).unwrap();
    assert!(told.allowed);
    assert_eq!(all_words(&told.steps[0].because), ["SELECT on TABLE c.s.t to team by team"]);
    let cyd = world.explain("admin", &then("cyd")).unwrap();
    assert!(!cyd.allowed && cyd.steps[0].allowed, "somebody who is gone had SELECT, without USE");
    assert!(cyd.remedy.is_empty(), "nothing mends the past");
    let could = world.metastore.who_can(&world.caller("admin"), &then("admin"), &Page::all()).unwrap();
    assert_eq!(could.items.iter().map(|h| h.principal.as_str()).collect::<Vec<_>>(), ["admin", "bob", "team"]);
    assert_eq!(lines(&world, "admin", "c.s.t", Some(incident))[..2], ["cyd SELECT on c.s.t", "team SELECT on c.s.t"]);
    assert!(lines(&world, "admin", "c.s.moved", None).iter().all(|line| !line.contains("c.s.moved")));
    let now = question(Privilege::Select, SecurableKind::Table, "c.s.moved", "bob");
    assert!(!world.explain("admin", &now).unwrap().allowed);
    let unknown = world.explain("admin", &Question { as_of_ms: Some(incident), ..now }).unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound, "it was not called so then");
}

#[test]
fn the_right_to_ask_is_that_of_now() {
    let world = World::new();
    world.users(&["bob", "boss"]);
    world.run(&["GRANT SELECT, MANAGE ON TABLE c.s.t TO boss", "GRANT SELECT ON TABLE c.s.t TO bob"]);
    let then = world.now_ms();
    let asked = |who: &str| Question { as_of_ms: Some(then), ..on_table(Privilege::Select, who) };
    assert!(world.explain("boss", &asked("bob")).is_ok());
    world.run(&["REVOKE MANAGE ON TABLE c.s.t FROM boss"]);
    assert_eq!(world.explain("boss", &asked("bob")).unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(lines(&world, "boss", "c.s.t", Some(then)), ["boss MANAGE on c.s.t", "boss SELECT on c.s.t"]);
    world.run(&["REVOKE SELECT ON TABLE c.s.t FROM bob"]);
    let hidden = world.explain("bob", &asked("bob")).unwrap_err();
    let absent = world.explain("bob", &Question { name: full("c.s.x"), ..asked("bob") }).unwrap_err();
    assert_eq!(
        hidden.to_string().replace("c.s.t", "c.s.x"),
        absent.to_string(),
        "who cannot see it now learns nothing"
    );
}

#[test]
fn what_was_dropped_is_for_metastore_admins() {
    let world = World::new();
    world.users(&["bob"]);
    world.run(&["GRANT ALL PRIVILEGES, MANAGE ON TABLE c.s.t TO bob"]);
    let then = world.now_ms();
    world.metastore.delete(&world.caller("admin"), SecurableKind::Table, &full("c.s.t"), Delete::default()).unwrap();
    let asked = Question { as_of_ms: Some(then), ..on_table(Privilege::Modify, "bob") };
    assert!(world.explain("admin", &asked).unwrap().steps[0].allowed);
    assert_eq!(world.explain("bob", &asked).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn rows_of_a_group_are_shown_to_who_is_in_it_now_and_was_then() {
    let world = World::new();
    world.users(&["bob", "cyd"]);
    world.group("team", &["bob"]);
    world.run(&["GRANT SELECT ON TABLE c.s.t TO team, bob, cyd"]);
    let then = world.now_ms();
    let admin = world.caller("admin");
    world.metastore.remove_member(&admin, &principal("team"), &principal("bob")).unwrap();
    world.metastore.add_member(&admin, &principal("team"), &principal("cyd")).unwrap();
    assert_eq!(lines(&world, "bob", "c.s.t", Some(then)), ["bob SELECT on c.s.t"]);
    assert_eq!(lines(&world, "cyd", "c.s.t", Some(then)), ["cyd SELECT on c.s.t"]);
    assert_eq!(lines(&world, "cyd", "c.s.t", None), ["cyd SELECT on c.s.t", "team SELECT on c.s.t"]);
}

#[test]
fn who_was_not_there_yet_could_do_nothing() {
    let world = World::new();
    world.run(&["GRANT ALL PRIVILEGES ON CATALOG c TO `account users`"]);
    let then = world.now_ms();
    world.users(&["late"]);
    let asked = Question { as_of_ms: Some(then), principal: None, ..on_table(Privilege::Select, "late") };
    assert_eq!(world.explain("late", &asked).unwrap_err().to_string(), "principal `late` does not exist");
}
