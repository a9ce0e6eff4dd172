//! A small world for tests: one object with its schema, catalog and metastore, each with an owner, and a column of it.

use std::sync::Arc;

use lakewarden_catalog::model::{GrantRow, PrincipalId, Privilege, PrivilegeSet, SecurableId, SecurableKind};
use lakewarden_catalog::{Ask, Closure, Decision, Gate, Link, Need};
use uuid::Uuid;

use crate::Enforcer;

pub(crate) fn principal(number: u128) -> PrincipalId {
    PrincipalId(Uuid::from_u128(1000 + number))
}

pub(crate) fn securable(number: u128) -> SecurableId {
    SecurableId(Uuid::from_u128(2000 + number))
}

/// A column of the object; the object's owner owns it.
pub(crate) const COLUMN: usize = 4;
pub(crate) const METASTORE: usize = 3;
pub(crate) const CATALOG: usize = 2;
pub(crate) const SCHEMA: usize = 1;
pub(crate) const OBJECT: usize = 0;

/// The owners of the links, by level.
pub(crate) fn owner_of(level: usize) -> PrincipalId {
    principal(level as u128)
}

/// Nobody in particular.
pub(crate) fn bob() -> PrincipalId {
    principal(10)
}

/// The group that bob is in.
pub(crate) fn analysts() -> PrincipalId {
    principal(11)
}

/// A principal with its groups; everybody is in `account users`.
pub(crate) fn closure(caller: PrincipalId, groups: &[PrincipalId]) -> Closure {
    let mut members_of = vec![caller, PrincipalId::ACCOUNT_USERS];
    members_of.extend(groups);
    members_of.sort();
    members_of.dedup();
    Closure { principal: caller, members_of: members_of.into() }
}

/// A chain from an object, or from a column of it or a container.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    pub(crate) links: Vec<Link>,
    pub(crate) column: Link,
    from: usize,
}

impl Chain {
    /// A chain from a securable of this kind; when it is no object of a schema, from what is above or beside a table.
    pub(crate) fn to(kind: SecurableKind) -> Self {
        use SecurableKind as K;
        let object = match kind {
            K::Metastore | K::Catalog | K::Schema | K::Column => K::Table,
            _ => kind,
        };
        let link = |level: usize, owner: usize, kind| Link {
            id: securable(level as u128),
            kind,
            owner: owner_of(owner),
            grants: [].into(),
        };
        let kinds = [object, K::Schema, K::Catalog, K::Metastore];
        let mut links: Vec<Link> = kinds.iter().enumerate().map(|(level, kind)| link(level, level, *kind)).collect();
        if kind.name_parts() == 1 && kind != K::Catalog {
            links.drain(SCHEMA..METASTORE);
        }
        let from = if kind == K::Column { COLUMN } else { kinds.iter().position(|found| *found == kind).unwrap() };
        Self { links, column: link(COLUMN, OBJECT, K::Column), from }
    }

    pub(crate) fn table() -> Self {
        Self::to(SecurableKind::Table)
    }

    /// The same world, asked about another link.
    pub(crate) fn at(&self, level: usize) -> Self {
        Self { from: level, ..self.clone() }
    }

    pub(crate) fn grant(self, level: usize, to: PrincipalId, privilege: Privilege) -> Self {
        self.row(level, to, |row| row.allow = row.allow.with(privilege))
    }

    pub(crate) fn deny(self, level: usize, to: PrincipalId, privilege: Privilege) -> Self {
        self.row(level, to, |row| row.deny = row.deny.with(privilege))
    }

    pub(crate) fn row(mut self, level: usize, to: PrincipalId, change: impl FnOnce(&mut GrantRow)) -> Self {
        let link = if level == COLUMN { &mut self.column } else { &mut self.links[level] };
        link.grants = with_row(&link.grants, to, change);
        self
    }

    /// USE CATALOG and USE SCHEMA for everybody.
    pub(crate) fn open(self) -> Self {
        let everybody = PrincipalId::ACCOUNT_USERS;
        self.grant(CATALOG, everybody, Privilege::UseCatalog).grant(CATALOG, everybody, Privilege::UseSchema)
    }

    /// The level of what is asked about.
    pub(crate) fn level(&self) -> usize {
        self.from
    }

    pub(crate) fn links(&self) -> Vec<Link> {
        match self.from {
            COLUMN => std::iter::once(&self.column).chain(&self.links).cloned().collect(),
            from => self.links[from..].to_vec(),
        }
    }

    /// Decides with reasons, and sees to it that the answer without reasons is the same.
    pub(crate) fn decide(&self, enforcer: &Enforcer, closure: &Closure, need: Need) -> Decision {
        let ask = Ask { closure, chain: &self.links(), need };
        let decision = enforcer.decide(&ask).unwrap();
        assert_eq!(enforcer.allows(&ask), decision.allowed);
        assert_eq!(enforcer.allows(&ask), decision.allowed, "the memo answers otherwise");
        assert!(!decision.reasons.is_empty(), "a decision has reasons");
        decision
    }

    /// Whether bob, a member of the analysts, is allowed.
    pub(crate) fn bob_may(&self, need: Need) -> bool {
        self.may(&closure(bob(), &[analysts()]), need)
    }

    pub(crate) fn may(&self, closure: &Closure, need: Need) -> bool {
        self.decide(&Enforcer::new().unwrap(), closure, need).allowed
    }

    /// Whether the owner of a link is allowed, who is in no group.
    pub(crate) fn owner_may(&self, level: usize, need: Need) -> bool {
        self.may(&closure(owner_of(level), &[]), need)
    }
}

/// Grant rows with the row of one principal changed, in the order that a `Link` asks for.
pub(crate) fn with_row(rows: &[GrantRow], to: PrincipalId, change: impl FnOnce(&mut GrantRow)) -> Arc<[GrantRow]> {
    let mut rows = rows.to_vec();
    let at = rows.binary_search_by(|row| row.principal.cmp(&to)).unwrap_or_else(|at| {
        rows.insert(at, GrantRow { principal: to, allow: PrivilegeSet::EMPTY, deny: PrivilegeSet::EMPTY });
        at
    });
    change(&mut rows[at]);
    rows.into()
}
