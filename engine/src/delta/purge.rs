//! Deleting the folder of a managed table.

use std::path::Path;

use super::location::{Location, LocationError};

/// Why a folder wasn't deleted.
#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    /// It isn't ours to delete.
    #[error("`{0}` is not below the folder of managed tables")]
    Outside(String),
    /// The path can't be judged.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// The file system says no.
    #[error("the files of the table cannot be deleted")]
    Io(#[source] std::io::Error),
}

/// Deletes the folder of a managed table with all that is in it. A folder that is gone already is fine.
///
/// Links are judged by where they lead, and what a link in the folder points to stays: only the link goes.
///
/// This blocks: call it on a thread that may.
///
/// # Errors
/// `Outside` unless `table` is below `managed_root`.
pub fn purge(managed_root: &Path, table: &Path) -> Result<(), PurgeError> {
    let root = Location::from_path(managed_root)?;
    let folder = Location::from_path(table)?;
    if !folder.is_below(&root) {
        return Err(PurgeError::Outside(table.display().to_string()));
    }
    match std::fs::symlink_metadata(folder.path()) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(PurgeError::Io(error)),
        Ok(_) => {}
    }
    match std::fs::remove_dir_all(folder.path()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(PurgeError::Io(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_below_the_root_goes_and_may_be_gone() {
        let root = tempfile::tempdir().unwrap();
        let table = root.path().join("tables/t");
        std::fs::create_dir_all(table.join("_delta_log")).unwrap();
        std::fs::write(table.join("_delta_log/0.json"), "{}").unwrap();
        purge(root.path(), &table).unwrap();
        assert!(!table.exists());
        purge(root.path(), &table).unwrap();
        assert!(root.path().join("tables").exists());
    }

    #[test]
    fn folders_outside_and_the_root_itself_stay() {
        let root = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        for place in [root.path(), other.path(), Path::new("/"), &root.path().join("../x"), Path::new("t")] {
            assert!(purge(root.path(), place).is_err(), "{}", place.display());
        }
        assert!(root.path().exists() && other.path().exists());
    }

    #[cfg(unix)]
    #[test]
    fn links_do_not_lead_out() {
        let root = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        let precious = other.path().join("precious");
        std::fs::create_dir(&precious).unwrap();
        std::fs::write(precious.join("rows"), "rows").unwrap();
        let link = root.path().join("link");
        std::os::unix::fs::symlink(&precious, &link).unwrap();
        assert!(matches!(purge(root.path(), &link), Err(PurgeError::Outside(_))));
        let table = root.path().join("t");
        std::fs::create_dir(&table).unwrap();
        std::os::unix::fs::symlink(&precious, table.join("inner")).unwrap();
        purge(root.path(), &table).unwrap();
        assert!(!table.exists());
        assert!(precious.join("rows").exists());
    }
}
