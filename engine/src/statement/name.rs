//! Names as they were written.

use std::fmt;

use sqlparser::ast as sql;

/// A name of one or more parts, each spelled as in the text (quotes taken off, nothing folded).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName {
    /// The parts, outermost first; never empty.
    pub parts: Vec<String>,
}

impl ObjectName {
    /// A name of the given parts.
    pub fn new<S: Into<String>>(parts: impl IntoIterator<Item = S>) -> Self {
        Self { parts: parts.into_iter().map(Into::into).collect() }
    }

    /// Takes a name over from the query parser; `None` when a part is computed (`IDENTIFIER(..)`).
    pub fn from_sql(name: &sql::ObjectName) -> Option<Self> {
        let parts = name.0.iter().map(|part| part.as_ident().map(|ident| ident.value.clone()));
        parts.collect::<Option<Vec<_>>>().map(|parts| Self { parts })
    }

    /// The same name to a reader who ignores case.
    pub fn folded(&self) -> Vec<String> {
        self.parts.iter().map(|part| part.to_lowercase()).collect()
    }
}

/// Writes the name so that it parses back: parts that are not plain words are quoted.
impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.parts.iter().enumerate() {
            if at > 0 {
                f.write_str(".")?;
            }
            f.write_str(&quoted(part))?;
        }
        Ok(())
    }
}

/// A part as SQL: bare when it is a plain word, else in backticks.
pub(super) fn quoted(part: &str) -> String {
    let plain = part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { part.to_owned() } else { format!("`{}`", part.replace('`', "``")) }
}

/// The kinds of objects that statements name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// `METASTORE`, which has no name.
    Metastore,
    /// `CATALOG`.
    Catalog,
    /// `SCHEMA` or `DATABASE`.
    Schema,
    /// `TABLE`.
    Table,
    /// `VIEW`.
    View,
    /// `MATERIALIZED VIEW`.
    MaterializedView,
    /// `FUNCTION`.
    Function,
    /// `PROCEDURE`.
    Procedure,
    /// `VOLUME`.
    Volume,
    /// `MODEL`.
    Model,
    /// `COLUMN`, named with its table: `c.s.t.col`.
    Column,
    /// `EXTERNAL LOCATION`.
    ExternalLocation,
    /// `STORAGE CREDENTIAL`.
    StorageCredential,
    /// `SERVICE CREDENTIAL`.
    ServiceCredential,
    /// `CREDENTIAL`.
    Credential,
    /// `CONNECTION`.
    Connection,
    /// `SHARE`.
    Share,
    /// `RECIPIENT`.
    Recipient,
    /// `PROVIDER`.
    Provider,
    /// `POLICY`.
    Policy,
    /// `TAG`.
    Tag,
    /// `ANY FILE`, which has no name.
    AnyFile,
    /// `ANONYMOUS FUNCTION`, which has no name.
    AnonymousFunction,
}

impl ObjectKind {
    /// Every kind with its words, the longer first where one begins another.
    pub(super) const WORDS: &'static [(Self, &'static [&'static str])] = &[
        (Self::Metastore, &["METASTORE"]),
        (Self::Catalog, &["CATALOG"]),
        (Self::Schema, &["SCHEMA"]),
        (Self::Schema, &["DATABASE"]),
        (Self::Table, &["TABLE"]),
        (Self::View, &["VIEW"]),
        (Self::MaterializedView, &["MATERIALIZED", "VIEW"]),
        (Self::Function, &["FUNCTION"]),
        (Self::Procedure, &["PROCEDURE"]),
        (Self::Volume, &["VOLUME"]),
        (Self::Model, &["MODEL"]),
        (Self::Column, &["COLUMN"]),
        (Self::ExternalLocation, &["EXTERNAL", "LOCATION"]),
        (Self::StorageCredential, &["STORAGE", "CREDENTIAL"]),
        (Self::ServiceCredential, &["SERVICE", "CREDENTIAL"]),
        (Self::Credential, &["CREDENTIAL"]),
        (Self::Connection, &["CONNECTION"]),
        (Self::Share, &["SHARE"]),
        (Self::Recipient, &["RECIPIENT"]),
        (Self::Provider, &["PROVIDER"]),
        (Self::Policy, &["POLICY"]),
        (Self::Tag, &["TAG"]),
        (Self::AnyFile, &["ANY", "FILE"]),
        (Self::AnonymousFunction, &["ANONYMOUS", "FUNCTION"]),
    ];

    /// Whether there is only one such object, so that it goes without a name.
    pub fn is_nameless(self) -> bool {
        matches!(self, Self::Metastore | Self::AnyFile | Self::AnonymousFunction)
    }

    /// The kind as a reader knows it, in lower case.
    pub fn word(self) -> &'static str {
        match self {
            Self::Metastore => "metastore",
            Self::Catalog => "catalog",
            Self::Schema => "schema",
            Self::Table => "table",
            Self::View => "view",
            Self::MaterializedView => "materialized view",
            Self::Function => "function",
            Self::Procedure => "procedure",
            Self::Volume => "volume",
            Self::Model => "model",
            Self::Column => "column",
            Self::ExternalLocation => "external location",
            Self::StorageCredential => "storage credential",
            Self::ServiceCredential => "service credential",
            Self::Credential => "credential",
            Self::Connection => "connection",
            Self::Share => "share",
            Self::Recipient => "recipient",
            Self::Provider => "provider",
            Self::Policy => "policy",
            Self::Tag => "tag",
            Self::AnyFile => "any file",
            Self::AnonymousFunction => "anonymous function",
        }
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
