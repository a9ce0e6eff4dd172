//! `policy`: row filters and column masks, bound to tables or by policies on tags.

use clap::{ArgGroup, Args, Subcommand};

const FILTER_SET: &str = "\
ARG is a column of the table, or a constant as in SQL: 'EMEA' (quotes included), 42, TRUE, NULL. A row is kept only where
the function gives TRUE.

Examples:
  lakewarden policy row-filter set demo.tpch.orders --function demo.gov.region_filter --on o_custkey
  lakewarden policy row-filter set demo.tpch.orders --function demo.gov.f --on o_custkey \"'EMEA'\"";

const MASK_SET: &str = "\
The function gets the column itself first, then what --using names: columns, or constants as in SQL.

Examples:
  lakewarden policy mask set demo.tpch.customer c_phone --function demo.gov.mask_phone
  lakewarden policy mask set demo.tpch.customer c_acctbal --function demo.gov.mask_money --using c_nationkey";

/// Set, drop and show row filters and column masks, bound to tables or by policies on tags
#[derive(Debug, Clone, Subcommand)]
pub enum PolicyCommand {
    /// Show the row filter and the masks of a table
    #[command(after_help = "Example:\n  lakewarden policy show demo.tpch.customer")]
    Show {
        /// Full name of the table
        table: String,
    },
    /// Set and drop the row filter of a table
    #[command(subcommand)]
    RowFilter(RowFilterCommand),
    /// Set and drop the mask of a column
    #[command(subcommand)]
    Mask(MaskCommand),
    /// Make a policy on a catalog, schema or table, for the tables in it whose tags meet its conditions
    Create(PolicyCreateArgs),
    /// Show one such policy
    #[command(after_help = "Example:\n  lakewarden policy get hide_pii --on schema demo.tpch")]
    Get(PolicyOnArgs),
    /// List such policies
    List(PolicyListArgs),
    /// Drop one such policy
    Delete(PolicyDeleteArgs),
}

const CREATE: &str = "\
CONDITION is as in SQL: hasTag('pii'), hasTagValue('pii', 'email'), with AND, OR and NOT. --when looks at the tags of a table,
its schema and its catalog, of which the nearest counts; --match at those of its columns. Each --match must find a column,
or the policy does not apply; ALIAS is how --on-column and --using speak of it. ARG is an alias, or a constant as in SQL.

Examples:
  lakewarden policy create hide_pii --on catalog demo --mask demo.gov.mask_text --to 'account users' --except privacy \\
    --match \"hasTag('pii') AS p\" --on-column p
  lakewarden policy create eu_only --on schema demo.tpch --row-filter demo.gov.is_eu --to analysts \\
    --match \"hasTag('region') AS r\" --using r";

/// Make a policy on a catalog, schema or table, for the tables in it whose tags meet its conditions
#[derive(Debug, Clone, Args)]
#[command(after_help = CREATE)]
#[command(group(ArgGroup::new("function").args(["row_filter", "mask"]).required(true)))]
pub struct PolicyCreateArgs {
    /// Which.
    #[command(flatten)]
    pub policy: PolicyOnArgs,
    /// Full name of a function that returns BOOLEAN: rows are kept for which it gives TRUE
    #[arg(long, value_name = "FUNCTION")]
    pub row_filter: Option<String>,
    /// Full name of a function whose result stands in the place of columns
    #[arg(long, value_name = "FUNCTION", requires = "on_column")]
    pub mask: Option<String>,
    /// Whom it binds: users, groups, service principals
    #[arg(long, required = true, num_args = 1.., value_name = "PRINCIPAL")]
    pub to: Vec<String>,
    /// Whom it spares
    #[arg(long, num_args = 1.., value_name = "PRINCIPAL")]
    pub except: Vec<String>,
    /// Which tables
    #[arg(long, value_name = "CONDITION", default_value = "", hide_default_value = true)]
    pub when: String,
    /// Which columns; may be given several times
    #[arg(long = "match", value_name = "CONDITION [AS ALIAS]")]
    pub matches: Vec<String>,
    /// The alias of the columns to mask
    #[arg(long, value_name = "ALIAS", requires = "mask")]
    pub on_column: Option<String>,
    /// What the function gets, in order; for a mask, behind the column
    #[arg(long, value_name = "ARG", num_args = 1..)]
    pub using: Vec<String>,
    /// Free text
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub comment: String,
    /// Replace one of this name
    #[arg(long)]
    pub or_replace: bool,
}

/// One policy on a catalog, schema or table.
#[derive(Debug, Clone, Args)]
pub struct PolicyOnArgs {
    /// Its name
    pub name: String,
    /// What it is on: catalog, schema or table, and its full name
    #[arg(long, required = true, num_args = 2, value_names = ["KIND", "NAME"])]
    pub on: Vec<String>,
}

/// List the policies on a catalog, schema or table
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  lakewarden policy list --on schema demo.tpch\n  lakewarden policy list --on table demo.tpch.customer --effective"
)]
pub struct PolicyListArgs {
    /// What they are on: its kind and full name
    #[arg(long, required = true, num_args = 2, value_names = ["KIND", "NAME"])]
    pub on: Vec<String>,
    /// List also those above it: all that may bind a reader
    #[arg(long)]
    pub effective: bool,
}

/// Drop a policy on a catalog, schema or table
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  lakewarden policy delete hide_pii --on schema demo.tpch --yes")]
pub struct PolicyDeleteArgs {
    /// Which.
    #[command(flatten)]
    pub policy: PolicyOnArgs,
    /// Do it without asking
    #[arg(long, short)]
    pub yes: bool,
}

/// Set and drop the row filter of a table
#[derive(Debug, Clone, Subcommand)]
pub enum RowFilterCommand {
    /// Set the row filter of a table, in place of the one it has
    Set(RowFilterSetArgs),
    /// Take the row filter of a table away
    Drop(RowFilterDropArgs),
}

/// Set and drop the mask of a column
#[derive(Debug, Clone, Subcommand)]
pub enum MaskCommand {
    /// Set the mask of a column, in place of the one it has
    Set(MaskSetArgs),
    /// Take the mask of a column away
    Drop(MaskDropArgs),
}

/// Set the row filter of a table, in place of the one it has
#[derive(Debug, Clone, Args)]
#[command(after_help = FILTER_SET)]
pub struct RowFilterSetArgs {
    /// Full name of the table
    pub table: String,
    /// Full name of a function that returns BOOLEAN
    #[arg(long, value_name = "NAME")]
    pub function: String,
    /// What the function gets, in order
    #[arg(long, value_name = "ARG", num_args = 1..)]
    pub on: Vec<String>,
    /// Do it only if the table still has this etag
    #[arg(long, value_name = "ETAG", default_value = "", hide_default_value = true)]
    pub etag: String,
}

/// Take the row filter of a table away
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  lakewarden policy row-filter drop demo.tpch.orders")]
pub struct RowFilterDropArgs {
    /// Full name of the table
    pub table: String,
    /// Do it without asking
    #[arg(long, short)]
    pub yes: bool,
    /// Do it only if the table still has this etag
    #[arg(long, value_name = "ETAG", default_value = "", hide_default_value = true)]
    pub etag: String,
}

/// Set the mask of a column, in place of the one it has
#[derive(Debug, Clone, Args)]
#[command(after_help = MASK_SET)]
pub struct MaskSetArgs {
    /// Full name of the table
    pub table: String,
    /// Name of the column
    pub column: String,
    /// The way to a field inside a column of a struct type, part by part
    #[arg(long, value_name = "FIELD", num_args = 1..)]
    pub field: Vec<String>,
    /// Full name of a function whose first parameter takes the column
    #[arg(long, value_name = "NAME")]
    pub function: String,
    /// What the function gets behind the column, in order
    #[arg(long, value_name = "ARG", num_args = 1..)]
    pub using: Vec<String>,
    /// Do it only if the table still has this etag
    #[arg(long, value_name = "ETAG", default_value = "", hide_default_value = true)]
    pub etag: String,
}

/// Take the mask of a column away
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  lakewarden policy mask drop demo.tpch.customer c_phone")]
pub struct MaskDropArgs {
    /// Full name of the table
    pub table: String,
    /// Name of the column
    pub column: String,
    /// The way to a field inside a column of a struct type, part by part
    #[arg(long, value_name = "FIELD", num_args = 1..)]
    pub field: Vec<String>,
    /// Do it without asking
    #[arg(long, short)]
    pub yes: bool,
    /// Do it only if the table still has this etag
    #[arg(long, value_name = "ETAG", default_value = "", hide_default_value = true)]
    pub etag: String,
}
