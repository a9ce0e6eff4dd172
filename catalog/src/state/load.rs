//! Reading the state back from the store. Large families are put together whole, as they lie there sorted; the result is
//! what [`State::apply_row`] gives row by row. Decoding the records takes about as long as all the rest, so another thread
//! does it, and leaves the engine's memory to this one, which has use for it when the engine lets pages go.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, Scope, ScopedJoinHandle};

use super::id_map::IdMap;
use super::rows::grant_row;
use super::{ChangeLog, IdSet, Node, State};
use crate::model::{Body, GrantRow, PrincipalId, Securable, SecurableId, Text};
use crate::store::{Family, Key, Scan, Store, StoreError, change, codec};

/// How many rows are read at once, and how many records go from thread to thread.
const BATCH: usize = 512;
/// How many batches may wait.
const AHEAD: usize = 4;

type Row = (Key, Vec<u8>);

impl State {
    /// Reads every record.
    ///
    /// # Errors
    /// When the store can't be read, or holds a row that this version does not understand.
    pub fn load(store: &Store) -> Result<Self, StoreError> {
        let (mut grants, mut members) = (Grants::default(), Vec::new());
        let records = thread::scope(|scope| {
            let (send, batches) = sync_channel(AHEAD);
            let decoder = beside(scope, move || records(&batches))?;
            let mut rows = store.scan_prefix(&Family::Grant.prefix());
            let mut read_grants = || grants.read(&mut rows);
            read_records(store, &send, &mut read_grants)?;
            drop(send);
            while read_grants()? {}
            each(store, Family::Member, |key, _| {
                if let Key::Member(group, member) = key {
                    members.push((group, member));
                }
                Ok(())
            })?;
            joined(decoder)?
        })?;
        let mut state = grants.finish(records)?;
        state.member_of = sets(members.iter().map(|(group, member)| (*member, *group)).collect());
        state.members = sets(members);
        for family in [Family::Principal, Family::ColumnGrant, Family::Token, Family::Intent] {
            each(store, family, |key, value| state.apply_row(key, Some(value)))?;
        }
        let last = store.scan_prefix_back(&Family::Audit.prefix(), None).next();
        if let Some((Key::Audit(seq), _)) = last.map(parsed).transpose()? {
            state.seq = seq;
        }
        state.change_log = change_log(store)?;
        Ok(state)
    }
}

/// Sends the records of securables as they lie in the store. While enough of them wait it calls `meanwhile`, which says
/// whether there is more for it to do.
fn read_records(
    store: &Store,
    send: &SyncSender<Vec<Vec<u8>>>,
    meanwhile: &mut impl FnMut() -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let mut batch = Vec::new();
    each(store, Family::Securable, |_, value| {
        batch.push(value.to_vec());
        if batch.len() == BATCH { pass_on(send, std::mem::take(&mut batch), meanwhile) } else { Ok(()) }
    })?;
    pass_on(send, batch, meanwhile)
}

fn pass_on(
    send: &SyncSender<Vec<Vec<u8>>>,
    mut batch: Vec<Vec<u8>>,
    meanwhile: &mut impl FnMut() -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    // Who takes no more has failed, and says why when it is joined.
    while let Err(TrySendError::Full(unsent)) = send.try_send(batch) {
        batch = unsent;
        if !meanwhile()? {
            let _ = send.send(batch);
            break;
        }
    }
    Ok(())
}

/// Decodes the records of securables. The columns of all of them share their names and types, which recur.
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

/// Grant rows as they come: those of one securable together, sorted by principal.
#[derive(Default)]
struct Grants {
    nodes: IdMap<SecurableId, Node>,
    holdings: Vec<(PrincipalId, SecurableId)>,
    coming: Option<SecurableId>,
    rows: Vec<GrantRow>,
}

impl Grants {
    /// Reads some rows; false at their end, which proves that none is missing.
    fn read(&mut self, rows: &mut Scan<'_>) -> Result<bool, StoreError> {
        for _ in 0..BATCH {
            let Some(row) = rows.advance()? else { return Ok(false) };
            self.take(parse(row.key())?, row.value())?;
        }
        Ok(true)
    }

    fn take(&mut self, key: Key, value: &[u8]) -> Result<(), StoreError> {
        let Key::Grant(securable, principal) = key else { return Ok(()) };
        if self.coming != Some(securable) {
            self.complete();
            self.coming = Some(securable);
        }
        self.rows.push(grant_row(principal, Some(value))?);
        self.holdings.push((principal, securable));
        Ok(())
    }

    fn complete(&mut self) {
        let grants = Arc::from(self.rows.as_slice());
        self.nodes.extend(self.coming.map(|id| (id, Node { securable: None, grants })));
        self.rows.clear();
    }

    /// The state of them and the securables, with who holds or owns what.
    fn finish(mut self, records: Vec<Arc<Securable>>) -> Result<State, StoreError> {
        self.complete();
        let Self { nodes, mut holdings, .. } = self;
        holdings.extend(records.iter().map(|record| (record.owner, record.id)));
        let mut state = State { nodes, ..State::default() };
        state.holdings = thread::scope(|scope| {
            let holdings = beside(scope, move || sets(holdings))?;
            records.into_iter().for_each(|record| state.index_securable(record));
            joined(holdings)
        })?;
        Ok(state)
    }
}

/// Starts work on another thread.
fn beside<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, StoreError> {
    let thread = thread::Builder::new().name("store-load".to_owned()).spawn_scoped(scope, work);
    thread.map_err(StoreError::io("a thread that loads the store"))
}

fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> Result<T, StoreError> {
    thread.join().map_err(|_| StoreError::Panicked("it panicked while it was loaded".to_owned()))
}

/// Reads a family from its first row to its last, which proves that none is missing.
fn each(
    store: &Store,
    family: Family,
    mut act: impl FnMut(Key, &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    store.scan_prefix(&family.prefix()).visit(|key, value| act(parse(key)?, value))
}

/// The second parts of pairs, by the first.
fn sets<K: Hash + Ord + Copy, V: Ord + Copy>(mut pairs: Vec<(K, V)>) -> IdMap<K, IdSet<V>> {
    pairs.sort_unstable();
    pairs.dedup();
    let mut sets = IdMap::default();
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
    Ok((parse(&key)?, value))
}

fn parse(key: &[u8]) -> Result<Key, StoreError> {
    Key::parse(key).ok_or_else(|| StoreError::Corrupt { key: key.to_vec() })
}
