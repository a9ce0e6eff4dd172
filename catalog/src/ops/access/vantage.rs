//! From where an asker looks at a question: the state that it is about, and the present, by which the right to ask counts.

use std::sync::Arc;

use crate::model::{FullName, PrincipalId, Securable, SecurableId, SecurableKind};
use crate::pinned::Pinned;
use crate::{CatalogError, Need, metastore::Metastore};

/// An asker's view of the present, and of the state that the question is about.
pub(crate) struct Vantage {
    now: Pinned,
    then: Pinned,
}

impl Vantage {
    /// The vantage of the caller of `now` on a question as of a time, or as of now.
    pub(crate) fn of(metastore: &Metastore, now: &Pinned, as_of_ms: Option<i64>) -> Result<Self, CatalogError> {
        let then = match as_of_ms {
            None => now.clone(),
            Some(at_ms) => now.in_state(metastore.past(at_ms)?),
        };
        Ok(Self { now: now.clone(), then })
    }

    /// The state that the question is about.
    pub(crate) fn then(&self) -> &Pinned {
        &self.then
    }

    /// The securable that had this name then, when the asker may see it now. What was dropped since is for metastore admins.
    pub(crate) fn resolve(&self, kind: SecurableKind, name: &FullName) -> Result<Arc<Securable>, CatalogError> {
        let found = self.then.find(kind, name)?;
        if kind == SecurableKind::Metastore || self.sees(found.id) {
            return Ok(found);
        }
        Err(CatalogError::not_found(kind, name.to_string()))
    }

    /// Whether the asker may know of a securable.
    pub(crate) fn sees(&self, id: SecurableId) -> bool {
        if self.exists(id) { self.now.sees(id) } else { self.is_admin() }
    }

    /// Whether the asker may manage a securable.
    pub(crate) fn manages(&self, id: SecurableId) -> bool {
        if self.exists(id) { self.now.allows(id, Need::Manage) } else { self.is_admin() }
    }

    /// Whether the asker is the principal or in it, now as then.
    pub(crate) fn is_in(&self, id: PrincipalId) -> bool {
        self.now.closure().contains(id) && self.then.closure().contains(id)
    }

    /// Whether the asker may know who is in a group: its members and metastore admins may. Everybody knows who is in
    /// `account users`.
    pub(crate) fn knows_members_of(&self, group: PrincipalId) -> bool {
        group == PrincipalId::ACCOUNT_USERS || self.is_in(group) || self.is_admin()
    }

    /// Checks the right to ask about somebody's access to a securable: everybody may ask about themselves, who may manage the
    /// securable about all.
    pub(crate) fn require_to_ask(&self, subject: PrincipalId, securable: &Securable) -> Result<(), CatalogError> {
        if subject == self.now.caller().principal || self.manages(securable.id) {
            return Ok(());
        }
        self.refuse_to_tell(securable)
    }

    /// Checks the right to ask about everybody's access to a securable.
    pub(crate) fn require_to_ask_about_all(&self, securable: &Securable) -> Result<(), CatalogError> {
        if self.manages(securable.id) { Ok(()) } else { self.refuse_to_tell(securable) }
    }

    fn refuse_to_tell(&self, securable: &Securable) -> Result<(), CatalogError> {
        let (kind, name) = (securable.kind().noun(), self.then.state().full_name(securable.id));
        let message = format!("asking about others needs MANAGE on {kind} `{name}`, or its ownership");
        Err(CatalogError::Denied { message })
    }

    fn exists(&self, id: SecurableId) -> bool {
        self.now.state().securable(id).is_some()
    }

    fn is_admin(&self) -> bool {
        self.now.require_admin().is_ok()
    }
}
