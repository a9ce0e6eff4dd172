//! The specification: one casbin enforcer over every row there is, with nothing pruned and nothing remembered.
//!
//! It costs about half a microsecond a row and decision, so no server runs it. Tests hold the [`Enforcer`](crate::Enforcer)
//! against it, and the benchmark measures how much the pruning saves.

use std::collections::{HashMap, HashSet};

use lakewarden_catalog::model::{PrincipalId, SecurableId, SecurableKind};
use lakewarden_catalog::{Ask, Closure, GateError, Link, Need};

use crate::error::ModelError;
use crate::judge::{Judge, Row};
use crate::model;
use crate::plan::plan;
use crate::roles::World;
use crate::words::Held;

/// Everything that decides: who is a direct member of which group, and each securable with its parent.
#[derive(Debug, Clone, Default)]
pub struct Records {
    /// Member and group.
    pub members: Vec<(PrincipalId, PrincipalId)>,
    /// Every securable, and what it is in.
    pub securables: Vec<(Link, Option<SecurableId>)>,
}

/// One casbin enforcer over all of the records.
pub struct Full {
    judge: Judge<Whole>,
    links: HashMap<SecurableId, (Link, Option<SecurableId>)>,
}

impl Full {
    /// Loads every record into casbin, under the embedded model.
    ///
    /// # Errors
    /// When the model cannot be used or a grant is recorded twice.
    pub fn new(records: &Records) -> Result<Self, ModelError> {
        let world = Whole::of(records);
        let mut judge = Judge::new(&model::read(model::EMBEDDED)?, world)?;
        let rows: Vec<Row> = records.securables.iter().flat_map(|(link, _)| rows_of(link)).collect();
        judge.set_rows(&rows).map_err(|error| ModelError(error.to_string()))?;
        let links = records.securables.iter().map(|record| (record.0.id, record.clone())).collect();
        Ok(Self { judge, links })
    }

    /// Decides a need of `caller` on `securable`.
    ///
    /// # Errors
    /// When there is no such securable, or casbin cannot decide.
    pub fn allows(&self, caller: PrincipalId, securable: SecurableId, need: Need) -> Result<bool, GateError> {
        let closure = Closure { principal: caller, members_of: [caller].into() };
        let chain = self.chain(securable);
        plan(&Ask { closure: &closure, chain: &chain, need })?.answer(|step| match chain.get(step.level) {
            Some(link) => Ok(self.judge.ask(caller, link.id, step.wanted)?.allowed),
            None => Ok(false),
        })
    }

    fn chain(&self, securable: SecurableId) -> Vec<Link> {
        let next = |record: &&(Link, Option<SecurableId>)| self.links.get(&record.1?);
        std::iter::successors(self.links.get(&securable), next).map(|(link, _)| link.clone()).collect()
    }
}

impl std::fmt::Debug for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Full").field("securables", &self.links.len()).finish_non_exhaustive()
    }
}

fn rows_of(link: &Link) -> Vec<Row> {
    let row = |principal, held, denied| Row { principal, securable: link.id, held, denied };
    let mut rows = vec![row(link.owner, Held::Own, false)];
    for grant in link.grants.iter() {
        rows.extend(grant.allow.iter().map(|held| row(grant.principal, Held::Privilege(held), false)));
        rows.extend(grant.deny.iter().map(|held| row(grant.principal, Held::Privilege(held), true)));
    }
    rows
}

/// The whole graph of memberships and the whole tree of securables.
struct Whole {
    groups_of: HashMap<PrincipalId, HashSet<PrincipalId>>,
    parents: HashMap<SecurableId, SecurableId>,
    metastores: HashSet<SecurableId>,
}

impl Whole {
    fn of(records: &Records) -> Self {
        let mut groups_of: HashMap<PrincipalId, HashSet<PrincipalId>> = HashMap::new();
        for (member, group) in &records.members {
            groups_of.entry(*member).or_default().insert(*group);
        }
        let securables = &records.securables;
        let is_metastore = |link: &Link| link.kind == SecurableKind::Metastore;
        Self {
            groups_of,
            parents: securables.iter().filter_map(|(link, parent)| Some((link.id, (*parent)?))).collect(),
            metastores: securables.iter().filter(|(link, _)| is_metastore(link)).map(|(link, _)| link.id).collect(),
        }
    }

    fn is_below(&self, object: SecurableId, above: SecurableId) -> bool {
        std::iter::successors(self.parents.get(&object), |parent| self.parents.get(parent)).any(|id| *id == above)
    }
}

impl World for Whole {
    fn is_member(&self, caller: PrincipalId, principal: PrincipalId) -> bool {
        if caller == principal || principal == PrincipalId::ACCOUNT_USERS {
            return true;
        }
        let (mut seen, mut open) = (HashSet::new(), vec![caller]);
        while let Some(member) = open.pop() {
            for group in self.groups_of.get(&member).into_iter().flatten() {
                if *group == principal {
                    return true;
                }
                if seen.insert(*group) {
                    open.push(*group);
                }
            }
        }
        false
    }

    fn is_within(&self, object: SecurableId, ancestor: SecurableId) -> bool {
        !self.metastores.contains(&ancestor) && self.is_below(object, ancestor)
    }

    fn is_below_metastore(&self, object: SecurableId, root: SecurableId) -> bool {
        self.metastores.contains(&root) && self.is_below(object, root)
    }
}
