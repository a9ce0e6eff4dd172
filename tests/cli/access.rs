//! Users, groups and grants, and what they lead to.

use serde_json::Value;

use crate::served::Served;

/// A server with `demo.s.t` of three rows, and a user `bob` in the group `analysts`.
pub fn with_table() -> (Served, std::path::PathBuf) {
    let served = Served::start();
    served.sql("CREATE CATALOG demo; CREATE SCHEMA demo.s; CREATE TABLE demo.s.t AS SELECT * FROM (VALUES (1, 'a'), (2, 'b'), (3, 'c')) AS v(id, name)");
    let bob = served.user("bob");
    served.ok(&["group", "create", "analysts"]);
    served.ok(&["group", "add-member", "analysts", "bob"]);
    (served, bob)
}

pub fn names<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|item| item[field].as_str().unwrap()).collect()
}

#[test]
fn principals_are_created_listed_and_deleted() {
    let served = Served::start();
    let bob = served.json(&["user", "create", "bob", "--comment", "sales"]);
    assert_eq!(
        (bob["name"].as_str(), bob["kind"].as_str(), bob["comment"].as_str()),
        (Some("bob"), Some("user"), Some("sales"))
    );
    served.admin(&["user", "create", "BOB"]).failed(6);
    served.admin(&["group", "create", "bob"]).failed(6);
    served.admin(&["user", "get", "eve"]).failed(5);
    served.admin(&["group", "get", "bob"]).failed(5);
    served.admin(&["user", "create", ""]).failed(3);
    served.ok(&["service-principal", "create", "etl"]);
    assert!(names(&served.json(&["user", "list"]), "name").contains(&"bob"));
    assert_eq!(names(&served.json(&["service-principal", "list"]), "name"), ["etl"]);
    let renamed = served.json(&["user", "update", "bob", "--rename", "robert", "--comment", ""]);
    assert_eq!((renamed["name"].as_str(), renamed["id"].as_str()), (Some("robert"), bob["id"].as_str()));
    assert!(renamed["comment"].is_null());
    served.admin(&["user", "update", "robert", "--comment", "x", "--etag", bob["etag"].as_str().unwrap()]).failed(8);
    served.admin(&["group", "update", "robert", "--comment", "x"]).failed(5);
    served.ok(&["user", "update", "robert", "--rename", "bob"]);
    let deleted = served.admin(&["user", "delete", "bob"]);
    assert_eq!((deleted.code, deleted.out.as_str()), (0, ""));
    served.admin(&["user", "delete", "bob", "--yes"]).failed(5);
}

#[test]
fn members_come_and_go() {
    let served = Served::start();
    for (kind, name) in [("user", "bob"), ("user", "eve"), ("group", "analysts"), ("group", "staff")] {
        served.ok(&[kind, "create", name]);
    }
    assert_eq!(served.ok(&["group", "add-member", "analysts", "bob", "eve"]), "");
    served.ok(&["group", "add-member", "staff", "analysts"]);
    assert_eq!(names(&served.json(&["group", "members", "analysts"]), "name"), ["bob", "eve"]);
    served.admin(&["group", "add-member", "analysts", "staff"]).failed(7);
    served.ok(&["group", "remove-member", "analysts", "eve"]);
    assert_eq!(names(&served.json(&["group", "members", "analysts"]), "name"), ["bob"]);
    served.admin(&["group", "members", "absent"]).failed(5);
}

#[test]
fn a_grant_to_a_group_lets_its_member_read_and_a_revoke_ends_it() {
    let (served, bob) = with_table();
    let select = ["sql", "SELECT sum(id) AS total FROM demo.s.t", "--format", "csv"];
    served.run_as(&bob, &select).failed(5);
    served.ok(&["grant", "BROWSE", "--on", "catalog", "demo", "--to", "bob"]);
    let denied = served.run_as(&bob, &select);
    assert!(denied.failed(2).contains("42501"), "{}", denied.err);

    let held = served.json(&["grant", "USE CATALOG", "use-schema", "--on", "catalog", "demo", "--to", "analysts"]);
    assert_eq!(names(&held, "privilege"), ["USE CATALOG", "USE SCHEMA"]);
    served.ok(&["grant", "SELECT", "--on", "table", "demo.s.t", "--to", "analysts"]);
    let read = served.run_as(&bob, &select);
    assert_eq!((read.code, read.out.as_str()), (0, "total\r\n6\r\n"), "{}", read.err);

    assert_eq!(
        served.json(&["revoke", "SELECT", "--on", "table", "demo.s.t", "--from", "analysts"]),
        serde_json::json!([])
    );
    served.run_as(&bob, &select).failed(2);
}

#[test]
fn grants_are_shown_with_what_is_inherited() {
    let (served, bob) = with_table();
    served.ok(&["grant", "SELECT", "--on", "table", "demo.s.t", "--to", "analysts"]);
    served.ok(&["grant", "BROWSE", "--on", "catalog", "demo", "--to", "bob"]);
    let own = served.json(&["grants", "show", "--on", "table", "demo.s.t"]);
    assert_eq!((names(&own, "principal"), names(&own, "privilege")), (vec!["analysts"], vec!["SELECT"]));
    let all = served.json(&["grants", "show", "--on", "table", "demo.s.t", "--inherited"]);
    let browse = all.as_array().unwrap().iter().find(|g| g["privilege"] == "BROWSE").unwrap();
    assert_eq!((browse["inherited"].as_bool(), browse["securable"].as_str()), (Some(true), Some("demo")));
    let of_bob = served.json(&["grants", "show", "--to", "bob"]);
    assert_eq!((names(&of_bob, "privilege"), names(&of_bob, "securable")), (vec!["BROWSE"], vec!["demo"]));
    let table = served.ok(&["grants", "show", "--on", "table", "demo.s.t"]);
    assert!(table.lines().next().unwrap().contains("privilege") && table.contains("analysts"), "{table}");
    served.run_as(&bob, &["grant", "SELECT", "--on", "table", "demo.s.t", "--to", "bob"]).failed(2);
}

#[test]
fn granting_what_makes_no_sense_is_a_wrong_argument_or_not_found() {
    let (served, _) = with_table();
    served.admin(&["grant", "SELECT", "--on", "function", "demo.s.f", "--to", "bob"]).failed(5);
    served.admin(&["grant", "EXECUTE", "--on", "table", "demo.s.t", "--to", "bob"]).failed(3);
    served.admin(&["grant", "SELECT", "--on", "table", "demo.s.t", "--to", "nobody"]).failed(5);
    served.admin(&["grant", "SELECT", "--on", "table", "demo.s.absent", "--to", "bob"]).failed(5);
}

#[test]
fn a_refusal_is_in_the_audit_trail() {
    let (served, bob) = with_table();
    served.run_as(&bob, &["user", "create", "mallory"]).failed(2);
    let denied = served.json(&["audit", "list", "--outcome", "denied", "--principal", "bob", "--since", "1h"]);
    assert!(!denied.as_array().unwrap().is_empty());
    assert!(denied.as_array().unwrap().iter().all(|e| e["principal"] == "bob" && e["outcome"] == "denied"), "{denied}");
    served.run_as(&bob, &["audit", "list"]).failed(2);
}
