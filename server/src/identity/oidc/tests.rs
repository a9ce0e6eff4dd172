use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use lakewarden_catalog::model::RequestId;
use rstest::rstest;
use serde_json::json;
use uuid::Uuid;

use super::super::testing::{Desk, raw};
use super::*;

const ISSUER: &str = "https://id.example.org";

struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
    kid: &'static str,
}

impl Signer {
    fn es256(kid: &'static str) -> Self {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self { key: EncodingKey::from_ec_der(document.as_ref()), algorithm: Algorithm::ES256, kid }
    }

    fn rs256(kid: &'static str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
        // The token library wants the inner key (PKCS#1): it stands in the PKCS#8 wrapper behind 26 bytes of header.
        let der = der.as_ref().get(26..).unwrap().to_vec();
        Self { key: EncodingKey::from_rsa_der(&der), algorithm: Algorithm::RS256, kid }
    }

    fn jwk(&self) -> serde_json::Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.kid.to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    fn header(&self) -> Header {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.kid.to_owned());
        header
    }

    fn sign(&self, claims: &serde_json::Value) -> String {
        jsonwebtoken::encode(&self.header(), claims, &self.key).unwrap()
    }
}

fn trust(jwks: &serde_json::Value) -> config::Issuer {
    config::Issuer {
        issuer: ISSUER.to_owned(),
        audience: "lakewarden".to_owned(),
        algorithms: vec![config::Algorithm::RS256, config::Algorithm::ES256, config::Algorithm::EdDSA],
        jwks: Some(jwks.to_string()),
        principal_claim: "sub".to_owned(),
        min_refresh_s: 60,
        ..config::Issuer::default()
    }
}

fn claims() -> serde_json::Value {
    let now = jsonwebtoken::get_current_timestamp();
    json!({ "iss": ISSUER, "aud": ["other", "lakewarden"], "sub": "alice", "iat": now, "exp": now + 600, "groups": ["admins"] })
}

async fn enter(desk: &Desk, token: &str) -> Result<String, Refusal> {
    let caller = desk.identity.caller(token, RequestId(Uuid::nil()), "grpc").await?;
    Ok(caller.name.as_str().to_owned())
}

#[rstest]
#[case(Signer::es256("k"))]
#[case(Signer::rs256("k"))]
#[tokio::test]
async fn a_token_of_a_trusted_issuer_enters(#[case] signer: Signer) {
    let desk = Desk::new(vec![trust(&json!({ "keys": [signer.jwk()] }))]);
    assert_eq!(enter(&desk, &signer.sign(&claims())).await.unwrap(), "alice");
}

#[rstest]
#[case("iss", json!("https://other.example.org"))]
#[case("iss", json!([ISSUER]))]
#[case("iss", json!(null))]
#[case("aud", json!("other"))]
#[case("aud", json!(5))]
#[case("aud", json!(null))]
#[case("exp", json!(null))]
#[case("exp", json!("never"))]
#[case("exp", json!(1))]
#[case("nbf", json!(4102444800u64))]
#[case("iat", json!(4102444800u64))]
#[case("sub", json!(null))]
#[case("sub", json!(5))]
#[case("sub", json!("nobody"))]
#[case("sub", json!("Alice"))]
#[case("sub", json!("analysts"))]
#[case("sub", json!(""))]
#[tokio::test]
async fn a_claim_that_is_missing_or_wrong_is_refused(#[case] claim: &str, #[case] value: serde_json::Value) {
    let signer = Signer::es256("k");
    let desk = Desk::new(vec![trust(&json!({ "keys": [signer.jwk()] }))]);
    let mut claims = claims();
    match value {
        serde_json::Value::Null => drop(claims.as_object_mut().unwrap().remove(claim)),
        value => claims[claim] = value,
    }
    assert!(enter(&desk, &signer.sign(&claims)).await.is_err());
}

#[tokio::test]
async fn a_public_key_is_no_hmac_secret() {
    let signer = Signer::rs256("k");
    let jwk = signer.jwk();
    let desk = Desk::new(vec![trust(&json!({ "keys": [jwk] }))]);
    let mut header = signer.header();
    header.alg = Algorithm::HS256;
    for secret in [jwk["n"].as_str().unwrap().as_bytes(), jwk.to_string().as_bytes(), b""] {
        let token = jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(secret)).unwrap();
        assert!(enter(&desk, &token).await.is_err());
    }
}

#[tokio::test]
async fn a_key_is_used_with_its_own_algorithm_only() {
    let signer = Signer::rs256("k");
    let desk = Desk::new(vec![trust(&json!({ "keys": [signer.jwk()] }))]);
    for algorithm in [Algorithm::RS512, Algorithm::PS256] {
        let mut header = signer.header();
        header.alg = algorithm;
        let token = jsonwebtoken::encode(&header, &claims(), &signer.key).unwrap();
        assert!(matches!(enter(&desk, &token).await, Err(Refusal::Invalid("algorithm"))));
    }
}

#[tokio::test]
async fn unsigned_foreign_and_critical_tokens_are_refused() {
    let (signer, foreign) = (Signer::es256("k"), Signer::es256("k"));
    let desk = Desk::new(vec![trust(&json!({ "keys": [signer.jwk()] }))]);
    let unsigned = raw(&json!({ "alg": "none", "kid": "k" }), &claims().to_string(), b"");
    assert!(enter(&desk, &unsigned).await.is_err());
    assert!(enter(&desk, &foreign.sign(&claims())).await.is_err());
    let mut header = signer.header();
    header.crit = Some(vec!["b64".to_owned()]);
    assert!(enter(&desk, &jsonwebtoken::encode(&header, &claims(), &signer.key).unwrap()).await.is_err());
    let mut header = signer.header();
    header.kid = None;
    assert!(enter(&desk, &jsonwebtoken::encode(&header, &claims(), &signer.key).unwrap()).await.is_err());
}

#[tokio::test]
async fn an_issuer_cannot_sign_for_us_or_for_another() {
    let (one, two) = (Signer::es256("k"), Signer::es256("k"));
    let mut other = trust(&json!({ "keys": [two.jwk()] }));
    other.issuer = "https://two.example.org".to_owned();
    let desk = Desk::new(vec![trust(&json!({ "keys": [one.jwk()] })), other]);
    assert!(enter(&desk, &two.sign(&claims())).await.is_err());
    let mut ours = desk.claims();
    assert!(enter(&desk, &one.sign(&ours)).await.is_err());
    ours["iss"] = json!(ISSUER);
    assert!(enter(&desk, &desk.sign(&desk.header(), &ours)).await.is_err());
}

#[tokio::test]
async fn an_unverified_address_is_nobodys_name() {
    let signer = Signer::es256("k");
    let mut settings = trust(&json!({ "keys": [signer.jwk()] }));
    settings.principal_claim = "email".to_owned();
    let desk = Desk::new(vec![settings]);
    let mut claims = claims();
    claims["email"] = json!("Alice");
    assert!(enter(&desk, &signer.sign(&claims)).await.is_err());
    claims["email_verified"] = json!("true");
    assert!(enter(&desk, &signer.sign(&claims)).await.is_err());
    claims["email_verified"] = json!(true);
    assert!(enter(&desk, &signer.sign(&claims)).await.is_ok());
}

#[test]
fn keys_that_are_symmetric_ambiguous_or_for_encryption_are_left_out() {
    crate::crypto::install_providers();
    let allowed = [config::Algorithm::RS256, config::Algorithm::PS256, config::Algorithm::ES256];
    let (good, twice) = (Signer::es256("good"), Signer::es256("twice"));
    let mut encryption = Signer::es256("enc").jwk();
    encryption["use"] = json!("enc");
    let mut nameless = Signer::es256("x").jwk();
    nameless.as_object_mut().unwrap().remove("kid");
    let mut ambiguous = Signer::rs256("rsa").jwk();
    ambiguous.as_object_mut().unwrap().remove("alg");
    let symmetric = json!({ "kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "kid": "oct" });
    let strange = json!({ "kty": "XYZ", "kid": "strange" });
    let set = json!({ "keys": [good.jwk(), twice.jwk(), Signer::es256("twice").jwk(), encryption, nameless, ambiguous, symmetric, strange] });
    let read = jwks::read(&set.to_string(), &allowed).unwrap();
    assert_eq!(read.keys().collect::<Vec<_>>(), ["good"]);
    assert!(jwks::read("{\"keys\":[]}", &allowed).is_err());
}

/// A key set served over HTTP, with the number of times it was asked for.
async fn serve(set: &Arc<RwLock<String>>) -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let (set, count) = (Arc::clone(set), Arc::clone(&asked));
    let answer = move || {
        count.fetch_add(1, Ordering::SeqCst);
        let text = set.read().clone();
        async move { text }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/jwks", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/jwks", axum::routing::get(answer));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = hyper_util::service::TowerToHyperService::new(router.clone());
            let builder = hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
            let connection = builder.serve_connection(hyper_util::rt::TokioIo::new(stream), service).into_owned();
            tokio::spawn(connection);
        }
    });
    (uri, asked)
}

#[tokio::test]
async fn an_unknown_kid_leads_to_one_fetch_however_often_it_comes() {
    let (old, new) = (Signer::es256("old"), Signer::es256("new"));
    let set = Arc::new(RwLock::new(json!({ "keys": [old.jwk()] }).to_string()));
    let (uri, asked) = serve(&set).await;
    let settings = config::Issuer { jwks: None, jwks_uri: Some(uri), ..trust(&json!({})) };
    let desk = Desk::new(vec![settings.clone()]);
    assert!(enter(&desk, &old.sign(&claims())).await.is_ok());
    assert!(enter(&desk, &old.sign(&claims())).await.is_ok());
    assert_eq!(asked.load(Ordering::SeqCst), 1, "a known key is not fetched again");
    *set.write() = json!({ "keys": [old.jwk(), new.jwk()] }).to_string();
    for _ in 0..5 {
        assert!(matches!(enter(&desk, &new.sign(&claims())).await, Err(Refusal::UnknownKey)));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1, "too soon after the last fetch");
    let eager = Desk::new(vec![config::Issuer { min_refresh_s: 0, ..settings }]);
    assert!(enter(&eager, &new.sign(&claims())).await.is_ok());
}

#[tokio::test]
async fn keys_and_addresses_in_the_token_itself_are_not_used() {
    let (ours, theirs) = (Signer::es256("ours"), Signer::es256("theirs"));
    let set = Arc::new(RwLock::new(json!({ "keys": [theirs.jwk()] }).to_string()));
    let (uri, asked) = serve(&set).await;
    let desk = Desk::new(vec![trust(&json!({ "keys": [ours.jwk()] }))]);
    for kid in ["ours", "theirs"] {
        let mut header = theirs.header();
        header.kid = Some(kid.to_owned());
        header.jku = Some(uri.clone());
        header.x5u = Some(uri.clone());
        header.jwk = serde_json::from_value(theirs.jwk()).ok();
        let token = jsonwebtoken::encode(&header, &claims(), &theirs.key).unwrap();
        assert!(enter(&desk, &token).await.is_err());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_key_set_that_cannot_be_had_refuses_and_breaks_nothing() {
    let settings =
        config::Issuer { jwks: None, jwks_uri: Some("http://127.0.0.1:9/jwks".to_owned()), ..trust(&json!({})) };
    let desk = Desk::new(vec![settings]);
    assert!(matches!(enter(&desk, &Signer::es256("k").sign(&claims())).await, Err(Refusal::UnknownKey)));
    let own = desk.issue(desk.alice, 60);
    assert!(enter(&desk, own.token.expose()).await.is_ok());
}
