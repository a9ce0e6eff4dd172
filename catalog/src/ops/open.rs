//! Opening relations for the engine: the rights are asked, and the policies that bind the reader come with the table.

use std::sync::Arc;

use crate::model::{ColumnId, FullName, Privilege, Securable, SecurableKind};
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
    /// The masks that bind the reader, by the column that they stand for.
    pub masks: Vec<(ColumnId, BoundPolicy)>,
    /// The columns that the statement may not name: for want of SELECT when it reads, of MODIFY when it writes. Never all.
    pub closed: Vec<ColumnId>,
}

/// A policy function with what its parameters take.
#[derive(Debug, Clone)]
pub struct BoundPolicy {
    /// The function.
    pub function: Arc<Securable>,
    /// The function's dotted name, which is also the name of the policy.
    pub name: String,
    /// What its parameters take; for a mask, those after the first.
    pub arguments: Vec<crate::model::PolicyArgument>,
}

impl Pinned {
    /// Opens a relation for reading: USE CATALOG, USE SCHEMA and SELECT are asked, on the relation or on one of its columns.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`; `Internal` when a policy's function is gone, so that the table stays closed.
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

    pub(crate) fn opened(&self, securable: Arc<Securable>) -> Result<Opened, CatalogError> {
        let full_name = self.state().full_name(securable.id);
        let securable_of = securable.clone();
        let mut opened =
            Opened { full_name, row_filter: None, masks: Vec::new(), closed: Vec::new(), securable: securable_of };
        if let Some(table) = securable.as_table() {
            if let Some(filter) = &table.row_filter {
                opened.row_filter = Some(self.bound(filter.function, &filter.arguments)?);
            }
            for column in &table.columns {
                if let Some(mask) = &column.mask {
                    opened.masks.push((column.id, self.bound(mask.function, &mask.using)?));
                }
            }
        }
        Ok(opened)
    }

    fn bound(
        &self,
        function: crate::model::SecurableId,
        arguments: &[crate::model::PolicyArgument],
    ) -> Result<BoundPolicy, CatalogError> {
        let gone = || CatalogError::internal(format!("the function {function} of a policy is gone"));
        let function = self.state().securable(function).cloned().ok_or_else(gone)?;
        let name = self.state().full_name(function.id);
        Ok(BoundPolicy { function, name, arguments: arguments.to_vec() })
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
