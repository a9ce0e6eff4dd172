//! `lakewarden sql`.

use serde_json::json;

use crate::served::{Served, done};

#[test]
fn answers_come_in_every_form_and_alone() {
    let served = Served::start();
    let select = "SELECT * FROM (VALUES (1, 'a,b', NULL), (20, '', TRUE)) AS v(id, name, flag) ORDER BY id";
    let table = served.admin(&["sql", select]);
    insta::assert_snapshot!(table.out, @r"
     id | name | flag
    ----+------+------
      1 | a,b  | NULL
     20 |      | true
    ");
    assert_eq!(table.err, "2 rows\n");
    let csv = served.admin(&["sql", select, "--format", "csv"]);
    assert_eq!((csv.out.as_str(), csv.err.as_str()), ("id,name,flag\r\n1,\"a,b\",\r\n20,\"\",true\r\n", ""));
    let expected = json!([{"id": 1, "name": "a,b", "flag": null}, {"id": 20, "name": "", "flag": true}]);
    assert_eq!(served.json(&["sql", select]), expected);
    assert_eq!(served.json(&["sql", "SELECT 1 AS one WHERE FALSE"]), json!([]));
    let untyped = served.ok(&["sql", "SELECT NULL AS nothing"]);
    assert_eq!(untyped, " nothing\n---------\n NULL\n");
}

#[test]
fn a_script_runs_in_one_session_and_stops_at_its_first_error() {
    let served = Served::start();
    let script = served.home.path().join("script.sql");
    let text = "-- a note; with a semicolon\nCREATE CATALOG demo;\nCREATE SCHEMA demo.s;\nUSE demo.s;\n\
                CREATE TABLE t AS SELECT 'x;y' AS name;\nSELECT name FROM t;\n\nSELECT * FROM absent;\nCREATE SCHEMA demo.never";
    std::fs::write(&script, text).unwrap();
    let ran = served.admin(&["sql", "--format", "csv", "--file", script.to_str().unwrap()]);
    assert_eq!((ran.code, ran.out.as_str()), (5, "name\r\nx;y\r\n"), "{}", ran.err);
    assert!(ran.err.lines().last().unwrap().starts_with("error: statement 6 (line 8): "), "{}", ran.err);
    served.admin(&["schema", "get", "demo.never"]).failed(5);
}

#[test]
fn a_statement_can_come_from_stdin() {
    let served = Served::start();
    let mut command = served.command(&["sql", "--format", "csv"]);
    command
        .env("LAKEWARDEN_TOKEN_FILE", served.data.join("admin.token"))
        .write_stdin("SELECT 1 AS a;\nSELECT 2 AS b\n");
    assert_eq!(done(&mut command).out, "a\r\n1\r\nb\r\n2\r\n");
    let mut empty = served.command(&["sql"]);
    empty.env("LAKEWARDEN_TOKEN_FILE", served.data.join("admin.token")).write_stdin("-- nothing\n");
    done(&mut empty).failed(3);
}

#[test]
fn statements_without_rows_leave_stdout_empty() {
    let served = Served::start();
    let made = served.admin(&["sql", "CREATE CATALOG demo"]);
    assert_eq!((made.code, made.out.as_str()), (0, ""));
    assert!(made.err.contains("CREATE CATALOG"), "{}", made.err);
    served.admin(&["sql", "CREATE CATALOG demo"]).failed(6);
}

#[test]
fn errors_carry_their_kind() {
    let served = Served::start();
    assert!(served.admin(&["sql", "SELEC 1"]).failed(3).contains("42601"));
    assert!(served.admin(&["sql", "SELECT * FROM no.such.table"]).failed(5).contains('('));
    served.admin(&["sql", "COPY x TO 'y'"]).failed(10);
}

#[test]
fn fewer_rows_are_shown_when_asked_for() {
    let served = Served::start();
    let cut = served.admin(&[
        "sql",
        "--max-rows",
        "2",
        "--format",
        "csv",
        "SELECT * FROM (VALUES (1), (2), (3)) AS v(a) ORDER BY a",
    ]);
    assert_eq!((cut.code, cut.out.as_str()), (0, "a\r\n1\r\n2\r\n"), "{}", cut.err);
    assert!(cut.err.contains("more than these 2 rows"), "{}", cut.err);
}

#[test]
fn a_column_cannot_be_named_to_act_on_the_terminal() {
    let served = Served::start();
    let select = "SELECT 'x\u{1b}[2Jy' AS `a\u{1b}[31mb`";
    let table = served.admin(&["sql", select]);
    assert_eq!(table.code, 0, "{}", table.err);
    assert!(table.out.contains("a\\u{1b}[31mb") && table.out.contains("x\\u{1b}[2Jy"), "{}", table.out);
    assert!(!table.out.contains('\u{1b}') && !table.err.contains('\u{1b}'));
    assert!(!served.ok(&["sql", select, "--format", "json"]).contains('\u{1b}'));
}
