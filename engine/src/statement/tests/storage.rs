//! Storage credentials, external locations and volumes.

use rstest::rstest;

use super::*;

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[rstest]
#[case("CREATE STORAGE CREDENTIAL c", false, None)]
#[case("create storage credential IF NOT EXISTS c COMMENT 'disk' ;", true, some("disk"))]
fn a_credential_of_local_files(#[case] sql: &str, #[case] if_not_exists: bool, #[case] comment: Option<String>) {
    let made = CreateStorageCredential { if_not_exists, name: "c".to_owned(), comment };
    assert_eq!(parse(sql), Statement::CreateStorageCredential(made));
}

#[rstest]
#[case("CREATE STORAGE CREDENTIAL c WITH (AWS_SECRET_ACCESS_KEY = 'hunter2')")]
#[case("CREATE STORAGE CREDENTIAL c COMMENT 'x' WITH AWS_IAM_ROLE hunter2")]
#[case("CREATE STORAGE CREDENTIAL c AZURE hunter2")]
#[case("CREATE STORAGE CREDENTIAL c 'hunter2'")]
#[case("CREATE STORAGE CREDENTIAL c COMMENT 'a' COMMENT 'hunter2'")]
#[case("CREATE STORAGE CREDENTIAL IF NOT EXISTS c = hunter2")]
fn secrets_are_refused_and_never_repeated(#[case] sql: &str) {
    let what = unsupported(sql);
    assert!(what.contains("with a secret") && !what.contains("hunter2"), "{what}");
}

#[rstest]
#[case("CREATE EXTERNAL LOCATION n URL '/d'", false, None, None)]
#[case("CREATE EXTERNAL LOCATION IF NOT EXISTS n URL '/d' WITH (STORAGE CREDENTIAL c)", true, some("c"), None)]
#[case("CREATE EXTERNAL LOCATION n COMMENT 'x' WITH (CREDENTIAL c) URL \"/d\"", false, some("c"), some("x"))]
#[case("CREATE EXTERNAL LOCATION n URL '/d' WITH (CREDENTIAL credential)", false, some("credential"), None)]
fn an_external_location(
    #[case] sql: &str,
    #[case] if_not_exists: bool,
    #[case] credential: Option<String>,
    #[case] comment: Option<String>,
) {
    let (name, url) = ("n".to_owned(), "/d".to_owned());
    let made = CreateExternalLocation { if_not_exists, name, url, credential, comment };
    assert_eq!(parse(sql), Statement::CreateExternalLocation(made));
}

#[rstest]
#[case("CREATE VOLUME v", "v", None, None)]
#[case("CREATE VOLUME IF NOT EXISTS c.s.v COMMENT 'x'", "c.s.v", None, some("x"))]
#[case("CREATE EXTERNAL VOLUME s.v LOCATION '/d/v' COMMENT 'x'", "s.v", some("/d/v"), some("x"))]
fn a_volume(#[case] sql: &str, #[case] named: &str, #[case] location: Option<String>, #[case] comment: Option<String>) {
    let if_not_exists = sql.contains("IF NOT");
    let made = CreateVolume { if_not_exists, name: name(named), location, comment };
    assert_eq!(parse(sql), Statement::CreateVolume(made));
}

#[rstest]
#[case("CREATE EXTERNAL LOCATION n")]
#[case("CREATE EXTERNAL LOCATION URL '/d'")]
#[case("CREATE EXTERNAL LOCATION n URL d")]
#[case("CREATE EXTERNAL LOCATION n URL '/d' URL '/e'")]
#[case("CREATE EXTERNAL LOCATION n URL '/d' WITH (STORAGE CREDENTIAL c, STORAGE CREDENTIAL d)")]
#[case("CREATE EXTERNAL LOCATION n URL '/d' WITH (c)")]
#[case("CREATE EXTERNAL LOCATION n URL '/d' WITH CREDENTIAL c")]
#[case("CREATE EXTERNAL LOCATION a.b URL '/d'")]
#[case("CREATE OR REPLACE EXTERNAL LOCATION n URL '/d'")]
#[case("CREATE OR REPLACE VOLUME v")]
#[case("CREATE OR REPLACE STORAGE CREDENTIAL c")]
#[case("CREATE STORAGE c")]
#[case("CREATE EXTERNAL VOLUME v")]
#[case("CREATE VOLUME v LOCATION '/d'")]
#[case("CREATE VOLUME v COMMENT 'x' COMMENT 'y'")]
#[case("ALTER EXTERNAL LOCATION n SET URL d")]
#[case("ALTER EXTERNAL LOCATION n SET LOCATION '/d'")]
#[case("ALTER VOLUME v SET URL '/d'")]
#[case("ALTER STORAGE CREDENTIAL c SET STORAGE CREDENTIAL d")]
#[case("DROP EXTERNAL LOCATION n CASCADE")]
#[case("DROP VOLUME v FORCE")]
#[case("SHOW EXTERNAL LOCATIONS IN c")]
fn what_is_none_of_them(#[case] sql: &str) {
    let error = error(sql);
    assert_eq!(error.kind, ParseErrorKind::Syntax, "{sql}: {error}");
}

#[rstest]
#[case("ALTER EXTERNAL LOCATION n SET URL '/d'", AlterAction::SetUrl { url: "/d".to_owned(), force: false })]
#[case("ALTER EXTERNAL LOCATION n SET URL '/d' FORCE", AlterAction::SetUrl { url: "/d".to_owned(), force: true })]
#[case("ALTER EXTERNAL LOCATION n SET STORAGE CREDENTIAL c", AlterAction::SetCredential("c".to_owned()))]
#[case("ALTER EXTERNAL LOCATION n RENAME TO m", AlterAction::RenameTo(name("m")))]
#[case("ALTER EXTERNAL LOCATION n SET OWNER TO `a b`", AlterAction::SetOwner("a b".to_owned()))]
fn changes_of_an_external_location(#[case] sql: &str, #[case] action: AlterAction) {
    assert_eq!(parse(sql), Statement::Alter(Alter { kind: ObjectKind::ExternalLocation, name: name("n"), action }));
}

#[rstest]
#[case("DROP EXTERNAL LOCATION x", ObjectKind::ExternalLocation, false, false)]
#[case("DROP EXTERNAL LOCATION IF EXISTS x FORCE", ObjectKind::ExternalLocation, true, true)]
#[case("DROP STORAGE CREDENTIAL x FORCE", ObjectKind::StorageCredential, false, true)]
#[case("DROP VOLUME IF EXISTS x", ObjectKind::Volume, true, false)]
fn drops(#[case] sql: &str, #[case] kind: ObjectKind, #[case] if_exists: bool, #[case] cascade: bool) {
    assert_eq!(parse(sql), Statement::Drop(Drop { kind, if_exists, name: name("x"), cascade }));
}

#[rstest]
#[case("SHOW VOLUMES", ShowKind::Volumes, None, None)]
#[case("SHOW VOLUMES IN c.s LIKE 'a*'", ShowKind::Volumes, Some(name("c.s")), some("a*"))]
#[case("SHOW EXTERNAL LOCATIONS 'a*'", ShowKind::ExternalLocations, None, some("a*"))]
#[case("SHOW STORAGE CREDENTIALS LIKE 'x'", ShowKind::StorageCredentials, None, some("x"))]
fn lists(
    #[case] sql: &str,
    #[case] what: ShowKind,
    #[case] within: Option<ObjectName>,
    #[case] pattern: Option<String>,
) {
    assert_eq!(parse(sql), Statement::Show(Show { what, within, pattern }));
}

#[rstest]
#[case("DESCRIBE VOLUME x", ObjectKind::Volume)]
#[case("DESCRIBE EXTERNAL LOCATION x", ObjectKind::ExternalLocation)]
#[case("DESC STORAGE CREDENTIAL x", ObjectKind::StorageCredential)]
fn descriptions(#[case] sql: &str, #[case] kind: ObjectKind) {
    assert_eq!(parse(sql), Statement::Describe(Describe { kind, extended: false, name: name("x") }));
}

#[rstest]
#[case("COMMENT ON VOLUME x IS 'y'", ObjectKind::Volume)]
#[case("COMMENT ON EXTERNAL LOCATION x IS 'y'", ObjectKind::ExternalLocation)]
#[case("COMMENT ON STORAGE CREDENTIAL x IS 'y'", ObjectKind::StorageCredential)]
fn comments(#[case] sql: &str, #[case] kind: ObjectKind) {
    assert_eq!(parse(sql), Statement::CommentOn(CommentOn { kind, name: name("x"), text: some("y") }));
}

#[rstest]
#[case("LIST '/d'", "/d", None)]
#[case("ls \"file:///d\" LIMIT 10 ;", "file:///d", Some(10))]
#[case("LIST '/Volumes/c/s/v/x' LIMIT 0", "/Volumes/c/s/v/x", Some(0))]
fn a_list_of_files(#[case] sql: &str, #[case] path: &str, #[case] limit: Option<usize>) {
    assert_eq!(parse(sql), Statement::ListFiles(ListFiles { path: path.to_owned(), limit }));
}

#[rstest]
#[case("LIST")]
#[case("LIST x")]
#[case("LIST '/d' LIMIT")]
#[case("LIST '/d' LIMIT -1")]
#[case("LIST '/d' LIMIT 1.5")]
#[case("LIST '/d' LIMIT 99999999999999999999999")]
#[case("LIST '/d', '/e'")]
fn what_is_no_list_of_files(#[case] sql: &str) {
    let error = error(sql);
    assert_eq!(error.kind, ParseErrorKind::Syntax, "{sql}: {error}");
}
