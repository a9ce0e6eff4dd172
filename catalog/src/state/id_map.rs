//! Maps by id. A chain to the metastore is several look-ups, and each question to the gate needs one: so the ids are mixed
//! in a few instructions. They are made by this server, so nobody picks them to collide.

use std::hash::{BuildHasherDefault, Hasher};

use imbl::GenericHashMap;
use imbl::shared_ptr::DefaultSharedPtr;

/// A persistent map by id.
pub(crate) type IdMap<K, V> = GenericHashMap<K, V, BuildHasherDefault<IdHasher>, DefaultSharedPtr>;

/// Mixes the two halves of an id: the time that it was made at, and what is random in it.
#[derive(Debug, Default, Clone)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for half in bytes.chunks(8) {
            let word = half.first_chunk().map_or_else(
                || half.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
                |half| u64::from_be_bytes(*half),
            );
            let mixed = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            self.0 = mixed ^ (mixed >> 32);
        }
    }

    /// The length of the bytes, which is that of every id.
    fn write_usize(&mut self, _length: usize) {}
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::{BuildHasher, BuildHasherDefault};

    use uuid::Uuid;

    use super::IdHasher;

    /// The map goes down its tree by five bits at a time, the low ones first.
    #[test]
    fn ids_of_every_making_spread_over_the_first_steps() {
        let spread = |ids: &mut dyn Iterator<Item = Uuid>| {
            let hasher = BuildHasherDefault::<IdHasher>::default();
            ids.map(|id| hasher.hash_one(id) as u32 & 0x7fff).collect::<HashSet<_>>().len()
        };
        let made_at = |ms: u128, random: u128| Uuid::from_u128(ms << 80 | 7 << 76 | 2 << 62 | random);
        let random = |n: u128| (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) >> 66;
        let at_least = 10_000;
        assert!(spread(&mut (0..20_000).map(|n| made_at(1 << 40, random(n)))) > at_least, "at one moment");
        assert!(spread(&mut (0..20_000).map(|n| made_at((1 << 40) + n, random(n)))) > at_least, "one after the other");
        assert!(spread(&mut (0..20_000).map(|n| made_at((1 << 40) + n, 0))) > at_least, "with nothing random in them");
        assert!(spread(&mut (0..20_000).map(Uuid::from_u128)) > at_least, "of tests");
    }
}
