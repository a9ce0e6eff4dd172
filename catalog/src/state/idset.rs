//! A persistent set of ids, in order, that takes little room when it is small.
//!
//! Most principals hold some dozen things and are in a few groups, and the nodes of a tree are made for many items. Few
//! ids lie in one slice, which a change copies; many are a tree, so that a change costs no more than a path of it.

use std::fmt;
use std::iter::{Chain, Flatten};
use std::sync::Arc;
use std::{option, slice};

use imbl::OrdSet;

/// The most ids of a slice: some thousand bytes are copied in no time.
const FEW: usize = 256;

/// A set of ids.
#[derive(Clone)]
pub enum IdSet<T> {
    /// Sorted, no duplicates.
    Few(Arc<[T]>),
    /// More than `FEW`, at the time that the last one came.
    Many(OrdSet<T>),
}

impl<T> Default for IdSet<T> {
    fn default() -> Self {
        Self::Few(Arc::default())
    }
}

impl<T: Ord + Copy> IdSet<T> {
    /// The set of these ids, which are sorted and have no duplicates.
    pub(super) fn from_sorted(ids: &[T]) -> Self {
        if ids.len() <= FEW { Self::Few(ids.into()) } else { Self::Many(ids.iter().copied().collect()) }
    }

    pub(crate) fn insert(&mut self, id: T) {
        match self {
            Self::Few(ids) => {
                let Err(at) = ids.binary_search(&id) else { return };
                let (before, after) = ids.split_at_checked(at).unwrap_or_default();
                let all = before.iter().copied().chain([id]).chain(after.iter().copied());
                *self = if ids.len() < FEW { Self::Few(all.collect()) } else { Self::Many(all.collect()) };
            }
            Self::Many(ids) => drop(ids.insert(id)),
        }
    }

    pub(crate) fn remove(&mut self, id: &T) {
        match self {
            Self::Few(ids) if ids.binary_search(id).is_ok() => *ids = ids.iter().copied().filter(|i| i != id).collect(),
            Self::Few(_) => {}
            Self::Many(ids) => drop(ids.remove(id)),
        }
    }

    pub(crate) fn contains(&self, id: &T) -> bool {
        match self {
            Self::Few(ids) => ids.binary_search(id).is_ok(),
            Self::Many(ids) => ids.contains(id),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The ids in order.
    pub fn iter(&self) -> Iter<'_, T> {
        let (few, many) = match self {
            Self::Few(ids) => (&**ids, None),
            Self::Many(ids) => (&[][..], Some(ids)),
        };
        few.iter().chain(many.into_iter().flatten())
    }
}

/// A walk over the ids of a set.
pub type Iter<'a, T> = Chain<slice::Iter<'a, T>, Flatten<option::IntoIter<&'a OrdSet<T>>>>;

impl<'a, T: Ord + Copy> IntoIterator for &'a IdSet<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T: Ord + Copy + fmt::Debug> fmt::Debug for IdSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_a_set_holds(changes in proptest::collection::vec((0..400u16, prop::bool::weighted(0.8)), 0..900)) {
            let (mut ours, mut plain) = (IdSet::default(), BTreeSet::new());
            for (id, add) in changes {
                if add {
                    ours.insert(id);
                    plain.insert(id);
                } else {
                    ours.remove(&id);
                    plain.remove(&id);
                }
                prop_assert!(ours.iter().eq(&plain));
                prop_assert_eq!((ours.is_empty(), ours.contains(&id)), (plain.is_empty(), plain.contains(&id)));
            }
            let sorted: Vec<u16> = plain.iter().copied().collect();
            prop_assert!(IdSet::from_sorted(&sorted).iter().eq(&plain));
        }
    }
}
