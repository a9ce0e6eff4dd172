use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn limits(concurrent: usize, each: usize, waiting: usize) -> Limits {
    Limits {
        concurrent,
        concurrent_per_principal: each,
        waiting_per_principal: waiting,
        queue_timeout: Duration::from_secs(3600),
        ..Limits::default()
    }
}

type Entering = Pin<Box<dyn Future<Output = Result<Admitted, LimitError>>>>;

/// A principal's request for a turn, polled by hand.
fn entering(admission: &Admission, principal: &'static str) -> Entering {
    let admission = admission.clone();
    Box::pin(async move { admission.enter(principal).await })
}

fn poll(entering: &mut Entering) -> Option<Result<Admitted, LimitError>> {
    match entering.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(turn) => Some(turn),
        Poll::Pending => None,
    }
}

/// Whatever one principal has in the queue, another's first query is the next or the one after it.
#[tokio::test]
async fn a_flood_of_one_principal_delays_another_by_one_turn() {
    let admission = Admission::new(&limits(1, 1, 200));
    let running = admission.enter("flood").await.unwrap();
    let mut flood: Vec<Entering> = (0..100).map(|_| entering(&admission, "flood")).collect();
    assert!(flood.iter_mut().all(|one| poll(one).is_none()));
    let mut small = entering(&admission, "small");
    assert!(poll(&mut small).is_none());
    assert_eq!(admission.count(), (1, 101));
    let mut served = 0;
    let mut turn = Some(running);
    loop {
        drop(turn.take());
        if poll(&mut small).is_some() {
            break;
        }
        served += 1;
        turn = flood.iter_mut().find_map(poll).map(Result::unwrap);
        drop(flood.remove(0));
    }
    assert!(served <= 1, "{served} turns of the flood came first");
}

#[tokio::test]
async fn who_waits_too_often_is_turned_away_and_others_are_not() {
    let admission = Admission::new(&limits(1, 1, 2));
    let turn = admission.enter("flood").await.unwrap();
    let mut waiting = [entering(&admission, "flood"), entering(&admission, "flood")];
    assert!(waiting.iter_mut().all(|one| poll(one).is_none()));
    assert_eq!(admission.enter("flood").await.unwrap_err(), LimitError::QueueFull(2));
    let mut other = entering(&admission, "other");
    assert!(poll(&mut other).is_none());
    drop(waiting);
    assert_eq!(admission.count(), (1, 1));
    drop(turn);
    poll(&mut other).unwrap().unwrap();
    assert_eq!(admission.count(), (0, 0));
    assert!(admission.queue.lock().principals.is_empty());
}

#[tokio::test]
async fn with_no_place_to_wait_a_free_turn_is_still_given() {
    let admission = Admission::new(&limits(2, 1, 0));
    let _turn = admission.enter("one").await.unwrap();
    assert_eq!(admission.enter("one").await.unwrap_err(), LimitError::QueueFull(0));
    admission.enter("two").await.unwrap();
}

#[tokio::test]
async fn a_turn_that_comes_to_somebody_who_has_left_goes_on() {
    let admission = Admission::new(&limits(1, 1, 10));
    let turn = admission.enter("a").await.unwrap();
    let (mut gone, mut next) = (entering(&admission, "b"), entering(&admission, "c"));
    assert!(poll(&mut gone).is_none() && poll(&mut next).is_none());
    drop(turn);
    // The turn is b's already when b leaves.
    drop(gone);
    poll(&mut next).unwrap().unwrap();
    assert_eq!(admission.count(), (0, 0));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Ask(usize),
    Leave(usize),
    End(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..4usize).prop_map(Step::Ask),
        1 => (0..100usize).prop_map(Step::Leave),
        3 => (0..100usize).prop_map(Step::End),
    ];
    prop::collection::vec(step, 1..120)
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

proptest! {
    /// The bounds hold at every step, no turn is idle while somebody may take it, a principal's own order is kept, and none waits through
    /// more than one turn of each other principal that comes to it.
    #[test]
    fn turns_are_bounded_kept_busy_and_go_round(steps in steps(), most in 1..4usize, each in 1..3usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _in = runtime.enter();
        let admission = Admission::new(&limits(most, each, 1000));
        let mut waiting: Vec<(usize, Entering)> = Vec::new();
        let mut running: Vec<(usize, Admitted)> = Vec::new();
        // Turns of each principal since another one began to wait.
        let mut passed: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Ask(who) => {
                    let mut one = entering(&admission, NAMES[who]);
                    match poll(&mut one) {
                        Some(turn) => running.push((who, turn.unwrap())),
                        None => waiting.push((who, one)),
                    }
                }
                Step::Leave(at) if !waiting.is_empty() => drop(waiting.remove(at % waiting.len())),
                Step::End(at) if !running.is_empty() => drop(running.remove(at % running.len())),
                _ => {}
            }
            let mut at = 0;
            while let Some((who, one)) = waiting.get_mut(at) {
                let who = *who;
                match poll(one) {
                    Some(turn) => {
                        prop_assert!(!waiting[..at].iter().any(|(other, _)| *other == who), "out of its own order");
                        drop(waiting.remove(at));
                        running.push((who, turn.unwrap()));
                        for other in 0..NAMES.len() {
                            *passed.entry((other, who)).or_default() += 1;
                            passed.remove(&(who, other));
                        }
                    }
                    None => at += 1,
                }
            }
            let held = |who: usize| running.iter().filter(|(one, _)| *one == who).count();
            for (who, name) in NAMES.iter().enumerate() {
                let waits = waiting.iter().any(|(one, _)| *one == who);
                let may = running.len() < most && held(who) < each;
                prop_assert!(!(waits && may), "{name} waits while there is a turn");
                if !waits || held(who) >= each {
                    passed.retain(|(one, _), _| *one != who);
                }
                prop_assert!(held(who) <= each);
            }
            prop_assert!(running.len() <= most);
            prop_assert!(passed.values().all(|turns| *turns <= 2), "{passed:?}");
            prop_assert_eq!(admission.count(), (running.len(), waiting.len()));
        }
    }
}
