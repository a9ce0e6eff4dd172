//! What can go wrong in the store.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process (or another store of this process) has the data folder.
    #[error(
        "the data folder `{}` is in use by {}: stop that server first, or choose another folder",
        folder.display(), holder_text(*holder)
    )]
    Locked {
        /// The data folder.
        folder: PathBuf,
        /// The process that has it, when its lock file tells.
        holder: Option<u32>,
    },
    /// The folder holds a store that this version cannot read.
    #[error("the store in `{}` has format {found}, this version reads format {expected}", folder.display())]
    Format {
        /// The data folder.
        folder: PathBuf,
        /// The format on disk.
        found: u32,
        /// The format that this version reads and writes.
        expected: u32,
    },
    /// The folder holds rows, but not of a lakewarden store.
    #[error("the folder `{}` holds a database that is not a lakewarden store", folder.display())]
    Foreign {
        /// The data folder.
        folder: PathBuf,
    },
    /// The store holds fewer writes than were once durable in it: its log was damaged, cut short or replaced.
    #[error(
        "the store in `{}` has lost rows: {marked} writes were durable, it holds {found}: restore it from a backup",
        folder.display()
    )]
    Lost {
        /// The data folder.
        folder: PathBuf,
        /// How many writes the store holds.
        found: u64,
        /// How many its mark says.
        marked: u64,
    },
    /// The rows of a family are not those that were written: some are gone, or are what they once were.
    #[error(
        "the rows of family 0x{family:02x} of the store are damaged: {rows} were written, {found} are there, or some are old: \
         restore the store from a backup"
    )]
    Altered {
        /// The first byte of the keys.
        family: u8,
        /// How many rows the store's own account says.
        rows: u64,
        /// How many were found.
        found: u64,
    },
    /// A file or folder could not be read or written.
    #[error("`{}`: {source}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A row does not have the checksum that it was written with, or a part of it is gone.
    #[error("the row {} of the store is damaged: restore the store from a backup", hex(key))]
    Corrupt {
        /// The key of the row.
        key: Vec<u8>,
    },
    /// A row's record cannot be encoded, or cannot be read back.
    #[error("the record cannot be {what}: {reason}")]
    Record {
        /// `encoded` or `decoded`.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// A key or value that the store does not take. Nothing was written and the store goes on.
    #[error("the row {} cannot be stored: {reason}", hex(key))]
    Refused {
        /// The key of the row.
        key: Vec<u8>,
        /// Why.
        reason: &'static str,
    },
    /// The engine under the store failed.
    #[error("the store failed: {0}")]
    Engine(#[from] sled::Error),
    /// The engine under the store panicked.
    #[error("the store failed: {0}")]
    Panicked(String),
    /// A write failed before, so what is on disk is not known: restart the server to read it anew.
    #[error("the store stopped after a failed write: restart the server")]
    Stopped,
}

impl StoreError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

fn holder_text(holder: Option<u32>) -> String {
    holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

fn hex(key: &[u8]) -> String {
    key.iter().fold(String::from("0x"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
