//! The property, put to the test: a caller's queries on a governed database answer as an admin's do on a copy that holds only what
//! the caller's policies let through.
//!
//! `cargo test --test oracle` runs 500 cases; `LAKEWARDEN_ORACLE_CASES` sets another number, and `LAKEWARDEN_ORACLE_SEED` another start.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test stops at what it did not expect; its copy is made by plain DataFusion, and settings come from outside"
)]

mod answer;
mod canary;
mod copy;
mod dice;
mod judge;
mod kinds;
mod lake;
mod naive;
mod policies;
mod queries;
mod report;
mod world;

use copy::Copy;
use dice::{Dice, Source};
use judge::{Judge, Tally};
use lake::{Lake, Split};
use naive::Naive;
use queries::Query;
use world::World;

const CASES: usize = 500;
const QUERIES_OF_A_WORLD: usize = 20;
const WORLD_CHOICES: usize = 600;
const QUERY_CHOICES: usize = 300;

fn setting(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_governed_database_answers_as_its_copy() {
    let cases = setting("LAKEWARDEN_ORACLE_CASES", CASES);
    let seed = setting("LAKEWARDEN_ORACLE_SEED", 1) as u64;
    let (mut tally, mut hidden, mut reports) = (Tally::default(), 0, Vec::new());
    let started = std::time::Instant::now();
    let mut lake = Lake::new().await;
    for number in 0..cases.div_ceil(QUERIES_OF_A_WORLD) {
        if number % 50 == 49 {
            lake = Lake::new().await;
        }
        let mut source = Source::new(seed.wrapping_mul(1_000_003).wrapping_add(number as u64));
        let choices = source.choices(WORLD_CHOICES);
        let mut world = World::new(&mut Dice::new(&choices.current()));
        let (place, copy) = match lake.place(number, &mut world).await {
            Ok(made) => made,
            Err(error) => panic!("world {number}: {error}"),
        };
        hidden += copy.hidden_rows;
        let judge = Judge { lake: &lake, world: &world, place: &place, copy: &copy };
        for case in 0..QUERIES_OF_A_WORLD.min(cases - number * QUERIES_OF_A_WORLD) {
            let mut choices = source.choices(QUERY_CHOICES);
            let split = if case % 3 == 2 { Split::Few } else { Split::Large };
            let query = Query::new(&world, &mut Dice::new(&choices.current()));
            let verdict = judge.judge(&query, split).await;
            tally.add(&query, &verdict);
            if !verdict.agrees {
                reports.push(report::simplest(&judge, &mut choices, split, number).await);
                if reports.len() >= 8 {
                    panic!("{tally:?}\n{}", reports.join("\n"));
                }
            }
        }
    }
    println!("oracle: {tally:#?}, {hidden} hidden rows, {} s", started.elapsed().as_secs());
    assert!(reports.is_empty(), "{tally:?}\n{}", reports.join("\n"));
    assert!(tally.with_rows * 100 > tally.cases * 40, "too few queries answer with rows: {tally:?}");
}

/// The generator finds what leaks when policies are inlined views, so that the test above can fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inlined_policies_are_found_out() {
    let (mut leaks, mut cases) = (Vec::new(), 0);
    for number in 0..40 {
        let mut source = Source::new(7_000 + number);
        let world = World::new(&mut Dice::new(&source.choices(WORLD_CHOICES).current()));
        let Ok(copy) = Copy::of(&world).await else { continue };
        let Ok(naive) = Naive::of(&world, &copy).await else { continue };
        for _ in 0..QUERIES_OF_A_WORLD {
            let query = Query::new(&world, &mut Dice::new(&source.choices(QUERY_CHOICES).current()));
            if !query.values.is_empty() || query.text.starts_with("EXPLAIN") || query.text.contains("@version") {
                continue;
            }
            cases += 1;
            let (inlined, copied) = naive.ask(&query.told(world.caller, &copy)).await;
            if inlined.is_error() && !copied.is_error() {
                leaks.push(format!("{}\n  {}", query.text, inlined.shown()));
            }
        }
    }
    println!("inlined: {} of {cases} cases leak; such as {}", leaks.len(), leaks.first().map_or("", String::as_str));
    assert!(leaks.len() >= 3, "the generator finds no leak in {cases} cases");
}
