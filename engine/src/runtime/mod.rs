//! Where queries run and what they may use up.
//!
//! - [`Limits`]: the bounds of one query and of all of them.
//! - [`Workshop`]: lives as long as the engine; gives every statement its [`Sessions`]: one for the system, which may read storage, and
//!   one for the caller, which may not. Both draw on one pool of [`memory`], which draws on that of all.
//! - [`Executor`]: threads of our own for running queries, and others with deep stacks for planning; results come over a bounded channel, and
//!   a timer on another runtime ends a query that is too slow.
//! - [`Meter`]: what a statement has computed so far, over all its tasks, and how it is stopped.
//! - [`Admission`]: how many queries run at once, in all and for one principal, and who is next.
//! - [`rules`] and [`pace`]: long operators give way, and planning stops with its statement.
//! - [`leaves`]: the last check of a caller's physical plan: all it reads is governed.

pub mod admission;
pub mod counts;
pub mod executor;
pub mod leaves;
pub mod limits;
pub mod memory;
pub mod meter;
pub mod pace;
pub mod rules;
pub mod sessions;
pub mod stores;
pub(crate) mod weight;

#[cfg(test)]
mod tests;

pub use admission::{Admission, Admitted};
pub use counts::Counts;
pub use executor::{Executor, QueryOutput};
pub use leaves::require_governed_leaves;
pub use limits::{LimitError, Limits};
pub use meter::Meter;
pub use sessions::{Sessions, Workshop};
