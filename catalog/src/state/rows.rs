//! Rows of the store become records of the state, and back: one place for what a transaction writes, what start-up reads
//! and what the change log undoes.

use std::sync::Arc;

use super::State;
use crate::model::{GrantRow, PrincipalId, PrivilegeSet};
use crate::store::{Family, Key, StoreError, codec};

/// Whether the change log keeps what a row of this family held before. What it leaves out says nothing of who could do
/// what: tokens, work on files, the logs themselves.
pub(crate) fn is_logged(family: Family) -> bool {
    match family {
        Family::Securable | Family::Grant | Family::ColumnGrant | Family::Principal | Family::Member => true,
        Family::Meta | Family::Token | Family::Audit | Family::Change | Family::Intent => false,
    }
}

impl State {
    /// Puts the record of a row into the state, or takes it out when the row is absent.
    ///
    /// # Errors
    /// When the value is not one that this version understands.
    pub(crate) fn apply_row(&mut self, key: Key, value: Option<&[u8]>) -> Result<(), StoreError> {
        match (key, value) {
            (Key::Securable(_), Some(value)) => self.insert_securable(Arc::new(codec::decode(value)?)),
            (Key::Securable(id), None) => self.forget_securable(id),
            (Key::Principal(_), Some(value)) => self.insert_principal(Arc::new(codec::decode(value)?)),
            (Key::Principal(id), None) => self.forget_principal(id),
            (Key::Grant(securable, principal), value) => self.insert_grant(securable, grant_row(principal, value)?),
            (Key::ColumnGrant(relation, column, principal), value) => {
                self.insert_column_grant(relation, column, grant_row(principal, value)?);
            }
            (Key::Member(group, member), Some(_)) => self.insert_member(group, member),
            (Key::Member(group, member), None) => self.forget_member(group, member),
            (Key::Token(id), Some(value)) => drop(self.tokens.insert(id, Arc::new(codec::decode(value)?))),
            (Key::Token(id), None) => drop(self.tokens.remove(&id)),
            (Key::Intent(id), Some(value)) => drop(self.intents.insert(id, codec::decode(value)?)),
            (Key::Intent(id), None) => drop(self.intents.remove(&id)),
            (Key::Meta(_) | Key::Audit(_) | Key::Change(..), _) => {}
        }
        Ok(())
    }

    /// The value of a row that the change log keeps, as this state has it; none when the row is absent.
    ///
    /// # Errors
    /// When the record has no encoded form.
    pub(crate) fn row(&self, key: Key) -> Result<Option<Vec<u8>>, StoreError> {
        let grant = |row: GrantRow| (!row.is_empty()).then(|| codec::encode_grant(row.allow.0, row.deny.0));
        match key {
            Key::Securable(id) => self.securable(id).map(|found| codec::encode(&**found)).transpose(),
            Key::Principal(id) => self.principals.get(&id).map(|found| codec::encode(&**found)).transpose(),
            Key::Grant(securable, principal) => Ok(grant(self.grant_row(securable, principal))),
            Key::ColumnGrant(relation, column, principal) => {
                Ok(grant(self.column_grant_row(relation, column, principal)))
            }
            Key::Member(group, member) => {
                Ok(self.members.get(&group).is_some_and(|members| members.contains(&member)).then(Vec::new))
            }
            Key::Meta(_) | Key::Token(_) | Key::Audit(_) | Key::Change(..) | Key::Intent(_) => Ok(None),
        }
    }
}

/// The grant row of a value; an empty one when there is none.
pub(super) fn grant_row(principal: PrincipalId, value: Option<&[u8]>) -> Result<GrantRow, StoreError> {
    let Some(value) = value else { return Ok(GrantRow::empty(principal)) };
    let (allow, deny) = codec::decode_grant(value)?;
    Ok(GrantRow { principal, allow: PrivilegeSet(allow), deny: PrivilegeSet(deny) })
}
