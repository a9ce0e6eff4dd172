//! Reading the settings from their three sources, and telling all faults at once.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use super::{Config, check};

/// The prefix of the variables that are read; two underscores part section and key.
const ENV_PREFIX: &str = "LAKEWARDEN__";

/// Settings given on the command line, as `("listen.address", "127.0.0.1:0")`.
pub type Overrides = Vec<(String, String)>;

/// What is wrong with the settings.
#[derive(Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// The file could not be read.
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The file is no TOML.
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What the parser says, with line and column.
        cause: String,
    },
    /// One line for each fault, `key: what is wrong`.
    Faults(Vec<String>),
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, cause } => {
                write!(f, "settings file `{}` could not be read: {cause}", path.display())
            }
            Self::Malformed { path, cause } => write!(f, "settings file `{}` is not TOML: {cause}", path.display()),
            Self::Faults(faults) => write!(f, "settings: {}", faults.join("; ")),
        }
    }
}

impl Config {
    /// Reads the settings from `file` if given, the variables of this process, and `overrides`.
    ///
    /// # Errors
    /// All faults of the settings at once.
    pub fn load(file: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        Self::from_sources(file, std::env::vars(), overrides)
    }

    /// As [`Config::load`], from the given variables.
    ///
    /// # Errors
    /// All faults of the settings at once.
    pub fn from_sources(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
        overrides: &Overrides,
    ) -> Result<Self, ConfigError> {
        let mut tree = match file {
            Some(path) => read(path)?,
            None => Table::new(),
        };
        let mut faults = Vec::new();
        for (variable, text) in variables {
            let Some(key) = variable.strip_prefix(ENV_PREFIX) else { continue };
            let path: Vec<String> = key.split("__").map(str::to_lowercase).collect();
            put(&mut tree, &path, &text, &mut faults);
        }
        for (key, text) in overrides {
            let path: Vec<String> = key.split('.').map(str::to_owned).collect();
            put(&mut tree, &path, text, &mut faults);
        }
        faults.extend(shape_faults(&tree));
        if !faults.is_empty() {
            return Err(ConfigError::Faults(faults));
        }
        let config = Self::deserialize(Value::Table(tree)).map_err(|e| ConfigError::Faults(vec![one_line(&e)]))?;
        match check::faults(&config) {
            faults if faults.is_empty() => Ok(config),
            faults => Err(ConfigError::Faults(faults)),
        }
    }

    /// The settings as TOML, secrets redacted: what `config show` prints.
    ///
    /// # Errors
    /// When a value has no TOML form, such as a path that is not UTF-8.
    pub fn to_redacted_toml(&self) -> Result<String, ConfigError> {
        toml::to_string_pretty(self).map_err(|e| ConfigError::Faults(vec![e.to_string()]))
    }

    /// The settings as JSON, secrets redacted.
    ///
    /// # Errors
    /// As [`Config::to_redacted_toml`].
    pub fn to_redacted_json(&self) -> Result<String, ConfigError> {
        serde_json::to_string_pretty(self).map_err(|e| ConfigError::Faults(vec![e.to_string()]))
    }
}

fn read(path: &Path) -> Result<Table, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| ConfigError::Unreadable { path: path.to_owned(), cause: e.to_string() })?;
    // The parser's own message quotes the line, which may hold a secret; its first sentence and place do not.
    toml::from_str(&text).map_err(|e| {
        let line = e.span().map_or(0, |span| text.bytes().take(span.start).filter(|b| *b == b'\n').count() + 1);
        ConfigError::Malformed { path: path.to_owned(), cause: format!("line {line}: {}", e.message()) }
    })
}

/// Puts `text` at `path`: as the TOML value it reads as where the setting is not text, else as text.
fn put(tree: &mut Table, path: &[String], text: &str, faults: &mut Vec<String>) {
    let [sections @ .., key] = path else { return };
    let mut table = tree;
    for section in sections {
        let entry = table.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
        let Value::Table(inner) = entry else {
            faults.push(format!("{}: `{section}` is a value, not a section", path.join(".")));
            return;
        };
        table = inner;
    }
    table.insert(key.clone(), read_value(path, text));
}

fn read_value(path: &[String], text: &str) -> Value {
    let as_text = Value::String(text.to_owned());
    if leaf_fault(path, &as_text).is_none() {
        return as_text;
    }
    toml::from_str::<Table>(&format!("v = {text}")).ok().and_then(|mut t| t.remove("v")).unwrap_or(as_text)
}

/// Every unknown key and every value of the wrong type, each named by its path.
fn shape_faults(tree: &Table) -> Vec<String> {
    let mut faults = Vec::new();
    for (section, value) in tree {
        match value {
            Value::Table(keys) if known_sections().contains(section.as_str()) => {
                for (key, value) in keys {
                    faults.extend(key_faults(section, key, value));
                }
            }
            Value::Table(_) => faults.push(format!("{section}: there is no such section")),
            _ => faults.push(format!("{section}: every setting stands in a section such as `[listen]`")),
        }
    }
    faults
}

fn key_faults(section: &str, key: &str, value: &Value) -> Vec<String> {
    let path = [section.to_owned(), key.to_owned()];
    if let (("identity", "issuers"), Value::Array(items)) = ((section, key), value) {
        let one = |(i, item): (usize, &Value)| {
            leaf_fault(&path, &Value::Array(vec![item.clone()])).map(|fault| format!("{section}.{key}[{i}]: {fault}"))
        };
        return items.iter().enumerate().filter_map(one).collect();
    }
    leaf_fault(&path, value).map(|fault| format!("{section}.{key}: {fault}")).into_iter().collect()
}

/// What is wrong with `value` at `path`, if all else stood at its default.
fn leaf_fault(path: &[String], value: &Value) -> Option<String> {
    let tree = path.iter().rev().fold(value.clone(), |inner, key| {
        let mut table = Table::new();
        table.insert(key.clone(), inner);
        Value::Table(table)
    });
    Config::deserialize(tree).err().map(|e| one_line(&e))
}

fn known_sections() -> BTreeSet<&'static str> {
    BTreeSet::from(["listen", "store", "identity", "engine", "flight", "tls", "telemetry"])
}

fn one_line(error: &toml::de::Error) -> String {
    error.message().lines().collect::<Vec<_>>().join(" ")
}
