//! Denials, columns, `can`, `who-can`, dry runs and the past.

use serde_json::json;

use crate::access::{names, with_table};

#[test]
fn a_denial_beats_a_grant_until_it_is_revoked() {
    let (served, bob) = with_table();
    served.ok(&["grant", "USE CATALOG", "USE SCHEMA", "SELECT", "--on", "catalog", "demo", "--to", "analysts"]);
    let select = ["sql", "SELECT sum(id) AS total FROM demo.s.t", "--format", "csv"];
    assert_eq!(served.run_as(&bob, &select).out, "total\r\n6\r\n");
    let held = served.json(&["deny", "SELECT", "--on", "schema", "demo.s", "--to", "bob"]);
    assert_eq!((names(&held, "effect"), names(&held, "privilege")), (vec!["deny"], vec!["SELECT"]));
    served.run_as(&bob, &select).failed(2);
    let shown = served.ok(&["grants", "show", "--on", "schema", "demo.s"]);
    insta::assert_snapshot!(shown, @r"
     principal | effect | privilege | securable kind | securable | column | inherited
    -----------+--------+-----------+----------------+-----------+--------+-----------
     bob       | deny   | SELECT    | schema         | demo.s    | NULL   | false
    ");
    assert_eq!(served.json(&["revoke", "SELECT", "--on", "schema", "demo.s", "--from", "bob"]), json!([]));
    assert_eq!(served.run_as(&bob, &select).code, 0);
}

#[test]
fn columns_are_granted_and_denied() {
    let (served, bob) = with_table();
    served.ok(&["grant", "USE CATALOG", "USE SCHEMA", "--on", "catalog", "demo", "--to", "analysts"]);
    let held = served.json(&["grant", "SELECT", "--on", "table", "demo.s.t", "--columns", "id", "--to", "analysts"]);
    assert_eq!((names(&held, "privilege"), names(&held, "column")), (vec!["SELECT"], vec!["id"]));
    assert_eq!(served.run_as(&bob, &["sql", "SELECT sum(id) AS n FROM demo.s.t", "--format", "csv"]).out, "n\r\n6\r\n");
    assert!(served.run_as(&bob, &["sql", "SELECT * FROM demo.s.t"]).failed(2).contains("name"));
    served.admin(&["grant", "SELECT", "--on", "table", "demo.s.t", "--columns", "absent", "--to", "bob"]).failed(5);
    served.admin(&["grant", "APPLY TAG", "--on", "table", "demo.s.t", "--columns", "id", "--to", "bob"]).failed(3);
    served.admin(&["grant", "SELECT", "--on", "schema", "demo.s", "--columns", "id", "--to", "bob"]).failed(3);
    served.ok(&["deny", "SELECT", "--on", "table", "demo.s.t", "--columns", "`id`,name", "--to", "bob"]);
    served.run_as(&bob, &["sql", "SELECT sum(id) AS n FROM demo.s.t"]).failed(2);
    let effective = ["grants", "show", "--on", "table", "demo.s.t", "--to", "analysts", "--effective"];
    assert_eq!(names(&served.json(&effective), "column"), ["id"]);
}

#[test]
fn can_says_no_with_what_is_missing_and_what_it_takes() {
    let (served, bob) = with_table();
    let denied = served.admin(&["can", "bob", "SELECT", "table", "demo.s.t"]);
    assert_eq!((denied.code, denied.err.as_str()), (2, ""));
    insta::assert_snapshot!(denied.out, @r"
     access    | denied
     principal | bob
     privilege | SELECT
     on        | table demo.s.t
     remedy    | GRANT SELECT ON TABLE demo.s.t TO bob
               | GRANT USE SCHEMA ON SCHEMA demo.s TO bob
               | GRANT USE CATALOG ON CATALOG demo TO bob

     needed      | on             | held | because
    -------------+----------------+------+-------------------
     SELECT      | table demo.s.t | no   | nothing grants it
     USE SCHEMA  | schema demo.s  | no   | nothing grants it
     USE CATALOG | catalog demo   | no   | nothing grants it
    ");
    let answer = served.admin(&["can", "bob", "SELECT", "table", "demo.s.t", "--format", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
    for statement in answer["remedy"].as_array().unwrap() {
        served.run_as(&bob, &["sql", "SELECT * FROM demo.s.t"]).err.strip_prefix("error: ").unwrap();
        served.sql(statement.as_str().unwrap());
    }
    assert_eq!(served.run_as(&bob, &["can", "SELECT", "table", "demo.s.t"]).code, 0);
    assert_eq!(served.run_as(&bob, &["sql", "SELECT * FROM demo.s.t"]).code, 0);
}

#[test]
fn can_says_yes_with_the_chain_and_the_policies() {
    let (served, bob) = with_table();
    served.ok(&["group", "create", "staff"]);
    served.ok(&["group", "add-member", "staff", "analysts"]);
    served.ok(&["grant", "USE CATALOG", "USE SCHEMA", "SELECT", "--on", "catalog", "demo", "--to", "staff"]);
    served.sql("CREATE FUNCTION demo.s.stars(x STRING) RETURNS STRING RETURN '***'; ALTER TABLE demo.s.t ALTER COLUMN name SET MASK demo.s.stars");
    let allowed = served.admin(&["can", "bob", "select", "table", "DEMO.s.t"]);
    assert_eq!((allowed.code, allowed.err.as_str()), (0, ""));
    insta::assert_snapshot!(allowed.out, @r"
     access    | allowed
     principal | bob
     privilege | SELECT
     on        | table demo.s.t

     needed      | on             | held | because
    -------------+----------------+------+--------------------------------------------------------------------------
     SELECT      | table demo.s.t | yes  | SELECT is granted to staff (bob > analysts > staff) on catalog demo
     USE SCHEMA  | schema demo.s  | yes  | USE SCHEMA is granted to staff (bob > analysts > staff) on catalog demo
     USE CATALOG | catalog demo   | yes  | USE CATALOG is granted to staff (bob > analysts > staff) on catalog demo

     policy | column | function
    --------+--------+--------------
     mask   | name   | demo.s.stars
    ");
    let answer = served.json(&["can", "bob", "SELECT", "table", "demo.s.t", "--column", "name"]);
    assert_eq!((answer["access"].as_str(), answer["column"].as_str()), (Some("allowed"), Some("name")));
    assert_eq!(answer["steps"][0]["because"][0]["path"], json!(["analysts", "staff"]));
    assert_eq!(answer["policies"][0]["function"], "demo.s.stars");
    let line = served.ok(&["can", "bob", "SELECT", "table", "demo.s.t", "--format", "csv"]);
    assert_eq!(line.lines().count(), 2, "{line}");
    served.run_as(&bob, &["can", "admin", "SELECT", "table", "demo.s.t"]).failed(2);
    served.admin(&["can", "nobody", "SELECT", "table", "demo.s.t"]).failed(5);
    served.admin(&["can", "bob", "SELECT", "table", "demo.s.absent"]).failed(5);
    served.admin(&["can", "bob", "EXECUTE", "table", "demo.s.t"]).failed(3);
    served.admin(&["can", "bob", "SELECT", "tabel", "demo.s.t"]).failed(3);
}

#[test]
fn who_can_lists_everybody_with_what_gives_it() {
    let (served, bob) = with_table();
    served.ok(&["grant", "USE CATALOG", "USE SCHEMA", "SELECT", "--on", "catalog", "demo", "--to", "analysts"]);
    insta::assert_snapshot!(served.ok(&["who-can", "SELECT", "table", "demo.s.t"]), @r"
     principal | kind  | because
    -----------+-------+----------------------------------------------------------------
     admin     | user  | admin owns table demo.s.t
     analysts  | group | SELECT is granted to analysts on catalog demo
     bob       | user  | SELECT is granted to analysts (bob > analysts) on catalog demo
    ");
    let found = served.json(&["who-can", "SELECT", "table", "demo.s.t", "--limit", "2"]);
    assert_eq!(names(&found, "principal"), ["admin", "analysts"]);
    assert_eq!(names(&served.json(&["who-can", "CREATE CATALOG", "metastore"]), "principal"), ["admin"]);
    served.run_as(&bob, &["who-can", "SELECT", "table", "demo.s.t"]).failed(2);
    served.admin(&["who-can", "bob", "SELECT", "table", "demo.s.t"]).failed(3);
}

#[test]
fn a_dry_run_changes_nothing_and_tells_what_would_change() {
    let (served, bob) = with_table();
    served.ok(&["grant", "USE CATALOG", "USE SCHEMA", "--on", "catalog", "demo", "--to", "analysts"]);
    let grant = ["grant", "SELECT", "--on", "schema", "demo.s", "--to", "analysts"];
    let dry: Vec<&str> = grant.iter().copied().chain(["--dry-run"]).collect();
    let told = served.admin(&dry);
    assert!(told.err.ends_with("a dry run: nothing was changed\n"), "{}", told.err);
    insta::assert_snapshot!(told.out, @r"
     principal | principal kind | change | privilege | securable kind | securable | column
    -----------+----------------+--------+-----------+----------------+-----------+--------
     analysts  | group          | gains  | SELECT    | schema         | demo.s    | NULL
     bob       | user           | gains  | SELECT    | schema         | demo.s    | NULL
     analysts  | group          | gains  | SELECT    | table          | demo.s.t  | NULL
     bob       | user           | gains  | SELECT    | table          | demo.s.t  | NULL
    ");
    served.run_as(&bob, &["sql", "SELECT * FROM demo.s.t"]).failed(5);
    served.ok(&grant);
    for verb in [["deny", "--to"], ["revoke", "--from"]] {
        let dry = [verb[0], "SELECT", "--on", "schema", "demo.s", verb[1], "analysts", "--dry-run"];
        let effects = served.json(&dry);
        assert!(names(&effects, "principal").contains(&"bob"), "{effects}");
        assert!(names(&effects, "change").iter().all(|change| *change == "loses"), "{effects}");
    }
    assert_eq!(served.run_as(&bob, &["sql", "SELECT * FROM demo.s.t"]).code, 0);
    let dry = ["grant", "SELECT", "--on", "table", "demo.s.t", "--to", "bob", "--dry-run"];
    served.run_as(&bob, &dry).failed(2);
}

#[test]
fn the_past_can_be_asked_about() {
    let (served, _) = with_table();
    // The moment of the last change, whatever clocks and time zones say.
    let last = served.json(&["audit", "list", "--limit", "1"])[0]["time"].as_str().unwrap().to_owned();
    let before = last.replace('T', " ").replace('Z', "");
    std::thread::sleep(std::time::Duration::from_millis(10));
    served.ok(&["grant", "USE CATALOG", "USE SCHEMA", "SELECT", "--on", "catalog", "demo", "--to", "analysts"]);
    let can = ["can", "bob", "SELECT", "table", "demo.s.t"];
    assert_eq!(served.admin(&can).code, 0);
    let then = |args: &[&str]| {
        args.iter().copied().map(str::to_owned).chain(["--as-of".to_owned(), before.clone()]).collect::<Vec<_>>()
    };
    let as_of = |args: &[&str]| {
        let args = then(args);
        served.admin(&args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let past = as_of(&can);
    assert_eq!(past.code, 2, "{}{}", past.out, past.err);
    assert!(past.out.contains("denied") && past.out.contains(&last), "{}", past.out);
    let show = ["grants", "show", "--on", "catalog", "demo", "--format", "json"];
    assert_eq!(as_of(&show).out, "[]\n");
    assert_eq!(served.json(&show[..5]).as_array().unwrap().len(), 3);
    let who = as_of(&["who-can", "SELECT", "table", "demo.s.t", "--format", "csv"]);
    assert!(!who.out.contains("bob") && who.out.contains("admin"), "{}", who.out);
    served.admin(&["can", "bob", "SELECT", "table", "demo.s.t", "--as-of", "2001-01-01"]).failed(3);
}

#[test]
fn what_a_deleted_user_leaves_needs_a_choice() {
    let (served, _) = with_table();
    served.ok(&["user", "create", "eve"]);
    served.ok(&["grant", "BROWSE", "--on", "catalog", "demo", "--to", "bob"]);
    assert!(served.admin(&["user", "delete", "bob"]).failed(7).contains("`demo`"));
    served.ok(&["schema", "update", "demo.s", "--owner", "bob"]);
    assert!(served.admin(&["user", "delete", "bob", "--cascade"]).failed(7).contains("`demo.s`"));
    served.admin(&["user", "delete", "bob", "--reassign-owned-to", "nobody"]).failed(5);
    served.ok(&["user", "delete", "bob", "--reassign-owned-to", "eve"]);
    assert_eq!(served.json(&["schema", "get", "demo.s"])["owner"], "eve");
    assert_eq!(served.json(&["grants", "show", "--on", "catalog", "demo"]), json!([]));
    served.ok(&["group", "create", "temps"]);
    served.ok(&["grant", "BROWSE", "--on", "catalog", "demo", "--to", "temps"]);
    served.ok(&["group", "delete", "temps", "--cascade"]);
    served.admin(&["group", "get", "temps"]).failed(5);
}
