//! Creating Delta tables, managed and external.
//!
//! The files of a managed table are written before its record: `stage_table` checks the rights, gives the id and the
//! folder, and leaves an intent, so that a stop in between leaves no litter. `create_table` checks everything again.

use super::containers::{Describe, fresh, split};
use super::entries::{Entry, refuse_system, require_free};
use super::open::Opened;
use super::rules::{MaskBinding, RowFilterBinding, bind_mask, bind_row_filter};
use crate::model::{
    Body, Column, ColumnId, FullName, Name, Privilege, Securable, SecurableId, SecurableKind, TableBody, TableType,
    Text,
};
use crate::state::{Intent, State};
use crate::tx::Tx;
use crate::{Caller, CatalogError, metastore::Metastore};

/// A column of a new table or view.
#[derive(Debug, Clone)]
pub struct NewColumn {
    /// Its name.
    pub name: String,
    /// Its type in SQL words.
    pub type_text: String,
    /// Whether it may hold NULL.
    pub nullable: bool,
    /// Free text.
    pub comment: Option<String>,
    /// Its place among the partition columns, from 0.
    pub partition_index: Option<u32>,
}

/// Where the files of a new table or volume are.
#[derive(Debug, Clone)]
pub enum NewLocation {
    /// In the folder that `stage_table` or `stage_volume` gave.
    Managed(Staged),
    /// Somewhere else, as a URL.
    External(String),
}

/// A place for a managed table or volume.
#[derive(Debug, Clone)]
pub struct Staged {
    /// The id that it will have.
    pub id: SecurableId,
    /// The intent that start-up finishes when it is never created.
    pub intent: uuid::Uuid,
    /// The folder, as a URL.
    pub location: String,
}

/// A new table, with the policies that bind it from its first moment.
#[derive(Debug, Clone)]
pub struct NewTable {
    /// Its full name.
    pub name: FullName,
    /// Where its files are.
    pub location: NewLocation,
    /// Its columns, in order.
    pub columns: Vec<NewColumn>,
    /// Comment and properties.
    pub describe: Describe,
    /// Its row filter.
    pub row_filter: Option<RowFilterBinding>,
    /// Its masks.
    pub masks: Vec<MaskBinding>,
    /// Replaces a table of this name that the caller may manage; its grants and policies stay with the name's id gone.
    pub replace: bool,
}

impl Metastore {
    /// Checks that the caller may create a table of this name and reserves a folder under `managed_root` for it.
    ///
    /// # Errors
    /// As `create_table`.
    pub fn stage_table(
        &self,
        caller: &Caller,
        name: &FullName,
        managed_root: &str,
        replace: bool,
    ) -> Result<Staged, CatalogError> {
        self.write(caller, "tables.stage", &name.to_string(), |tx| {
            require_may_create(tx, SecurableKind::Table, name, replace)?;
            stage(tx, managed_root)
        })
    }

    /// Gives up a staged table: its folder is purged.
    ///
    /// # Errors
    /// `Unavailable` when the store fails; start-up purges the folder then.
    pub fn abandon_table(&self, caller: &Caller, staged: &Staged) -> Result<(), CatalogError> {
        self.write(caller, "tables.abandon", &staged.id.to_string(), |tx| abandon(tx, staged))
    }

    /// Creates a table; its creator owns it.
    ///
    /// # Errors
    /// `NotFound` when the schema is absent or hidden, `PermissionDenied` without CREATE TABLE on it (for an external
    /// table also without CREATE EXTERNAL TABLE on the location that covers it), `AlreadyExists`, `InvalidArgument` for columns or policies that don't
    /// fit, `FailedPrecondition` when another table has the location.
    pub fn create_table(&self, caller: &Caller, new: &NewTable) -> Result<Entry, CatalogError> {
        self.write(caller, "tables.create", &new.name.to_string(), |tx| {
            let (schema, last) = require_may_create(tx, SecurableKind::Table, &new.name, new.replace)?;
            let location = place(tx, &new.location, Privilege::CreateExternalTable)?;
            let table_type = match &new.location {
                NewLocation::Managed(_) => TableType::Managed,
                NewLocation::External(_) => TableType::External,
            };
            let columns = number_columns(&new.columns)?;
            let next_column_id = u32::try_from(columns.len()).unwrap_or(u32::MAX);
            let body = TableBody { table_type, location: location.into(), columns, next_column_id, row_filter: None };
            let mut table = fresh(tx, schema, last, &new.describe, Body::Table(body));
            if let NewLocation::Managed(staged) = &new.location {
                table.id = staged.id;
                tx.clear_intent(staged.intent);
            }
            bind_policies(&tx.pinned(), &mut table, new)?;
            let created = tx.put_securable(table)?;
            Ok(Entry::of(&tx.changed(), created))
        })
    }
}

impl crate::Pinned {
    /// Checks what can be known of a new external table before its files are written: that the caller may create it, and that
    /// its name and location are free. `create_table` checks again.
    ///
    /// # Errors
    /// As `create_table`.
    pub fn require_new_external(&self, name: &FullName, location: &str) -> Result<(), CatalogError> {
        self.require_folder(location, Privilege::CreateExternalTable)?;
        let (parent, last) = split(SecurableKind::Table, name)?;
        let schema = self.resolve_for(SecurableKind::Schema, &parent, Privilege::CreateTable)?;
        if let Some(taken) = self.state().child(schema.id, SecurableKind::Table.name_class(), last) {
            return Err(self.taken(taken, SecurableKind::Table, last));
        }
        require_location_free(self.state(), location)
    }

    /// A new table as it would be read, so that the engine can check its policies before it is created.
    ///
    /// # Errors
    /// As `create_table` for columns and policies that don't fit.
    pub fn preview_table(&self, new: &NewTable) -> Result<Opened, CatalogError> {
        let columns = number_columns(&new.columns)?;
        let body = TableBody {
            table_type: TableType::External,
            location: "".into(),
            columns,
            next_column_id: 0,
            row_filter: None,
        };
        let (who, name) = (self.caller().principal, new.name.last().cloned());
        let mut table = Securable {
            id: SecurableId(uuid::Uuid::nil()),
            parent: None,
            name: name.ok_or_else(|| CatalogError::invalid("name", "the table has no name"))?,
            owner: who,
            comment: None,
            properties: Default::default(),
            tags: None,
            policies: None,
            created_at_ms: 0,
            created_by: who,
            updated_at_ms: 0,
            updated_by: who,
            etag: 0,
            body: Body::Table(body),
        };
        bind_policies(self, &mut table, new)?;
        Ok(Opened { full_name: new.name.to_string(), ..self.opened_bound(table.into())? })
    }
}

fn bind_policies(pinned: &crate::Pinned, table: &mut Securable, new: &NewTable) -> Result<(), CatalogError> {
    if let Some(filter) = &new.row_filter {
        bind_row_filter(pinned, table, filter)?;
    }
    new.masks.iter().try_for_each(|mask| bind_mask(pinned, table, mask))
}

/// Checks that the caller may create something of this name, and drops what it replaces. Gives the schema and the name.
pub(crate) fn require_may_create(
    tx: &mut Tx,
    kind: SecurableKind,
    name: &FullName,
    replace: bool,
) -> Result<(SecurableId, Name), CatalogError> {
    let privilege = match kind {
        SecurableKind::Function => Privilege::CreateFunction,
        SecurableKind::View => Privilege::CreateView,
        SecurableKind::Volume => Privilege::CreateVolume,
        _ => Privilege::CreateTable,
    };
    let (parent, last) = split(kind, name)?;
    let schema = tx.pinned().resolve_for(SecurableKind::Schema, &parent, privilege)?;
    refuse_system(tx, &schema)?;
    if replace {
        require_replaceable(tx, kind, schema.id, last)?;
    } else {
        require_free(tx, schema.id, kind, last, None)?;
    }
    Ok((schema.id, last.clone()))
}

/// What is replaced must be of the same kind and the caller's to manage.
fn require_replaceable(tx: &Tx, kind: SecurableKind, schema: SecurableId, name: &Name) -> Result<(), CatalogError> {
    let Some(old) = tx.state().child(schema, kind.name_class(), name).cloned() else {
        return Ok(());
    };
    if old.kind() != kind || !tx.pinned().sees(old.id) {
        return require_free(tx, schema, kind, name, None);
    }
    if kind == SecurableKind::Table {
        let message = format!("table `{}` exists: drop it first, then create it", tx.state().full_name(old.id));
        return Err(CatalogError::precondition("REPLACE_TABLE", message));
    }
    tx.pinned().require_manage(&old)
}

/// Reserves a folder under `managed_root`.
pub(crate) fn stage(tx: &mut Tx, managed_root: &str) -> Result<Staged, CatalogError> {
    let id = tx.new_id();
    let location = format!("{}/{id}", managed_root.trim_end_matches('/'));
    tx.put_intent(id, Intent::Creating { location: location.clone() })?;
    Ok(Staged { id: SecurableId(id), intent: id, location })
}

/// Gives a reserved folder up, to be purged.
pub(crate) fn abandon(tx: &mut Tx, staged: &Staged) -> Result<(), CatalogError> {
    if tx.state().intents.contains_key(&staged.intent) {
        tx.put_intent(staged.intent, Intent::Purging { location: staged.location.clone() })?;
    }
    Ok(())
}

/// Where the files are: a folder that was reserved, or one outside that the caller may use by `privilege`.
pub(crate) fn place(tx: &Tx, location: &NewLocation, privilege: Privilege) -> Result<String, CatalogError> {
    let url = match location {
        NewLocation::Managed(staged) if tx.state().intents.contains_key(&staged.intent) => staged.location.clone(),
        NewLocation::Managed(_) => {
            return Err(CatalogError::precondition("NOT_STAGED", "the folder is no longer reserved"));
        }
        NewLocation::External(url) => {
            let url = url.trim_end_matches('/');
            tx.pinned().require_folder(url, privilege)?;
            url.to_owned()
        }
    };
    require_location_free(tx.state(), &url)?;
    Ok(url)
}

fn require_location_free(state: &State, url: &str) -> Result<(), CatalogError> {
    if state.location_taken(url) {
        let message = "another table or volume has this location, or one above or below it";
        return Err(CatalogError::precondition("LOCATION_IN_USE", message));
    }
    Ok(())
}

/// Gives columns their ids, and checks their names.
pub(crate) fn number_columns(columns: &[NewColumn]) -> Result<Vec<Column>, CatalogError> {
    if columns.is_empty() {
        return Err(CatalogError::invalid("columns", "a table or view needs at least one column"));
    }
    let mut seen = std::collections::HashSet::new();
    let mut numbered = Vec::with_capacity(columns.len());
    for (at, column) in columns.iter().enumerate() {
        if column.name.is_empty() {
            return Err(CatalogError::invalid(format!("columns[{at}].name"), "a column name is empty"));
        }
        if !seen.insert(column.name.to_lowercase()) {
            let message = format!("column `{}` is named twice (names are compared without case)", column.name);
            return Err(CatalogError::invalid(format!("columns[{at}].name"), message));
        }
        numbered.push(Column {
            id: ColumnId(u32::try_from(at).unwrap_or(u32::MAX)),
            name: column.name.as_str().into(),
            type_text: column.type_text.as_str().into(),
            nullable: column.nullable,
            comment: column.comment.as_ref().map(Text::from),
            partition_index: column.partition_index,
            mask: None,
            field_masks: None,
            tags: None,
        });
    }
    Ok(numbered)
}
