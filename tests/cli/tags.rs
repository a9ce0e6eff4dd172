//! Tags and policies by tags, as a user types them.

use serde_json::json;

use crate::served::Served;

#[test]
fn tags_and_policies_are_set_shown_and_taken_away() {
    let served = Served::start();
    served.sql("CREATE CATALOG demo; CREATE SCHEMA demo.s; CREATE TABLE demo.s.t AS SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(id, name); CREATE FUNCTION demo.s.stars(x STRING) RETURNS STRING RETURN '***'; CREATE FUNCTION demo.s.one(x BIGINT, y BIGINT) RETURNS BOOLEAN RETURN x = y");
    let made = served.json(&["tag", "create", "pii", "--value", "name", "--value", "email", "--comment", "personal"]);
    assert_eq!((&made["key"], &made["values"]), (&json!("pii"), &json!(["name", "email"])));
    let column = ["--on", "table", "demo.s.t", "--column", "NAME"];
    served.admin(&[&["tag", "set"][..], &column, &["pii=phone"]].concat()).failed(3);
    let set = served.json(&[&["tag", "set"][..], &column, &["pii=name", "checked"]].concat());
    assert_eq!(
        set,
        json!([
            { "column": "name", "key": "checked", "value": "" },
            { "column": "name", "key": "pii", "value": "name" }
        ])
    );
    assert_eq!(served.json(&["tag", "show", "--on", "table", "demo.s.t"]), set);
    served.admin(&["tag", "values", "pii", "--drop", "name"]).failed(7);
    assert_eq!(served.json(&["tag", "values", "pii", "--only", "name", "iban"])["values"], json!(["name", "iban"]));
    assert_eq!(served.json(&["tag", "update", "pii", "--comment", ""])["comment"], json!(null));
    assert_eq!(served.json(&["tag", "list"])[0]["key"], "pii");
    let on = ["--on", "schema", "demo.s"];
    let hide = ["--mask", "demo.s.stars", "--to", "account users", "--match", "hasTag('pii') AS p", "--on-column", "p"];
    let policy = served.json(&[&["policy", "create", "hide"][..], &on, &hide].concat());
    assert_eq!((&policy["kind"], &policy["match_columns"]), (&json!("column mask"), &json!(["hasTag('pii') AS p"])));
    served.admin(&[&["policy", "create", "hide"][..], &on, &hide].concat()).failed(6);
    let rows =
        ["--row-filter", "demo.s.one", "--to", "account users", "--match", "hasTag('key') as k", "--using", "k", "1"];
    served.ok(&[&["policy", "create", "rows"][..], &on, &rows].concat());
    served.ok(&["tag", "set", "--on", "table", "demo.s.t", "--column", "id", "key"]);
    assert_eq!(served.ok(&["sql", "SELECT * FROM demo.s.t", "--format", "csv"]), "id,name\r\n1,***\r\n");
    let can = served.json(&["can", "admin", "SELECT", "table", "demo.s.t"]);
    assert_eq!(can["policies"][0]["by"], "policy `hide` on schema `demo.s`");
    assert_eq!(served.json(&["policy", "list", "--on", "table", "demo.s.t"]), json!([]));
    let listed = served.json(&["policy", "list", "--on", "table", "demo.s.t", "--effective"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(served.json(&[&["policy", "get", "hide"][..], &on].concat()), policy);
    served.admin(&["tag", "delete", "pii"]).failed(7);
    served.ok(&[&["policy", "delete", "hide"][..], &on].concat());
    served.ok(&[&["policy", "delete", "rows"][..], &on].concat());
    served.admin(&[&["policy", "delete", "rows"][..], &on].concat()).failed(5);
    served.ok(&[&["tag", "unset"][..], &column, &["pii", "checked"]].concat());
    served.ok(&["tag", "delete", "pii"]);
    assert_eq!(served.json(&["tag", "list"]), json!([]));
    let all = served.ok(&["sql", "SELECT * FROM demo.s.t ORDER BY id", "--format", "csv"]);
    assert_eq!(all, "id,name\r\n1,a\r\n2,b\r\n");
}
