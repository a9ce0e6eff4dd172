//! Creating views.

use super::containers::{Describe, fresh};
use super::entries::Entry;
use super::tables::{NewColumn, number_columns, require_may_create};
use crate::model::{Body, Column, ColumnId, FullName, Namespace, Securable, SecurableId, SecurableKind, ViewBody};
use crate::tx::Tx;
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
    /// `NotFound`, `PermissionDenied` without CREATE VIEW on the schema, `AlreadyExists`, `FailedPrecondition` for a view
    /// that would read itself.
    pub fn create_view(&self, caller: &Caller, new: &NewView) -> Result<Entry, CatalogError> {
        self.write(caller, "views.create", &new.name.to_string(), |tx| {
            let (schema, last) = require_may_create(tx, SecurableKind::View, &new.name, new.replace)?;
            let columns = number_columns(&new.columns)?;
            let mut body = ViewBody {
                sql: new.sql.clone(),
                namespace: new.namespace.clone(),
                next_column_id: after(&columns),
                columns,
                dependencies: new.dependencies.clone(),
            };
            let old = tx.state().child(schema, SecurableKind::View.name_class(), &last).cloned();
            let saved = match old {
                Some(old) => {
                    require_no_cycle(tx, old.id, &new.dependencies)?;
                    keep_columns(tx, &old, &mut body);
                    let mut changed = old.as_ref().clone();
                    changed.body = Body::View(Box::new(body));
                    // Whoever writes the definition lends it their rights, never the rights of the owner before.
                    changed.owner = tx.caller().principal;
                    changed.comment.clone_from(&new.describe.comment);
                    changed.properties.clone_from(&new.describe.properties);
                    tx.update_securable(changed)?
                }
                None => {
                    let fresh = fresh(tx, schema, last, &new.describe, Body::View(Box::new(body)));
                    tx.put_securable(fresh)?
                }
            };
            Ok(Entry::of(&tx.changed(), saved))
        })
    }
}

/// Gives the columns of a replaced view the ids that they had under their names, so that grants on them hold on, and
/// their tags. The grants
/// on columns that went go with them, and no new column takes their ids.
fn keep_columns(tx: &mut Tx, old: &Securable, body: &mut ViewBody) {
    let Some(was) = old.as_view() else { return };
    let mut next = was.next_column_id.max(after(&was.columns));
    for column in &mut body.columns {
        let kept = was.columns.iter().find(|other| other.name.to_lowercase() == column.name.to_lowercase());
        column.id = kept.map_or(ColumnId(next), |other| other.id);
        column.tags = kept.and_then(|other| other.tags.clone());
        next += u32::from(kept.is_none());
    }
    body.next_column_id = next;
    let gone = was.columns.iter().filter(|other| body.columns.iter().all(|column| column.id != other.id));
    gone.for_each(|column| tx.forget_column_grants(old.id, column.id));
}

/// The id after those of the columns.
fn after(columns: &[Column]) -> u32 {
    columns.iter().map(|column| column.id.0 + 1).max().unwrap_or_default()
}

/// Refuses a definition that would reach itself.
pub(crate) fn require_no_cycle(tx: &Tx, id: SecurableId, dependencies: &[SecurableId]) -> Result<(), CatalogError> {
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
