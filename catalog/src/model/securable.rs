//! Securables: everything that has an owner and can be granted on. One record shape for every kind.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{FunctionBody, Name, PrincipalId, SecurableId, TableBody, ViewBody};

/// The kinds of securables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SecurableKind {
    /// The metastore: the root, exactly one.
    Metastore,
    /// A catalog, in the metastore.
    Catalog,
    /// A schema, in a catalog.
    Schema,
    /// A Delta table, in a schema.
    Table,
    /// A view, in a schema; shares one set of names with tables.
    View,
    /// A SQL scalar function, in a schema.
    Function,
}

impl SecurableKind {
    /// The kind in SQL, upper case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metastore => "METASTORE",
            Self::Catalog => "CATALOG",
            Self::Schema => "SCHEMA",
            Self::Table => "TABLE",
            Self::View => "VIEW",
            Self::Function => "FUNCTION",
        }
    }

    /// The kind as it reads in a message.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Metastore => "metastore",
            Self::Catalog => "catalog",
            Self::Schema => "schema",
            Self::Table => "table",
            Self::View => "view",
            Self::Function => "function",
        }
    }

    /// Reads a kind from its SQL word; `DATABASE` is a schema.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_uppercase().as_str() {
            "METASTORE" => Some(Self::Metastore),
            "CATALOG" => Some(Self::Catalog),
            "SCHEMA" | "DATABASE" => Some(Self::Schema),
            "TABLE" => Some(Self::Table),
            "VIEW" => Some(Self::View),
            "FUNCTION" => Some(Self::Function),
            _ => None,
        }
    }

    /// The set of names that the kind shares inside its parent: tables and views share one.
    pub fn name_class(self) -> NameClass {
        match self {
            Self::Metastore | Self::Catalog | Self::Schema => NameClass::Container,
            Self::Table | Self::View => NameClass::Relation,
            Self::Function => NameClass::Function,
        }
    }
}

impl fmt::Display for SecurableKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of names that must differ inside one parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NameClass {
    /// Catalogs of the metastore, schemas of a catalog.
    Container,
    /// Tables and views of a schema.
    Relation,
    /// Functions of a schema.
    Function,
}

/// A record of the catalog.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Securable {
    /// Its id, which never changes.
    pub id: SecurableId,
    /// What it is in; none for the metastore.
    pub parent: Option<SecurableId>,
    /// Its name in the parent.
    pub name: Name,
    /// Who owns it: a user, group or service principal.
    pub owner: PrincipalId,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Free keys and values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    /// When it was created, in milliseconds since 1970 (UTC).
    pub created_at_ms: i64,
    /// Who created it.
    pub created_by: PrincipalId,
    /// When it was last changed, in milliseconds since 1970 (UTC).
    pub updated_at_ms: i64,
    /// Who last changed it.
    pub updated_by: PrincipalId,
    /// Changes with every change of the record; an update may name the one that it has seen.
    pub etag: u64,
    /// What the kind adds.
    pub body: Body,
}

/// What each kind adds to the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// The metastore.
    Metastore,
    /// A catalog.
    Catalog,
    /// A schema.
    Schema,
    /// A Delta table.
    Table(TableBody),
    /// A view.
    View(ViewBody),
    /// A SQL scalar function.
    Function(FunctionBody),
}

impl Securable {
    /// The kind of the securable.
    pub fn kind(&self) -> SecurableKind {
        match self.body {
            Body::Metastore => SecurableKind::Metastore,
            Body::Catalog => SecurableKind::Catalog,
            Body::Schema => SecurableKind::Schema,
            Body::Table(_) => SecurableKind::Table,
            Body::View(_) => SecurableKind::View,
            Body::Function(_) => SecurableKind::Function,
        }
    }

    /// What it adds as a table.
    pub fn as_table(&self) -> Option<&TableBody> {
        match &self.body {
            Body::Table(table) => Some(table),
            _ => None,
        }
    }

    /// What it adds as a view.
    pub fn as_view(&self) -> Option<&ViewBody> {
        match &self.body {
            Body::View(view) => Some(view),
            _ => None,
        }
    }

    /// What it adds as a function.
    pub fn as_function(&self) -> Option<&FunctionBody> {
        match &self.body {
            Body::Function(function) => Some(function),
            _ => None,
        }
    }
}
