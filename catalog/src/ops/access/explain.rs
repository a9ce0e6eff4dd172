//! `EXPLAIN ACCESS`: whether somebody may do something, the steps that decide it, and what would mend a refusal.

use super::inquiry::{Demand, Inquiry, demands};
use super::remedy::Trial;
use super::telling::Telling;
use super::{AppliedPolicy, Explanation, Question, Step};
use crate::gate::{Link, Need};
use crate::model::{ColumnId, Principal, Privilege, SecurableKind};
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
            policies: policies(inquiry, question.privilege),
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

/// The policies that bind every reader of the relation, or of the column.
fn policies(inquiry: &Inquiry, privilege: Privilege) -> Vec<AppliedPolicy> {
    let Some(table) = inquiry.securable.as_table().filter(|_| privilege == Privilege::Select) else {
        return Vec::new();
    };
    let name = |function| {
        let state = inquiry.vantage.then().state();
        inquiry.vantage.sees(function).then(|| state.full_name(function))
    };
    let filter = table.row_filter.iter().map(|filter| AppliedPolicy { column: None, function: name(filter.function) });
    let asked = table.columns.iter().filter(|column| inquiry.column.is_none_or(|id| id == column.id));
    let masks = asked.filter_map(|column| {
        let mask = column.mask.as_ref()?;
        Some(AppliedPolicy { column: Some(column.name.to_string()), function: name(mask.function) })
    });
    filter.chain(masks).collect()
}
