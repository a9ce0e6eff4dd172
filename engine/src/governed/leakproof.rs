//! Which predicates of a caller may go below the barrier.
//!
//! Source: enforcement design, section 4. A leakproof predicate can't fail on any value, is pure, and reads only columns whose stored
//! value is the visible value, so pruning by stored statistics tells nothing that the visible rows don't tell. The list is closed: what isn't
//! recognised stays above.
//!
//! Columns of floating point are never compared below: statistics leave NaN out, although it is greater than every number.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use datafusion::logical_expr::{Expr, Operator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, DynamicFilterPhysicalExpr};

use super::floating::is_floating;

/// The columns of a relation that predicates of a caller may read below the barrier: shown as stored, and skipped by exactly.
pub fn open_columns(schema: &Schema, pass_through: &HashSet<String>) -> HashSet<String> {
    let exact = |name: &&String| schema.field_with_name(name).is_ok_and(|field| !is_floating(field.data_type()));
    pass_through.iter().filter(exact).cloned().collect()
}

/// Whether a predicate may be evaluated on rows and files that the caller may not see.
pub fn is_leakproof(predicate: &Expr, schema: &Schema, open: &HashSet<String>) -> bool {
    Judge { schema, open }.holds(predicate)
}

/// Whether a run-time filter of a join, an aggregate or a TopK may go below: it is one, and all it reads are `open` columns, bare.
pub fn is_leakproof_dynamic(filter: &Arc<dyn PhysicalExpr>, open: &HashSet<usize>) -> bool {
    let children = filter.children();
    filter.downcast_ref::<DynamicFilterPhysicalExpr>().is_some()
        && !children.is_empty()
        && children
            .iter()
            .all(|child| child.downcast_ref::<Column>().is_some_and(|column| open.contains(&column.index())))
}

struct Judge<'a> {
    schema: &'a Schema,
    open: &'a HashSet<String>,
}

impl Judge<'_> {
    fn holds(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Column(_) => self.column(expr) == Some(&DataType::Boolean),
            Expr::Not(inner) => self.holds(inner),
            Expr::IsNull(inner) | Expr::IsNotNull(inner) => self.column(inner).is_some(),
            Expr::InList(list) => {
                self.column(&list.expr).is_some_and(|of| list.list.iter().all(|item| literal(item, of)))
            }
            Expr::Between(range) => {
                self.column(&range.expr).is_some_and(|of| literal(&range.low, of) && literal(&range.high, of))
            }
            Expr::BinaryExpr(binary) => match binary.op {
                Operator::And | Operator::Or => self.holds(&binary.left) && self.holds(&binary.right),
                Operator::Eq | Operator::NotEq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq => {
                    self.compares(&binary.left, &binary.right) || self.compares(&binary.right, &binary.left)
                }
                _ => false,
            },
            _ => false,
        }
    }

    fn compares(&self, column: &Expr, value: &Expr) -> bool {
        self.column(column).is_some_and(|of| literal(value, of))
    }

    /// The type of a bare, unmasked, scalar column.
    fn column(&self, expr: &Expr) -> Option<&DataType> {
        let Expr::Column(column) = expr else { return None };
        if !self.open.contains(&column.name) {
            return None;
        }
        let data_type = self.schema.field_with_name(&column.name).ok()?.data_type();
        is_scalar(data_type).then_some(data_type)
    }
}

fn literal(expr: &Expr, of: &DataType) -> bool {
    let Expr::Literal(value, _) = expr else { return false };
    let found = value.data_type();
    found == *of || (is_text(&found) && is_text(of))
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn is_scalar(data_type: &DataType) -> bool {
    is_text(data_type)
        || data_type.is_integer()
        || matches!(
            data_type,
            DataType::Boolean
                | DataType::Date32
                | DataType::Date64
                | DataType::Timestamp(_, _)
                | DataType::Decimal32(_, _)
                | DataType::Decimal64(_, _)
                | DataType::Decimal128(_, _)
                | DataType::Decimal256(_, _)
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::Field;
    use datafusion::common::ScalarValue;
    use datafusion::logical_expr::{cast, col, in_list, lit};
    use rstest::rstest;

    fn schema() -> Schema {
        Schema::new(vec![
            Field::new("id", DataType::Int64, false),
            Field::new("name", DataType::Utf8View, true),
            Field::new("ok", DataType::Boolean, true),
            Field::new("ssn", DataType::Utf8View, true),
            Field::new("level", DataType::Float64, true),
            Field::new("tags", DataType::new_list(DataType::Utf8, true), true),
        ])
    }

    fn judged(predicate: &Expr) -> bool {
        let open = ["id", "name", "ok", "level", "tags"].map(str::to_owned).into();
        is_leakproof(predicate, &schema(), &open)
    }

    #[rstest]
    #[case::comparison(col("id").gt(lit(3_i64)))]
    #[case::literal_first(lit(3_i64).lt(col("id")))]
    #[case::text_of_another_layout(col("name").eq(lit("EU")))]
    #[case::null_test(col("name").is_not_null())]
    #[case::list(in_list(col("id"), vec![lit(2_i64), lit(ScalarValue::Int64(None))], true))]
    #[case::range(col("id").between(lit(2_i64), lit(4_i64)))]
    #[case::boolean_column(col("ok").or(Expr::Not(Box::new(col("id").eq(lit(1_i64))))))]
    fn lets_infallible_predicates_on_open_columns_through(#[case] predicate: Expr) {
        assert!(judged(&predicate));
    }

    #[rstest]
    #[case::cast(cast(col("name"), DataType::Int64).gt(lit(0_i64)))]
    #[case::division((lit(10_i64) / (col("id") - lit(7_i64))).gt(lit(0_i64)))]
    #[case::masked_column(col("ssn").eq(lit("x")))]
    #[case::masked_null_test(col("ssn").is_null())]
    #[case::half_masked(col("id").eq(lit(1_i64)).or(col("ssn").eq(lit("x"))))]
    #[case::no_column(lit(1_i64).eq(lit(1_i64)))]
    #[case::constant(lit(false))]
    #[case::two_columns(col("id").eq(col("id")))]
    #[case::other_type(col("id").eq(lit(3_i32)))]
    #[case::untyped_null(col("id").eq(lit(ScalarValue::Null)))]
    #[case::pattern(col("name").like(lit("a%")))]
    #[case::nested(col("tags").is_null())]
    #[case::floating(col("level").gt(lit(1.5)))]
    #[case::floating_null_test(col("level").is_null())]
    #[case::unknown_column(col("hidden").is_null())]
    fn keeps_everything_else_above(#[case] predicate: Expr) {
        assert!(!judged(&predicate));
    }
}
