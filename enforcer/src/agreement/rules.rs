//! The rules of access, as a reader of the documentation would apply them by hand. Nothing here is the enforcer's.

use std::collections::BTreeSet;

use lakewarden_catalog::model::{PrincipalId, Privilege, SecurableKind};
use lakewarden_catalog::{Need, Reason};

use super::sample::{Grant, Sample, TREE, chain, id};
use crate::fixture::securable;

/// What one caller may do in one world.
pub(super) struct Rules<'a> {
    pub(super) sample: &'a Sample,
    pub(super) groups: BTreeSet<usize>,
}

impl Rules<'_> {
    fn owns(&self, on: usize) -> bool {
        self.groups.contains(&self.sample.owner(on))
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
        use Privilege as P;
        let stands_for = |row: P| match row {
            P::AllPrivileges => !matches!(privilege, P::Manage | P::ExternalUseSchema),
            P::CreateTable => matches!(privilege, P::CreateTable | P::CreateView),
            other => other == privilege,
        };
        let parent_owner_may = matches!(privilege, P::Manage | P::Browse);
        let given =
            self.owns(on) || (parent_owner_may && self.owns_it_or_above(on)) || self.rows(on, false).any(stands_for);
        given && !self.rows(on, true).any(stands_for)
    }

    fn manages(&self, on: usize) -> bool {
        self.owns_it_or_above(on) || self.holds(Privilege::Manage, on)
    }

    fn sees(&self, on: usize) -> bool {
        let kind = TREE[on].0;
        let shows = |row: Privilege| match row {
            Privilege::AllPrivileges => true,
            Privilege::Browse => kind != SecurableKind::Metastore,
            row => row.grantable_on(kind),
        };
        let hides = |row: Privilege| row == Privilege::Browse || row == Privilege::AllPrivileges;
        self.manages(on) || (self.rows(on, false).any(shows) && !self.rows(on, true).any(hides))
    }

    /// Whether the privilege means anything on it.
    fn means_something(privilege: Privilege, on: usize) -> bool {
        let kind = TREE[on].0;
        privilege.grantable_on(kind) || (privilege == Privilege::Browse && kind != SecurableKind::Metastore)
    }

    fn may(&self, privilege: Privilege, on: usize) -> bool {
        let way_down = chain(on).into_iter().all(|link| match (TREE[link].0, privilege) {
            (_, Privilege::Browse) => true,
            (SecurableKind::Catalog, _) => self.holds(Privilege::UseCatalog, link),
            (SecurableKind::Schema, Privilege::UseSchema) => true,
            (SecurableKind::Schema, _) => self.holds(Privilege::UseSchema, link),
            _ => true,
        });
        Self::means_something(privilege, on) && way_down && self.holds(privilege, on)
    }

    pub(super) fn allows(&self, need: Need, on: usize) -> bool {
        match need {
            Need::Manage | Need::Privilege(Privilege::Manage) | Need::Alone(Privilege::Manage) => self.manages(on),
            Need::Alone(privilege) => Self::means_something(privilege, on) && self.holds(privilege, on),
            Need::See => self.sees(on),
            Need::Privilege(privilege) => self.may(privilege, on),
        }
    }

    /// Whether a reason says what is the case.
    pub(super) fn is_true(&self, reason: &Reason) -> bool {
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
                .any(|on| securable(on as u128) == owned && id(self.sample.owner(on)) == principal && self.owns(on)),
            Reason::Missing { .. } => true,
        }
    }
}
