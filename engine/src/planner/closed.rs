//! Columns that a statement may not name. Whoever may read only some columns of a relation may ask nothing of the others:
//! not show them, not compare, join, sort or count by them, as each of these tells something of their values.
//!
//! It is asked of the plan as the planner below made it, before anything is rewritten: there every relation is one leaf,
//! and every name has become a field of one. The fields of a leaf are followed upwards until an expression names them. What
//! cannot be followed counts as named.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::{FieldRef, Schema};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, TableReference};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison};
use datafusion::logical_expr::{Distinct, Expr, JoinType, LogicalPlan, Subquery, TableScan, Unnest};
use lakewarden_catalog::model::Privilege;
use lakewarden_catalog::ops::open::Opened;
use lakewarden_catalog::{CatalogError, Need, Pinned};

use super::sources::Sources;
use crate::error::EngineError;

#[cfg(test)]
mod tests;

/// The closed columns of a relation that is opened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Closed {
    /// What the relation is, in words: table `c.s.t`.
    relation: String,
    /// The names of the closed columns, by their places.
    columns: BTreeMap<usize, String>,
    /// The names of columns whose values the caller does not see, in a table that the statement changes.
    masked: BTreeMap<usize, String>,
}

impl Closed {
    /// Which of the columns of an opened relation are closed. A column that is stored and that the catalog does not know is
    /// open to those only who hold the privilege on the whole relation: it may be a closed one under a new name.
    pub fn of(opened: &Opened, fields: &Schema, rights: &Pinned, privilege: Privilege) -> Self {
        let whole = || opened.closed.is_empty() && rights.allows(opened.securable.id, Need::Privilege(privilege));
        let known = opened.securable.columns();
        let is_closed = |name: &str| match known.iter().find(|c| c.name.to_lowercase() == name.to_lowercase()) {
            Some(column) => opened.closed.contains(&column.id),
            None => !whole(),
        };
        let closed = fields.fields().iter().enumerate().filter(|(_, field)| is_closed(field.name()));
        let columns = closed.map(|(at, field)| (at, field.name().clone())).collect();
        let relation = format!("{} `{}`", opened.securable.kind().noun(), opened.full_name);
        Self { relation, columns, masked: BTreeMap::new() }
    }

    /// All columns, for a relation of which nothing may be read.
    pub fn whole(opened: &Opened, fields: &Schema) -> Self {
        let columns = fields.fields().iter().enumerate().map(|(at, field)| (at, field.name().clone())).collect();
        let relation = format!("{} `{}`", opened.securable.kind().noun(), opened.full_name);
        Self { relation, columns, masked: BTreeMap::new() }
    }

    /// The same for a table that the statement changes: what is masked there is not read, as what is written stays.
    #[must_use]
    pub fn with_masked(self, masked: BTreeMap<usize, String>) -> Self {
        Self { masked, ..self }
    }

    /// The same with the columns of these names open.
    #[must_use]
    pub fn opening(mut self, names: &[&str]) -> Self {
        self.columns.retain(|_, column| !names.contains(&column.as_str()));
        self
    }

    /// Whether every column is open.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty() && self.masked.is_empty()
    }

    /// The places of the closed columns.
    pub fn places(&self) -> BTreeSet<usize> {
        self.columns.keys().chain(self.masked.keys()).copied().collect()
    }

    /// Refuses a statement that needs a privilege on these columns, in any case of letters; on all when none are given.
    ///
    /// # Errors
    /// `Denied`, naming the closed ones among them.
    pub fn refuse(&self, privilege: Privilege, named: Option<&[String]>) -> Result<(), CatalogError> {
        let is_named = |column: &str| {
            named.is_none_or(|named| named.iter().any(|name| name.to_lowercase() == column.to_lowercase()))
        };
        let named = self.columns.iter().filter(|(_, column)| is_named(column));
        denied(privilege, &named.map(|(at, column)| self.leaf(*at, column)).collect())
    }

    fn leaf(&self, at: usize, column: &str) -> Leaf {
        let masked = !self.columns.contains_key(&at);
        Leaf { relation: self.relation.clone(), at, column: column.to_owned(), masked }
    }

    fn leaf_at(&self, at: usize) -> Option<Leaf> {
        let column = self.columns.get(&at).or_else(|| self.masked.get(&at))?;
        Some(self.leaf(at, column))
    }

    fn leaves(&self) -> impl Iterator<Item = Leaf> {
        self.columns.keys().chain(self.masked.keys()).filter_map(|at| self.leaf_at(*at))
    }
}

/// Refuses a plan in which something names a closed column.
///
/// # Errors
/// `PermissionDenied`, naming the relation and the columns.
pub(super) fn require_open(plan: &LogicalPlan, sources: &Sources<'_>) -> Result<(), EngineError> {
    if !sources.has_closed() {
        return Ok(());
    }
    let mut reads = Reads::new(sources);
    let shown = reads.fields_of(plan).map_err(|e| EngineError::from_planning(&e))?;
    reads.read_all(&shown);
    reads.verdict()
}

/// Refuses an expression over a schema whose subqueries name a closed column.
///
/// # Errors
/// As `require_open`.
pub(super) fn require_open_in_expr(expr: &Expr, schema: &DFSchema, sources: &Sources<'_>) -> Result<(), EngineError> {
    if !sources.has_closed() {
        return Ok(());
    }
    let mut reads = Reads::new(sources);
    let fields = named(schema, vec![None; schema.fields().len()]);
    reads.expr(expr, &fields).map_err(|e| EngineError::from_planning(&e))?;
    reads.verdict()
}

/// One closed column of one relation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Leaf {
    relation: String,
    at: usize,
    column: String,
    masked: bool,
}

/// A field of a plan, and the closed column that it is.
#[derive(Debug, Clone)]
struct Field {
    qualifier: Option<TableReference>,
    field: FieldRef,
    leaf: Option<Leaf>,
}

impl Field {
    fn is(&self, column: &Column) -> bool {
        let same_relation = match (&column.relation, &self.qualifier) {
            (Some(asked), Some(own)) => asked.resolved_eq(own),
            (Some(_), None) => false,
            (None, _) => true,
        };
        same_relation && *self.field.name() == column.name
    }
}

/// What a plan reads of the closed columns.
struct Reads<'a> {
    sources: &'a Sources<'a>,
    /// The fields of the queries around, outermost first.
    around: Vec<Vec<Field>>,
    /// All closed columns that were met.
    met: BTreeSet<Leaf>,
    read: BTreeSet<Leaf>,
    /// Whether something was met that could not be followed.
    lost: bool,
}

impl<'a> Reads<'a> {
    fn new(sources: &'a Sources<'a>) -> Self {
        Self { sources, around: Vec::new(), met: BTreeSet::new(), read: BTreeSet::new(), lost: false }
    }

    fn verdict(&self) -> Result<(), EngineError> {
        let read = if self.lost { &self.met } else { &self.read };
        denied(Privilege::Select, &read.iter().filter(|leaf| !leaf.masked).cloned().collect())?;
        match read.iter().find(|leaf| leaf.masked) {
            Some(leaf) => Err(EngineError::Refused(format!(
                "column `{}` of {} is masked for you: a statement that changes the table may write it and not read it",
                leaf.column, leaf.relation
            ))),
            None => Ok(()),
        }
    }

    /// The fields that a plan gives, once what it reads itself is noted.
    fn fields_of(&mut self, plan: &LogicalPlan) -> Result<Vec<Field>> {
        let input = self.input(plan)?;
        plan.apply_expressions(|expr| {
            self.expr(expr, &input)?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        let width = plan.schema().fields().len();
        let leaves = self.passed_on(plan, &input).filter(|leaves| leaves.len() == width);
        let leaves = leaves.unwrap_or_else(|| {
            self.lost = true;
            vec![None; width]
        });
        Ok(named(plan.schema(), leaves))
    }

    /// The fields that the expressions of a plan see. What stands on the right of a join may name what is on its left.
    fn input(&mut self, plan: &LogicalPlan) -> Result<Vec<Field>> {
        let mut fields = Vec::new();
        for input in plan.inputs() {
            self.around.push(fields.clone());
            let found = self.fields_of(input);
            self.around.pop();
            fields.extend(found?);
        }
        Ok(fields)
    }

    /// Which closed column each field of a plan still is; none for a plan that is not known.
    fn passed_on(&mut self, plan: &LogicalPlan, input: &[Field]) -> Option<Vec<Option<Leaf>>> {
        let width = plan.schema().fields().len();
        let all = || input.iter().map(|field| field.leaf.clone());
        match plan {
            LogicalPlan::TableScan(scan) => self.scanned(scan),
            LogicalPlan::Filter(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Subquery(_)
            | LogicalPlan::SubqueryAlias(_) => Some(all().collect()),
            LogicalPlan::Window(window) => Some(all().chain(window.window_expr.iter().map(|_| None)).collect()),
            LogicalPlan::Join(join) => {
                let left = join.left.schema().fields().len();
                match join.join_type {
                    JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => Some(all().collect()),
                    JoinType::LeftSemi | JoinType::LeftAnti => Some(all().take(left).collect()),
                    JoinType::RightSemi | JoinType::RightAnti => Some(all().skip(left).collect()),
                    JoinType::LeftMark => Some(all().take(left).chain([None]).collect()),
                    JoinType::RightMark => Some(all().skip(left).chain([None]).collect()),
                }
            }
            LogicalPlan::Unnest(Unnest { dependency_indices, .. }) => {
                dependency_indices.iter().map(|at| input.get(*at).map(|field| field.leaf.clone())).collect()
            }
            LogicalPlan::Union(_) | LogicalPlan::RecursiveQuery(_) | LogicalPlan::Distinct(Distinct::All(_)) => {
                self.read_all(input);
                Some(vec![None; width])
            }
            LogicalPlan::Projection(_)
            | LogicalPlan::Aggregate(_)
            | LogicalPlan::Values(_)
            | LogicalPlan::EmptyRelation(_)
            | LogicalPlan::Distinct(Distinct::On(_)) => Some(vec![None; width]),
            _ => None,
        }
    }

    /// The closed columns among those that a scan shows.
    fn scanned(&mut self, scan: &TableScan) -> Option<Vec<Option<Leaf>>> {
        let width = scan.projected_schema.fields().len();
        let Some(closed) = self.sources.closed_of(&scan.source) else { return Some(vec![None; width]) };
        let places: Vec<usize> = match &scan.projection {
            Some(places) => places.clone(),
            None => (0..width).collect(),
        };
        let leaves: Vec<_> = places.iter().map(|at| closed.leaf_at(*at)).collect();
        self.met.extend(closed.leaves());
        Some(leaves)
    }

    fn expr(&mut self, expr: &Expr, input: &[Field]) -> Result<()> {
        expr.apply(|node| {
            match node {
                Expr::Column(column) => self.column(column, input),
                Expr::OuterReferenceColumn(_, column) => self.outer(column),
                Expr::ScalarSubquery(subquery)
                | Expr::Exists(Exists { subquery, .. })
                | Expr::InSubquery(InSubquery { subquery, .. })
                | Expr::SetComparison(SetComparison { subquery, .. }) => self.subquery(subquery, input)?,
                // `count(*)` has become `count(1)` by now. What else may stand for columns reads them all.
                other if is_plain(other) => {}
                _ => self.read_all(input),
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(())
    }

    /// A subquery sees the fields around it, and what it gives is read.
    fn subquery(&mut self, subquery: &Subquery, input: &[Field]) -> Result<()> {
        self.around.push(input.to_vec());
        let found = self.fields_of(&subquery.subquery);
        self.around.pop();
        self.read_all(&found?);
        Ok(())
    }

    fn column(&mut self, column: &Column, input: &[Field]) {
        let found: Vec<Option<Leaf>> = input.iter().filter(|f| f.is(column)).map(|f| f.leaf.clone()).collect();
        self.lost |= found.is_empty();
        self.read.extend(found.into_iter().flatten());
    }

    fn outer(&mut self, column: &Column) {
        let around: Vec<Field> = self.around.iter().flatten().filter(|f| f.is(column)).cloned().collect();
        self.column(column, &around);
    }

    fn read_all(&mut self, fields: &[Field]) {
        self.read.extend(fields.iter().filter_map(|field| field.leaf.clone()));
    }
}

/// Whether an expression names columns by its children only. A parameter of a lambda is none: what it stands for is an
/// argument beside the lambda.
fn is_plain(expr: &Expr) -> bool {
    #[expect(deprecated, reason = "the planner below still makes it")]
    let is_wildcard = matches!(expr, Expr::Wildcard { .. });
    !is_wildcard && !matches!(expr, Expr::ScalarVariable(_, _))
}

fn named(schema: &DFSchema, leaves: Vec<Option<Leaf>>) -> Vec<Field> {
    let fields = schema.iter().zip(leaves);
    fields
        .map(|((qualifier, field), leaf)| Field { qualifier: qualifier.cloned(), field: field.clone(), leaf })
        .collect()
}

fn denied(privilege: Privilege, columns: &BTreeSet<Leaf>) -> Result<(), CatalogError> {
    let mut relations: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for leaf in columns {
        relations.entry(&leaf.relation).or_default().push(format!("`{}`", leaf.column));
    }
    let needs = |(relation, columns): (&str, Vec<String>)| {
        let noun = if columns.len() == 1 { "column" } else { "columns" };
        format!("{privilege} on {noun} {} of {relation}", columns.join(", "))
    };
    match relations.into_iter().map(needs).collect::<Vec<_>>() {
        needed if needed.is_empty() => Ok(()),
        needed => Err(CatalogError::Denied { message: format!("this needs {}", needed.join(" and ")) }),
    }
}
