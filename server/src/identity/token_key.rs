//! The key of `tokenize`: equal values have equal tokens as long as it stays.

use std::path::Path;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lakewarden_engine::TokenKey;

use super::secret_file;
use crate::error::ServerError;

/// The name of the key's file in `DIR/keys`.
const FILE: &str = "tokenize.key";

/// The key in `keys_dir`; the first call makes one.
///
/// # Errors
/// When the file cannot be read or written, others can read it, or it holds no key.
pub fn open(keys_dir: &Path) -> Result<TokenKey, ServerError> {
    let path = keys_dir.join(FILE);
    if let Some(text) = secret_file::read(&path)? {
        return from_text(&text, &path.display().to_string());
    }
    secret_file::private_dir(keys_dir)?;
    let mut bytes = [0; TokenKey::BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| fault(FILE, "no key could be generated"))?;
    secret_file::write(&path, &format!("{}\n", STANDARD.encode(bytes)))?;
    Ok(TokenKey::new(&bytes))
}

/// The key in a base64 text; `what` names it in an error.
///
/// # Errors
/// When the text holds no key.
pub fn from_text(text: &str, what: &str) -> Result<TokenKey, ServerError> {
    let bytes = STANDARD.decode(text.trim()).map_err(|_| fault(what, "it is not base64"))?;
    let bytes: [u8; TokenKey::BYTES] = bytes.try_into().map_err(|_| fault(what, "it does not hold 32 bytes"))?;
    Ok(TokenKey::new(&bytes))
}

fn fault(what: &str, cause: &str) -> ServerError {
    ServerError::Key { what: what.to_owned(), cause: cause.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_is_nobody_elses_to_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        open(dir.path()).unwrap();
        let made = std::fs::read_to_string(&path).unwrap();
        open(dir.path()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), made);
        assert_eq!(STANDARD.decode(made.trim()).unwrap().len(), 32);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_broken_key_file_is_an_error_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        secret_file::write(&path, "c2hvcnQ=").unwrap();
        assert!(matches!(open(dir.path()), Err(ServerError::Key { .. })));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "c2hvcnQ=");
    }
}
