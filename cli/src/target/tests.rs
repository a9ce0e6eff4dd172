use super::*;
use crate::render::Format;
use std::collections::BTreeMap;

const SAVED: &str = "https://lake.example:8642";

fn secret(text: &str) -> Secret {
    Secret::parse(text).unwrap()
}

fn args(dir: &Path) -> ConnectionArgs {
    ConnectionArgs {
        endpoint: None,
        token: None,
        token_file: None,
        profile: None,
        tls_ca: None,
        format: Format::Table,
        config_dir: Some(dir.to_owned()),
        xdg_config_home: None,
    }
}

fn dir_with(names: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let profile =
        |name: &str| Profile { endpoint: SAVED.to_owned(), token: secret(&format!("{name}-token")), tls_ca: None };
    let profiles: BTreeMap<String, Profile> = names.iter().map(|name| ((*name).to_owned(), profile(name))).collect();
    Profiles { profiles }.save(dir.path()).unwrap();
    dir
}

#[test]
fn without_anything_it_is_the_local_server_and_no_token() {
    let dir = tempfile::tempdir().unwrap();
    let target = resolve(&args(dir.path()), Given::default()).unwrap();
    assert_eq!(target, Target { endpoint: DEFAULT_ENDPOINT.to_owned(), token: None, tls_ca: None });
}

#[test]
fn the_default_profile_is_used_unasked() {
    let dir = dir_with(&["default"]);
    let target = resolve(&args(dir.path()), Given::default()).unwrap();
    assert_eq!((target.endpoint.as_str(), target.token), (SAVED, Some(secret("default-token"))));
}

#[test]
fn a_saved_token_is_not_sent_to_another_endpoint() {
    let dir = dir_with(&["default", "prod"]);
    let mut args = args(dir.path());
    args.endpoint = Some("http://elsewhere.example".to_owned());
    let given = Given { endpoint: true, ..Given::default() };
    assert_eq!(resolve(&args, given).unwrap().token, None);
    args.profile = Some("prod".to_owned());
    assert_eq!(resolve(&args, Given { profile: true, ..given }).unwrap().token, None);
}

#[test]
fn the_environment_beats_the_default_profile() {
    let dir = dir_with(&["default"]);
    let mut args = args(dir.path());
    args.token = Some("env-token".parse().unwrap());
    assert_eq!(resolve(&args, Given::default()).unwrap().token, Some(secret("env-token")));
}

#[test]
fn a_profile_named_on_the_command_line_beats_the_environment() {
    let dir = dir_with(&["prod"]);
    let mut args = args(dir.path());
    args.profile = Some("prod".to_owned());
    args.endpoint = Some("http://env.example".to_owned());
    args.token = Some("env-token".parse().unwrap());
    let target = resolve(&args, Given { profile: true, ..Given::default() }).unwrap();
    assert_eq!((target.endpoint.as_str(), target.token), (SAVED, Some(secret("prod-token"))));
}

#[test]
fn a_token_file_on_the_command_line_beats_a_token_in_the_environment() {
    let dir = dir_with(&["default"]);
    let file = dir.path().join("bob.token");
    std::fs::write(&file, "bob-token\n").unwrap();
    let mut args = args(dir.path());
    args.token = Some("env-token".parse().unwrap());
    args.token_file = Some(file);
    let given = Given { token_file: true, ..Given::default() };
    assert_eq!(resolve(&args, given).unwrap().token, Some(secret("bob-token")));
    assert!(resolve(&args, Given { token: true, ..given }).is_err());
}

#[test]
fn a_missing_profile_is_an_error_that_names_the_way_out() {
    let dir = dir_with(&[]);
    let mut args = args(dir.path());
    args.profile = Some("prod".to_owned());
    insta::assert_snapshot!(resolve(&args, Given::default()).unwrap_err(), @"there is no profile `prod`: save one with `lakewarden login --profile prod`");
    assert_eq!(resolve_for_login(&args, Given::default()).unwrap().endpoint, DEFAULT_ENDPOINT);
}

#[test]
fn login_does_not_take_the_saved_token_for_a_new_one() {
    let dir = dir_with(&["default"]);
    let target = resolve_for_login(&args(dir.path()), Given::default()).unwrap();
    assert_eq!((target.endpoint.as_str(), target.token), (SAVED, None));
}

#[test]
fn an_empty_token_file_is_refused() {
    let dir = dir_with(&[]);
    let file = dir.path().join("empty");
    std::fs::write(&file, "\n").unwrap();
    let mut args = args(dir.path());
    args.token_file = Some(file);
    assert!(resolve(&args, Given { token_file: true, ..Given::default() }).is_err());
}

#[test]
fn an_empty_variable_is_no_variable() {
    let dir = dir_with(&["default"]);
    let mut args = args(dir.path());
    args.token = Some("".parse().unwrap());
    args.endpoint = Some(String::new());
    args.profile = Some(String::new());
    let given = Given::default();
    let target = resolve(&given.without_empty(args.clone()), given).unwrap();
    assert_eq!((target.endpoint.as_str(), target.token), (SAVED, Some(secret("default-token"))));
    let given = Given { token: true, ..given };
    args.profile = None;
    args.endpoint = None;
    assert!(resolve(&given.without_empty(args), given).is_err());
}
