//! The rows of a question that can matter to this caller, as masks (to know the shape) and as rows (to decide).

use lakewarden_catalog::model::{GrantRow, PrincipalId, SecurableKind};
use lakewarden_catalog::{Ask, Closure, GateError, Link};

use crate::judge::Row;
use crate::memo::Signature;
use crate::plan::{LONGEST, Step};
use crate::roles::{Object, Subject, World};
use crate::words::{GOVERN_BIT, Held, OWN_BIT, Place, Relevance, Relevant};

/// The caller and its groups, numbered by their order in the closure.
///
/// Most rows of a chain are for others. A filter of one bit in a thousand for each group tells nearly all of them by one
/// look, without a search through the groups.
pub(crate) struct Groups<'a> {
    members: &'a [PrincipalId],
    filter: [u64; FILTER_WORDS],
}

const FILTER_WORDS: usize = 16;

impl<'a> Groups<'a> {
    /// # Errors
    /// When the groups are not sorted, or lack the caller.
    pub(crate) fn of(closure: &'a Closure) -> Result<Self, GateError> {
        let mut groups = Self { members: &closure.members_of, filter: [0; FILTER_WORDS] };
        let (mut sorted, mut before) = (true, None);
        for member in closure.members_of.iter() {
            let key = member.0.as_u128();
            sorted &= before < Some(key);
            before = Some(key);
            let (word, bit) = place_in_filter(*member);
            if let Some(word) = groups.filter.get_mut(word) {
                *word |= bit;
            }
        }
        if sorted && groups.number(closure.principal).is_some() {
            Ok(groups)
        } else {
            Err(GateError(
                "the question is malformed: the caller's groups are not sorted or lack the caller".to_owned(),
            ))
        }
    }

    /// The number of a principal, if it is the caller or one of its groups.
    fn number(&self, principal: PrincipalId) -> Option<u32> {
        let (word, bit) = place_in_filter(principal);
        if self.filter.get(word).is_none_or(|word| word & bit == 0) {
            return None;
        }
        let found = self.members.binary_search_by_key(&principal.0.as_u128(), |member| member.0.as_u128());
        found.ok().and_then(|at| u32::try_from(at).ok())
    }

    /// Visits the rows of a link that are for the caller or its groups, with the number of whom they are for. Where there
    /// are many more rows than groups, the groups are searched for among the rows.
    fn each_row(&self, link: &Link, mut visit: impl FnMut(u32, &GrantRow)) {
        debug_assert!(
            link.grants.is_sorted_by(|a, b| a.principal < b.principal),
            "grant rows are sorted, one a principal"
        );
        if link.grants.len() / 16 <= self.members.len() {
            for row in link.grants.iter() {
                if let Some(number) = self.number(row.principal) {
                    visit(number, row);
                }
            }
            return;
        }
        for (number, member) in (0..).zip(self.members) {
            let found = link.grants.binary_search_by_key(&member.0.as_u128(), |row| row.principal.0.as_u128());
            if let Some(row) = found.ok().and_then(|at| link.grants.get(at)) {
                visit(number, row);
            }
        }
    }
}

/// The word and bit of a principal in the filter. Ids are random in their last bytes.
fn place_in_filter(id: PrincipalId) -> (usize, u64) {
    let [.., before, last] = *id.0.as_bytes();
    (usize::from(last >> 4), 1 << (u32::from(last & 15) << 2 | u32::from(before >> 6)))
}

/// What the caller holds and is denied on each link, through all its groups together.
#[derive(Debug, Default)]
pub(crate) struct Holdings([Holding; LONGEST]);

#[derive(Debug, Default, Clone, Copy)]
struct Holding {
    metastore: bool,
    allow: u64,
    deny: u64,
}

impl Holdings {
    /// Collects them in one walk over the rows of the chain.
    ///
    /// # Errors
    /// When a row holds a privilege that this build does not know: it might be a denial.
    pub(crate) fn collect(ask: &Ask<'_>, groups: &Groups<'_>, relevance: &Relevance) -> Result<Self, GateError> {
        let mut holdings = Self::default();
        let mut bits = 0;
        for (holding, link) in holdings.0.iter_mut().zip(ask.chain) {
            holding.metastore = link.kind == SecurableKind::Metastore;
            groups.each_row(link, |_, row| {
                holding.allow |= row.allow.0;
                holding.deny |= row.deny.0;
            });
            bits |= holding.allow | holding.deny;
            if groups.number(link.owner).is_some() {
                holding.allow |= OWN_BIT | GOVERN_BIT;
            }
        }
        if relevance.knows(bits) {
            Ok(holdings)
        } else {
            Err(GateError("a grant holds a privilege that this version does not know".to_owned()))
        }
    }

    /// The shape of a question. INVARIANT: two questions with equal signatures give casbin rows that differ only in whom
    /// and in which of the securables above they are for.
    pub(crate) fn signature(&self, step: Step, relevant: Relevant) -> Signature {
        let mut signature = Signature { wanted: step.wanted.index(), ..Signature::default() };
        let mut links = self.0.iter().skip(step.level);
        if let Some(object) = links.next() {
            signature.allow = object.allow & relevant.allow;
            signature.deny = object.deny & relevant.deny;
        }
        for above in links {
            let counts = if above.metastore { GOVERN_BIT } else { !OWN_BIT };
            signature.inherited_allow |= above.allow & relevant.allow & counts;
            signature.inherited_deny |= above.deny & relevant.deny & counts;
        }
        signature
    }
}

/// The rows of a step. With `merge`, one row stands for all that hold the same on the object, and one for all above it.
pub(crate) fn rows(ask: &Ask<'_>, groups: &Groups<'_>, step: Step, relevant: Relevant, merge: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut left = relevant;
    for (level, link) in (0..).zip(ask.chain).skip(step.level) {
        let above = level as usize > step.level;
        if above && level as usize == step.level + 1 {
            left = relevant;
        }
        let row =
            |principal, held, denied| Row { principal: Subject(principal), securable: Object(level), held, denied };
        if let Some(owner) = groups.number(link.owner) {
            let owned = left.allow & if above { GOVERN_BIT } else { OWN_BIT | GOVERN_BIT };
            rows.extend(held(owned).map(|held| row(owner, held, false)));
            if merge {
                left.allow &= !owned;
            }
        }
        if above && link.kind == SecurableKind::Metastore {
            // Of the metastore, only its ownership bears on what is below.
            continue;
        }
        groups.each_row(link, |number, grant| {
            let (allow, deny) = (grant.allow.0 & left.allow & !(OWN_BIT | GOVERN_BIT), grant.deny.0 & left.deny);
            rows.extend(held(allow).map(|held| row(number, held, false)));
            rows.extend(held(deny).map(|held| row(number, held, true)));
            if merge {
                left = Relevant { allow: left.allow & !allow, deny: left.deny & !deny };
            }
        });
    }
    rows
}

/// The chain and groups of one ask, for the role manager: principals are numbered as in the closure, securables by level.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChainWorld {
    caller: Option<Subject>,
    members: usize,
    links: usize,
    metastore: usize,
}

impl ChainWorld {
    pub(crate) fn of(ask: &Ask<'_>, groups: &Groups<'_>) -> Self {
        let metastore = ask.chain.iter().position(|link| link.kind == SecurableKind::Metastore);
        Self {
            caller: groups.number(ask.closure.principal).map(Subject),
            members: groups.members.len(),
            links: ask.chain.len(),
            metastore: metastore.unwrap_or(ask.chain.len()),
        }
    }

    /// Where nobody is a member of anything and nothing is below anything.
    pub(crate) fn empty() -> Self {
        Self { caller: None, members: 0, links: 0, metastore: 0 }
    }

    /// The one who asks.
    pub(crate) fn caller(&self) -> Option<Subject> {
        self.caller
    }
}

impl World for ChainWorld {
    fn is_member(&self, caller: Subject, principal: Subject) -> bool {
        self.caller == Some(caller) && (principal.0 as usize) < self.members
    }

    fn place(&self, object: Object, place: Object) -> Place {
        let (object, place) = (object.0 as usize, place.0 as usize);
        match place {
            _ if object >= self.links || place >= self.links || place < object => Place::Elsewhere,
            _ if place == object => Place::Itself,
            _ if place == self.metastore => Place::Metastore,
            _ => Place::Above,
        }
    }
}

/// What the bits of a mask stand for.
fn held(bits: u64) -> impl Iterator<Item = Held> {
    let next = |left: &u64| Some(left & left.wrapping_sub(1)).filter(|left| *left != 0);
    std::iter::successors(Some(bits).filter(|bits| *bits != 0), next)
        .filter_map(|left| Held::of_bit(left.trailing_zeros()))
}
