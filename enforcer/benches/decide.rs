//! How much the pruning and the memo save: the same questions to the enforcer and to casbin over every row, in one run.
//!
//! `cargo bench -p lakewarden-enforcer`. One question is a SELECT on a table with USE SCHEMA and USE CATALOG on the way
//! down: up to three decisions of casbin. The chains of the questions are made before the clock starts.
#![expect(clippy::indexing_slicing, reason = "a benchmark may stop on its own mistakes")]

use std::collections::BTreeSet;
use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use lakewarden_catalog::model::{GrantRow, PrincipalId, Privilege, PrivilegeSet, SecurableId, SecurableKind};
use lakewarden_catalog::{Ask, Closure, Gate, Link, Need};
use lakewarden_enforcer::Enforcer;
use lakewarden_enforcer::full::{Full, Records};
use uuid::Uuid;

const QUESTIONS: usize = 20_000;
const ROUNDS: usize = 10;

/// A small generator of numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound.max(1)
    }
}

/// Catalogs of 10 schemas of 25 tables, with four grants a table, and users in nested groups.
struct Estate {
    records: Records,
    closures: Vec<Closure>,
    catalogs: usize,
    schemas: usize,
    tables: usize,
}

fn principal(number: usize) -> PrincipalId {
    PrincipalId(Uuid::from_u128(1_000 + number as u128))
}

fn securable(number: usize) -> SecurableId {
    SecurableId(Uuid::from_u128(1 << 64 | number as u128))
}

impl Estate {
    fn of(grants: usize, dice: &mut Dice) -> Self {
        let tables = grants / 4;
        let schemas = tables.div_ceil(25);
        let catalogs = schemas.div_ceil(10);
        let (users, groups) = (grants / 20, grants / 200);
        let mut members: Vec<(usize, usize)> = Vec::new();
        for user in 0..users {
            members.extend((0..3).map(|_| (user, users + dice.below(groups))));
        }
        members.extend((1..groups).map(|group| (users + group, users + dice.below(group))));
        let closures = (0..users).map(|user| closure(user, &members, users)).collect();
        let mut securables = vec![(link(0, SecurableKind::Metastore, principal(0), Vec::new()), None)];
        let everybody = [Privilege::UseCatalog, Privilege::UseSchema].into_iter().collect();
        for catalog in 0..catalogs {
            let grants = vec![row(PrincipalId::ACCOUNT_USERS, everybody)];
            let owner = principal(dice.below(users));
            securables.push((link(1 + catalog, SecurableKind::Catalog, owner, grants), Some(securable(0))));
        }
        for schema in 0..schemas {
            let made = link(1 + catalogs + schema, SecurableKind::Schema, principal(dice.below(users)), Vec::new());
            securables.push((made, Some(securable(1 + schema / 10))));
        }
        for table in 0..tables {
            let to = |dice: &mut Dice| principal(dice.below(users + groups));
            let privileges = [Privilege::Select, Privilege::Modify, Privilege::AllPrivileges, Privilege::Manage];
            let grants = (0..4).map(|_| row(to(dice), [privileges[dice.below(4)]].into_iter().collect())).collect();
            let made = link(1 + catalogs + schemas + table, SecurableKind::Table, to(dice), grants);
            securables.push((made, Some(securable(1 + catalogs + table / 25))));
        }
        let members = members.into_iter().map(|(member, group)| (principal(member), principal(group))).collect();
        Self { records: Records { members, securables }, closures, catalogs, schemas, tables }
    }

    fn chain(&self, table: usize) -> Vec<Link> {
        let at = [1 + self.catalogs + self.schemas + table, 1 + self.catalogs + table / 25, 1 + table / 250, 0];
        at.iter().map(|at| self.records.securables[*at].0.clone()).collect()
    }

    /// Half of the questions are about a table that the caller has something on, half about any table.
    fn questions(&self, dice: &mut Dice) -> Vec<(usize, Vec<Link>)> {
        let mut questions = Vec::with_capacity(QUESTIONS);
        while questions.len() < QUESTIONS {
            let (user, chain) = (dice.below(self.closures.len()), self.chain(dice.below(self.tables)));
            let closure = &self.closures[user];
            let known =
                closure.contains(chain[0].owner) || chain[0].grants.iter().any(|row| closure.contains(row.principal));
            if known || questions.len() % 2 == 0 {
                questions.push((user, chain));
            }
        }
        questions
    }
}

fn closure(user: usize, members: &[(usize, usize)], users: usize) -> Closure {
    // The memberships of users come first, three each; then one of each group but the first.
    let mut found = BTreeSet::from([PrincipalId::ACCOUNT_USERS, principal(user)]);
    let mut open: Vec<usize> = members[user * 3..user * 3 + 3].iter().map(|(_, group)| *group).collect();
    while let Some(group) = open.pop() {
        if found.insert(principal(group)) && group > users {
            open.push(members[users * 3 + (group - users - 1)].1);
        }
    }
    Closure { principal: principal(user), members_of: found.into_iter().collect() }
}

fn row(principal: PrincipalId, allow: PrivilegeSet) -> GrantRow {
    GrantRow { principal, allow, deny: PrivilegeSet::EMPTY }
}

fn link(number: usize, kind: SecurableKind, owner: PrincipalId, mut grants: Vec<GrantRow>) -> Link {
    grants.sort_by_key(|row| row.principal);
    grants.dedup_by_key(|row| row.principal);
    Link { id: securable(number), kind, owner, grants: grants.into() }
}

/// Nanoseconds a question, and how many were allowed.
fn time<'a>(asks: impl Iterator<Item = &'a Ask<'a>>, mut allowed: impl FnMut(&Ask<'_>) -> bool) -> (f64, Vec<bool>) {
    let (mut answers, start) = (Vec::with_capacity(QUESTIONS), Instant::now());
    for ask in asks {
        answers.push(black_box(allowed(black_box(ask))));
    }
    (nanoseconds(start.elapsed(), answers.len()), answers)
}

fn nanoseconds(elapsed: Duration, count: usize) -> f64 {
    elapsed.as_nanos() as f64 / count.max(1) as f64
}

fn compare(grants: usize, whole_questions: usize) -> Result<(), Box<dyn Error>> {
    let mut dice = Dice(0x5eed_1234_abcd_0001);
    let estate = Estate::of(grants, &mut dice);
    let questions = estate.questions(&mut dice);
    let need = Need::Privilege(Privilege::Select);
    let asks: Vec<Ask<'_>> =
        questions.iter().map(|(user, chain)| Ask { closure: &estate.closures[*user], chain, need }).collect();
    let (full, enforcer) = (Full::new(&estate.records)?, Enforcer::new()?);
    let (judged, explained) = time(asks.iter(), |ask| enforcer.decide(ask).is_ok_and(|it| it.allowed));
    let (first, answered) = time(asks.iter(), |ask| enforcer.allows(ask));
    let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| time(asks.iter(), |ask| enforcer.allows(ask)).0).collect();
    rounds.sort_by(f64::total_cmp);
    let remembered = rounds[ROUNDS / 2];
    let whole = |ask: &Ask<'_>| full.allows(ask.closure.principal, ask.chain[0].id, ask.need).unwrap_or(false);
    let (every_row, whole_answers) = time(asks.iter().take(whole_questions), whole);
    let same = answered == explained && answered[..whole_questions] == whole_answers[..];
    let allowed = answered.iter().filter(|allowed| **allowed).count() * 100 / answered.len();
    println!("{grants} grants, {} tables, {allowed} % of the questions allowed", estate.tables);
    println!("  casbin over every row      {every_row:>14.0} ns a question");
    println!("  pruned, with reasons       {judged:>14.0} ns a question, {:>9.0} times faster", every_row / judged);
    println!("  pruned, memo still filling {first:>14.0} ns a question, {:>9.0} times faster", every_row / first);
    println!(
        "  pruned and remembered      {remembered:>14.0} ns a question, {:>9.0} times faster",
        every_row / remembered
    );
    println!("  the answers are {}", if same { "the same" } else { "DIFFERENT" });
    if same { Ok(()) } else { Err("the enforcer and casbin over every row disagree".into()) }
}

fn main() -> Result<(), Box<dyn Error>> {
    compare(10_000, 100)?;
    compare(100_000, 20)
}
