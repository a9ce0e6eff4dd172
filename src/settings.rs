//! From the words of the command line to the settings of the server.

use std::io::Write;

use lakewarden_cli::Format;
use lakewarden_cli::args::{ConfigShowArgs, ServerArgs};
use lakewarden_server::{Config, ServerError};

/// The settings from all their sources.
pub fn load(args: &ServerArgs) -> Result<Config, ServerError> {
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let given = [
        ("store.data_dir", path(&args.data_dir)),
        ("listen.address", args.listen.map(|address| address.to_string())),
        ("tls.cert_file", path(&args.tls_cert)),
        ("tls.key_file", path(&args.tls_key)),
    ];
    let overrides = given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
    Ok(Config::load(args.config.as_deref(), &overrides)?)
}

/// Prints the settings, secrets left out.
pub fn show(args: &ConfigShowArgs, format: Format) -> Result<(), ServerError> {
    let config = load(&args.server)?;
    let text = match format {
        Format::Json => config.to_redacted_json()?,
        Format::Table | Format::Csv => config.to_redacted_toml()?,
    };
    // A stdout that is gone is no fault of the settings.
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
    Ok(())
}
