//! `array[i]`: places are counted from 0, as in Databricks. A place that the array doesn't have is NULL.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::functions_nested::expr_fn::array_element;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawFieldAccessExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, GetFieldAccess, cast, lit, when};

/// Plans subscripts of arrays; maps and structs are left to the library.
#[derive(Debug)]
pub struct Subscript;

impl ExprPlanner for Subscript {
    fn plan_field_access(
        &self,
        access: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let is_list = |of: &Expr| {
            let found = of.get_type(schema)?;
            Ok::<_, datafusion::error::DataFusionError>(matches!(
                found,
                DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _)
            ))
        };
        let GetFieldAccess::ListIndex { key } = &access.field_access else {
            return Ok(PlannerResult::Original(access));
        };
        if !is_list(&access.expr)? {
            return Ok(PlannerResult::Original(access));
        }
        let place = cast((**key).clone(), DataType::Int64);
        let element = |place: Expr| array_element(access.expr.clone(), place + lit(1_i64));
        let planned = match &**key {
            Expr::Literal(value, _)
                if matches!(value.cast_to(&DataType::Int64), Ok(datafusion::common::ScalarValue::Int64(Some(0..)))) =>
            {
                element(place)
            }
            _ => when(place.clone().gt_eq(lit(0_i64)), element(place)).end()?,
        };
        Ok(PlannerResult::Planned(planned))
    }
}
