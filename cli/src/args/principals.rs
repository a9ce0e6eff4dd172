//! Users, groups, service principals and their tokens.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::securables::ListLimit;
use crate::duration;

/// What can be done with users and service principals.
#[derive(Debug, Clone, Subcommand)]
pub enum PrincipalCommand {
    /// Create one
    Create(PrincipalCreateArgs),
    /// Show one
    #[command(after_help = "Example:\n  lakewarden user get bob")]
    Get {
        /// Its name
        name: String,
    },
    /// List all
    #[command(after_help = "Example:\n  lakewarden user list --format json")]
    List(ListLimit),
    /// Rename one, or change its comment
    Update(PrincipalUpdateArgs),
    /// Delete one, with its memberships and tokens
    Delete(PrincipalDeleteArgs),
}

/// What can be done with groups.
#[derive(Debug, Clone, Subcommand)]
pub enum GroupCommand {
    /// Create one
    Create(PrincipalCreateArgs),
    /// Show one
    #[command(after_help = "Example:\n  lakewarden group get analysts")]
    Get {
        /// Its name
        name: String,
    },
    /// List all
    #[command(after_help = "Example:\n  lakewarden group list")]
    List(ListLimit),
    /// Rename one, or change its comment
    Update(PrincipalUpdateArgs),
    /// Delete one, with its memberships
    Delete(PrincipalDeleteArgs),
    /// Put users, groups or service principals into a group
    #[command(
        after_help = "Examples:\n  lakewarden group add-member analysts bob\n  lakewarden group add-member staff analysts engineers"
    )]
    AddMember(MembersArgs),
    /// Take members out of a group
    #[command(after_help = "Example:\n  lakewarden group remove-member analysts bob")]
    RemoveMember(MembersArgs),
    /// List the direct members of a group
    #[command(after_help = "Example:\n  lakewarden group members analysts")]
    Members {
        /// Name of the group
        group: String,
        /// How many.
        #[command(flatten)]
        list: ListLimit,
    },
}

/// A new principal.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  lakewarden user create bob@example.com --comment 'sales, EMEA'\n  lakewarden group create analysts\n  lakewarden service-principal create etl"
)]
pub struct PrincipalCreateArgs {
    /// Its name; users, groups and service principals share one set of names
    pub name: String,
    /// Free text
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub comment: String,
}

/// Changes to a principal.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  lakewarden user update bob --rename robert --comment 'sales'")]
#[command(group(clap::ArgGroup::new("change").args(["rename", "comment"]).required(true).multiple(true)))]
pub struct PrincipalUpdateArgs {
    /// The name it has now
    pub name: String,
    /// New name
    #[arg(long, value_name = "NAME")]
    pub rename: Option<String>,
    /// New comment; empty takes it away
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// Do it only if it still has this etag
    #[arg(long, value_name = "ETAG", default_value = "", hide_default_value = true)]
    pub etag: String,
}

const DELETE: &str = "\
One that owns something, or that something is granted or denied to, is not deleted without a choice; the error names what
stands against it. Grants and denials go with --cascade; what it owns needs --reassign-owned-to.

Examples:
  lakewarden user delete bob --yes
  lakewarden user delete bob --cascade --yes
  lakewarden user delete bob --reassign-owned-to carol --yes";

/// Which principal to delete.
#[derive(Debug, Clone, Args)]
#[command(after_help = DELETE)]
pub struct PrincipalDeleteArgs {
    /// Its name
    pub name: String,
    /// Take its grants and denials away with it; it must own nothing
    #[arg(long)]
    pub cascade: bool,
    /// Give what it owns to this principal, and take its grants and denials away
    #[arg(long, value_name = "PRINCIPAL", conflicts_with = "cascade")]
    pub reassign_owned_to: Option<String>,
    /// Do it without asking
    #[arg(long, short)]
    pub yes: bool,
    /// Do it only if it still has this etag
    #[arg(long, value_name = "ETAG", default_value = "", hide_default_value = true)]
    pub etag: String,
}

/// A group and members of it.
#[derive(Debug, Clone, Args)]
pub struct MembersArgs {
    /// Name of the group
    pub group: String,
    /// Names of users, groups or service principals
    #[arg(required = true, value_name = "MEMBER")]
    pub members: Vec<String>,
}

/// Make, list and revoke access tokens
#[derive(Debug, Clone, Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it, alone on stdout; it cannot be shown again
    Create(TokenCreateArgs),
    /// List tokens, without their text
    List(TokenListArgs),
    /// Make tokens worthless at once
    #[command(after_help = "Example:\n  lakewarden token revoke 0197c2a4-5d1e-7c7a-8f0e-3b1f5a0c9d42")]
    Revoke {
        /// Ids of tokens, as `token list` shows them
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
}

const TOKEN_CREATE: &str = "\
Examples:
  lakewarden token create --principal bob --ttl 8h > bob.token
  lakewarden sql --token-file bob.token 'SELECT current_user()'
  lakewarden token create --ttl 30d --comment 'nightly job'";

/// Make a token and print it, alone on stdout; it cannot be shown again
#[derive(Debug, Clone, Args)]
#[command(after_help = TOKEN_CREATE)]
pub struct TokenCreateArgs {
    /// User or service principal that it stands for [default: you]
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub principal: String,
    /// How long it is valid: 90s, 15m, 8h, 30d, 1d12h [default: what the server says]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub ttl: Option<Duration>,
    /// Free text
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub comment: String,
}

/// List tokens, without their text
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  lakewarden token list\n  lakewarden token list --principal bob --include-inactive\n  lakewarden token list --all"
)]
pub struct TokenListArgs {
    /// Whose [default: yours]
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    pub principal: Option<String>,
    /// Everybody's
    #[arg(long)]
    pub all: bool,
    /// Also those that are revoked or expired
    #[arg(long)]
    pub include_inactive: bool,
    /// How many.
    #[command(flatten)]
    pub list: ListLimit,
}
