//! Commands that run in this process: the server's own, settings, completions.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use clap_complete::Shell;

const SERVE: &str = "\
Settings come from flags, then LAKEWARDEN__SECTION__KEY variables, then the --config file, then defaults; see them with
`lakewarden config show`. The first start writes the administrator's token to DIR/admin.token.

Examples:
  lakewarden serve
  lakewarden serve --data-dir /var/lib/lakewarden --listen 0.0.0.0:8642 --tls-cert server.pem --tls-key server.key
  lakewarden serve --config lakewarden.toml";

const QUICKSTART: &str = "\
Examples:
  lakewarden quickstart
  lakewarden quickstart --exit
  lakewarden quickstart --data-dir /tmp/lake --scale 0.01 --listen 127.0.0.1:9000";

/// Settings of the server that can be given on the command line.
#[derive(Debug, Clone, Default, Args)]
pub struct ServerArgs {
    /// Folder of the catalog, the keys and the managed tables [default: ./lakewarden-data]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,
    /// Address to listen on; port 0 takes a free one [default: 127.0.0.1:8642]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<SocketAddr>,
    /// File with settings (TOML)
    #[arg(long, value_name = "FILE", env = "LAKEWARDEN_CONFIG", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Certificate chain of the server (PEM); turns TLS on
    #[arg(long, value_name = "FILE", requires = "tls_key", value_hint = ValueHint::FilePath)]
    pub tls_cert: Option<PathBuf>,
    /// Private key that belongs to --tls-cert (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert", value_hint = ValueHint::FilePath)]
    pub tls_key: Option<PathBuf>,
}

impl ServerArgs {
    /// What was given, as keys and values of the settings file, which it overrides.
    pub fn overrides(&self) -> Vec<(String, String)> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|p| p.to_string_lossy().into_owned());
        let given = [
            ("store.data_dir", path(&self.data_dir)),
            ("listen.address", self.listen.map(|address| address.to_string())),
            ("tls.cert_file", path(&self.tls_cert)),
            ("tls.key_file", path(&self.tls_key)),
        ];
        given.into_iter().filter_map(|(key, value)| value.map(|v| (key.to_owned(), v))).collect()
    }
}

/// Run the server
#[derive(Debug, Clone, Args)]
#[command(after_help = SERVE)]
pub struct ServeArgs {
    /// Its settings.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Set up a server with sample data and policies, show what they do, and go on serving
#[derive(Debug, Clone, Args)]
#[command(after_help = QUICKSTART)]
pub struct QuickstartArgs {
    /// Settings of the server.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Scale factor of TPC-H; 1 is about a gigabyte of text
    #[arg(long, value_name = "FACTOR", default_value_t = 0.1, value_parser = scale)]
    pub scale: f64,
    /// Stop after the show instead of going on serving
    #[arg(long)]
    pub exit: bool,
}

/// Show settings
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigCommand {
    /// Show the settings that the server would run with, secrets left out
    Show(ConfigShowArgs),
    /// List the saved profiles, tokens left out
    #[command(after_help = "Example:\n  lakewarden config profiles")]
    Profiles,
}

/// Show the settings that the server would run with, secrets left out
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  lakewarden config show\n  lakewarden config show --config lakewarden.toml")]
pub struct ConfigShowArgs {
    /// The settings to begin with.
    #[command(flatten)]
    pub server: ServerArgs,
}

const COMPLETIONS: &str = "\
Examples:
  lakewarden completions bash > ~/.local/share/bash-completion/completions/lakewarden
  lakewarden completions zsh > ~/.zfunc/_lakewarden
  lakewarden completions fish > ~/.config/fish/completions/lakewarden.fish";

/// Print a completion script for a shell
#[derive(Debug, Clone, Args)]
#[command(after_help = COMPLETIONS)]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    pub shell: Shell,
}

fn scale(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(scale) if scale > 0.0 && scale <= 1000.0 => Ok(scale),
        _ => Err("write a number above 0 and up to 1000, as in 0.1".to_owned()),
    }
}
