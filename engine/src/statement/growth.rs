//! What a query grows to when its `WITH` items stand where they are named.
//!
//! The planner puts an item in every place that names it, so that thirty items that each name the one before twice are a
//! plan of a billion relations. It is counted here, on the text, where counting takes no longer than reading.

use std::collections::HashMap;
use std::ops::ControlFlow;

use sqlparser::ast::{Query, Select, SelectItem, TableFactor, Visit, Visitor};

use super::error::{ParseError, ParseErrorKind};

/// Relations in the whole of a query.
const MOST_RELATIONS: u64 = 1_000;
/// `*` and `t.*` in one list: each stands for all columns.
const MOST_WILDCARDS: usize = 100;

/// Refuses a query that grows beyond all use.
///
/// # Errors
/// `Limit`.
pub(super) fn check(node: &impl Visit) -> Result<(), ParseError> {
    let mut counter = Counter { scopes: vec![Scope::default()] };
    match node.visit(&mut counter) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// One query on the way down.
#[derive(Default)]
struct Scope {
    relations: u64,
    /// What the items of its `WITH` grow to, as far as they are known.
    known: HashMap<String, u64>,
    /// The items still to come, next one last; the tree does not move while it is visited.
    items: Vec<(*const Query, String)>,
}

struct Counter {
    scopes: Vec<Scope>,
}

impl Counter {
    fn add(&mut self, relations: u64) -> ControlFlow<ParseError> {
        let Some(scope) = self.scopes.last_mut() else { return ControlFlow::Continue(()) };
        scope.relations = scope.relations.saturating_add(relations);
        if scope.relations <= MOST_RELATIONS {
            return ControlFlow::Continue(());
        }
        let message = format!(
            "the statement reads more than {MOST_RELATIONS} relations, each WITH item counted where it is named"
        );
        ControlFlow::Break(ParseError::whole(ParseErrorKind::Limit, message))
    }

    fn growth_of(&self, name: &str) -> u64 {
        let name = name.to_lowercase();
        self.scopes.iter().rev().find_map(|scope| scope.known.get(&name)).copied().unwrap_or(1)
    }
}

impl Visitor for Counter {
    type Break = ParseError;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<ParseError> {
        let items = query.with.iter().flat_map(|with| {
            with.cte_tables
                .iter()
                .rev()
                .map(|cte| (std::ptr::from_ref(&*cte.query), cte.alias.name.value.to_lowercase()))
        });
        self.scopes.push(Scope { items: items.collect(), ..Scope::default() });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<ParseError> {
        let Some(done) = self.scopes.pop() else { return ControlFlow::Continue(()) };
        let outer = self.scopes.last_mut();
        if let Some(outer) = outer
            && let Some((_, name)) = outer.items.pop_if(|(item, _)| std::ptr::eq(*item, query))
        {
            // What reads no relation is copied all the same.
            outer.known.insert(name, done.relations.max(1));
            return ControlFlow::Continue(());
        }
        self.add(done.relations)
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<ParseError> {
        let is_wildcard =
            |item: &&SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
        if select.projection.iter().filter(is_wildcard).count() <= MOST_WILDCARDS {
            return ControlFlow::Continue(());
        }
        let message = format!("a list of columns has more than {MOST_WILDCARDS} `*`");
        ControlFlow::Break(ParseError::whole(ParseErrorKind::Limit, message))
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<ParseError> {
        let TableFactor::Table { name, .. } = factor else { return ControlFlow::Continue(()) };
        let growth = match name.0.as_slice() {
            [part] => part.as_ident().map_or(1, |name| self.growth_of(&name.value)),
            _ => 1,
        };
        self.add(growth)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ParseLimits, parse_one};
    use super::*;

    fn kind(sql: &str) -> Option<ParseErrorKind> {
        parse_one(sql, &ParseLimits::default()).err().map(|error| error.kind)
    }

    fn chain(levels: usize, first: &str, from: impl Fn(usize) -> String) -> String {
        let items: Vec<_> =
            (1..=levels).map(|level| format!("c{level} AS (SELECT 1 AS x FROM {})", from(level - 1))).collect();
        format!("WITH c0 AS ({first}), {} SELECT count(*) FROM c{levels}", items.join(", "))
    }

    #[test]
    fn items_that_double_are_refused_and_chains_are_not() {
        for first in ["SELECT 1 AS x", "SELECT x FROM t"] {
            assert_eq!(kind(&chain(9, first, |below| format!("c{below} a, c{below} b"))), None);
            assert_eq!(kind(&chain(11, first, |below| format!("c{below} a, c{below} b"))), Some(ParseErrorKind::Limit));
            assert_eq!(kind(&chain(60, first, |below| format!("C{below} a, c{below} b"))), Some(ParseErrorKind::Limit));
            assert_eq!(kind(&chain(200, first, |below| format!("c{below}"))), None);
        }
        let inner = chain(11, "SELECT 1", |below| format!("c{below} a, c{below} b"));
        assert_eq!(kind(&format!("SELECT * FROM ({inner}) q")), Some(ParseErrorKind::Limit));
        assert_eq!(kind(&format!("SELECT x FROM t WHERE x IN ({inner})")), Some(ParseErrorKind::Limit));
    }

    #[test]
    fn a_list_has_so_many_wildcards() {
        assert_eq!(kind(&format!("SELECT {}* FROM t", "t.*, ".repeat(99))), None);
        assert_eq!(kind(&format!("SELECT {}* FROM t", "t.*, ".repeat(100))), Some(ParseErrorKind::Limit));
    }
}
