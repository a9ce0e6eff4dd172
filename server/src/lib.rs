//! The server: transport, identity and wiring.
//!
//! It owns the one port, who a caller is, the translation between the wire and the rooms behind it, settings and
//! telemetry. It decides nothing: every question of rights goes to the catalog, which asks its gate. What a caller learns
//! from an error is what the room that made it chose to say.
//!
//! A request passes the layers in this order: span and count first, so that refusals show too; then identity, before
//! any of its body is read; then the door.

pub mod config;
pub mod convert;
pub mod crypto;
pub mod door;
mod error;
pub mod flight;
pub mod grpc;
mod handles;
pub mod identity;
pub mod listen;
pub mod pages;
pub mod quickstart;
pub mod scrub;
mod serve;
pub mod status;
pub mod telemetry;
mod wire;

pub use config::Config;
pub use error::ServerError;
pub use serve::{Running, runtime, serve};
