//! Random worlds: the enforcer, with and without its memo, agrees with casbin over every row and with the rules as they
//! read in a book.
//!
//! 102,400 decisions, in four parts side by side: 256 worlds each (`PROPTEST_CASES` has it otherwise), 100 questions a
//! world.

mod rules;
mod sample;

use std::cell::Cell;

use lakewarden_catalog::model::PrincipalId;
use lakewarden_catalog::{Ask, Gate, Reason};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rstest::rstest;

use crate::Enforcer;
use crate::fixture::{closure, securable};
use crate::full::Full;
use rules::Rules;
use sample::{Question, Sample, id, questions, samples};

/// How many questions are asked in one world.
const IN_ONE_WORLD: u32 = 100;

/// What was decided so far.
#[derive(Default)]
struct Tally {
    decided: Cell<u32>,
    allowed: Cell<u32>,
    by_denial: Cell<u32>,
}

/// Asks all four about everything.
fn agree(enforcer: &Enforcer, sample: &Sample, asked: &[Question], tally: &Tally) -> Result<(), TestCaseError> {
    let full = Full::new(&sample.records()).unwrap();
    for Question { user, on, need } in asked.iter().copied() {
        let rules = Rules { sample, groups: sample.groups_of(user) };
        let groups: Vec<PrincipalId> = rules.groups.iter().copied().map(id).collect();
        let (closure, links) = (closure(id(user), &groups), sample.links(on));
        let ask = Ask { closure: &closure, chain: &links, need };
        let expected = rules.allows(need, on);
        let decision = enforcer.decide(&ask).unwrap();
        prop_assert_eq!(decision.allowed, expected, "decide, {:?} on {} by {}", need, on, user);
        prop_assert_eq!(enforcer.allows(&ask), expected, "allows, {:?} on {} by {}", need, on, user);
        prop_assert_eq!(enforcer.allows(&ask), expected, "remembered, {:?} on {} by {}", need, on, user);
        let whole = full.allows(id(user), securable(on as u128), need).unwrap();
        prop_assert_eq!(whole, expected, "all rows, {:?} on {} by {}", need, on, user);
        prop_assert!(!decision.reasons.is_empty());
        prop_assert!(decision.reasons.iter().all(|reason| rules.is_true(reason)), "{:?}", decision.reasons);
        let denied = decision.reasons.iter().any(|reason| matches!(reason, Reason::Deny { .. }));
        tally.decided.set(tally.decided.get() + 1);
        tally.allowed.set(tally.allowed.get() + u32::from(expected));
        tally.by_denial.set(tally.by_denial.get() + u32::from(denied));
    }
    Ok(())
}

#[rstest]
fn pruned_remembered_whole_and_written_rules_agree(#[values(1, 2, 3, 4)] part: u8) {
    let config = Config { failure_persistence: None, ..Config::default() };
    let asked = config.cases * IN_ONE_WORLD;
    // One for all worlds, so that a verdict remembered from one world would show in the next if it were wrong there.
    let (enforcer, tally) = (Enforcer::new().unwrap(), Tally::default());
    let worlds = (samples(), prop::collection::vec(questions(), IN_ONE_WORLD as usize));
    let checked = TestRunner::new(config).run(&worlds, |(sample, asked)| agree(&enforcer, &sample, &asked, &tally));
    checked.unwrap_or_else(|difference| panic!("{difference}"));
    let (decided, allowed, by_denial) = (tally.decided.get(), tally.allowed.get(), tally.by_denial.get());
    println!("part {part}: {decided} decisions, {allowed} allowed, {by_denial} refused by a denial, 0 differences");
    assert!(decided >= asked);
    assert!(allowed > decided / 5 && allowed < decided * 4 / 5, "a test of one answer only is none: {allowed}");
    assert!(by_denial > decided / 100, "hardly anything is denied: {by_denial}");
}
