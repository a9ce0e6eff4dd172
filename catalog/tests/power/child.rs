//! The process that commits until it is killed, and its parent's end of it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lakewarden_catalog::store::Disk;

use super::disk::ForgetfulDisk;
use super::workload;

const DIR: &str = "LAKEWARDEN_TEST_WRITER_DIR";
const KEPT: &str = "LAKEWARDEN_TEST_WRITER_KEPT";

/// The writer. Without its variables it is no test and passes.
#[test]
fn writer_child() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else {
        return;
    };
    let kept = std::env::var_os(KEPT).map(PathBuf::from);
    let disk = kept.map(|kept| Arc::new(ForgetfulDisk::new(kept)) as Arc<dyn Disk>);
    let store = workload::open(&dir, disk).unwrap();
    let mut out = std::io::stdout();
    for seq in workload::last(&store).unwrap() + 1.. {
        if let Some(rows) = workload::relaxed(seq) {
            store.append_relaxed(&rows).unwrap();
        }
        store.commit(&workload::batch(seq)).unwrap();
        writeln!(out, "acknowledged {seq}").unwrap();
        out.flush().unwrap();
    }
}

/// A running writer.
pub struct Writer {
    child: Child,
    acknowledged: Arc<AtomicU64>,
    reader: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts a writer on `dir`, whose disk is the one that forgets all but what it puts into `kept`, when given.
    pub fn start(dir: &Path, kept: Option<&Path>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "power::child::writer_child", "--nocapture", "--test-threads=1"]);
        command.env(DIR, dir).stdout(Stdio::piped());
        if let Some(kept) = kept {
            command.env(KEPT, kept);
        }
        let mut child = command.spawn().unwrap();
        let acknowledged = Arc::new(AtomicU64::new(0));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let last = Arc::clone(&acknowledged);
        let reader = std::thread::spawn(move || {
            // The last line may be cut short by the kill; then it is no acknowledgement.
            for line in lines.map_while(Result::ok) {
                // The test harness begins the first line.
                let number = line.rsplit_once("acknowledged ").and_then(|(_, number)| number.parse().ok());
                number.into_iter().for_each(|number: u64| last.store(number, Ordering::SeqCst));
            }
        });
        Self { child, acknowledged, reader: Some(reader) }
    }

    /// Lets it write for `time`, counted from its first acknowledgement.
    pub fn run_for(&mut self, time: Duration) {
        let until = Instant::now() + Duration::from_secs(60);
        while self.acknowledged() == 0 {
            assert!(self.child.try_wait().unwrap().is_none(), "the writer ended");
            assert!(Instant::now() < until, "the writer acknowledged nothing in a minute");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(time);
    }

    /// The last number that its parent has read so far.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::SeqCst)
    }

    /// Holds it where it is, and the last number that it had printed.
    pub fn hold(&self) -> u64 {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-STOP", &pid]).status().unwrap().success());
        // What it had printed is in the pipe: the reader is done with it when nothing more comes.
        let mut last = self.acknowledged();
        loop {
            std::thread::sleep(Duration::from_millis(20));
            if self.acknowledged() == last {
                return last;
            }
            last = self.acknowledged();
        }
    }

    /// Kills it, and the last number that it had printed.
    pub fn kill(mut self) -> u64 {
        self.end();
        self.acknowledged()
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.end();
    }
}
