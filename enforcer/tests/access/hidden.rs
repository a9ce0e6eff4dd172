//! What an asker may not see, no answer tells.

use lakewarden_catalog::model::{Privilege, SecurableKind};
use lakewarden_catalog::ops::page::Page;
use lakewarden_catalog::{Caller, CatalogError, ErrorKind, Metastore};

use super::{Question, World, all_words, full, on_table, principal, question, statement};

/// A world in which `boss` manages the table and is in none of bob's groups, while `mate` shares `secret` with bob.
fn world() -> World {
    let world = World::new();
    world.users(&["bob", "boss", "mate"]);
    world.group("inner", &["bob"]);
    world.group("secret", &["inner", "mate"]);
    world.run(&[
        "GRANT USE CATALOG, USE SCHEMA ON CATALOG c TO `account users`",
        "GRANT MANAGE ON TABLE c.s.t TO boss, mate",
        "GRANT SELECT ON TABLE c.s.t TO secret",
    ]);
    world
}

#[test]
fn who_is_in_a_group_is_told_to_its_members_and_admins() {
    let world = world();
    let because = |asker: &str| {
        let told = world.explain(asker, &on_table(Privilege::Select, "bob")).unwrap();
        all_words(&told.steps[0].because)
    };
    assert_eq!(because("admin"), ["SELECT on TABLE c.s.t to secret by inner > secret"]);
    assert_eq!(because("bob"), ["SELECT on TABLE c.s.t to secret by inner > secret"]);
    assert_eq!(because("boss"), ["SELECT on TABLE c.s.t to ?"]);
    assert_eq!(because("mate"), ["SELECT on TABLE c.s.t to secret"], "the way there leads through a group not theirs");
}

#[test]
fn a_remedy_names_no_group_that_the_asker_may_not_know_them_in() {
    let world = world();
    world.run(&["DENY SELECT ON TABLE c.s.t TO secret"]);
    let remedy = |asker: &str| world.explain(asker, &on_table(Privilege::Select, "bob")).unwrap().remedy;
    let known = ["REVOKE SELECT ON TABLE c.s.t FROM secret", "GRANT SELECT ON TABLE c.s.t TO bob"];
    assert_eq!(remedy("admin"), known);
    assert_eq!(remedy("mate"), known);
    assert!(remedy("boss").is_empty());
}

#[test]
fn others_are_asked_about_by_who_may_manage_only_and_it_leaves_a_record() {
    let world = world();
    let before = world.audited();
    let refused = world.explain("bob", &on_table(Privilege::Select, "mate")).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "permission denied: asking about others needs MANAGE on table `c.s.t`, or its ownership"
    );
    let nobody = world.explain("bob", &on_table(Privilege::Select, "nobody")).unwrap_err();
    assert_eq!(nobody.to_string(), refused.to_string());
    let who = world.metastore.who_can(&world.caller("bob"), &on_table(Privilege::Select, "bob"), &Page::all());
    assert_eq!(who.unwrap_err().to_string(), refused.to_string());
    assert_eq!(world.audited(), before + 3);
    assert!(world.explain("bob", &Question { principal: None, ..on_table(Privilege::Select, "bob") }).unwrap().allowed);
    assert_eq!(world.audited(), before + 3);
}

type Ask = fn(&Metastore, &Caller, &str) -> Result<(), CatalogError>;

#[test]
fn a_hidden_table_is_absent_in_every_answer() {
    let world = World::new();
    world.users(&["eve"]);
    let answers: [Ask; 6] = [
        |store, eve, name| store.explain_access(eve, &of(name, "eve")).map(drop),
        |store, eve, name| store.explain_access(eve, &of(name, "admin")).map(drop),
        |store, eve, name| store.who_can(eve, &of(name, "eve"), &Page::all()).map(drop),
        |store, eve, name| store.effective_grants(eve, &listed(name)).map(drop),
        |store, eve, name| store.list_grants(eve, &listed(name)).map(drop),
        |store, eve, name| {
            let change = statement::parse(&format!("GRANT SELECT ON TABLE {name} TO eve"));
            store.rehearse_grants(eve, &change).map(drop)
        },
    ];
    for (at, answer) in answers.iter().enumerate() {
        let hidden = answer(&world.metastore, &world.caller("eve"), "c.s.t").unwrap_err();
        let absent = answer(&world.metastore, &world.caller("eve"), "c.s.x").unwrap_err();
        assert_eq!(hidden.kind(), ErrorKind::NotFound, "{at}");
        assert_eq!(hidden.to_string().replace("c.s.t", "c.s.x"), absent.to_string(), "{at}");
    }
}

fn of(name: &str, who: &str) -> Question {
    question(Privilege::Select, SecurableKind::Table, name, who)
}

fn listed(name: &str) -> lakewarden_catalog::ops::grants::GrantsOn {
    lakewarden_catalog::ops::grants::GrantsOn {
        kind: SecurableKind::Table,
        name: full(name),
        principal: None,
        inherited: true,
        as_of_ms: None,
    }
}

#[test]
fn a_listing_shows_who_may_not_manage_their_own_rows_only() {
    let world = world();
    let lines = |who: &str| {
        let listed = world.metastore.list_grants(&world.caller(who), &listed("c.s.t")).unwrap();
        listed.into_iter().map(|line| format!("{} {}", line.principal, line.privilege)).collect::<Vec<_>>()
    };
    assert_eq!(lines("bob"), ["secret SELECT"]);
    assert!(lines("boss").contains(&"mate MANAGE".to_owned()));
    let held = world.metastore.list_grants_to(&world.caller("bob"), &principal("mate")).unwrap();
    assert!(held.is_empty(), "{held:?}");
    let held = world.metastore.list_grants_to(&world.caller("boss"), &principal("mate")).unwrap();
    assert_eq!(held.len(), 1);
}

/// A name cannot be taken twice, but what has it stays unknown.
#[test]
fn a_taken_name_tells_nothing_of_what_has_it() {
    use lakewarden_catalog::ops::views::NewView;
    let world = World::new();
    world.users(&["eve"]);
    world.table("c.s.Hidden");
    world.run(&["GRANT USE CATALOG ON CATALOG c TO eve", "GRANT USE SCHEMA, CREATE VIEW ON SCHEMA c.s TO eve"]);
    let eve = world.caller("eve");
    let view = |name: &str, replace| {
        let column = lakewarden_catalog::ops::tables::NewColumn {
            name: "a".into(),
            type_text: "BIGINT".into(),
            nullable: true,
            comment: None,
            partition_index: None,
        };
        let new = NewView {
            name: full(name),
            sql: "SELECT 1 AS a".to_owned(),
            namespace: Default::default(),
            columns: vec![column],
            dependencies: Vec::new(),
            describe: Default::default(),
            replace,
        };
        world.metastore.create_view(&eve, &new)
    };
    view("c.s.mine", false).unwrap();
    let admin = world.caller("admin");
    let gone = lakewarden_catalog::ops::entries::Update { owner: Some(principal("admin")), ..Default::default() };
    world.metastore.update(&admin, SecurableKind::View, &full("c.s.mine"), &gone).unwrap();
    world.run(&["DENY ALL PRIVILEGES ON TABLE c.s.Hidden TO eve", "DENY ALL PRIVILEGES ON VIEW c.s.mine TO eve"]);
    for (name, replace) in [("c.s.hidden", false), ("c.s.hidden", true), ("c.s.MINE", false), ("c.s.MINE", true)] {
        let refused = view(name, replace).unwrap_err();
        assert_eq!(refused.to_string(), format!("view `{name}` already exists"), "{name}, {replace}");
    }
}
