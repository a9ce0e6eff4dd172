//! The catalog: what exists, who owns it, who was granted what, and that every change is whole or absent.
//!
//! It owns the records, the rules of their change and the doors to them. It does not decide who may do what (it asks a
//! [`Gate`]), and does not know SQL, HTTP, gRPC or Arrow. Whatever a caller may not see answers as if it were absent.
//!
//! All records stand in memory in one immutable [`state::State`]; a request pins one and sees nothing of later changes.
//! A change makes a new state, writes its rows to the store, and is published once they are durable.

pub mod caller;
pub mod clock;
mod error;
pub mod gate;
mod handle;
pub mod metastore;
pub mod model;
pub mod ops;
pub mod pinned;
pub mod state;
pub mod store;
mod tx;

#[cfg(test)]
mod tests;

pub use caller::Caller;
pub use error::{CatalogError, ErrorKind};
pub use gate::{Ask, Closure, Decision, Gate, GateError, Link, Need, Reason};
pub use handle::Handle;
pub use metastore::Metastore;
pub use pinned::Pinned;
