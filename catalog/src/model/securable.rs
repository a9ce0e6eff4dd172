//! Securables: everything that has an owner and can be granted on. One record shape for every kind.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Column, ExternalLocationBody, FunctionBody, Name, Policies, Policy, PrincipalId, SecurableId,
    StorageCredentialBody, TableBody, TableType, TagBody, Tags, Text, ViewBody, VolumeBody, VolumeType,
};

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $noun:literal;)*) => {
        /// The kinds of securables.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum SecurableKind {
            $($(#[$doc])* $variant,)*
        }

        impl SecurableKind {
            /// Every kind.
            pub const ALL: &'static [SecurableKind] = &[$(SecurableKind::$variant,)*];

            /// The kind in SQL, upper case.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The kind as it reads in a message.
            pub fn noun(self) -> &'static str {
                match self { $(Self::$variant => $noun,)* }
            }
        }
    };
}

kinds! {
    /// The metastore: the root, exactly one.
    Metastore = "METASTORE", "metastore";
    /// A catalog, in the metastore.
    Catalog = "CATALOG", "catalog";
    /// A schema, in a catalog.
    Schema = "SCHEMA", "schema";
    /// A Delta table, in a schema.
    Table = "TABLE", "table";
    /// A view, in a schema; shares one set of names with tables.
    View = "VIEW", "view";
    /// A SQL scalar function, in a schema.
    Function = "FUNCTION", "function";
    /// A folder of files, in a schema.
    Volume = "VOLUME", "volume";
    /// A model, in a schema.
    Model = "MODEL", "model";
    /// A place outside that tables and volumes may lie in, in the metastore.
    ExternalLocation = "EXTERNAL LOCATION", "external location";
    /// What opens an external location, in the metastore.
    StorageCredential = "STORAGE CREDENTIAL", "storage credential";
    /// A way to another system, in the metastore.
    Connection = "CONNECTION", "connection";
    /// A set of tables that recipients are given, in the metastore.
    Share = "SHARE", "share";
    /// Somebody outside that shares are given to, in the metastore.
    Recipient = "RECIPIENT", "recipient";
    /// Somebody outside that shares come from, in the metastore.
    Provider = "PROVIDER", "provider";
    /// A governed tag, in the metastore.
    Tag = "TAG", "tag";
    /// A column of a table or view. It has no record of its own: it is granted on through its table.
    Column = "COLUMN", "column";
}

impl SecurableKind {
    /// Reads a kind from its SQL words; case is free, underscores may stand for blanks, and `DATABASE` is a schema.
    pub fn parse(text: &str) -> Option<Self> {
        let words = text.replace('_', " ").split_whitespace().collect::<Vec<_>>().join(" ");
        match words.to_ascii_uppercase().as_str() {
            "DATABASE" => Some(Self::Schema),
            words => Self::ALL.iter().copied().find(|kind| kind.as_str() == words),
        }
    }

    /// The set of names that the kind shares inside its parent: tables and views share one. A column has no name of its
    /// own in the index; its class is that of nothing.
    pub fn name_class(self) -> NameClass {
        match self {
            Self::Metastore | Self::Catalog | Self::Schema => NameClass::Container,
            Self::Table | Self::View => NameClass::Relation,
            Self::Function => NameClass::Function,
            Self::Volume => NameClass::Volume,
            Self::Model => NameClass::Model,
            Self::ExternalLocation => NameClass::ExternalLocation,
            Self::StorageCredential => NameClass::StorageCredential,
            Self::Connection => NameClass::Connection,
            Self::Share => NameClass::Share,
            Self::Recipient => NameClass::Recipient,
            Self::Provider => NameClass::Provider,
            Self::Tag => NameClass::Tag,
            Self::Column => NameClass::Column,
        }
    }

    /// How many parts the full name of a securable of this kind has; 0 for the metastore, of which there is one.
    pub fn name_parts(self) -> usize {
        match self {
            Self::Metastore => 0,
            Self::Catalog
            | Self::ExternalLocation
            | Self::StorageCredential
            | Self::Connection
            | Self::Share
            | Self::Recipient
            | Self::Provider
            | Self::Tag => 1,
            Self::Schema => 2,
            Self::Table | Self::View | Self::Function | Self::Volume | Self::Model => 3,
            Self::Column => 4,
        }
    }

    /// Whether tables and views stand for each other under one name.
    pub fn is_relation(self) -> bool {
        matches!(self, Self::Table | Self::View)
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
    /// Volumes of a schema.
    Volume,
    /// Models of a schema.
    Model,
    /// External locations of the metastore.
    ExternalLocation,
    /// Storage credentials of the metastore.
    StorageCredential,
    /// Connections of the metastore.
    Connection,
    /// Shares of the metastore.
    Share,
    /// Recipients of the metastore.
    Recipient,
    /// Providers of the metastore.
    Provider,
    /// Governed tags of the metastore.
    Tag,
    /// Columns of a relation, which are not in the index of names.
    Column,
}

impl NameClass {
    /// The sets of names that a parent may have children in.
    pub const OF_CHILDREN: &'static [NameClass] = &[
        NameClass::Container,
        NameClass::Relation,
        NameClass::Function,
        NameClass::Volume,
        NameClass::Model,
        NameClass::ExternalLocation,
        NameClass::StorageCredential,
        NameClass::Connection,
        NameClass::Share,
        NameClass::Recipient,
        NameClass::Provider,
        NameClass::Tag,
    ];
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
    /// Its tags; never an empty set of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Box<Tags>>,
    /// The policies on it, of a catalog, schema or table; never an empty set of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Box<Policies>>,
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
    View(Box<ViewBody>),
    /// A SQL scalar function.
    Function(Box<FunctionBody>),
    /// A volume.
    Volume(VolumeBody),
    /// An external location.
    ExternalLocation(ExternalLocationBody),
    /// A storage credential.
    StorageCredential(StorageCredentialBody),
    /// A governed tag.
    Tag(TagBody),
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
            Body::Volume(_) => SecurableKind::Volume,
            Body::ExternalLocation(_) => SecurableKind::ExternalLocation,
            Body::StorageCredential(_) => SecurableKind::StorageCredential,
            Body::Tag(_) => SecurableKind::Tag,
        }
    }

    /// The value of one of its tags.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.as_ref()?.get(key).map(Text::as_str)
    }

    /// The policies on it, in the order of their names.
    pub fn policies(&self) -> &[Policy] {
        self.policies.as_ref().map(|policies| policies.0.as_slice()).unwrap_or_default()
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

    /// The columns of a table or view; none of anything else.
    pub fn columns(&self) -> &[Column] {
        match &self.body {
            Body::Table(table) => &table.columns,
            Body::View(view) => &view.columns,
            _ => &[],
        }
    }

    /// Those columns, to change them.
    pub(crate) fn columns_mut(&mut self) -> &mut [Column] {
        match &mut self.body {
            Body::Table(table) => &mut table.columns,
            Body::View(view) => &mut view.columns,
            _ => &mut [],
        }
    }

    /// What it adds as a governed tag.
    pub fn as_tag(&self) -> Option<&TagBody> {
        match &self.body {
            Body::Tag(tag) => Some(tag),
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

    /// What it adds as an external location.
    pub fn as_external_location(&self) -> Option<&ExternalLocationBody> {
        match &self.body {
            Body::ExternalLocation(location) => Some(location),
            _ => None,
        }
    }

    /// What it adds as a storage credential.
    pub fn as_storage_credential(&self) -> Option<&StorageCredentialBody> {
        match &self.body {
            Body::StorageCredential(credential) => Some(credential),
            _ => None,
        }
    }

    /// What it adds as a volume.
    pub fn as_volume(&self) -> Option<&VolumeBody> {
        match &self.body {
            Body::Volume(volume) => Some(volume),
            _ => None,
        }
    }

    /// The folder of a table or volume, as a URL.
    pub fn folder(&self) -> Option<&Arc<str>> {
        match &self.body {
            Body::Table(table) => Some(&table.location),
            Body::Volume(volume) => Some(&volume.location),
            _ => None,
        }
    }

    /// The folder of a table or volume whose files are ours, so that they go with it.
    pub fn managed_folder(&self) -> Option<&str> {
        let is_ours = match &self.body {
            Body::Table(table) => table.table_type == TableType::Managed,
            Body::Volume(volume) => volume.volume_type == VolumeType::Managed,
            _ => false,
        };
        self.folder().filter(|_| is_ours).map(|folder| &**folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table as a store has it that was written before there were tags and policies.
    #[test]
    fn records_from_before_tags_and_policies_read_on_and_are_written_as_they_were() {
        let old = r#"{"id":"00000000-0000-7000-8000-000000000001","parent":null,"name":"t",
            "owner":"00000000-0000-0000-0000-000000000001","created_at_ms":1,
            "created_by":"00000000-0000-0000-0000-000000000001","updated_at_ms":1,
            "updated_by":"00000000-0000-0000-0000-000000000001","etag":1,
            "body":{"kind":"table","table_type":"managed","location":"file:///t","columns":[
                {"id":0,"name":"a","type_text":"INT","nullable":true,
                 "mask":{"function":"00000000-0000-7000-8000-000000000002","using":[{"column":0}]}}],
             "next_column_id":1,
             "row_filter":{"function":"00000000-0000-7000-8000-000000000003","arguments":[{"literal":"1"}]}}}"#;
        let read: Securable = serde_json::from_str(old).unwrap();
        assert!(read.tags.is_none() && read.policies().is_empty());
        assert_eq!(read.columns()[0].masks().count(), 1);
        let (written, old): (serde_json::Value, serde_json::Value) =
            (serde_json::to_value(&read).unwrap(), serde_json::from_str(old).unwrap());
        assert_eq!(written, old);
    }
}
