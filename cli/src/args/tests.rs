use super::*;
use lakewarden_proto::v1::{Privilege, SecurableKind};
use rstest::rstest;

fn parse(line: &str) -> Result<Command, clap::Error> {
    let words = shell_words(line);
    Cli::try_parse_from(std::iter::once("lakewarden".to_owned()).chain(words)).map(|cli| cli.command)
}

/// Words at blanks, quotes kept together.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, ' ') => words.push(String::new()),
            (_, c) => words.last_mut().unwrap().push(c),
        }
    }
    words
}

#[test]
fn the_tree_of_commands_is_sound() {
    command().debug_assert();
}

#[test]
fn grant_reads_like_sql() {
    let Command::Grant(args) = parse("grant SELECT --on table demo.tpch.orders --to analysts").unwrap() else {
        panic!()
    };
    assert_eq!(args.what.privileges, [Privilege::Select]);
    assert_eq!(args.to, ["analysts"]);
    let on = On::parse(&args.what.on).unwrap();
    assert_eq!((on.kind(), on.full_name.as_str()), (SecurableKind::Table, "demo.tpch.orders"));
}

#[test]
fn grant_takes_several_privileges_and_principals() {
    let line = "grant \"USE CATALOG\" use-schema CREATE_TABLE --on catalog demo --to analysts bob --to etl";
    let Command::Grant(args) = parse(line).unwrap() else { panic!() };
    assert_eq!(args.what.privileges, [Privilege::UseCatalog, Privilege::UseSchema, Privilege::CreateTable]);
    assert_eq!(args.to, ["analysts", "bob", "etl"]);
}

#[rstest]
#[case("all privileges", Privilege::AllPrivileges)]
#[case("ALL", Privilege::AllPrivileges)]
#[case("Manage", Privilege::Manage)]
#[case("create  function", Privilege::CreateFunction)]
fn privileges_are_read_as_people_write_them(#[case] text: &str, #[case] privilege: Privilege) {
    let Command::Revoke(args) = parse(&format!("revoke '{text}' --on metastore --from bob")).unwrap() else { panic!() };
    assert_eq!(args.what.privileges, [privilege]);
}

#[rstest]
#[case(&["metastore"], true)]
#[case(&["METASTORE"], true)]
#[case(&["metastore", "x"], false)]
#[case(&["table"], false)]
#[case(&["table", " "], false)]
#[case(&["database", "a.b"], true)]
#[case(&["volume", "a.b.c"], true)]
#[case(&["external location", "raw"], true)]
#[case(&["External-Location", "raw"], true)]
#[case(&["column", "a.b.c.d"], false)]
#[case(&["unspecified", "a"], false)]
#[case(&["cupboard", "a"], false)]
#[case(&[], false)]
fn on_takes_a_kind_and_where_there_is_one_a_name(#[case] words: &[&str], #[case] good: bool) {
    let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
    assert_eq!(On::parse(&words).is_ok(), good);
}

#[rstest]
#[case("grant --on table a.b.c --to bob")]
#[case("grant SELECT --on table a.b.c")]
#[case("grant SELECT --to bob")]
#[case("grant FLY --on table a.b.c --to bob")]
#[case("grant UNSPECIFIED --on table a.b.c --to bob")]
#[case("revoke SELECT --on table a.b.c --to bob")]
#[case("deny SELECT --on table a.b.c --from bob")]
#[case("grant SELECT --on table a.b.c --to bob --columns a,,b")]
#[case("grants show --on table a.b.c --effective --inherited")]
#[case("grants show --on table a.b.c --as-of yesterday")]
#[case("grants show")]
#[case("grants show --to bob --effective")]
#[case("grants show --to bob --as-of 1h")]
#[case("can SELECT")]
#[case("can bob may SELECT table a.b.c")]
#[case("who-can bob may SELECT table a.b.c")]
#[case("user delete bob --cascade --reassign-owned-to eve")]
#[case("sql 'SELECT 1' --file x.sql")]
#[case("sql 'SELECT 1' --max-rows 0")]
#[case("sql 'SELECT 1' --schema tpch")]
#[case("token create --ttl soon")]
#[case("token list --principal bob --all")]
#[case("catalog list --limit 0")]
#[case("catalog update demo")]
#[case("catalog create demo --property x")]
#[case("table create a.b.c")]
#[case("table create a.b.c --column id")]
#[case("function create a.b.f --returns STRING")]
#[case("view create a.b.v --query 'SELECT 1' --file q.sql")]
#[case("user add-member a b")]
#[case("audit list --since yesterday")]
#[case("quickstart --scale 0")]
#[case("serve --listen nowhere")]
#[case("serve --tls-cert a.pem")]
#[case("whoami --format yaml")]
#[case("policy mask set demo.t.c --function f")]
fn wrong_words_are_refused(#[case] line: &str) {
    assert!(parse(line).is_err());
}

#[rstest]
#[case("serve --data-dir /tmp/x --listen 127.0.0.1:0")]
#[case("quickstart --exit --scale 0.01")]
#[case("login --endpoint http://127.0.0.1:1 --token-file t")]
#[case("logout --revoke")]
#[case("sql")]
#[case("sql 'SELECT 1' --format csv --max-rows 10 --catalog demo --schema tpch")]
#[case("catalog delete demo --cascade --yes")]
#[case("schema create demo.s --comment x --property a=b --property c=")]
#[case("table create a.b.c --location /data/t")]
#[case("view create a.b.v --query 'SELECT 1' --or-replace")]
#[case("function create a.b.f --parameter 'x STRING' --returns STRING --body x")]
#[case("service-principal create etl")]
#[case("group add-member analysts bob eve")]
#[case("group members analysts --limit 5")]
#[case("token revoke a b")]
#[case("grants show --on table a.b.c --to bob --inherited")]
#[case("grants show --to bob")]
#[case("grants show --on table a.b.c --to bob --effective --as-of 2h")]
#[case("deny SELECT MODIFY --on table a.b.c --columns a,b --to bob --dry-run")]
#[case("can bob SELECT table a.b.c --column x --as-of 2026-01-02")]
#[case("who-can SELECT table a.b.c --limit 5")]
#[case("group delete g --cascade --yes")]
#[case("user delete bob --reassign-owned-to eve")]
#[case("policy row-filter set a.b.c --function a.b.f --on x \"'EMEA'\"")]
#[case("policy row-filter set a.b.c --function a.b.f")]
#[case("policy mask drop a.b.c x --yes")]
#[case("audit list --since 1h --outcome denied")]
#[case("config show")]
#[case("config profiles")]
#[case("completions zsh")]
#[case("whoami --format json")]
fn right_words_are_taken(#[case] line: &str) {
    parse(line).unwrap();
}

#[test]
fn columns_are_written_as_in_sql() {
    let line = "table create a.b.c --column 'id BIGINT NOT NULL' --column '`odd name` DECIMAL(15, 2) null' --column 'x ARRAY<STRING>'";
    let Command::Table(TableCommand::Create(args)) = parse(line).unwrap() else { panic!() };
    let column = |name: &str, type_text: &str, nullable| TableColumnArg {
        name: name.to_owned(),
        type_text: type_text.to_owned(),
        nullable,
    };
    let expected =
        [column("id", "BIGINT", false), column("odd name", "DECIMAL(15, 2)", true), column("x", "ARRAY<STRING>", true)];
    assert_eq!(args.columns, expected);
}

#[rstest]
#[case("a", &["a"])]
#[case("id, total ", &["id", "total"])]
#[case("`a,b`,c", &["a,b", "c"])]
#[case("größe,`x``y`", &["größe", "x`y"])]
fn columns_of_a_grant_are_parted_by_commas(#[case] text: &str, #[case] columns: &[&str]) {
    let line = format!("deny SELECT --on table a.b.c --columns '{text}' --to bob");
    let Command::Deny(args) = parse(&line).unwrap() else { panic!() };
    assert_eq!(args.what.columns.unwrap().0, columns);
}

#[rstest]
#[case("2026-01-02T10:00:00Z", 1_767_348_000, 0)]
#[case("2026-01-02T11:00:00+01:00", 1_767_348_000, 0)]
#[case("2026-01-02 10:00:00", 1_767_348_000, 0)]
#[case("2026-01-02T10:00:00.25", 1_767_348_000, 250_000_000)]
#[case("2026-01-02", 1_767_312_000, 0)]
fn a_point_in_time_is_in_utc_unless_it_says_otherwise(#[case] text: &str, #[case] seconds: i64, #[case] nanos: i32) {
    let parsed = When::parse(text).unwrap();
    assert_eq!(parsed, When::At(seconds, nanos));
}

#[test]
fn a_point_in_time_is_absolute_or_so_long_ago() {
    let Command::Audit(AuditCommand::List(args)) =
        parse("audit list --since 2026-01-31T10:00:00+01:00 --until 2h").unwrap()
    else {
        panic!()
    };
    let now = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(10_000);
    assert_eq!(args.since.unwrap().resolve(now), (1_769_850_000, 0));
    assert_eq!(args.until.unwrap().resolve(now), (2_800, 0));
}

/// Every command that a user can run, with the words that lead to it.
fn leaves(command: &clap::Command, path: &str, found: &mut Vec<(String, clap::Command)>) {
    let mut any = false;
    for sub in command.get_subcommands().filter(|s| s.get_name() != "help") {
        any = true;
        leaves(sub, &format!("{path} {}", sub.get_name()), found);
    }
    if !any {
        found.push((path.to_owned(), command.clone()));
    }
}

/// Parses the examples of a text, which begin with `mark`, and counts them.
fn try_examples(text: &str, mark: &str, place: &str) -> usize {
    let joined = text.replace("\\\n", " ");
    let examples: Vec<&str> = joined.lines().map(str::trim).filter(|line| line.starts_with(mark)).collect();
    for line in &examples {
        let words = line.split(" > ").next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        let words = words.split_once("lakewarden ").unwrap().1;
        parse(words).unwrap_or_else(|error| panic!("{place} shows `{line}`: {error}"));
    }
    examples.len()
}

#[test]
fn the_guide_shows_commands_that_are_understood() {
    let guide = include_str!("../../../docs/cli.md");
    assert!(try_examples(guide, "$ lakewarden ", "the guide") >= 30);
}

#[test]
fn every_command_shows_examples_that_it_understands() {
    let mut found = Vec::new();
    leaves(&command(), "lakewarden", &mut found);
    let mut tried = 0;
    for (path, command) in found.iter() {
        let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(text.contains("lakewarden"), "`{path}` has no example");
        tried += try_examples(&text, "lakewarden ", path);
    }
    assert!(found.len() >= 50 && tried >= 60, "{} commands, {tried} examples", found.len());
}

#[test]
fn the_first_help_page_lists_every_command() {
    insta::assert_snapshot!(help(&[]));
}

/// The help page of a command, without the values that the environment gives.
fn help(path: &[&str]) -> clap::builder::StyledStr {
    let mut tree = command().mut_args(|arg| arg.hide_env_values(true)).term_width(100);
    tree.build();
    let mut found = &mut tree;
    for name in path {
        found = found.find_subcommand_mut(name).unwrap();
    }
    found.clone().mut_args(|arg| arg.hide_env_values(true)).render_help()
}

#[test]
fn the_help_of_a_command_shows_what_it_takes() {
    insta::assert_snapshot!("help_of_grant", help(&["grant"]));
    insta::assert_snapshot!("help_of_can", help(&["can"]));
    insta::assert_snapshot!("help_of_serve", help(&["serve"]));
}

#[rstest]
#[case("serve --endpoint http://x", Some("endpoint"))]
#[case("--token x quickstart", Some("token"))]
#[case("serve --format json", Some("format"))]
#[case("config show --tls-ca x", Some("tls-ca"))]
#[case("config show --format json", None)]
#[case("config profiles --config-dir x", None)]
#[case("whoami --endpoint http://x", None)]
fn an_option_without_effect_is_refused(#[case] line: &str, #[case] option: Option<&str>) {
    let matches = command().try_get_matches_from(format!("lakewarden {line}").split(' ')).unwrap();
    let fault = misplaced(&matches);
    assert_eq!(fault.is_some(), option.is_some(), "{fault:?}");
    assert!(fault.unwrap_or_default().contains(option.unwrap_or_default()));
}

#[test]
fn what_serve_is_given_overrides_settings_by_their_keys() {
    let Command::Serve(args) = parse("serve --data-dir /d --listen 127.0.0.1:0 --config f.toml").unwrap() else {
        panic!()
    };
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(args.server.overrides(), [pair("store.data_dir", "/d"), pair("listen.address", "127.0.0.1:0")]);
}

#[test]
fn a_token_on_the_command_line_is_not_shown_by_debug() {
    let cli = Cli::try_parse_from(["lakewarden", "whoami", "--token", "s3cret"]).unwrap();
    assert!(!format!("{cli:?}").contains("s3cret"));
}
