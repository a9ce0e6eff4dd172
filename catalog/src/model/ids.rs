//! Ids: UUIDv7 newtypes. Inside the catalog everything is keyed by id; names are an index.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

id!(
    /// The id of a securable: the metastore, a catalog, schema, table, view or function.
    SecurableId
);
id!(
    /// The id of a principal: a user, group or service principal.
    PrincipalId
);
id!(
    /// The id of an access token (the `jti` of its JWT).
    TokenId
);
id!(
    /// The id of a policy.
    PolicyId
);
id!(
    /// The id of one request at a door.
    RequestId
);

/// The id of a column, unique in its table and never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ColumnId(pub u32);

impl SecurableId {
    /// The id by which a column stands in the chain of one question to the gate. It is made from the relation's id and the
    /// column's, so it differs from every other link of that chain; it is never stored.
    pub fn of_column(relation: SecurableId, column: ColumnId) -> Self {
        // UUIDv7 has version 7 in these bits; this one has version 8, so it is no id of a record.
        let bits = relation.0.as_u128() ^ u128::from(column.0).rotate_left(80);
        Self(Uuid::from_u128(bits & !(0xf << 76) | (8 << 76)))
    }
}
