//! Reading the state back from the store: row by row, through the same index code that transactions use.

use std::sync::Arc;

use super::State;
use crate::model::{GrantRow, PrivilegeSet};
use crate::store::{Family, Key, Store, StoreError, codec};

impl State {
    /// Reads every record.
    ///
    /// # Errors
    /// When the store can't be read, or holds a row that this version does not understand.
    pub fn load(store: &Store) -> Result<Self, StoreError> {
        let mut state = Self::default();
        for family in
            [
                Family::Securable,
                Family::Principal,
                Family::Grant,
                Family::ColumnGrant,
                Family::Member,
                Family::Token,
                Family::Intent,
            ]
        {
            for row in store.scan_prefix(&family.prefix()) {
                let (bytes, value) = row?;
                let key = Key::parse(&bytes).ok_or_else(|| StoreError::Corrupt { key: bytes.clone() })?;
                state.load_row(key, &value)?;
            }
        }
        if let Some(last) = store.scan_prefix_back(&Family::Audit.prefix(), None).next() {
            let (bytes, _) = last?;
            match Key::parse(&bytes) {
                Some(Key::Audit(seq)) => state.seq = seq,
                _ => return Err(StoreError::Corrupt { key: bytes }),
            }
        }
        Ok(state)
    }

    fn load_row(&mut self, key: Key, value: &[u8]) -> Result<(), StoreError> {
        match key {
            Key::Securable(_) => self.insert_securable(Arc::new(codec::decode(value)?)),
            Key::Principal(_) => self.insert_principal(Arc::new(codec::decode(value)?)),
            Key::Grant(securable, principal) => {
                let (allow, deny) = codec::decode_grant(value)?;
                self.insert_grant(
                    securable,
                    GrantRow { principal, allow: PrivilegeSet(allow), deny: PrivilegeSet(deny) },
                );
            }
            Key::ColumnGrant(relation, column, principal) => {
                let (allow, deny) = codec::decode_grant(value)?;
                let row = GrantRow { principal, allow: PrivilegeSet(allow), deny: PrivilegeSet(deny) };
                self.insert_column_grant(relation, column, row);
            }
            Key::Member(group, member) => self.insert_member(group, member),
            Key::Token(id) => {
                self.tokens.insert(id, Arc::new(codec::decode(value)?));
            }
            Key::Intent(id) => {
                self.intents.insert(id, codec::decode(value)?);
            }
            Key::Meta(_) | Key::Audit(_) => {}
        }
        Ok(())
    }
}
