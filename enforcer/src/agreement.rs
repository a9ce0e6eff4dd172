//! Random worlds: the enforcer, with and without its memo, agrees with casbin over every row and with the rules as they
//! read in a book.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use lakewarden_catalog::model::{PrincipalId, Privilege, SecurableKind};
use lakewarden_catalog::{Ask, Gate, Link, Need, Reason};
use proptest::prelude::*;

use crate::Enforcer;
use crate::fixture::{closure, principal, securable, with_row};
use crate::full::{Full, Records};

const USERS: usize = 6;
const GROUPS: usize = 20;
/// One past the groups: everybody.
const EVERYBODY: usize = USERS + GROUPS;

/// Kind and parent of each securable.
const TREE: [(SecurableKind, Option<usize>); 12] = [
    (SecurableKind::Metastore, None),
    (SecurableKind::Catalog, Some(0)),
    (SecurableKind::Catalog, Some(0)),
    (SecurableKind::Schema, Some(1)),
    (SecurableKind::Schema, Some(1)),
    (SecurableKind::Schema, Some(2)),
    (SecurableKind::Table, Some(3)),
    (SecurableKind::View, Some(3)),
    (SecurableKind::Function, Some(3)),
    (SecurableKind::Table, Some(4)),
    (SecurableKind::Table, Some(5)),
    (SecurableKind::Function, Some(5)),
];

#[derive(Debug, Clone, Copy)]
struct Grant {
    on: usize,
    to: usize,
    privilege: Privilege,
    deny: bool,
}

#[derive(Debug, Clone)]
struct Sample {
    members: Vec<(usize, usize)>,
    owners: Vec<usize>,
    grants: Vec<Grant>,
}

fn id(principal_index: usize) -> PrincipalId {
    if principal_index == EVERYBODY { PrincipalId::ACCOUNT_USERS } else { principal(principal_index as u128) }
}

fn privileges() -> impl Strategy<Value = Privilege> {
    prop_oneof![
        3 => proptest::sample::select(Privilege::ALL),
        2 => proptest::sample::select(&[Privilege::UseCatalog, Privilege::UseSchema, Privilege::AllPrivileges][..]),
        1 => Just(Privilege::Select),
    ]
}

fn samples() -> impl Strategy<Value = Sample> {
    let edge = (0..USERS + GROUPS, USERS..USERS + GROUPS);
    let grant = (0..TREE.len(), 0..=EVERYBODY, privileges(), prop::bool::weighted(0.15));
    let grant = grant.prop_map(|(on, to, privilege, deny)| Grant { on, to, privilege, deny });
    let parts = (
        any::<bool>(),
        prop::collection::vec(edge, 0..20),
        prop::collection::vec(0..USERS + GROUPS, TREE.len()),
        prop::collection::vec(grant, 0..50),
    );
    parts.prop_map(|(deep, mut members, owners, grants)| {
        if deep {
            // A chain through all the groups, from the first user on.
            members.push((0, USERS));
            members.extend((USERS..USERS + GROUPS - 1).map(|group| (group, group + 1)));
        }
        Sample { members, owners, grants }
    })
}

fn needs() -> impl Strategy<Value = Need> {
    prop_oneof![
        4 => privileges().prop_map(Need::Privilege),
        1 => privileges().prop_map(Need::Alone),
        1 => Just(Need::Manage),
        2 => Just(Need::See),
    ]
}

impl Sample {
    fn groups_of(&self, user: usize) -> BTreeSet<usize> {
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

    fn link(&self, on: usize) -> Link {
        let grants = self.grants.iter().filter(|grant| grant.on == on).fold([].into(), |rows, grant| {
            with_row(&rows as &std::sync::Arc<[_]>, id(grant.to), |row| {
                let set = if grant.deny { &mut row.deny } else { &mut row.allow };
                *set = set.with(grant.privilege);
            })
        });
        Link { id: securable(on as u128), kind: TREE[on].0, owner: id(self.owners[on]), grants }
    }

    fn records(&self) -> Records {
        let parent = |on: usize| TREE[on].1.map(|parent| securable(parent as u128));
        Records {
            members: self.members.iter().map(|(member, group)| (id(*member), id(*group))).collect(),
            securables: (0..TREE.len()).map(|on| (self.link(on), parent(on))).collect(),
        }
    }
}

fn chain(on: usize) -> Vec<usize> {
    std::iter::successors(Some(on), |on| TREE[*on].1).collect()
}

/// The rules, as a reader of the documentation would apply them by hand.
struct Rules<'a> {
    sample: &'a Sample,
    groups: BTreeSet<usize>,
}

impl Rules<'_> {
    fn owns(&self, on: usize) -> bool {
        self.groups.contains(&self.sample.owners[on])
    }

    fn owns_it_or_above(&self, on: usize) -> bool {
        chain(on).into_iter().any(|link| self.owns(link))
    }

    /// Grants (or denials) to the caller that bear on `on`: there or above, but the metastore's only on itself.
    fn rows(&self, on: usize, deny: bool) -> impl Iterator<Item = Privilege> {
        let links: Vec<usize> = chain(on).into_iter().filter(|link| *link == on || *link != 0).collect();
        let mine = move |grant: &&Grant| grant.deny == deny && links.contains(&grant.on);
        self.sample.grants.iter().filter(mine).filter(|grant| self.groups.contains(&grant.to)).map(|g| g.privilege)
    }

    fn holds(&self, privilege: Privilege, on: usize) -> bool {
        let stands_for = |row: Privilege| {
            row == privilege
                || (row == Privilege::AllPrivileges
                    && privilege != Privilege::Manage
                    && privilege != Privilege::AllPrivileges)
        };
        let parent_owner_may = matches!(privilege, Privilege::Manage | Privilege::Browse);
        let given =
            self.owns(on) || (parent_owner_may && self.owns_it_or_above(on)) || self.rows(on, false).any(stands_for);
        given && !self.rows(on, true).any(stands_for)
    }

    fn manages(&self, on: usize) -> bool {
        self.owns_it_or_above(on) || self.holds(Privilege::Manage, on)
    }

    fn sees(&self, on: usize) -> bool {
        let kind = TREE[on].0;
        let shows =
            |row: Privilege| row.grantable_on(kind) || (row == Privilege::Browse && kind != SecurableKind::Metastore);
        let hides = |row: Privilege| row == Privilege::Browse || row == Privilege::AllPrivileges;
        self.manages(on) || (self.rows(on, false).any(shows) && !self.rows(on, true).any(hides))
    }

    fn may(&self, privilege: Privilege, on: usize) -> bool {
        let kind = TREE[on].0;
        if privilege == Privilege::Browse {
            return kind != SecurableKind::Metastore && self.holds(privilege, on);
        }
        let way_down = chain(on).into_iter().all(|link| match TREE[link].0 {
            SecurableKind::Catalog => self.holds(Privilege::UseCatalog, link),
            SecurableKind::Schema => privilege == Privilege::UseSchema || self.holds(Privilege::UseSchema, link),
            _ => true,
        });
        privilege.grantable_on(kind) && way_down && self.holds(privilege, on)
    }

    fn allows(&self, need: Need, on: usize) -> bool {
        match need {
            Need::Manage | Need::Privilege(Privilege::Manage) | Need::Alone(Privilege::Manage) => self.manages(on),
            Need::Alone(privilege) => privilege.reaches(TREE[on].0) && self.holds(privilege, on),
            Need::See => self.sees(on),
            Need::Privilege(privilege) => self.may(privilege, on),
        }
    }

    /// Whether a reason says what is the case.
    fn is_true(&self, reason: &Reason) -> bool {
        let row = |principal: PrincipalId, privilege, on, deny| {
            self.groups.iter().any(|to| {
                let same = |grant: &Grant| grant.to == *to && grant.privilege == privilege && grant.deny == deny;
                id(*to) == principal && self.sample.grants.iter().any(|g| same(g) && securable(g.on as u128) == on)
            })
        };
        match *reason {
            Reason::Grant { principal, privilege, securable } => row(principal, privilege, securable, false),
            Reason::Deny { principal, privilege, securable } => row(principal, privilege, securable, true),
            Reason::Owner { principal, securable: owned } => (0..TREE.len())
                .any(|on| securable(on as u128) == owned && id(self.sample.owners[on]) == principal && self.owns(on)),
            Reason::Missing { .. } => true,
        }
    }
}

/// One for all worlds, so that a verdict remembered from one world would show in the next if it were wrong there.
static ENFORCER: LazyLock<Enforcer> = LazyLock::new(|| Enforcer::new().unwrap());

proptest! {
    #[test]
    fn pruned_remembered_whole_and_written_rules_agree(
        sample in samples(),
        questions in prop::collection::vec((0..USERS, 0..TREE.len(), needs()), 16),
    ) {
        let full = Full::new(&sample.records()).unwrap();
        for (user, on, need) in questions {
            let rules = Rules { sample: &sample, groups: sample.groups_of(user) };
            let groups: Vec<PrincipalId> = rules.groups.iter().copied().map(id).collect();
            let closure = closure(id(user), &groups);
            let links: Vec<Link> = chain(on).into_iter().map(|link| sample.link(link)).collect();
            let ask = Ask { closure: &closure, chain: &links, need };
            let expected = rules.allows(need, on);
            let decision = ENFORCER.decide(&ask).unwrap();
            prop_assert_eq!(decision.allowed, expected, "decide, {:?} on {} by {}", need, on, user);
            prop_assert_eq!(ENFORCER.allows(&ask), expected, "allows, {:?} on {} by {}", need, on, user);
            let whole = full.allows(id(user), securable(on as u128), need).unwrap();
            prop_assert_eq!(whole, expected, "all rows, {:?} on {} by {}", need, on, user);
            prop_assert!(!decision.reasons.is_empty());
            prop_assert!(decision.reasons.iter().all(|reason| rules.is_true(reason)), "{:?}", decision.reasons);
        }
    }
}
