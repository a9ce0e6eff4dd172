//! What a query names: the relations it reads and the functions it calls.
//!
//! A name that a `WITH` binds is no relation where that binding holds, and only there: a later item of the same
//! `WITH`, its body, and everything nested in them. An item does not see itself, except a union under
//! `WITH RECURSIVE`. Names are compared ignoring case, and only names of one part can be bound.
//! Where this reading and the planner's differ (an item quoted in other case), the planner meets a
//! relation that was never opened, so it errs on the side of an error.

use std::collections::HashSet;
use std::ops::ControlFlow;

use sqlparser::ast::{self as sql, Expr, Query, SetExpr, SetOperator, TableFactor, Visit, Visitor};

use super::name::ObjectName;
use super::versions::{RelationRef, relation_of};

/// The names a query depends on, as written, each once, in order of appearance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryRefs {
    /// Relations that are no `WITH` items: tables and views to be opened.
    pub tables: Vec<RelationRef>,
    /// `WITH` items of which a version is asked for, which they do not have.
    pub versioned_items: Vec<ObjectName>,
    /// Functions called by name, built-in ones included (the reader tells them apart).
    pub functions: Vec<ObjectName>,
}

impl QueryRefs {
    /// The names in a query.
    pub fn of_query(query: &Query) -> Self {
        Self::of(query)
    }

    /// The names in an expression, its subqueries included.
    pub fn of_expr(expr: &Expr) -> Self {
        Self::of(expr)
    }

    fn of(node: &impl Visit) -> Self {
        let mut collector = Collector::default();
        let _: ControlFlow<()> = node.visit(&mut collector);
        collector.refs
    }
}

/// One query on the way down, with the names its `WITH` has bound so far.
struct Scope {
    bound: HashSet<String>,
    /// The items of its `WITH` that are still to come, next one last.
    items: Vec<Item>,
}

struct Item {
    /// The address of the item's query: the tree does not move while it is visited.
    query: *const Query,
    name: String,
    names_itself: bool,
}

#[derive(Default)]
struct Collector {
    refs: QueryRefs,
    scopes: Vec<Scope>,
    seen_tables: HashSet<String>,
    seen_functions: HashSet<Vec<String>>,
}

impl Collector {
    fn is_bound(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.scopes.iter().any(|scope| scope.bound.contains(&name))
    }

    fn add_table(&mut self, relation: RelationRef) {
        let is_bound = matches!(relation.name.parts.as_slice(), [part] if self.is_bound(part));
        match (is_bound, relation.is_by_name_alone()) {
            (true, true) => {}
            // The name of a change feed stands in a string, where no item reaches.
            (true, false) if !relation.is_feed() => self.refs.versioned_items.push(relation.name),
            _ => {
                if self.seen_tables.insert(relation.key()) {
                    self.refs.tables.push(relation);
                }
            }
        }
    }

    fn add_function(&mut self, name: &sql::ObjectName) {
        let Some(name) = ObjectName::from_sql(name) else { return };
        if self.seen_functions.insert(name.folded()) {
            self.refs.functions.push(name);
        }
    }
}

impl Visitor for Collector {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if let Some(scope) = self.scopes.last_mut()
            && let Some(item) = scope.items.last()
            && std::ptr::eq(item.query, query)
            && item.names_itself
        {
            scope.bound.insert(item.name.clone());
        }
        let items = query.with.iter().flat_map(|with| {
            with.cte_tables.iter().rev().map(|cte| Item {
                query: std::ptr::from_ref(cte.query.as_ref()),
                name: cte.alias.name.value.to_lowercase(),
                names_itself: with.recursive && is_union(&cte.query),
            })
        });
        self.scopes.push(Scope { bound: HashSet::new(), items: items.collect() });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.scopes.pop();
        if let Some(scope) = self.scopes.last_mut()
            && let Some(item) = scope.items.pop_if(|item| std::ptr::eq(item.query, query))
        {
            scope.bound.insert(item.name);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let Some(relation) = relation_of(factor) {
            self.add_table(relation);
            return ControlFlow::Continue(());
        }
        match factor {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
                self.add_function(name);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr {
            self.add_function(&function.name);
        }
        ControlFlow::Continue(())
    }
}

fn is_union(query: &Query) -> bool {
    matches!(query.body.as_ref(), SetExpr::SetOperation { op: SetOperator::Union, .. })
}
