//! The two calls that make what was written outlive a power cut.
//!
//! The engine asks the kernel to write its log, and no more: without these calls an acknowledged commit, and the store
//! with it, is lost when the power goes. They stand behind a trait so that a test can put a disk in their place that
//! forgets whatever it was not told to keep.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;

/// What keeps files and folders over a power cut.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// Returns when the content of `file`, which lies at `path`, is kept.
    ///
    /// # Errors
    /// When it may not be; the store stops then.
    fn keep_file(&self, path: &Path, file: &File) -> io::Result<()>;

    /// Returns when the names in the folder are kept.
    ///
    /// # Errors
    /// When they may not be; the store stops then.
    fn keep_folder(&self, path: &Path) -> io::Result<()>;
}

/// The disk of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn keep_file(&self, _path: &Path, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn keep_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}
