//! Which row filter and which masks bind a reader of a table: those bound to the table itself, and those of policies on
//! it, its schema and its catalog that bind the reader and whose conditions its tags meet.
//!
//! At most one row filter and one mask a column may come of it. The same function with the same arguments counts once;
//! two that differ close the table, as nobody could say which of them the reader should have met.

use std::sync::Arc;

use crate::CatalogError;
use crate::gate::{Closure, Need};
use crate::model::{
    Column, ColumnId, ColumnMatch, Name, Policy, PolicyArgument, PolicyEffect, PolicyInput, PrincipalId, Securable,
    SecurableId, SecurableKind, TableBody, Text,
};
use crate::ops::open::{BoundMask, BoundPolicy, Opened};
use crate::pinned::Pinned;

/// One row filter or mask that binds a reader.
#[derive(Debug, Clone)]
pub(crate) struct Applied<'a> {
    /// What it masks; none for a row filter.
    pub(crate) column: Option<(ColumnId, Vec<Text>)>,
    pub(crate) policy: BoundPolicy,
    /// The policy that it comes from; none when it is bound to the table.
    from: Option<&'a Policy>,
    /// How far above the table that policy is.
    level: usize,
}

/// What a policy comes to for one table.
pub(crate) struct Outcome<'a> {
    pub(crate) label: String,
    pub(crate) policy: &'a Policy,
    /// The masks or the row filter of it; an error closes the table.
    pub(crate) applied: Result<Vec<Applied<'a>>, CatalogError>,
    /// Whether it would bind columns without any tag, such as those that the catalog does not know.
    takes_untagged: bool,
}

impl Pinned {
    /// The table with the row filter and masks that bind the caller, whoever's rights it is opened by.
    pub(crate) fn opened(&self, securable: Arc<Securable>) -> Result<Opened, CatalogError> {
        let path: Vec<&Securable> = self.state().path(securable.id).into_iter().map(|one| &**one).collect();
        if securable.as_table().is_none() || path.iter().all(|one| one.policies.is_none()) {
            return self.opened_bound(securable);
        }
        let reader = self.state().closure(self.caller().principal);
        let (mut applied, mut unknown_columns) = (self.bound_to(&securable)?, None);
        for outcome in self.outcomes(&securable, &path, &reader) {
            if outcome.takes_untagged {
                unknown_columns.get_or_insert(outcome.label);
            }
            applied.extend(outcome.applied?);
        }
        self.require_trusted(&securable, &path, &applied)?;
        let masks = merge(self, &securable, applied)?;
        Ok(Opened { unknown_columns, ..masks })
    }

    /// The table with what is bound to it alone: to check a binding before it is made.
    pub(crate) fn opened_bound(&self, securable: Arc<Securable>) -> Result<Opened, CatalogError> {
        let applied = self.bound_to(&securable)?;
        merge(self, &securable, applied)
    }

    /// The table under one policy on it and nothing else, whomever that binds; none when its tags don't meet the conditions.
    pub(crate) fn opened_under(&self, table: &Arc<Securable>, policy: &Policy) -> Result<Option<Opened>, CatalogError> {
        let Some(body) = table.as_table() else { return Ok(None) };
        let path = self.state().path(table.id);
        let tag = |key: &str| path.iter().filter(|s| s.kind() != SecurableKind::Metastore).find_map(|s| s.tag(key));
        if !policy.when.as_ref().is_none_or(|when| when.holds(&tag)) {
            return Ok(None);
        }
        let Some(outcome) = self.outcome(policy, (0, table), body) else { return Ok(None) };
        merge(self, table, outcome.applied?).map(Some)
    }

    /// The row filter and masks bound to the table itself.
    pub(crate) fn bound_to(&self, securable: &Securable) -> Result<Vec<Applied<'static>>, CatalogError> {
        let Some(table) = securable.as_table() else { return Ok(Vec::new()) };
        let label = |what: &str| format!("{what} of table `{}`", self.state().full_name(securable.id));
        let bound = |column, function, arguments: &[PolicyArgument], by: Option<PrincipalId>, what: &str| {
            let policy = self.function_of((function, arguments.to_vec()), (securable, by), || label(what))?;
            let policy = BoundPolicy { label: policy.name.clone(), ..policy };
            Ok::<_, CatalogError>(Applied { column, policy, from: None, level: 0 })
        };
        let filter = table.row_filter.iter();
        let filter = filter.map(|f| bound(None, f.function, &f.arguments, f.bound_by, "the row filter"));
        let masks = table.columns.iter().flat_map(|column| column.masks().map(move |mask| (column, mask)));
        let masks = masks.map(|(column, (path, mask))| {
            let what = format!("the mask on column `{}`", column.name);
            bound(Some((column.id, path.to_vec())), mask.function, &mask.using, mask.bound_by, &what)
        });
        filter.chain(masks).collect()
    }

    /// What the policies on a table and above it come to for a reader: those that apply, in the order of the path.
    pub(crate) fn outcomes<'a>(&self, table: &Securable, path: &[&'a Securable], reader: &Closure) -> Vec<Outcome<'a>> {
        let Some(body) = table.as_table() else { return Vec::new() };
        let tag = |key: &str| path.iter().filter(|s| s.kind() != SecurableKind::Metastore).find_map(|s| s.tag(key));
        let mut outcomes = Vec::new();
        for (level, on) in path.iter().enumerate() {
            let binding = on.policies().iter().filter(|policy| binds(policy, reader));
            for policy in binding.filter(|policy| policy.when.as_ref().is_none_or(|when| when.holds(&tag))) {
                outcomes.extend(self.outcome(policy, (level, on), body));
            }
        }
        outcomes
    }

    /// What a policy comes to for a table with these columns; none when one of its matches finds nothing.
    fn outcome<'a>(
        &self,
        policy: &'a Policy,
        (level, on): (usize, &Securable),
        table: &TableBody,
    ) -> Option<Outcome<'a>> {
        let found: Vec<Matched<'_>> = policy.matches.iter().map(|one| Matched::of(one, table)).collect();
        if found.iter().any(|matched| matched.columns.is_empty() && !matched.takes_untagged) {
            return None;
        }
        let label = label(self, policy, on);
        let is_open = |matched: &Matched<'_>| matched.columns.is_empty();
        let takes_untagged = found.iter().any(|one| one.takes_untagged && (one.alias.is_some() || is_open(one)));
        let applied = if found.iter().any(is_open) {
            Ok(Vec::new())
        } else {
            let apply = |masked: Option<&Column>| {
                let using = policy.using.iter().map(|input| argument(input, &found, (policy, masked), &label));
                let arguments = using.collect::<Result<Vec<_>, CatalogError>>()?;
                let made = (on, Some(policy.created_by));
                let bound = self.function_of((policy.function, arguments), made, || label.clone())?;
                let column = masked.map(|column| (column.id, Vec::new()));
                let policy_of = BoundPolicy { label: label.clone(), ..bound };
                Ok(Applied { column, policy: policy_of, from: Some(policy), level })
            };
            match &policy.effect {
                PolicyEffect::RowFilter => apply(None).map(|one| vec![one]),
                PolicyEffect::ColumnMask { on } => {
                    columns_of(&found, on).iter().map(|column| apply(Some(column))).collect()
                }
            }
        };
        Some(Outcome { label, policy, applied, takes_untagged })
    }

    fn function_of(
        &self,
        (function, arguments): (SecurableId, Vec<PolicyArgument>),
        (on, author): (&Securable, Option<PrincipalId>),
        label: impl Fn() -> String,
    ) -> Result<BoundPolicy, CatalogError> {
        let gone = || {
            CatalogError::precondition(
                "POLICY_BROKEN",
                format!("the function of {} is gone: drop it or bind another", label()),
            )
        };
        let function = self.state().securable(function).filter(|f| f.as_function().is_some()).cloned();
        let function = function.ok_or_else(gone)?;
        let name = self.state().full_name(function.id);
        let author = author.filter(|author| self.state().principal(*author).is_some()).unwrap_or(on.owner);
        Ok(BoundPolicy { function, label: name.clone(), name, arguments, on: on.id, author })
    }

    /// A function of a policy takes raw values. So one that was bound low, where its author rules, could hand out what a
    /// policy from above masks. It may take such a column only when all who had a hand in it (its author, the owner of the
    /// function) may read it raw or could take that mask away.
    fn require_trusted(
        &self,
        table: &Securable,
        path: &[&Securable],
        applied: &[Applied<'_>],
    ) -> Result<(), CatalogError> {
        for taker in applied {
            for argument in &taker.policy.arguments {
                let PolicyArgument::Column(taken) = argument else { continue };
                let masks = applied.iter().filter(|mask| mask.level > taker.level);
                for mask in masks.filter(|mask| mask.column.as_ref().is_some_and(|(masked, _)| masked == taken)) {
                    let hands = [taker.policy.author, taker.policy.function.owner];
                    if !hands.iter().all(|hand| self.may_take(*hand, mask, path)) {
                        return Err(untrusted(self, table, *taken, (&taker.policy, &mask.policy)));
                    }
                }
            }
        }
        Ok(())
    }

    /// The same state as who bound a policy, or made it, may see it.
    #[must_use]
    pub fn as_author_of(&self, policy: &BoundPolicy) -> Self {
        self.as_principal(policy.author)
    }

    fn may_take(&self, hand: PrincipalId, mask: &Applied<'_>, path: &[&Securable]) -> bool {
        let closure = self.state().closure(hand);
        let is_bound = mask.from.is_none_or(|policy| binds(policy, &closure));
        let chain = path.get(mask.level).map(|on| self.state().chain(on.id)).unwrap_or_default();
        !is_bound || self.allows_to(&closure, &chain, Need::Manage)
    }
}

/// Whether a policy binds somebody.
fn binds(policy: &Policy, reader: &Closure) -> bool {
    let named = |names: &[PrincipalId]| names.iter().any(|name| reader.contains(*name));
    named(&policy.to) && !named(&policy.except)
}

/// The columns that one of MATCH COLUMNS finds.
struct Matched<'a> {
    alias: Option<&'a Name>,
    columns: Vec<&'a Column>,
    /// Whether a column without tags meets the condition.
    takes_untagged: bool,
}

impl<'a> Matched<'a> {
    fn of(one: &'a ColumnMatch, table: &'a TableBody) -> Self {
        let meets = |column: &&Column| one.condition.holds(&|key| column.tag(key));
        let columns = table.columns.iter().filter(meets).collect();
        Self { alias: one.alias.as_ref(), columns, takes_untagged: one.condition.holds(&|_| None) }
    }
}

fn columns_of<'a, 'm>(found: &'m [Matched<'a>], alias: &Name) -> &'m [&'a Column] {
    let matched = found.iter().find(|matched| matched.alias == Some(alias));
    matched.map(|matched| matched.columns.as_slice()).unwrap_or_default()
}

/// What a parameter takes: the alias that is masked is the very column, any other must have found exactly one.
fn argument(
    input: &PolicyInput,
    found: &[Matched<'_>],
    (policy, masked): (&Policy, Option<&Column>),
    label: &str,
) -> Result<PolicyArgument, CatalogError> {
    let alias = match input {
        PolicyInput::Literal(text) => return Ok(PolicyArgument::Literal(text.clone())),
        PolicyInput::Matched(alias) => alias,
    };
    if let (PolicyEffect::ColumnMask { on }, Some(masked)) = (&policy.effect, masked)
        && on == alias
    {
        return Ok(PolicyArgument::Column(masked.id));
    }
    match columns_of(found, alias) {
        [one] => Ok(PolicyArgument::Column(one.id)),
        [] => Err(CatalogError::internal(format!("alias {alias} of {label} is not declared"))),
        _ => {
            let message =
                format!("several columns match alias `{alias}` of {label}: its tags may be on one column only");
            Err(CatalogError::precondition("AMBIGUOUS_MATCH", message))
        }
    }
}

/// How a policy is spoken of.
pub(crate) fn label(pinned: &Pinned, policy: &Policy, on: &Securable) -> String {
    format!("policy `{}` on {} `{}`", policy.name, on.kind().noun(), pinned.state().full_name(on.id))
}

/// One row filter and one mask a column, or the conflict. Of two that are the same, that from farther above stays: who made it
/// counts for what it may look up, and whoever binds the same below must not change that.
fn merge(pinned: &Pinned, table: &Arc<Securable>, applied: Vec<Applied<'_>>) -> Result<Opened, CatalogError> {
    let full_name = pinned.state().full_name(table.id);
    let (mut row_filter, mut masks): (Option<BoundPolicy>, Vec<BoundMask>) = (None, Vec::new());
    for Applied { column, policy, .. } in applied {
        let Some((column, path)) = column else {
            match &row_filter {
                Some(first) if !same(first, &policy) => {
                    return Err(conflict(format!("two row filters apply to table `{full_name}`"), first, &policy));
                }
                _ => row_filter = Some(policy),
            }
            continue;
        };
        match masks.iter_mut().find(|mask| mask.column == column && overlap(&mask.path, &path)) {
            Some(first) if first.path.len() != path.len() || !same(&first.policy, &policy) => {
                let name = column_name(table, column);
                let what = format!("two masks apply to column `{name}` of table `{full_name}`");
                return Err(conflict(what, &first.policy, &policy));
            }
            Some(first) => first.policy = policy,
            None => masks.push(BoundMask { column, path, policy }),
        }
    }
    Ok(Opened { securable: table.clone(), full_name, row_filter, masks, unknown_columns: None, closed: Vec::new() })
}

fn same(one: &BoundPolicy, other: &BoundPolicy) -> bool {
    one.function.id == other.function.id && one.arguments == other.arguments
}

/// Whether one path leads to the other's field, or into it. Names of fields are compared without case.
pub(crate) fn overlap(one: &[Text], other: &[Text]) -> bool {
    one.iter().zip(other).all(|(a, b)| a.to_lowercase() == b.to_lowercase())
}

fn column_name(table: &Securable, id: ColumnId) -> String {
    let column = table.columns().iter().find(|column| column.id == id);
    column.map_or_else(|| id.0.to_string(), |column| column.name.to_string())
}

fn conflict(what: String, one: &BoundPolicy, other: &BoundPolicy) -> CatalogError {
    let message = format!("{what} and differ: {} and {}; one of them must go or spare you", one.label, other.label);
    CatalogError::precondition("POLICY_CONFLICT", message)
}

fn untrusted(
    pinned: &Pinned,
    table: &Securable,
    column: ColumnId,
    (taker, mask): (&BoundPolicy, &BoundPolicy),
) -> CatalogError {
    let (column, table) = (column_name(table, column), pinned.state().full_name(table.id));
    let message = format!(
        "{} takes column `{column}` of table `{table}`, which {} masks from those who made it: whoever manages that \
         policy's securable must bind it, with a function of their own",
        taker.label, mask.label
    );
    CatalogError::precondition("POLICY_CONFLICT", message)
}
