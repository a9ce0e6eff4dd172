//! Random worlds: principals in groups that nest deep and in circles, securables of every kind, owners, grants, denials.

use std::collections::BTreeSet;
use std::sync::Arc;

use lakewarden_catalog::model::{GrantRow, PrincipalId, Privilege, SecurableKind};
use lakewarden_catalog::{Link, Need};
use proptest::prelude::*;

use crate::fixture::{principal, securable, with_row};
use crate::full::Records;

pub(super) const USERS: usize = 6;
/// Enough for a chain of groups 55 deep.
const GROUPS: usize = 55;
/// The groups that most of a world is about.
const BUSY_GROUPS: usize = 6;
/// One past the groups: everybody.
const EVERYBODY: usize = USERS + GROUPS;

/// Kind and parent of each securable.
pub(super) const TREE: [(SecurableKind, Option<usize>); 24] = {
    use SecurableKind as K;
    [
        (K::Metastore, None),
        (K::Catalog, Some(0)),
        (K::Catalog, Some(0)),
        (K::Schema, Some(1)),
        (K::Schema, Some(1)),
        (K::Schema, Some(2)),
        (K::Table, Some(3)),
        (K::View, Some(3)),
        (K::Function, Some(3)),
        (K::Table, Some(4)),
        (K::Volume, Some(4)),
        (K::Model, Some(5)),
        (K::View, Some(5)),
        (K::Column, Some(6)),
        (K::Column, Some(6)),
        (K::Column, Some(7)),
        (K::Column, Some(9)),
        (K::ExternalLocation, Some(0)),
        (K::StorageCredential, Some(0)),
        (K::Connection, Some(0)),
        (K::Share, Some(0)),
        (K::Recipient, Some(0)),
        (K::Provider, Some(0)),
        (K::Tag, Some(0)),
    ]
};

#[derive(Debug, Clone, Copy)]
pub(super) struct Grant {
    pub(super) on: usize,
    pub(super) to: usize,
    pub(super) privilege: Privilege,
    pub(super) deny: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Sample {
    members: Vec<(usize, usize)>,
    owners: Vec<usize>,
    pub(super) grants: Vec<Grant>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) user: usize,
    pub(super) on: usize,
    pub(super) need: Need,
}

pub(super) fn id(principal_index: usize) -> PrincipalId {
    if principal_index == EVERYBODY { PrincipalId::ACCOUNT_USERS } else { principal(principal_index as u128) }
}

/// Somebody, most often one of those that a world is about.
fn somebody() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0..USERS, 4 => USERS..USERS + BUSY_GROUPS, 1 => USERS..EVERYBODY, 1 => Just(EVERYBODY)]
}

fn privileges() -> impl Strategy<Value = Privilege> {
    use Privilege as P;
    let common = [P::UseCatalog, P::UseSchema, P::AllPrivileges, P::Select, P::Modify, P::CreateTable, P::Manage];
    prop_oneof![3 => proptest::sample::select(Privilege::ALL), 4 => proptest::sample::select(common.to_vec())]
}

/// A grant or denial, most often of something that is for that kind.
fn grants() -> impl Strategy<Value = Grant> {
    let where_and_what = (0..TREE.len(), privileges(), any::<prop::sample::Index>(), prop::bool::weighted(0.8));
    let parts = (where_and_what, somebody(), prop::bool::weighted(0.2));
    parts.prop_map(|((on, any, at, fitting), to, deny)| {
        let fits: Vec<Privilege> = Privilege::ALL.iter().copied().filter(|p| p.grantable_on(TREE[on].0)).collect();
        let privilege = if fitting && !any.grantable_on(TREE[on].0) { *at.get(&fits) } else { any };
        Grant { on, to, privilege, deny }
    })
}

/// USE CATALOG and USE SCHEMA for everybody.
fn open_doors() -> Vec<Grant> {
    let opened = |on, privilege| Grant { on, to: EVERYBODY, privilege, deny: false };
    let uses = [Privilege::UseCatalog, Privilege::UseSchema];
    [1, 2].iter().flat_map(|on| uses.map(|privilege| opened(*on, privilege))).collect()
}

pub(super) fn samples() -> impl Strategy<Value = Sample> {
    let edge = prop_oneof![
        4 => (0..USERS + BUSY_GROUPS, USERS..USERS + BUSY_GROUPS),
        1 => (0..EVERYBODY, USERS..EVERYBODY),
    ];
    let parts = (
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.6),
        prop::collection::vec(edge, 0..20),
        prop::collection::vec(somebody(), TREE.len()),
        prop::collection::vec(grants(), 0..60),
    );
    parts.prop_map(|(deep, open, mut members, mut owners, mut grants)| {
        if deep {
            // A chain through all the groups, from the first user on.
            members.push((0, USERS));
            members.extend((USERS..EVERYBODY - 1).map(|group| (group, group + 1)));
        }
        if open {
            grants.extend(open_doors());
        }
        for (on, (kind, parent)) in TREE.iter().enumerate() {
            if let (SecurableKind::Column, Some(relation)) = (kind, parent) {
                owners[on] = owners[*relation];
            }
        }
        Sample { members, owners, grants }
    })
}

/// A question, most often for something that its securable is there for.
pub(super) fn questions() -> impl Strategy<Value = Question> {
    let parts = (0..USERS, 0..TREE.len(), privileges(), any::<prop::sample::Index>(), 0..10);
    parts.prop_map(|(user, on, any, at, sort)| {
        let fits: Vec<Privilege> = Privilege::ALL.iter().copied().filter(|p| p.grantable_on(TREE[on].0)).collect();
        let privilege = if any.grantable_on(TREE[on].0) { any } else { *at.get(&fits) };
        let need = match sort {
            0 => Need::Privilege(any),
            1 => Need::Alone(privilege),
            2 => Need::Manage,
            3 | 4 => Need::See,
            _ => Need::Privilege(privilege),
        };
        Question { user, on, need }
    })
}

/// The securable and what it is in, up to the metastore.
pub(super) fn chain(on: usize) -> Vec<usize> {
    std::iter::successors(Some(on), |on| TREE[*on].1).collect()
}

impl Sample {
    /// A user and every group that it is in, and everybody.
    pub(super) fn groups_of(&self, user: usize) -> BTreeSet<usize> {
        let mut known = BTreeSet::from([user, EVERYBODY]);
        loop {
            let found = self.members.iter().filter(|(member, _)| known.contains(member)).map(|(_, group)| *group);
            let more: Vec<usize> = found.filter(|group| !known.contains(group)).collect();
            if more.is_empty() {
                return known;
            }
            known.extend(more);
        }
    }

    pub(super) fn owner(&self, on: usize) -> usize {
        self.owners[on]
    }

    pub(super) fn links(&self, on: usize) -> Vec<Link> {
        chain(on).into_iter().map(|link| self.link(link)).collect()
    }

    fn link(&self, on: usize) -> Link {
        let none: Arc<[GrantRow]> = [].into();
        let grants = self.grants.iter().filter(|grant| grant.on == on).fold(none, |rows, grant| {
            with_row(&rows, id(grant.to), |row| {
                let set = if grant.deny { &mut row.deny } else { &mut row.allow };
                *set = set.with(grant.privilege);
            })
        });
        Link { id: securable(on as u128), kind: TREE[on].0, owner: id(self.owners[on]), grants }
    }

    pub(super) fn records(&self) -> Records {
        let parent = |on: usize| TREE[on].1.map(|parent| securable(parent as u128));
        Records {
            members: self.members.iter().map(|(member, group)| (id(*member), id(*group))).collect(),
            securables: (0..TREE.len()).map(|on| (self.link(on), parent(on))).collect(),
        }
    }
}
