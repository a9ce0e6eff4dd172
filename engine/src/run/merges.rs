//! MERGE. The target and the source are joined as the caller sees both: a row that is hidden from the caller matches nothing.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::logical_expr::conditional_expressions::CaseBuilder;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use deltalake::protocol::DeltaOperation;
use sqlparser::ast::{self as sql, SelectItem};

use super::Run;
use super::changes::{Changing, named, output, projected, quoted, select_of, template};
use crate::delta::{Clause, Effect};
use crate::error::EngineError;
use crate::planner::{OpenTarget, number_from};
use crate::statement::{Assignment, Merge, MergeAction, MergeClause, MergeSource, MergeWhen, RelationRef};
use crate::stream::{AnswerColumn, QueryStream};

/// A clause in terms of the columns of its table.
struct Step {
    when: MergeWhen,
    condition: Option<sql::Expr>,
    effect: Effect,
    assignments: Vec<Assignment>,
}

/// The columns of the plan that a MERGE is made of.
struct Parts {
    address: Expr,
    /// Not NULL for rows of the source; only where rows without one are asked for.
    mark: Option<Expr>,
    /// For each step its condition, where it has one, and its values.
    steps: Vec<(Option<Expr>, Vec<Expr>)>,
}

impl Run {
    pub(super) async fn merge_rows(&self, merge: Merge) -> Result<QueryStream, EngineError> {
        let merge = numbered(merge);
        let target = self.merged(&merge).await?;
        let source = merge.source_alias.clone().unwrap_or_else(|| format!("{}_source", target.name));
        let steps = steps(&merge, &target, &source);
        let matched = self.matched(&merge, &target, &source, &steps).await?;
        let (changes, clauses) = self.merge_changes(&merge, &target, &source, matched, &steps)?;
        let operation = DeltaOperation::Merge {
            predicate: None,
            merge_predicate: None,
            matched_predicates: Vec::new(),
            not_matched_predicates: Vec::new(),
            not_matched_by_source_predicates: Vec::new(),
        };
        let changing = Changing { operation, action: "tables.merge_rows", target: &target };
        let done = self.change_rows(changing, &changes, clauses).await?;
        let count = |rows: u64| i64::try_from(rows).unwrap_or(i64::MAX);
        let all = done.updated + done.deleted + done.inserted;
        let counts = [
            ("num_affected_rows", all),
            ("num_updated_rows", done.updated),
            ("num_deleted_rows", done.deleted),
            ("num_inserted_rows", done.inserted),
        ];
        let columns = counts.map(|(name, rows)| AnswerColumn::Number(name, vec![count(rows)]));
        QueryStream::counted(all, columns.into())
    }

    /// What is to be described of a MERGE: its plan, and which columns have which values.
    pub(super) async fn merge_to_describe(
        &self,
        merge: &Merge,
    ) -> Result<(OpenTarget, LogicalPlan, Vec<Assignment>), EngineError> {
        let merge = numbered(merge.clone());
        let target = self.merged(&merge).await?;
        let source = merge.source_alias.clone().unwrap_or_else(|| format!("{}_source", target.name));
        let steps = steps(&merge, &target, &source);
        let (plan, _) = self.matched(&merge, &target, &source, &steps).await?;
        Ok((target, plan, steps.into_iter().flat_map(|step| step.assignments).collect()))
    }

    /// Opens the target. MODIFY is asked on what the clauses fill; to delete is to write all.
    pub(super) async fn merged(&self, merge: &Merge) -> Result<OpenTarget, EngineError> {
        let whole = |clause: &MergeClause| {
            matches!(clause.then, MergeAction::Delete | MergeAction::UpdateAll | MergeAction::InsertAll)
        };
        let filled = merge.clauses.iter().flat_map(|clause| match &clause.then {
            MergeAction::Update(given) | MergeAction::Insert(given) => given.as_slice(),
            _ => &[],
        });
        let filled: Vec<String> = filled.map(|given| given.column.clone()).collect();
        let filled = if merge.clauses.iter().any(whole) { None } else { Some(filled) };
        self.target(&merge.target, filled.as_deref()).await
    }

    /// The rows of the join, with the conditions and values of all steps; and whether rows of the source are marked.
    async fn matched(
        &self,
        merge: &Merge,
        target: &OpenTarget,
        source: &str,
        steps: &[Step],
    ) -> Result<(LogicalPlan, bool), EngineError> {
        let has = |when: MergeWhen| steps.iter().any(|step| step.when == when);
        let join = match (has(MergeWhen::NotMatched), has(MergeWhen::NotMatchedBySource)) {
            (true, true) => "FULL JOIN",
            (true, false) => "RIGHT JOIN",
            (false, true) => "LEFT JOIN",
            (false, false) => "JOIN",
        };
        let mark = has(MergeWhen::NotMatchedBySource).then(|| format!("{}_mark", target.name));
        let mut given = Vec::new();
        let from = match (&merge.source, &mark) {
            (MergeSource::Relation(name), None) => name.to_string(),
            (MergeSource::Relation(name), Some(mark)) => {
                let opened = self.planner.relation(&RelationRef::newest(name.clone()), &self.scope()).await?;
                let own = format!("{}_of", target.name);
                given.push((own.clone(), self.planner.marked(opened, mark)?));
                quoted(&own)
            }
            (MergeSource::Query(_), None) => "(SELECT 1)".to_owned(),
            (MergeSource::Query(_), Some(mark)) => {
                format!("(SELECT *, true AS {} FROM (SELECT 1) AS {})", quoted(mark), quoted(&format!("{mark}_of")))
            }
        };
        let (own, mut alias) = (quoted(&merge.target.alias), quoted(source));
        if !merge.source_columns.is_empty() {
            let marked = merge.source_columns.iter().chain(&mark).map(|column| quoted(column));
            alias = format!("{alias}({})", marked.collect::<Vec<_>>().join(", "));
        }
        let text = format!(
            "SELECT {own}.{} FROM {} AS {own} {join} {from} AS {alias} ON true",
            quoted(&target.address),
            quoted(&target.name)
        );
        let mut query = template(&text)?;
        let select = select_of(&mut query)?;
        if let Some(mark) = &mark {
            select.projection.push(SelectItem::UnnamedExpr(named(source, mark)));
        }
        for (number, step) in steps.iter().enumerate() {
            let condition = step.condition.iter().map(|condition| output(condition.clone(), &format!("if{number}")));
            select.projection.extend(condition);
            for (place, given) in step.assignments.iter().enumerate() {
                select.projection.push(output(given.value.clone(), &format!("value{number}_{place}")));
            }
        }
        put_source(select, merge, mark.is_some())?;
        let plan = self.plan_over(&query, target, given).await?;
        Ok((plan, mark.is_some()))
    }

    /// The address, the clause and the values of each row that a step applies to.
    fn merge_changes(
        &self,
        merge: &Merge,
        target: &OpenTarget,
        source: &str,
        (plan, has_mark): (LogicalPlan, bool),
        steps: &[Step],
    ) -> Result<(LogicalPlan, Vec<Clause>), EngineError> {
        let (columns, input) = projected(plan)?;
        let parts = Parts::of(columns, has_mark, steps)?;
        let mut clauses = Vec::with_capacity(steps.len());
        for (step, (condition, values)) in steps.iter().zip(&parts.steps) {
            let names: Vec<String> = step.assignments.iter().map(|given| given.column.clone()).collect();
            clauses.push(Clause { effect: step.effect, fills: self.places(target, &names)? });
            let unseen = match step.when {
                MergeWhen::Matched => continue,
                MergeWhen::NotMatched => merge.target.alias.as_str(),
                MergeWhen::NotMatchedBySource => source,
            };
            condition.iter().chain(values).try_for_each(|expr| require_unnamed(expr, unseen))?;
        }
        let changes = parts.changes(input, steps).map_err(|error| EngineError::from_planning(&error))?;
        Ok((changes, clauses))
    }
}

impl Parts {
    fn of(columns: Vec<Expr>, has_mark: bool, steps: &[Step]) -> Result<Self, EngineError> {
        let mut columns = columns.into_iter();
        let mut next = || columns.next().ok_or_else(|| EngineError::internal("a column of a MERGE is missing"));
        let address = next()?;
        let mark = if has_mark { Some(next()?) } else { None };
        let mut found = Vec::with_capacity(steps.len());
        for step in steps {
            let condition = if step.condition.is_some() { Some(next()?) } else { None };
            let values = step.assignments.iter().map(|_| next()).collect::<Result<Vec<_>, _>>()?;
            found.push((condition, values));
        }
        Ok(Self { address, mark, steps: found })
    }

    /// Each condition is computed once, for the rows that it is about and that no step before took, and each value for the rows of its step.
    fn changes(self, input: Arc<LogicalPlan>, steps: &[Step]) -> datafusion::error::Result<LogicalPlan> {
        const STEP: &str = "__merge_step";
        // The kinds of rows exclude each other. No CASE here is BOOLEAN: the optimizer would make an AND of one, both sides of which are computed.
        let mut kinds: Vec<(Expr, Expr)> = Vec::new();
        for when in [MergeWhen::Matched, MergeWhen::NotMatched, MergeWhen::NotMatchedBySource] {
            let (mut conditions, mut numbers) = (Vec::new(), Vec::new());
            for ((step, (condition, _)), number) in steps.iter().zip(&self.steps).zip(0_i64..) {
                if step.when == when {
                    conditions.push(condition.as_ref().map_or_else(|| lit(true), unaliased));
                    numbers.push(lit(number));
                }
            }
            if !conditions.is_empty() {
                kinds.push((self.about(when), CaseBuilder::new(None, conditions, numbers, None).end()?));
            }
        }
        let (whens, thens): (Vec<_>, Vec<_>) = kinds.into_iter().unzip();
        let number = CaseBuilder::new(None, whens, thens, None).end()?;
        let mut columns: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
        columns.push(number.alias(STEP));
        let step = || Expr::Column(Column::from_name(STEP));
        let mut changed = vec![self.address.clone(), step().alias("clause")];
        for ((_, values), number) in self.steps.iter().zip(0_i64..) {
            for value in values {
                let mine = vec![step().eq(lit(number))];
                let guarded = CaseBuilder::new(None, mine, vec![unaliased(value)], None).end()?;
                changed.push(guarded.alias(format!("value{}", changed.len())));
            }
        }
        let staged = LogicalPlanBuilder::from(input.as_ref().clone()).project(columns)?;
        staged.filter(step().is_not_null())?.project(changed)?.build()
    }

    fn about(&self, when: MergeWhen) -> Expr {
        let address = || unaliased(&self.address);
        match (when, &self.mark) {
            (MergeWhen::Matched, Some(mark)) => address().is_not_null().and(unaliased(mark).is_not_null()),
            (MergeWhen::Matched, None) => address().is_not_null(),
            (MergeWhen::NotMatched, _) => address().is_null(),
            (MergeWhen::NotMatchedBySource, Some(mark)) => unaliased(mark).is_null(),
            (MergeWhen::NotMatchedBySource, None) => lit(false),
        }
    }
}

fn unaliased(expr: &Expr) -> Expr {
    match expr {
        Expr::Alias(alias) => unaliased(&alias.expr),
        other => other.clone(),
    }
}

/// Refuses an expression that names a relation of which its rows have none.
fn require_unnamed(expr: &Expr, relation: &str) -> Result<(), EngineError> {
    let is_of = |column: &Column| {
        column.relation.as_ref().is_some_and(|of| of.table().to_lowercase() == relation.to_lowercase())
    };
    match expr.column_refs().into_iter().find(|column| is_of(column)) {
        Some(column) => Err(EngineError::Invalid {
            sqlstate: "42703",
            message: format!(
                "`{}` cannot be named in this clause: its rows have no match in `{relation}`",
                column.name
            ),
        }),
        None => Ok(()),
    }
}

/// Gives every `?` the number of its place in the text.
fn numbered(mut merge: Merge) -> Merge {
    let mut next = 1;
    if let MergeSource::Query(source) = &mut merge.source {
        next = number_from(source.query.as_mut(), next);
    }
    next = number_from(&mut merge.on, next);
    for clause in &mut merge.clauses {
        if let Some(condition) = &mut clause.condition {
            next = number_from(condition, next);
        }
        if let MergeAction::Update(given) | MergeAction::Insert(given) = &mut clause.then {
            for assignment in given {
                next = number_from(&mut assignment.value, next);
            }
        }
    }
    merge
}

/// The clauses with the columns that `*` stands for.
fn steps(merge: &Merge, target: &OpenTarget, source: &str) -> Vec<Step> {
    let all = || {
        let fields = target.stored.schema.fields().iter();
        let same = |name: &String| Assignment { column: name.clone(), value: named(source, name) };
        fields.map(|field| same(field.name())).collect::<Vec<_>>()
    };
    let step = |clause: &MergeClause| {
        let (effect, assignments) = match &clause.then {
            MergeAction::Delete => (Effect::Delete, Vec::new()),
            MergeAction::Update(given) => (Effect::Update, given.clone()),
            MergeAction::UpdateAll => (Effect::Update, all()),
            MergeAction::Insert(given) => (Effect::Insert, given.clone()),
            MergeAction::InsertAll => (Effect::Insert, all()),
        };
        Step { when: clause.when, condition: clause.condition.clone(), effect, assignments }
    };
    merge.clauses.iter().map(step).collect()
}

/// Puts the caller's source and condition in the place of those of the template.
fn put_source(select: &mut sql::Select, merge: &Merge, marked: bool) -> Result<(), EngineError> {
    let unknown = || EngineError::internal("a template without its join");
    let join = select.from.first_mut().and_then(|from| from.joins.first_mut()).ok_or_else(unknown)?;
    use sql::JoinOperator as J;
    let constraint = match &mut join.join_operator {
        J::Join(c) | J::Inner(c) | J::Left(c) | J::LeftOuter(c) | J::Right(c) | J::RightOuter(c) | J::FullOuter(c) => c,
        _ => return Err(unknown()),
    };
    *constraint = sql::JoinConstraint::On(merge.on.clone());
    let MergeSource::Query(source) = &merge.source else { return Ok(()) };
    let sql::TableFactor::Derived { subquery, .. } = &mut join.relation else { return Err(unknown()) };
    if !marked {
        *subquery = source.query.clone();
        return Ok(());
    }
    let wrapped = select_of(subquery)?.from.first_mut().ok_or_else(unknown)?;
    let sql::TableFactor::Derived { subquery, .. } = &mut wrapped.relation else { return Err(unknown()) };
    *subquery = source.query.clone();
    Ok(())
}
