//! The built binary from outside: a server on a fresh data folder, and the commands that a user types.

#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

mod access;
mod explained;
mod local;
mod login;
mod objects;
mod served;
mod sql;
mod tags;
