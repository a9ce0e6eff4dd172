//! Principals: users, groups and service principals.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{PrincipalId, PrincipalName};

/// The kinds of principals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A set of principals; groups may hold groups.
    Group,
    /// A program.
    ServicePrincipal,
}

impl PrincipalKind {
    /// The kind as it reads in a message.
    pub fn noun(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::ServicePrincipal => "service principal",
        }
    }
}

impl fmt::Display for PrincipalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.noun())
    }
}

/// A user, group or service principal. Their names share one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Principal {
    /// Its id, which never changes.
    pub id: PrincipalId,
    /// What it is.
    pub kind: PrincipalKind,
    /// Its name, unique among all principals.
    pub name: PrincipalName,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// When it was created, in milliseconds since 1970 (UTC).
    pub created_at_ms: i64,
    /// Who created it.
    pub created_by: PrincipalId,
    /// Changes with every change of the record.
    pub etag: u64,
}

impl PrincipalId {
    /// The built-in group `account users`, of which every principal is a member.
    pub const ACCOUNT_USERS: PrincipalId = PrincipalId(Uuid::from_u128(1));
    /// The server itself, as the one who did what no principal asked for.
    pub const SYSTEM: PrincipalId = PrincipalId(Uuid::from_u128(0));
}
