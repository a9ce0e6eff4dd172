//! Catalogs, schemas, tables, views and functions.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueHint};

use super::shapes;
pub use super::shapes::{FunctionParameterArg, TableColumnArg};

/// How much of a list to show.
#[derive(Debug, Clone, Args)]
pub struct ListLimit {
    /// Stop after this many [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
}

/// One thing by its full name.
#[derive(Debug, Clone, Args)]
pub struct NameArgs {
    /// Its full name: parts joined by dots, unusual ones in backticks
    pub name: String,
}

/// What lies in a schema or catalog.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// Full name of what holds them
    pub parent: String,
    /// How many.
    #[command(flatten)]
    pub list: ListLimit,
}

/// A comment and properties for something new.
#[derive(Debug, Clone, Args)]
pub struct DescribeArgs {
    /// Free text
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub comment: String,
    /// A property; may be given several times
    #[arg(long = "property", value_name = "KEY=VALUE", value_parser = shapes::property)]
    pub properties: Vec<(String, String)>,
}

/// Changes to something.
#[derive(Debug, Clone, Args)]
#[command(group(ArgGroup::new("change").args(["rename", "owner", "comment", "set", "unset"]).required(true).multiple(true)))]
pub struct ChangeArgs {
    /// The full name it has now
    pub name: String,
    /// New name, the last part only
    #[arg(long, value_name = "NAME")]
    pub rename: Option<String>,
    /// New owner; the old one loses what ownership gave
    #[arg(long, value_name = "PRINCIPAL")]
    pub owner: Option<String>,
    /// New comment; empty takes it away
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// Set a property; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = shapes::property)]
    pub set: Vec<(String, String)>,
    /// Take a property away; may be given several times
    #[arg(long, value_name = "KEY")]
    pub unset: Vec<String>,
    /// Do it only if it still has this etag
    #[arg(long, value_name = "ETAG", default_value = "", hide_default_value = true)]
    pub etag: String,
}

/// Which table, view or function to delete.
#[derive(Debug, Clone, Args)]
pub struct DeleteArgs {
    /// Its full name
    pub name: String,
    /// Do it without asking
    #[arg(long, short)]
    pub yes: bool,
    /// Do it only if it still has this etag
    #[arg(long, value_name = "ETAG", default_value = "", hide_default_value = true)]
    pub etag: String,
}

/// Which catalog or schema to delete.
#[derive(Debug, Clone, Args)]
pub struct ContainerDeleteArgs {
    /// What to delete.
    #[command(flatten)]
    pub target: DeleteArgs,
    /// Delete everything in it too
    #[arg(long)]
    pub cascade: bool,
}

/// Create, read, change and delete catalogs
#[derive(Debug, Clone, Subcommand)]
pub enum CatalogCommand {
    /// Create a catalog
    Create(CatalogCreateArgs),
    /// Show a catalog
    #[command(after_help = "Example:\n  lakewarden catalog get demo")]
    Get(NameArgs),
    /// List the catalogs that you may see
    #[command(after_help = "Examples:\n  lakewarden catalog list\n  lakewarden catalog list --format json --limit 10")]
    List(ListLimit),
    /// Rename a catalog, or change its owner, comment or properties
    #[command(
        after_help = "Examples:\n  lakewarden catalog update demo --owner platform\n  lakewarden catalog update demo --set team=sales --unset old"
    )]
    Update(ChangeArgs),
    /// Delete a catalog
    #[command(
        after_help = "Examples:\n  lakewarden catalog delete demo\n  lakewarden catalog delete demo --cascade --yes"
    )]
    Delete(ContainerDeleteArgs),
}

/// A new catalog.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  lakewarden catalog create demo --comment 'sample data' --property team=sales")]
pub struct CatalogCreateArgs {
    /// Its name
    pub name: String,
    /// Comment and properties.
    #[command(flatten)]
    pub describe: DescribeArgs,
}

/// Create, read, change and delete schemas
#[derive(Debug, Clone, Subcommand)]
pub enum SchemaCommand {
    /// Create a schema
    Create(SchemaCreateArgs),
    /// Show a schema
    #[command(after_help = "Example:\n  lakewarden schema get demo.tpch")]
    Get(NameArgs),
    /// List the schemas of a catalog that you may see
    #[command(after_help = "Example:\n  lakewarden schema list demo")]
    List(ListArgs),
    /// Rename a schema, or change its owner, comment or properties
    #[command(after_help = "Example:\n  lakewarden schema update demo.tpch --comment 'TPC-H at scale 0.1'")]
    Update(ChangeArgs),
    /// Delete a schema
    #[command(
        after_help = "Examples:\n  lakewarden schema delete demo.tpch\n  lakewarden schema delete demo.tpch --cascade --yes"
    )]
    Delete(ContainerDeleteArgs),
}

/// A new schema.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  lakewarden schema create demo.sales --comment 'orders and customers'")]
pub struct SchemaCreateArgs {
    /// Its full name: CATALOG.SCHEMA
    pub name: String,
    /// Comment and properties.
    #[command(flatten)]
    pub describe: DescribeArgs,
}

/// Create, read, change and delete tables
#[derive(Debug, Clone, Subcommand)]
pub enum TableCommand {
    /// Create a Delta table, or register one that exists
    Create(TableCreateArgs),
    /// Show a table with its columns and policies
    #[command(
        after_help = "Examples:\n  lakewarden table get demo.tpch.orders\n  lakewarden table get demo.tpch.orders --format json"
    )]
    Get(NameArgs),
    /// List the tables of a schema that you may see
    #[command(after_help = "Example:\n  lakewarden table list demo.tpch")]
    List(ListArgs),
    /// Rename a table, or change its owner, comment or properties
    #[command(after_help = "Example:\n  lakewarden table update demo.tpch.orders --rename orders_old")]
    Update(ChangeArgs),
    /// Delete a table; the files of an external one stay
    #[command(after_help = "Example:\n  lakewarden table delete demo.tpch.orders --yes")]
    Delete(DeleteArgs),
}

const TABLE_CREATE: &str = "\
With --location it is an external table: over the Delta table that lies there, or a new one made there from --column.

Examples:
  lakewarden table create demo.sales.orders --column 'id BIGINT NOT NULL' --column 'price DECIMAL(15,2)'
  lakewarden table create demo.sales.events --location /data/delta/events";

/// A new table.
#[derive(Debug, Clone, Args)]
#[command(after_help = TABLE_CREATE)]
#[command(group(ArgGroup::new("shape").args(["columns", "location"]).required(true).multiple(true)))]
pub struct TableCreateArgs {
    /// Its full name: CATALOG.SCHEMA.TABLE
    pub name: String,
    /// A column; given once for each, in order
    #[arg(long = "column", value_name = "NAME TYPE [NOT NULL]", value_parser = shapes::column)]
    pub columns: Vec<TableColumnArg>,
    /// URL or absolute path of an external table
    #[arg(long, value_name = "URL", default_value = "", hide_default_value = true)]
    pub location: String,
    /// Column to partition the files by; given once for each, in order
    #[arg(long, value_name = "COLUMN")]
    pub partition_by: Vec<String>,
    /// Comment and properties.
    #[command(flatten)]
    pub describe: DescribeArgs,
}

/// Create, read, change and delete views
#[derive(Debug, Clone, Subcommand)]
pub enum ViewCommand {
    /// Create a view
    Create(ViewCreateArgs),
    /// Show a view with its query
    #[command(after_help = "Example:\n  lakewarden view get demo.sales.open_orders")]
    Get(NameArgs),
    /// List the views of a schema that you may see
    #[command(after_help = "Example:\n  lakewarden view list demo.sales")]
    List(ListArgs),
    /// Rename a view, or change its owner, comment or properties
    #[command(after_help = "Example:\n  lakewarden view update demo.sales.open_orders --owner analysts")]
    Update(ChangeArgs),
    /// Delete a view
    #[command(after_help = "Example:\n  lakewarden view delete demo.sales.open_orders --yes")]
    Delete(DeleteArgs),
}

const VIEW_CREATE: &str = "\
Examples:
  lakewarden view create demo.sales.open_orders --query \"SELECT * FROM demo.tpch.orders WHERE o_orderstatus = 'O'\"
  lakewarden view create demo.sales.open_orders --file open_orders.sql --or-replace";

/// A new view.
#[derive(Debug, Clone, Args)]
#[command(after_help = VIEW_CREATE)]
#[command(group(ArgGroup::new("text").args(["query", "file"]).required(true)))]
pub struct ViewCreateArgs {
    /// Its full name: CATALOG.SCHEMA.VIEW
    pub name: String,
    /// The query
    #[arg(long, value_name = "SELECT")]
    pub query: Option<String>,
    /// File with the query; `-` reads stdin
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// Replace the view if there is one
    #[arg(long)]
    pub or_replace: bool,
    /// Comment and properties.
    #[command(flatten)]
    pub describe: DescribeArgs,
}

/// Create, read, change and delete functions
#[derive(Debug, Clone, Subcommand)]
pub enum FunctionCommand {
    /// Create an SQL function
    Create(FunctionCreateArgs),
    /// Show a function with its body
    #[command(after_help = "Example:\n  lakewarden function get demo.gov.mask_phone")]
    Get(NameArgs),
    /// List the functions of a schema that you may see
    #[command(after_help = "Example:\n  lakewarden function list demo.gov")]
    List(ListArgs),
    /// Rename a function, or change its owner, comment or properties
    #[command(
        after_help = "Example:\n  lakewarden function update demo.gov.mask_phone --comment 'keeps the last four digits'"
    )]
    Update(ChangeArgs),
    /// Delete a function
    #[command(after_help = "Example:\n  lakewarden function delete demo.gov.mask_phone --yes")]
    Delete(DeleteArgs),
}

const FUNCTION_CREATE: &str = "\
Examples:
  lakewarden function create demo.gov.mask_phone --parameter 'phone STRING' --returns STRING \\
    --body \"CASE WHEN is_member('support') THEN phone ELSE '***' END\"
  lakewarden function create demo.gov.only_emea --parameter 'region STRING' --returns BOOLEAN --file only_emea.sql";

/// A new function.
#[derive(Debug, Clone, Args)]
#[command(after_help = FUNCTION_CREATE)]
#[command(group(ArgGroup::new("text").args(["body", "file"]).required(true)))]
pub struct FunctionCreateArgs {
    /// Its full name: CATALOG.SCHEMA.FUNCTION
    pub name: String,
    /// A parameter; given once for each, in order
    #[arg(long = "parameter", value_name = "NAME TYPE", value_parser = shapes::parameter)]
    pub parameters: Vec<FunctionParameterArg>,
    /// Type of the result
    #[arg(long, value_name = "TYPE")]
    pub returns: String,
    /// The body: an SQL expression over the parameters
    #[arg(long, value_name = "EXPRESSION")]
    pub body: Option<String>,
    /// File with the body; `-` reads stdin
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// Replace the function if there is one
    #[arg(long)]
    pub or_replace: bool,
    /// Comment and properties.
    #[command(flatten)]
    pub describe: DescribeArgs,
}
