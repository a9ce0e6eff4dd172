//! The certificate of the server.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config;
use crate::error::ServerError;

/// What does the TLS handshakes; `None` when the settings name no certificate. Clients choose HTTP/2 or HTTP/1.1 by ALPN.
///
/// # Errors
/// When a file cannot be read, or key and certificate do not belong together.
pub fn acceptor(settings: &config::Tls) -> Result<Option<TlsAcceptor>, ServerError> {
    let (Some(cert_file), Some(key_file)) = (&settings.cert_file, &settings.key_file) else { return Ok(None) };
    let certs = chain(cert_file)?;
    let key = read(key_file).and_then(|bytes| {
        PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| unusable(key_file, "it holds no private key in PEM"))
    })?;
    let server = ServerConfig::builder().with_no_client_auth().with_single_cert(certs, key);
    let mut server = server.map_err(|e| unusable(cert_file, &e.to_string()))?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(server))))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, ServerError> {
    let bytes = read(path)?;
    let certs: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match certs {
        Ok(certs) if !certs.is_empty() => Ok(certs),
        _ => Err(unusable(path, "it holds no certificate in PEM")),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ServerError> {
    std::fs::read(path).map_err(|source| ServerError::File { path: path.to_owned(), doing: "read", source })
}

fn unusable(path: &Path, cause: &str) -> ServerError {
    ServerError::Key { what: path.display().to_string(), cause: cause.to_owned() }
}
