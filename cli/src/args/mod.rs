//! The words of the command line: one tree for all commands, those of the server included, so that `--help` and completions
//! show everything.

mod access;
mod connection;
mod data;
mod grants;
mod local;
mod policies;
mod principals;
mod securables;
mod shapes;
mod tags;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, CommandFactory, Parser, Subcommand};

pub use access::{AboutArgs, Asked, CanArgs, WhoCanArgs};
pub use connection::{ConnectionArgs, LoginArgs, LogoutArgs};
pub use data::{AuditCommand, AuditListArgs, Outcome, SqlArgs, When};
pub use grants::{DenyArgs, GrantArgs, GrantsCommand, GrantsShowArgs, On, PrivilegesOn, RevokeArgs};
pub use local::{CompletionsArgs, ConfigCommand, ConfigShowArgs, QuickstartArgs, ServeArgs, ServerArgs};
pub use policies::{
    MaskCommand, MaskDropArgs, MaskSetArgs, PolicyCommand, PolicyCreateArgs, PolicyDeleteArgs, PolicyListArgs,
    PolicyOnArgs, RowFilterCommand, RowFilterDropArgs, RowFilterSetArgs,
};
pub use principals::{
    GroupCommand, MembersArgs, PrincipalCommand, PrincipalCreateArgs, PrincipalDeleteArgs, PrincipalUpdateArgs,
    TokenCommand, TokenCreateArgs, TokenListArgs,
};
pub use securables::{
    CatalogCommand, CatalogCreateArgs, ChangeArgs, ContainerDeleteArgs, DeleteArgs, DescribeArgs, FunctionCommand,
    FunctionCreateArgs, FunctionParameterArg, ListArgs, ListLimit, NameArgs, SchemaCommand, SchemaCreateArgs,
    TableColumnArg, TableCommand, TableCreateArgs, ViewCommand, ViewCreateArgs,
};
pub use tags::{
    TagCommand, TagCreateArgs, TagDeleteArgs, TagSetArgs, TagShowArgs, TagUnsetArgs, TagUpdateArgs, TagValuesArgs,
};

const EXAMPLES: &str = "\
Examples:
  lakewarden quickstart                      a server with TPC-H, users, grants and policies
  lakewarden login --token-file lakewarden-data/admin.token
  lakewarden sql 'SELECT count(*) FROM demo.tpch.orders'
  lakewarden user create bob
  lakewarden group add-member analysts bob
  lakewarden grant SELECT --on table demo.tpch.orders --to analysts
  lakewarden can bob SELECT table demo.tpch.orders
  lakewarden token create --principal bob --ttl 8h

Exit codes:
  0 done                1 internal error      2 permission denied       3 wrong arguments
  4 not signed in       5 not found           6 already exists          7 not in this state
  8 changed by others   9 limit or time-out   10 not supported or not reachable";

/// An open governance catalog for the lakehouse
#[derive(Debug, Parser)]
#[command(name = "lakewarden", version, after_help = EXAMPLES, max_term_width = 110)]
#[command(arg_required_else_help = true, subcommand_required = true, infer_long_args = false)]
pub struct Cli {
    /// How to reach the server.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve(ServeArgs),
    /// Set up a server with sample data and policies, show what they do, and go on serving
    Quickstart(QuickstartArgs),
    /// Save an endpoint and a token as a profile
    Login(LoginArgs),
    /// Forget a saved profile
    Logout(LogoutArgs),
    /// Run SQL: a statement, a file, or an interactive shell
    Sql(SqlArgs),
    /// Create, read, change and delete catalogs
    #[command(subcommand)]
    Catalog(CatalogCommand),
    /// Create, read, change and delete schemas
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Create, read, change and delete tables
    #[command(subcommand)]
    Table(TableCommand),
    /// Create, read, change and delete views
    #[command(subcommand)]
    View(ViewCommand),
    /// Create, read, change and delete functions
    #[command(subcommand)]
    Function(FunctionCommand),
    /// Create, read, change and delete users
    #[command(subcommand)]
    User(PrincipalCommand),
    /// Create, read, change and delete groups, and say who is in them
    #[command(subcommand)]
    Group(GroupCommand),
    /// Create, read, change and delete service principals
    #[command(subcommand)]
    ServicePrincipal(PrincipalCommand),
    /// Make, list and revoke access tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Grant privileges on something to somebody
    Grant(GrantArgs),
    /// Deny privileges on something to somebody, whatever is granted
    Deny(DenyArgs),
    /// Take granted or denied privileges away
    Revoke(RevokeArgs),
    /// Show grants and denials
    #[command(subcommand)]
    Grants(GrantsCommand),
    /// Say whether somebody may do something, and why
    Can(CanArgs),
    /// List who may do something
    WhoCan(WhoCanArgs),
    /// Set, drop and show row filters and column masks, bound to tables or by policies on tags
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Tag things and columns, and govern tags
    #[command(subcommand)]
    Tag(TagCommand),
    /// Read the audit trail
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Show who you are to the server
    #[command(after_help = "Example:\n  lakewarden whoami --format json")]
    Whoami,
    /// Show settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

/// The commands that do not talk to a server, with the connection options that still mean something to them.
const LOCAL: [(&str, Option<&str>, &[&str]); 4] = [
    ("serve", None, &[]),
    ("quickstart", None, &[]),
    ("config", Some("show"), &["format"]),
    ("completions", None, &[]),
];

/// The tree of commands. Options of the connection are not shown where they mean nothing.
pub fn command() -> clap::Command {
    let root = Cli::command();
    let connection: Vec<Arg> = root.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
    LOCAL.iter().fold(root, |root, (name, sub, kept)| {
        let hide = |command: clap::Command| {
            let hidden = connection.iter().filter(|arg| !kept.contains(&arg.get_id().as_str()));
            command.args(hidden.map(|arg| arg.clone().hide(true)))
        };
        root.mut_subcommand(*name, |command| match sub {
            Some(sub) => command.mut_subcommand(*sub, hide),
            None => hide(command),
        })
    })
}

/// The option of the connection that was given on the command line to a command that does not talk to a server.
pub fn misplaced(matches: &ArgMatches) -> Option<String> {
    let (name, inner) = matches.subcommand()?;
    let (_, _, kept) = LOCAL
        .iter()
        .find(|(local, sub, _)| *local == name && sub.is_none_or(|s| inner.subcommand_name() == Some(s)))?;
    let connection = Cli::command();
    let mut given = connection.get_arguments().filter(|arg| arg.is_global_set()).map(|arg| arg.get_id().as_str());
    given
        .find(|id| !kept.contains(id) && matches.value_source(id) == Some(ValueSource::CommandLine))
        .map(|id| format!("`{name}` does not talk to a server: leave --{} away", id.replace('_', "-")))
}

#[cfg(test)]
mod tests;
