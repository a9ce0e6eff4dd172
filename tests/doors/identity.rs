//! Tokens that are not to be let in, shown at every door of a whole server.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use lakewarden_proto::v1;
use lakewarden_proto::v1::identity_service_client::IdentityServiceClient;
use lakewarden_test_support::Server;
use serde_json::{Value, json};
use tonic::Code;

use crate::visitor::{Visitor, get, sqlstate};

/// What the server itself signs with, read from its data folder, and the parts of a good token.
struct Forge {
    key: EncodingKey,
    header: Header,
    claims: Value,
    pem: String,
}

impl Forge {
    fn new(server: &Server, token: &str) -> Self {
        let pem = std::fs::read_to_string(server.data_dir().join("keys/token-signing.pem")).unwrap();
        let header = jsonwebtoken::decode_header(token).unwrap();
        let claims = jsonwebtoken::dangerous::insecure_decode_claims(token).unwrap();
        Self { key: EncodingKey::from_ed_pem(pem.as_bytes()).unwrap(), header, claims, pem }
    }

    fn sign(&self, change: impl FnOnce(&mut Header, &mut Value)) -> String {
        let (mut header, mut claims) = (self.header.clone(), self.claims.clone());
        change(&mut header, &mut claims);
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }
}

/// Shows a token at the gRPC, the Flight SQL and the HTTP door; all of them must give the same answer.
async fn let_in(server: &Server, token: &str) -> bool {
    let mut grpc = IdentityServiceClient::new(server.client(token).await);
    let by_grpc = grpc.who_am_i(v1::WhoAmIRequest::default()).await;
    let by_flight = Visitor::new(server, token).await.query("SELECT 1").await;
    let (by_http, _) = get(server, "/metrics", Some(token)).await;
    match (&by_grpc, &by_flight, by_http) {
        (Ok(_), Ok(_), 200) => true,
        (Err(grpc), Err(flight), 401) => {
            assert_eq!((grpc.code(), flight.code()), (Code::Unauthenticated, Code::Unauthenticated));
            assert_eq!((sqlstate(grpc).as_str(), sqlstate(flight).as_str()), ("28000", "28000"));
            assert!(!grpc.message().contains(token) || token.is_empty());
            false
        }
        other => panic!("the doors differ: {other:?}"),
    }
}

#[tokio::test]
async fn a_good_token_is_let_in_until_it_is_revoked() {
    let server = Server::start().await;
    server.user("alice").await;
    let token = server.token("alice", 3600).await;
    assert!(let_in(&server, &token.text).await);
    server.revoke_token(&token.id).await;
    assert!(!let_in(&server, &token.text).await);
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    let server = Server::start().await;
    server.user("alice").await;
    let token = server.token("alice", 1).await.text;
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    assert!(!let_in(&server, &token).await);
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let server = Server::start().await;
    let token = server.user("alice").await;
    assert!(let_in(&server, &token).await);
    let forge = Forge::new(&server, &token);
    let [_, payload, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let none = "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0";
    let hs256 = |secret: &[u8]| {
        let header = Header { alg: Algorithm::HS256, ..forge.header.clone() };
        jsonwebtoken::encode(&header, &forge.claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    let mut other = forge.header.clone();
    other.kid = Some("other".to_owned());
    let forged = [
        String::new(),
        "garbage".to_owned(),
        format!("{none}.{payload}."),
        format!("{none}.{payload}.{signature}"),
        hs256(b""),
        hs256(forge.pem.as_bytes()),
        jsonwebtoken::encode(&forge.header, &forge.claims, &foreign_key()).unwrap(),
        jsonwebtoken::encode(&other, &forge.claims, &foreign_key()).unwrap(),
    ];
    for token in forged {
        assert!(!let_in(&server, &token).await, "{token}");
    }
}

#[tokio::test]
async fn what_our_own_key_signed_but_the_catalog_did_not_record_is_refused() {
    let server = Server::start().await;
    let token = server.user("alice").await;
    let forge = Forge::new(&server, &token);
    let missing = |claim: &'static str| {
        forge.sign(move |_, claims| {
            claims.as_object_mut().unwrap().remove(claim).unwrap();
        })
    };
    let mut signed = ["iss", "aud", "sub", "jti", "iat", "nbf", "exp"].map(missing).to_vec();
    signed.push(forge.sign(|_, claims| claims["exp"] = json!(claims["exp"].as_u64().unwrap() + 1)));
    signed.push(forge.sign(|_, claims| claims["aud"] = json!(["lakewarden"])));
    signed.push(forge.sign(|_, claims| claims["aud"] = json!(5)));
    signed.push(forge.sign(|_, claims| claims["iss"] = json!("https://elsewhere.example.org")));
    signed.push(forge.sign(|_, claims| claims["more"] = json!(1)));
    signed.push(forge.sign(|header, _| header.crit = Some(vec!["b64".to_owned()])));
    signed.push(forge.sign(|header, _| header.jku = Some(format!("{}/keys", server.endpoint()))));
    for token in signed {
        assert!(!let_in(&server, &token).await, "{token}");
    }
}

#[tokio::test]
async fn a_token_of_another_server_is_refused() {
    let (one, two) = (Server::start().await, Server::start().await);
    let token = one.user("alice").await;
    two.user("alice").await;
    assert!(let_in(&one, &token).await);
    assert!(!let_in(&two, &token).await);
    assert!(!let_in(&two, one.admin()).await);
}

/// A key that no server has.
fn foreign_key() -> EncodingKey {
    let pem = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";
    EncodingKey::from_ed_pem(pem.as_bytes()).unwrap()
}
