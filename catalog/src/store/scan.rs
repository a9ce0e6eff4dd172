//! Walks over rows in key order.

use super::StoreError;
use super::core::Core;
use super::engine::{Bytes, RawScan};
use super::ledger::{Ledger, Tally};
use super::row::{self, Head, OVERFLOW};

/// A walk over the rows with one prefix: key and value of each. Not a snapshot: it may or may not see what is written while it goes on, but each
/// row that it gives is whole. It ends after an error.
pub struct Scan<'a> {
    core: &'a Core,
    rows: Option<RawScan>,
    backwards: bool,
    failed: Option<StoreError>,
    proof: Option<Proof>,
}

/// What a walk over a whole family has seen.
struct Proof {
    family: u8,
    /// How many writes there were when it began.
    writes: u64,
    seen: Tally,
}

impl<'a> Scan<'a> {
    pub(super) fn forwards(core: &'a Core, prefix: &[u8]) -> Self {
        let proof = match *prefix {
            [family] if Ledger::covers(family) => {
                Some(Proof { family, writes: core.writer.lock().ledger.writes, seen: Tally::default() })
            }
            _ => None,
        };
        Self { proof, ..Self::new(core, prefix, &end_of(prefix), false) }
    }

    pub(super) fn backwards(core: &'a Core, prefix: &[u8], before: Option<&[u8]>) -> Self {
        let end = end_of(prefix);
        let end = before.map_or(end.as_slice(), |before| before.min(&end));
        Self::new(core, prefix, end, true)
    }

    fn new(core: &'a Core, from: &[u8], to: &[u8], backwards: bool) -> Self {
        let none = Self { core, rows: None, backwards, failed: None, proof: None };
        if from >= to {
            return none;
        }
        match core.engine.range(from, to) {
            Ok(rows) => Self { rows: Some(rows), ..none },
            Err(error) => Self { failed: Some(error), ..none },
        }
    }

    fn step(&mut self) -> Result<Option<Found>, StoreError> {
        let Some(rows) = &mut self.rows else {
            return Ok(None);
        };
        let _shared = self.core.rows.read();
        while let Some((key, raw)) = rows.step(self.backwards)? {
            let head = Head::parse(&key, &raw)?;
            if let Some(proof) = &mut self.proof {
                proof.seen.add(head.crc);
            }
            if head.chunks == 0 {
                head.whole(&key)?;
                return Ok(Some(Found { key, raw, joined: None }));
            }
            // The walk may stand on a page that has been overwritten since: a value of chunks is read anew.
            if let Some(value) = self.core.get_joined(&key)? {
                return Ok(Some(Found { key, raw, joined: Some(value) }));
            }
        }
        Ok(None)
    }
}

/// A row that is whole.
pub(crate) struct Found {
    key: Bytes,
    raw: Bytes,
    joined: Option<Vec<u8>>,
}

impl Found {
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    pub fn value(&self) -> &[u8] {
        self.joined.as_deref().unwrap_or_else(|| row::payload(&self.raw))
    }
}

impl Scan<'_> {
    /// Compares what was seen with the ledger, when nothing was written meanwhile.
    fn prove(&mut self) -> Result<(), StoreError> {
        let Some(Proof { family, writes, seen }) = self.proof.take() else { return Ok(()) };
        let writer = self.core.writer.lock();
        let tally = writer.ledger.tally(family);
        if writer.stopped || writer.ledger.writes != writes || tally == seen {
            return Ok(());
        }
        Err(StoreError::Altered { family, rows: tally.rows, found: seen.rows })
    }
}

impl Scan<'_> {
    /// Walks to the end; key and value are lent, not copied.
    ///
    /// # Errors
    /// Those of the walk, and the first of `act`, which ends it.
    pub fn visit(mut self, mut act: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>) -> Result<(), StoreError> {
        while let Some(row) = self.advance()? {
            act(row.key(), row.value())?;
        }
        Ok(())
    }

    /// The next row, lent and not copied.
    pub(crate) fn advance(&mut self) -> Result<Option<Found>, StoreError> {
        let row = match self.failed.take() {
            Some(error) => Err(error),
            None => self.step(),
        };
        let row = match row {
            Ok(None) => self.prove().map(|()| None),
            row => row,
        };
        if !matches!(row, Ok(Some(_))) {
            (self.rows, self.proof) = (None, None);
        }
        row
    }
}

impl Iterator for Scan<'_> {
    type Item = Result<(Vec<u8>, Vec<u8>), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().map(|row| row.map(|row| (row.key.to_vec(), row.value().to_vec()))).transpose()
    }
}

/// The first key behind all keys with the prefix, chunks never included.
fn end_of(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            break;
        }
    }
    if end.is_empty() { vec![OVERFLOW] } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_just_behind_it() {
        assert_eq!(end_of(&[]), [0xff]);
        assert_eq!(end_of(&[1, 2]), [1, 3]);
        assert_eq!(end_of(&[1, 0xff]), [2]);
        assert_eq!(end_of(&[0xfe, 0xff]), [0xff]);
        assert_eq!(end_of(&[0xff]), [0xff]);
    }
}
