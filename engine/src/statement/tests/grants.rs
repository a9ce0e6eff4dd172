use rstest::rstest;

use super::*;

/// A grant as one line: `verb privileges | kind | name | grantees`.
fn line(sql: &str) -> String {
    let Statement::Grant(grant) = parse(sql) else { panic!("{sql} is no grant") };
    let privileges = grant.privileges.iter().map(|p| match p.columns.as_slice() {
        [] => p.words.clone(),
        columns => format!("{}({})", p.words, columns.join(",")),
    });
    let kind = grant.on.kind.map_or("-".to_owned(), |kind| kind.to_string());
    let name = grant.on.name.map_or("-".to_owned(), |name| name.to_string());
    let to = match grant.to {
        Grantees::Principals(names) => names.join(" & "),
        Grantees::Recipient(name) => format!("recipient {name}"),
    };
    format!("{} {} | {kind} | {name} | {to}", grant.verb, privileges.collect::<Vec<_>>().join(", "))
}

#[rstest]
#[case("GRANT SELECT ON TABLE main.sales.orders TO analysts", "GRANT SELECT | table | main.sales.orders | analysts")]
#[case("grant select on main.sales.orders to analysts;", "GRANT SELECT | - | main.sales.orders | analysts")]
#[case("GRANT SELECT, MODIFY ON TABLE t TO `alice@x.com`, bob", "GRANT SELECT, MODIFY | table | t | alice@x.com & bob")]
#[case("GRANT USE CATALOG ON CATALOG main TO `account users`", "GRANT USE CATALOG | catalog | main | account users")]
#[case("GRANT USE SCHEMA, CREATE TABLE ON SCHEMA c.s TO g", "GRANT USE SCHEMA, CREATE TABLE | schema | c.s | g")]
#[case("GRANT CREATE, USAGE ON CATALOG retail TO g", "GRANT CREATE, USAGE | catalog | retail | g")]
#[case("GRANT ALL PRIVILEGES ON CATALOG c TO g", "GRANT ALL PRIVILEGES | catalog | c | g")]
#[case("GRANT ALL PRIVILEGES ON DATABASE c.s TO g", "GRANT ALL PRIVILEGES | schema | c.s | g")]
#[case("GRANT BROWSE, MANAGE ON CATALOG c TO g", "GRANT BROWSE, MANAGE | catalog | c | g")]
#[case("GRANT CREATE CATALOG ON METASTORE TO g", "GRANT CREATE CATALOG | metastore | - | g")]
#[case("GRANT CREATE CATALOG ON METASTORE main TO g", "GRANT CREATE CATALOG | metastore | main | g")]
#[case("GRANT EXECUTE ON FUNCTION c.s.f TO g", "GRANT EXECUTE | function | c.s.f | g")]
#[case("GRANT EXECUTE ON PROCEDURE c.s.p TO g", "GRANT EXECUTE | procedure | c.s.p | g")]
#[case("GRANT SELECT ON VIEW v TO g", "GRANT SELECT | view | v | g")]
#[case("GRANT SELECT ON MATERIALIZED VIEW v TO g", "GRANT SELECT | materialized view | v | g")]
#[case("GRANT READ VOLUME, WRITE VOLUME ON VOLUME c.s.v TO g", "GRANT READ VOLUME, WRITE VOLUME | volume | c.s.v | g")]
#[case("GRANT EXECUTE ON MODEL c.s.m TO g", "GRANT EXECUTE | model | c.s.m | g")]
#[case(
    "GRANT READ FILES, WRITE FILES ON EXTERNAL LOCATION l TO g",
    "GRANT READ FILES, WRITE FILES | external location | l | g"
)]
#[case(
    "GRANT CREATE EXTERNAL TABLE ON STORAGE CREDENTIAL c TO g",
    "GRANT CREATE EXTERNAL TABLE | storage credential | c | g"
)]
#[case("GRANT ACCESS ON SERVICE CREDENTIAL c TO g", "GRANT ACCESS | service credential | c | g")]
#[case("GRANT ACCESS ON CREDENTIAL c TO g", "GRANT ACCESS | credential | c | g")]
#[case("GRANT USE CONNECTION ON CONNECTION c TO g", "GRANT USE CONNECTION | connection | c | g")]
#[case("GRANT SELECT ON SHARE s TO RECIPIENT r", "GRANT SELECT | share | s | recipient r")]
#[case("GRANT SELECT ON ANY FILE TO g", "GRANT SELECT | any file | - | g")]
#[case("GRANT SELECT ON ANONYMOUS FUNCTION TO g", "GRANT SELECT | anonymous function | - | g")]
#[case("GRANT SELECT (a, `b c`), MODIFY (a) ON TABLE t TO g", "GRANT SELECT(a,b c), MODIFY(a) | table | t | g")]
#[case("GRANT APPLY TAG ON TABLE t TO g", "GRANT APPLY TAG | table | t | g")]
#[case("GRANT EXTERNAL USE SCHEMA ON SCHEMA s TO g", "GRANT EXTERNAL USE SCHEMA | schema | s | g")]
#[case("GRANT SELECT ON t TO bob@example.com, x-y@a.b.co", "GRANT SELECT | - | t | bob@example.com & x-y@a.b.co")]
#[case("GRANT SELECT ON t TO 'bob', \"eve\"", "GRANT SELECT | - | t | bob & eve")]
#[case("GRANT SELECT ON t TO `o``neill`", "GRANT SELECT | - | t | o`neill")]
#[case("GRANT SELECT ON table TO bob", "GRANT SELECT | - | table | bob")]
#[case("GRANT SELECT ON catalog.s.t TO bob", "GRANT SELECT | - | `catalog`.s.t | bob")]
#[case("GRANT SELECT ON TABLE `a.b`.`c``d` TO bob", "GRANT SELECT | table | `a.b`.`c``d` | bob")]
#[case("GRANT SELECT ON t TO recipient", "GRANT SELECT | - | t | recipient")]
#[case("GRANT\n--x\nSELECT /* ON u */ ON t TO g", "GRANT SELECT | - | t | g")]
#[case("REVOKE USE SCHEMA ON SCHEMA c.s FROM `a b`", "REVOKE USE SCHEMA | schema | c.s | a b")]
#[case("REVOKE ALL PRIVILEGES ON t FROM a, b", "REVOKE ALL PRIVILEGES | - | t | a & b")]
#[case("REVOKE SELECT ON SHARE s FROM RECIPIENT r", "REVOKE SELECT | share | s | recipient r")]
#[case("DENY SELECT ON SCHEMA s TO x", "DENY SELECT | schema | s | x")]
#[case("DENY SELECT (ssn) ON t TO x", "DENY SELECT(ssn) | - | t | x")]
fn grants_parse(#[case] sql: &str, #[case] expected: &str) {
    assert_eq!(line(sql), expected.replace("`catalog`", "catalog"));
}

#[rstest]
#[case("GRANT SELECT ON t")]
#[case("GRANT SELECT ON t TO")]
#[case("GRANT SELECT ON t FROM bob")]
#[case("REVOKE SELECT ON t TO bob")]
#[case("GRANT SELECT TO bob")]
#[case("GRANT ON t TO bob")]
#[case("GRANT `SELECT` ON t TO bob")]
#[case("GRANT 'SELECT' ON t TO bob")]
#[case("GRANT SELECT, ON t TO bob")]
#[case("GRANT SELECT () ON t TO bob")]
#[case("GRANT a b c d e f ON t TO bob")]
#[case("GRANT SELECT ON a.b. TO bob")]
#[case("GRANT SELECT ON my-table TO bob")]
#[case("GRANT SELECT ON t TO bob, ")]
#[case("GRANT SELECT ON t TO bob eve")]
#[case("GRANT SELECT ON t TO 0b6d9e3c-1111-2222-3333-444455556666")]
#[case("GRANT SELECT ON t TO svc-1")]
#[case("GRANT SELECT ON t TO ``")]
#[case("GRANT SELECT ON t TO ''")]
#[case("GRANT SELECT ON t TO a; GRANT SELECT ON t TO b")]
fn broken_grants_are_errors(#[case] sql: &str) {
    assert!(matches!(error(sql).kind, ParseErrorKind::Syntax | ParseErrorKind::SeveralStatements), "{sql}");
}

#[rstest]
#[case("GRANT SELECT ON t TO bob WITH GRANT OPTION")]
#[case("REVOKE GRANT OPTION FOR SELECT ON t FROM bob")]
#[case("REVOKE DENY SELECT ON t FROM bob")]
#[case("SHOW GRANTS TO RECIPIENT r")]
fn other_forms_are_unsupported(#[case] sql: &str) {
    unsupported(sql);
}

#[rstest]
#[case("SHOW GRANTS", None, None)]
#[case("SHOW GRANTS ON TABLE c.s.t", None, Some((Some(ObjectKind::Table), Some("c.s.t"))))]
#[case("SHOW GRANTS ON c.s.t", None, Some((None, Some("c.s.t"))))]
#[case("SHOW GRANTS ON METASTORE", None, Some((Some(ObjectKind::Metastore), None)))]
#[case("SHOW GRANT `a@b` ON SCHEMA s;", Some("a@b"), Some((Some(ObjectKind::Schema), Some("s"))))]
#[case("show grants a@b.c on catalog x", Some("a@b.c"), Some((Some(ObjectKind::Catalog), Some("x"))))]
#[case("SHOW GRANTS users", Some("users"), None)]
#[case("SHOW GRANTS TO users", Some("users"), None)]
#[case("SHOW GRANTS ON SHARE s", None, Some((Some(ObjectKind::Share), Some("s"))))]
fn show_grants_parses(
    #[case] sql: &str,
    #[case] principal: Option<&str>,
    #[case] on: Option<(Option<ObjectKind>, Option<&str>)>,
) {
    let on = on.map(|(kind, text)| ObjectRef { kind, name: text.map(name) });
    let expected = ShowGrants { effective: false, principal: principal.map(str::to_owned), on, as_of: None };
    assert_eq!(parse(sql), Statement::ShowGrants(expected));
}

/// What is shown or explained as one line: `privilege | principal | kind | name | as of`.
fn asked(sql: &str) -> String {
    let (privilege, principal, on, as_of) = match parse(sql) {
        Statement::ShowGrants(show) => {
            (if show.effective { "effective" } else { "all" }.to_owned(), show.principal, show.on, show.as_of)
        }
        Statement::ExplainAccess(explain) => {
            let PrivilegeSpec { words, columns } = explain.privilege;
            (format!("{words}({})", columns.join(",")), explain.principal, Some(explain.on), explain.as_of)
        }
        other => panic!("{sql}: {other:?}"),
    };
    let kind = on.as_ref().and_then(|on| on.kind).map_or("-".to_owned(), |kind| kind.to_string());
    let name = on.and_then(|on| on.name).map_or("-".to_owned(), |name| name.to_string());
    let (principal, as_of) = (principal.unwrap_or_default(), as_of.unwrap_or_default());
    format!("{privilege} | {principal} | {kind} | {name} | {as_of}")
}

#[rstest]
#[case("SHOW GRANTS ON t AS OF TIMESTAMP '2026-01-31'", "all |  | - | t | 2026-01-31")]
#[case("SHOW GRANTS bob@x.com ON METASTORE AS OF TIMESTAMP 'now'", "all | bob@x.com | metastore | - | now")]
#[case("SHOW GRANTS ON table AS OF TIMESTAMP \"x\"", "all |  | - | table | x")]
#[case("SHOW GRANTS AS OF TIMESTAMP 'x'", "all |  | - | - | x")]
#[case("SHOW GRANTS as ON t", "all | as | - | t | ")]
#[case("SHOW EFFECTIVE GRANTS ON TABLE c.s.t", "effective |  | table | c.s.t | ")]
#[case("show effective grants `a b` on catalog c as of timestamp 'x';", "effective | a b | catalog | c | x")]
#[case("EXPLAIN ACCESS SELECT ON TABLE c.s.t", "SELECT() |  | table | c.s.t | ")]
#[case("EXPLAIN ACCESS SELECT (a) ON t FOR bob", "SELECT(a) | bob | - | t | ")]
#[case("explain access use catalog on catalog c for bob@x.com", "USE CATALOG() | bob@x.com | catalog | c | ")]
#[case("EXPLAIN ACCESS CREATE CATALOG ON METASTORE FOR bob", "CREATE CATALOG() | bob | metastore | - | ")]
#[case("EXPLAIN ACCESS MODIFY ON view FOR bob AS OF TIMESTAMP 'x'", "MODIFY() | bob | - | view | x")]
#[case("EXPLAIN ACCESS EXECUTE ON FUNCTION f AS OF TIMESTAMP 'x'", "EXECUTE() |  | function | f | x")]
fn questions_about_access_parse(#[case] sql: &str, #[case] expected: &str) {
    assert_eq!(asked(sql), expected);
}

#[rstest]
#[case("SHOW GRANTS ON")]
#[case("SHOW GRANTS ON t AS OF")]
#[case("SHOW GRANTS ON t AS OF TIMESTAMP")]
#[case("SHOW GRANTS ON t AS OF TIMESTAMP 5")]
#[case("SHOW GRANTS ON t TIMESTAMP AS OF 'x'")]
#[case("SHOW EFFECTIVE GRANTS")]
#[case("SHOW EFFECTIVE GRANTS bob")]
#[case("EXPLAIN ACCESS")]
#[case("EXPLAIN ACCESS ON t")]
#[case("EXPLAIN ACCESS SELECT")]
#[case("EXPLAIN ACCESS SELECT, MODIFY ON t")]
#[case("EXPLAIN ACCESS SELECT (a, b) ON t")]
#[case("EXPLAIN ACCESS SELECT ON t FOR")]
#[case("EXPLAIN ACCESS SELECT ON t FOR a, b")]
#[case("EXPLAIN ACCESS SELECT ON t TO bob")]
#[case("EXPLAIN ACCESS SELECT 1")]
fn broken_questions_about_access_are_errors(#[case] sql: &str) {
    assert_eq!(error(sql).kind, ParseErrorKind::Syntax, "{sql}");
}
