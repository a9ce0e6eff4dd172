//! The metastore: opens the store, reads for callers, and makes each change whole or not at all.
//!
//! Every change goes the same way: pin the state, ask the gate, check the state, stage rows and the audit record,
//! write one batch and make it durable, publish the new state. One change at a time; readers never wait for it.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use crate::clock::Clock;
use crate::gate::Gate;
use crate::model::{AuditEvent, Outcome};
use crate::ops::history;
use crate::pinned::Pinned;
use crate::state::State;
use crate::store::{OpenOptions, Rows, Store};
use crate::tx::Tx;
use crate::{Caller, CatalogError, ErrorKind};

/// The catalog's records and every door to them.
pub struct Metastore {
    store: Store,
    state: ArcSwap<State>,
    writer: Mutex<()>,
    gate: Arc<dyn Gate>,
    clock: Arc<dyn Clock>,
}

impl Metastore {
    /// Opens the store in a folder and reads every record.
    ///
    /// # Errors
    /// `Unavailable` when another process has the folder, or the store can't be read.
    pub fn open(
        dir: &Path,
        options: &OpenOptions,
        gate: Arc<dyn Gate>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CatalogError> {
        let store = Store::open(dir, options)?;
        let mut state = State::load(&store)?;
        if state.metastore.is_some() && state.change_log.is_none() {
            // It was made by a version that kept no history.
            let mut rows = Rows::new();
            state.change_log = Some(history::begin(&state, clock.now_ms(), &mut rows));
            store.commit(&rows)?;
        }
        Ok(Self { store, state: ArcSwap::from_pointee(state), writer: Mutex::new(()), gate, clock })
    }

    /// Whether the store has a metastore in it.
    pub fn is_bootstrapped(&self) -> bool {
        self.state.load().metastore.is_some()
    }

    /// The state as `caller` may see it, as of now.
    pub fn pin(&self, caller: &Caller) -> Pinned {
        Pinned::new(self.state.load_full(), self.gate.clone(), caller.clone())
    }

    /// The clock of the catalog.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The published state, for what no caller asks: identity and start-up.
    pub(crate) fn published(&self) -> Arc<State> {
        self.state.load_full()
    }

    /// Runs a reading for a caller. A denial leaves its audit record.
    pub(crate) fn read<T>(
        &self,
        caller: &Caller,
        action: &'static str,
        securable: &str,
        read: impl FnOnce(&Pinned) -> Result<T, CatalogError>,
    ) -> Result<T, CatalogError> {
        let result = read(&self.pin(caller));
        if let Err(error) = &result {
            self.note_denial(caller, action, securable, error);
        }
        result
    }

    /// Runs a change for a caller: whole, durable and audited, or absent. `securable` is what the audit record names.
    pub(crate) fn write<T>(
        &self,
        caller: &Caller,
        action: &'static str,
        securable: &str,
        change: impl FnOnce(&mut Tx) -> Result<T, CatalogError>,
    ) -> Result<T, CatalogError> {
        let writer = self.writer.lock();
        let before = self.state.load_full();
        let mut tx = Tx::new(before, self.gate.clone(), caller.clone(), self.clock.clone());
        match change(&mut tx) {
            Ok(value) => {
                self.commit(tx, action, securable)?;
                Ok(value)
            }
            Err(error) => {
                drop(writer);
                self.note_denial(caller, action, securable, &error);
                Err(error)
            }
        }
    }

    /// Makes the rows of a transaction durable and publishes its state. A transaction that staged nothing is no change.
    fn commit(&self, mut tx: Tx, action: &'static str, securable: &str) -> Result<(), CatalogError> {
        if tx.is_empty() {
            return Ok(());
        }
        tx.audit(action, securable);
        let (state, rows) = tx.finish()?;
        self.store.commit(&rows)?;
        self.state.store(Arc::new(state));
        Ok(())
    }

    /// Writes the audit record of a denial. It changes no state; it is durable with the next commit or the next second.
    fn note_denial(&self, caller: &Caller, action: &'static str, securable: &str, error: &CatalogError) {
        if error.kind() == ErrorKind::PermissionDenied {
            self.record_denial(caller, action, securable, &error.to_string());
        }
    }

    /// Writes the audit record of a denial that the engine met on a pinned state: a query that may not read, say.
    /// `message` is what the caller was told.
    pub fn record_denial(&self, caller: &Caller, action: &'static str, securable: &str, message: &str) {
        let _writer = self.writer.lock();
        let mut state = State::clone(&self.state.load());
        state.seq += 1;
        let event = AuditEvent {
            seq: state.seq,
            at_ms: self.clock.now_ms(),
            request_id: caller.request_id,
            principal: caller.principal,
            principal_name: caller.name.to_string(),
            door: caller.door.to_owned(),
            action: action.to_owned(),
            securable: securable.to_owned(),
            outcome: Outcome::Denied,
            details: [("error".to_owned(), message.to_owned())].into(),
        };
        let mut rows = Rows::default();
        crate::tx::put_audit(&mut rows, &event);
        match self.store.append_relaxed(&rows) {
            Ok(()) => self.state.store(Arc::new(state)),
            Err(fault) => {
                tracing::error!(%fault, action, "the audit record of a denial was not written")
            }
        }
    }
}
