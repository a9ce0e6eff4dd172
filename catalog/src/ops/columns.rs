//! Renaming columns of managed tables. A column keeps its id, and with it all that is bound to the id: grants and denials, its
//! mask, the arguments of policies.
//!
//! The files are rewritten before the record, so that everything is checked twice: before, and with the change.

use std::sync::Arc;

use super::entries::{Entry, refuse_system_in, require_etag};
use crate::model::{Body, Column, ColumnId, FullName, Securable, SecurableId, SecurableKind, TableType, Text};
use crate::pinned::Pinned;
use crate::{Caller, CatalogError, metastore::Metastore};

/// A new name for a column.
#[derive(Debug, Clone)]
pub struct ColumnRename {
    /// The column, in any case of letters.
    pub column: String,
    /// Its new name.
    pub to: String,
    /// The table whose files have the new name already; another one under the table's name is not changed.
    pub only: Option<SecurableId>,
    /// The etag that the caller has seen.
    pub etag: Option<u64>,
}

impl Metastore {
    /// Gives a column of a managed table, whose files have the new name, its new name in the catalog.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` without the right to manage the table, `NoSuch` column, `AlreadyExists` when another column
    /// has the new name, `InvalidArgument` for a name that is none, `FailedPrecondition` for a view, an external table and a
    /// partition column, `Conflict`.
    pub fn rename_column(
        &self,
        caller: &Caller,
        table: &FullName,
        rename: &ColumnRename,
    ) -> Result<Entry, CatalogError> {
        self.write(caller, "tables.rename_column", &table.to_string(), |tx| {
            let (found, id) = tx.pinned().renamable(table, rename)?;
            let mut changed = found.as_ref().clone();
            let column = columns_mut(&mut changed).and_then(|all| all.iter_mut().find(|column| column.id == id));
            let column = column.ok_or_else(|| CatalogError::internal("the column to rename is gone"))?;
            let old = std::mem::replace(&mut column.name, Text::from(rename.to.as_str()));
            tx.detail("column", old.to_string());
            tx.detail("new_name", rename.to.clone());
            let changed = tx.update_securable(changed)?;
            Ok(Entry::of(&tx.changed(), changed))
        })
    }
}

impl Pinned {
    /// The table and the column that the caller may rename so.
    ///
    /// # Errors
    /// As `Metastore::rename_column`.
    pub fn renamable(
        &self,
        table: &FullName,
        rename: &ColumnRename,
    ) -> Result<(Arc<Securable>, ColumnId), CatalogError> {
        let found = self.resolve_to_manage(SecurableKind::Table, table)?;
        refuse_system_in(self.state(), &found)?;
        require_etag(&found, rename.etag, table)?;
        if rename.only.is_some_and(|only| only != found.id) {
            return Err(CatalogError::Conflict { what: found.kind().noun(), name: table.to_string() });
        }
        require_managed(&found, table)?;
        let same = |column: &&Column, name: &str| column.name.to_lowercase() == name.to_lowercase();
        let column = found.columns().iter().find(|column| same(column, &rename.column));
        let no_column = || CatalogError::NoSuch { what: "column", name: rename.column.clone() };
        let column = column.ok_or_else(no_column)?;
        if column.partition_index.is_some() {
            let message = format!(
                "`{}` is a partition column of `{table}`, whose folders are named after it: it cannot be renamed",
                column.name
            );
            return Err(CatalogError::precondition("PARTITION_COLUMN", message));
        }
        if rename.to.is_empty() {
            return Err(CatalogError::invalid("to", "a column name is empty"));
        }
        match found.columns().iter().find(|other| same(other, &rename.to)) {
            Some(taken) if taken.id != column.id || column.name == rename.to.as_str() => {
                Err(CatalogError::AlreadyExists { what: "column", name: taken.name.to_string() })
            }
            _ => Ok((found.clone(), column.id)),
        }
    }
}

fn require_managed(found: &Securable, name: &FullName) -> Result<(), CatalogError> {
    let (reason, message) = match found.as_table().map(|table| table.table_type) {
        Some(TableType::Managed) => return Ok(()),
        Some(TableType::External) => (
            "EXTERNAL_TABLE",
            format!(
                "`{name}` is an external table: its files are not ours, so that its columns cannot be renamed here"
            ),
        ),
        None => {
            ("NOT_A_TABLE", format!("`{name}` is a view, whose query names its columns: use CREATE OR REPLACE VIEW"))
        }
    };
    Err(CatalogError::precondition(reason, message))
}

fn columns_mut(table: &mut Securable) -> Option<&mut Vec<Column>> {
    match &mut table.body {
        Body::Table(body) => Some(&mut body.columns),
        _ => None,
    }
}
