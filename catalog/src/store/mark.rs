//! The mark: how many writes the store is known to hold, kept beside the engine.
//!
//! The engine takes a log that is damaged for one that is new, or that ends sooner, and opens without a word: rules and
//! denials would be gone, and an empty store would even be bootstrapped anew. So every write is counted
//! (see [`super::ledger`]), and now and then the count is put here once it is durable. A store that holds fewer writes than its mark says has lost
//! rows and is not opened. The mark is never ahead of the durable rows; what was written since the last one is not guarded.
//!
//! **Shape.** The file `mark` in the store's folder: the count in decimal and a line feed. Who has to open a damaged store
//! none the less removes it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use super::{Disk, StoreError};

const FILE: &str = "mark";
const NEW: &str = "mark.new";

/// The count in the mark; none when there is no mark.
pub(super) fn read(folder: &Path) -> Result<Option<u64>, StoreError> {
    let path = folder.join(FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StoreError::Io { path, source }),
    };
    let count = text.trim_end().parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error));
    count.map(Some).map_err(StoreError::io(path))
}

/// Puts the count into the mark, and returns when that is kept.
pub(super) fn write(folder: &Path, disk: &dyn Disk, count: u64) -> Result<(), StoreError> {
    let new = folder.join(NEW);
    let io = || StoreError::io(&new);
    let mut file = File::create(&new).map_err(io())?;
    writeln!(file, "{count}").map_err(io())?;
    disk.keep_file(&new, &file).map_err(io())?;
    fs::rename(&new, folder.join(FILE)).map_err(io())?;
    disk.keep_folder(folder).map_err(StoreError::io(folder))
}
