//! A server process on its own data folder, and commands against it.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use tempfile::TempDir;

const START: Duration = Duration::from_secs(60);

/// A command without a server, and without anything that the tester's environment would add.
pub fn lakewarden(config_dir: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lakewarden"));
    command.env_clear().env("HOME", config_dir).env("LAKEWARDEN_CONFIG_DIR", config_dir.join("config"));
    command.timeout(Duration::from_secs(120));
    command
}

/// A running server; it is killed when dropped.
pub struct Served {
    /// Where it listens.
    pub endpoint: String,
    /// Its data folder.
    pub data: PathBuf,
    /// The folder of everything else.
    pub home: TempDir,
    child: Child,
}

/// What a command did.
pub struct Done {
    /// Its exit code.
    pub code: i32,
    /// What it wrote to stdout.
    pub out: String,
    /// What it wrote to stderr.
    pub err: String,
}

impl Served {
    /// Starts a server and waits until it takes connections.
    pub fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = std::fs::File::create(home.path().join("serve.log")).unwrap();
        let child = std::process::Command::new(env!("CARGO_BIN_EXE_lakewarden"))
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"])
            .arg(&data)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut served = Self { endpoint: format!("http://127.0.0.1:{port}"), data, home, child };
        served.wait();
        served
    }

    fn wait(&mut self) {
        let begun = Instant::now();
        loop {
            let gone = self.child.try_wait().unwrap();
            let log = || std::fs::read_to_string(self.home.path().join("serve.log")).unwrap_or_default();
            assert!(gone.is_none(), "the server ended with {gone:?}:\n{}", log());
            if self.data.join("admin.token").exists() && self.admin(&["whoami"]).code == 0 {
                return;
            }
            assert!(begun.elapsed() < START, "the server does not answer:\n{}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// A command against this server, without a token.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = lakewarden(self.home.path());
        command.env("LAKEWARDEN_ENDPOINT", &self.endpoint).args(args);
        command
    }

    /// Runs a command with the token in a file of the home folder.
    pub fn run_as(&self, token_file: &std::path::Path, args: &[&str]) -> Done {
        let mut command = self.command(args);
        command.env("LAKEWARDEN_TOKEN_FILE", token_file);
        done(&mut command)
    }

    /// Runs a command as the administrator.
    pub fn admin(&self, args: &[&str]) -> Done {
        self.run_as(&self.data.join("admin.token"), args)
    }

    /// Runs a command as the administrator, which must succeed, and gives its stdout.
    pub fn ok(&self, args: &[&str]) -> String {
        let done = self.admin(args);
        assert_eq!(done.code, 0, "{args:?}: {}{}", done.out, done.err);
        done.out
    }

    /// As `ok`, with JSON on stdout.
    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        let args: Vec<&str> = args.iter().copied().chain(["--format", "json"]).collect();
        serde_json::from_str(&self.ok(&args)).unwrap()
    }

    /// Runs statements as the administrator.
    pub fn sql(&self, statements: &str) -> String {
        self.ok(&["sql", statements])
    }

    /// Makes a user with a token, and gives the file that holds it.
    pub fn user(&self, name: &str) -> PathBuf {
        self.ok(&["user", "create", name]);
        self.token(name)
    }

    /// Makes a token and gives the file that holds it.
    pub fn token(&self, name: &str) -> PathBuf {
        let path = self.home.path().join(format!("{name}.token"));
        std::fs::write(&path, self.ok(&["token", "create", "--principal", name, "--ttl", "1h"])).unwrap();
        path
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end.
pub fn done(command: &mut Command) -> Done {
    let output = command.output().unwrap();
    Done {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Done {
    /// Sees to it that the command failed with this code, one line on stderr and nothing on stdout; gives the line.
    pub fn failed(&self, code: i32) -> &str {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert_eq!(self.out, "");
        let line = self.err.strip_suffix('\n').unwrap();
        assert!(line.starts_with("error: ") && !line.contains('\n'), "{line}");
        line
    }
}
