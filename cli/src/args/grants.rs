//! `grant`, `revoke` and `grants show`, which read like SQL.

use clap::{Args, Subcommand};
use lakewarden_proto::v1::{Privilege, SecurableKind, SecurableRef};

const GRANT: &str = "\
KIND is metastore, catalog, schema, table, view or function. Grants on a catalog or schema hold for everything in it.
PRIVILEGE is one of: \"ALL PRIVILEGES\" MANAGE BROWSE \"USE CATALOG\" \"USE SCHEMA\" SELECT MODIFY EXECUTE
\"CREATE CATALOG\" \"CREATE SCHEMA\" \"CREATE TABLE\" \"CREATE FUNCTION\"; use-catalog and USE_CATALOG are read too.

Examples:
  lakewarden grant SELECT --on table demo.tpch.orders --to analysts
  lakewarden grant \"USE CATALOG\" \"USE SCHEMA\" --on catalog demo --to analysts bob
  lakewarden grant \"CREATE CATALOG\" --on metastore --to platform
  lakewarden grant SELECT --on schema demo.tpch --to 'account users'";

const REVOKE: &str = "\
Taking away what is not held changes nothing. \"ALL PRIVILEGES\" takes away everything granted there.

Examples:
  lakewarden revoke SELECT --on table demo.tpch.orders --from analysts
  lakewarden revoke \"ALL PRIVILEGES\" --on catalog demo --from bob";

const SHOW: &str = "\
Examples:
  lakewarden grants show --on table demo.tpch.orders
  lakewarden grants show --on table demo.tpch.orders --inherited
  lakewarden grants show --on metastore --to bob --format json";

/// Grant privileges on something to somebody
#[derive(Debug, Clone, Args)]
#[command(after_help = GRANT)]
pub struct GrantArgs {
    /// Privileges, each one argument
    #[arg(required = true, value_name = "PRIVILEGE", value_parser = privilege)]
    pub privileges: Vec<Privilege>,
    /// What on: its kind and full name; the metastore has no name
    #[arg(long, required = true, num_args = 1..=2, value_names = ["KIND", "NAME"], allow_hyphen_values = false)]
    pub on: Vec<String>,
    /// To whom: users, groups, service principals
    #[arg(long, required = true, num_args = 1.., value_name = "PRINCIPAL")]
    pub to: Vec<String>,
}

/// Take granted privileges away
#[derive(Debug, Clone, Args)]
#[command(after_help = REVOKE)]
pub struct RevokeArgs {
    /// Privileges, each one argument
    #[arg(required = true, value_name = "PRIVILEGE", value_parser = privilege)]
    pub privileges: Vec<Privilege>,
    /// What on: its kind and full name; the metastore has no name
    #[arg(long, required = true, num_args = 1..=2, value_names = ["KIND", "NAME"])]
    pub on: Vec<String>,
    /// From whom: users, groups, service principals
    #[arg(long, required = true, num_args = 1.., value_name = "PRINCIPAL")]
    pub from: Vec<String>,
}

/// Show grants
#[derive(Debug, Clone, Subcommand)]
pub enum GrantsCommand {
    /// Show who holds what on something
    Show(GrantsShowArgs),
}

/// Show who holds what on something
#[derive(Debug, Clone, Args)]
#[command(after_help = SHOW)]
pub struct GrantsShowArgs {
    /// What on: its kind and full name; the metastore has no name
    #[arg(long, required = true, num_args = 1..=2, value_names = ["KIND", "NAME"])]
    pub on: Vec<String>,
    /// Only the grants to this principal
    #[arg(long, value_name = "PRINCIPAL")]
    pub to: Option<String>,
    /// Show also what is inherited from above
    #[arg(long)]
    pub inherited: bool,
    /// Stop after this many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
}

/// What `--on` names.
pub struct On;

impl On {
    /// Reads the kind and the name behind `--on`.
    ///
    /// # Errors
    /// The text says what is wrong.
    pub fn parse(words: &[String]) -> Result<SecurableRef, String> {
        let (kind_word, name) = match words {
            [kind] => (kind, ""),
            [kind, name] => (kind, name.as_str()),
            _ => return Err("--on takes a kind and a name, as in --on table demo.tpch.orders".to_owned()),
        };
        let kind = kind(kind_word)?;
        match (kind, name.trim().is_empty()) {
            (SecurableKind::Metastore, false) => {
                Err("the metastore has no name: write --on metastore alone".to_owned())
            }
            (SecurableKind::Metastore, true) | (_, false) => {
                Ok(SecurableRef { kind: kind.into(), full_name: name.to_owned() })
            }
            (_, true) => Err(format!("the name is missing: write --on {kind_word} NAME")),
        }
    }
}

fn kind(word: &str) -> Result<SecurableKind, String> {
    match word.to_ascii_lowercase().as_str() {
        "metastore" => Ok(SecurableKind::Metastore),
        "catalog" => Ok(SecurableKind::Catalog),
        "schema" | "database" => Ok(SecurableKind::Schema),
        "table" => Ok(SecurableKind::Table),
        "view" => Ok(SecurableKind::View),
        "function" => Ok(SecurableKind::Function),
        _ => {
            Err(format!("`{word}` is no kind of securable: write metastore, catalog, schema, table, view or function"))
        }
    }
}

/// Reads a privilege from its SQL words; case is free, `-` and `_` stand for blanks.
fn privilege(text: &str) -> Result<Privilege, String> {
    let words = text.replace(['-', '_'], " ").to_ascii_uppercase();
    let words: Vec<&str> = words.split_whitespace().collect();
    let name = format!("PRIVILEGE_{}", if words == ["ALL"] { "ALL_PRIVILEGES".to_owned() } else { words.join("_") });
    match Privilege::from_str_name(&name) {
        Some(Privilege::Unspecified) | None => {
            Err("it is no privilege; `lakewarden grant --help` lists them".to_owned())
        }
        Some(privilege) => Ok(privilege),
    }
}
