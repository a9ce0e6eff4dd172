//! Verdicts of casbin by the shape of the question.
//!
//! A verdict depends on nothing but its signature and the model, so entries are never wrong and never need to go; they
//! are dropped only to bound the memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault};

use parking_lot::RwLock;

use crate::mix::Mix;

/// The shape of a question: what is wanted, and which of the held and denied things that bear on it the caller has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Signature {
    /// What is wanted, by its index.
    pub(crate) wanted: usize,
    /// Held on the object.
    pub(crate) allow: u64,
    /// Denied on the object.
    pub(crate) deny: u64,
    /// Held above it.
    pub(crate) inherited_allow: u64,
    /// Denied above it.
    pub(crate) inherited_deny: u64,
}

impl Signature {
    /// Whether nothing at all is held that could give what is wanted.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.allow | self.inherited_allow == 0
    }
}

const SHARDS: usize = 16;
const SHARD_ENTRIES: usize = 100_000 / SHARDS;

type Shard = RwLock<HashMap<Signature, bool, BuildHasherDefault<Mix>>>;

/// The verdicts that are known, in shards so that threads seldom wait for each other.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    shards: [Shard; SHARDS],
}

impl Memo {
    pub(crate) fn get(&self, signature: &Signature) -> Option<bool> {
        self.shard(signature)?.read().get(signature).copied()
    }

    pub(crate) fn insert(&self, signature: Signature, allowed: bool) {
        if let Some(shard) = self.shard(&signature) {
            let mut shard = shard.write();
            if shard.len() >= SHARD_ENTRIES {
                shard.clear();
            }
            shard.insert(signature, allowed);
        }
    }

    /// Forgets every verdict.
    pub(crate) fn forget(&self) {
        self.shards.iter().for_each(|shard| shard.write().clear());
    }

    fn shard(&self, signature: &Signature) -> Option<&Shard> {
        let hash = BuildHasherDefault::<Mix>::default().hash_one(signature);
        self.shards.get((hash >> 32) as usize % SHARDS)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::{Memo, SHARD_ENTRIES, SHARDS, Signature};

    #[test]
    fn the_memo_is_bounded_and_never_mixes_up_signatures() {
        let memo = Memo::default();
        let signature = |n: u64| Signature { allow: n % 3, inherited_allow: n, ..Signature::default() };
        for n in 0..200_000 {
            memo.insert(signature(n), n % 2 == 0);
            assert_eq!(memo.get(&signature(n)), Some(n % 2 == 0));
        }
        assert!(memo.len() <= SHARDS * SHARD_ENTRIES);
        assert!((0..200_000).all(|n| memo.get(&signature(n)).is_none_or(|allowed| allowed == (n % 2 == 0))));
    }
}
