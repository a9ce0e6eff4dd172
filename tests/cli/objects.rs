//! Catalogs, schemas, tables, views, functions and the policies on them.

use serde_json::json;

use crate::served::Served;

#[test]
fn a_catalog_lives_from_create_to_delete() {
    let served = Served::start();
    let made = served.json(&["catalog", "create", "demo", "--comment", "sample", "--property", "team=sales"]);
    assert_eq!((made["full_name"].as_str(), &made["properties"]), (Some("demo"), &json!({"team": "sales"})));
    served.admin(&["catalog", "create", "Demo"]).failed(6);
    served.admin(&["schema", "create", "absent.s"]).failed(5);
    served.admin(&["schema", "create", "demo"]).failed(3);
    served.ok(&["schema", "create", "demo.s"]);
    served.ok(&["schema", "create", "demo.u"]);
    let listed = served.ok(&["schema", "list", "demo", "--limit", "1", "--format", "csv"]);
    assert_eq!(listed.lines().count(), 2, "{listed}");

    let changed =
        served.json(&["catalog", "update", "demo", "--comment", "", "--set", "stage=test", "--unset", "team"]);
    assert_eq!((changed["comment"].is_null(), &changed["properties"]), (true, &json!({"stage": "test"})));
    served.admin(&["catalog", "update", "demo", "--comment", "x", "--etag", made["etag"].as_str().unwrap()]).failed(8);

    served.admin(&["catalog", "delete", "demo"]).failed(7);
    let deleted = served.admin(&["catalog", "delete", "demo", "--cascade"]);
    assert_eq!((deleted.code, deleted.out.as_str()), (0, ""), "{}", deleted.err);
    served.admin(&["catalog", "get", "demo"]).failed(5);
}

#[test]
fn tables_and_views_are_kept_apart() {
    let served = Served::start();
    served.sql("CREATE CATALOG demo; CREATE SCHEMA demo.s");
    let table =
        served.json(&["table", "create", "demo.s.t", "--column", "id BIGINT NOT NULL", "--column", "name STRING"]);
    assert_eq!(
        (table["table_type"].as_str(), table["columns"][0]["nullable"].as_bool()),
        (Some("managed"), Some(false))
    );
    assert_eq!(table["columns"][1]["column"], "name");
    served.ok(&["view", "create", "demo.s.v", "--query", "SELECT id FROM demo.s.t"]);
    let names = |kind: &str| {
        let list = served.json(&[kind, "list", "demo.s"]);
        list.as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((names("table"), names("view")), (vec!["t".to_owned()], vec!["v".to_owned()]));
    served.admin(&["table", "delete", "demo.s.v"]).failed(3);
    served.admin(&["view", "get", "demo.s.t"]).failed(3);
    served.ok(&["view", "update", "demo.s.v", "--rename", "w"]);
    served.ok(&["view", "delete", "demo.s.w"]);
    served.ok(&["table", "delete", "demo.s.t"]);
    served.admin(&["table", "get", "demo.s.t"]).failed(5);
}

#[test]
fn functions_filter_rows_and_mask_columns() {
    let served = Served::start();
    served.sql("CREATE CATALOG demo; CREATE SCHEMA demo.s; CREATE TABLE demo.s.t AS SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(id, name)");
    let only_one =
        ["function", "create", "demo.s.only_one", "--parameter", "x BIGINT", "--returns", "BOOLEAN", "--body", "x = 1"];
    let made = served.json(&only_one);
    assert_eq!((made["return_type"].as_str(), made["parameters"][0].as_str()), (Some("BOOLEAN"), Some("x BIGINT")));
    served.admin(&only_one).failed(6);
    served.ok(&[
        "function",
        "create",
        "demo.s.stars",
        "--parameter",
        "x STRING",
        "--returns",
        "STRING",
        "--body",
        "'***'",
    ]);
    served.ok(&["policy", "row-filter", "set", "demo.s.t", "--function", "demo.s.only_one", "--on", "id"]);
    let policies = served.json(&["policy", "mask", "set", "demo.s.t", "name", "--function", "demo.s.stars"]);
    assert_eq!(policies.as_array().unwrap().len(), 2);
    assert_eq!(served.json(&["policy", "show", "demo.s.t"]), policies);
    assert_eq!(served.ok(&["sql", "SELECT * FROM demo.s.t", "--format", "csv"]), "id,name\r\n1,***\r\n");
    served.admin(&["function", "delete", "demo.s.stars"]).failed(7);
    served.ok(&["policy", "row-filter", "drop", "demo.s.t"]);
    assert_eq!(served.json(&["policy", "mask", "drop", "demo.s.t", "name"]), json!([]));
    assert_eq!(
        served.ok(&["sql", "SELECT * FROM demo.s.t ORDER BY id", "--format", "csv"]),
        "id,name\r\n1,a\r\n2,b\r\n"
    );
}
