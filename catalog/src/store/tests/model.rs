//! The store beside an ordered map: whatever is done to both, they hold the same rows.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

type Batch = Vec<(Vec<u8>, Option<Vec<u8>>)>;

#[derive(Debug, Clone)]
enum Step {
    Commit(Batch),
    Relaxed(Batch),
    Reopen,
}

/// Few keys, many of them beginning with another, so that batches meet again and again.
fn any_key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(0u8), Just(1), Just(0xff)], 0..4).prop_map(|tail| [&[0x10], &tail[..]].concat())
}

fn any_value() -> impl Strategy<Value = Option<Vec<u8>>> {
    let bytes = prop_oneof![
        0..60usize,
        CHUNK_BYTES - 1..CHUNK_BYTES + 2,
        2 * CHUNK_BYTES - 1..2 * CHUNK_BYTES + 2,
        Just(10_000usize),
    ];
    proptest::option::weighted(0.8, (bytes, any::<u8>()).prop_map(|(bytes, fill)| vec![fill; bytes]))
}

fn any_step() -> impl Strategy<Value = Step> {
    let batch = || vec((any_key(), any_value()), 0..6);
    prop_oneof![
        4 => batch().prop_map(Step::Commit),
        2 => batch().prop_map(Step::Relaxed),
        1 => Just(Step::Reopen),
    ]
}

fn stage(batch: &Batch) -> Rows {
    let mut rows = Rows::new();
    for (key, value) in batch {
        match value {
            Some(value) => rows.put(key.clone(), value.clone()),
            None => rows.delete(key.clone()),
        }
    }
    rows
}

fn agree(store: &Store, model: &BTreeMap<Vec<u8>, Vec<u8>>) -> Result<(), TestCaseError> {
    for prefix in [&[0x10][..], &[0x10, 0], &[0x10, 0xff], &[0x10, 0xff, 0xff]] {
        let mut expected: Vec<_> = model.iter().filter(|(key, _)| key.starts_with(prefix)).collect();
        let scanned = all(store, prefix);
        prop_assert!(scanned.iter().map(|(key, value)| (key, value)).eq(expected.iter().copied()));
        expected.reverse();
        let back: Vec<_> = store.scan_prefix_back(prefix, None).map(Result::unwrap).collect();
        prop_assert!(back.iter().map(|(key, value)| (key, value)).eq(expected));
    }
    for (key, value) in model {
        let found = store.get(key).unwrap();
        prop_assert_eq!(found.as_ref(), Some(value));
    }
    let expected: usize = model.values().map(|value| value.len().saturating_sub(1) / CHUNK_BYTES).sum();
    prop_assert_eq!(chunks(store), expected);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_store_holds_what_a_map_holds(steps in vec(any_step(), 1..30)) {
        let dir = TempDir::new().unwrap();
        let mut store = open(&dir);
        let mut model = BTreeMap::new();
        for step in steps {
            match &step {
                Step::Commit(batch) => store.commit(&stage(batch)).unwrap(),
                Step::Relaxed(batch) => store.append_relaxed(&stage(batch)).unwrap(),
                Step::Reopen => {
                    store.close().unwrap();
                    store = open(&dir);
                }
            }
            if let Step::Commit(batch) | Step::Relaxed(batch) = step {
                for (key, value) in batch {
                    match value {
                        Some(value) => model.insert(key, value),
                        None => model.remove(&key),
                    };
                }
            }
            agree(&store, &model)?;
        }
        store.close().unwrap();
        agree(&open(&dir), &model)?;
    }
}
