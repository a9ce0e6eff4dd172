//! How a value lies in the engine: a head with a checksum, and chunks for what is long.
//!
//! The engine moves a page of long values into a file of its own that it never syncs, and a power cut then leaves a store
//! that does not open. So nothing longer than [`CHUNK_BYTES`] (and the head) is ever handed to it.
//!
//! **Shape.** Under the key itself lies the head row: `version: u8 = 1`, `chunks: u16`, `crc: u32`, then the first
//! [`CHUNK_BYTES`] of the value. The rest lies in `chunks` rows under `0xff, key, index: u16`, counted from 0. Numbers are
//! big-endian. The crc is the CRC-32 of key and whole value, so a row that lies under another row's key, or that misses a
//! chunk or has one of an older value, is found too. No key of ours begins with `0xff`, so chunks stand behind all rows.

use super::StoreError;

/// The most bytes of a value that one engine row takes.
pub(super) const CHUNK_BYTES: usize = 3_584;
/// The longest key, in bytes.
pub(super) const MAX_KEY_BYTES: usize = 256;
/// The longest value, in bytes.
pub(super) const MAX_VALUE_BYTES: usize = 16 * 1024 * 1024;
/// The first byte of the keys of chunks.
pub(super) const OVERFLOW: u8 = 0xff;

const VERSION: u8 = 1;
/// How many bytes of a head row stand before the value.
const HEAD_BYTES: usize = 7;

/// A head row, taken apart.
pub(super) struct Head<'a> {
    /// How many chunk rows follow.
    pub chunks: u16,
    /// The checksum of key and value.
    pub crc: u32,
    payload: &'a [u8],
}

impl<'a> Head<'a> {
    /// Takes the head row of `key` apart.
    ///
    /// # Errors
    /// `Corrupt` when it is no head row of a version that we know.
    pub fn parse(key: &[u8], raw: &'a [u8]) -> Result<Self, StoreError> {
        let parse = || {
            let (&version, raw) = raw.split_first()?;
            let (chunks, raw) = raw.split_first_chunk()?;
            let (crc, payload) = raw.split_first_chunk()?;
            let head = Self { chunks: u16::from_be_bytes(*chunks), crc: u32::from_be_bytes(*crc), payload };
            (version == VERSION).then_some(head)
        };
        parse().ok_or_else(|| corrupt(key))
    }

    /// The value, when it has no chunks.
    ///
    /// # Errors
    /// `Corrupt` when the checksum differs, as it does when there are chunks.
    pub fn whole(&self, key: &[u8]) -> Result<&'a [u8], StoreError> {
        if checksum(key, self.payload) == self.crc { Ok(self.payload) } else { Err(corrupt(key)) }
    }

    /// Puts the value together; `chunk` reads a chunk row.
    ///
    /// # Errors
    /// `Corrupt` when a chunk is absent or the checksum differs, and the errors of `chunk`.
    pub fn join(
        &self,
        key: &[u8],
        chunk: impl Fn(&[u8]) -> Result<Option<Vec<u8>>, StoreError>,
    ) -> Result<Vec<u8>, StoreError> {
        if self.chunks == 0 {
            return self.whole(key).map(<[u8]>::to_vec);
        }
        let mut value = self.payload.to_vec();
        for index in 0..self.chunks {
            let part = chunk(&chunk_key(key, index))?.ok_or_else(|| corrupt(key))?;
            value.extend_from_slice(&part);
        }
        if checksum(key, &value) == self.crc { Ok(value) } else { Err(corrupt(key)) }
    }
}

/// What of a value a head row has.
pub(super) fn payload(raw: &[u8]) -> &[u8] {
    raw.get(HEAD_BYTES..).unwrap_or_default()
}

/// A value, cut into engine rows.
pub(super) struct Parts<'a> {
    /// The head row.
    pub head: Vec<u8>,
    /// The chunk rows, by key.
    pub chunks: Vec<(Vec<u8>, &'a [u8])>,
    /// The checksum of key and value.
    pub crc: u32,
}

/// Cuts a value that is no longer than [`MAX_VALUE_BYTES`] into engine rows.
pub(super) fn split<'a>(key: &[u8], value: &'a [u8]) -> Parts<'a> {
    let (first, rest) = value.split_at_checked(CHUNK_BYTES).unwrap_or((value, &[]));
    let chunks: Vec<_> = (0u16..).zip(rest.chunks(CHUNK_BYTES)).map(|(at, part)| (chunk_key(key, at), part)).collect();
    let count = u16::try_from(chunks.len()).unwrap_or(u16::MAX);
    let crc = checksum(key, value);
    let mut head = Vec::with_capacity(HEAD_BYTES + first.len());
    head.push(VERSION);
    head.extend_from_slice(&count.to_be_bytes());
    head.extend_from_slice(&crc.to_be_bytes());
    head.extend_from_slice(first);
    Parts { head, chunks, crc }
}

/// The key of one chunk of the value under `key`.
pub(super) fn chunk_key(key: &[u8], index: u16) -> Vec<u8> {
    let mut chunk = Vec::with_capacity(key.len() + 3);
    chunk.push(OVERFLOW);
    chunk.extend_from_slice(key);
    chunk.extend_from_slice(&index.to_be_bytes());
    chunk
}

fn checksum(key: &[u8], value: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(value);
    hasher.finalize()
}

fn corrupt(key: &[u8]) -> StoreError {
    StoreError::Corrupt { key: key.to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_of_a_row_is_fixed() {
        let Parts { head, chunks, .. } = split(b"k", b"value");
        assert_eq!(head, [&[1, 0, 0][..], &checksum(b"k", b"value").to_be_bytes(), b"value"].concat());
        assert_eq!(checksum(b"", b"123456789"), 0xcbf4_3926, "the CRC-32 of the zip and ethernet specifications");
        assert!(chunks.is_empty());

        let long = vec![7; CHUNK_BYTES + 1];
        let Parts { head, chunks, .. } = split(b"k", &long);
        assert_eq!(head[..3], [1, 0, 1]);
        assert_eq!(chunks, [(vec![0xff, b'k', 0, 0], &[7u8][..])]);
    }

    #[test]
    fn the_longest_value_has_fewer_chunks_than_can_be_counted() {
        assert!(MAX_VALUE_BYTES.div_ceil(CHUNK_BYTES) < usize::from(u16::MAX));
    }

    #[test]
    fn a_row_under_another_key_is_corrupt() {
        let Parts { head, .. } = split(b"k", b"value");
        let none = |_: &[u8]| Ok(None);
        assert!(Head::parse(b"k", &head).unwrap().join(b"k", none).is_ok());
        assert!(Head::parse(b"l", &head).unwrap().join(b"l", none).is_err());
    }
}
