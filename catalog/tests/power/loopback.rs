//! Power cuts of an ext4 on a loop device.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::child::Writer;
use super::workload::{Random, check};

const ROUNDS: u64 = 20;
const IMAGE_BYTES: u64 = 160 * 1024 * 1024;

#[test]
fn power_cuts_of_a_real_file_system_lose_nothing_acknowledged() {
    if std::env::var_os("LAKEWARDEN_POWER_CUT").is_none() {
        return println!("skipped: it needs root and loop devices; LAKEWARDEN_POWER_CUT=1 runs it");
    }
    let dir = TempDir::new().unwrap();
    if let Err(why) = image(&dir.path().join("probe")).and_then(|image| Mount::new(&image, dir.path().join("mnt"))) {
        return println!("skipped: {why}");
    }
    let mut random = Random::seeded_by_the_clock();
    let seed = random.0;
    let mut faults = Vec::new();
    let mut batches = 0;
    for round in 1..=ROUNDS {
        let held = round % 2 == 0;
        let time = Duration::from_millis(100 + random.below(2_500));
        match one_cut(dir.path(), held, time) {
            Ok((acknowledged, last)) => {
                println!("round {round}: held {held}, acknowledged {acknowledged}, kept {last}");
                batches += last;
            }
            Err(fault) => faults.push(format!("round {round} (held {held}, seed {seed}): {fault}")),
        }
    }
    println!("power cuts: {ROUNDS} rounds, {batches} batches kept, {} rounds with a fault", faults.len());
    assert!(faults.is_empty(), "{faults:#?}");
}

/// One power cut after some time of writing: the last number acknowledged before it, and the last that was kept.
fn one_cut(dir: &Path, held: bool, time: Duration) -> Result<(u64, u64), String> {
    let running = image(&dir.join("running"))?;
    let copy = dir.join("copy");
    let mount = Mount::new(&running, dir.join("mnt"))?;
    let mut writer = Writer::start(&mount.at.join("data"), None);
    writer.run_for(time);
    let acknowledged = if held { writer.hold() } else { writer.acknowledged() };
    fs::copy(&running, &copy).map_err(|error| error.to_string())?;
    drop(writer);
    drop(mount);
    // Mounting replays the journal.
    let mount = Mount::new(&copy, dir.join("mnt"))?;
    check(&mount.at.join("data"), acknowledged).map(|last| (acknowledged, last))
}

/// A new ext4 in a file.
fn image(path: &Path) -> Result<PathBuf, String> {
    let file = fs::File::create(path).map_err(|error| error.to_string())?;
    file.set_len(IMAGE_BYTES).map_err(|error| error.to_string())?;
    run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(path))?;
    Ok(path.to_path_buf())
}

struct Mount {
    at: PathBuf,
}

impl Mount {
    fn new(image: &Path, at: PathBuf) -> Result<Self, String> {
        fs::create_dir_all(&at).map_err(|error| error.to_string())?;
        run(Command::new("mount").args(["-o", "loop"]).arg(image).arg(&at))?;
        Ok(Self { at })
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // A writer that has just died may hold the file system for a moment.
        for _ in 0..50 {
            if run(Command::new("umount").arg(&self.at)).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        eprintln!("{} could not be unmounted", self.at.display());
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
