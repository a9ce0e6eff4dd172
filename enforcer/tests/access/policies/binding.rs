//! Whom policies bind, and what comes of several.

use lakewarden_catalog::model::Text;
use lakewarden_catalog::ops::rules::{MaskBinding, RowFilterBinding};

use super::*;

#[test]
fn a_policy_binds_through_groups_and_spares_whom_except_names() {
    let world = world();
    let label = "ssn: policy `p` on catalog `c`";
    let put = |to: &[&str], except: &[&str]| {
        let new = NewPolicy { except: names(except), replace: true, ..mask("p", K::Catalog, "c", to) };
        world.policy("admin", &new).unwrap();
        ["admin", "alice", "bob"].map(|who| world.bound(who) == [label])
    };
    assert_eq!(put(&["outer"], &[]), [false, false, true]);
    assert_eq!(put(&["account users"], &[]), [true; 3]);
    assert_eq!(put(&["users"], &["outer"]), [true, true, false]);
    assert_eq!(put(&["bob", "alice"], &["inner"]), [false, true, false]);
    assert_eq!(put(&["users"], &["users"]), [false; 3]);
}

#[test]
fn when_looks_at_the_nearest_tag_and_match_columns_at_a_columns_own() {
    let world = world();
    let when = Condition::HasTagValue("zone".into(), "eu".into());
    let new = NewPolicy { when: Some(when), ..mask("p", K::Catalog, "c", &["users"]) };
    world.policy("admin", &new).unwrap();
    let bound = || !world.bound("bob").is_empty();
    assert!(!bound());
    world.tag("admin", &on(K::Catalog, "c"), "zone", "eu").unwrap();
    assert!(bound());
    world.tag("admin", &on(K::Schema, "c.s"), "zone", "us").unwrap();
    assert!(!bound());
    world.tag("admin", &on(K::Table, "c.s.t"), "zone", "eu").unwrap();
    assert!(bound());
    world.tag("admin", &on(K::Table, "c.s.t"), "pii", "table").unwrap();
    world.metastore.unset_tags(&world.caller("admin"), &of_column("ssn"), &["pii".to_owned()]).unwrap();
    assert!(!bound(), "the table's tag is no tag of its columns");
}

#[test]
fn two_that_differ_close_the_table_and_are_both_named() {
    let world = world();
    world.policy("admin", &mask("one", K::Catalog, "c", &["users"])).unwrap();
    world.policy("admin", &mask("two", K::Table, "c.s.t", &["users"])).unwrap();
    assert_eq!(world.bound("bob"), ["ssn: policy `one` on catalog `c`"], "the same mask twice is one, the higher");
    world.function("admin", "c.s.other", &["BIGINT"], "BIGINT").unwrap();
    let other = NewPolicy { function: full("c.s.other"), ..mask("three", K::Schema, "c.s", &["inner"]) };
    world.policy("admin", &other).unwrap();
    let clash = world.opened("bob").unwrap_err();
    assert_eq!(clash.reason(), "POLICY_CONFLICT");
    for name in ["policy `two` on table `c.s.t`", "policy `three` on schema `c.s`", "column `ssn`"] {
        assert!(clash.to_string().contains(name), "{clash}");
    }
    assert_eq!(world.bound("alice").len(), 1, "alice is not in `inner`");
    let bound = RowFilterBinding { function: full("c.s.f"), on: vec![column("a")] };
    world.metastore.set_row_filter(&world.caller("admin"), &full("c.s.t"), &bound).unwrap();
    world.policy("admin", &filter("rows", K::Catalog, "c", &["alice"])).unwrap();
    let clash = world.opened("alice").unwrap_err().to_string();
    assert!(clash.contains("`c.s.t`") && clash.contains("c.s.f and policy `rows` on catalog `c`"), "{clash}");
}

#[test]
fn each_column_of_the_masked_alias_is_masked_and_any_other_alias_must_find_one() {
    let world = world();
    world.tag("admin", &of_column("a"), "pii", "name").unwrap();
    let two = NewPolicy {
        function: full("c.s.n"),
        using: vec![column("key")],
        matches: vec![aliased(has("pii"), "p"), aliased(has("key"), "key")],
        ..mask("p", K::Schema, "c.s", &["users"])
    };
    world.policy("admin", &two).unwrap();
    assert_eq!(world.bound("bob"), [""; 0], "nothing is tagged `key`");
    world.tag("admin", &of_column("b"), "key", "").unwrap();
    let label = "policy `p` on schema `c.s`";
    assert_eq!(world.bound("bob"), [format!("a: {label}"), format!("ssn: {label}")]);
    world.tag("admin", &of_column("ssn"), "key", "").unwrap();
    let ambiguous = world.opened("bob").unwrap_err();
    assert_eq!(ambiguous.reason(), "AMBIGUOUS_MATCH");
    assert!(ambiguous.to_string().contains("alias `key` of policy `p` on schema `c.s`"), "{ambiguous}");
}

/// A column that the catalog does not know has no tags; a policy on what has none would bind it.
#[test]
fn a_policy_on_what_is_not_tagged_closes_tables_with_columns_that_are_not_known() {
    let world = world();
    let not_public = Condition::Not(Box::new(has("public")));
    let new = NewPolicy { matches: vec![aliased(not_public, "p")], ..mask("p", K::Schema, "c.s", &["users"]) };
    world.policy("admin", &new).unwrap();
    let opened = world.opened("bob").unwrap();
    assert_eq!((opened.masks.len(), opened.unknown_columns.as_deref()), (3, Some("policy `p` on schema `c.s`")));
    for column in ["a", "b", "ssn"] {
        world.tag("admin", &of_column(column), "public", "").unwrap();
    }
    let opened = world.opened("bob").unwrap();
    assert_eq!((opened.masks.len(), opened.unknown_columns.is_some()), (0, true));
}

/// Else whoever owns a table could hand out, through a filter or mask of their own, what the catalog's policy masks.
#[test]
fn a_low_policy_takes_no_column_that_one_from_above_masks_from_its_author() {
    let world = world();
    world.users(&["owner"]);
    world.own(K::Table, "c.s.t", "owner");
    world.run(&["GRANT USE CATALOG, USE SCHEMA, CREATE FUNCTION, EXECUTE ON CATALOG c TO owner"]);
    world.policy("admin", &mask("p", K::Catalog, "c", &["users"])).unwrap();
    let table = full("c.s.t");
    let probe = |who: &str, function: &str| {
        let binding = RowFilterBinding { function: full(function), on: vec![column("ssn")] };
        world.metastore.set_row_filter(&world.caller(who), &table, &binding).unwrap();
        world.opened("bob").map(|opened| opened.row_filter.unwrap().name)
    };
    let refused = probe("owner", "c.s.f").unwrap_err();
    assert_eq!(refused.reason(), "POLICY_CONFLICT");
    assert!(refused.to_string().contains("c.s.f takes column `ssn`"), "{refused}");
    world.function("owner", "c.s.own", &["BIGINT"], "BOOLEAN").unwrap();
    world.run(&["GRANT EXECUTE ON FUNCTION c.s.own TO admin"]);
    assert!(probe("admin", "c.s.own").is_err(), "the function is not the admin's");
    assert_eq!(probe("admin", "c.s.f").unwrap(), "c.s.f");
    let spared = NewPolicy { except: names(&["owner"]), replace: true, ..mask("p", K::Catalog, "c", &["users"]) };
    world.policy("admin", &spared).unwrap();
    assert_eq!(probe("owner", "c.s.own").unwrap(), "c.s.own", "who may read it raw may take it");
    world.metastore.drop_row_filter(&world.caller("admin"), &table).unwrap();
    world.policy("admin", &NewPolicy { replace: true, ..mask("p", K::Catalog, "c", &["users"]) }).unwrap();
    let leak =
        MaskBinding { column: "a".to_owned(), path: Vec::new(), function: full("c.s.n"), using: vec![column("ssn")] };
    world.metastore.set_mask(&world.caller("owner"), &table, &leak).unwrap();
    assert_eq!(world.opened("bob").unwrap_err().reason(), "POLICY_CONFLICT");
    world.metastore.set_mask(&world.caller("admin"), &table, &leak).unwrap();
    assert_eq!(world.bound("bob").len(), 2);
}

#[test]
fn a_mask_on_a_field_excludes_one_around_or_inside_it() {
    let world = world();
    let (admin, table) = (world.caller("admin"), full("c.s.t"));
    let path = |path: &[&str]| path.iter().map(ToString::to_string).collect::<Vec<_>>();
    let set = |at: &[&str], function: &str| {
        let function = full(function);
        let binding = MaskBinding { column: "A".to_owned(), path: path(at), function, using: Vec::new() };
        world.metastore.set_mask(&admin, &table, &binding).map(drop)
    };
    let masks = || {
        let opened = world.opened("bob").unwrap();
        let dotted = |path: &[Text]| path.iter().map(Text::as_str).collect::<Vec<_>>().join(".");
        let shown = opened.masks.iter().map(|mask| format!("{}={}", dotted(&mask.path), mask.policy.name));
        let mut masks: Vec<String> = shown.collect();
        masks.sort();
        masks
    };
    set(&["home", "street"], "c.s.m").unwrap();
    set(&["work"], "c.s.m").unwrap();
    world.function("admin", "c.s.other", &["BIGINT"], "BIGINT").unwrap();
    set(&["HOME", "Street"], "c.s.other").unwrap();
    assert_eq!(masks(), ["HOME.Street=c.s.other", "work=c.s.m"]);
    for overlapping in [&[][..], &["Home"], &["home", "street", "number"], &["work", "x"]] {
        assert_eq!(set(overlapping, "c.s.m").unwrap_err().reason(), "MASK_OVERLAPS", "{overlapping:?}");
    }
    let unset = |at: &[&str]| world.metastore.drop_mask(&admin, &table, "a", &path(at)).map(drop);
    assert_eq!(unset(&["home"]).unwrap_err().reason(), "NO_POLICY");
    assert_eq!(unset(&[]).unwrap_err().reason(), "NO_POLICY");
    unset(&["home", "street"]).unwrap();
    unset(&["work"]).unwrap();
    assert_eq!(masks(), [""; 0]);
    set(&[], "c.s.m").unwrap();
    assert_eq!(set(&["home"], "c.s.m").unwrap_err().reason(), "MASK_OVERLAPS");
    world.tag("admin", &of_column("a"), "pii", "").unwrap();
    world
        .policy("admin", &NewPolicy { function: full("c.s.other"), ..mask("p", K::Catalog, "c", &["alice"]) })
        .unwrap();
    assert_eq!(masks(), ["=c.s.m"]);
    unset(&[]).unwrap();
    set(&["home"], "c.s.other").unwrap();
    assert_eq!(world.opened("alice").unwrap_err().reason(), "POLICY_CONFLICT", "the whole and a part of it");
}
