//! Grants: what a principal may do on a securable.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ColumnId, PrincipalId, PrivilegeSet};

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

/// Everything granted and denied on one column of a table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnGrants {
    /// The column, by its id, which a rename does not change.
    pub column: ColumnId,
    /// The rows, sorted by principal; never empty.
    pub rows: Arc<[GrantRow]>,
}

impl GrantRow {
    /// A row that grants and denies nothing.
    pub fn empty(principal: PrincipalId) -> Self {
        Self { principal, allow: PrivilegeSet::EMPTY, deny: PrivilegeSet::EMPTY }
    }

    /// Whether it grants and denies nothing.
    pub fn is_empty(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty()
    }
}
