//! How a change of the catalog is kept so that it can be undone: the rows that it wrote, with what they held before.
//!
//! **Shape.** The rows of one change lie one behind the other: `shared: u8`, how many leading bytes of the key are those
//! of the key before (0 for the first), `more: u8` and that many further bytes of the key, `old: u32`, which is 0 when
//! there was no row and one more than the length of the old value otherwise, and the old value. These bytes are cut into
//! parts of at most `PART_BYTES`. The value of a part is `version: u8 = 1`, `at_ms: i64`, `previous: u64`, the number of
//! the change before (0 for none), `parts: u32`, and its piece of the bytes. Numbers are big-endian.

use super::StoreError;

const VERSION: u8 = 1;
/// The most bytes of rows in one part; far below the longest value.
const PART_BYTES: usize = 4 * 1024 * 1024;

/// A row as it was before a change: its key and its value, or none when it was absent.
pub type OldRow = (Vec<u8>, Option<Vec<u8>>);

/// Encodes the rows of one change, which are best in the order of their keys, into the values of its parts.
pub fn encode(at_ms: i64, previous: u64, rows: &[OldRow]) -> Vec<Vec<u8>> {
    let bytes = join(rows);
    let mut pieces: Vec<&[u8]> = bytes.chunks(PART_BYTES).collect();
    if pieces.is_empty() {
        pieces.push(&[]);
    }
    let count = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
    let value = |piece: &&[u8]| {
        let mut value = vec![VERSION];
        value.extend_from_slice(&at_ms.to_be_bytes());
        value.extend_from_slice(&previous.to_be_bytes());
        value.extend_from_slice(&count.to_be_bytes());
        value.extend_from_slice(piece);
        value
    };
    pieces.iter().map(value).collect()
}

fn join(rows: &[OldRow]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut before: &[u8] = &[];
    for (key, old) in rows {
        let shared = key.iter().zip(before).take(usize::from(u8::MAX)).take_while(|(a, b)| a == b).count();
        let more = key.get(shared..).unwrap_or_default();
        bytes.extend([u8::try_from(shared).unwrap_or(0), u8::try_from(more.len()).unwrap_or(u8::MAX)]);
        bytes.extend_from_slice(more);
        let length = old.as_ref().map_or(0, |old| u32::try_from(old.len() + 1).unwrap_or(u32::MAX));
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend(old.iter().flatten());
        before = key;
    }
    bytes
}

/// One part of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// When the change was made, in milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// The number of the change before, 0 for none.
    pub previous: u64,
    /// How many parts the change has.
    pub parts: u32,
    piece: Vec<u8>,
}

impl Part {
    /// Takes the value of a part apart.
    ///
    /// # Errors
    /// `Record` when it is none.
    pub fn decode(value: &[u8]) -> Result<Self, StoreError> {
        let parse = || {
            let (version, rest) = value.split_first()?;
            let (at_ms, rest) = rest.split_first_chunk()?;
            let (previous, rest) = rest.split_first_chunk()?;
            let (parts, piece) = rest.split_first_chunk()?;
            (*version == VERSION).then(|| Self {
                at_ms: i64::from_be_bytes(*at_ms),
                previous: u64::from_be_bytes(*previous),
                parts: u32::from_be_bytes(*parts),
                piece: piece.to_vec(),
            })
        };
        parse().ok_or_else(undecodable)
    }
}

/// The rows of a change, from all of its parts in order.
///
/// # Errors
/// `Record` when they do not fit together.
pub fn rows(parts: &[Part]) -> Result<Vec<OldRow>, StoreError> {
    let bytes: Vec<u8> = parts.iter().flat_map(|part| &part.piece).copied().collect();
    let mut rows: Vec<OldRow> = Vec::new();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let before = rows.last().map(|(key, _)| key.as_slice()).unwrap_or_default();
        let (row, behind) = take(rest, before).ok_or_else(undecodable)?;
        rest = behind;
        rows.push(row);
    }
    Ok(rows)
}

fn take<'a>(bytes: &'a [u8], before: &[u8]) -> Option<(OldRow, &'a [u8])> {
    let ([shared, more], rest) = bytes.split_first_chunk()?;
    let (more, rest) = rest.split_at_checked(usize::from(*more))?;
    let key = [before.get(..usize::from(*shared))?, more].concat();
    let (length, rest) = rest.split_first_chunk()?;
    match usize::try_from(u32::from_be_bytes(*length)).ok()?.checked_sub(1) {
        None => Some(((key, None), rest)),
        Some(length) => {
            let (old, rest) = rest.split_at_checked(length)?;
            Some(((key, Some(old.to_vec())), rest))
        }
    }
}

fn undecodable() -> StoreError {
    StoreError::Record { what: "decoded", reason: "it is no record of a change".to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(values: &[Vec<u8>]) -> Result<Vec<OldRow>, StoreError> {
        rows(&values.iter().map(|value| Part::decode(value)).collect::<Result<Vec<_>, _>>()?)
    }

    #[test]
    fn bytes_of_a_change_are_fixed() {
        let rows = [(vec![0x11, 1, 2], Some(vec![7])), (vec![0x11, 1, 3], None)];
        let values = encode(2, 3, &rows);
        let header: [&[u8]; 4] = [&[1], &2i64.to_be_bytes(), &3u64.to_be_bytes(), &1u32.to_be_bytes()];
        let piece: [&[u8]; 2] = [&[0, 3, 0x11, 1, 2, 0, 0, 0, 2, 7], &[2, 1, 3, 0, 0, 0, 0]];
        assert_eq!(values, [[header.concat(), piece.concat()].concat()]);
        assert_eq!(decoded(&values).unwrap(), rows);
    }

    #[test]
    fn a_change_without_rows_has_one_part() {
        let values = encode(2, 0, &[]);
        assert_eq!((values.len(), decoded(&values).unwrap()), (1, Vec::new()));
    }

    #[test]
    fn a_long_change_is_cut_into_parts() {
        let rows: Vec<OldRow> = (0..5u8).map(|at| (vec![0x10, at], Some(vec![at; 2_000_000]))).collect();
        let values = encode(2, 3, &rows);
        assert_eq!(values.len(), 3);
        assert!(values.iter().all(|value| Part::decode(value).unwrap().parts == 3));
        assert_eq!(decoded(&values).unwrap(), rows);
        assert!(decoded(&values[..2]).is_err(), "a part is gone");
    }

    #[test]
    fn what_is_no_part_is_refused() {
        let sound = encode(2, 3, &[(vec![0x10, 1], Some(vec![1, 2]))]).remove(0);
        for value in [&[][..], &[2][..], &sound[..20], &sound[..sound.len() - 1]] {
            assert!(decoded(&[value.to_vec()]).is_err(), "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn changes_come_back(rows in proptest::collection::vec(
            (proptest::collection::vec(0..3u8, 1..40), proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20))),
            0..20,
        )) {
            prop_assert_eq!(decoded(&encode(1, 0, &rows)).unwrap(), rows);
        }
    }
}
