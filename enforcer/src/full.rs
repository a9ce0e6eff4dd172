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
use crate::roles::{Object, Subject, World};
use crate::words::{Held, Place};

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
    numbers: Numbers,
    links: HashMap<SecurableId, (Link, Option<SecurableId>)>,
}

impl Full {
    /// Loads every record into casbin, under the embedded model.
    ///
    /// # Errors
    /// When the model cannot be used or a grant is recorded twice.
    pub fn new(records: &Records) -> Result<Self, ModelError> {
        let mut numbers = Numbers::default();
        let world = Whole::of(records, &mut numbers);
        let mut judge = Judge::new(&model::read(model::EMBEDDED)?, world)?;
        let rows: Vec<Row> = records.securables.iter().flat_map(|(link, _)| rows_of(link, &mut numbers)).collect();
        judge.set_rows(&rows).map_err(|error| ModelError(error.to_string()))?;
        let links = records.securables.iter().map(|record| (record.0.id, record.clone())).collect();
        Ok(Self { judge, numbers, links })
    }

    /// Decides a need of `caller` on `securable`.
    ///
    /// # Errors
    /// When there is no such securable, or casbin cannot decide.
    pub fn allows(&self, caller: PrincipalId, securable: SecurableId, need: Need) -> Result<bool, GateError> {
        let closure = Closure { principal: caller, members_of: [caller].into() };
        let chain = self.chain(securable);
        // Somebody without any record is in `account users` only.
        let caller = self.numbers.subjects.get(&caller).copied().unwrap_or(STRANGER);
        let question = plan(&Ask { closure: &closure, chain: &chain, need })?;
        question.answer(|step| {
            let object = chain.get(step.level).and_then(|link| self.numbers.objects.get(&link.id));
            object.map_or(Ok(false), |object| self.judge.ask(caller, *object, step.wanted))
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

const STRANGER: Subject = Subject(u32::MAX);

/// The numbers by which casbin knows the records.
#[derive(Default)]
struct Numbers {
    subjects: HashMap<PrincipalId, Subject>,
    objects: HashMap<SecurableId, Object>,
}

impl Numbers {
    fn subject(&mut self, id: PrincipalId) -> Subject {
        let next = Subject(self.subjects.len() as u32);
        *self.subjects.entry(id).or_insert(next)
    }

    fn object(&mut self, id: SecurableId) -> Object {
        let next = Object(self.objects.len() as u32);
        *self.objects.entry(id).or_insert(next)
    }
}

fn rows_of(link: &Link, numbers: &mut Numbers) -> Vec<Row> {
    let securable = numbers.object(link.id);
    let row = |principal, held, denied| Row { principal, securable, held, denied };
    let owner = numbers.subject(link.owner);
    let mut rows = vec![row(owner, Held::Own, false), row(owner, Held::Govern, false)];
    for grant in link.grants.iter() {
        let principal = numbers.subject(grant.principal);
        rows.extend(grant.allow.iter().map(|held| row(principal, Held::Privilege(held), false)));
        rows.extend(grant.deny.iter().map(|held| row(principal, Held::Privilege(held), true)));
    }
    rows
}

/// The whole graph of memberships and the whole tree of securables.
struct Whole {
    groups_of: HashMap<Subject, HashSet<Subject>>,
    everybody: Subject,
    parents: HashMap<Object, Object>,
    metastores: HashSet<Object>,
}

impl Whole {
    fn of(records: &Records, numbers: &mut Numbers) -> Self {
        let mut groups_of: HashMap<Subject, HashSet<Subject>> = HashMap::new();
        for (member, group) in &records.members {
            groups_of.entry(numbers.subject(*member)).or_default().insert(numbers.subject(*group));
        }
        let (mut parents, mut metastores) = (HashMap::new(), HashSet::new());
        for (link, parent) in &records.securables {
            let object = numbers.object(link.id);
            parents.extend(parent.map(|parent| (object, numbers.object(parent))));
            if link.kind == SecurableKind::Metastore {
                metastores.insert(object);
            }
        }
        Self { groups_of, everybody: numbers.subject(PrincipalId::ACCOUNT_USERS), parents, metastores }
    }
}

impl World for Whole {
    fn is_member(&self, caller: Subject, principal: Subject) -> bool {
        if caller == principal || principal == self.everybody {
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

    fn place(&self, object: Object, place: Object) -> Place {
        if object == place {
            return Place::Itself;
        }
        let mut above = std::iter::successors(self.parents.get(&object), |parent| self.parents.get(parent));
        match above.any(|id| *id == place) {
            true if self.metastores.contains(&place) => Place::Metastore,
            true => Place::Above,
            false => Place::Elsewhere,
        }
    }
}
