//! `policy`: row filters and column masks of tables.

use clap::{Args, Subcommand};

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

/// Set, drop and show row filters and column masks
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
    /// Do it without asking
    #[arg(long, short)]
    pub yes: bool,
    /// Do it only if the table still has this etag
    #[arg(long, value_name = "ETAG", default_value = "", hide_default_value = true)]
    pub etag: String,
}
