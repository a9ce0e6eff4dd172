//! Creating catalogs and schemas.

use std::collections::BTreeMap;

use super::entries::{Entry, refuse_system, require_free, require_not_reserved};
use crate::model::{Body, FullName, Name, Privilege, Securable, SecurableId, SecurableKind};
use crate::tx::Tx;
use crate::{Caller, CatalogError, metastore::Metastore};

/// What every new securable may bring.
#[derive(Debug, Clone, Default)]
pub struct Describe {
    /// Free text.
    pub comment: Option<String>,
    /// Free keys and values.
    pub properties: BTreeMap<String, String>,
}

impl Metastore {
    /// Creates a catalog; its creator owns it. Nothing is granted to anybody.
    ///
    /// # Errors
    /// `PermissionDenied` without CREATE CATALOG on the metastore, `AlreadyExists`.
    pub fn create_catalog(&self, caller: &Caller, name: &Name, describe: &Describe) -> Result<Entry, CatalogError> {
        self.write(caller, "catalogs.create", name.as_str(), |tx| {
            let pinned = tx.pinned();
            let root = pinned.root()?.clone();
            pinned.require(&root, Privilege::CreateCatalog)?;
            require_not_reserved(SecurableKind::Catalog, name)?;
            require_free(tx, root.id, SecurableKind::Catalog, name, None)?;
            let fresh = fresh(tx, root.id, name.clone(), describe, Body::Catalog);
            let created = tx.put_securable(fresh)?;
            Ok(Entry::of(&tx.changed(), created))
        })
    }

    /// Creates a schema; its creator owns it.
    ///
    /// # Errors
    /// `NotFound` when the catalog is absent or hidden, `PermissionDenied` without CREATE SCHEMA on it, `AlreadyExists`.
    pub fn create_schema(&self, caller: &Caller, name: &FullName, describe: &Describe) -> Result<Entry, CatalogError> {
        self.write(caller, "schemas.create", &name.to_string(), |tx| {
            let (parent, last) = split(SecurableKind::Schema, name)?;
            let catalog = tx.pinned().resolve_for(SecurableKind::Catalog, &parent, Privilege::CreateSchema)?;
            refuse_system(tx, &catalog)?;
            require_not_reserved(SecurableKind::Schema, last)?;
            require_free(tx, catalog.id, SecurableKind::Schema, last, None)?;
            let fresh = fresh(tx, catalog.id, last.clone(), describe, Body::Schema);
            let created = tx.put_securable(fresh)?;
            Ok(Entry::of(&tx.changed(), created))
        })
    }
}

/// A new record, owned by the caller.
pub(crate) fn fresh(tx: &Tx, parent: SecurableId, name: Name, describe: &Describe, body: Body) -> Securable {
    let (who, now) = (tx.caller().principal, tx.now_ms());
    Securable {
        id: SecurableId(tx.new_id()),
        parent: Some(parent),
        name,
        owner: who,
        comment: describe.comment.clone(),
        properties: describe.properties.clone(),
        tags: None,
        policies: None,
        created_at_ms: now,
        created_by: who,
        updated_at_ms: now,
        updated_by: who,
        etag: tx.etag(),
        body,
    }
}

/// Splits the name of something new into its parent's name and its own.
pub(crate) fn split(kind: SecurableKind, name: &FullName) -> Result<(FullName, &Name), CatalogError> {
    let needed = if kind == SecurableKind::Schema { 2 } else { 3 };
    match (name.parent(), name.last()) {
        (Some(parent), Some(last)) if name.parts().len() == needed => Ok((parent, last)),
        _ => {
            let example = if needed == 2 { "catalog.schema" } else { "catalog.schema.name" };
            let message = format!("`{name}` is not the full name of a {}: write it as {example}", kind.noun());
            Err(CatalogError::invalid("name", message))
        }
    }
}
