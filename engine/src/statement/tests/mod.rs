//! The grammar as tables of statements, attacks on it, and random input.

mod abac;
mod attacks;
mod ddl;
mod gate;
mod grants;
mod policies;
mod refs;
mod refused;
mod session;
mod soup;
mod storage;
mod tags;

use super::*;

/// Parses with the default limits.
fn parse(sql: &str) -> Statement {
    parse_one(sql, &ParseLimits::default()).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// The error of a statement that is none.
fn error(sql: &str) -> ParseError {
    match parse_one(sql, &ParseLimits::default()) {
        Err(error) => error,
        Ok(statement) => panic!("{sql}: {statement:?}"),
    }
}

/// What an unsupported statement is called.
fn unsupported(sql: &str) -> String {
    match parse(sql) {
        Statement::Unsupported { what } => what,
        other => panic!("{sql}: {other:?}"),
    }
}

fn name(text: &str) -> ObjectName {
    ObjectName::new(text.split('.'))
}
