//! The rows of a question that can matter to this caller, as masks (to know the shape) and as rows (to decide).

use lakewarden_catalog::model::{GrantRow, PrincipalId, SecurableId, SecurableKind};
use lakewarden_catalog::{Ask, Closure, GateError, Link};

use crate::judge::Row;
use crate::memo::Signature;
use crate::plan::{LONGEST, Step};
use crate::roles::World;
use crate::words::{Held, OWN_BIT, Relevance, Relevant};

/// Bit of metastore ownership in an inherited mask; no privilege and not `OWN_BIT`.
const ADMIN_BIT: u64 = 1 << 62;

/// What the caller holds and is denied on each link, through all its groups together.
#[derive(Debug, Default)]
pub(crate) struct Holdings([Holding; LONGEST]);

#[derive(Debug, Default, Clone, Copy)]
struct Holding {
    kind: Option<SecurableKind>,
    allow: u64,
    deny: u64,
}

impl Holdings {
    /// Collects them in one walk over the rows that the caller and the chain share.
    ///
    /// # Errors
    /// When a row holds a privilege that this build does not know: it might be a denial.
    pub(crate) fn collect(ask: &Ask<'_>, relevance: &Relevance) -> Result<Self, GateError> {
        let mut holdings = Self::default();
        for (holding, link) in holdings.0.iter_mut().zip(ask.chain) {
            holding.kind = Some(link.kind);
            if ask.closure.contains(link.owner) {
                holding.allow = OWN_BIT;
            }
            let mut bits = 0;
            each_row(ask.closure, link, |row| {
                holding.allow |= row.allow.0 & !OWN_BIT;
                holding.deny |= row.deny.0;
                bits |= row.allow.0 | row.deny.0;
            });
            if !relevance.knows(bits) {
                return Err(GateError("a grant holds a privilege that this version does not know".to_owned()));
            }
        }
        Ok(holdings)
    }

    /// The shape of a question. INVARIANT: two questions with equal signatures give casbin rows that differ in ids only.
    pub(crate) fn signature(&self, step: Step, relevant: Relevant) -> Signature {
        let mut signature = Signature { wanted: step.wanted.index(), ..Signature::default() };
        let mut links = self.0.iter().skip(step.level);
        if let Some(object) = links.next() {
            signature.allow = object.allow & relevant.allow;
            signature.deny = object.deny & relevant.deny;
        }
        for ancestor in links {
            if ancestor.kind == Some(SecurableKind::Metastore) {
                let admin = ancestor.allow & relevant.allow & OWN_BIT != 0;
                signature.inherited_allow |= if admin { ADMIN_BIT } else { 0 };
            } else {
                signature.inherited_allow |= ancestor.allow & relevant.allow;
                signature.inherited_deny |= ancestor.deny & relevant.deny;
            }
        }
        signature
    }
}

/// The rows of a step. With `merge`, one row stands for all principals that hold the same on the same link.
pub(crate) fn rows(ask: &Ask<'_>, step: Step, relevant: Relevant, merge: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for (level, link) in ask.chain.iter().enumerate().skip(step.level) {
        let row = |principal, held, denied| Row { principal, securable: link.id, held, denied };
        if relevant.allow & OWN_BIT != 0 && ask.closure.contains(link.owner) {
            rows.push(row(link.owner, Held::Own, false));
        }
        if level > step.level && link.kind == SecurableKind::Metastore {
            // Of the metastore, only its ownership bears on what is below.
            continue;
        }
        let mut left = relevant;
        each_row(ask.closure, link, |grant| {
            let (allow, deny) = (grant.allow.0 & left.allow, grant.deny.0 & left.deny);
            rows.extend(held(allow).map(|held| row(grant.principal, held, false)));
            rows.extend(held(deny).map(|held| row(grant.principal, held, true)));
            if merge {
                left = Relevant { allow: left.allow & !allow, deny: left.deny & !deny };
            }
        });
    }
    rows
}

/// The chain and closure of one ask, for the role manager.
#[derive(Debug)]
pub(crate) struct ChainWorld {
    closure: Closure,
    chain: Vec<(SecurableId, SecurableKind)>,
}

impl ChainWorld {
    pub(crate) fn of(ask: &Ask<'_>) -> Self {
        Self { closure: ask.closure.clone(), chain: ask.chain.iter().map(|link| (link.id, link.kind)).collect() }
    }

    /// Where nobody is a member of anything and nothing is below anything.
    pub(crate) fn empty() -> Self {
        let nobody = PrincipalId::SYSTEM;
        Self { closure: Closure { principal: nobody, members_of: [].into() }, chain: Vec::new() }
    }

    fn is_below(&self, object: SecurableId, above: SecurableId, metastore: bool) -> bool {
        let place = |id| self.chain.iter().position(|(link, _)| *link == id);
        let (Some(low), Some(high)) = (place(object), place(above)) else { return false };
        let is_metastore = self.chain.get(high).is_some_and(|(_, kind)| *kind == SecurableKind::Metastore);
        low < high && is_metastore == metastore
    }
}

impl World for ChainWorld {
    fn is_member(&self, caller: PrincipalId, principal: PrincipalId) -> bool {
        caller == self.closure.principal && self.closure.contains(principal)
    }

    fn is_within(&self, object: SecurableId, ancestor: SecurableId) -> bool {
        self.is_below(object, ancestor, false)
    }

    fn is_below_metastore(&self, object: SecurableId, root: SecurableId) -> bool {
        self.is_below(object, root, true)
    }
}

/// Visits the rows of a link that are for the caller. Both lists are sorted: the longer one is searched for each of the
/// shorter, so that neither ten thousand grants on a table nor a thousand groups of a caller are read through.
fn each_row(closure: &Closure, link: &Link, mut visit: impl FnMut(&GrantRow)) {
    let (members, grants) = (&closure.members_of, &link.grants);
    debug_assert!(grants.is_sorted_by(|a, b| a.principal < b.principal), "grant rows are sorted, one a principal");
    if members.len() < grants.len() {
        for member in members.iter() {
            if let Ok(at) = grants.binary_search_by(|row| row.principal.cmp(member))
                && let Some(row) = grants.get(at)
            {
                visit(row);
            }
        }
    } else {
        grants.iter().filter(|row| closure.contains(row.principal)).for_each(visit);
    }
}

/// The privileges of a grant row; ownership is not one, whatever its bits say.
fn held(bits: u64) -> impl Iterator<Item = Held> {
    Held::all().filter(move |held| *held != Held::Own && bits & held.bit() != 0)
}
