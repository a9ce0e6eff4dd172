//! How records become values, and back.
//!
//! **Shape.** A version byte, then the record. Version 1 of a record is its JSON: a field that is added gets a serde default,
//! so old rows read on; a change that this cannot carry gets a new version byte and a reader of the old one here. Grant
//! rows, of which there may be millions, are `1, allow: u64, deny: u64` (big-endian).

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;

const JSON: u8 = 1;
const GRANT: u8 = 1;

/// Encodes a record.
///
/// # Errors
/// `Record` when it has no JSON form.
pub fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, StoreError> {
    let mut value = vec![JSON];
    serde_json::to_writer(&mut value, record)
        .map_err(|error| StoreError::Record { what: "encoded", reason: error.to_string() })?;
    Ok(value)
}

/// Decodes a record.
///
/// # Errors
/// `Record` when its version is unknown or it does not have the shape of `T`.
pub fn decode<T: DeserializeOwned>(value: &[u8]) -> Result<T, StoreError> {
    match value.split_first() {
        Some((&JSON, json)) => serde_json::from_slice(json).map_err(|error| undecodable(error.to_string())),
        Some((version, _)) => Err(unknown_version(*version)),
        None => Err(undecodable("it is empty".to_owned())),
    }
}

/// Encodes the allow and deny bits of a grant row.
pub fn encode_grant(allow: u64, deny: u64) -> Vec<u8> {
    [&[GRANT][..], &allow.to_be_bytes(), &deny.to_be_bytes()].concat()
}

/// Decodes the allow and deny bits of a grant row.
///
/// # Errors
/// `Record` when its version is unknown or it has another length.
pub fn decode_grant(value: &[u8]) -> Result<(u64, u64), StoreError> {
    let (version, bits) = value.split_first().ok_or_else(|| undecodable("it is empty".to_owned()))?;
    if *version != GRANT {
        return Err(unknown_version(*version));
    }
    let bits: Option<(&[u8; 8], &[u8; 8])> =
        bits.split_first_chunk().and_then(|(allow, deny)| Some((allow, deny.try_into().ok()?)));
    let (allow, deny) = bits.ok_or_else(|| undecodable("a grant row has another length".to_owned()))?;
    Ok((u64::from_be_bytes(*allow), u64::from_be_bytes(*deny)))
}

fn unknown_version(version: u8) -> StoreError {
    undecodable(format!("its version {version} is not known: was it written by a newer lakewarden?"))
}

fn undecodable(reason: String) -> StoreError {
    StoreError::Record { what: "decoded", reason }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_of_records_are_fixed() {
        assert_eq!(encode(&("a", 1)).unwrap(), b"\x01[\"a\",1]");
        assert_eq!(encode_grant(1, 2), [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2]);
    }

    #[test]
    fn what_is_not_a_record_of_ours_is_refused() {
        for value in [&b""[..], b"\x02{}", b"\x01{", b"{}"] {
            assert!(matches!(decode::<serde_json::Value>(value), Err(StoreError::Record { what: "decoded", .. })));
        }
        for value in [&b""[..], b"\x01", &[1; 16], &[1; 18], &[2; 17]] {
            assert!(decode_grant(value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn a_record_without_a_json_form_is_refused() {
        let record = std::collections::BTreeMap::from([(vec![1], 1)]);
        assert!(matches!(encode(&record), Err(StoreError::Record { what: "encoded", .. })));
    }

    proptest! {
        #[test]
        fn records_and_grants_come_back(text in ".*", numbers: Vec<i64>, allow: u64, deny: u64) {
            let record = (text, numbers);
            prop_assert_eq!(decode::<(String, Vec<i64>)>(&encode(&record).unwrap()).unwrap(), record);
            prop_assert_eq!(decode_grant(&encode_grant(allow, deny)).unwrap(), (allow, deny));
        }
    }
}
