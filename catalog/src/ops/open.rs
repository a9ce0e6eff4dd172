//! Opening relations for the engine: the rights are asked, and the policies that bind the reader come with the table.

use std::sync::Arc;

use crate::model::{ColumnId, FullName, PrincipalId, Privilege, Securable, SecurableId, SecurableKind, Text};
use crate::pinned::Pinned;
use crate::{Caller, CatalogError, metastore::Metastore};

/// A table or view that a statement may read.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The record.
    pub securable: Arc<Securable>,
    /// Its dotted name.
    pub full_name: String,
    /// The row filter that binds the reader.
    pub row_filter: Option<BoundPolicy>,
    /// The masks that bind the reader: no two of one column and path, nor of a path inside another's.
    pub masks: Vec<BoundMask>,
    /// A policy that binds columns without tags, so that it would bind any which the stored table has and the catalog does not
    /// know. Such a table is closed to the reader.
    pub unknown_columns: Option<String>,
    /// The columns that the statement may not name: for want of SELECT when it reads, of MODIFY when it writes. Never all.
    pub closed: Vec<ColumnId>,
}

/// A policy function with what its parameters take.
#[derive(Debug, Clone)]
pub struct BoundPolicy {
    /// The function.
    pub function: Arc<Securable>,
    /// The function's dotted name.
    pub name: String,
    /// What the policy is called in plans and errors: the function's dotted name when it is bound to the table, else
    /// ``policy `p` on schema `c.s` ``.
    pub label: String,
    /// What its parameters take; for a mask, those after the first.
    pub arguments: Vec<crate::model::PolicyArgument>,
    /// The table that it is bound to, or the securable that the policy is on: whoever manages that could take it away.
    pub on: SecurableId,
    /// Who bound the function, or made the policy; the owner of what it is on when that is not known.
    pub author: PrincipalId,
}

/// A mask on a column, or on a field inside it.
#[derive(Debug, Clone)]
pub struct BoundMask {
    /// The column.
    pub column: ColumnId,
    /// The names of the fields on the way to what it masks; empty for the whole column. Compared without case.
    pub path: Vec<Text>,
    /// The function.
    pub policy: BoundPolicy,
}

impl Pinned {
    /// Opens a relation for reading: USE CATALOG, USE SCHEMA and SELECT are asked, on the relation or on one of its columns.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`; `FailedPrecondition` when the policies that bind the caller contradict each other, or
    /// one can't be told, so that the table stays closed.
    pub fn open_to_read(&self, name: &FullName) -> Result<Opened, CatalogError> {
        let found = self.resolve(SecurableKind::Table, name)?;
        let closed = self.closed_columns(&found, Privilege::Select)?;
        Ok(Opened { closed, ..self.opened(found)? })
    }

    /// The columns on which the caller lacks a privilege, when it has it on others. Only columns that are granted on by
    /// themselves can differ from the rest.
    pub(crate) fn closed_columns(
        &self,
        relation: &Securable,
        privilege: Privilege,
    ) -> Result<Vec<ColumnId>, CatalogError> {
        if self.state().column_grants_on(relation.id).is_empty() {
            self.require(relation, privilege)?;
            return Ok(Vec::new());
        }
        let columns: Vec<ColumnId> = relation.columns().iter().map(|column| column.id).collect();
        let is_closed = |column: &ColumnId| !self.allows_on_column(relation.id, *column, privilege);
        let closed: Vec<ColumnId> = columns.iter().copied().filter(is_closed).collect();
        if closed.len() == columns.len() {
            self.require(relation, privilege)?;
            let (relation, kind) = (self.state().full_name(relation.id), relation.kind().noun());
            let message = format!("this is refused by a DENY of {privilege} on every column of {kind} `{relation}`");
            return Err(CatalogError::Denied { message });
        }
        Ok(closed)
    }

    /// Opens a table for changing its rows: USE CATALOG, USE SCHEMA and MODIFY are asked, on the table or on one of its
    /// columns.
    ///
    /// # Errors
    /// As `open_to_read`; also `FailedPrecondition` for a view.
    pub fn open_to_modify(&self, name: &FullName) -> Result<Opened, CatalogError> {
        let found = self.resolve(SecurableKind::Table, name)?;
        if found.kind() == SecurableKind::View {
            return Err(CatalogError::precondition("NOT_A_TABLE", format!("`{name}` is a view: rows go into tables")));
        }
        let closed = self.closed_columns(&found, Privilege::Modify)?;
        Ok(Opened { closed, ..self.opened(found)? })
    }

    /// Opens a function for calling it: USE CATALOG, USE SCHEMA and EXECUTE are asked.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`.
    pub fn open_function(&self, name: &FullName) -> Result<Arc<Securable>, CatalogError> {
        self.resolve_for(SecurableKind::Function, name, Privilege::Execute)
    }
}

impl Metastore {
    /// Writes the audit record of a change of rows, which the engine has committed to the Delta log. `details` holds
    /// versions and counts, never values.
    ///
    /// # Errors
    /// `Unavailable` when the store fails.
    pub fn record_data_change(
        &self,
        caller: &Caller,
        action: &'static str,
        securable: &str,
        details: &[(&str, String)],
    ) -> Result<(), CatalogError> {
        self.write(caller, action, securable, |tx| {
            for (key, value) in details {
                tx.detail(key, value.clone());
            }
            tx.audit_only();
            Ok(())
        })
    }
}
