//! The functions that queries and policies may call.
//!
//! The list is closed: a function of a newer DataFusion isn't there until somebody read what it does and put it in `allowed`. Left out on
//! purpose: what names files or rows of storage (`input_file_name`, `file_row_index`), what shows schema metadata (`arrow_metadata`,
//! `arrow_field`, `with_metadata`), and `version`.

mod adjusted;
mod allowed;
mod capped;
mod date_format;
mod growing;
mod identity;
mod masks;
mod native;
mod regexp;
mod series;
mod spelled;
mod syntax;
mod tokens;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use datafusion::catalog::TableFunction;
use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::{AggregateUDF, HigherOrderUDF, ScalarUDF, WindowUDF};

pub use growing::BoundGrowth;
pub use identity::{Identity, RecipientProperties};
pub use syntax::Syntax;
pub use tokens::TokenKey;

/// The registry. Made once; identity functions are added for each statement.
#[derive(Debug)]
pub struct Functions {
    scalar: Vec<Arc<ScalarUDF>>,
    aggregate: Vec<Arc<AggregateUDF>>,
    window: Vec<Arc<WindowUDF>>,
    higher_order: Vec<Arc<HigherOrderUDF>>,
    table: Vec<Arc<TableFunction>>,
}

impl Functions {
    /// The allowed functions, capped where a short call could ask for a huge value, and our own; `tokenize` is under a key.
    pub fn new(key: Option<TokenKey>) -> Self {
        let scalar = SessionStateDefaults::default_scalar_functions().into_iter();
        let aggregate = SessionStateDefaults::default_aggregate_functions().into_iter();
        let window = SessionStateDefaults::default_window_functions().into_iter();
        let higher_order = SessionStateDefaults::default_higher_order_functions().into_iter();
        let own = regexp::FUNCTIONS.iter().chain(masks::FUNCTIONS).map(native::function);
        let own = own.chain(spelled::functions()).chain([tokens::function(key)]);
        Self {
            // Ours come last: the last one of a name counts.
            scalar: scalar
                .filter(|function| allowed::SCALAR.contains(&function.name()))
                .map(adjusted::adjusted)
                .map(capped::capped)
                .map(|function| {
                    renamed(function, allowed::SCALAR_ALIASES, |one| one.name().to_owned(), with_scalar_aliases)
                })
                .chain(own)
                .collect(),
            aggregate: aggregate
                .filter(|function| allowed::AGGREGATE.contains(&function.name()))
                .map(|function| {
                    renamed(function, allowed::AGGREGATE_ALIASES, |one| one.name().to_owned(), with_aggregate_aliases)
                })
                .collect(),
            window: window.filter(|function| allowed::WINDOW.contains(&function.name())).collect(),
            higher_order: higher_order.filter(|function| allowed::HIGHER_ORDER.contains(&function.name())).collect(),
            table: SessionStateDefaults::default_table_functions().into_iter().filter_map(series::bounded).collect(),
        }
    }

    /// Scalar functions for one statement of a caller.
    pub fn scalar(&self, identity: &Identity) -> Vec<Arc<ScalarUDF>> {
        self.scalar.iter().cloned().chain(identity::functions(identity)).collect()
    }

    /// What plans syntax before the library does.
    pub fn syntax(&self) -> Syntax {
        Syntax { substring: self.scalar.iter().find(|function| function.name() == "substr").cloned() }
    }

    /// Aggregate functions.
    pub fn aggregate(&self) -> Vec<Arc<AggregateUDF>> {
        self.aggregate.clone()
    }

    /// Window functions.
    pub fn window(&self) -> Vec<Arc<WindowUDF>> {
        self.window.clone()
    }

    /// Functions that take lambdas.
    pub fn higher_order(&self) -> Vec<Arc<HigherOrderUDF>> {
        self.higher_order.clone()
    }

    /// Table functions.
    pub fn table(&self) -> Vec<Arc<TableFunction>> {
        self.table.clone()
    }

    /// Names that a stored function may not take: the registry's, its aliases and the identity functions.
    pub fn reserved_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for function in self.scalar(&Identity::nobody()) {
            names.push(function.name().to_owned());
            names.extend(function.aliases().iter().cloned());
        }
        for function in &self.aggregate {
            names.push(function.name().to_owned());
            names.extend(function.aliases().iter().cloned());
        }
        for function in &self.window {
            names.push(function.name().to_owned());
            names.extend(function.aliases().iter().cloned());
        }
        names.extend(self.higher_order.iter().map(|function| function.name().to_owned()));
        names.extend(self.table.iter().map(|function| function.name().to_owned()));
        names.sort();
        names.dedup();
        names
    }
}

fn renamed<T>(
    function: Arc<T>,
    table: &[(&str, &'static [&'static str])],
    name: impl Fn(&T) -> String,
    with: impl Fn(Arc<T>, &'static [&'static str]) -> Arc<T>,
) -> Arc<T> {
    let own = name(&function);
    match table.iter().find(|(known, _)| *known == own) {
        Some((_, aliases)) => with(function, aliases),
        None => function,
    }
}

fn with_scalar_aliases(function: Arc<ScalarUDF>, aliases: &'static [&'static str]) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::clone(&function).with_aliases(aliases.iter().copied()))
}

fn with_aggregate_aliases(function: Arc<AggregateUDF>, aliases: &'static [&'static str]) -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::clone(&function).with_aliases(aliases.iter().copied()))
}
