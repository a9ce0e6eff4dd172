use rstest::rstest;
use serde_json::{Value, json};

use super::super::testing::{Desk, ed25519, raw};
use super::*;

fn verify(desk: &Desk, change: impl FnOnce(&mut Header, &mut Value)) -> Result<Verified, Refusal> {
    let (mut header, mut claims) = (desk.header(), desk.claims());
    change(&mut header, &mut claims);
    desk.authority.verify(&desk.sign(&header, &claims))
}

#[test]
fn a_minted_token_verifies_and_names_its_record() {
    let desk = Desk::new(Vec::new());
    let minted = desk.authority.mint(desk.alice, 60).unwrap();
    let verified = desk.authority.verify(minted.token.expose()).unwrap();
    assert_eq!((verified.id, verified.principal), (minted.id, desk.alice));
    assert_eq!(verified.sha256, minted.sha256);
    assert_eq!(minted.expires_at_ms, minted.created_at_ms / 1000 * 1000 + 60_000);
    assert!(!format!("{:?}", minted.token).contains(minted.token.expose().as_str()));
}

#[rstest]
#[case("iss")]
#[case("aud")]
#[case("sub")]
#[case("jti")]
#[case("iat")]
#[case("nbf")]
#[case("exp")]
fn a_missing_claim_is_refused(#[case] claim: &str) {
    let desk = Desk::new(Vec::new());
    assert!(verify(&desk, |_, _| ()).is_ok());
    let result = verify(&desk, |_, claims| drop(claims.as_object_mut().unwrap().remove(claim)));
    assert!(result.is_err(), "{result:?}");
}

#[rstest]
#[case("iss", json!("somebody"))]
#[case("iss", json!(["lakewarden", "somebody"]))]
#[case("iss", json!(5))]
#[case("aud", json!("somebody"))]
#[case("aud", json!(5))]
#[case("aud", json!(["lakewarden"]))]
#[case("aud", json!(null))]
#[case("sub", json!("alice"))]
#[case("sub", json!(5))]
#[case("jti", json!("one"))]
#[case("exp", json!("tomorrow"))]
#[case("exp", json!(-1))]
#[case("exp", json!(null))]
#[case("nbf", json!("now"))]
fn a_claim_of_the_wrong_value_or_type_is_refused(#[case] claim: &str, #[case] value: Value) {
    let desk = Desk::new(Vec::new());
    let result = verify(&desk, |_, claims| claims[claim] = value);
    assert!(result.is_err(), "{result:?}");
}

#[test]
fn times_have_no_leeway_after_the_end_and_little_before_the_start() {
    let desk = Desk::new(Vec::new());
    let now = seconds(desk.clock.now_ms());
    assert!(matches!(verify(&desk, |_, c| c["exp"] = json!(now)), Err(Refusal::Expired)));
    assert!(verify(&desk, |_, c| c["exp"] = json!(now + 1)).is_ok());
    assert!(verify(&desk, |_, c| c["nbf"] = json!(now + 5)).is_ok());
    assert!(matches!(verify(&desk, |_, c| c["nbf"] = json!(now + 6)), Err(Refusal::NotYet)));
    assert!(matches!(verify(&desk, |_, c| c["iat"] = json!(now + 6)), Err(Refusal::NotYet)));
}

#[test]
fn a_token_expires() {
    let desk = Desk::new(Vec::new());
    let minted = desk.authority.mint(desk.alice, 60).unwrap();
    desk.clock.forward_s(59);
    assert!(desk.authority.verify(minted.token.expose()).is_ok());
    desk.clock.forward_s(1);
    assert!(matches!(desk.authority.verify(minted.token.expose()), Err(Refusal::Expired)));
}

#[test]
fn headers_that_ask_for_more_than_we_do_are_refused() {
    let desk = Desk::new(Vec::new());
    assert!(verify(&desk, |h, _| h.crit = Some(vec!["exp".to_owned()])).is_err());
    assert!(verify(&desk, |h, _| h.crit = Some(Vec::new())).is_err());
    assert!(verify(&desk, |h, _| h.typ = Some("JWE".to_owned())).is_err());
    assert!(verify(&desk, |h, _| h.kid = None).is_err());
    assert!(verify(&desk, |h, _| h.kid = Some("other".to_owned())).is_err());
}

#[test]
fn a_foreign_key_under_our_kid_is_refused() {
    let desk = Desk::new(Vec::new());
    let foreign = jsonwebtoken::EncodingKey::from_ed_der(&ed25519().0);
    let token = jsonwebtoken::encode(&desk.header(), &desk.claims(), &foreign).unwrap();
    assert!(matches!(desk.authority.verify(&token), Err(Refusal::Invalid("signature"))));
}

#[test]
fn alg_none_is_refused_in_every_spelling() {
    let desk = Desk::new(Vec::new());
    for alg in ["none", "None", "NONE", ""] {
        let header = json!({ "typ": "JWT", "alg": alg, "kid": desk.kid });
        assert!(desk.authority.verify(&raw(&header, &desk.claims().to_string(), b"")).is_err());
    }
}

#[test]
fn our_public_key_is_no_hmac_secret() {
    let desk = Desk::new(Vec::new());
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_pkcs8(&desk.key_der).unwrap();
    let public = aws_lc_rs::signature::KeyPair::public_key(&pair).as_ref();
    let mut header = desk.header();
    header.alg = Algorithm::HS256;
    for secret in [public, b"".as_slice()] {
        let token =
            jsonwebtoken::encode(&header, &desk.claims(), &jsonwebtoken::EncodingKey::from_secret(secret)).unwrap();
        assert!(matches!(desk.authority.verify(&token), Err(Refusal::Invalid("algorithm"))));
    }
}

#[test]
fn a_claim_that_comes_twice_is_refused() {
    let desk = Desk::new(Vec::new());
    let good = desk.claims().to_string();
    let twice = good.replacen('{', r#"{"sub":"018f0000-0000-7000-8000-000000000000","#, 1);
    let header = json!({ "typ": "JWT", "alg": "EdDSA", "kid": desk.kid });
    let sign = |claims: &str| {
        let unsigned = raw(&header, claims, b"");
        let message = unsigned.trim_end_matches('.');
        let key = jsonwebtoken::EncodingKey::from_ed_der(&desk.key_der);
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::EdDSA).unwrap();
        format!("{message}.{signature}")
    };
    assert!(desk.authority.verify(&sign(&good)).is_ok());
    assert!(desk.authority.verify(&sign(&twice)).is_err());
}

#[test]
fn a_changed_byte_anywhere_is_refused() {
    let desk = Desk::new(Vec::new());
    let token = desk.authority.mint(desk.alice, 60).unwrap().token.expose().clone();
    for i in (0..token.len()).step_by(7) {
        let mut bytes = token.clone().into_bytes();
        bytes[i] = if bytes[i] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        if let Ok(verified) = desk.authority.verify(&changed) {
            // Unused bits of the last character: the same content, but not the text whose hash is recorded.
            assert_ne!(verified.sha256, sha256(&token), "byte {i}");
        }
    }
}
