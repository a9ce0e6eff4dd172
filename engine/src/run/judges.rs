//! What judges new values: the policies and the constraints of the table.
//!
//! A judge that reads more than a statement gives would tell of the rest: by its verdict, by the row that is gone from sight, or by a mask
//! that a new value beside the masked one lifts. Where the caller may not see the rest, such values are refused, whatever the rows are.

use std::collections::BTreeSet;

use datafusion::logical_expr::Expr;
use lakewarden_catalog::model::PolicyArgument;
use lakewarden_catalog::ops::open::Opened;

use crate::delta::{Clause, Effect};
use crate::error::EngineError;
use crate::planner::OpenTarget;

/// Refuses new values of a row that are judged together with values which the caller does not see.
pub(super) fn require_seen(
    target: &OpenTarget,
    checks: &[(String, Expr)],
    clauses: &[Clause],
) -> Result<(), EngineError> {
    let unseen = target.relation.1.places();
    if unseen.is_empty() {
        return Ok(());
    }
    let Opened { row_filter, masks, .. } = &target.opened;
    let filter = row_filter.iter().map(|filter| ("the row filter".to_owned(), places(target, &filter.arguments)));
    let masks = masks.iter().map(|mask| {
        let takes = std::iter::once(PolicyArgument::Column(mask.column)).chain(mask.policy.arguments.iter().cloned());
        ("a mask".to_owned(), places(target, &takes.collect::<Vec<_>>()))
    });
    let checks = checks.iter().map(|(name, check)| (format!("the constraint `{name}`"), named(target, check)));
    for (judge, reads) in filter.chain(masks).chain(checks) {
        for clause in clauses.iter().filter(|clause| clause.effect == Effect::Update) {
            let given: BTreeSet<usize> = clause.fills.iter().copied().filter(|at| reads.contains(at)).collect();
            let Some(column) = given.first().and_then(|at| target.stored.schema.fields().get(*at)) else { continue };
            if reads.difference(&given).any(|at| unseen.contains(at)) {
                return Err(EngineError::Refused(format!(
                    "{judge} of table `{}` reads column `{}` together with columns whose values you may not see: give it no new value, or one to each of them",
                    target.opened.full_name,
                    column.name()
                )));
            }
        }
    }
    Ok(())
}

/// The places of the columns that a policy takes.
fn places(target: &OpenTarget, arguments: &[PolicyArgument]) -> BTreeSet<usize> {
    let columns = target.opened.securable.columns();
    let place = |argument: &PolicyArgument| {
        let PolicyArgument::Column(id) = argument else { return None };
        let column = columns.iter().find(|column| column.id == *id)?;
        target.stored.schema.fields().iter().position(|field| column.name == field.name().as_str())
    };
    arguments.iter().filter_map(place).collect()
}

/// The places of the columns that a constraint names.
fn named(target: &OpenTarget, check: &Expr) -> BTreeSet<usize> {
    let names = check.column_refs();
    let is_named = |name: &String| names.iter().any(|column| column.name == *name);
    let fields = target.stored.schema.fields().iter().enumerate();
    fields.filter(|(_, field)| is_named(field.name())).map(|(at, _)| at).collect()
}
