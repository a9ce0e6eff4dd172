use rstest::rstest;

use super::*;

fn altered(sql: &str) -> (ObjectKind, ObjectName, AlterAction) {
    let Statement::Alter(alter) = parse(sql) else { panic!("{sql} is no ALTER") };
    (alter.kind, alter.name, alter.action)
}

fn set(pairs: &[(&str, &str)]) -> TagChange {
    TagChange::Set(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
}

fn unset(keys: &[&str]) -> TagChange {
    TagChange::Unset(keys.iter().map(|key| (*key).to_owned()).collect())
}

#[rstest]
#[case("ALTER TABLE c.s.t SET TAGS ('k' = 'v', 'k2')", ObjectKind::Table, "c.s.t", set(&[("k", "v"), ("k2", "")]))]
#[case("alter catalog c set tags (k = v)", ObjectKind::Catalog, "c", set(&[("k", "v")]))]
#[case("ALTER DATABASE c.s SET TAGS (`a b` = \"x\")", ObjectKind::Schema, "c.s", set(&[("a b", "x")]))]
#[case("ALTER VIEW v SET TAGS ('K' = 'V')", ObjectKind::View, "v", set(&[("K", "V")]))]
#[case("ALTER VOLUME v UNSET TAGS ('k', 'l')", ObjectKind::Volume, "v", unset(&["k", "l"]))]
#[case("ALTER FUNCTION f UNSET TAGS (k)", ObjectKind::Function, "f", unset(&["k"]))]
#[case("ALTER EXTERNAL LOCATION l SET TAGS ('k' = '3')", ObjectKind::ExternalLocation, "l", set(&[("k", "3")]))]
#[case("ALTER STORAGE CREDENTIAL x SET TAGS ('k' = 'a.b-c')", ObjectKind::StorageCredential, "x", set(&[("k", "a.b-c")]))]
#[case("SET TAG ON TABLE c.s.t k = v", ObjectKind::Table, "c.s.t", set(&[("k", "v")]))]
#[case("SET TAG ON SCHEMA c.s `cost center` = 'a b'", ObjectKind::Schema, "c.s", set(&[("cost center", "a b")]))]
#[case("set tag on catalog c level = 3", ObjectKind::Catalog, "c", set(&[("level", "3")]))]
#[case("SET TAG ON VIEW v pii", ObjectKind::View, "v", set(&[("pii", "")]))]
#[case("UNSET TAG ON VOLUME c.s.v `pii`", ObjectKind::Volume, "c.s.v", unset(&["pii"]))]
fn tags_of_securables(#[case] sql: &str, #[case] kind: ObjectKind, #[case] on: &str, #[case] change: TagChange) {
    assert_eq!(altered(sql), (kind, name(on), AlterAction::Tags(change)));
}

#[rstest]
#[case("ALTER TABLE c.s.t ALTER COLUMN ssn SET TAGS ('pii' = 'ssn')", ObjectKind::Table, "ssn", set(&[("pii", "ssn")]))]
#[case("ALTER TABLE c.s.t ALTER ssn SET TAGS ('pii')", ObjectKind::Table, "ssn", set(&[("pii", "")]))]
#[case("ALTER TABLE c.s.t ALTER column UNSET TAGS ('pii')", ObjectKind::Table, "column", unset(&["pii"]))]
#[case("ALTER TABLE c.s.t ALTER COLUMN set SET TAGS ('pii')", ObjectKind::Table, "set", set(&[("pii", "")]))]
#[case("ALTER VIEW c.s.t ALTER COLUMN a UNSET TAGS ('pii')", ObjectKind::View, "a", unset(&["pii"]))]
#[case("SET TAG ON COLUMN c.s.t.ssn pii = ssn", ObjectKind::Table, "ssn", set(&[("pii", "ssn")]))]
#[case("UNSET TAG ON COLUMN c.s.t.`a b` pii", ObjectKind::Table, "a b", unset(&["pii"]))]
fn tags_of_columns(#[case] sql: &str, #[case] kind: ObjectKind, #[case] column: &str, #[case] change: TagChange) {
    assert_eq!(altered(sql), (kind, name("c.s.t"), AlterAction::ColumnTags { column: column.to_owned(), change }));
}

#[rstest]
#[case("CREATE TAG pii", false, "pii", &[], None)]
#[case("CREATE GOVERNED TAG IF NOT EXISTS `p i i` VALUES ('a', 'b') COMMENT 'x'", true, "p i i", &["a", "b"], Some("x"))]
#[case("create tag 'level' comment 'x' values (1, low)", false, "level", &["1", "low"], Some("x"))]
#[case("CREATE TAG k VALUES ()", false, "k", &[], None)]
fn governed_tags_are_created(
    #[case] sql: &str,
    #[case] if_not_exists: bool,
    #[case] key: &str,
    #[case] values: &[&str],
    #[case] comment: Option<&str>,
) {
    let values = values.iter().map(ToString::to_string).collect();
    let made = CreateTag { if_not_exists, key: key.to_owned(), values, comment: comment.map(str::to_owned) };
    assert_eq!(parse(sql), Statement::CreateTag(made));
}

#[test]
fn governed_tags_change_and_go() {
    let values = AlterAction::SetTagValues(vec!["a".to_owned(), "b".to_owned()]);
    assert_eq!(altered("ALTER TAG pii SET VALUES ('a', 'b')"), (ObjectKind::Tag, name("pii"), values));
    let owner = AlterAction::SetOwner("ann".to_owned());
    assert_eq!(altered("ALTER TAG 'p.i' OWNER TO ann"), (ObjectKind::Tag, ObjectName::new(["p.i"]), owner));
    let dropped = Drop { kind: ObjectKind::Tag, if_exists: true, name: ObjectName::new(["p.i"]), cascade: false };
    assert_eq!(parse("DROP TAG IF EXISTS 'p.i'"), Statement::Drop(dropped));
    let told = Describe { kind: ObjectKind::Tag, extended: false, name: name("pii") };
    assert_eq!(parse("DESCRIBE TAG pii"), Statement::Describe(told));
}

#[test]
fn tags_are_shown() {
    assert_eq!(parse("SHOW TAGS"), Statement::ShowTags(ShowTags { on: None }));
    let column = Target { kind: ObjectKind::Table, name: name("c.s.t"), column: Some("a".to_owned()) };
    assert_eq!(parse("SHOW TAGS ON COLUMN c.s.t.a"), Statement::ShowTags(ShowTags { on: Some(column) }));
    let schema = Target { kind: ObjectKind::Schema, name: name("c.s"), column: None };
    assert_eq!(parse("SHOW TAGS ON SCHEMA c.s"), Statement::ShowTags(ShowTags { on: Some(schema) }));
}

#[rstest]
#[case("ALTER TABLE t SET TAGS")]
#[case("ALTER TABLE t SET TAGS ()")]
#[case("ALTER TABLE t SET TAGS ('a' = )")]
#[case("ALTER TABLE t SET TAGS ('a' = 'b' 'c')")]
#[case("ALTER TABLE t SET TAGS ('a' = f())")]
#[case("ALTER TABLE t SET TAGS (a-b = c)")]
#[case("ALTER TABLE t UNSET TAGS ('a' = 'b')")]
#[case("SET TAG ON TABLE t")]
#[case("SET TAG ON t k")]
#[case("SET TAG ON COLUMN ssn k")]
#[case("SET TAG ON TABLE t k = v, l = w")]
#[case("SET TAG TABLE t k")]
#[case("UNSET TAG ON TABLE t k = v")]
#[case("CREATE OR REPLACE TAG k")]
#[case("CREATE TAG k VALUES ('a') VALUES ('b')")]
#[case("CREATE TAG")]
#[case("SHOW TAGS ON")]
#[case("SHOW TAGS LIKE 'x'")]
fn broken_tags_are_errors(#[case] sql: &str) {
    assert_eq!(error(sql).kind, ParseErrorKind::Syntax);
}

#[test]
fn a_tag_in_an_error_is_not_repeated() {
    assert!(!error("ALTER TABLE t SET TAGS ('k' = 'v' 'canary')").to_string().contains("canary"));
}
