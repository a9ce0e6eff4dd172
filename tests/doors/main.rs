//! The doors of a server from outside: who is let in, what Flight SQL answers, and how it starts and stops.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect"
)]

mod bounds;
mod cancel;
mod flight;
mod identity;
mod metadata;
mod prepared;
mod serving;
mod sessions;
mod visitor;
