//! Where queries run and what they may use up.
//!
//! - [`Limits`]: the bounds of one query and of all of them.
//! - [`Workshop`]: lives as long as the engine; gives every statement its [`Sessions`]: one for the system, which may read storage, and
//!   one for the caller, which may not.
//! - [`Executor`]: threads of our own for planning and running, with deep stacks; results come over a bounded channel, and a timer on another
//!   runtime ends a query that is too slow.
//! - [`Admission`]: how many queries run at once, in all and for one principal.
//! - [`leaves`]: the last check of a caller's physical plan: all it reads is governed.

pub mod admission;
pub mod coop;
pub mod executor;
pub mod leaves;
pub mod limits;
pub mod sessions;
pub mod stores;

#[cfg(test)]
mod tests;

pub use admission::{Admission, Admitted};
pub use executor::{Executor, QueryOutput};
pub use leaves::require_governed_leaves;
pub use limits::{LimitError, Limits};
pub use sessions::{Sessions, Workshop};
