//! SHOW EFFECTIVE GRANTS and EXPLAIN ACCESS: the catalog's answers as tables that people read.

use lakewarden_catalog::ops::access::{AppliedPolicy, Because, Effect, EffectiveGrant, Explanation, Question, Step};

use super::Run;
use super::grants::{action_type, principal, privileges_of};
use crate::error::EngineError;
use crate::statement::{ExplainAccess, ShowGrants};
use crate::stream::{QueryStream, text_answer};
use crate::times;

type Line = [Option<String>; 3];

impl Run {
    pub(super) fn show_effective_grants(&self, show: &ShowGrants) -> Result<QueryStream, EngineError> {
        let on = show.on.as_ref().ok_or_else(|| EngineError::internal("effective grants on nothing"))?;
        let query = self.grants_on(on, show)?;
        let held = self.audited(self.engine.catalog().reads().effective_grants(&self.caller, &query))?;
        let now = self.pinned.resolve(query.kind, &query.name).ok();
        let kind = now.as_ref().map_or(query.kind, |securable| securable.kind());
        let name = now.map_or_else(|| query.name.to_string(), |securable| self.pinned.state().full_name(securable.id));
        let row = |held: EffectiveGrant| {
            let source = reasons(&held.because, &held.principal);
            let action = action_type(false, held.privilege, held.column.as_deref());
            [Some(held.principal), Some(action), Some(kind.to_string()), Some(name.clone()), Some(source)]
        };
        let rows = held.into_iter().map(row).collect();
        text_answer(["Principal", "ActionType", "ObjectType", "ObjectKey", "Source"], rows)
    }

    pub(super) fn explain_access(&self, explain: &ExplainAccess) -> Result<QueryStream, EngineError> {
        let (kind, name) = self.securable(&explain.on)?;
        let privilege = match privileges_of(&explain.privilege, kind)?.as_slice() {
            [privilege] => *privilege,
            several => {
                let several = several.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
                return Err(EngineError::invalid(format!("{} is {several}: ask about one", explain.privilege.words)));
            }
        };
        let question = Question {
            privilege,
            kind,
            name,
            column: explain.privilege.columns.first().cloned(),
            principal: principal(explain.principal.as_deref())?,
            as_of_ms: explain.as_of.as_deref().map(times::milliseconds).transpose()?,
        };
        let told = self.audited(self.engine.catalog().reads().explain_access(&self.caller, &question))?;
        text_answer(["Step", "Outcome", "Because"], lines(&told))
    }
}

/// The verdict, what had to hold, what would allow it, and the policies that bind.
fn lines(told: &Explanation) -> Vec<Line> {
    let mut lines = vec![verdict(told)];
    lines.extend(told.steps.iter().enumerate().map(|(at, step)| step_line(told, step, at == 0)));
    if !told.closed_columns.is_empty() {
        let columns = told.closed_columns.iter().map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", ");
        lines.push(line("columns".to_owned(), "closed", format!("{columns}; the others may be named")));
    }
    lines.extend(told.remedy.iter().map(|statement| line("remedy".to_owned(), "would allow it", statement.clone())));
    lines.extend(told.policies.iter().map(policy_line));
    lines
}

fn verdict(told: &Explanation) -> Line {
    let action = action_type(false, told.privilege, told.column.as_deref());
    let asked = format!("{action} on {} `{}` for `{}`", told.kind.noun(), told.securable, told.principal);
    let failed = told.steps.iter().filter(|step| !step.allowed).count();
    let outcome = if told.allowed { "ALLOWED" } else { "DENIED" };
    let because = match told.allowed {
        true => "everything that is needed holds".to_owned(),
        false => format!("missing or denied: {failed} of {}", told.steps.len()),
    };
    let as_of = told.as_of_ms.map(|ms| format!(", as of {}", times::shown(ms))).unwrap_or_default();
    line(asked, outcome, format!("{because}{as_of}"))
}

/// One step. The question's column belongs to what was asked about, not to what is above it.
fn step_line(told: &Explanation, step: &Step, is_asked: bool) -> Line {
    let column = told.column.as_deref().filter(|_| is_asked);
    let action = action_type(false, step.privilege, column);
    let needed = format!("{action} on {} `{}`", step.kind.noun(), step.securable);
    let because = reasons(&step.because, &told.principal);
    match (step.allowed, step.because.is_empty()) {
        (true, _) => line(needed, "holds", because),
        (false, false) => line(needed, "denied", because),
        (false, true) => line(needed, "missing", "nothing gives it".to_owned()),
    }
}

fn policy_line(policy: &AppliedPolicy) -> Line {
    let what = policy.column.as_ref().map_or("row filter".to_owned(), |column| format!("mask of column `{column}`"));
    let function = policy.function.as_ref().map(|name| format!("function `{name}`"));
    let function = function.unwrap_or_else(|| "a function that you may not see".to_owned());
    let because = policy.policy.as_ref().map_or(function.clone(), |policy| format!("{function}, by {policy}"));
    line(what, "applies", because)
}

fn line(step: String, outcome: &str, because: String) -> Line {
    [Some(step), Some(outcome.to_owned()), Some(because)]
}

fn reasons(because: &[Because], asked: &str) -> String {
    because.iter().map(|one| reason(one, asked)).collect::<Vec<_>>().join("; ")
}

/// One reason: grant of SELECT on schema `c.s` to group `eng` (bob > team > eng).
fn reason(because: &Because, asked: &str) -> String {
    let privilege = because.privilege.map(|p| action_type(false, p, because.column.as_deref())).unwrap_or_default();
    let on = format!("{} `{}`", because.kind.noun(), because.securable);
    let what = match because.effect {
        Effect::Grant => format!("grant of {privilege} on {on}"),
        Effect::Deny => format!("denial of {privilege} on {on}"),
        Effect::Owner => format!("ownership of {on}"),
    };
    let by = if because.effect == Effect::Owner { "by" } else { "to" };
    match (&because.holder, because.path.is_empty()) {
        (None, _) => format!("{what} {by} a group"),
        (Some(_), true) => what,
        (Some(holder), false) => format!("{what} {by} group `{holder}` ({asked} > {})", because.path.join(" > ")),
    }
}
