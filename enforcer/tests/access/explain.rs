//! `EXPLAIN ACCESS`.

use lakewarden_catalog::ErrorKind;
use lakewarden_catalog::model::{PrincipalKind, Privilege, SecurableKind};

use super::{World, all_words, on_table, principal, question};

/// The steps in a few words: `SELECT on c.s.t: no`.
fn steps(explanation: &lakewarden_catalog::ops::access::Explanation) -> Vec<String> {
    let step = |step: &lakewarden_catalog::ops::access::Step| {
        format!("{} on {}: {}", step.privilege, step.securable, if step.allowed { "yes" } else { "no" })
    };
    explanation.steps.iter().map(step).collect()
}

#[test]
fn a_grant_is_told_with_the_groups_that_lead_to_it_and_where_it_is() {
    let world = World::new();
    world.users(&["bob"]);
    world.group("team", &["bob"]);
    world.group("analysts", &["team"]);
    world.run(&[
        "GRANT SELECT ON SCHEMA c.s TO analysts",
        "GRANT USE CATALOG ON CATALOG c TO `account users`",
        "GRANT ALL PRIVILEGES ON SCHEMA c.s TO bob",
    ]);
    let told = world.explain("admin", &on_table(Privilege::Select, "bob")).unwrap();
    assert!(told.allowed);
    assert_eq!(steps(&told), ["SELECT on c.s.t: yes", "USE SCHEMA on c.s: yes", "USE CATALOG on c: yes"]);
    let mut select = all_words(&told.steps[0].because);
    select.sort();
    assert_eq!(select, ["ALL PRIVILEGES on SCHEMA c.s to bob", "SELECT on SCHEMA c.s to analysts by team > analysts"]);
    assert_eq!(all_words(&told.steps[1].because), ["ALL PRIVILEGES on SCHEMA c.s to bob"]);
    assert_eq!(all_words(&told.steps[2].because), ["USE CATALOG on CATALOG c to account users by account users"]);
    assert!(told.remedy.is_empty());
}

#[test]
fn what_is_missing_is_granted_where_it_is_needed_and_no_further() {
    let world = World::new();
    world.users(&["bob"]);
    let told = world.explain("admin", &on_table(Privilege::Select, "bob")).unwrap();
    assert!(!told.allowed);
    assert_eq!(steps(&told), ["SELECT on c.s.t: no", "USE SCHEMA on c.s: no", "USE CATALOG on c: no"]);
    assert!(told.steps.iter().all(|step| step.because.is_empty()));
    let expected = [
        "GRANT SELECT ON TABLE c.s.t TO bob",
        "GRANT USE SCHEMA ON SCHEMA c.s TO bob",
        "GRANT USE CATALOG ON CATALOG c TO bob",
    ];
    assert_eq!(told.remedy, expected);
}

#[test]
fn a_denial_is_told_and_lifting_it_gives_back_what_it_took_along() {
    let world = World::new();
    world.users(&["bob"]);
    world.group("on call", &["bob"]);
    world.run(&[
        "GRANT USE CATALOG, USE SCHEMA ON CATALOG c TO bob",
        "GRANT SELECT ON TABLE c.s.t TO `on call`",
        "DENY SELECT ON TABLE c.s.t TO `on call`",
    ]);
    let told = world.explain("admin", &on_table(Privilege::Select, "bob")).unwrap();
    assert_eq!(all_words(&told.steps[0].because), ["not SELECT on TABLE c.s.t to on call by on call"]);
    assert_eq!(steps(&told), ["SELECT on c.s.t: no", "USE SCHEMA on c.s: yes", "USE CATALOG on c: yes"]);
    assert_eq!(
        told.remedy,
        ["REVOKE SELECT ON TABLE c.s.t FROM `on call`", "GRANT SELECT ON TABLE c.s.t TO bob"],
        "the group's grant goes with its denial"
    );
}

#[test]
fn an_owner_that_is_denied_lifts_the_denial() {
    let world = World::new();
    world.users(&["bob"]);
    world.own(SecurableKind::Table, "c.s.t", "bob");
    world.run(&["GRANT USE CATALOG, USE SCHEMA ON CATALOG c TO bob"]);
    assert!(world.explain("bob", &on_table(Privilege::Select, "bob")).unwrap().allowed);
    world.run(&["DENY ALL PRIVILEGES ON CATALOG c TO `account users`"]);
    let told = world.explain("bob", &on_table(Privilege::Select, "bob")).unwrap();
    assert!(!told.allowed);
    assert_eq!(told.remedy, ["REVOKE ALL PRIVILEGES ON CATALOG c FROM `account users`"]);
    let managing = world.explain("bob", &on_table(Privilege::Manage, "bob")).unwrap();
    assert!(managing.allowed);
    assert_eq!(all_words(&managing.steps[0].because), ["owner on TABLE c.s.t to bob"]);
    assert_eq!(managing.steps.len(), 1, "MANAGE needs nothing on the way down");
}

#[test]
fn a_column_may_differ_from_its_table() {
    let world = World::new();
    world.users(&["bob", "eve"]);
    world.group("clerks", &["bob"]);
    world.run(&[
        "GRANT USE CATALOG, USE SCHEMA ON CATALOG c TO `account users`",
        "GRANT SELECT ON TABLE c.s.t TO bob",
        "DENY SELECT (ssn) ON TABLE c.s.t TO clerks",
        "GRANT SELECT (a) ON TABLE c.s.t TO eve",
    ]);
    let whole = world.explain("admin", &on_table(Privilege::Select, "bob")).unwrap();
    assert!(whole.allowed);
    assert_eq!(whole.closed_columns, ["ssn"]);
    let of_column = |who: &str, column: &str| {
        let question = super::Question { column: Some(column.to_owned()), ..on_table(Privilege::Select, who) };
        world.explain("admin", &question).unwrap()
    };
    let ssn = of_column("bob", "SSN");
    assert!(!ssn.allowed);
    assert_eq!(ssn.column.as_deref(), Some("ssn"));
    assert_eq!(all_words(&ssn.steps[0].because), ["not SELECT (ssn) on TABLE c.s.t to clerks by clerks"]);
    assert_eq!(ssn.remedy, ["REVOKE SELECT (ssn) ON TABLE c.s.t FROM clerks"]);
    assert!(of_column("eve", "a").allowed);
    assert_eq!(of_column("eve", "b").remedy, ["GRANT SELECT (b) ON TABLE c.s.t TO eve"]);
    let some = world.explain("admin", &on_table(Privilege::Select, "eve")).unwrap();
    assert!(!some.allowed);
    assert_eq!(some.closed_columns, ["b", "ssn"]);
    let absent = super::Question { column: Some("nope".to_owned()), ..on_table(Privilege::Select, "bob") };
    assert_eq!(world.explain("admin", &absent).unwrap_err().to_string(), "column `nope` does not exist");
}

#[test]
fn a_privilege_that_means_nothing_there_is_refused_by_naming_those_that_do() {
    let world = World::new();
    let refused = world.explain("admin", &on_table(Privilege::Execute, "admin")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
    assert!(refused.to_string().starts_with("EXECUTE means nothing on a table: ask about one of"), "{refused}");
    assert!(refused.to_string().contains("SELECT, MODIFY"), "{refused}");
    let column = super::Question { column: Some("a".to_owned()), ..on_table(Privilege::Manage, "admin") };
    let refused = world.explain("admin", &column).unwrap_err();
    assert!(refused.to_string().ends_with("on a column: ask about one of SELECT, MODIFY"), "{refused}");
}

#[test]
fn an_owner_of_the_schema_reads_nothing_in_it_but_can_grant_it_to_themselves() {
    let world = World::new();
    world.users(&["bob"]);
    world.own(SecurableKind::Schema, "c.s", "bob");
    let told = world.explain("bob", &on_table(Privilege::Select, "bob")).unwrap();
    assert_eq!(steps(&told), ["SELECT on c.s.t: no", "USE SCHEMA on c.s: yes", "USE CATALOG on c: no"]);
    assert_eq!(all_words(&told.steps[1].because), ["owner on SCHEMA c.s to bob"]);
    assert_eq!(told.remedy, ["GRANT SELECT ON TABLE c.s.t TO bob", "GRANT USE CATALOG ON CATALOG c TO bob"]);
}

#[test]
fn what_only_the_catalog_can_grant_is_granted_there() {
    let world = World::new();
    world.users(&["bob"]);
    let told = world.explain("admin", &on_table(Privilege::Browse, "bob")).unwrap();
    assert_eq!(told.remedy, ["GRANT BROWSE ON CATALOG c TO bob"]);
    let created = question(Privilege::CreateTable, SecurableKind::Schema, "c.s", "bob");
    let told = world.explain("admin", &created).unwrap();
    assert_eq!(
        told.remedy,
        ["GRANT USE SCHEMA, CREATE TABLE ON SCHEMA c.s TO bob", "GRANT USE CATALOG ON CATALOG c TO bob"],
        "one statement for one securable"
    );
}

#[test]
fn nothing_opens_the_system_catalog() {
    let world = World::new();
    world.users(&["bob"]);
    let asked = question(Privilege::CreateSchema, SecurableKind::Catalog, "system", "bob");
    let told = world.explain("admin", &asked).unwrap();
    assert!(!told.allowed);
    assert!(told.remedy.is_empty(), "{:?}", told.remedy);
}

#[test]
fn a_group_and_a_service_principal_are_explained_as_a_user_is() {
    let world = World::new();
    world.group("analysts", &[]);
    let admin = world.caller("admin");
    world.metastore.create_principal(&admin, PrincipalKind::ServicePrincipal, &principal("etl"), None).unwrap();
    world.run(&["GRANT ALL PRIVILEGES ON CATALOG c TO analysts, etl"]);
    for who in ["analysts", "etl"] {
        let told = world.explain("admin", &on_table(Privilege::Modify, who)).unwrap();
        assert!(told.allowed, "{who}");
        assert_eq!(all_words(&told.steps[0].because), [format!("ALL PRIVILEGES on CATALOG c to {who}")]);
    }
}

#[test]
fn the_way_through_fifty_groups_is_told_and_a_denial_at_its_end_counts() {
    let world = World::new();
    world.users(&["bob"]);
    let groups: Vec<String> = (0..50).map(|n| format!("g{n}")).collect();
    world.group("g0", &["bob"]);
    for pair in groups.windows(2) {
        world.group(&pair[1], &[&pair[0]]);
    }
    world.run(&["GRANT ALL PRIVILEGES ON CATALOG c TO g49"]);
    let told = world.explain("admin", &on_table(Privilege::Select, "bob")).unwrap();
    assert!(told.allowed);
    assert_eq!(told.steps[0].because[0].path, groups);
    world.group("short cut", &["bob"]);
    world.metastore.add_member(&world.caller("admin"), &principal("g49"), &principal("short cut")).unwrap();
    let told = world.explain("admin", &on_table(Privilege::Select, "bob")).unwrap();
    assert_eq!(told.steps[0].because[0].path, ["short cut", "g49"], "the shortest way is told");
    world.run(&["DENY SELECT ON TABLE c.s.t TO g49"]);
    assert!(!world.explain("admin", &on_table(Privilege::Select, "bob")).unwrap().allowed);
}

#[test]
fn policies_are_told_and_their_functions_named_to_who_sees_them() {
    use lakewarden_catalog::model::{FunctionBody, Parameter};
    use lakewarden_catalog::ops::access::AppliedPolicy;
    use lakewarden_catalog::ops::containers::Describe;
    use lakewarden_catalog::ops::functions::NewFunction;
    use lakewarden_catalog::ops::rules::{Argument, MaskBinding, RowFilterBinding};
    let world = World::new();
    world.users(&["bob"]);
    let admin = world.caller("admin");
    for (name, returns) in [("c.s.f", "BOOLEAN"), ("c.s.m", "BIGINT")] {
        let parameter = Parameter {
            name: lakewarden_catalog::model::Name::parse("x").unwrap(),
            type_text: "BIGINT".into(),
            comment: None,
        };
        let body = FunctionBody {
            parameters: vec![parameter],
            return_type: returns.to_owned(),
            body: "x".to_owned(),
            namespace: Default::default(),
            dependencies: Vec::new(),
        };
        let new = NewFunction { name: super::full(name), body, describe: Describe::default(), replace: false };
        world.metastore.create_function(&admin, &new).unwrap();
    }
    let filter = RowFilterBinding { function: super::full("c.s.f"), on: vec![Argument::Column("a".to_owned())] };
    world.metastore.set_row_filter(&admin, &super::full("c.s.t"), &filter).unwrap();
    let mask =
        MaskBinding { column: "ssn".to_owned(), path: Vec::new(), function: super::full("c.s.m"), using: Vec::new() };
    world.metastore.set_mask(&admin, &super::full("c.s.t"), &mask).unwrap();
    world.run(&["GRANT SELECT ON TABLE c.s.t TO bob", "GRANT EXECUTE ON FUNCTION c.s.m TO bob"]);
    let told = |asker: &str, privilege, column: Option<&str>| {
        let asked = super::Question { column: column.map(str::to_owned), ..on_table(privilege, "bob") };
        world.explain(asker, &asked).unwrap().policies
    };
    let policy = |column: Option<&str>, function: Option<&str>| AppliedPolicy {
        column: column.map(str::to_owned),
        function: function.map(str::to_owned),
        policy: None,
    };
    let (filter, mask) = (policy(None, Some("c.s.f")), policy(Some("ssn"), Some("c.s.m")));
    assert_eq!(told("admin", Privilege::Select, None), [filter.clone(), mask.clone()]);
    assert_eq!(told("bob", Privilege::Select, None), [policy(None, None), mask.clone()]);
    assert_eq!(told("admin", Privilege::Select, Some("ssn")), [filter.clone(), mask]);
    assert_eq!(told("admin", Privilege::Select, Some("a")), [filter]);
    assert_eq!(told("admin", Privilege::Modify, None), []);
}
