//! Files that only their owner may read: written whole or not at all, refused when others can read them.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::error::ServerError;

/// Makes a folder that only its owner may enter, if there is none.
///
/// # Errors
/// When it cannot be made.
pub fn private_dir(path: &Path) -> Result<(), ServerError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| ServerError::File { path: path.to_owned(), doing: "made", source })
}

/// Reads a file of secrets; `None` when there is none.
///
/// # Errors
/// When it cannot be read, or when others can read it.
pub fn read(path: &Path) -> Result<Option<String>, ServerError> {
    let fault = |source| ServerError::File { path: path.to_owned(), doing: "read", source };
    let mode = match fs::metadata(path) {
        Ok(metadata) => metadata.permissions().mode(),
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(fault(e)),
    };
    if mode & 0o077 != 0 {
        return Err(ServerError::Exposed { path: path.to_owned() });
    }
    fs::read_to_string(path).map(Some).map_err(fault)
}

/// Writes a file of secrets with mode 0600. It appears whole, or not at all; an old one is replaced.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, text: &str) -> Result<(), ServerError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", Uuid::from_u128(rand_u128())));
    let beside = PathBuf::from(beside);
    let written = write_new(&beside, text).and_then(|()| fs::rename(&beside, path)).and_then(|()| sync_parent(path));
    written.map_err(|source| {
        // The error below says what happened; a leftover under a random name is harmless.
        let _ = fs::remove_file(&beside);
        ServerError::File { path: path.to_owned(), doing: "written", source }
    })
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn sync_parent(path: &Path) -> std::io::Result<()> {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

fn rand_u128() -> u128 {
    let mut bytes = [0u8; 16];
    // The name only needs to be free: `create_new` refuses one that is taken.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    u128::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_for_its_owner_only_and_can_be_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        assert!(read(&path).unwrap().is_none());
        write(&path, "one").unwrap();
        write(&path, "two").unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some("two"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        write(&path, "one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(read(&path), Err(ServerError::Exposed { .. })));
    }
}
