//! Grants: what a principal may do on a securable.

use serde::{Deserialize, Serialize};

use super::{PrincipalId, Privilege, PrivilegeSet, SecurableId};

/// Everything granted and denied to one principal on one securable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRow {
    /// To whom.
    pub principal: PrincipalId,
    /// What is granted.
    pub allow: PrivilegeSet,
    /// What is denied, whatever else is granted.
    pub deny: PrivilegeSet,
}

/// One grant: the triple of principal, privilege and securable. It has no id of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Grant {
    /// To whom.
    pub principal: PrincipalId,
    /// What.
    pub privilege: Privilege,
    /// On which securable; for an inherited grant, the ancestor that it was made on.
    pub securable: SecurableId,
}
