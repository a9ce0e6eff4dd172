use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

fn settings() -> config::Listen {
    config::Listen { address: SocketAddr::from(([127, 0, 0, 1], 0)), ..config::Listen::default() }
}

struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    ended: tokio::task::JoinHandle<Result<(), ServerError>>,
}

async fn serve(settings: config::Listen, tls: Option<TlsAcceptor>) -> Served {
    let slow = || async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        "slow"
    };
    let router = Router::new().route("/", get(|| async { "here" })).route("/slow", get(slow));
    let listener = Listener::bind(&settings, tls, Arc::new(Metrics::new().unwrap())).await.unwrap();
    let (address, stop) = (listener.address, CancellationToken::new());
    let ended = tokio::spawn(listener.serve(router, stop.clone()));
    Served { address, stop, ended }
}

async fn ask(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await?;
    Ok(reply)
}

#[tokio::test]
async fn it_answers_and_stops_when_nothing_runs() {
    let served = serve(settings(), None).await;
    assert!(ask(served.address, "/").await.unwrap().ends_with("here"));
    served.stop.cancel();
    served.ended.await.unwrap().unwrap();
    assert!(ask(served.address, "/").await.is_err());
}

#[tokio::test]
async fn a_stop_lets_a_running_request_end() {
    let served = serve(settings(), None).await;
    let asked = tokio::spawn(ask(served.address, "/slow"));
    tokio::time::sleep(Duration::from_millis(100)).await;
    served.stop.cancel();
    assert!(asked.await.unwrap().unwrap().ends_with("slow"));
    served.ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stop_cuts_off_at_the_deadline_and_says_so() {
    let served = serve(config::Listen { drain_ms: 50, ..settings() }, None).await;
    let asked = tokio::spawn(ask(served.address, "/slow"));
    tokio::time::sleep(Duration::from_millis(100)).await;
    served.stop.cancel();
    assert!(matches!(served.ended.await.unwrap(), Err(ServerError::NotDrained)));
    assert_eq!(asked.await.unwrap().unwrap_or_default(), "");
}

#[tokio::test]
async fn who_connects_and_asks_nothing_is_shown_out() {
    let served = serve(config::Listen { idle_timeout_ms: 100, max_connections: 1, ..settings() }, None).await;
    let mut silent = TcpStream::connect(served.address).await.unwrap();
    // The only slot is taken by the silent one; this request is answered once it is gone.
    let reply = tokio::time::timeout(Duration::from_secs(5), ask(served.address, "/")).await.unwrap().unwrap();
    assert!(reply.ends_with("here"));
    let mut rest = Vec::new();
    assert_eq!(silent.read_to_end(&mut rest).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up() {
    let served = serve(config::Listen { header_timeout_ms: 100, ..settings() }, None).await;
    let mut slow = TcpStream::connect(served.address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nhost: ").await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), slow.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "still open");
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_it() {
    let served = serve(settings(), None).await;
    let again = config::Listen { address: served.address, ..settings() };
    let error = Listener::bind(&again, None, Arc::new(Metrics::new().unwrap())).await.err().unwrap();
    assert!(error.to_string().contains(&served.address.to_string()), "{error}");
}

/// A certificate for `localhost` and its key, made for these tests; it is good for nothing else.
const CERT: &str = include_str!("tests/cert.pem");
const KEY: &str = include_str!("tests/key.pem");

fn tls_files(dir: &std::path::Path, cert: &str, key: &str) -> config::Tls {
    let (cert_file, key_file) = (dir.join("cert.pem"), dir.join("key.pem"));
    std::fs::write(&cert_file, cert).unwrap();
    std::fs::write(&key_file, key).unwrap();
    config::Tls { cert_file: Some(cert_file), key_file: Some(key_file) }
}

#[tokio::test]
async fn over_tls_the_client_chooses_the_protocol() {
    crate::crypto::install_providers();
    let dir = tempfile::tempdir().unwrap();
    let tls = acceptor(&tls_files(dir.path(), CERT, KEY)).unwrap();
    let served = serve(settings(), tls).await;
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(CERT.as_bytes()).unwrap()])
        .resolve("localhost", served.address)
        .build()
        .unwrap();
    let reply = client.get(format!("https://localhost:{}/", served.address.port())).send().await.unwrap();
    assert_eq!(reply.text().await.unwrap(), "here");
    // Without TLS the same port gives nothing.
    assert!(!ask(served.address, "/").await.unwrap_or_default().contains("here"));
}

#[test]
fn unusable_certificates_are_told_by_file() {
    crate::crypto::install_providers();
    let dir = tempfile::tempdir().unwrap();
    assert!(acceptor(&config::Tls::default()).unwrap().is_none());
    let told = |cert: &str, key: &str| acceptor(&tls_files(dir.path(), cert, key)).err().unwrap().to_string();
    assert!(told("", KEY).contains("cert.pem"));
    assert!(told(CERT, "").contains("key.pem"));
    let other = foreign_key();
    assert!(told(CERT, &other).contains("cert.pem"));
}

fn foreign_key() -> String {
    use base64::Engine as _;
    let random = aws_lc_rs::rand::SystemRandom::new();
    let document = aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let text = base64::engine::general_purpose::STANDARD.encode(document.as_ref());
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}
