//! `tag`: tags of securables and columns, and governed tags.

use clap::{ArgGroup, Args, Subcommand};

use super::securables::{DescribeArgs, ListLimit};

const SET: &str = "\
KIND is that of `lakewarden grant`. A tag has a key and maybe a value; setting it again replaces the value. A governed tag
takes the values of its list only, and needs ASSIGN on it.

Examples:
  lakewarden tag set --on table demo.tpch.customer --column c_phone pii=phone
  lakewarden tag set --on schema demo.tpch zone=eu reviewed";

const VALUES: &str = "\
A value that is set somewhere, or that a policy asks for, stays.

Examples:
  lakewarden tag values pii --add iban
  lakewarden tag values pii --drop phone
  lakewarden tag values pii --only email phone iban
  lakewarden tag values pii --any";

/// Tag things and columns, and govern tags
#[derive(Debug, Clone, Subcommand)]
pub enum TagCommand {
    /// Show the tags of something and of its columns
    #[command(after_help = "Example:\n  lakewarden tag show --on table demo.tpch.customer")]
    Show(TagShowArgs),
    /// Set tags
    Set(TagSetArgs),
    /// Take tags away
    #[command(after_help = "Example:\n  lakewarden tag unset --on table demo.tpch.customer --column c_phone pii")]
    Unset(TagUnsetArgs),
    /// Govern a key: its values are listed, and only holders of ASSIGN may set it
    Create(TagCreateArgs),
    /// Show a governed tag
    #[command(after_help = "Example:\n  lakewarden tag get pii")]
    Get(TagKeyArgs),
    /// List the governed tags that you may see
    #[command(after_help = "Example:\n  lakewarden tag list")]
    List(ListLimit),
    /// Change the owner or comment of a governed tag
    Update(TagUpdateArgs),
    /// Change the values that a governed tag may take
    Values(TagValuesArgs),
    /// Govern a key no longer
    Delete(TagDeleteArgs),
}

/// What is tagged.
#[derive(Debug, Clone, Args)]
pub struct TagShowArgs {
    /// What: its kind and full name; the metastore has no name
    #[arg(long, required = true, num_args = 1..=2, value_names = ["KIND", "NAME"])]
    pub on: Vec<String>,
}

/// Set tags
#[derive(Debug, Clone, Args)]
#[command(after_help = SET)]
pub struct TagSetArgs {
    /// What.
    #[command(flatten)]
    pub target: TagShowArgs,
    /// A column of the table or view
    #[arg(long, value_name = "COLUMN", default_value = "", hide_default_value = true)]
    pub column: String,
    /// Tags, each a key with or without a value
    #[arg(required = true, value_name = "KEY[=VALUE]")]
    pub tags: Vec<String>,
}

/// Take tags away
#[derive(Debug, Clone, Args)]
pub struct TagUnsetArgs {
    /// What.
    #[command(flatten)]
    pub target: TagShowArgs,
    /// A column of the table or view
    #[arg(long, value_name = "COLUMN", default_value = "", hide_default_value = true)]
    pub column: String,
    /// Keys
    #[arg(required = true, value_name = "KEY")]
    pub keys: Vec<String>,
}

/// Govern a key
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  lakewarden tag create pii --value email --value phone --comment 'personal data'")]
pub struct TagCreateArgs {
    /// The key
    pub key: String,
    /// A value that it may take; may be given several times [default: every value]
    #[arg(long = "value", value_name = "VALUE")]
    pub values: Vec<String>,
    /// Comment and properties.
    #[command(flatten)]
    pub describe: DescribeArgs,
}

/// One governed tag.
#[derive(Debug, Clone, Args)]
pub struct TagKeyArgs {
    /// Its key
    pub key: String,
}

/// Change the owner or comment of a governed tag
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  lakewarden tag update pii --owner privacy")]
#[command(group(ArgGroup::new("change").args(["owner", "comment"]).required(true).multiple(true)))]
pub struct TagUpdateArgs {
    /// Its key
    pub key: String,
    /// New owner; the old one loses what ownership gave
    #[arg(long, value_name = "PRINCIPAL")]
    pub owner: Option<String>,
    /// New comment; empty takes it away
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// Do it only if it still has this etag
    #[arg(long, value_name = "ETAG", default_value = "", hide_default_value = true)]
    pub etag: String,
}

/// Change the values that a governed tag may take
#[derive(Debug, Clone, Args)]
#[command(after_help = VALUES)]
#[command(group(ArgGroup::new("how").args(["add", "drop", "only", "any"]).required(true)))]
pub struct TagValuesArgs {
    /// Its key
    pub key: String,
    /// Values to let too
    #[arg(long, value_name = "VALUE", num_args = 1..)]
    pub add: Vec<String>,
    /// Values to let no longer
    #[arg(long, value_name = "VALUE", num_args = 1..)]
    pub drop: Vec<String>,
    /// The values to let, and no others
    #[arg(long, value_name = "VALUE", num_args = 1..)]
    pub only: Vec<String>,
    /// Let every value
    #[arg(long)]
    pub any: bool,
    /// Do it only if it still has this etag
    #[arg(long, value_name = "ETAG", default_value = "", hide_default_value = true)]
    pub etag: String,
}

/// Govern a key no longer
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  lakewarden tag delete pii --yes")]
pub struct TagDeleteArgs {
    /// Its key
    pub key: String,
    /// Do it without asking
    #[arg(long, short)]
    pub yes: bool,
    /// Do it only if it still has this etag
    #[arg(long, value_name = "ETAG", default_value = "", hide_default_value = true)]
    pub etag: String,
}
