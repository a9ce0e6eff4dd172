//! Reading the state back from the store. Large families are put together whole, as they lie there sorted; the result is
//! what [`State::apply_row`] gives row by row. Decoding the records takes about as long as all the rest, so another thread
//! does it, and leaves the engine's memory to this one, which has use for it when the engine lets pages go.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use imbl::HashMap;

use super::rows::grant_row;
use super::{ChangeLog, IdSet, State};
use crate::model::{Body, GrantRow, PrincipalId, Securable, SecurableId, Text};
use crate::store::{Family, Key, Store, StoreError, change, codec};

/// How many records go from thread to thread at once.
const BATCH: usize = 512;

type Row = (Key, Vec<u8>);

impl State {
    /// Reads every record.
    ///
    /// # Errors
    /// When the store can't be read, or holds a row that this version does not understand.
    pub fn load(store: &Store) -> Result<Self, StoreError> {
        let (mut state, mut holdings, mut members) = (Self::default(), Vec::new(), Vec::new());
        let records = thread::scope(|scope| {
            let (send, batches) = channel();
            let decoder = thread::Builder::new().name("store-load".to_owned());
            let decoder = decoder.spawn_scoped(scope, move || records(&batches));
            let decoder = decoder.map_err(StoreError::io("the thread that decodes the records"))?;
            read_records(store, &send)?;
            drop(send);
            state.grants = grants(store, &mut holdings)?;
            members = state.load_principals(store)?;
            decoder.join().unwrap_or_else(|_| Err(StoreError::Panicked("while decoding the records".to_owned())))
        })?;
        for record in records {
            holdings.push((record.owner, record.id));
            state.index_securable(record);
        }
        state.holdings = sets(holdings);
        state.member_of = sets(members.iter().map(|(group, member)| (*member, *group)).collect());
        state.members = sets(members);
        for family in [Family::ColumnGrant, Family::Token, Family::Intent] {
            each(store, family, |key, value| state.apply_row(key, Some(&value)))?;
        }
        let last = store.scan_prefix_back(&Family::Audit.prefix(), None).next();
        if let Some((Key::Audit(seq), _)) = last.map(parsed).transpose()? {
            state.seq = seq;
        }
        state.change_log = change_log(store)?;
        Ok(state)
    }

    /// Reads the principals, and gives who is in which group.
    fn load_principals(&mut self, store: &Store) -> Result<Vec<(PrincipalId, PrincipalId)>, StoreError> {
        each(store, Family::Principal, |key, value| self.apply_row(key, Some(&value)))?;
        let mut members = Vec::new();
        each(store, Family::Member, |key, _| {
            if let Key::Member(group, member) = key {
                members.push((group, member));
            }
            Ok(())
        })?;
        Ok(members)
    }
}

/// Sends the records of securables as they lie in the store.
fn read_records(store: &Store, send: &Sender<Vec<Vec<u8>>>) -> Result<(), StoreError> {
    let mut batch = Vec::new();
    each(store, Family::Securable, |_, value| {
        batch.push(value);
        if batch.len() == BATCH {
            // Who takes no more has failed, and says why when it is joined.
            let _ = send.send(std::mem::take(&mut batch));
        }
        Ok(())
    })?;
    let _ = send.send(batch);
    Ok(())
}

/// Decodes records of securables. The columns of all of them share their names and types, which recur.
fn records(batches: &Receiver<Vec<Vec<u8>>>) -> Result<Vec<Arc<Securable>>, StoreError> {
    let (mut records, mut texts) = (Vec::new(), HashSet::new());
    for value in batches.iter().flatten() {
        let mut record: Securable = codec::decode(&value)?;
        let columns = match &mut record.body {
            Body::Table(table) => &mut table.columns,
            Body::View(view) => &mut view.columns,
            _ => &mut Vec::new(),
        };
        columns.shrink_to_fit();
        columns.iter_mut().flat_map(|column| [&mut column.name, &mut column.type_text]).for_each(|text: &mut Text| {
            match texts.get(text) {
                Some(met) => *text = Text::clone(met),
                None => drop(texts.insert(text.clone())),
            }
        });
        records.push(Arc::new(record));
    }
    Ok(records)
}

/// The grant rows by securable; who holds something on what is added to `holdings`.
fn grants(
    store: &Store,
    holdings: &mut Vec<(PrincipalId, SecurableId)>,
) -> Result<HashMap<SecurableId, Arc<[GrantRow]>>, StoreError> {
    let mut grants = HashMap::new();
    let (mut of, mut rows): (_, Vec<GrantRow>) = (None, Vec::new());
    // The rows of one securable lie together, sorted by principal.
    each(store, Family::Grant, |key, value| {
        let Key::Grant(securable, principal) = key else { return Ok(()) };
        if let Some(complete) = of.replace(securable).filter(|before| *before != securable) {
            grants.insert(complete, Arc::from(rows.as_slice()));
            rows.clear();
        }
        rows.push(grant_row(principal, Some(&value))?);
        holdings.push((principal, securable));
        Ok(())
    })?;
    grants.extend(of.map(|of| (of, Arc::from(rows))));
    Ok(grants)
}

/// Reads a family from its first row to its last, which proves that none is missing.
fn each(
    store: &Store,
    family: Family,
    mut act: impl FnMut(Key, Vec<u8>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for row in store.scan_prefix(&family.prefix()) {
        let (key, value) = parsed(row)?;
        act(key, value)?;
    }
    Ok(())
}

/// The second parts of pairs, by the first.
fn sets<K: Hash + Ord + Copy, V: Ord + Copy>(mut pairs: Vec<(K, V)>) -> HashMap<K, IdSet<V>> {
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
fn parsed(row: Result<(Vec<u8>, Vec<u8>), StoreError>) -> Result<Row, StoreError> {
    let (key, value) = row?;
    Ok((Key::parse(&key).ok_or(StoreError::Corrupt { key })?, value))
}
