//! Reading the state back from the store. The large families are put together whole, as they lie there sorted; the
//! result is what [`State::apply_row`] gives row by row.

use std::sync::Arc;
use std::thread;

use imbl::HashMap;

use super::rows::grant_row;
use super::{ChangeLog, IdSet, State};
use crate::model::{GrantRow, PrincipalId, Securable, SecurableId};
use crate::store::{Family, Key, Store, StoreError, change, codec};

impl State {
    /// Reads every record.
    ///
    /// # Errors
    /// When the store can't be read, or holds a row that this version does not understand.
    pub fn load(store: &Store) -> Result<Self, StoreError> {
        let mut state = Self::default();
        let mut holdings = Vec::new();
        let read = || securables(store);
        // Decoding the records takes about as long as all the rest.
        let records = thread::scope(|scope| {
            let spawned = thread::Builder::new().name("store-load".to_owned()).spawn_scoped(scope, read);
            state.grants = grants(store, &mut holdings)?;
            state.load_principals(store)?;
            match spawned {
                Ok(thread) => thread.join().unwrap_or_else(|_| Err(StoreError::Panicked("reading records".to_owned()))),
                Err(_) => read(),
            }
        })?;
        for record in records {
            holdings.push((record.owner, record.id));
            state.index_securable(record);
        }
        state.holdings = sets(holdings);
        for family in [Family::ColumnGrant, Family::Token, Family::Intent] {
            each(store, family, |key, value| state.apply_row(key, Some(value)))?;
        }
        if let Some((Key::Audit(seq), _)) =
            store.scan_prefix_back(&Family::Audit.prefix(), None).next().map(parsed).transpose()?
        {
            state.seq = seq;
        }
        state.change_log = change_log(store)?;
        Ok(state)
    }

    fn load_principals(&mut self, store: &Store) -> Result<(), StoreError> {
        each(store, Family::Principal, |key, value| self.apply_row(key, Some(value)))?;
        let (mut members, mut member_of) = (Vec::new(), Vec::new());
        each(store, Family::Member, |key, _| {
            if let Key::Member(group, member) = key {
                members.push((group, member));
                member_of.push((member, group));
            }
            Ok(())
        })?;
        (self.members, self.member_of) = (sets(members), sets(member_of));
        Ok(())
    }
}

/// Every record of a securable.
fn securables(store: &Store) -> Result<Vec<Arc<Securable>>, StoreError> {
    let mut records = Vec::new();
    each(store, Family::Securable, |_, value| {
        records.push(Arc::new(codec::decode(value)?));
        Ok(())
    })?;
    Ok(records)
}

/// The grant rows by securable; who holds something on what is added to `holdings`.
fn grants(
    store: &Store,
    holdings: &mut Vec<(PrincipalId, SecurableId)>,
) -> Result<HashMap<SecurableId, Arc<[GrantRow]>>, StoreError> {
    let mut grants = HashMap::new();
    let mut rows: Vec<GrantRow> = Vec::new();
    let mut of = None;
    // The rows of one securable lie together, sorted by principal.
    each(store, Family::Grant, |key, value| {
        let Key::Grant(securable, principal) = key else { return Ok(()) };
        if let Some(before) = of.replace(securable).filter(|before| *before != securable) {
            grants.insert(before, Arc::from(rows.as_slice()));
            rows.clear();
        }
        rows.push(grant_row(principal, Some(value))?);
        holdings.push((principal, securable));
        Ok(())
    })?;
    if let Some(securable) = of {
        grants.insert(securable, rows.into());
    }
    Ok(grants)
}

/// The second parts of pairs, by the first.
fn sets<K, V>(mut pairs: Vec<(K, V)>) -> HashMap<K, IdSet<V>>
where
    K: std::hash::Hash + Ord + Copy,
    V: Ord + Copy,
{
    pairs.sort_unstable();
    pairs.dedup();
    let mut sets = HashMap::new();
    let mut ids = Vec::new();
    for of_one in pairs.chunk_by(|(a, _), (b, _)| a == b) {
        ids.clear();
        ids.extend(of_one.iter().map(|(_, id)| *id));
        sets.extend(of_one.first().map(|(key, _)| (*key, IdSet::from_sorted(&ids))));
    }
    sets
}

/// Reads a family from its first row to its last, which proves that none is missing.
fn each(
    store: &Store,
    family: Family,
    mut act: impl FnMut(Key, &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for row in store.scan_prefix(&family.prefix()) {
        let (key, value) = parsed(row)?;
        act(key, &value)?;
    }
    Ok(())
}

/// How far the change log reaches.
fn change_log(store: &Store) -> Result<Option<ChangeLog>, StoreError> {
    let prefix = Family::Change.prefix();
    let first = store.scan_prefix(&prefix).next().map(parsed).transpose()?;
    let last = store.scan_prefix_back(&prefix, None).next().map(parsed).transpose()?;
    let (Some((_, first)), Some((Key::Change(last_seq, _), last))) = (first, last) else { return Ok(None) };
    let at_ms = |part: &[u8]| Ok::<_, StoreError>(change::Part::decode(part)?.at_ms);
    Ok(Some(ChangeLog { begins_ms: at_ms(&first)?, last_seq, last_ms: at_ms(&last)? }))
}

/// A row with its key taken apart.
fn parsed(row: Result<(Vec<u8>, Vec<u8>), StoreError>) -> Result<(Key, Vec<u8>), StoreError> {
    let (key, value) = row?;
    Ok((Key::parse(&key).ok_or(StoreError::Corrupt { key })?, value))
}
