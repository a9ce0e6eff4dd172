//! Syntax that the library would plan with its own functions.
//!
//! - `array[i]`: places are counted from 0, as in Databricks. A place that the array doesn't have is NULL.
//! - `substring(text, start, length)` has a syntax of its own, and is ours.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::functions_nested::expr_fn::array_element;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawFieldAccessExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, GetFieldAccess, ScalarUDF, cast, lit, when};

/// Plans it before the library does.
#[derive(Debug)]
pub struct Syntax {
    pub(super) substring: Option<Arc<ScalarUDF>>,
}

impl ExprPlanner for Syntax {
    fn plan_substring(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(match &self.substring {
            Some(substring) => PlannerResult::Planned(substring.call(args)),
            None => PlannerResult::Original(args),
        })
    }

    fn plan_field_access(
        &self,
        access: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let GetFieldAccess::ListIndex { key } = &access.field_access else {
            return Ok(PlannerResult::Original(access));
        };
        let is_list = matches!(
            access.expr.get_type(schema)?,
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _)
        );
        if !is_list {
            return Ok(PlannerResult::Original(access));
        }
        let place = cast((**key).clone(), DataType::Int64);
        let element = |place: Expr| array_element(access.expr.clone(), place + lit(1_i64));
        let planned = match constant(key) {
            Some(0..) => element(place),
            _ => when(place.clone().gt_eq(lit(0_i64)), element(place)).end()?,
        };
        Ok(PlannerResult::Planned(planned))
    }
}

fn constant(key: &Expr) -> Option<i64> {
    let Expr::Literal(value, _) = key else { return None };
    match value.cast_to(&DataType::Int64) {
        Ok(ScalarValue::Int64(place)) => place,
        _ => None,
    }
}
