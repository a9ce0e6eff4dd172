//! Reading a relation under its policies.
//!
//! What this module owns: turning "these rows, these masks, these columns" into something DataFusion can scan without the caller's
//! query ever touching a hidden row or a raw value. It doesn't decide which policies bind a caller; it is handed them.
//!
//! How it holds, from the outside in:
//!
//! 1. [`GovernedTable`] is the only provider a caller's query sees. It lets a predicate of the caller below itself only when the predicate
//!    is *leakproof* ([`leakproof`]), and never claims to have applied it.
//! 2. Its scan plans `raw table -> row filter -> barrier -> leakproof predicates -> masks -> projection -> limit` under the system session
//!    and seals the result in a [`GovernedScanExec`]: a leaf without children, metrics, paths or texts of the policy.
//! 3. [`barrier`] keeps the row filter the first thing that judges a row, in the logical and in the physical plan.
//! 4. [`raw::RawTable`] never lets a storage provider claim that it applied a filter, so a policy can't vanish into such a claim.
//! 5. [`proof`] looks at the finished plan and refuses the statement when the policy isn't in it.
//!
//! What it may reveal: the relation's name, the ids of the policies that bind the caller, the visible rows and how many they are. Errors
//! from below the seal go to the [`FaultLog`]; the caller gets a reference to look up.

pub mod barrier;
pub mod fault;
pub mod fields;
mod floating;
pub mod inject;
pub mod inline;
pub mod leakproof;
pub mod policy;
pub mod proof;
pub mod raw;
pub mod sealed;
pub mod spec;
pub mod table;

#[cfg(test)]
pub(crate) mod tests;

pub use fault::{FaultLog, ScanFault};
pub use policy::{TablePolicy, govern_table, govern_view};
pub use raw::RawTable;
pub use sealed::GovernedScanExec;
pub use spec::GovernedSpec;
pub use table::GovernedTable;
