//! The operations of the metastore, one family a file. Each is one transaction, in this order: resolve, gate, check the
//! state, write rows and the audit record, return what was read back.

pub mod access;
pub mod audit;
mod binding;
pub mod bootstrap;
pub mod columns;
pub mod containers;
pub mod entries;
pub mod functions;
pub mod governed;
pub mod grants;
pub mod history;
pub mod intents;
pub mod members;
pub mod open;
pub mod page;
pub mod policies;
pub mod principals;
pub mod rules;
pub mod storage;
pub mod tables;
pub mod tags;
pub mod tokens;
pub mod views;
