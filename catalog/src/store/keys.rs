//! The keys of all rows, in one place.
//!
//! **Shape.** One byte for the family, then the parts of the key, each of fixed width and big-endian, nothing between them.
//! So keys order by family, then part by part, and the rows below a leading part lie together. Ids are their 16 bytes,
//! which for UUIDv7 order by time.
//!
//! A new family is one line in the table below, and one line in the golden test. A byte once used is never given to
//! another family. `0x00` and `0xff` are not families.

use uuid::Uuid;

use crate::model::{ColumnId, PrincipalId, SecurableId, TokenId};

macro_rules! families {
    ($($(#[$doc:meta])* $family:ident = $byte:literal ($($part:ident: $type:ty),+);)+) => {
        /// The families of rows; the number is the first byte of their keys.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Family {
            $($(#[$doc])* $family = $byte,)+
        }

        impl Family {
            /// Every family, in the order of their bytes.
            pub const ALL: &'static [Family] = &[$(Family::$family,)+];

            /// The prefix that all keys of the family have, and no other key.
            pub fn prefix(self) -> [u8; 1] {
                [self as u8]
            }
        }

        /// The key of a row, taken apart.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Key {
            $($(#[$doc])* $family($($type),+),)+
        }

        impl Key {
            /// The family of the row.
            pub fn family(&self) -> Family {
                match self { $(Self::$family(..) => Family::$family,)+ }
            }

            /// The bytes of the key.
            pub fn bytes(&self) -> Vec<u8> {
                let mut bytes = self.family().prefix().to_vec();
                match self { $(Self::$family($($part),+) => { $($part.put(&mut bytes);)+ })+ }
                bytes
            }

            /// Takes a key apart; none when it is no key of ours.
            pub fn parse(bytes: &[u8]) -> Option<Self> {
                let (family, mut rest) = bytes.split_first()?;
                let key = match *family {
                    $($byte => Self::$family($(<$type>::take(&mut rest)?),+),)+
                    _ => return None,
                };
                rest.is_empty().then_some(key)
            }
        }

        impl From<Key> for Vec<u8> {
            fn from(key: Key) -> Self {
                key.bytes()
            }
        }
    };
}

families! {
    /// What belongs to the store as a whole: the format, the metastore's id.
    Meta = 0x01 (what: MetaRow);
    /// The record of a securable.
    Securable = 0x10 (id: SecurableId);
    /// What a principal is granted and denied on a securable.
    Grant = 0x11 (securable: SecurableId, principal: PrincipalId);
    /// What a principal is granted and denied on one column of a table or view.
    ColumnGrant = 0x12 (relation: SecurableId, column: ColumnId, principal: PrincipalId);
    /// The record of a user, group or service principal.
    Principal = 0x20 (id: PrincipalId);
    /// That a principal is a direct member of a group: the group, then the member.
    Member = 0x21 (group: PrincipalId, member: PrincipalId);
    /// The record of an access token.
    Token = 0x30 (id: TokenId);
    /// An audit record, by its place in the log.
    Audit = 0x40 (seq: u64);
    /// A part of what a change did, so that it can be undone: the number of its audit record, then the part's own.
    Change = 0x41 (seq: u64, part: u32);
    /// An effect outside the store that is due, such as files to delete.
    Intent = 0x50 (id: Uuid);
}

/// The rows of the family `Meta`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum MetaRow {
    /// The format of the store: `u32`, big-endian. The store itself writes and checks it.
    Format = 0,
    /// The id of the metastore.
    Metastore = 1,
    /// What the store holds, by its own account. The store itself keeps it.
    Ledger = 2,
}

/// A part of a key: of fixed width, and ordered as its bytes are.
trait Part: Sized {
    fn put(&self, bytes: &mut Vec<u8>);
    fn take(bytes: &mut &[u8]) -> Option<Self>;
}

fn take_chunk<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (chunk, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*chunk)
}

impl Part for u64 {
    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_be_bytes());
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        take_chunk(bytes).map(Self::from_be_bytes)
    }
}

impl Part for u32 {
    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_be_bytes());
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        take_chunk(bytes).map(Self::from_be_bytes)
    }
}

impl Part for ColumnId {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.0.put(bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        u32::take(bytes).map(Self)
    }
}

impl Part for Uuid {
    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.as_bytes());
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        take_chunk(bytes).map(Self::from_bytes)
    }
}

impl Part for MetaRow {
    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.push(*self as u8);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        match take_chunk(bytes)? {
            [0] => Some(Self::Format),
            [1] => Some(Self::Metastore),
            [2] => Some(Self::Ledger),
            _ => None,
        }
    }
}

macro_rules! id_parts {
    ($($id:ident),+) => {
        $(impl Part for $id {
            fn put(&self, bytes: &mut Vec<u8>) {
                self.0.put(bytes);
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                Uuid::take(bytes).map(Self)
            }
        })+
    };
}

id_parts!(SecurableId, PrincipalId, TokenId);

#[cfg(test)]
mod tests;
