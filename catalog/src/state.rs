//! The state of the catalog: every record and index, in memory, immutable once published.
//!
//! The maps share structure, so that a clone costs nothing and a change costs as much as what it changes. A request
//! pins one state and reads it without locks; a transaction clones it, changes the clone and publishes it when the
//! rows are durable. The state read back from the store is the same as the one that was published.

mod id_map;
mod idset;
mod load;
mod mentions;
mod places;
mod rows;
mod tree;

use std::sync::Arc;

use imbl::OrdMap;

use crate::model::{
    ColumnGrants, ColumnId, GrantRow, Name, NameClass, Principal, PrincipalId, PrincipalKind, PrincipalName, Securable,
    SecurableId, SecurableKind, Text, Token, TokenId,
};

use id_map::IdMap;
pub use idset::IdSet;
pub(crate) use rows::is_logged;
pub use tree::NameKey;

/// Work on files that a change promised and that start-up finishes when the server stopped in between.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Intent {
    /// A managed table is being written at this location; without its record the folder is litter.
    Creating {
        /// The folder, as a URL.
        location: String,
    },
    /// A managed table was dropped; its folder goes.
    Purging {
        /// The folder, as a URL.
        location: String,
    },
}

/// How far the change log reaches. Times are in milliseconds since 1970 (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChangeLog {
    /// When its first entry was made: of what was before, nothing is known.
    pub begins_ms: i64,
    /// The number of its last entry, which is that of the entry's audit record.
    pub last_seq: u64,
    /// When its last entry was made.
    pub last_ms: i64,
}

/// A securable with the grants on it, so that one look-up finds both: a question to the gate needs them of every level.
#[derive(Clone, Default)]
struct Node {
    /// None while its rows come and go in an order of their own.
    securable: Option<Arc<Securable>>,
    /// Sorted by principal.
    grants: Arc<[GrantRow]>,
}

/// All records and their indexes.
#[derive(Clone, Default)]
pub struct State {
    /// The number of the last audit record; each commit raises it.
    pub seq: u64,
    pub(crate) change_log: Option<ChangeLog>,
    pub(crate) metastore: Option<SecurableId>,
    nodes: IdMap<SecurableId, Node>,
    pub(crate) names: OrdMap<NameKey, SecurableId>,
    pub(crate) locations: OrdMap<Arc<str>, SecurableId>,
    pub(crate) external_locations: OrdMap<Arc<str>, SecurableId>,
    pub(crate) used_by: IdMap<SecurableId, IdSet<SecurableId>>,
    pub(crate) tag_users: OrdMap<Text, IdSet<SecurableId>>,
    pub(crate) bound: IdMap<PrincipalId, IdSet<SecurableId>>,
    pub(crate) column_grants: IdMap<SecurableId, Arc<[ColumnGrants]>>,
    pub(crate) holdings: IdMap<PrincipalId, IdSet<SecurableId>>,
    pub(crate) principals: IdMap<PrincipalId, Arc<Principal>>,
    pub(crate) principal_names: OrdMap<Arc<str>, PrincipalId>,
    pub(crate) members: IdMap<PrincipalId, IdSet<PrincipalId>>,
    pub(crate) member_of: IdMap<PrincipalId, IdSet<PrincipalId>>,
    pub(crate) tokens: OrdMap<TokenId, Arc<Token>>,
    pub(crate) intents: OrdMap<uuid::Uuid, Intent>,
}

impl State {
    /// A securable by id.
    pub fn securable(&self, id: SecurableId) -> Option<&Arc<Securable>> {
        self.nodes.get(&id)?.securable.as_ref()
    }

    /// A principal by id.
    pub fn principal(&self, id: PrincipalId) -> Option<&Arc<Principal>> {
        self.principals.get(&id)
    }

    /// A principal by name.
    pub fn principal_named(&self, name: &PrincipalName) -> Option<&Arc<Principal>> {
        self.principals.get(self.principal_names.get(name.folded())?)
    }

    /// The name of a principal, or its id when it is gone.
    pub fn principal_name(&self, id: PrincipalId) -> String {
        match self.principals.get(&id) {
            Some(principal) => principal.name.to_string(),
            None if id == PrincipalId::SYSTEM => "system".to_owned(),
            None => id.to_string(),
        }
    }

    /// The grant rows on a securable, sorted by principal.
    pub fn grants_on(&self, id: SecurableId) -> Arc<[GrantRow]> {
        self.nodes.get(&id).map(|node| node.grants.clone()).unwrap_or_default()
    }

    pub(crate) fn insert_securable(&mut self, securable: Arc<Securable>) {
        self.forget_securable(securable.id);
        self.hold(securable.owner, securable.id);
        self.index_securable(securable);
    }

    /// Puts a new record into all indexes but that of holdings.
    fn index_securable(&mut self, securable: Arc<Securable>) {
        if securable.kind() == SecurableKind::Metastore {
            self.metastore = Some(securable.id);
        }
        self.names.insert(NameKey::of(&securable), securable.id);
        self.insert_place(&securable);
        self.insert_mentions(&securable);
        for used in tree::uses(&securable) {
            self.used_by.entry(used).or_default().insert(securable.id);
        }
        self.change(securable.id, |node| node.securable = Some(securable));
    }

    /// Takes a securable and its indexes out; the grants on it stay, and go row by row.
    pub(crate) fn forget_securable(&mut self, id: SecurableId) {
        let Some(old) = self.change(id, |node| node.securable.take()) else {
            return;
        };
        let key = NameKey::of(&old);
        if self.names.get(&key) == Some(&id) {
            self.names.remove(&key);
        }
        self.forget_place(&old);
        self.forget_mentions(&old);
        for used in tree::uses(&old) {
            let now_empty = self.used_by.get_mut(&used).is_some_and(|users| {
                users.remove(&id);
                users.is_empty()
            });
            if now_empty {
                self.used_by.remove(&used);
            }
        }
        self.release(old.owner, id);
    }

    /// The grant rows on the columns of a relation that have any, sorted by column.
    pub fn column_grants_on(&self, relation: SecurableId) -> Arc<[ColumnGrants]> {
        self.column_grants.get(&relation).cloned().unwrap_or_default()
    }

    /// The grant rows on one column, sorted by principal.
    pub fn column_rows(&self, relation: SecurableId, column: ColumnId) -> Arc<[GrantRow]> {
        let columns = self.column_grants_on(relation);
        let at = columns.binary_search_by_key(&column, |grants| grants.column);
        at.ok().and_then(|at| columns.get(at)).map(|grants| grants.rows.clone()).unwrap_or_default()
    }

    pub(crate) fn insert_grant(&mut self, id: SecurableId, row: GrantRow) {
        let rows = with_row(&self.grants_on(id), row);
        self.change(id, |node| node.grants = rows);
        self.note_holding(row, id);
    }

    /// Changes a node; one that holds nothing goes.
    fn change<T>(&mut self, id: SecurableId, change: impl FnOnce(&mut Node) -> T) -> T {
        let node = self.nodes.entry(id).or_default();
        let changed = change(node);
        if node.securable.is_none() && node.grants.is_empty() {
            self.nodes.remove(&id);
        }
        changed
    }

    pub(crate) fn insert_column_grant(&mut self, relation: SecurableId, column: ColumnId, row: GrantRow) {
        let rows = with_row(&self.column_rows(relation, column), row);
        let mut columns = self.column_grants_on(relation).to_vec();
        columns.retain(|grants| grants.column != column);
        if !rows.is_empty() {
            let at = columns.partition_point(|grants| grants.column < column);
            columns.insert(at, ColumnGrants { column, rows });
        }
        if columns.is_empty() {
            self.column_grants.remove(&relation);
        } else {
            self.column_grants.insert(relation, columns.into());
        }
        self.note_holding(row, relation);
    }

    fn note_holding(&mut self, row: GrantRow, id: SecurableId) {
        if row.is_empty() {
            self.release(row.principal, id);
        } else {
            self.hold(row.principal, id);
        }
    }

    pub(crate) fn grant_row(&self, id: SecurableId, principal: PrincipalId) -> GrantRow {
        self.nodes.get(&id).map_or_else(|| GrantRow::empty(principal), |node| row_of(&node.grants, principal))
    }

    pub(crate) fn column_grant_row(&self, relation: SecurableId, column: ColumnId, principal: PrincipalId) -> GrantRow {
        row_of(&self.column_rows(relation, column), principal)
    }

    pub(crate) fn insert_principal(&mut self, principal: Arc<Principal>) {
        self.forget_principal(principal.id);
        self.principal_names.insert(principal.name.folded().clone(), principal.id);
        self.principals.insert(principal.id, principal);
    }

    pub(crate) fn forget_principal(&mut self, id: PrincipalId) {
        let Some(old) = self.principals.remove(&id) else {
            return;
        };
        if self.principal_names.get(old.name.folded()) == Some(&id) {
            self.principal_names.remove(old.name.folded());
        }
    }

    pub(crate) fn insert_member(&mut self, group: PrincipalId, member: PrincipalId) {
        self.members.entry(group).or_default().insert(member);
        self.member_of.entry(member).or_default().insert(group);
    }

    pub(crate) fn forget_member(&mut self, group: PrincipalId, member: PrincipalId) {
        remove_from(&mut self.members, group, member);
        remove_from(&mut self.member_of, member, group);
    }

    /// Notes that a principal owns or is granted something on a securable.
    fn hold(&mut self, principal: PrincipalId, id: SecurableId) {
        self.holdings.entry(principal).or_default().insert(id);
    }

    /// Takes the note back when neither ownership nor a grant is left.
    fn release(&mut self, principal: PrincipalId, id: SecurableId) {
        let owns = self.securable(id).is_some_and(|s| s.owner == principal);
        let on_columns = || self.column_grants_on(id).iter().any(|grants| !row_of(&grants.rows, principal).is_empty());
        if !owns && self.grant_row(id, principal).is_empty() && !on_columns() {
            remove_from(&mut self.holdings, principal, id);
        }
    }

    /// Principals of one kind, in the order of their names.
    pub fn principals_of(&self, kind: PrincipalKind) -> impl Iterator<Item = &Arc<Principal>> {
        self.principal_names.values().filter_map(|id| self.principals.get(id)).filter(move |p| p.kind == kind)
    }

    /// The securable with this name in a parent.
    pub fn child(&self, parent: SecurableId, class: NameClass, name: &Name) -> Option<&Arc<Securable>> {
        self.securable(*self.names.get(&NameKey { parent: Some(parent), class, folded: name.folded().clone() })?)
    }
}

#[cfg(test)]
impl State {
    /// Every securable.
    pub(crate) fn all_securables(&self) -> impl Iterator<Item = &Arc<Securable>> {
        self.nodes.values().filter_map(|node| node.securable.as_ref())
    }

    /// The grants on everything that has any.
    pub(crate) fn granted(&self) -> impl Iterator<Item = (SecurableId, &Arc<[GrantRow]>)> {
        self.nodes.iter().map(|(id, node)| (*id, &node.grants)).filter(|(_, rows)| !rows.is_empty())
    }
}

/// The row of a principal among rows that are sorted by principal.
fn row_of(rows: &[GrantRow], principal: PrincipalId) -> GrantRow {
    let found = rows.binary_search_by_key(&principal, |r| r.principal).ok().and_then(|at| rows.get(at));
    found.copied().unwrap_or_else(|| GrantRow::empty(principal))
}

/// The rows with `row` in its place; an empty one goes.
fn with_row(rows: &[GrantRow], row: GrantRow) -> Arc<[GrantRow]> {
    let (before, rest) = rows.split_at(rows.partition_point(|r| r.principal < row.principal));
    let after = rest.get(1..).filter(|_| rest.first().is_some_and(|r| r.principal == row.principal)).unwrap_or(rest);
    let changed = (!row.is_empty()).then_some(row);
    before.iter().copied().chain(changed).chain(after.iter().copied()).collect()
}

fn remove_from<K, V>(map: &mut IdMap<K, IdSet<V>>, key: K, value: V)
where
    K: std::hash::Hash + Eq + Clone,
    V: Ord + Copy,
{
    let now_empty = map.get_mut(&key).is_some_and(|set| {
        set.remove(&value);
        set.is_empty()
    });
    if now_empty {
        map.remove(&key);
    }
}
