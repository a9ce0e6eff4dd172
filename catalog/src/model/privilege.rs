//! Privileges, the sets of them, and which of them may be granted on which kind of securable.
//!
//! Source: the privilege model of Unity Catalog; the words are those of its `GRANT` statement.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::SecurableKind;

macro_rules! privileges {
    ($($variant:ident = $bit:literal, $text:literal;)*) => {
        /// A privilege. The number is its bit in a stored `PrivilegeSet` and never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum Privilege {
            $(#[doc = $text] $variant = $bit,)*
        }

        impl Privilege {
            /// Every privilege, in the order of their bits.
            pub const ALL: &'static [Privilege] = &[$(Privilege::$variant,)*];

            /// The words of the privilege in SQL, upper case, separated by blanks.
            pub fn as_str(self) -> &'static str {
                match self { $(Privilege::$variant => $text,)* }
            }
        }
    };
}

privileges! {
    AllPrivileges = 0, "ALL PRIVILEGES";
    Manage = 1, "MANAGE";
    Browse = 2, "BROWSE";
    UseCatalog = 3, "USE CATALOG";
    UseSchema = 4, "USE SCHEMA";
    Select = 5, "SELECT";
    Modify = 6, "MODIFY";
    Execute = 7, "EXECUTE";
    CreateCatalog = 8, "CREATE CATALOG";
    CreateSchema = 9, "CREATE SCHEMA";
    CreateTable = 10, "CREATE TABLE";
    CreateFunction = 11, "CREATE FUNCTION";
    CreateView = 12, "CREATE VIEW";
    CreateMaterializedView = 13, "CREATE MATERIALIZED VIEW";
    CreateVolume = 14, "CREATE VOLUME";
    CreateModel = 15, "CREATE MODEL";
    ExternalUseSchema = 16, "EXTERNAL USE SCHEMA";
    ApplyTag = 17, "APPLY TAG";
    Refresh = 18, "REFRESH";
    ReadVolume = 19, "READ VOLUME";
    WriteVolume = 20, "WRITE VOLUME";
    ReadFiles = 21, "READ FILES";
    WriteFiles = 22, "WRITE FILES";
    CreateExternalTable = 23, "CREATE EXTERNAL TABLE";
    CreateExternalVolume = 24, "CREATE EXTERNAL VOLUME";
    CreateManagedStorage = 25, "CREATE MANAGED STORAGE";
    CreateExternalLocation = 26, "CREATE EXTERNAL LOCATION";
    CreateStorageCredential = 27, "CREATE STORAGE CREDENTIAL";
    CreateConnection = 28, "CREATE CONNECTION";
    CreateShare = 29, "CREATE SHARE";
    CreateRecipient = 30, "CREATE RECIPIENT";
    CreateProvider = 31, "CREATE PROVIDER";
    UseShare = 32, "USE SHARE";
    UseRecipient = 33, "USE RECIPIENT";
    UseProvider = 34, "USE PROVIDER";
    SetSharePermission = 35, "SET SHARE PERMISSION";
    Assign = 36, "ASSIGN";
}

impl Privilege {
    /// The bit of the privilege.
    pub fn bit(self) -> u64 {
        1u64 << (self as u8)
    }

    /// Reads a privilege from its SQL words; case is free, and underscores may stand for blanks.
    pub fn parse(text: &str) -> Option<Self> {
        let words = text.replace('_', " ");
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        Self::ALL.iter().copied().find(|p| p.as_str().eq_ignore_ascii_case(&words))
    }

    /// What a privilege was called before, on a kind: USAGE, CREATE and READ_METADATA. Case is free, and underscores may
    /// stand for blanks. Source: the legacy table access control that Unity Catalog replaced.
    pub fn parse_old(text: &str, kind: SecurableKind) -> Option<&'static [Self]> {
        use SecurableKind as K;
        match (text.replace('_', " ").trim().to_ascii_uppercase().as_str(), kind) {
            ("USAGE", K::Catalog) => Some(&[Self::UseCatalog]),
            ("USAGE", K::Schema) => Some(&[Self::UseSchema]),
            ("CREATE", K::Catalog) => Some(&[Self::CreateSchema]),
            ("CREATE", K::Schema) => Some(&[Self::CreateTable, Self::CreateFunction]),
            ("READ METADATA", _) => Some(&[Self::Browse]),
            _ => None,
        }
    }

    /// Whether the privilege may be granted on a securable of this kind: on a kind that it is for, or above it, from where
    /// it is inherited. This is the one table of privileges; `policies/privileges.golden` is its print.
    pub fn grantable_on(self, kind: SecurableKind) -> bool {
        use Privilege as P;
        use SecurableKind as K;
        match self {
            P::AllPrivileges | P::Manage => kind != K::Column,
            P::CreateCatalog
            | P::CreateStorageCredential
            | P::CreateConnection
            | P::CreateShare
            | P::CreateRecipient
            | P::CreateProvider
            | P::UseShare
            | P::UseRecipient
            | P::UseProvider
            | P::SetSharePermission => kind == K::Metastore,
            P::CreateExternalLocation => matches!(kind, K::Metastore | K::StorageCredential),
            P::Browse | P::UseCatalog | P::CreateSchema => kind == K::Catalog,
            P::UseSchema
            | P::CreateTable
            | P::CreateView
            | P::CreateMaterializedView
            | P::CreateFunction
            | P::CreateVolume
            | P::CreateModel
            | P::ExternalUseSchema => matches!(kind, K::Catalog | K::Schema),
            P::Select => matches!(kind, K::Catalog | K::Schema | K::Table | K::View | K::Column | K::Share),
            P::Modify => matches!(kind, K::Catalog | K::Schema | K::Table | K::View | K::Column),
            P::Refresh => matches!(kind, K::Catalog | K::Schema | K::Table | K::View),
            P::ApplyTag => {
                matches!(kind, K::Catalog | K::Schema | K::Table | K::View | K::Function | K::Volume | K::Model)
            }
            P::ReadVolume | P::WriteVolume => matches!(kind, K::Catalog | K::Schema | K::Volume),
            P::Execute => matches!(kind, K::Catalog | K::Schema | K::Function | K::Model),
            P::ReadFiles | P::WriteFiles => matches!(kind, K::ExternalLocation | K::StorageCredential),
            P::CreateExternalTable | P::CreateExternalVolume | P::CreateManagedStorage => kind == K::ExternalLocation,
            P::Assign => kind == K::Tag,
        }
    }

    /// Whether a grant of it above means something on a securable of this kind.
    pub fn reaches(self, kind: SecurableKind) -> bool {
        self == Privilege::Browse && kind != SecurableKind::Metastore || self.grantable_on(kind)
    }

    /// What must be held too on a container of this kind before the privilege counts on it or in it: USE SCHEMA on the
    /// schema, USE CATALOG on the catalog. BROWSE and MANAGE need nothing on the way down.
    pub fn needs_on(self, container: SecurableKind) -> Option<Self> {
        let key = match container {
            SecurableKind::Catalog => Self::UseCatalog,
            SecurableKind::Schema => Self::UseSchema,
            _ => return None,
        };
        (self != key && !matches!(self, Self::Browse | Self::Manage)).then_some(key)
    }

    /// Whether ALL PRIVILEGES stands for it too.
    pub fn in_all_privileges(self) -> bool {
        !matches!(self, Privilege::AllPrivileges | Privilege::Manage | Privilege::ExternalUseSchema)
    }

    /// What else holding it gives: CREATE TABLE gives CREATE VIEW.
    pub fn implies(self, other: Privilege) -> bool {
        (self, other) == (Privilege::CreateTable, Privilege::CreateView)
    }
}

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of privileges, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct PrivilegeSet(pub u64);

impl PrivilegeSet {
    /// The empty set.
    pub const EMPTY: Self = Self(0);

    /// The set with `privilege` in it.
    #[must_use]
    pub fn with(self, privilege: Privilege) -> Self {
        Self(self.0 | privilege.bit())
    }

    /// The set without `privilege`.
    #[must_use]
    pub fn without(self, privilege: Privilege) -> Self {
        Self(self.0 & !privilege.bit())
    }

    /// Whether `privilege` is in the set.
    pub fn contains(self, privilege: Privilege) -> bool {
        self.0 & privilege.bit() != 0
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The privileges in the set, in the order of their bits.
    pub fn iter(self) -> impl Iterator<Item = Privilege> {
        Privilege::ALL.iter().copied().filter(move |p| self.contains(*p))
    }
}

impl FromIterator<Privilege> for PrivilegeSet {
    fn from_iter<I: IntoIterator<Item = Privilege>>(items: I) -> Self {
        items.into_iter().fold(Self::EMPTY, Self::with)
    }
}
