use rstest::rstest;

use super::*;

#[rstest]
#[case("USE CATALOG c", Use::Catalog("c".into()))]
#[case("USE CATALOG `a b`;", Use::Catalog("a b".into()))]
#[case("SET CATALOG c", Use::Catalog("c".into()))]
#[case("set catalog 'c'", Use::Catalog("c".into()))]
#[case("USE SCHEMA s", Use::Schema(name("s")))]
#[case("USE DATABASE c.s", Use::Schema(name("c.s")))]
#[case("USE x", Use::Auto(name("x")))]
#[case("USE c.s", Use::Auto(name("c.s")))]
#[case("USE catalog", Use::Auto(name("catalog")))]
#[case("USE schema.s", Use::Auto(name("schema.s")))]
fn uses(#[case] sql: &str, #[case] expected: Use) {
    assert_eq!(parse(sql), Statement::Use(expected));
}

#[rstest]
#[case("SHOW CATALOGS", ShowKind::Catalogs, None, None)]
#[case("SHOW CATALOGS LIKE 'a*|b*'", ShowKind::Catalogs, None, Some("a*|b*"))]
#[case("SHOW SCHEMAS", ShowKind::Schemas, None, None)]
#[case("SHOW DATABASES IN main LIKE 'x'", ShowKind::Schemas, Some("main"), Some("x"))]
#[case("SHOW TABLES FROM c.s 'x*'", ShowKind::Tables, Some("c.s"), Some("x*"))]
#[case("SHOW VIEWS IN c.s", ShowKind::Views, Some("c.s"), None)]
#[case("SHOW FUNCTIONS IN c.s", ShowKind::Functions(FunctionScope::All), Some("c.s"), None)]
#[case("SHOW USER FUNCTIONS", ShowKind::Functions(FunctionScope::User), None, None)]
#[case("SHOW COLUMNS IN t", ShowKind::Columns, Some("t"), None)]
#[case("SHOW COLUMNS FROM t IN c.s", ShowKind::Columns, Some("c.s.t"), None)]
#[case("SHOW USERS", ShowKind::Users, None, None)]
#[case("SHOW GROUPS LIKE 'a*'", ShowKind::Groups, None, Some("a*"))]
#[case("SHOW SERVICE PRINCIPALS", ShowKind::ServicePrincipals, None, None)]
#[case("SHOW CURRENT CATALOG", ShowKind::CurrentCatalog, None, None)]
#[case("SHOW CURRENT DATABASE", ShowKind::CurrentSchema, None, None)]
#[case("SHOW TBLPROPERTIES t", ShowKind::TableProperties, Some("t"), None)]
#[case("SHOW TBLPROPERTIES t ('a.b')", ShowKind::TableProperties, Some("t"), Some("a.b"))]
#[case("SHOW CREATE TABLE c.s.t", ShowKind::CreateTable, Some("c.s.t"), None)]
fn shows(#[case] sql: &str, #[case] what: ShowKind, #[case] within: Option<&str>, #[case] pattern: Option<&str>) {
    let expected = Show { what, within: within.map(name), pattern: pattern.map(Into::into) };
    assert_eq!(parse(sql), Statement::Show(expected));
}

#[rstest]
#[case("SHOW COLUMNS")]
#[case("SHOW USERS IN c")]
#[case("SHOW TABLES LIKE x")]
#[case("SHOW TABLES IN")]
#[case("SHOW COLUMNS IN a.b IN c")]
fn broken_shows_are_errors(#[case] sql: &str) {
    assert_eq!(error(sql).kind, ParseErrorKind::Syntax);
}

#[rstest]
#[case("DESC t", ObjectKind::Table, false, "t")]
#[case("DESCRIBE c.s.t;", ObjectKind::Table, false, "c.s.t")]
#[case("DESCRIBE EXTENDED t", ObjectKind::Table, true, "t")]
#[case("DESCRIBE FORMATTED t", ObjectKind::Table, true, "t")]
#[case("DESCRIBE TABLE EXTENDED t", ObjectKind::Table, true, "t")]
#[case("DESCRIBE VIEW v", ObjectKind::Table, false, "v")]
#[case("DESCRIBE FUNCTION EXTENDED c.s.f", ObjectKind::Function, true, "c.s.f")]
#[case("DESCRIBE CATALOG EXTENDED c", ObjectKind::Catalog, true, "c")]
#[case("DESCRIBE DATABASE s", ObjectKind::Schema, false, "s")]
#[case("DESCRIBE extended", ObjectKind::Table, false, "extended")]
#[case("DESCRIBE catalog", ObjectKind::Table, false, "catalog")]
#[case("DESCRIBE schema.t", ObjectKind::Table, false, "schema.t")]
#[case("DESCRIBE history", ObjectKind::Table, false, "history")]
fn describes(#[case] sql: &str, #[case] kind: ObjectKind, #[case] extended: bool, #[case] of: &str) {
    assert_eq!(parse(sql), Statement::Describe(Describe { kind, extended, name: name(of) }));
}

#[rstest]
#[case("EXPLAIN SELECT 1", false, false)]
#[case("EXPLAIN ANALYZE SELECT 1", true, false)]
#[case("EXPLAIN ANALYZE VERBOSE (SELECT 1)", true, true)]
#[case("EXPLAIN EXTENDED WITH a AS (SELECT 1) SELECT * FROM a", false, true)]
fn explains(#[case] sql: &str, #[case] analyze: bool, #[case] verbose: bool) {
    let Statement::Explain(explain) = parse(sql) else { panic!("{sql}") };
    assert_eq!((explain.analyze, explain.verbose), (analyze, verbose));
}

#[rstest]
#[case("INSERT INTO c.s.t VALUES (1, 'x'), (2, NULL)", &[], false, false, "VALUES (1, 'x'), (2, NULL)")]
#[case("INSERT INTO TABLE t (a, `b c`) SELECT 1, 2", &["a", "b c"], false, false, "SELECT 1, 2")]
#[case("INSERT OVERWRITE t SELECT * FROM u", &[], true, false, "SELECT * FROM u")]
#[case("INSERT OVERWRITE TABLE t BY NAME SELECT 1 AS a", &[], true, true, "SELECT 1 AS a")]
#[case("INSERT INTO t (SELECT 1)", &[], false, false, "(SELECT 1)")]
#[case("INSERT INTO t (a) (VALUES (1));", &["a"], false, false, "(VALUES (1))")]
#[case("INSERT INTO t WITH x AS (SELECT 1) SELECT * FROM x", &[], false, false, "WITH x AS (SELECT 1) SELECT * FROM x")]
fn inserts(
    #[case] sql: &str,
    #[case] columns: &[&str],
    #[case] overwrite: bool,
    #[case] by_name: bool,
    #[case] text: &str,
) {
    let Statement::Insert(insert) = parse(sql) else { panic!("{sql}") };
    assert_eq!((insert.overwrite, insert.by_name, insert.source.text.as_str()), (overwrite, by_name, text));
    assert_eq!(insert.columns, columns);
}

#[test]
fn principals_are_made_changed_and_dropped() {
    let (kind, name) = (PrincipalKind::ServicePrincipal, "svc-1".to_owned());
    let made = CreatePrincipal { kind, if_not_exists: true, name: name.clone() };
    assert_eq!(parse("CREATE SERVICE PRINCIPAL IF NOT EXISTS `svc-1`"), Statement::CreatePrincipal(made));
    let dropped = DropPrincipal { kind, if_exists: true, name, leftovers: Leftovers::Restrict };
    assert_eq!(parse("DROP SERVICE PRINCIPAL IF EXISTS 'svc-1'"), Statement::DropPrincipal(dropped));
    let user = CreatePrincipal { kind: PrincipalKind::User, if_not_exists: false, name: "bob@x.com".into() };
    assert_eq!(parse("CREATE USER bob@x.com"), Statement::CreatePrincipal(user));
}

#[rstest]
#[case("DROP USER u", Leftovers::Restrict)]
#[case("DROP USER u RESTRICT", Leftovers::Restrict)]
#[case("DROP GROUP u CASCADE;", Leftovers::Cascade)]
#[case("DROP USER u REASSIGN OWNED TO bob@x.com", Leftovers::Reassign("bob@x.com".into()))]
#[case("drop service principal if exists u reassign owned to `a b`", Leftovers::Reassign("a b".into()))]
fn dropped_principals_leave_things(#[case] sql: &str, #[case] expected: Leftovers) {
    let Statement::DropPrincipal(dropped) = parse(sql) else { panic!("{sql}") };
    assert_eq!((dropped.name.as_str(), dropped.leftovers), ("u", expected));
}

#[rstest]
#[case("DROP USER u CASCADE RESTRICT")]
#[case("DROP USER u REASSIGN OWNED")]
#[case("DROP USER u REASSIGN OWNED TO")]
#[case("DROP USER u REASSIGN OWNED BY u TO v")]
#[case("DROP USER u, v")]
fn what_is_left_is_said_in_one_way(#[case] sql: &str) {
    assert_eq!(error(sql).kind, ParseErrorKind::Syntax, "{sql}");
}

#[rstest]
#[case("CREATE USER u WITH PASSWORD 'hunter2'")]
#[case("CREATE USER u PASSWORD \"hunter2\"")]
#[case("CREATE USER u WITH PASSWORD = 'hunter2'")]
#[case("ALTER USER u SET ROLE r")]
#[case("ALTER USER u SET PASSWORD 'hunter2'")]
#[case("ALTER USER u WITH PASSWORD 'hunter2'")]
fn passwords_and_roles_are_refused_unread(#[case] sql: &str) {
    let what = unsupported(sql);
    assert!(!what.contains("hunter2") && !what.is_empty(), "{what}");
}

#[rstest]
#[case("CREATE USER u IDENTIFIED BY 'hunter2'")]
#[case("CREATE USER u 'hunter2'")]
#[case("ALTER USER u IDENTIFIED BY 'hunter2'")]
#[case("ALTER USER u 'hunter2'")]
fn other_words_before_passwords_are_errors_that_do_not_quote_them(#[case] sql: &str) {
    let error = error(sql);
    assert!(error.kind == ParseErrorKind::Syntax && !error.to_string().contains("hunter2"), "{error}");
}

#[rstest]
#[case("ALTER METASTORE OWNER TO g", ObjectKind::Metastore, "metastore")]
#[case("ALTER METASTORE SET OWNER TO `g`", ObjectKind::Metastore, "metastore")]
#[case("ALTER METASTORE main OWNER TO g", ObjectKind::Metastore, "main")]
#[case("ALTER VOLUME c.s.v OWNER TO g", ObjectKind::Volume, "c.s.v")]
#[case("ALTER EXTERNAL LOCATION l SET OWNER TO g", ObjectKind::ExternalLocation, "l")]
#[case("ALTER STORAGE CREDENTIAL k OWNER TO g", ObjectKind::StorageCredential, "k")]
#[case("ALTER CREDENTIAL k OWNER TO g", ObjectKind::Credential, "k")]
#[case("ALTER FUNCTION c.s.f OWNER TO g", ObjectKind::Function, "c.s.f")]
fn owners_are_set_on_every_kind(#[case] sql: &str, #[case] kind: ObjectKind, #[case] named: &str) {
    let action = AlterAction::SetOwner("g".into());
    assert_eq!(parse(sql), Statement::Alter(Alter { kind, name: name(named), action }));
}

#[rstest]
#[case("ALTER GROUP g ADD USER a, b", &[(Some(PrincipalKind::User), "a"), (Some(PrincipalKind::User), "b")])]
#[case("ALTER GROUP g ADD a@b.c, GROUP h", &[(None, "a@b.c"), (Some(PrincipalKind::Group), "h")])]
#[case("ALTER GROUP g ADD SERVICE PRINCIPAL `s-1`", &[(Some(PrincipalKind::ServicePrincipal), "s-1")])]
#[case("ALTER GROUP g ADD user", &[(None, "user")])]
fn members_are_added(#[case] sql: &str, #[case] members: &[(Option<PrincipalKind>, &str)]) {
    let Statement::AlterPrincipal(alter) = parse(sql) else { panic!("{sql}") };
    let members = members.iter().map(|(kind, name)| Member { kind: *kind, name: (*name).into() }).collect();
    assert_eq!((alter.kind, alter.name.as_str()), (PrincipalKind::Group, "g"));
    assert_eq!(alter.action, PrincipalAction::AddMembers(members));
}

#[test]
fn members_are_removed_and_principals_renamed() {
    let member = |name: &str| vec![Member { kind: Some(PrincipalKind::User), name: name.into() }];
    for sql in ["ALTER GROUP g DROP USER a", "ALTER GROUP g REMOVE USER a"] {
        let Statement::AlterPrincipal(alter) = parse(sql) else { panic!("{sql}") };
        assert_eq!(alter.action, PrincipalAction::RemoveMembers(member("a")));
    }
    let Statement::AlterPrincipal(alter) = parse("ALTER USER a RENAME TO b") else { panic!("no ALTER USER") };
    assert_eq!(alter.action, PrincipalAction::RenameTo("b".into()));
}
