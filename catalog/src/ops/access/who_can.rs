//! `who-can`: the principals that may do something.

use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;

use super::inquiry::{Inquiry, demands};
use super::telling::Telling;
use super::{Holder, Question};
use crate::gate::{Closure, Link, Need};
use crate::model::{Principal, PrincipalId, Privilege};
use crate::ops::page::{Listing, Page};
use crate::pinned::Pinned;
use crate::state::State;
use crate::{Caller, CatalogError, metastore::Metastore};

impl Metastore {
    /// Lists the principals that may do something, in the order of their names. `question.principal` is not looked at.
    ///
    /// # Errors
    /// As `explain_access`; asking needs the right to manage the securable.
    pub fn who_can(&self, caller: &Caller, question: &Question, page: &Page) -> Result<Listing<Holder>, CatalogError> {
        self.read(caller, "access.who_can", &question.name.to_string(), |pinned| {
            let inquiry = Inquiry::of(self, pinned, question)?;
            inquiry.vantage.require_to_ask_about_all(&inquiry.securable)?;
            holders(&inquiry, question.privilege, page)
        })
    }
}

fn holders(inquiry: &Inquiry, privilege: Privilege, page: &Page) -> Result<Listing<Holder>, CatalogError> {
    let (then, chain) = (inquiry.vantage.then(), inquiry.chain());
    let candidates = Candidates::of(then, privilege, &chain);
    let may = |principal: &&Arc<Principal>| {
        candidates.contain(principal.id)
            && then.allows_to(&then.state().closure(principal.id), &chain, Need::Privilege(privilege))
    };
    let found = after(then.state(), page.after.as_deref()).filter(may);
    let Listing { items, next } = page.take(found, |principal| principal.name.folded().to_string());
    let holder = |principal: &Arc<Principal>| {
        let decision = then.as_principal(principal.id).decide(&chain, Need::Alone(privilege))?;
        let because = Telling { inquiry, subject: principal.id }.because(&decision.reasons, inquiry.column);
        Ok(Holder { principal: principal.name.to_string(), kind: principal.kind, because })
    };
    Ok(Listing { items: items.into_iter().map(holder).collect::<Result<_, CatalogError>>()?, next })
}

/// All principals in the order of their folded names, those after a name only.
fn after<'a>(state: &'a State, name: Option<&str>) -> impl Iterator<Item = &'a Arc<Principal>> + use<'a> {
    let from = name.map_or(Bound::Unbounded, |name| Bound::Excluded(Arc::<str>::from(name)));
    state.principal_names.range((from, Bound::Unbounded)).filter_map(|(_, id)| state.principals.get(id))
}

/// The principals that can come into question, so that not every principal has to be asked about: for each thing that must
/// hold, some row or ownership must give it to them or to a group that they are in.
struct Candidates(Vec<HashSet<PrincipalId>>);

impl Candidates {
    fn of(then: &Pinned, privilege: Privilege, chain: &[Link]) -> Self {
        let each = demands(privilege, chain).filter_map(|demand| {
            let links = chain.get(demand.level..).unwrap_or_default();
            // Who is given it by its own rows gives it to its members. One that is denied it by its own rows gives nothing,
            // as its members are denied it too.
            let gives = |id: &PrincipalId| {
                let alone = Closure { principal: *id, members_of: [*id].into() };
                then.allows_to(&alone, links, Need::Alone(demand.privilege))
            };
            let givers: Vec<PrincipalId> = named_on(links).into_iter().filter(gives).collect();
            let everybody = givers.contains(&PrincipalId::ACCOUNT_USERS);
            (!everybody).then(|| with_members(then.state(), givers))
        });
        Self(each.collect())
    }

    fn contain(&self, id: PrincipalId) -> bool {
        self.0.iter().all(|each| each.contains(&id))
    }
}

/// Who owns something of the chain or has a row on it.
fn named_on(links: &[Link]) -> HashSet<PrincipalId> {
    let rows = links.iter().flat_map(|link| link.grants.iter().map(|row| row.principal));
    links.iter().map(|link| link.owner).chain(rows).collect()
}

/// The principals and everybody in them, directly or not.
fn with_members(state: &State, principals: Vec<PrincipalId>) -> HashSet<PrincipalId> {
    let mut found: HashSet<PrincipalId> = principals.iter().copied().collect();
    let mut next = principals;
    while let Some(group) = next.pop() {
        let members = state.members.get(&group).into_iter().flatten();
        next.extend(members.filter(|member| found.insert(**member)));
    }
    found
}
