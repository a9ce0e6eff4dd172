//! `EXISTS (..)` and `x IN (..)` where a value is computed rather than a row judged.
//!
//! The library takes them in WHERE, HAVING and ON only. Elsewhere (a mask, a column of a SELECT) they become scalar subqueries that count.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, ScalarValue, internal_datafusion_err};
use datafusion::error::Result;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Subquery, lit, not, scalar_subquery, when};
use datafusion::optimizer::utils::NamePreserver;

/// The relation name of what IN lists. No caller can name it.
const LISTED: &str = "__listed";

/// Rewrites those that a plan computes for its columns, in its subqueries too. Names of output columns stay.
pub(super) fn computed(plan: LogicalPlan) -> Result<LogicalPlan> {
    let done = plan.transform_up_with_subqueries(|node| {
        if !matches!(node, LogicalPlan::Projection(_)) {
            return Ok(Transformed::no(node));
        }
        let scope = merge_schema(&node.inputs());
        let preserver = NamePreserver::new(&node);
        let node = node.map_expressions(|expr| {
            let name = preserver.save(&expr);
            Ok(computed_in_expr(expr, &scope)?.update_data(|expr| name.restore(expr)))
        })?;
        if node.transformed { node.map_data(LogicalPlan::recompute_schema) } else { Ok(node) }
    })?;
    Ok(done.data)
}

/// Rewrites those of an expression over a schema.
pub(super) fn computed_in_expr(expr: Expr, scope: &DFSchema) -> Result<Transformed<Expr>> {
    expr.transform_up(|node| match node {
        Expr::Exists(Exists { subquery, negated }) => {
            let found = is_there(Arc::unwrap_or_clone(subquery.subquery))?;
            Ok(Transformed::yes(if negated { not(found) } else { found }))
        }
        Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
            let found = contained(*expr, &subquery, scope)?;
            Ok(Transformed::yes(if negated { not(found) } else { found }))
        }
        other => Ok(Transformed::no(other)),
    })
}

/// Whether a plan has a row. It is never NULL.
fn is_there(plan: LogicalPlan) -> Result<Expr> {
    let rows = count(lit(1_i64)).alias("rows");
    let counted = LogicalPlanBuilder::from(plan).aggregate(Vec::<Expr>::new(), vec![rows])?.build()?;
    let counted = scalar_subquery(Arc::new(counted));
    // A row of the outer query without any row of the subquery may find NULL instead of 0.
    when(counted.clone().is_null(), lit(false)).otherwise(counted.gt(lit(0_i64)))
}

/// `value IN (subquery)`: TRUE where it is there, else NULL where it or one of the others is NULL, else FALSE.
fn contained(value: Expr, subquery: &Subquery, scope: &DFSchema) -> Result<Expr> {
    // Under a name of its own: the columns of the outer query may have the names of those inside.
    let plan = LogicalPlanBuilder::from(subquery.subquery.as_ref().clone()).alias(LISTED)?.build()?;
    let column = plan.schema().columns().into_iter().next().map(Expr::Column);
    let column = column.ok_or_else(|| internal_datafusion_err!("a subquery of IN has a column"))?;
    let having = |condition: Expr| LogicalPlanBuilder::from(plan.clone()).filter(condition)?.build();
    let found = is_there(having(column.clone().eq(outer(value.clone(), scope)?))?)?;
    let unknown = is_there(having(column.is_null())?)?;
    let any = is_there(plan.clone())?;
    let null = || Expr::Literal(ScalarValue::Boolean(None), None);
    when(found, lit(true)).when(unknown, null()).when(value.is_null().and(any), null()).otherwise(lit(false))
}

/// An expression as it reads inside a subquery: its columns are those of the outer query.
fn outer(value: Expr, scope: &DFSchema) -> Result<Expr> {
    let outer = value.transform_up(|node| {
        Ok(match node {
            Expr::Column(column) => {
                let (relation, field) = scope.qualified_field_from_column(&column)?;
                let column = Column::new(relation.cloned(), column.name);
                Transformed::yes(Expr::OuterReferenceColumn(Arc::clone(field), column))
            }
            other => Transformed::no(other),
        })
    })?;
    Ok(outer.data)
}
