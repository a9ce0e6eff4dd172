//! The engine: runs SQL for one caller over Delta tables, under the policies of the catalog.
//!
//! **The property.** For every caller C, statement Q and database D: result, error text, EXPLAIN output, metrics and lineage
//! shown to C of Q on D are the same as of Q on D', where D' holds only the rows and values that C's policies let through.
//! Row counts and file names of D that are not in D' never appear. How it holds, and what remains: `docs/enforcement.md`.
//!
//! It does not decide who may do what: the catalog does, and hands over the policies that bind the caller. It does not
//! know gRPC, HTTP or where records are kept. What it may reveal: names, rows and values that the catalog let the caller
//! have; never a file name, a count of hidden rows, a policy's text or an error from below a policy.
//!
//! A statement goes: text -> [`statement`] (an allow-list) -> `planner` (relations opened and governed, views and functions
//! put in place) -> `run` (one family of statements a file) -> `exec` and [`runtime`] (limits, own threads) -> rows.

pub mod delta;
mod engine;
mod error;
mod exec;
pub mod functions;
pub mod governed;
mod information;
mod names;
mod planner;
mod run;
pub mod runtime;
mod session;
pub mod statement;
mod stream;
mod times;
pub mod tpch;

/// The value of a parameter, as `Session::run_with` takes it.
pub use datafusion::common::ScalarValue;
pub use engine::{Engine, EngineConfig};
pub use error::EngineError;
pub use exec::Load;
pub use functions::{RecipientProperties, TokenKey};
pub use planner::Access;
pub use runtime::Limits;
pub use session::{Description, Session};
pub use stream::{Outcome, QueryStream};
