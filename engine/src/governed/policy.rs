//! Building what a caller may see of a table: scan, row filter, barrier, masks, visible columns.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, DFSchemaRef, ScalarValue, TableReference, plan_err};
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, cast};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;

use super::barrier::PolicyBarrier;
use super::raw::RawTable;
use super::spec::GovernedSpec;

/// The relation name under which the expressions of a policy see the columns of the guarded table. No caller can name it.
pub const GUARDED: &str = "__guarded";

/// The policies of one table for one caller, bound and planned.
///
/// Expressions see stored columns, unqualified or under [`GUARDED`], and may hold subqueries over raw lookup tables.
#[derive(Debug, Clone)]
pub struct TablePolicy {
    /// `catalog.schema.table`.
    pub label: String,
    /// Names of the policies in force.
    pub policy_ids: Vec<String>,
    /// A row is visible when this is TRUE. BOOLEAN.
    pub row_filter: Option<Expr>,
    /// Stored column to what is shown in its place.
    pub masks: Vec<(String, Expr)>,
    /// Stored columns that the caller may see, in the order to show them.
    pub visible: Vec<String>,
}

/// The schema of a stored table under [`GUARDED`]: what the arguments of its policies belong to.
///
/// # Errors
/// A plan error when two columns have one name.
pub fn guarded_schema(stored: &Schema) -> Result<DFSchema> {
    DFSchema::try_from_qualified_schema(TableReference::bare(GUARDED), stored)
}

/// A column of the guarded table, for expressions of its policies.
pub fn guarded_column(name: &str) -> Expr {
    Expr::Column(Column::new(Some(TableReference::bare(GUARDED)), name))
}

/// The governed plan of a table.
///
/// # Errors
/// A plan error when a policy doesn't fit the table as it is in this version: a column is missing or named twice, a row filter isn't BOOLEAN,
/// a mask can't be shown as the column's type without loss. The statement must fail then; there is no reading without the policy.
pub fn govern_table(raw: &RawTable, policy: TablePolicy, system: &SessionState) -> Result<GovernedSpec> {
    let source = provider_as_source(Arc::new(raw.guarded()));
    let scan = LogicalPlanBuilder::scan(TableReference::bare(GUARDED), source, None)?.build()?;
    let (plan, has_row_filter) = filtered(scan, policy.row_filter, system)?;
    let masks = bound_masks(plan.schema(), policy.masks)?;
    let pass_through: HashSet<String> =
        policy.visible.iter().filter(|name| !masks.contains_key(*name)).cloned().collect();
    if pass_through.len() + policy.visible.iter().filter(|name| masks.contains_key(*name)).count()
        != policy.visible.len()
    {
        return plan_err!("a column of {} is listed twice", policy.label);
    }
    let plan = shown(plan, &masks, &policy.visible)?;
    Ok(GovernedSpec {
        label: policy.label,
        policy_ids: policy.policy_ids,
        plan,
        pass_through,
        has_row_filter,
        is_view: false,
        strict: false,
    })
}

/// The governed plan of a view over its planned body. A view is a barrier of its own: its WHERE hides rows.
pub fn govern_view(label: String, policy_ids: Vec<String>, body: LogicalPlan) -> GovernedSpec {
    let pass_through = bare_columns(&body);
    GovernedSpec { label, policy_ids, plan: body, pass_through, has_row_filter: true, is_view: true, strict: false }
}

/// Puts the row filter and its barrier on the scan, unless the filter is TRUE for this caller whatever the row.
fn filtered(scan: LogicalPlan, row_filter: Option<Expr>, system: &SessionState) -> Result<(LogicalPlan, bool)> {
    let Some(filter) = row_filter else { return Ok((scan, false)) };
    let filter = bound(filter, scan.schema())?;
    let data_type = filter.get_type(scan.schema())?;
    let filter = match data_type {
        DataType::Boolean => filter,
        DataType::Null => cast(filter, DataType::Boolean),
        other => return plan_err!("a row filter is {other}, not BOOLEAN"),
    };
    if simplified(&filter, scan.schema(), system)? == Expr::Literal(ScalarValue::Boolean(Some(true)), None) {
        return Ok((scan, false));
    }
    let plan = LogicalPlanBuilder::from(scan).filter(filter)?.build()?;
    Ok((PolicyBarrier::on(plan), true))
}

fn simplified(filter: &Expr, schema: &DFSchemaRef, system: &SessionState) -> Result<Expr> {
    let context = SimplifyContext::builder()
        .with_schema(Arc::clone(schema))
        .with_config_options(Arc::clone(system.config_options()))
        .with_query_execution_start_time(system.execution_props().query_execution_start_time)
        .build();
    let simplifier = ExprSimplifier::new(context);
    simplifier.simplify(simplifier.coerce(filter.clone(), schema)?)
}

fn bound_masks(schema: &DFSchemaRef, masks: Vec<(String, Expr)>) -> Result<BTreeMap<String, Expr>> {
    let mut bound_masks = BTreeMap::new();
    for (name, mask) in masks {
        let column = schema.field_with_unqualified_name(&name)?.data_type().clone();
        let mask = as_type(bound(mask, schema)?, schema, &column, &name)?;
        if bound_masks.insert(name.clone(), mask).is_some() {
            return plan_err!("column {name} has two masks");
        }
    }
    Ok(bound_masks)
}

/// A mask as the type of what it masks; that a field inside it may be NULL is no other type.
pub(super) fn as_type(mask: Expr, schema: &DFSchema, column: &DataType, name: &str) -> Result<Expr> {
    let found = mask.get_type(schema)?;
    if is_same_but_for_null(&found, column) {
        return Ok(mask);
    }
    if !is_lossless(&found, column) {
        return plan_err!("the mask of column {name} is {found}, the column is {column}");
    }
    Ok(cast(mask, column.clone()))
}

fn is_same_but_for_null(found: &DataType, column: &DataType) -> bool {
    match (found, column) {
        (DataType::Struct(found), DataType::Struct(column)) => {
            let same = |(a, b): (&FieldRef, &FieldRef)| {
                a.name() == b.name() && is_same_but_for_null(a.data_type(), b.data_type())
            };
            found.len() == column.len() && found.iter().zip(column).all(same)
        }
        _ => found == column,
    }
}

/// Whether every value of one type is a value of the other.
pub(crate) fn is_lossless(from: &DataType, to: &DataType) -> bool {
    let text = |one: &DataType| matches!(one, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let bytes = |one: &DataType| matches!(one, DataType::Binary | DataType::LargeBinary | DataType::BinaryView);
    match (from, to) {
        (DataType::Null, _) => true,
        (DataType::Float32, DataType::Float64) => true,
        (DataType::Decimal128(precision, scale), DataType::Decimal128(wider, same)) => {
            scale == same && precision <= wider
        }
        (DataType::Struct(given), DataType::Struct(wanted)) => {
            given.len() == wanted.len()
                && given
                    .iter()
                    .zip(wanted)
                    .all(|(a, b)| a.name() == b.name() && is_lossless(a.data_type(), b.data_type()))
        }
        (DataType::List(given), DataType::List(wanted)) => is_lossless(given.data_type(), wanted.data_type()),
        (DataType::Map(given, _), DataType::Map(wanted, _)) => is_lossless(given.data_type(), wanted.data_type()),
        _ if from.is_signed_integer() && to.is_signed_integer() => from.primitive_width() <= to.primitive_width(),
        _ => (text(from) && text(to)) || (bytes(from) && bytes(to)) || from.equals_datatype(to),
    }
}

/// The projection that the caller sees. A table shown whole and as stored needs none.
fn shown(plan: LogicalPlan, masks: &BTreeMap<String, Expr>, visible: &[String]) -> Result<LogicalPlan> {
    let stored = plan.schema().fields();
    let whole = stored.len() == visible.len() && stored.iter().zip(visible).all(|(field, name)| field.name() == name);
    if whole && masks.is_empty() {
        return Ok(plan);
    }
    let mut columns = Vec::with_capacity(visible.len());
    for name in visible {
        plan.schema().field_with_unqualified_name(name)?;
        let value = masks.get(name).cloned().unwrap_or_else(|| guarded_column(name));
        columns.push(value.alias(name));
    }
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

/// Binds an expression of a policy to the guarded table, in its subqueries too.
fn bound(expr: Expr, schema: &DFSchemaRef) -> Result<Expr> {
    let qualify = |column: Column| -> Result<Column> {
        match &column.relation {
            Some(relation) if relation.table() == GUARDED => {}
            None => {}
            Some(_) => return plan_err!("a policy names a column of another relation"),
        }
        schema.field_with_unqualified_name(&column.name)?;
        Ok(Column::new(Some(TableReference::bare(GUARDED)), column.name))
    };
    let bound = expr.transform_up(|node| match node {
        Expr::Column(column) => Ok(Transformed::yes(Expr::Column(qualify(column)?))),
        Expr::AggregateFunction(_) | Expr::WindowFunction(_) | Expr::Placeholder(_) => {
            plan_err!("a policy cannot use aggregates, windows or parameters outside a subquery")
        }
        Expr::OuterReferenceColumn(_, column) => plan_err!("a policy names column {} of no relation", column.name),
        other => Ok(Transformed::no(other)),
    })?;
    Ok(bound.data)
}

/// Columns of a plan that are columns of what it reads, unchanged and under the same name.
fn bare_columns(plan: &LogicalPlan) -> HashSet<String> {
    let names = plan.schema().fields().iter().map(|field| field.name().clone());
    let columns: Vec<_> = plan.schema().columns();
    let bare = names.zip(columns).filter(|(_, column)| is_bare(plan, column));
    let mut seen = HashSet::new();
    let mut twice = HashSet::new();
    for (name, _) in bare {
        if !seen.insert(name.clone()) {
            twice.insert(name);
        }
    }
    seen.difference(&twice).cloned().collect()
}

fn is_bare(plan: &LogicalPlan, column: &Column) -> bool {
    match plan {
        LogicalPlan::TableScan(_) => true,
        LogicalPlan::Projection(projection) => {
            let position = projection.schema.maybe_index_of_column(column);
            match position.and_then(|index| projection.expr.get(index)).map(unaliased) {
                Some(Expr::Column(inner)) => is_bare(&projection.input, inner),
                _ => false,
            }
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let position = alias.schema.maybe_index_of_column(column);
            let inner = position.and_then(|index| alias.input.schema().columns().get(index).cloned());
            inner.is_some_and(|inner| is_bare(&alias.input, &inner))
        }
        LogicalPlan::Filter(filter) => is_bare(&filter.input, column),
        LogicalPlan::Sort(sort) => is_bare(&sort.input, column),
        LogicalPlan::Join(join) => {
            let left = join.left.schema().has_column(column);
            if left {
                is_bare(&join.left, column)
            } else {
                join.right.schema().has_column(column) && is_bare(&join.right, column)
            }
        }
        _ => false,
    }
}

fn unaliased(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => unaliased(&alias.expr),
        other => other,
    }
}

/// Whether an expression holds a subquery anywhere.
pub(super) fn has_subquery(expr: &Expr) -> Result<bool> {
    let mut found = false;
    expr.apply(|node| {
        found =
            matches!(node, Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_) | Expr::SetComparison(_));
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}
