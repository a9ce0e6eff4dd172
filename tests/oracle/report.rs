//! A failing case made as simple as it gets, as SQL that can be run.

use crate::dice::{Choices, Dice};
use crate::judge::Judge;
use crate::lake::{Split, script};
use crate::queries::Query;

/// How many simpler cases are tried.
const TRIES: usize = 300;

pub async fn simplest(judge: &Judge<'_>, choices: &mut Choices, split: Split, number: usize) -> String {
    let made = |choices: &Choices| Query::new(judge.world, &mut Dice::new(&choices.current()));
    let mut query = made(choices);
    let mut tries = 0;
    while tries < TRIES && choices.simplify() {
        loop {
            tries += 1;
            let simpler = made(choices);
            if simpler.text == query.text && simpler.values == query.values {
                break;
            }
            if !judge.judge(&simpler, split).await.agrees {
                query = simpler;
                break;
            }
            if tries >= TRIES || !choices.complicate() {
                break;
            }
        }
    }
    let verdict = judge.judge(&query, split).await;
    let caller = judge.world.caller.name;
    let values = if query.values.is_empty() { String::new() } else { format!(" -- with {:?}", query.values) };
    let script = script(judge.world, &judge.place.governed, std::path::Path::new("/tmp/lake"));
    format!(
        "=== world {number}, as {caller}, {split:?}\n{script}\n-- {caller}:\n{}{values};\n-- governed:\n{}\n-- copy:\n{}\n",
        query.asked(),
        verdict.governed.shown(),
        verdict.copied.shown()
    )
}
