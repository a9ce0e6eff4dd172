//! What the tests of identity share: a clock that stands, records in memory, and a forge for tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use lakewarden_catalog::clock::Clock;
use lakewarden_catalog::gate::AllowAll;
use lakewarden_catalog::model::{Name, PrincipalId, PrincipalKind, PrincipalName, RequestId};
use lakewarden_catalog::ops::tokens::NewToken;
use lakewarden_catalog::store::OpenOptions;
use lakewarden_catalog::{Caller, Handle, Metastore};
use serde_json::{Value, json};
use uuid::Uuid;

use super::keys::SigningKey;
use super::tokens::{Minted, TokenAuthority};
use super::{Identity, oidc};
use crate::config;

/// A clock at the time of the machine when it was made; tests move it.
pub(super) struct HandClock(AtomicI64);

impl HandClock {
    pub(super) fn new() -> Arc<Self> {
        let now = jsonwebtoken::get_current_timestamp();
        Arc::new(Self(AtomicI64::new(i64::try_from(now).unwrap() * 1000)))
    }

    pub(super) fn forward_s(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn new_id(&self) -> Uuid {
        let mut bytes = [0; 16];
        aws_lc_rs::rand::fill(&mut bytes).unwrap();
        Uuid::from_bytes(bytes)
    }
}

/// A desk with a catalog of its own, in which everybody may do everything, two users, `alice` and `bob`, and a group,
/// `analysts`.
pub(super) struct Desk {
    pub(super) clock: Arc<HandClock>,
    pub(super) catalog: Handle,
    pub(super) authority: Arc<TokenAuthority>,
    pub(super) key_der: Vec<u8>,
    pub(super) kid: String,
    pub(super) identity: Arc<Identity>,
    pub(super) admin: Caller,
    pub(super) alice: PrincipalId,
    pub(super) bob: PrincipalId,
    _dir: tempfile::TempDir,
}

impl Desk {
    pub(super) fn new(issuers: Vec<config::Issuer>) -> Self {
        crate::crypto::install_providers();
        let dir = tempfile::tempdir().unwrap();
        let clock = HandClock::new();
        let shared: Arc<dyn Clock> = clock.clone();
        let metastore =
            Metastore::open(dir.path(), &OpenOptions::default(), Arc::new(AllowAll), shared.clone()).unwrap();
        let admin =
            metastore.bootstrap(&Name::parse("main").unwrap(), &PrincipalName::parse("admin").unwrap()).unwrap();
        let admin = Caller {
            principal: admin.id,
            name: admin.name.clone(),
            kind: admin.kind,
            request_id: RequestId(Uuid::nil()),
            door: "startup",
        };
        let create = |kind, name| {
            metastore.create_principal(&admin, kind, &PrincipalName::parse(name).unwrap(), None).unwrap().id
        };
        let (alice, bob) = (create(PrincipalKind::User, "alice"), create(PrincipalKind::User, "bob"));
        create(PrincipalKind::Group, "analysts");
        let settings = config::Identity { issuers, ..config::Identity::default() };
        let (key_der, pem) = ed25519();
        let key = SigningKey::from_pem(&pem, "test").unwrap();
        let kid = key.kid.clone();
        let authority = Arc::new(TokenAuthority::new(key, &settings, Arc::clone(&shared)));
        let issuers = oidc::Issuers::new(&settings, &shared).unwrap();
        let catalog = Handle::new(metastore);
        let identity = Arc::new(Identity::new(Arc::clone(&authority), issuers, catalog.clone()));
        Self { clock, catalog, authority, key_der, kid, identity, admin, alice, bob, _dir: dir }
    }

    /// A token of ours with its record.
    pub(super) fn issue(&self, principal: PrincipalId, ttl_s: u64) -> Minted {
        let minted = self.authority.mint(principal, ttl_s).unwrap();
        self.record(principal, &minted, |_| ());
        minted
    }

    /// Records a token, changed.
    pub(super) fn record(&self, principal: PrincipalId, minted: &Minted, change: impl FnOnce(&mut NewToken)) {
        let (id, sha256, expires_at_ms) = (minted.id, minted.sha256, minted.expires_at_ms);
        let mut new = NewToken { id, sha256, principal, expires_at_ms, comment: None };
        change(&mut new);
        self.catalog.reads().record_token(&self.admin, &new).unwrap();
    }

    /// The claims of a good token of ours.
    pub(super) fn claims(&self) -> Value {
        let now = self.clock.now_ms() / 1000;
        json!({ "iss": "lakewarden", "aud": "lakewarden", "sub": self.alice.to_string(), "jti": self.clock.new_id().to_string(),
                "iat": now, "nbf": now, "exp": now + 600 })
    }

    /// A header of ours.
    pub(super) fn header(&self) -> Header {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.kid.clone());
        header
    }

    /// Signs anything with our own key.
    pub(super) fn sign(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &EncodingKey::from_ed_der(&self.key_der)).unwrap()
    }
}

/// A new Ed25519 key as PKCS#8, in DER and in PEM.
pub(super) fn ed25519() -> (Vec<u8>, String) {
    use base64::Engine as _;
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let text = base64::engine::general_purpose::STANDARD.encode(document.as_ref());
    (document.as_ref().to_vec(), format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"))
}

/// A token made of parts that no library would join.
pub(super) fn raw(header: &Value, claims: &str, signature: &[u8]) -> String {
    use base64::Engine as _;
    let part = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    format!("{}.{}.{}", part(header.to_string().as_bytes()), part(claims.as_bytes()), part(signature))
}
