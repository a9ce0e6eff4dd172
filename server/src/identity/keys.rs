//! The Ed25519 key that signs our own tokens.

use std::path::Path;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha256};

use super::secret_file;
use crate::error::ServerError;

/// The name of the key's file in `DIR/keys`.
const FILE: &str = "token-signing.pem";

/// A signing key, ready for use.
pub struct SigningKey {
    /// Names the key: a digest of its public half.
    pub kid: String,
    /// The private half.
    pub encoding: EncodingKey,
    /// The public half.
    pub decoding: DecodingKey,
}

impl SigningKey {
    /// The key in `keys_dir`; the first call makes one.
    ///
    /// # Errors
    /// When the file cannot be read or written, others can read it, or it holds no Ed25519 key.
    pub fn open(keys_dir: &Path) -> Result<Self, ServerError> {
        let path = keys_dir.join(FILE);
        if let Some(pem) = secret_file::read(&path)? {
            return Self::from_pem(&pem, &path.display().to_string());
        }
        secret_file::private_dir(keys_dir)?;
        let pem = generate()?;
        secret_file::write(&path, &pem)?;
        Self::from_pem(&pem, &path.display().to_string())
    }

    /// The key in a PKCS#8 PEM text; `what` names it in an error.
    ///
    /// # Errors
    /// When the text holds no Ed25519 key.
    pub fn from_pem(pem: &str, what: &str) -> Result<Self, ServerError> {
        let fault = |cause: &str| ServerError::Key { what: what.to_owned(), cause: cause.to_owned() };
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| fault("it holds no `PRIVATE KEY` in PEM"))?;
        let der = der.secret_pkcs8_der();
        let pair = Ed25519KeyPair::from_pkcs8(der).map_err(|_| fault("it is not an Ed25519 key in PKCS#8"))?;
        let public = pair.public_key().as_ref();
        let digest = Sha256::digest(public);
        let kid = URL_SAFE_NO_PAD.encode(digest.get(..12).unwrap_or(&digest));
        Ok(Self { kid, encoding: EncodingKey::from_ed_der(der), decoding: DecodingKey::from_ed_der(public) })
    }
}

fn generate() -> Result<String, ServerError> {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
        .map_err(|_| ServerError::Key { what: FILE.to_owned(), cause: "no key could be generated".to_owned() })?;
    let body = STANDARD.encode(document.as_ref());
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = body.as_str();
    while let Some((line, tail)) = rest.split_at_checked(64) {
        pem.push_str(line);
        pem.push('\n');
        rest = tail;
    }
    if !rest.is_empty() {
        pem.push_str(rest);
        pem.push('\n');
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    Ok(pem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let keys = dir.path().join("keys");
        let first = SigningKey::open(&keys).unwrap();
        let second = SigningKey::open(&keys).unwrap();
        assert_eq!(first.kid, second.kid);
        assert_ne!(first.kid, SigningKey::open(&dir.path().join("others")).unwrap().kid);
    }

    #[test]
    fn a_broken_key_file_is_an_error_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        secret_file::write(&path, "not a key").unwrap();
        assert!(matches!(SigningKey::open(dir.path()), Err(ServerError::Key { .. })));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "not a key");
    }
}
