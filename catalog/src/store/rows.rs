//! The rows of one change, staged before they are written.

use std::collections::BTreeMap;

use super::StoreError;
use super::row::{MAX_KEY_BYTES, MAX_VALUE_BYTES, OVERFLOW};

/// Puts and deletes by full key, written together or not at all. The last write of a key wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    staged: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Rows {
    /// No rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stages a row, in place of whatever stands under its key.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.staged.insert(key.into(), Some(value.into()));
    }

    /// Stages the removal of a row; removing what is absent changes nothing.
    pub fn delete(&mut self, key: impl Into<Vec<u8>>) {
        self.staged.insert(key.into(), None);
    }

    /// Whether nothing is staged.
    pub fn is_empty(&self) -> bool {
        self.staged.is_empty()
    }

    /// How many keys are staged.
    pub fn len(&self) -> usize {
        self.staged.len()
    }

    /// The staged rows in key order; `None` is a removal.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.staged.iter().map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.iter().try_for_each(|(key, value)| {
            let reason = if key.is_empty() {
                "its key is empty"
            } else if key.first() == Some(&OVERFLOW) {
                "its key begins with the byte that is kept for parts of long values"
            } else if key.len() > MAX_KEY_BYTES {
                "its key is too long"
            } else if value.is_some_and(|value| value.len() > MAX_VALUE_BYTES) {
                "its value is too long"
            } else {
                return Ok(());
            };
            Err(StoreError::Refused { key: key.to_vec(), reason })
        })
    }
}
