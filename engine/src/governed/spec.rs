//! What the policies say for one relation and one caller.

use std::collections::HashSet;
use std::fmt;

use datafusion::logical_expr::LogicalPlan;

/// One relation as one caller may read it, for one statement.
///
/// Made by [`govern_table`](super::govern_table) or [`govern_view`](super::govern_view). Never keep one across statements: its
/// expressions carry the identity of the caller.
#[derive(Clone)]
pub struct GovernedSpec {
    /// `catalog.schema.table`, shown in plans and errors.
    pub label: String,
    /// Names of the policies in force, shown by EXPLAIN as `policies=[..]`. They are names, never texts.
    pub policy_ids: Vec<String>,
    /// Raw scan, row filter, masks: what the caller may see, planned under the system session.
    pub plan: LogicalPlan,
    /// Visible columns whose value is the stored value, under the stored name.
    pub pass_through: HashSet<String>,
    /// Whether rows may be hidden. When true nothing about the number of stored rows is told.
    pub has_row_filter: bool,
    /// Whether the plan is the body of a view.
    pub is_view: bool,
    /// Whether nothing that the caller asks may decide what is read: no skipping by their predicates, no run-time filters.
    pub strict: bool,
}

/// Shows the label only: the plan holds the text of the policies.
impl fmt::Debug for GovernedSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GovernedSpec({})", self.label)
    }
}
