//! `kill -9` at any moment.

use std::time::Duration;

use tempfile::TempDir;

use super::child::Writer;
use super::workload::{Random, check};

const ROUNDS: u64 = 20;

#[test]
fn killed_writers_lose_nothing_acknowledged_and_leave_no_half_batch() {
    let dir = TempDir::new().unwrap();
    let mut random = Random::seeded_by_the_clock();
    let seed = random.0;
    let mut last = 0;
    for round in 1..=ROUNDS {
        let mut writer = Writer::start(dir.path(), None);
        writer.run_for(Duration::from_micros(random.below(150_000)));
        let acknowledged = writer.kill();
        assert!(acknowledged > last, "round {round}: the writer went on from {last}, to {acknowledged}");
        last = check(dir.path(), acknowledged).unwrap_or_else(|fault| panic!("round {round}, seed {seed}: {fault}"));
    }
    println!("kill -9: {ROUNDS} rounds, {last} batches, none lost, none torn, all opened");
}
