//! What masks are made of.
//!
//! Each fails closed: a value that doesn't have the form that a mask is for is masked whole. NULL stays NULL.

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray};
use arrow::datatypes::DataType;
use aws_lc_rs::digest::{self, Algorithm};

use datafusion::error::Result;

use super::native::{Native, Takes, each_text, one_char, text, texts, whole};

/// The functions.
pub(super) const FUNCTIONS: &[Native] = &[
    Native {
        name: "mask",
        aliases: &[],
        takes: &[Takes::Text, Takes::Text, Takes::Text, Takes::Text, Takes::Text],
        required: 1,
        returns: || DataType::Utf8View,
        run: mask,
    },
    Native {
        name: "mask_email",
        aliases: &[],
        takes: &[Takes::Text],
        required: 1,
        returns: || DataType::Utf8View,
        run: |args| each_text(args, |row| Ok(text(texts(args, 0), row).map(masked_email))),
    },
    Native {
        name: "mask_keep_last",
        aliases: &[],
        takes: &[Takes::Text, Takes::Whole, Takes::Text],
        required: 2,
        returns: || DataType::Utf8View,
        run: |args| keep("mask_keep_last", args, |at, chars, kept| at + kept >= chars),
    },
    Native {
        name: "mask_keep_first",
        aliases: &[],
        takes: &[Takes::Text, Takes::Whole, Takes::Text],
        required: 2,
        returns: || DataType::Utf8View,
        run: |args| keep("mask_keep_first", args, |at, _, kept| at < kept),
    },
    Native {
        name: "mask_hash",
        aliases: &[],
        takes: &[Takes::Bytes],
        required: 1,
        returns: || DataType::Utf8View,
        run: |args| each_text(args, |row| Ok(bytes(args, row).map(|given| hex_digest(&digest::SHA256, given)))),
    },
    Native {
        name: "sha1",
        aliases: &["sha"],
        takes: &[Takes::Bytes],
        required: 1,
        returns: || DataType::Utf8View,
        run: |args| {
            let algorithm = &digest::SHA1_FOR_LEGACY_USE_ONLY;
            each_text(args, |row| Ok(bytes(args, row).map(|given| hex_digest(algorithm, given))))
        },
    },
    Native {
        name: "sha2",
        aliases: &[],
        takes: &[Takes::Bytes, Takes::Whole],
        required: 2,
        returns: || DataType::Utf8View,
        run: sha2,
    },
];

/// `mask(text[, upper[, lower[, digit[, other]]]])`: what stands for upper-case letters, lower-case letters, digits and everything else. Left out it
/// is `X`, `x`, `n` and nothing; NULL keeps the characters of a kind.
fn mask(args: &[ArrayRef]) -> Result<ArrayRef> {
    let defaults = [Some('X'), Some('x'), Some('n'), None];
    let kinds = ["the character for upper case", "the one for lower case", "the one for digits", "the one for others"];
    let stands_for = |row: usize| -> Result<[Option<char>; 4]> {
        let mut stands_for = defaults;
        for (at, slot) in stands_for.iter_mut().enumerate() {
            if let Some(given) = texts(args, at + 1) {
                let what = kinds.get(at).copied().unwrap_or_default();
                *slot = text(Some(given), row).map(|one| one_char("mask", what, one)).transpose()?;
            }
        }
        Ok(stands_for)
    };
    each_text(args, |row| {
        let Some(given) = text(texts(args, 0), row) else { return Ok(None) };
        let [upper, lower, digit, other] = stands_for(row)?;
        let one = |c: char| {
            let kind = match c {
                c if c.is_uppercase() => upper,
                c if c.is_lowercase() => lower,
                c if c.is_numeric() => digit,
                _ => other,
            };
            kind.unwrap_or(c)
        };
        Ok(Some(given.chars().map(one).collect()))
    })
}

/// What stands for a text that is no address.
const NO_ADDRESS: &str = "***";

/// The first letter of the name, and the host: `a***@example.com`. A name of one letter is masked whole, and so is what is no address.
fn masked_email(given: &str) -> String {
    let Some((name, host)) = given.split_once('@').filter(|(name, host)| is_address(name, host)) else {
        return NO_ADDRESS.to_owned();
    };
    let mut chars = name.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(_)) => format!("{first}***@{host}"),
        _ => format!("***@{host}"),
    }
}

/// Whether both sides read like an address: a host of at least two labels, the last one of letters. A number with an `@` in it is none.
fn is_address(name: &str, host: &str) -> bool {
    let is_label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    let top = host.rsplit('.').next().unwrap_or_default();
    !name.is_empty()
        && !name.chars().any(|c| c.is_whitespace() || c.is_control())
        && host.contains('.')
        && host.split('.').all(is_label)
        && top.chars().count() > 1
        && top.chars().all(char::is_alphabetic)
}

/// Masks all but some characters at one end. When that would keep all of them, none is kept.
fn keep(name: &'static str, args: &[ArrayRef], is_kept: impl Fn(usize, usize, usize) -> bool) -> Result<ArrayRef> {
    each_text(args, |row| {
        let with = match texts(args, 2) {
            Some(given) => text(Some(given), row),
            None => Some("*"),
        };
        let (Some(given), Some(kept), Some(with)) = (text(texts(args, 0), row), whole(args, 1, row), with) else {
            return Ok(None);
        };
        let with = one_char(name, "the character", with)?;
        let chars = given.chars().count();
        let kept = usize::try_from(kept).ok().filter(|kept| *kept < chars).unwrap_or(0);
        let one = |(at, c)| if is_kept(at, chars, kept) { c } else { with };
        Ok(Some(given.chars().enumerate().map(one).collect()))
    })
}

/// `sha2(value, bits)`: 224, 256, 384, 512, and 0 for 256; NULL for other sizes.
fn sha2(args: &[ArrayRef]) -> Result<ArrayRef> {
    each_text(args, |row| {
        let (Some(given), Some(bits)) = (bytes(args, row), whole(args, 1, row)) else { return Ok(None) };
        let algorithm = match bits {
            224 => &digest::SHA224,
            0 | 256 => &digest::SHA256,
            384 => &digest::SHA384,
            512 => &digest::SHA512,
            _ => return Ok(None),
        };
        Ok(Some(hex_digest(algorithm, given)))
    })
}

/// The bytes of the first argument; those of its text when it is no binary.
pub(super) fn bytes(args: &[ArrayRef], row: usize) -> Option<&[u8]> {
    let array = args.first()?;
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::BinaryView => Some(array.as_binary_view().value(row)),
        _ => array.as_any().downcast_ref::<StringViewArray>().map(|texts| texts.value(row).as_bytes()),
    }
}

fn hex_digest(algorithm: &'static Algorithm, given: &[u8]) -> String {
    hex(digest::digest(algorithm, given).as_ref())
}

/// Bytes in hexadecimal, lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
