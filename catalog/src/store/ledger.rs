//! The store's own account of what it holds, so that rows that vanish are missed.
//!
//! One bad sector under the engine's log makes it forget the pages that lay there, and it opens without a word: grants,
//! denials and row filters would be gone, or be what they once were. So each batch carries the account of all rows: how
//! many writes there were, and for each family how many rows it has and the sum of their checksums. Who reads a family
//! from end to end has proved it. See also [`super::mark`].
//!
//! **Shape.** The row `Meta(Ledger)`: `writes: u64`, then for each family that has rows, in order, `family: u8`,
//! `rows: u64`, `sum: u64`; big-endian. The sum is of the CRC-32 of the rows, modulo 2^64. The family `Meta` is not in it.

use std::collections::BTreeMap;

use super::Family;

/// What the store holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    /// How many writes there were.
    pub writes: u64,
    families: BTreeMap<u8, Tally>,
}

/// How many rows, and the sum of their checksums.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// How many.
    pub rows: u64,
    sum: u64,
}

impl Tally {
    pub fn add(&mut self, crc: u32) {
        self.rows = self.rows.wrapping_add(1);
        self.sum = self.sum.wrapping_add(u64::from(crc));
    }

    fn subtract(&mut self, crc: u32) {
        self.rows = self.rows.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(u64::from(crc));
    }
}

impl Ledger {
    /// Enters that the row of `key` had one checksum and has another; none is no row.
    pub fn enter(&mut self, key: &[u8], old: Option<u32>, new: Option<u32>) {
        let Some(&family) = key.first().filter(|family| Self::covers(**family)) else { return };
        let tally = self.families.entry(family).or_default();
        old.into_iter().for_each(|crc| tally.subtract(crc));
        new.into_iter().for_each(|crc| tally.add(crc));
        if *tally == Tally::default() {
            self.families.remove(&family);
        }
    }

    /// What a family has.
    pub fn tally(&self, family: u8) -> Tally {
        self.families.get(&family).copied().unwrap_or_default()
    }

    /// Whether the rows of a family are in the ledger.
    pub fn covers(family: u8) -> bool {
        family != Family::Meta as u8
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut value = self.writes.to_be_bytes().to_vec();
        for (family, tally) in &self.families {
            value.push(*family);
            value.extend_from_slice(&tally.rows.to_be_bytes());
            value.extend_from_slice(&tally.sum.to_be_bytes());
        }
        value
    }

    pub fn decode(value: &[u8]) -> Option<Self> {
        let (writes, mut rest) = value.split_first_chunk()?;
        let mut families = BTreeMap::new();
        while let Some((&family, tally)) = rest.split_first() {
            let (rows, tally) = tally.split_first_chunk()?;
            let (sum, tally) = tally.split_first_chunk()?;
            families.insert(family, Tally { rows: u64::from_be_bytes(*rows), sum: u64::from_be_bytes(*sum) });
            rest = tally;
        }
        Some(Self { writes: u64::from_be_bytes(*writes), families })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_ledger_are_fixed_and_come_back() {
        let mut ledger = Ledger { writes: 3, ..Ledger::default() };
        ledger.enter(&[0x10, 1], None, Some(7));
        ledger.enter(&[0x11, 1], None, Some(u32::MAX));
        ledger.enter(&[0x11, 2], None, Some(2));
        ledger.enter(&[0x01, 0], None, Some(9));
        let bytes = ledger.encode();
        let expected: [&[u8]; 3] = [
            &[0, 0, 0, 0, 0, 0, 0, 3],
            &[0x10, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7],
            &[0x11, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1],
        ];
        assert_eq!(bytes, expected.concat());
        assert_eq!(Ledger::decode(&bytes), Some(ledger));
        assert_eq!(Ledger::decode(&bytes[..bytes.len() - 1]), None);
    }

    #[test]
    fn a_family_without_rows_leaves_the_ledger() {
        let mut ledger = Ledger::default();
        ledger.enter(&[0x10], None, Some(7));
        ledger.enter(&[0x10], Some(7), Some(8));
        assert_eq!(ledger.tally(0x10), Tally { rows: 1, sum: 8 });
        ledger.enter(&[0x10], Some(8), None);
        assert_eq!(ledger, Ledger::default());
    }
}
