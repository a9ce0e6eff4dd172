//! `EXPLAIN ACCESS`: whether somebody may do something, the steps that decide it, and what would mend a refusal.

use super::inquiry::{Demand, Inquiry, demands};
use super::remedy::Trial;
use super::telling::Telling;
use super::{AppliedPolicy, Explanation, Question, Step};
use crate::gate::{Link, Need};
use crate::model::{ColumnId, Principal, Privilege, Securable, SecurableId, SecurableKind, Text};
use crate::ops::binding::Applied;
use crate::pinned::Pinned;
use crate::{Caller, CatalogError, metastore::Metastore};

impl Metastore {
    /// Explains whether somebody may do something, and why.
    ///
    /// # Errors
    /// `NotFound` of the securable, the column or the principal; `PermissionDenied` when the caller asks about others without
    /// the right to manage the securable; `InvalidArgument` for a privilege that means nothing there, or a time outside the
    /// history.
    pub fn explain_access(&self, caller: &Caller, question: &Question) -> Result<Explanation, CatalogError> {
        self.read(caller, "access.explain", &question.name.to_string(), |pinned| {
            let inquiry = Inquiry::of(self, pinned, question)?;
            let subject = inquiry.subject(question.principal.as_ref())?;
            self.explanation(&inquiry, question, &subject)
        })
    }

    fn explanation(
        &self,
        inquiry: &Inquiry,
        question: &Question,
        subject: &Principal,
    ) -> Result<Explanation, CatalogError> {
        let then = inquiry.vantage.then();
        let (view, chain) = (then.as_principal(subject.id), inquiry.chain());
        let telling = Telling { inquiry, subject: subject.id };
        let allowed = view.decide(&chain, Need::Privilege(question.privilege))?.allowed;
        let steps = demands(question.privilege, &chain).map(|demand| step(&telling, &view, &chain, demand));
        let steps = steps.collect::<Result<Vec<_>, CatalogError>>()?;
        let remedy = if allowed || question.as_of_ms.is_some() {
            Vec::new()
        } else {
            Trial { inquiry, clock: self.clock(), subject: subject.id, privilege: question.privilege }.remedy()?
        };
        Ok(Explanation {
            principal: subject.name.to_string(),
            privilege: question.privilege,
            kind: inquiry.securable.kind(),
            securable: then.state().full_name(inquiry.securable.id),
            column: inquiry.column.map(|column| inquiry.column_name(column)),
            as_of_ms: question.as_of_ms,
            allowed,
            steps,
            closed_columns: closed_columns(inquiry, &view, question.privilege),
            remedy,
            policies: policies(inquiry, &view, question.privilege),
        })
    }
}

impl Inquiry {
    /// The name of a column of the relation.
    pub(super) fn column_name(&self, id: ColumnId) -> String {
        let column = self.securable.columns().iter().find(|column| column.id == id);
        column.map_or_else(|| id.0.to_string(), |column| column.name.to_string())
    }
}

fn step(telling: &Telling<'_>, view: &Pinned, chain: &[Link], demand: Demand) -> Result<Step, CatalogError> {
    let links = chain.get(demand.level..).unwrap_or_default();
    let decision = view.decide(links, Need::Alone(demand.privilege))?;
    let column = telling.inquiry.column;
    let (kind, securable, _) = match links.first() {
        Some(link) => telling.place(link.id, column),
        None => (SecurableKind::Metastore, String::new(), None),
    };
    let because = telling.because(&decision.reasons, column);
    Ok(Step { privilege: demand.privilege, kind, securable, allowed: decision.allowed, because })
}

/// The names of the columns of the relation that are closed when others are open.
fn closed_columns(inquiry: &Inquiry, view: &Pinned, privilege: Privilege) -> Vec<String> {
    if inquiry.column.is_some() || !privilege.grantable_on(SecurableKind::Column) {
        return Vec::new();
    }
    // When all are closed it is the privilege itself that is refused, and the steps tell why.
    let closed = view.closed_columns(&inquiry.securable, privilege).unwrap_or_default();
    closed.into_iter().map(|column| inquiry.column_name(column)).collect()
}

/// The policies that bind the subject as a reader of the relation, or of the column.
fn policies(inquiry: &Inquiry, view: &Pinned, privilege: Privilege) -> Vec<AppliedPolicy> {
    let table = &inquiry.securable;
    if privilege != Privilege::Select || table.as_table().is_none() {
        return Vec::new();
    }
    let asked = |applied: &Applied<'_>| match (&applied.column, inquiry.column) {
        (Some((column, _)), Some(asked)) => *column == asked,
        _ => true,
    };
    let path: Vec<&Securable> = view.state().path(table.id).into_iter().map(|one| &**one).collect();
    let mut told = Vec::new();
    for applied in view.bound_to(table).unwrap_or_default().iter().filter(|applied| asked(applied)) {
        told.push(one(inquiry, applied, None));
    }
    for outcome in view.outcomes(table, &path, view.closure()) {
        match &outcome.applied {
            Ok(applied) => {
                let applied = applied.iter().filter(|applied| asked(applied));
                told.extend(applied.map(|applied| one(inquiry, applied, Some(outcome.label.clone()))));
            }
            // It closes the table, whatever is asked.
            Err(_) => told.push(AppliedPolicy {
                column: None,
                function: function_name(inquiry, outcome.policy.function),
                policy: Some(outcome.label),
            }),
        }
    }
    told
}

fn one(inquiry: &Inquiry, applied: &Applied<'_>, policy: Option<String>) -> AppliedPolicy {
    let column = applied.column.as_ref().map(|(column, path)| {
        let name = inquiry.column_name(*column);
        std::iter::once(name.as_str()).chain(path.iter().map(Text::as_str)).collect::<Vec<_>>().join(".")
    });
    AppliedPolicy { column, function: function_name(inquiry, applied.policy.function.id), policy }
}

fn function_name(inquiry: &Inquiry, function: SecurableId) -> Option<String> {
    inquiry.vantage.sees(function).then(|| inquiry.vantage.then().state().full_name(function))
}
