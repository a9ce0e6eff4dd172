//! Options of every command that talks to a server, and of `login` and `logout`.

use std::path::PathBuf;

use clap::Args;

use crate::render::Format;
use crate::secret::Unchecked;

const ENDPOINT: &str =
    "Address of the server, as in https://lake.example:8642 [default: the profile's, else http://127.0.0.1:8642]";

/// How to reach the server, and in which form to print results.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection and output")]
pub struct ConnectionArgs {
    /// Address of the server.
    #[arg(long, global = true, env = "LAKEWARDEN_ENDPOINT", value_name = "URL", help = ENDPOINT)]
    pub endpoint: Option<String>,
    /// Access token; better given by the environment or a file, as others on this machine can read arguments
    #[arg(long, global = true, env = "LAKEWARDEN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub token: Option<Unchecked>,
    /// File that holds the access token; `-` reads it from stdin
    #[arg(long, global = true, env = "LAKEWARDEN_TOKEN_FILE", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub token_file: Option<PathBuf>,
    /// Saved profile to use [default: `default`, if there is one]
    #[arg(long, global = true, env = "LAKEWARDEN_PROFILE", value_name = "NAME")]
    pub profile: Option<String>,
    /// File with certificates (PEM) to trust instead of those of the system
    #[arg(long, global = true, env = "LAKEWARDEN_TLS_CA", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub tls_ca: Option<PathBuf>,
    /// Form of the result on stdout: table for people, json or csv for programs
    #[arg(long, global = true, env = "LAKEWARDEN_FORMAT", value_enum, default_value = "table", value_name = "FORMAT")]
    #[arg(hide_possible_values = true)]
    pub format: Format,
    /// Folder of the saved profiles and the history of the SQL shell [default: ~/.config/lakewarden]
    #[arg(long, global = true, env = "LAKEWARDEN_CONFIG_DIR", value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub config_dir: Option<PathBuf>,
    /// Where the user's settings live, as the XDG base directory specification says.
    #[arg(long, global = true, env = "XDG_CONFIG_HOME", hide = true)]
    pub xdg_config_home: Option<PathBuf>,
}

const LOGIN: &str = "\
The token is taken from --token-file, --token or LAKEWARDEN_TOKEN, else asked for. It is tried before it is saved.

Examples:
  lakewarden login --token-file lakewarden-data/admin.token
  lakewarden login --profile prod --endpoint https://lake.example:8642 --token-file bob.token
  lakewarden whoami --profile prod";

/// Save an endpoint and a token as a profile
#[derive(Debug, Clone, Args)]
#[command(after_help = LOGIN)]
pub struct LoginArgs {}

/// Forget a saved profile
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  lakewarden logout\n  lakewarden logout --profile prod --revoke")]
pub struct LogoutArgs {
    /// Revoke the saved token on the server first
    #[arg(long)]
    pub revoke: bool,
}
