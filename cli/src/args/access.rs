//! `can` and `who-can`: who may do what, and why.

use clap::Args;
use lakewarden_proto::v1::{Privilege, SecurableRef};

use super::data::When;
use super::grants::{On, kind, privilege};
use super::securables::ListLimit;

const CAN: &str = "\
PRINCIPAL is a user, group or service principal; you, when it is left out. KIND and PRIVILEGE are
written as for `lakewarden grant`; the metastore has no name. You may ask about others on what you
may grant on.

Shows whether they may, what had to hold and what decided it, the fewest statements that would allow
it, and the row filter and masks that bind them. The exit code is 0 when they may and 2 when they
may not.

Examples:
  lakewarden can bob SELECT table demo.tpch.orders
  lakewarden can SELECT table demo.tpch.customer --column c_phone
  lakewarden can analysts \"CREATE TABLE\" schema demo.tpch --format json
  lakewarden can bob \"CREATE CATALOG\" metastore
  lakewarden can bob SELECT table demo.tpch.orders --as-of '2026-01-02 10:00:00'";

const WHO_CAN: &str = "\
You may ask about what you may grant on.

Examples:
  lakewarden who-can SELECT table demo.tpch.orders
  lakewarden who-can SELECT table demo.tpch.customer --column c_phone
  lakewarden who-can \"CREATE CATALOG\" metastore
  lakewarden who-can SELECT table demo.tpch.orders --as-of '2026-01-02 10:00:00'";

/// Say whether somebody may do something, and why
#[derive(Debug, Clone, Args)]
#[command(after_help = CAN, override_usage = "lakewarden can [OPTIONS] [PRINCIPAL] <PRIVILEGE> <KIND> [NAME]")]
pub struct CanArgs {
    /// Who, what they would do, and on what: its kind and full name. The usage names them, as they are read from the end.
    #[arg(required = true, num_args = 2..=4, value_name = "WORDS", hide = true)]
    pub words: Vec<String>,
    /// When.
    #[command(flatten)]
    pub about: AboutArgs,
}

/// List who may do something
#[derive(Debug, Clone, Args)]
#[command(after_help = WHO_CAN, override_usage = "lakewarden who-can [OPTIONS] <PRIVILEGE> <KIND> [NAME]")]
pub struct WhoCanArgs {
    /// What they would do, and on what: its kind and full name. A fourth word is told to be one too many.
    #[arg(required = true, num_args = 2..=4, value_name = "WORDS", hide = true)]
    pub words: Vec<String>,
    /// When.
    #[command(flatten)]
    pub about: AboutArgs,
    /// How many.
    #[command(flatten)]
    pub list: ListLimit,
}

/// What a question is narrowed to.
#[derive(Debug, Clone, Args)]
pub struct AboutArgs {
    /// One column of the table or view
    #[arg(long, value_name = "NAME")]
    pub column: Option<String>,
    /// As of then: a time as in '2026-01-31 09:00:00' (UTC), or how long ago, as in 2h
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    pub as_of: Option<When>,
}

/// What the words of a question ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// Who; none for the caller, or for everybody.
    pub principal: Option<String>,
    /// What they would do.
    pub privilege: Privilege,
    /// On what.
    pub securable: SecurableRef,
}

impl CanArgs {
    /// Reads the words.
    ///
    /// # Errors
    /// The text says what is wrong.
    pub fn asked(&self) -> Result<Asked, String> {
        asked(&self.words)
    }
}

impl WhoCanArgs {
    /// Reads the words.
    ///
    /// # Errors
    /// The text says what is wrong.
    pub fn asked(&self) -> Result<Asked, String> {
        match asked(&self.words)? {
            Asked { principal: Some(name), .. } => Err(format!(
                "`{name}` is one word too many: write PRIVILEGE KIND NAME, or ask `lakewarden can {name} ..` about one"
            )),
            asked => Ok(asked),
        }
    }
}

/// Reads `[PRINCIPAL] PRIVILEGE KIND [NAME]`. The securable is at the end: a kind and a name, or the metastore alone.
fn asked(words: &[String]) -> Result<Asked, String> {
    let form = "write [PRINCIPAL] PRIVILEGE KIND NAME, as in bob SELECT table demo.tpch.orders";
    let (front, on) = match words {
        [front @ .., on_kind, name] if !front.is_empty() && kind(on_kind).is_ok() => {
            (front, [on_kind.clone(), name.clone()].to_vec())
        }
        [front @ .., alone] if words.len() < 4 && kind(alone).is_ok() => (front, vec![alone.clone()]),
        [.., word, _] if words.len() > 2 => return Err(format!("{}; {form}", kind(word).err().unwrap_or_default())),
        _ => return Err(format!("the kind or the name is missing: {form}")),
    };
    let (principal, needed) = match front {
        [needed] => (None, needed),
        [principal, needed] => (Some(principal.clone()), needed),
        _ => return Err(form.to_owned()),
    };
    let needed = privilege(needed).map_err(|fault| format!("`{needed}`: {fault}"))?;
    Ok(Asked { principal, privilege: needed, securable: On::parse(&on)? })
}

#[cfg(test)]
mod tests {
    use lakewarden_proto::v1::SecurableKind;
    use rstest::rstest;

    use super::*;

    fn read(words: &[&str]) -> Result<Asked, String> {
        asked(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[rstest]
    #[case(&["bob", "SELECT", "table", "a.b.c"], Some("bob"), Privilege::Select, SecurableKind::Table, "a.b.c")]
    #[case(&["select", "View", "a.b.c"], None, Privilege::Select, SecurableKind::View, "a.b.c")]
    #[case(&["bob", "create-catalog", "metastore"], Some("bob"), Privilege::CreateCatalog, SecurableKind::Metastore, "")]
    #[case(&["CREATE CATALOG", "metastore"], None, Privilege::CreateCatalog, SecurableKind::Metastore, "")]
    #[case(&["USE CATALOG", "catalog", "metastore"], None, Privilege::UseCatalog, SecurableKind::Catalog, "metastore")]
    #[case(&["select", "MANAGE", "catalog", "table"], Some("select"), Privilege::Manage, SecurableKind::Catalog, "table")]
    #[case(&["READ FILES", "external-location", "raw"], None, Privilege::ReadFiles, SecurableKind::ExternalLocation, "raw")]
    fn questions_are_read_from_the_end(
        #[case] words: &[&str],
        #[case] principal: Option<&str>,
        #[case] privilege: Privilege,
        #[case] kind: SecurableKind,
        #[case] full_name: &str,
    ) {
        let securable = SecurableRef { kind: kind.into(), full_name: full_name.to_owned() };
        assert_eq!(read(words), Ok(Asked { principal: principal.map(ToOwned::to_owned), privilege, securable }));
    }

    #[rstest]
    #[case(&["SELECT", "table"], "the name is missing")]
    #[case(&["bob", "SELECT", "tabel", "a.b.c"], "`tabel` is no kind")]
    #[case(&["bob", "FLY", "table", "a.b.c"], "`FLY`: it is no privilege")]
    #[case(&["bob", "SELECT", "column", "a.b.c.d"], "columns are named through their table")]
    #[case(&["SELECT", "a.b.c"], "the kind or the name is missing")]
    fn other_words_are_refused(#[case] words: &[&str], #[case] told: &str) {
        let fault = read(words).unwrap_err();
        assert!(fault.contains(told), "{fault}");
    }
}
