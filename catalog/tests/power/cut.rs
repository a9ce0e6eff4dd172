//! Power cuts on a disk that forgets what it was not asked to keep.

use std::fs;
use std::time::Duration;

use tempfile::TempDir;

use super::child::Writer;
use super::disk::{cut, unkept};
use super::workload::{Random, check};

const ROUNDS: u64 = 20;

#[test]
fn a_disk_that_forgets_what_it_was_not_asked_to_keep_loses_nothing_acknowledged() {
    let dir = TempDir::new().unwrap();
    let mut random = Random::seeded_by_the_clock();
    let seed = random.0;
    let mut live = dir.path().join("0");
    let mut last = 0;
    for round in 1..=ROUNDS {
        let kept = dir.path().join(format!("{round}.kept"));
        fs::create_dir(&kept).unwrap();
        let mut writer = Writer::start(&live, Some(&kept));
        writer.run_for(Duration::from_micros(random.below(300_000)));
        let acknowledged = writer.kill();
        assert_eq!(unkept(&live).unwrap(), [] as [String; 0], "round {round}: files that are never synced");
        let left = dir.path().join(round.to_string());
        cut(&live, &kept, &left, &mut random).unwrap();
        assert!(acknowledged > last, "round {round}: the writer went on from {last}, to {acknowledged}");
        last = check(&left, acknowledged).unwrap_or_else(|fault| panic!("round {round}, seed {seed}: {fault}"));
        fs::remove_dir_all(&live).unwrap();
        fs::remove_dir_all(&kept).unwrap();
        live = left;
    }
    println!("forgetful disk: {ROUNDS} rounds, {last} batches, none lost, none torn, all opened");
}
