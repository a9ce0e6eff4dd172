//! What needs no server, and what happens when there is none.

use crate::served::{done, lakewarden};

fn run(args: &[&str]) -> crate::served::Done {
    let home = tempfile::tempdir().unwrap();
    done(lakewarden(home.path()).args(args))
}

#[test]
fn help_and_version_are_results() {
    for args in [&["--help"][..], &["grant", "--help"], &["help", "policy", "mask", "set"], &["--version"]] {
        let done = run(args);
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{args:?}");
        assert!(done.out.contains("lakewarden"), "{args:?}");
    }
}

#[test]
fn wrong_words_are_wrong_arguments_and_not_a_denial() {
    for args in [
        &["grant", "FLY", "--on", "table", "a.b.c", "--to", "bob"][..],
        &["grant", "SELECT", "--on", "cupboard", "a.b.c", "--to", "bob", "--endpoint", "http://127.0.0.1:1"],
        &["token", "create", "--ttl", "soon"],
        &["frobnicate"],
        &["serve", "--endpoint", "http://127.0.0.1:1"],
        &["whoami", "--endpoint", "nonsense"],
        &["whoami", "--profile", "absent"],
        &["whoami", "--token-file", "/does/not/exist"],
        &["whoami", "--token", "two words"],
        &["whoami", "--token", "a", "--token-file", "b"],
        &[],
    ] {
        let done = run(args);
        assert_eq!(done.code, 3, "{args:?}: {}", done.err);
        assert_eq!(done.out, "", "{args:?}");
        assert!(!done.err.is_empty(), "{args:?}");
    }
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let done = run(&["completions", shell]);
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{shell}");
        assert!(done.out.contains("add-member") && done.out.contains("quickstart"), "{shell}");
    }
}

#[test]
fn an_absent_server_is_told_with_the_way_to_start_one() {
    let done = run(&["whoami", "--endpoint", "http://127.0.0.1:1", "--token", "abc"]);
    let line = done.failed(10);
    assert!(line.contains("`http://127.0.0.1:1`") && line.contains("lakewarden serve"), "{line}");
    assert!(!line.contains("abc"), "{line}");
}

#[test]
fn profiles_are_listed_even_when_there_are_none() {
    let done = run(&["config", "profiles", "--format", "json"]);
    assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (0, "[]\n", ""));
}

#[test]
fn what_is_no_server_is_told_as_such() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let answer = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").unwrap();
    });
    let done = run(&["whoami", "--endpoint", &endpoint, "--token", "abc"]);
    assert!(done.failed(10).contains("http:// or https://"), "{}", done.err);
    answer.join().unwrap();
}
