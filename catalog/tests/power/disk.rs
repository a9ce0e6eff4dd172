//! A disk that keeps what it was asked to keep, and no more.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use lakewarden_catalog::store::Disk;

use super::workload::Random;

const SECTOR: usize = 512;

/// Copies a file into its folder when the store asks to keep it; what lies there is what a power cut leaves. What was
/// renamed into place is kept with the names of its folder: its content was synced before.
#[derive(Debug)]
pub struct ForgetfulDisk {
    kept: PathBuf,
}

impl ForgetfulDisk {
    pub fn new(kept: PathBuf) -> Self {
        Self { kept }
    }
}

impl Disk for ForgetfulDisk {
    fn keep_file(&self, path: &Path, file: &File) -> io::Result<()> {
        file.sync_data()?;
        let new = self.kept.join("new");
        fs::copy(path, &new)?;
        fs::rename(new, self.kept.join(path.file_name().unwrap()))
    }

    fn keep_folder(&self, path: &Path) -> io::Result<()> {
        if path.file_name().is_none_or(|name| name != "store") {
            return Ok(());
        }
        for name in names(&self.kept)? {
            if is_renamed(&name) && !path.join(&name).exists() {
                fs::remove_file(self.kept.join(name))?;
            }
        }
        for name in names(path)? {
            if is_renamed(&name) {
                fs::copy(path.join(&name), self.kept.join(name))?;
            }
        }
        Ok(())
    }
}

fn is_renamed(name: &str) -> bool {
    name == "mark" || name.starts_with("snap.")
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().into_string().unwrap_or_default())).collect()
}

/// The files of the engine that nobody asks to keep, of the store in `live`. There must be none.
pub fn unkept(live: &Path) -> io::Result<Vec<String>> {
    names(&live.join("store/blobs"))
}

/// Puts into the folder `left` what a power cut leaves of the store in `live`, whose writer is dead: the kept files, and
/// of the sectors of the log that were written since, a random part.
pub fn cut(live: &Path, kept: &Path, left: &Path, random: &mut Random) -> io::Result<()> {
    let store = left.join("store");
    fs::create_dir_all(&store)?;
    for name in names(kept)? {
        if name != "new" {
            fs::copy(kept.join(&name), store.join(name))?;
        }
    }
    let written = fs::read(live.join("store/db"))?;
    let path = store.join("db");
    let log = File::options().write(true).create(true).truncate(false).open(&path)?;
    let durable = fs::read(&path)?;
    let share = random.below(5);
    for (at, sector) in written.chunks(SECTOR).enumerate() {
        let at = at * SECTOR;
        let old = durable.get(at..at + sector.len());
        // A file that grew may have its old length: sectors behind it are then gone.
        let may_be_kept = old.is_some() || share > 2;
        if old != Some(sector) && may_be_kept && random.below(4) < share {
            log.write_all_at(sector, at as u64)?;
        }
    }
    Ok(())
}
