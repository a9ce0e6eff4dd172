//! The one provider of cryptography, for TLS and for tokens.

/// Makes aws-lc the provider of this process for both `rustls` and `jsonwebtoken`. Without it, feature unification can
/// leave either library with two providers or none, and then the first use panics. May be called again.
pub fn install_providers() {
    // An error says that a provider is already there; both libraries are built with this one only.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_are_installed_once_and_work() {
        install_providers();
        install_providers();
        assert!(rustls::crypto::CryptoProvider::get_default().is_some());
        assert!(jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default().is_err());
        let key = aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
        let key = jsonwebtoken::EncodingKey::from_ed_der(key.as_ref());
        assert!(jsonwebtoken::crypto::sign(b"text", &key, jsonwebtoken::Algorithm::EdDSA).is_ok());
    }
}
