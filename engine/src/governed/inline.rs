//! Replacing a call of a SQL function by its body.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::datatypes::{DataType, Field};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, TableReference, plan_datafusion_err, plan_err, resources_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison};
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, Subquery, cast};

use super::policy::has_subquery;

/// The most parts of expressions that calls of functions may grow to in one statement. A function that calls another twice
/// doubles it, so a chain of a few dozen would otherwise take all memory.
const MOST_PARTS: usize = 200_000;
/// What the plan of a subquery counts as.
const PARTS_OF_A_SUBQUERY: usize = 50;

/// The parameters of one call of a function. Its body sees them as columns of a relation of its own, so that the parameters
/// of a function are never taken for those of another one that it calls.
#[derive(Debug, Clone)]
pub struct Parameters {
    relation: TableReference,
    typed: Vec<(String, DataType)>,
    grown: Arc<AtomicUsize>,
}

impl Parameters {
    /// The parameters of the call of this number; no two calls of a statement have one number.
    pub fn new(call: usize, typed: Vec<(String, DataType)>) -> Self {
        Self { relation: TableReference::bare(format!("__parameters{call}")), typed, grown: Arc::default() }
    }

    /// The same; what its calls grow to is counted together with the others of the statement.
    #[must_use]
    pub fn counted(self, grown: Arc<AtomicUsize>) -> Self {
        Self { grown, ..self }
    }

    /// Counts parts that are added.
    fn grow(&self, parts: usize) -> Result<()> {
        match self.grown.fetch_add(parts, Ordering::Relaxed).saturating_add(parts) > MOST_PARTS {
            true => resources_err!("the functions of the statement call each other too often: simplify them"),
            false => Ok(()),
        }
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        self.typed.len()
    }

    /// The schema to plan the body against.
    ///
    /// # Errors
    /// A plan error when two parameters have one name.
    pub fn schema(&self) -> Result<DFSchema> {
        let fields = self.typed.iter().map(|(name, data_type)| {
            (Some(self.relation.clone()), Arc::new(Field::new(name, data_type.clone(), true)))
        });
        DFSchema::new_with_metadata(fields.collect(), HashMap::new())
    }
}

/// The body of a function with its parameters replaced by the arguments of a call.
///
/// `body` was planned against [`Parameters::schema`]; `scope` is the schema that the arguments belong to. An argument is cast to the declared
/// type where it has another. Inside a subquery of the body a parameter is an outer reference, and so become the columns of its argument.
///
/// # Errors
/// A plan error when the number of arguments is wrong, when the body names a column that is no parameter, when an argument that itself
/// holds a subquery, an aggregate or a window is used inside a subquery of the body, or when its columns could be taken for columns of
/// that subquery.
pub fn inline(body: Expr, params: &Parameters, args: Vec<Expr>, scope: &DFSchema) -> Result<Expr> {
    if params.count() != args.len() {
        return plan_err!("the function takes {} arguments, {} are given", params.count(), args.len());
    }
    params.grow(parts(&body)?)?;
    let mut bindings = HashMap::with_capacity(params.count());
    for ((name, data_type), arg) in params.typed.iter().zip(args) {
        let given = arg.get_type(scope)?;
        let value = if given == *data_type { arg } else { cast(arg, data_type.clone()) };
        bindings.insert(name.clone(), value);
    }
    let inliner = Inliner { params, relation: &params.relation, bindings, scope };
    let result = inliner.expr(body)?;
    inliner.check(&result)?;
    Ok(result)
}

/// How many parts an expression has.
fn parts(expr: &Expr) -> Result<usize> {
    let mut count: usize = 0;
    expr.apply(|node| {
        count += if has_own_plan(node) { PARTS_OF_A_SUBQUERY } else { 1 };
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(count)
}

fn has_own_plan(node: &Expr) -> bool {
    matches!(node, Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_))
}

struct Inliner<'a> {
    params: &'a Parameters,
    relation: &'a TableReference,
    bindings: HashMap<String, Expr>,
    scope: &'a DFSchema,
}

impl Inliner<'_> {
    /// An expression of the body itself.
    fn expr(&self, expr: Expr) -> Result<Expr> {
        let done = expr.transform_down(|node| {
            Ok(match node {
                // What replaces a parameter belongs to the caller's scope: it isn't searched again.
                Expr::Column(column) => {
                    let argument = self.argument(&column)?;
                    self.params.grow(parts(argument)?)?;
                    Transformed::new(argument.clone(), true, TreeNodeRecursion::Jump)
                }
                other => self.subqueries(other)?,
            })
        })?;
        Ok(done.data)
    }

    /// Rewrites the plan of a subquery expression, one level.
    fn subqueries(&self, expr: Expr) -> Result<Transformed<Expr>> {
        Ok(match expr {
            Expr::ScalarSubquery(subquery) => Transformed::yes(Expr::ScalarSubquery(self.subquery(subquery)?)),
            Expr::Exists(exists) => Transformed::yes(Expr::Exists(Exists {
                subquery: self.subquery(exists.subquery)?,
                negated: exists.negated,
            })),
            Expr::InSubquery(list) => {
                Transformed::yes(Expr::InSubquery(InSubquery { subquery: self.subquery(list.subquery)?, ..list }))
            }
            Expr::SetComparison(set) => {
                Transformed::yes(Expr::SetComparison(SetComparison { subquery: self.subquery(set.subquery)?, ..set }))
            }
            other => Transformed::no(other),
        })
    }

    fn subquery(&self, subquery: Subquery) -> Result<Subquery> {
        self.require_apart(&subquery.subquery)?;
        let plan = self.plan(Arc::unwrap_or_clone(subquery.subquery))?;
        let outer_ref_columns = plan.all_out_ref_exprs();
        Ok(Subquery { subquery: Arc::new(plan), outer_ref_columns, spans: subquery.spans })
    }

    fn is_parameter(&self, column: &Column) -> bool {
        column.relation.as_ref() == Some(self.relation)
    }

    /// Refuses arguments whose columns the planner could take for columns of the subquery: an alias that the caller chooses must
    /// never change what the body means.
    fn require_apart(&self, plan: &LogicalPlan) -> Result<()> {
        let (mut relations, mut names, mut used) = (HashSet::<TableReference>::new(), HashSet::new(), HashSet::new());
        plan.apply_with_subqueries(|node| {
            for (relation, field) in node.schema().iter() {
                names.insert(field.name().clone());
                relations.extend(relation.cloned());
            }
            for expr in node.expressions() {
                expr.apply(|inner| {
                    if let Expr::OuterReferenceColumn(_, column) = inner
                        && self.is_parameter(column)
                    {
                        used.insert(column.clone());
                    }
                    Ok(TreeNodeRecursion::Continue)
                })?;
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        for parameter in &used {
            self.argument(parameter)?.apply(|node| match node {
                Expr::Column(column) | Expr::OuterReferenceColumn(_, column)
                    if is_taken(column, &relations, &names) =>
                {
                    let column = column.flat_name();
                    plan_err!("the argument `{column}` has a name that the function uses itself: give its relation another alias")
                }
                _ => Ok(TreeNodeRecursion::Continue),
            })?;
        }
        Ok(())
    }

    /// A plan inside a subquery, at any depth: parameters are outer references there.
    fn plan(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let done = plan.transform_up(|node| {
            let node = node.map_expressions(|expr| {
                expr.transform_down(|inner| match inner {
                    Expr::OuterReferenceColumn(_, column) if self.is_parameter(&column) => {
                        Ok(Transformed::new(self.outer_argument(&column)?, true, TreeNodeRecursion::Jump))
                    }
                    other => self.subqueries(other),
                })
            })?;
            if node.transformed { node.map_data(LogicalPlan::recompute_schema) } else { Ok(node) }
        })?;
        Ok(done.data)
    }

    fn argument(&self, column: &Column) -> Result<&Expr> {
        let known =
            if self.is_parameter(column) || column.relation.is_none() { self.bindings.get(&column.name) } else { None };
        known.ok_or_else(|| {
            plan_datafusion_err!("the body of the function names {}, which is no parameter", column.flat_name())
        })
    }

    /// The argument as it reads inside a subquery of the body.
    fn outer_argument(&self, column: &Column) -> Result<Expr> {
        let argument = self.argument(column)?;
        self.params.grow(parts(argument)?)?;
        let nested =
            argument.exists(|node| Ok(matches!(node, Expr::AggregateFunction(_) | Expr::WindowFunction(_))))?;
        if nested || has_subquery(argument)? {
            return plan_err!(
                "argument {} of the function must be simpler: the function uses it in a subquery",
                column.name
            );
        }
        let outer = argument.clone().transform_up(|node| {
            Ok(match node {
                Expr::Column(column) => {
                    let (relation, field) = self.scope.qualified_field_from_column(&column)?;
                    let column = Column::new(relation.cloned(), column.name);
                    Transformed::yes(Expr::OuterReferenceColumn(Arc::clone(field), column))
                }
                other => Transformed::no(other),
            })
        })?;
        Ok(outer.data)
    }

    /// Nothing of the parameters may be left, at any depth.
    fn check(&self, result: &Expr) -> Result<()> {
        let left = |expr: &Expr| {
            expr.exists(|node| {
                Ok(match node {
                    Expr::Column(column) | Expr::OuterReferenceColumn(_, column) => self.is_parameter(column),
                    _ => false,
                })
            })
        };
        let unbound = || plan_datafusion_err!("a parameter of the function is used where it cannot be bound");
        if left(result)? {
            return Err(unbound());
        }
        result.apply(|node| {
            let plan = match node {
                Expr::ScalarSubquery(subquery) => &subquery.subquery,
                Expr::Exists(exists) => &exists.subquery.subquery,
                Expr::InSubquery(list) => &list.subquery.subquery,
                Expr::SetComparison(set) => &set.subquery.subquery,
                _ => return Ok(TreeNodeRecursion::Continue),
            };
            plan.apply_with_subqueries(|inner| {
                for expr in inner.expressions() {
                    if left(&expr)? {
                        return Err(unbound());
                    }
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
        Ok(())
    }
}

/// Whether a column of an argument reads like something that the plan of a subquery names.
fn is_taken(column: &Column, relations: &HashSet<TableReference>, names: &HashSet<String>) -> bool {
    match &column.relation {
        Some(relation) => relations.iter().any(|taken| taken.resolved_eq(relation)),
        None => names.contains(&column.name),
    }
}
