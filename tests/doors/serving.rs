//! Starting, stopping, probes and metrics.

use std::os::unix::fs::PermissionsExt;

use lakewarden_server::serve;
use lakewarden_test_support::Server;

use crate::visitor::{Visitor, get};

#[tokio::test]
async fn probes_are_open_and_nothing_else_is() {
    let server = Server::start().await;
    assert_eq!(get(&server, "/healthz", None).await.0, 200);
    assert_eq!(get(&server, "/readyz", None).await.0, 200);
    for path in ["/metrics", "/", "/nowhere", "/healthz/x"] {
        assert_eq!(get(&server, path, None).await.0, 401, "{path}");
    }
    assert_eq!(get(&server, "/nowhere", Some(server.admin())).await.0, 404);
}

#[tokio::test]
async fn metrics_need_a_token_unless_the_settings_open_them() {
    let server = Server::start().await;
    let mut admin = Visitor::new(&server, server.admin()).await;
    admin.query("SELECT 1").await.unwrap();
    let (code, text) = get(&server, "/metrics", Some(server.admin())).await;
    assert_eq!(code, 200);
    let line = r#"lakewarden_requests_total{code="OK",door="flight",op="arrow.flight.protocol.FlightService/DoGet"} 1"#;
    assert!(text.contains(line), "{text}");
    assert!(text.contains("x-request-id: "), "{text}");
    let open = Server::start_with(|config| config.telemetry.metrics_open = true).await;
    assert_eq!(get(&open, "/metrics", None).await.0, 200);
}

#[tokio::test]
async fn what_a_caller_writes_becomes_no_label() {
    let server = Server::start().await;
    for i in 0..3 {
        get(&server, &format!("/made/up/{i}"), Some(server.admin())).await;
        get(&server, &format!("/made.up.Service/Method{i}"), Some(server.admin())).await;
    }
    let (_, text) = get(&server, "/metrics", Some(server.admin())).await;
    assert!(!text.contains("made"), "{text}");
    assert!(text.contains(r#"op="unknown""#), "{text}");
}

#[tokio::test]
async fn a_folder_that_another_server_has_is_refused() {
    let server = Server::start().await;
    let mut config = server.config().clone();
    config.listen.address = ([127, 0, 0, 1], 0).into();
    let error = serve(config).await.err().unwrap().to_string();
    let folder = server.data_dir().display().to_string();
    assert!(error.contains(&folder) && error.contains("another"), "{error}");
    assert_eq!(get(&server, "/readyz", None).await.0, 200);
}

#[tokio::test]
async fn a_restart_keeps_principals_tokens_and_tables() {
    let mut server = Server::start().await;
    let alice = server.user("alice").await;
    let token_file = server.data_dir().join("admin.token");
    let before = std::fs::read_to_string(&token_file).unwrap();
    assert_eq!(std::fs::metadata(&token_file).unwrap().permissions().mode() & 0o777, 0o600);
    let key = server.data_dir().join("keys/token-signing.pem");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let mut admin = Visitor::new(&server, server.admin()).await;
    admin.script(&["CREATE CATALOG demo", "CREATE SCHEMA demo.s", "CREATE TABLE demo.s.t AS SELECT 1 AS id"]).await;
    drop(admin);
    server.restart().await;
    assert_eq!(std::fs::read_to_string(&token_file).unwrap(), before);
    assert_eq!(Visitor::new(&server, &alice).await.query("SELECT current_user()").await.unwrap(), ["alice"]);
    let mut admin = Visitor::new(&server, server.admin()).await;
    admin.script(&["GRANT SELECT ON TABLE demo.s.t TO `admin`"]).await;
    assert_eq!(admin.query("SELECT id FROM demo.s.t").await.unwrap(), ["1"]);
}

#[tokio::test]
async fn a_stopped_server_answers_no_more() {
    let mut server = Server::start().await;
    let address = server.endpoint().replace("http://", "");
    server.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
