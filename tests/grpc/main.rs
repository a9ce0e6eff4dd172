//! The gRPC door from outside: a server in this process on a free port, and real clients.
//!
//! Each operation is asked by who may do it, by who may see the thing but not do it, and by who may not see it; the last
//! must get the very words that an absent thing gets.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that fails fails its test")]

mod access;
mod audit;
mod catalogs;
mod consistency;
mod functions;
mod grants;
mod identity;
mod policies;
mod principals;
mod refusals;
mod schemas;
mod sql;
mod tables;
mod tags;
mod tokens;
mod transport;
mod world;
