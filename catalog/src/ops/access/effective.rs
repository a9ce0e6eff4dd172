//! `SHOW EFFECTIVE GRANTS`: what a principal holds in effect on a securable.

use super::EffectiveGrant;
use super::inquiry::Inquiry;
use super::telling::Telling;
use crate::gate::{Link, Need};
use crate::model::{ColumnId, Principal, Privilege, SecurableKind};
use crate::ops::grants::GrantsOn;
use crate::pinned::Pinned;
use crate::{Caller, CatalogError, metastore::Metastore};

impl Metastore {
    /// Lists what a principal (none for the caller) holds in effect on a securable: what is granted there, inherited or owned,
    /// through any group, and not denied. ALL PRIVILEGES is told as what it stands for. Whether USE SCHEMA and USE CATALOG are
    /// held on the way down is another question. `query.inherited` is not looked at.
    ///
    /// # Errors
    /// As `explain_access`.
    pub fn effective_grants(&self, caller: &Caller, query: &GrantsOn) -> Result<Vec<EffectiveGrant>, CatalogError> {
        self.read(caller, "access.effective", &query.name.to_string(), |pinned| {
            let inquiry = Inquiry::open(self, pinned, (query.kind, &query.name), query.as_of_ms)?;
            let subject = inquiry.subject(query.principal.as_ref())?;
            Holding::of(&inquiry, &subject).all()
        })
    }
}

/// What one principal holds on a securable and its columns.
struct Holding<'a> {
    inquiry: &'a Inquiry,
    subject: &'a Principal,
    view: Pinned,
}

impl<'a> Holding<'a> {
    fn of(inquiry: &'a Inquiry, subject: &'a Principal) -> Self {
        Self { inquiry, subject, view: inquiry.vantage.then().as_principal(subject.id) }
    }

    fn all(&self) -> Result<Vec<EffectiveGrant>, CatalogError> {
        let kind = self.inquiry.securable.kind();
        let expanded = Privilege::ALL.iter().filter(|p| **p != Privilege::AllPrivileges && p.reaches(kind));
        let mut found = Vec::new();
        for privilege in expanded {
            found.extend(self.of_privilege(*privilege)?);
        }
        Ok(found)
    }

    /// One entry for the whole, or one for each open column when they differ.
    fn of_privilege(&self, privilege: Privilege) -> Result<Vec<EffectiveGrant>, CatalogError> {
        let state = self.view.state();
        let relation = &self.inquiry.securable;
        let whole = self.entry(privilege, &state.chain(relation.id), None)?;
        if !privilege.grantable_on(SecurableKind::Column) || state.column_grants_on(relation.id).is_empty() {
            return Ok(whole.into_iter().collect());
        }
        let mut open = Vec::new();
        for column in relation.columns() {
            open.extend(self.entry(privilege, &state.column_chain(relation.id, column.id), Some(column.id))?);
        }
        let same = whole.is_some() && open.len() == relation.columns().len();
        Ok(if same { whole.into_iter().collect() } else { open })
    }

    fn entry(
        &self,
        privilege: Privilege,
        chain: &[Link],
        column: Option<ColumnId>,
    ) -> Result<Option<EffectiveGrant>, CatalogError> {
        let decision = self.view.decide(chain, Need::Alone(privilege))?;
        if !decision.allowed {
            return Ok(None);
        }
        let telling = Telling { inquiry: self.inquiry, subject: self.subject.id };
        Ok(Some(EffectiveGrant {
            principal: self.subject.name.to_string(),
            privilege,
            column: column.map(|column| self.inquiry.column_name(column)),
            because: telling.because(&decision.reasons, column),
        }))
    }
}
