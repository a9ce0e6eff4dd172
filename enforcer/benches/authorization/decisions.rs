//! The same 20,000 requests to casbin over every row, to the enforcer with and without its memo, and to a few lines written
//! by hand for nothing else. All must give the same answers.
//!
//! A request is one privilege on one table: one decision over a chain of four, as `Need::Alone` asks. The whole question
//! asks for USE SCHEMA and USE CATALOG on the way down too.

use std::collections::HashMap;
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use lakewarden_catalog::model::{PrincipalId, Privilege, SecurableId, SecurableKind};
use lakewarden_catalog::state::State;
use lakewarden_catalog::{Ask, Closure, Gate, Link, Metastore, Need};
use lakewarden_enforcer::Enforcer;
use lakewarden_enforcer::full::{Full, Records};

use crate::table;
use crate::world::{Dice, World};

const REQUESTS: usize = 20_000;
/// How often all requests are asked, of each way in turn. The quickest round of each counts: the others had to wait for
/// other processes.
const ROUNDS: usize = 15;
/// How many requests casbin is asked over all rows: one takes about a second.
const OVER_EVERY_ROW: usize = 6;
const ASKED: [Privilege; 4] = [Privilege::Select, Privilege::Modify, Privilege::ApplyTag, Privilege::Manage];

/// One request: who, for what, on which table.
struct Request {
    caller: usize,
    privilege: Privilege,
    table: SecurableId,
    chain: Vec<Link>,
}

/// The requests with the callers' groups, as a server holds them for each statement.
struct Requests<'a> {
    state: &'a State,
    closures: Vec<Closure>,
    asked: Vec<Request>,
}

impl<'a> Requests<'a> {
    /// Half are about any table; half are by somebody who holds something there that may do.
    fn of(world: World, state: &'a State) -> Self {
        let mut dice = Dice::new(4);
        let closures: Vec<Closure> = (0..world.size.users).map(|user| state.closure(world.principal(user))).collect();
        let mut holders: HashMap<PrincipalId, Vec<usize>> = HashMap::new();
        for (user, closure) in closures.iter().enumerate() {
            closure.members_of.iter().for_each(|group| holders.entry(*group).or_default().push(user));
        }
        let mut asked = Vec::with_capacity(REQUESTS);
        while asked.len() < REQUESTS {
            let table = world.table(dice.below(world.size.tables));
            let (chain, privilege) = (state.chain(table), ASKED[dice.below(ASKED.len())]);
            let caller = if asked.len() % 2 == 0 {
                Some(dice.below(world.size.users))
            } else {
                let gives: Vec<PrincipalId> = giving(&chain, privilege).collect();
                let users = gives.get(dice.below(gives.len())).and_then(|holder| holders.get(holder));
                users.map(|users| users[dice.below(users.len())])
            };
            asked.extend(caller.map(|caller| Request { caller, privilege, table, chain }));
        }
        Self { state, closures, asked }
    }

    fn ask<'b>(&'b self, request: &Request, chain: &'b [Link], whole: bool) -> Ask<'b> {
        let need = if whole { Need::Privilege(request.privilege) } else { Need::Alone(request.privilege) };
        Ask { closure: &self.closures[request.caller], chain, need }
    }

    /// Asks all requests once. The chain is there, or is collected by the table's id in the time.
    fn round(&self, way: &mut Way<'_>) {
        let mut answers = Vec::with_capacity(REQUESTS);
        let start = Instant::now();
        for request in &self.asked {
            let answer = if way.lookup {
                let chain = self.state.chain(black_box(request.table));
                (way.allows)(&self.ask(request, &chain, way.whole))
            } else {
                (way.allows)(black_box(&self.ask(request, &request.chain, way.whole)))
            };
            answers.push(answer);
        }
        let elapsed = start.elapsed().as_nanos() as f64 / REQUESTS as f64;
        (way.quickest, way.answers) = (way.quickest.min(elapsed), answers);
    }
}

/// One way to answer the requests.
struct Way<'a> {
    allows: Box<dyn FnMut(&Ask<'_>) -> bool + 'a>,
    lookup: bool,
    whole: bool,
    quickest: f64,
    answers: Vec<bool>,
}

impl<'a> Way<'a> {
    fn new(allows: impl FnMut(&Ask<'_>) -> bool + 'a) -> Self {
        Self { allows: Box::new(allows), lookup: false, whole: false, quickest: f64::INFINITY, answers: Vec::new() }
    }

    /// With the chain collected by the table's id.
    fn looking_up(self) -> Self {
        Self { lookup: true, ..self }
    }

    /// With USE SCHEMA and USE CATALOG too.
    fn whole(self) -> Self {
        Self { whole: true, ..self }
    }
}

/// Whom the rows and owners of a chain give a privilege.
fn giving(chain: &[Link], privilege: Privilege) -> impl Iterator<Item = PrincipalId> {
    let rows = chain.iter().filter(|link| link.kind != SecurableKind::Metastore).flat_map(|link| link.grants.iter());
    let gives = move |row: &&lakewarden_catalog::model::GrantRow| {
        row.allow.contains(privilege) || row.allow.contains(Privilege::AllPrivileges) && privilege.in_all_privileges()
    };
    chain.first().map(|link| link.owner).into_iter().chain(rows.filter(gives).map(|row| row.principal))
}

/// The rules for one privilege on one table, without casbin.
fn by_hand(ask: &Ask<'_>) -> bool {
    let Need::Alone(privilege) = ask.need else { return false };
    let all = if privilege.in_all_privileges() { Privilege::AllPrivileges.bit() } else { 0 };
    let (gives, manages) = (privilege.bit() | all, privilege == Privilege::Manage);
    let (mut allowed, mut denied, mut governs) = (false, false, false);
    for (level, link) in ask.chain.iter().enumerate() {
        if ask.closure.contains(link.owner) {
            governs = true;
            allowed |= level == 0;
        }
        if level > 0 && link.kind == SecurableKind::Metastore {
            continue;
        }
        let (few, many) = (&ask.closure.members_of, &link.grants);
        if few.len() < many.len() {
            for member in few.iter() {
                if let Ok(at) = many.binary_search_by(|row| row.principal.cmp(member)) {
                    allowed |= many[at].allow.0 & gives != 0;
                    denied |= many[at].deny.0 & gives != 0;
                }
            }
        } else {
            for row in many.iter().filter(|row| ask.closure.contains(row.principal)) {
                allowed |= row.allow.0 & gives != 0;
                denied |= row.deny.0 & gives != 0;
            }
        }
    }
    manages && governs || allowed && !denied
}

/// Every record, for casbin over every row. Of the groups only the memberships of those who ask: that favours casbin.
fn records(world: World, requests: &Requests<'_>) -> Records {
    let mut records = Records::default();
    let mut add = |id: SecurableId| {
        let mut chain = requests.state.chain(id).into_iter();
        if let Some(link) = chain.next() {
            records.securables.push((link, chain.next().map(|parent| parent.id)));
        }
    };
    add(world.metastore());
    (0..world.size.catalogs).for_each(|number| add(world.catalog(number)));
    (0..world.size.schemas).for_each(|number| add(world.schema(number)));
    (0..world.size.tables).for_each(|number| add(world.table(number)));
    for request in requests.asked.iter().take(OVER_EVERY_ROW) {
        let closure = &requests.closures[request.caller];
        records.members.extend(closure.members_of.iter().map(|group| (closure.principal, *group)));
    }
    records
}

/// casbin over every row: nanoseconds a request, and the answers to the first few.
fn plain(world: World, requests: &Requests<'_>) -> Result<(f64, Vec<bool>), Box<dyn Error>> {
    let full = Full::new(&records(world, requests))?;
    let (mut answers, start) = (Vec::new(), Instant::now());
    for request in requests.asked.iter().take(OVER_EVERY_ROW) {
        let caller = requests.closures[request.caller].principal;
        answers.push(full.allows(caller, request.table, Need::Alone(request.privilege))?);
    }
    Ok((start.elapsed().as_nanos() as f64 / OVER_EVERY_ROW as f64, answers))
}

/// Measures, prints, and fails when two of them answer differently.
pub fn run(world: World, metastore: &Metastore) -> Result<(), Box<dyn Error>> {
    let pinned = metastore.pin(&World::caller(metastore, World::ADMIN)?);
    let requests = Requests::of(world, pinned.state());
    let enforcer = Enforcer::new()?;
    let mut ways = [
        Way::new(|ask| enforcer.judges(ask)),
        Way::new(|ask| enforcer.decide(ask).is_ok_and(|it| it.allowed)),
        Way::new(|ask| enforcer.allows(ask)),
        Way::new(|ask| enforcer.allows(ask)).looking_up(),
        Way::new(by_hand),
        Way::new(by_hand).looking_up(),
        Way::new(|ask| !ask.chain.is_empty()).looking_up(),
        Way::new(|ask| enforcer.allows(ask)).looking_up().whole(),
        Way::new(|ask| enforcer.judges(ask)).looking_up().whole(),
    ];
    for _ in 0..ROUNDS {
        // Thrice, as the first time finds the caches full of what another way needs.
        ways.iter_mut().for_each(|way| (0..3).for_each(|_| requests.round(way)));
    }
    let answers = ways[0].answers.clone();
    let same = ways[..6].iter().all(|way| way.answers == answers) && ways[7].answers == ways[8].answers;
    let [judged, explained, remembered, with_chain, hand, hand_with_chain, lookup, whole, whole_judged] =
        ways.map(|way| way.quickest);
    let (every_row, full) = plain(world, &requests)?;
    if !same || answers[..OVER_EVERY_ROW] != full[..] {
        return Err("the evaluators disagree".into());
    }
    let allowed = answers.iter().filter(|allowed| **allowed).count() as f64 * 100.0 / REQUESTS as f64;
    println!("decisions: {REQUESTS} requests, {allowed:.1} % allowed, the same answers by all\n");
    table::head("one decision", "ns", "casbin over every row takes");
    let times = |ns: f64| format!("{:>12.0} times that", every_row / ns);
    table::line("casbin over every row", every_row, "");
    table::line("by casbin, its rows pruned, no memo (limit 1500)", judged, &times(judged));
    table::line("  with the reasons", explained, &times(explained));
    table::line("remembered (limit 450)", remembered, &times(remembered));
    table::line("  with the chain collected by the table's id", with_chain, &times(with_chain));
    table::line("by hand", hand, &format!("{:>12.2} of it is remembered (limit 1.5)", remembered / hand));
    let ratio = with_chain / hand_with_chain;
    table::line("  and the chain", hand_with_chain, &format!("{ratio:>12.2} of it is remembered"));
    table::line("the chain alone", lookup, "");
    table::line("a whole question with the chain, remembered", whole, "");
    table::line("a whole question with the chain, by casbin", whole_judged, "");
    Ok(())
}
