use rstest::rstest;

use super::*;

fn column(name: &str) -> PolicyArgument {
    PolicyArgument::Column(name.to_owned())
}

fn string(text: &str) -> PolicyArgument {
    PolicyArgument::Literal(Literal::String(text.to_owned()))
}

fn number(text: &str) -> PolicyArgument {
    PolicyArgument::Literal(Literal::Number(text.to_owned()))
}

fn action(sql: &str) -> AlterAction {
    let Statement::Alter(alter) = parse(sql) else { panic!("{sql} is no ALTER") };
    assert_eq!((alter.kind, alter.name), (ObjectKind::Table, name("c.s.t")));
    alter.action
}

#[rstest]
#[case("ALTER TABLE c.s.t SET ROW FILTER c.s.f ON (region)", "c.s.f", vec![column("region")])]
#[case("alter table c.s.t set row filter f on ()", "f", vec![])]
#[case("ALTER TABLE c.s.t SET ROW FILTER f ON (`a b`, 'x', \"y\", 1)", "f",
    vec![column("a b"), string("x"), string("y"), number("1")])]
#[case("ALTER TABLE c.s.t SET ROW FILTER f ON (-1.5, + 2, TRUE, false, NULL)", "f", vec![
    number("-1.5"), number("+2"), PolicyArgument::Literal(Literal::Boolean(true)),
    PolicyArgument::Literal(Literal::Boolean(false)), PolicyArgument::Literal(Literal::Null)])]
#[case("ALTER TABLE c.s.t SET ROW FILTER f ON (DATE '2024-01-01', date)", "f", vec![
    PolicyArgument::Literal(Literal::Typed("DATE".into(), "2024-01-01".into())), column("date")])]
fn row_filters(#[case] sql: &str, #[case] function: &str, #[case] on: Vec<PolicyArgument>) {
    assert_eq!(action(sql), AlterAction::SetRowFilter(RowFilterSpec { function: name(function), on }));
}

#[rstest]
#[case("ALTER TABLE c.s.t ALTER COLUMN ssn SET MASK f", "ssn", vec![])]
#[case("ALTER TABLE c.s.t ALTER ssn SET MASK f", "ssn", vec![])]
#[case("ALTER TABLE c.s.t CHANGE COLUMN ssn SET MASK f", "ssn", vec![])]
#[case("ALTER TABLE c.s.t ALTER COLUMN column SET MASK f", "column", vec![])]
#[case("ALTER TABLE c.s.t ALTER column SET MASK f", "column", vec![])]
#[case("ALTER TABLE c.s.t ALTER COLUMN `a``b` SET MASK f USING COLUMNS (region, 'x', 3)", "a`b",
    vec![column("region"), string("x"), number("3")])]
#[case("ALTER TABLE c.s.t ALTER COLUMN ssn SET MASK f USING COLUMNS ()", "ssn", vec![])]
fn masks(#[case] sql: &str, #[case] masked: &str, #[case] using: Vec<PolicyArgument>) {
    let mask = MaskSpec { function: name("f"), using };
    assert_eq!(action(sql), AlterAction::SetMask { column: masked.to_owned(), path: vec![], mask });
}

#[test]
fn policies_are_dropped() {
    assert_eq!(action("ALTER TABLE c.s.t DROP ROW FILTER"), AlterAction::DropRowFilter);
    let dropped = |path: &[&str]| AlterAction::DropMask {
        column: "ssn".to_owned(),
        path: path.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(action("ALTER TABLE c.s.t ALTER COLUMN ssn DROP MASK"), dropped(&[]));
    assert_eq!(action("ALTER TABLE c.s.t ALTER COLUMN ssn.a.`b.c` DROP MASK"), dropped(&["a", "b.c"]));
}

#[test]
fn a_field_is_masked_by_its_path() {
    let mask = MaskSpec { function: name("f"), using: vec![column("region")] };
    let masked =
        AlterAction::SetMask { column: "addr".to_owned(), path: vec!["geo".to_owned(), "lat".to_owned()], mask };
    assert_eq!(action("ALTER TABLE c.s.t ALTER COLUMN addr.geo.lat SET MASK f USING COLUMNS (region)"), masked);
}

#[rstest]
#[case("ALTER TABLE t SET ROW FILTER f")]
#[case("ALTER TABLE t SET ROW FILTER f ON region")]
#[case("ALTER TABLE t SET ROW FILTER f ON (a + 1)")]
#[case("ALTER TABLE t SET ROW FILTER f ON (t.region)")]
#[case("ALTER TABLE t SET ROW FILTER f ON (current_user())")]
#[case("ALTER TABLE t SET ROW FILTER f ON ((SELECT 1))")]
#[case("ALTER TABLE t SET ROW FILTER f(region) ON (region)")]
#[case("ALTER TABLE t SET ROW FILTER f ON (region) extra")]
#[case("ALTER TABLE t ALTER COLUMN a.'b' SET MASK f")]
#[case("ALTER TABLE t ALTER COLUMN c SET MASK f USING (a)")]
#[case("ALTER TABLE t ALTER COLUMN c SET MASK f USING COLUMNS (-)")]
#[case("ALTER TABLE t ALTER COLUMN c SET MASK")]
#[case("ALTER TABLE t SET ROW FILTER f ON (INTERVAL '1' DAY)")]
fn broken_policies_are_errors(#[case] sql: &str) {
    assert_eq!(error(sql).kind, ParseErrorKind::Syntax);
}

#[rstest]
#[case("ALTER VIEW v SET ROW FILTER f ON (a)")]
#[case("ALTER VIEW v ALTER COLUMN a SET MASK f")]
#[case("CREATE VIEW v (a MASK f) AS SELECT 1")]
#[case("CREATE POLICY p ON VIEW v ROW FILTER f TO `account users` FOR TABLES")]
#[case("CREATE POLICY p ON COLUMN t.a COLUMN MASK f TO a FOR TABLES ON COLUMN x")]
fn policies_elsewhere_are_unsupported(#[case] sql: &str) {
    unsupported(sql);
}

#[test]
fn literals_print_as_sql() {
    assert_eq!(string("it's \\").to_string(), r"'it\'s \\'");
    assert_eq!(column("a b").to_string(), "`a b`");
}
