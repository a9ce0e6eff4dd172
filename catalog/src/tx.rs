//! A transaction: a private state that changes, and the rows that make the change durable.
//!
//! Each staging method changes the state and its row together, so that the state read back from the store is the
//! state that was published.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::Clock;
use crate::gate::Gate;
use crate::model::{AuditEvent, ColumnId, GrantRow, Outcome, Principal, PrincipalId, Securable, SecurableId, Token};
use crate::ops::history::log_change;
use crate::pinned::Pinned;
use crate::state::{Intent, State};
use crate::store::{Key, Rows, codec};
use crate::{Caller, CatalogError};

/// One change in the making.
pub(crate) struct Tx {
    before: Arc<State>,
    state: State,
    rows: Rows,
    gate: Arc<dyn Gate>,
    caller: Caller,
    clock: Arc<dyn Clock>,
    now_ms: i64,
    details: BTreeMap<String, String>,
    audited: bool,
}

impl Tx {
    pub(crate) fn new(before: Arc<State>, gate: Arc<dyn Gate>, caller: Caller, clock: Arc<dyn Clock>) -> Self {
        let now_ms = clock.now_ms();
        let state = State::clone(&before);
        Self {
            before,
            state,
            rows: Rows::default(),
            gate,
            caller,
            clock,
            now_ms,
            details: BTreeMap::new(),
            audited: false,
        }
    }

    /// The state before the change, as the caller may see it: what the gate decides on.
    pub(crate) fn pinned(&self) -> Pinned {
        Pinned::new(self.before.clone(), self.gate.clone(), self.caller.clone())
    }

    /// The changed state, as the caller may see it: what the reply is read back from.
    pub(crate) fn changed(&self) -> Pinned {
        Pinned::new(Arc::new(self.state.clone()), self.gate.clone(), self.caller.clone())
    }

    /// The changed state.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The time of the transaction, in milliseconds since 1970 (UTC).
    pub(crate) fn now_ms(&self) -> i64 {
        self.now_ms
    }

    pub(crate) fn new_id(&self) -> uuid::Uuid {
        self.clock.new_id()
    }

    /// The etag of records that this transaction writes.
    pub(crate) fn etag(&self) -> u64 {
        self.state.seq + 1
    }

    /// Adds a particular to the audit record.
    pub(crate) fn detail(&mut self, key: &str, value: impl Into<String>) {
        self.details.insert(key.to_owned(), value.into());
    }

    pub(crate) fn put_securable(&mut self, securable: Securable) -> Result<Arc<Securable>, CatalogError> {
        self.rows.put(Key::Securable(securable.id), encode(&securable)?);
        let securable = Arc::new(securable);
        self.state.insert_securable(securable.clone());
        Ok(securable)
    }

    /// Rewrites a record with its time, author and etag brought up to date.
    pub(crate) fn update_securable(&mut self, mut securable: Securable) -> Result<Arc<Securable>, CatalogError> {
        securable.updated_at_ms = self.now_ms;
        securable.updated_by = self.caller.principal;
        securable.etag = self.etag();
        self.put_securable(securable)
    }

    /// Deletes a record with the grants on it.
    pub(crate) fn delete_securable(&mut self, id: SecurableId) {
        for row in self.state.grants_on(id).iter() {
            self.put_grant(id, GrantRow::empty(row.principal));
        }
        for column in self.state.column_grants_on(id).iter() {
            self.forget_column_grants(id, column.column);
        }
        self.rows.delete(Key::Securable(id));
        self.state.forget_securable(id);
    }

    /// Writes a grant row; an empty one is deleted.
    pub(crate) fn put_grant(&mut self, id: SecurableId, row: GrantRow) {
        let key = Key::Grant(id, row.principal);
        self.put_grant_row(key, row);
        self.state.insert_grant(id, row);
    }

    /// Writes a grant row of one column; an empty one is deleted.
    pub(crate) fn put_column_grant(&mut self, relation: SecurableId, column: ColumnId, row: GrantRow) {
        self.put_grant_row(Key::ColumnGrant(relation, column, row.principal), row);
        self.state.insert_column_grant(relation, column, row);
    }

    /// Deletes every grant row of a column, when the column goes.
    pub(crate) fn forget_column_grants(&mut self, relation: SecurableId, column: ColumnId) {
        for row in self.state.column_rows(relation, column).iter() {
            self.put_column_grant(relation, column, GrantRow::empty(row.principal));
        }
    }

    fn put_grant_row(&mut self, key: Key, row: GrantRow) {
        if row.is_empty() {
            self.rows.delete(key);
        } else {
            self.rows.put(key, codec::encode_grant(row.allow.0, row.deny.0));
        }
    }

    pub(crate) fn put_principal(&mut self, principal: Principal) -> Result<Arc<Principal>, CatalogError> {
        self.rows.put(Key::Principal(principal.id), encode(&principal)?);
        let principal = Arc::new(principal);
        self.state.insert_principal(principal.clone());
        Ok(principal)
    }

    pub(crate) fn delete_principal(&mut self, id: PrincipalId) {
        self.rows.delete(Key::Principal(id));
        self.state.forget_principal(id);
    }

    pub(crate) fn put_member(&mut self, group: PrincipalId, member: PrincipalId) {
        self.rows.put(Key::Member(group, member), Vec::new());
        self.state.insert_member(group, member);
    }

    pub(crate) fn delete_member(&mut self, group: PrincipalId, member: PrincipalId) {
        self.rows.delete(Key::Member(group, member));
        self.state.forget_member(group, member);
    }

    pub(crate) fn put_token(&mut self, token: Token) -> Result<(), CatalogError> {
        self.rows.put(Key::Token(token.id), encode(&token)?);
        self.state.tokens.insert(token.id, Arc::new(token));
        Ok(())
    }

    pub(crate) fn put_intent(&mut self, id: uuid::Uuid, intent: Intent) -> Result<(), CatalogError> {
        self.rows.put(Key::Intent(id), encode(&intent)?);
        self.state.intents.insert(id, intent);
        Ok(())
    }

    pub(crate) fn clear_intent(&mut self, id: uuid::Uuid) {
        if self.state.intents.remove(&id).is_some() {
            self.rows.delete(Key::Intent(id));
        }
    }

    /// Makes the audit record all there is to write.
    pub(crate) fn audit_only(&mut self) {
        self.audited = true;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty() && !self.audited
    }

    /// Stages the audit record of the change.
    pub(crate) fn audit(&mut self, action: &str, securable: &str) {
        self.state.seq += 1;
        let event = AuditEvent {
            seq: self.state.seq,
            at_ms: self.now_ms,
            request_id: self.caller.request_id,
            principal: self.caller.principal,
            principal_name: self.caller.name.to_string(),
            door: self.caller.door.to_owned(),
            action: action.to_owned(),
            securable: securable.to_owned(),
            outcome: Outcome::Allowed,
            details: std::mem::take(&mut self.details),
        };
        put_audit(&mut self.rows, &event);
    }

    /// Stages the entry of the change log, and gives the state and the rows of the change.
    pub(crate) fn finish(mut self) -> Result<(State, Rows), CatalogError> {
        self.state.change_log = log_change(&self.before, self.state.seq, self.now_ms, &mut self.rows)?;
        Ok((self.state, self.rows))
    }
}

/// Stages an audit record. One that can't be encoded is a fault of ours, and is logged.
pub(crate) fn put_audit(rows: &mut Rows, event: &AuditEvent) {
    match codec::encode(event) {
        Ok(value) => rows.put(Key::Audit(event.seq), value),
        Err(fault) => tracing::error!(%fault, seq = event.seq, "an audit record was not encoded"),
    }
}

fn encode<T: serde::Serialize>(record: &T) -> Result<Vec<u8>, CatalogError> {
    Ok(codec::encode(record)?)
}
