//! Table functions that make rows, bounded.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{TableFunction, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::Expr;

/// Rows that one call may make. They are made a batch at a time, so this bounds time rather than memory.
const MOST_ROWS: i128 = 100_000_000;

/// The bounded form of a table function; `None` for one that isn't allowed.
pub(super) fn bounded(function: Arc<TableFunction>) -> Option<Arc<TableFunction>> {
    let allowed = ["generate_series", "range"].contains(&function.name());
    let name = function.name().to_owned();
    allowed.then(|| Arc::new(TableFunction::new(name, Arc::new(Bounded { inner: Arc::clone(function.function()) }))))
}

#[derive(Debug)]
struct Bounded {
    inner: Arc<dyn TableFunctionImpl>,
}

#[async_trait]
impl TableFunctionImpl for Bounded {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let numbers: Vec<i128> = args.exprs().iter().filter_map(number).collect();
        let (start, stop, step) = match numbers.as_slice() {
            [stop] => (0, *stop, 1),
            [start, stop] => (*start, *stop, 1),
            [start, stop, step] => (*start, *stop, *step),
            // Times and dates step by intervals of at least a nanosecond over a bounded calendar; the rows of a query are bounded too.
            _ => return self.inner.call_with_args(args),
        };
        let rows = (stop - start).checked_div(step).map_or(0, i128::abs);
        if rows > MOST_ROWS {
            return plan_err!("a series of {rows} rows is too long: at most {MOST_ROWS}");
        }
        self.inner.call_with_args(args)
    }
}

fn number(expr: &Expr) -> Option<i128> {
    match expr {
        Expr::Literal(ScalarValue::Int64(value), _) => value.map(i128::from),
        _ => None,
    }
}
