//! Creating views.

use super::containers::{Describe, fresh};
use super::entries::Entry;
use super::tables::{NewColumn, number_columns, require_may_create};
use crate::model::{Body, FullName, Namespace, SecurableId, SecurableKind, ViewBody};
use crate::{Caller, CatalogError, metastore::Metastore};

/// A new view. The engine has checked that the caller may read what it reads.
#[derive(Debug, Clone)]
pub struct NewView {
    /// Its full name.
    pub name: FullName,
    /// The query, as it was given.
    pub sql: String,
    /// Where its names are resolved.
    pub namespace: Namespace,
    /// Its columns, in order.
    pub columns: Vec<NewColumn>,
    /// What the query names.
    pub dependencies: Vec<SecurableId>,
    /// Comment and properties.
    pub describe: Describe,
    /// Replaces a view of this name; its id and grants stay, and the caller becomes its owner.
    pub replace: bool,
}

impl Metastore {
    /// Creates a view; its creator owns it.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` without CREATE TABLE on the schema, `AlreadyExists`, `FailedPrecondition` for a view
    /// that would read itself.
    pub fn create_view(&self, caller: &Caller, new: &NewView) -> Result<Entry, CatalogError> {
        self.write(caller, "views.create", &new.name.to_string(), |tx| {
            let (schema, last) = require_may_create(tx, SecurableKind::View, &new.name, new.replace)?;
            let body = Body::View(ViewBody {
                sql: new.sql.clone(),
                namespace: new.namespace.clone(),
                columns: number_columns(&new.columns)?,
                dependencies: new.dependencies.clone(),
            });
            let old = tx.state().child(schema, SecurableKind::View.name_class(), &last).cloned();
            let saved = match old {
                Some(old) => {
                    require_no_cycle(tx, old.id, &new.dependencies)?;
                    let mut changed = old.as_ref().clone();
                    changed.body = body;
                    // Whoever writes the definition lends it their rights, never the rights of the owner before.
                    changed.owner = tx.caller().principal;
                    changed.comment.clone_from(&new.describe.comment);
                    changed.properties.clone_from(&new.describe.properties);
                    tx.update_securable(changed)?
                }
                None => {
                    let fresh = fresh(tx, schema, last, &new.describe, body);
                    tx.put_securable(fresh)?
                }
            };
            Ok(Entry::of(&tx.changed(), saved))
        })
    }
}

/// Refuses a definition that would reach itself.
pub(crate) fn require_no_cycle(
    tx: &crate::tx::Tx,
    id: SecurableId,
    dependencies: &[SecurableId],
) -> Result<(), CatalogError> {
    let mut seen = std::collections::HashSet::new();
    let mut next = dependencies.to_vec();
    while let Some(at) = next.pop() {
        if at == id {
            let message = format!("`{}` would read itself", tx.state().full_name(id));
            return Err(CatalogError::precondition("CYCLE", message));
        }
        let Some(securable) = tx.state().securable(at).filter(|_| seen.insert(at)) else {
            continue;
        };
        next.extend(securable.as_view().into_iter().flat_map(|v| &v.dependencies));
        next.extend(securable.as_function().into_iter().flat_map(|f| &f.dependencies));
    }
    Ok(())
}
