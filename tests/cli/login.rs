//! Profiles, tokens and who one is.

use std::fs;

use crate::served::{Served, done};

#[test]
fn the_first_start_leaves_a_token_for_the_administrator_alone() {
    let served = Served::start();
    let me = served.json(&["whoami"]);
    assert_eq!((me["metastore_admin"].as_bool(), me["kind"].as_str()), (Some(true), Some("user")));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(served.data.join("admin.token")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_new_token_is_all_there_is_on_stdout_and_works_until_it_is_revoked() {
    let served = Served::start();
    served.ok(&["user", "create", "bob"]);
    let made = served.admin(&["token", "create", "--principal", "bob", "--ttl", "8h", "--comment", "for tests"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let token = made.out.strip_suffix('\n').unwrap();
    assert_eq!(token.split('.').count(), 3, "{token}");
    assert!(token.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)), "{token}");
    assert!(made.err.contains("for `bob`") && !made.err.contains(token), "{}", made.err);

    let file = served.home.path().join("bob.token");
    fs::write(&file, &made.out).unwrap();
    let me = served.run_as(&file, &["whoami", "--format", "json"]);
    let me: serde_json::Value = serde_json::from_str(&me.out).unwrap();
    assert_eq!((me["principal"].as_str(), me["metastore_admin"].as_bool()), (Some("bob"), Some(false)));

    let listed = served.json(&["token", "list", "--principal", "bob"]);
    let [entry] = listed.as_array().unwrap().as_slice() else { panic!("{listed}") };
    assert_eq!((entry["comment"].as_str(), entry["revoked_at"].is_null()), (Some("for tests"), true));
    assert!(!listed.to_string().contains(token));
    served.ok(&["token", "revoke", entry["id"].as_str().unwrap()]);
    let line = served.run_as(&file, &["whoami"]);
    assert!(line.failed(4).contains("lakewarden login"));
}

#[test]
fn a_caller_without_a_good_token_is_not_signed_in() {
    let served = Served::start();
    done(&mut served.command(&["whoami"])).failed(4);
    done(&mut served.command(&["sql", "SELECT 1", "--token", "abc.def.ghi"])).failed(4);
}

#[test]
fn login_saves_a_token_that_works_and_shows_it_to_nobody() {
    let served = Served::start();
    let token = fs::read_to_string(served.data.join("admin.token")).unwrap();
    let file = served.data.join("admin.token");
    let login = done(served.command(&["login", "--format", "json", "--token-file"]).arg(&file));
    assert_eq!(login.code, 0, "{}", login.err);
    assert!(!login.out.contains(token.trim()) && !login.err.contains(token.trim()));
    let saved = served.home.path().join("config/profiles.toml");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&saved).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(done(&mut served.command(&["whoami"])).code, 0);

    let listed = done(&mut served.command(&["config", "profiles", "--format", "csv"]));
    assert!(listed.out.contains(&served.endpoint) && !listed.out.contains(token.trim()), "{}", listed.out);
    assert_eq!(done(&mut served.command(&["logout"])).code, 0);
    done(&mut served.command(&["whoami"])).failed(4);
    done(&mut served.command(&["logout"])).failed(3);
}

#[test]
fn login_with_a_bad_token_saves_nothing() {
    let served = Served::start();
    done(&mut served.command(&["login", "--token", "abc.def.ghi"])).failed(4);
    assert!(!served.home.path().join("config/profiles.toml").exists());
}

#[test]
fn logout_can_revoke_the_token() {
    let served = Served::start();
    let bob = served.user("bob");
    let login = done(served.command(&["login", "--profile", "b", "--token-file"]).arg(&bob));
    assert_eq!(login.code, 0, "{}", login.err);
    assert_eq!(done(&mut served.command(&["logout", "--profile", "b", "--revoke"])).code, 0);
    served.run_as(&bob, &["whoami"]).failed(4);
}
