//! Listens to the log of the server, which runs in this process.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

use std::sync::Mutex;

use tracing_subscriber::fmt::MakeWriter;

use super::marks::{found, marks};

/// The details of a fault below a policy have one home, which is for administrators.
const FAULT: &str = "a governed read failed";

#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    lines: usize,
    canaries: Vec<String>,
}

/// The log of this process, at info and above.
pub fn capture() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::INFO);
        subscriber.with_writer(log.clone()).try_init().unwrap();
        log
    })
}

impl Log {
    pub fn lines(&self) -> usize {
        self.0.lock().unwrap().lines
    }

    pub fn canaries(&self) -> Vec<String> {
        self.0.lock().unwrap().canaries.clone()
    }

    /// Forgets what was logged while the canaries were put in.
    pub fn forget(&self) {
        *self.0.lock().unwrap() = Kept::default();
    }
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut kept = self.0.lock().unwrap();
        kept.lines += 1;
        let text = String::from_utf8_lossy(line);
        if found(&marks(), line).is_some() && !text.contains(FAULT) {
            kept.canaries.push(text.into_owned());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
