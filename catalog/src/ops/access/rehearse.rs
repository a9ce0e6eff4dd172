//! `--dry-run`: who would gain or lose what by a change of grants. The change is made in a transaction that nobody commits,
//! and what the gate says before and after is compared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{GrantEffect, Rehearsal};
use crate::gate::{Closure, Link, Need};
use crate::model::{
    ColumnId, GrantRow, NameClass, Principal, PrincipalId, Privilege, PrivilegeSet, Securable, SecurableId,
    SecurableKind,
};
use crate::ops::grants::{self, GrantChange};
use crate::pinned::Pinned;
use crate::state::State;
use crate::{Caller, CatalogError, metastore::Metastore};

/// The most effects that are told.
const MOST_EFFECTS: usize = 1_000;
/// The most comparisons that are made: a fraction of a second's work.
const MOST_COMPARISONS: usize = 200_000;

impl Metastore {
    /// Says who would gain or lose what by a change of grants, and changes nothing. What is told is what is held on each
    /// securable; USE SCHEMA and USE CATALOG on the way down may be missing besides. The members of a group are told to its
    /// members and to metastore admins, others are told of the group itself; nothing is told of what the caller may not
    /// manage.
    ///
    /// # Errors
    /// As `change_grants`.
    pub fn rehearse_grants(&self, caller: &Caller, change: &GrantChange) -> Result<Rehearsal, CatalogError> {
        self.read(caller, "grants.rehearse", &change.name.to_string(), |before| {
            let mut tx = before.rehearsal(self.clock().clone());
            let (securable, principals) = grants::apply(&mut tx, change)?;
            let comparison = Comparison {
                subjects: subjects(before, principals),
                privileges: concerned(change),
                after: tx.changed(),
                securable,
                before,
            };
            Ok(comparison.effects())
        })
    }
}

/// The privileges that a change can give or take.
fn concerned(change: &GrantChange) -> PrivilegeSet {
    let named: PrivilegeSet = change.privileges.iter().map(|on| on.privilege).collect();
    let of_all = named.contains(Privilege::AllPrivileges);
    let given = |p: &Privilege| of_all || named.iter().any(|named| named == *p || named.implies(*p));
    Privilege::ALL.iter().copied().filter(given).collect::<PrivilegeSet>().without(Privilege::AllPrivileges)
}

/// Who is affected, as far as the asker may know who is in a group, in the order of their names.
fn subjects(pinned: &Pinned, named: Vec<Arc<Principal>>) -> Vec<(Arc<Principal>, Closure)> {
    let (state, admin) = (pinned.state(), pinned.require_admin().is_ok());
    let (mut found, mut next) = (BTreeMap::new(), named);
    while let Some(principal) = next.pop() {
        let id = principal.id;
        if found.insert(principal.name.folded().clone(), principal).is_some() {
            continue;
        }
        if id == PrincipalId::ACCOUNT_USERS {
            next.extend(state.principals.values().cloned());
        } else if admin || pinned.closure().contains(id) {
            let members = state.members.get(&id).into_iter().flatten();
            next.extend(members.filter_map(|id| state.principal(*id)).cloned());
        }
    }
    found.into_values().map(|principal| (principal.clone(), state.closure(principal.id))).collect()
}

struct Comparison<'a> {
    before: &'a Pinned,
    after: Pinned,
    securable: Arc<Securable>,
    privileges: PrivilegeSet,
    subjects: Vec<(Arc<Principal>, Closure)>,
}

/// A subject and a privilege whose decisions may change.
type Pair<'a> = (&'a (Arc<Principal>, Closure), Privilege);

impl Comparison<'_> {
    fn effects(&self) -> Rehearsal {
        let mut told = Told { rehearsal: Rehearsal::default(), comparisons: 0 };
        let pairs = |kind: SecurableKind| self.privileges.iter().filter(move |privilege| privilege.reaches(kind));
        let kind = self.securable.kind();
        let own: Vec<Pair<'_>> = self.subjects.iter().flat_map(|s| pairs(kind).map(move |p| (s, p))).collect();
        self.compare(&self.securable, &own, &mut told);
        let below: Vec<Pair<'_>> = self
            .subjects
            .iter()
            .flat_map(|subject| self.privileges.iter().map(move |privilege| (subject, privilege)))
            .filter(|pair| !told.is_full() && self.bears_on_what_is_below(*pair, &mut told))
            .collect();
        let mut places =
            in_order(self.before.state(), self.securable.id).filter(|place| self.before.allows(place.id, Need::Manage));
        while !below.is_empty() && !told.is_full() {
            let Some(place) = places.next() else { break };
            let reached: Vec<Pair<'_>> = below.iter().copied().filter(|(_, p)| p.reaches(place.kind())).collect();
            self.compare(&place, &reached, &mut told);
        }
        told.rehearsal.more |= told.is_full();
        told.rehearsal.effects.truncate(MOST_EFFECTS);
        told.rehearsal
    }

    /// Notes what changes on a securable, and on its columns where that is something else.
    fn compare(&self, securable: &Securable, pairs: &[Pair<'_>], told: &mut Told) {
        let whole = self.chains(|state| state.chain(securable.id));
        let columns: Vec<_> = self
            .columns_with_grants(securable)
            .into_iter()
            .map(|(id, name)| (name, self.chains(|state| state.column_chain(securable.id, id))))
            .collect();
        let name = self.before.state().full_name(securable.id);
        for (subject, privilege) in pairs {
            if told.is_full() {
                return;
            }
            let effect = |gains, column| GrantEffect {
                principal: subject.0.name.to_string(),
                principal_kind: subject.0.kind,
                privilege: *privilege,
                kind: securable.kind(),
                securable: name.clone(),
                column,
                gains,
            };
            let on_whole = self.change(&whole, &subject.1, *privilege, told);
            told.rehearsal.effects.extend(on_whole.map(|gains| effect(gains, None)));
            for (column, chains) in columns.iter().filter(|_| privilege.grantable_on(SecurableKind::Column)) {
                let on_column = self.change(chains, &subject.1, *privilege, told);
                let differs = on_column.filter(|_| on_column != on_whole);
                told.rehearsal.effects.extend(differs.map(|gains| effect(gains, Some(column.clone()))));
            }
        }
    }

    /// What changes: whether the privilege is gained or lost, if it is either.
    fn change(
        &self,
        chains: &(Vec<Link>, Vec<Link>),
        closure: &Closure,
        privilege: Privilege,
        told: &mut Told,
    ) -> Option<bool> {
        told.comparisons += 1;
        let need = Need::Alone(privilege);
        let before = self.before.allows_to(closure, &chains.0, need);
        let after = self.after.allows_to(closure, &chains.1, need);
        (before != after).then_some(after)
    }

    fn chains(&self, of: impl Fn(&State) -> Vec<Link>) -> (Vec<Link>, Vec<Link>) {
        (of(self.before.state()), of(self.after.state()))
    }

    /// The columns with grants of their own, before or after.
    fn columns_with_grants(&self, relation: &Securable) -> Vec<(ColumnId, String)> {
        let of =
            |state: &State| state.column_grants_on(relation.id).iter().map(|grants| grants.column).collect::<Vec<_>>();
        let ids: BTreeSet<ColumnId> = of(self.before.state()).into_iter().chain(of(self.after.state())).collect();
        let columns = relation.columns().iter().filter(|column| ids.contains(&column.id));
        columns.map(|column| (column.id, column.name.to_string())).collect()
    }

    /// Whether something below can change for a subject: asked of a securable that is not there, once without grants, and
    /// once with a grant of the privilege to the subject, which only a denial from above takes away.
    fn bears_on_what_is_below(&self, (subject, privilege): Pair<'_>, told: &mut Told) -> bool {
        let Some(kinds) = below(self.securable.kind(), privilege) else {
            return false;
        };
        let granted = GrantRow { allow: PrivilegeSet::EMPTY.with(privilege), ..GrantRow::empty(subject.0.id) };
        [None, Some(granted)].into_iter().any(|row| {
            let chains = self.chains(|state| {
                let imagined = kinds.iter().enumerate().map(|(at, kind)| imagined(self.securable.id, at, *kind, row));
                imagined.chain(state.chain(self.securable.id)).collect()
            });
            self.change(&chains, &subject.1, privilege, told).is_some()
        })
    }
}

/// Kinds for a way down from a securable of a kind to one that the privilege reaches, the lowest first.
fn below(kind: SecurableKind, privilege: Privilege) -> Option<Vec<SecurableKind>> {
    use SecurableKind::{Catalog, Function, Metastore, Model, Schema, Table, View, Volume};
    let in_schemas = [Table, View, Function, Volume, Model].into_iter().find(|kind| privilege.reaches(*kind));
    match kind {
        // Grants on the metastore are inherited by nothing.
        Metastore => None,
        Catalog if privilege.reaches(Schema) => Some(vec![Schema]),
        Catalog => in_schemas.map(|kind| vec![kind, Schema]),
        Schema => in_schemas.map(|kind| vec![kind]),
        _ => None,
    }
}

/// A link that no securable has, owned by nobody who asks.
fn imagined(above: SecurableId, at: usize, kind: SecurableKind, row: Option<GrantRow>) -> Link {
    let number = u32::MAX - u32::try_from(at).unwrap_or_default();
    let grants = row.into_iter().filter(|_| at == 0).collect();
    Link { id: SecurableId::of_column(above, ColumnId(number)), kind, owner: PrincipalId::SYSTEM, grants }
}

/// What has been told so far, and what it cost.
struct Told {
    rehearsal: Rehearsal,
    comparisons: usize,
}

impl Told {
    fn is_full(&self) -> bool {
        self.rehearsal.effects.len() > MOST_EFFECTS || self.comparisons > MOST_COMPARISONS
    }
}

/// Everything below a securable, each before what is in it, in the order of names.
fn in_order(state: &State, top: SecurableId) -> impl Iterator<Item = Arc<Securable>> {
    let children = |id| {
        let of_class = |class: &NameClass| state.children(id, *class, None).cloned().collect::<Vec<_>>();
        let mut children: Vec<Arc<Securable>> = NameClass::OF_CHILDREN.iter().flat_map(of_class).collect();
        children.reverse();
        children
    };
    let mut next = children(top);
    std::iter::from_fn(move || {
        let one = next.pop()?;
        next.extend(children(one.id));
        Some(one)
    })
}
