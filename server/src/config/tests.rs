use std::io::Write;

use rstest::rstest;

use super::*;

fn load(toml: &str, variables: &[(&str, &str)], overrides: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(toml.as_bytes()).unwrap();
    let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect::<Vec<_>>();
    Config::from_sources(Some(file.path()), owned(variables), &owned(overrides))
}

fn faults(toml: &str) -> Vec<String> {
    match load(toml, &[], &[]) {
        Err(ConfigError::Faults(faults)) => faults,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_given_is_the_defaults() {
    assert_eq!(load("", &[], &[]).unwrap(), Config::default());
}

#[test]
fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
    let toml = "[listen]\naddress = \"127.0.0.1:1\"\ndrain_ms = 1\n[telemetry]\nlog = \"warn\"";
    let variables = [("LAKEWARDEN__LISTEN__DRAIN_MS", "2"), ("LAKEWARDEN__LISTEN__ADDRESS", "127.0.0.1:2")];
    let config = load(toml, &variables, &[("listen.address", "127.0.0.1:3")]).unwrap();
    assert_eq!(config.listen.address.port(), 3);
    assert_eq!(config.listen.drain_ms, 2);
    assert_eq!(config.telemetry.log, "warn");
}

#[test]
fn text_that_looks_like_a_number_stays_text_where_text_is_due() {
    let config =
        load("", &[("LAKEWARDEN__IDENTITY__ADMIN", "007"), ("LAKEWARDEN__TELEMETRY__METRICS_OPEN", "true")], &[]);
    let config = config.unwrap();
    assert_eq!(config.identity.admin, "007");
    assert!(config.telemetry.metrics_open);
}

#[test]
fn variables_of_others_are_left_alone() {
    assert_eq!(load("", &[("LAKEWARDEN_TOKEN", "x"), ("PATH", "/bin")], &[]).unwrap(), Config::default());
}

#[test]
fn all_faults_are_told_at_once() {
    let found = faults("[listen]\nadress = 1\ndrain_ms = \"soon\"\n[nonsense]\na = 1\n[engine]\nmax_nesting = -1\n");
    let keys: Vec<_> = found.iter().map(|f| f.split(':').next().unwrap()).collect();
    assert_eq!(keys, ["engine.max_nesting", "listen.adress", "listen.drain_ms", "nonsense"]);
}

#[rstest]
#[case("[listen]\naddress = \"0.0.0.0:1\"", "listen.address")]
#[case("[tls]\ncert_file = \"a\"", "tls")]
#[case("[identity]\nleeway_s = 3600", "identity.leeway_s")]
#[case("[identity]\nmax_token_ttl_s = 1", "identity.default_token_ttl_s")]
#[case("[engine]\nmax_nesting = 0", "engine.max_nesting")]
#[case("[telemetry]\nlog = \"a=b=c\"", "telemetry.log")]
#[case(
    "[[identity.issuers]]\nissuer = \"a\"\naudience = \"b\"\nalgorithms = [\"HS256\"]\njwks = \"{}\"",
    "identity.issuers[0]"
)]
#[case(
    "[[identity.issuers]]\nissuer = \"a\"\naudience = \"b\"\nalgorithms = [\"none\"]\njwks = \"{}\"",
    "identity.issuers[0]"
)]
#[case(
    "[[identity.issuers]]\nissuer = \"a\"\naudience = \"b\"\nalgorithms = []\njwks = \"{}\"",
    "identity.issuers[0].algorithms"
)]
#[case("[[identity.issuers]]\nissuer = \"a\"\naudience = \"b\"\nalgorithms = [\"RS256\"]", "identity.issuers[0].jwks")]
#[case(
    "[[identity.issuers]]\nissuer = \"a\"\naudience = \"b\"\nalgorithms = [\"RS256\"]\njwks_uri = \"http://x.org/k\"",
    "identity.issuers[0].jwks_uri"
)]
#[case(
    "[[identity.issuers]]\nissuer = \"lakewarden\"\naudience = \"b\"\nalgorithms = [\"RS256\"]\njwks = \"{}\"",
    "identity.issuers[0].issuer"
)]
fn a_fault_is_told_with_its_key(#[case] toml: &str, #[case] key: &str) {
    let found = faults(toml);
    assert!(found.iter().any(|fault| fault.split(": ").next() == Some(key)), "{found:?}");
}

#[test]
fn secrets_show_neither_in_debug_nor_in_config_show() {
    let config = load("[identity]\nsigning_key = \"hunter2\"", &[], &[]).unwrap();
    assert_eq!(config.identity.signing_key.as_ref().map(|k| k.expose().as_str()), Some("hunter2"));
    let shown = config.to_redacted_toml().unwrap();
    assert!(!shown.contains("hunter2") && shown.contains("[redacted]"), "{shown}");
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn a_broken_file_is_told_by_line_without_its_text() {
    let Err(error) = load("[identity]\nsigning_key = \"hunter2\n", &[], &[]) else { panic!("accepted") };
    let text = error.to_string();
    assert!(text.contains("line 2") && !text.contains("hunter2"), "{text}");
}

#[test]
fn what_config_show_prints_can_be_read_again() {
    let config = Config::default();
    assert_eq!(load(&config.to_redacted_toml().unwrap(), &[], &[]).unwrap(), config);
}

#[test]
fn every_setting_is_documented() {
    let page = include_str!("../../../docs/configuration.md");
    let settings: toml::Table = toml::from_str(&Config::default().to_redacted_toml().unwrap()).unwrap();
    for (section, keys) in &settings {
        assert!(page.contains(&format!("\n## [{section}]\n")), "[{section}] is missing");
        for key in keys.as_table().unwrap().keys() {
            assert!(
                page.contains(&format!("`{key}`")) || page.contains(&format!("[[{section}.{key}]]")),
                "{section}.{key} is missing"
            );
        }
    }
}

#[test]
fn settings_as_json_hold_no_secret_either() {
    let config = load("[identity]\nsigning_key = \"hunter2\"", &[], &[]).unwrap();
    let shown: serde_json::Value = serde_json::from_str(&config.to_redacted_json().unwrap()).unwrap();
    assert_eq!(shown["identity"]["signing_key"], "[redacted]");
    assert_eq!(shown["listen"]["address"], "127.0.0.1:8642");
}
