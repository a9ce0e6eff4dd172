//! Batches that follow from their number, and the check of what is left of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use lakewarden_catalog::store::{Disk, OpenOptions, Rows, Store, StoreError};

const LOG: u8 = 0x40;
const SLOT: u8 = 0x10;
const RELAXED: u8 = 0x41;
const SLOTS: u64 = 48;
/// How many log rows stand at a time; older ones are deleted, so that the store stays small.
const KEPT: u64 = 300;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

pub fn open(dir: &Path, disk: Option<Arc<dyn Disk>>) -> Result<Store, StoreError> {
    let mut options = OpenOptions { cache_bytes: 16 * 1024 * 1024, ..OpenOptions::default() };
    if let Some(disk) = disk {
        options.disk = disk;
    }
    Store::open(dir, &options)
}

fn key(family: u8, number: u64) -> Vec<u8> {
    [&[family][..], &number.to_be_bytes()].concat()
}

fn value(seq: u64, bytes: usize) -> Vec<u8> {
    seq.to_be_bytes().into_iter().cycle().take(bytes.max(8)).collect()
}

/// The batch of a number: a log row, the oldest log row deleted, and three slots overwritten, two of them with values over
/// 4 000 bytes and mostly over 10 KB, one with any length, or deleted.
pub fn batch(seq: u64) -> Rows {
    let mut rows = Rows::new();
    rows.put(key(LOG, seq), value(seq, 150));
    if seq > KEPT {
        rows.delete(key(LOG, seq - KEPT));
    }
    let mut random = Random(seq);
    rows.put(key(SLOT, random.below(SLOTS)), value(seq, 10_000 + random.below(8_000) as usize));
    let bytes = if random.below(2) == 0 { 4_001 } else { 20_000 };
    rows.put(key(SLOT, random.below(SLOTS)), value(seq, bytes));
    let any = key(SLOT, random.below(SLOTS));
    if random.below(4) == 0 {
        rows.delete(any);
    } else {
        rows.put(any, value(seq, random.below(4_500) as usize));
    }
    rows
}

/// Every fifth number also has a row that is written relaxed, before its batch.
pub fn relaxed(seq: u64) -> Option<Rows> {
    seq.is_multiple_of(5).then(|| {
        let mut rows = Rows::new();
        rows.put(key(RELAXED, seq % 50), value(seq, 200));
        rows
    })
}

fn apply(model: &mut Model, rows: &Rows) {
    for (key, value) in rows.iter() {
        match value {
            Some(value) => model.insert(key.to_vec(), value.to_vec()),
            None => model.remove(key),
        };
    }
}

/// The last batch of the store.
pub fn last(store: &Store) -> Result<u64, StoreError> {
    let row = store.scan_prefix_back(&[LOG], None).next().transpose()?;
    Ok(row.map_or(0, |(key, _)| u64::from_be_bytes(key[1..].try_into().unwrap())))
}

/// Opens what a round left and checks it whole; the number of its last batch.
pub fn check(dir: &Path, acknowledged: u64) -> Result<u64, String> {
    let store = open(dir, None).map_err(|error| format!("it does not open: {error}"))?;
    let last = last(&store).map_err(|error| format!("it does not read: {error}"))?;
    if last < acknowledged {
        return Err(format!("acknowledged {acknowledged}, kept {last}: {} lost", acknowledged - last));
    }
    let mut expected = Model::new();
    for seq in 1..=last {
        relaxed(seq).iter().for_each(|rows| apply(&mut expected, rows));
        apply(&mut expected, &batch(seq));
    }
    let mut found = Model::new();
    for prefix in [LOG, SLOT, RELAXED] {
        for row in store.scan_prefix(&[prefix]) {
            let (key, value) = row.map_err(|error| format!("it does not read: {error}"))?;
            found.insert(key, value);
        }
    }
    // The relaxed row of the next number may be there before its batch.
    let mut with_next = expected.clone();
    relaxed(last + 1).iter().for_each(|rows| apply(&mut with_next, rows));
    if found == expected || found == with_next {
        return Ok(last);
    }
    let torn = expected.iter().filter(|(key, value)| found.get(*key) != Some(value)).count();
    let beyond = found.keys().filter(|key| !expected.contains_key(*key)).count();
    Err(format!("after batch {last}: {torn} rows are absent or old, {beyond} are too many"))
}

/// A small random number generator (splitmix64), so that a round can be repeated from its seed.
pub struct Random(pub u64);

impl Random {
    pub fn seeded_by_the_clock() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Self(now.as_nanos() as u64)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
