//! A question about access, resolved: on what, as of when, and that the asker may ask it.

use std::sync::Arc;

use super::Question;
use super::vantage::Vantage;
use crate::gate::Link;
use crate::model::{ColumnId, FullName, Principal, PrincipalName, Privilege, Securable, SecurableKind};
use crate::ops::grants;
use crate::ops::principals::named;
use crate::pinned::Pinned;
use crate::{CatalogError, metastore::Metastore};

/// What is asked about, from where.
pub(super) struct Inquiry {
    pub(super) vantage: Vantage,
    pub(super) securable: Arc<Securable>,
    pub(super) column: Option<ColumnId>,
}

/// One thing that must hold: a privilege on a link of the chain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demand {
    pub(super) level: usize,
    pub(super) privilege: Privilege,
}

impl Inquiry {
    /// Resolves what is asked about.
    pub(super) fn open(
        metastore: &Metastore,
        now: &Pinned,
        (kind, name): (SecurableKind, &FullName),
        as_of_ms: Option<i64>,
    ) -> Result<Self, CatalogError> {
        let vantage = Vantage::of(metastore, now, as_of_ms)?;
        let securable = vantage.resolve(kind, name)?;
        Ok(Self { vantage, securable, column: None })
    }

    /// Resolves a question, and checks that its privilege means something there.
    pub(super) fn of(metastore: &Metastore, now: &Pinned, question: &Question) -> Result<Self, CatalogError> {
        let mut inquiry = Self::open(metastore, now, (question.kind, &question.name), question.as_of_ms)?;
        if let Some(column) = &question.column {
            inquiry.column = Some(grants::column(&inquiry.securable, column)?);
        }
        inquiry.require_meaning(question.privilege)?;
        Ok(inquiry)
    }

    fn require_meaning(&self, privilege: Privilege) -> Result<(), CatalogError> {
        let kind = if self.column.is_some() { SecurableKind::Column } else { self.securable.kind() };
        let means = |privilege: &Privilege| match kind {
            SecurableKind::Column => privilege.grantable_on(kind),
            kind => privilege.reaches(kind),
        };
        if means(&privilege) {
            return Ok(());
        }
        let legal: Vec<_> = Privilege::ALL.iter().filter(|p| means(p)).map(|p| p.as_str()).collect();
        let message = format!("{privilege} means nothing on a {}: ask about one of {}", kind.noun(), legal.join(", "));
        Err(CatalogError::invalid("privilege", message))
    }

    /// Whose access is asked about, the asker's when nobody is named, once the right to ask is checked.
    pub(super) fn subject(&self, name: Option<&PrincipalName>) -> Result<Arc<Principal>, CatalogError> {
        let (state, asker) = (self.vantage.then().state(), self.vantage.then().caller());
        let found = match name {
            Some(name) => named(state, name).cloned(),
            None => state
                .principal(asker.principal)
                .cloned()
                .ok_or_else(|| CatalogError::NoSuch { what: "principal", name: asker.name.to_string() }),
        };
        match &found {
            Ok(subject) => self.vantage.require_to_ask(subject.id, &self.securable)?,
            Err(_) if name.is_some() => self.vantage.require_to_ask_about_all(&self.securable)?,
            Err(_) => {}
        }
        found
    }

    /// The chain of the question.
    pub(super) fn chain(&self) -> Vec<Link> {
        self.chain_in(self.vantage.then())
    }

    /// The chain of the question in another state.
    pub(super) fn chain_in(&self, pinned: &Pinned) -> Vec<Link> {
        match self.column {
            Some(column) => pinned.state().column_chain(self.securable.id, column),
            None => pinned.state().chain(self.securable.id),
        }
    }
}

/// What must hold for a privilege to count: itself, then USE SCHEMA and USE CATALOG where they are needed.
pub(super) fn demands(privilege: Privilege, chain: &[Link]) -> impl Iterator<Item = Demand> {
    let itself = Demand { level: 0, privilege };
    let containers = chain.iter().enumerate();
    let keys = containers
        .filter_map(move |(level, link)| privilege.needs_on(link.kind).map(|privilege| Demand { level, privilege }));
    std::iter::once(itself).chain(keys)
}
