//! The doors of a server from outside: who is let in, what Flight SQL answers, and how it starts and stops.

mod flight;
mod identity;
mod metadata;
mod prepared;
mod serving;
mod sessions;
mod visitor;
