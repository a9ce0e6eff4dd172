//! `grant`, `deny`, `revoke` and `grants show`, which read like SQL.

use clap::{Args, Subcommand};
use lakewarden_proto::v1::{Privilege, SecurableKind, SecurableRef};

use super::data::When;
use super::shapes;

const GRANT: &str = "\
KIND is metastore, catalog, schema, table, view, function, volume, model, external-location,
storage-credential, connection, share, recipient, provider or tag. Grants on a catalog or schema
hold for everything in it.
PRIVILEGE is a word of SQL: SELECT, MODIFY, \"USE CATALOG\", \"ALL PRIVILEGES\" and so on; use-catalog
and USE_CATALOG are read too. The server says which may be granted on a kind.

Examples:
  lakewarden grant SELECT --on table demo.tpch.orders --to analysts
  lakewarden grant \"USE CATALOG\" \"USE SCHEMA\" --on catalog demo --to analysts bob
  lakewarden grant \"CREATE CATALOG\" --on metastore --to platform
  lakewarden grant SELECT --on table demo.tpch.orders --columns o_orderkey,o_totalprice --to bob
  lakewarden grant SELECT --on schema demo.tpch --to 'account users' --dry-run";

const DENY: &str = "\
A denial beats every grant, at any level and through any group, and an owner's own access to the
data. It stands until `lakewarden revoke` takes it back.

Examples:
  lakewarden deny SELECT --on table demo.tpch.orders --to bob
  lakewarden deny SELECT --on table demo.tpch.customer --columns c_phone,c_acctbal --to analysts
  lakewarden deny MODIFY --on schema demo.tpch --to 'account users' --dry-run";

const REVOKE: &str = "\
Taking away what is neither granted nor denied there changes nothing. \"ALL PRIVILEGES\" takes away
everything granted there, and a denial of ALL PRIVILEGES; other denials stay. Without --columns a
grant is taken away from the whole table and from its columns, a denial from the whole table.

Examples:
  lakewarden revoke SELECT --on table demo.tpch.orders --from analysts
  lakewarden revoke \"ALL PRIVILEGES\" --on catalog demo --from bob
  lakewarden revoke SELECT --on table demo.tpch.customer --columns c_phone --from analysts
  lakewarden revoke SELECT --on schema demo.tpch --from analysts --dry-run";

const SHOW: &str = "\
--effective shows what a principal (you, without --to) holds in the end: granted, inherited or
owned, through any group, and not denied; and what gives it. Whether USE CATALOG and USE SCHEMA are
held on the way down is another question, which `lakewarden can` answers.

Examples:
  lakewarden grants show --on table demo.tpch.orders
  lakewarden grants show --on table demo.tpch.orders --inherited
  lakewarden grants show --to analysts
  lakewarden grants show --on table demo.tpch.orders --to bob --effective
  lakewarden grants show --on table demo.tpch.orders --as-of '2026-01-02 10:00:00'
  lakewarden grants show --on metastore --to bob --format json";

/// What is granted, denied or revoked, and on what.
#[derive(Debug, Clone, Args)]
pub struct PrivilegesOn {
    /// Privileges, each one argument
    #[arg(required = true, value_name = "PRIVILEGE", value_parser = privilege)]
    pub privileges: Vec<Privilege>,
    /// What on: its kind and full name; the metastore has no name
    #[arg(long, required = true, num_args = 1..=2, value_names = ["KIND", "NAME"], allow_hyphen_values = false)]
    pub on: Vec<String>,
    /// Only on these columns of the table or view, parted by commas: for SELECT and MODIFY
    #[arg(long, value_name = "COLUMN,..", value_parser = shapes::columns)]
    pub columns: Option<shapes::Columns>,
    /// Show who would gain or lose what, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Grant privileges on something to somebody
#[derive(Debug, Clone, Args)]
#[command(after_help = GRANT)]
pub struct GrantArgs {
    /// What.
    #[command(flatten)]
    pub what: PrivilegesOn,
    /// To whom: users, groups, service principals
    #[arg(long, required = true, num_args = 1.., value_name = "PRINCIPAL")]
    pub to: Vec<String>,
}

/// Deny privileges on something to somebody, whatever is granted
#[derive(Debug, Clone, Args)]
#[command(after_help = DENY)]
pub struct DenyArgs {
    /// What.
    #[command(flatten)]
    pub what: PrivilegesOn,
    /// To whom: users, groups, service principals
    #[arg(long, required = true, num_args = 1.., value_name = "PRINCIPAL")]
    pub to: Vec<String>,
}

/// Take granted or denied privileges away
#[derive(Debug, Clone, Args)]
#[command(after_help = REVOKE)]
pub struct RevokeArgs {
    /// What.
    #[command(flatten)]
    pub what: PrivilegesOn,
    /// From whom: users, groups, service principals
    #[arg(long, required = true, num_args = 1.., value_name = "PRINCIPAL")]
    pub from: Vec<String>,
}

/// Show grants and denials
#[derive(Debug, Clone, Subcommand)]
pub enum GrantsCommand {
    /// Show who holds what on something
    Show(GrantsShowArgs),
}

/// Show who holds what on something
#[derive(Debug, Clone, Args)]
#[command(after_help = SHOW)]
pub struct GrantsShowArgs {
    /// What on: its kind and full name; the metastore has no name [default: anywhere, with --to]
    #[arg(long, required_unless_present = "to", num_args = 1..=2, value_names = ["KIND", "NAME"])]
    pub on: Vec<String>,
    /// Only the grants to this principal
    #[arg(long, value_name = "PRINCIPAL")]
    pub to: Option<String>,
    /// Show also what is inherited from above
    #[arg(long)]
    pub inherited: bool,
    /// Show what the principal holds in the end, and what gives it
    #[arg(long, requires = "on", conflicts_with = "inherited")]
    pub effective: bool,
    /// As of then: a time as in '2026-01-31 09:00:00' (UTC), or how long ago, as in 2h
    #[arg(long, requires = "on", value_name = "WHEN", value_parser = When::parse)]
    pub as_of: Option<When>,
    /// Stop after this many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
}

/// A kind and a name, as `--on` takes them.
pub struct On;

impl GrantsShowArgs {
    /// What `--on` names; nothing when everything that a principal holds is asked for.
    ///
    /// # Errors
    /// The text says what is wrong.
    pub fn securable(&self) -> Result<Option<SecurableRef>, String> {
        if self.on.is_empty() { Ok(None) } else { On::parse(&self.on).map(Some) }
    }
}

impl On {
    /// Reads the kind and the name.
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
            (SecurableKind::Metastore, false) => Err("the metastore has no name: write metastore alone".to_owned()),
            (SecurableKind::Metastore, true) | (_, false) => {
                Ok(SecurableRef { kind: kind.into(), full_name: name.to_owned() })
            }
            (_, true) => Err(format!("the name is missing: write {kind_word} NAME")),
        }
    }
}

/// Reads a kind from its SQL words; case is free, `-` and `_` stand for blanks.
pub(super) fn kind(word: &str) -> Result<SecurableKind, String> {
    let name = match words(word).as_str() {
        "DATABASE" => "SCHEMA".to_owned(),
        words => words.to_owned(),
    };
    match SecurableKind::from_str_name(&format!("SECURABLE_KIND_{name}")) {
        Some(SecurableKind::Column) => Err("columns are named through their table: write its name".to_owned()),
        Some(SecurableKind::Unspecified) | None => {
            Err(format!("`{word}` is no kind of securable; `lakewarden grant --help` lists them"))
        }
        Some(kind) => Ok(kind),
    }
}

/// Reads a privilege from its SQL words; case is free, `-` and `_` stand for blanks.
pub(super) fn privilege(text: &str) -> Result<Privilege, String> {
    let name = match words(text).as_str() {
        "ALL" => "ALL_PRIVILEGES".to_owned(),
        words => words.to_owned(),
    };
    match Privilege::from_str_name(&format!("PRIVILEGE_{name}")) {
        Some(Privilege::Unspecified) | None => {
            Err("it is no privilege; `lakewarden grant --help` says how they are written".to_owned())
        }
        Some(privilege) => Ok(privilege),
    }
}

/// Words as the names of the wire have them.
fn words(text: &str) -> String {
    text.replace(['-', '_'], " ").to_ascii_uppercase().split_whitespace().collect::<Vec<_>>().join("_")
}
