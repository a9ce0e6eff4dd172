//! Binding row filters and column masks to tables.
//!
//! The owner of a table, or who may manage it, binds them; they bind everybody, owners included. The engine checks the
//! types when a policy is bound and again whenever the table is read.

use super::entries::{Entry, refuse_system};
use crate::model::{
    Body, Column, ColumnMask, FieldMask, FieldMasks, FullName, FunctionBody, PolicyArgument, Privilege, RowFilter,
    Securable, SecurableKind, TableBody, Text,
};
use crate::ops::binding::overlap;
use crate::ops::open::Opened;
use crate::pinned::Pinned;
use crate::tx::Tx;
use crate::{Caller, CatalogError, metastore::Metastore};

/// What a parameter of a policy function takes, as written.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// A column of the table, by name.
    Column(String),
    /// A constant, as a SQL literal.
    Literal(String),
}

/// A row filter to bind.
#[derive(Debug, Clone)]
pub struct RowFilterBinding {
    /// The function's full name.
    pub function: FullName,
    /// What its parameters take.
    pub on: Vec<Argument>,
}

/// A mask to bind.
#[derive(Debug, Clone)]
pub struct MaskBinding {
    /// The column that it masks.
    pub column: String,
    /// The names of the fields on the way to what it masks; empty for the whole column. The engine checks that they are
    /// there.
    pub path: Vec<String>,
    /// The function's full name.
    pub function: FullName,
    /// What the parameters after the first take.
    pub using: Vec<Argument>,
}

impl Metastore {
    /// Binds a row filter in place of the one before.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` without the right to manage the table and EXECUTE on the function,
    /// `InvalidArgument` when the arguments don't fit.
    pub fn set_row_filter(
        &self,
        caller: &Caller,
        table: &FullName,
        binding: &RowFilterBinding,
    ) -> Result<Entry, CatalogError> {
        self.change_table(caller, "policies.set_row_filter", table, |tx, found| {
            tx.detail("function", binding.function.to_string());
            bind_row_filter(&tx.pinned(), found, binding)
        })
    }

    /// Takes the row filter away.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`, `FailedPrecondition` when there is none.
    pub fn drop_row_filter(&self, caller: &Caller, table: &FullName) -> Result<Entry, CatalogError> {
        self.change_table(caller, "policies.drop_row_filter", table, |_, found| {
            let name = found.name.to_string();
            match table_body(found)?.row_filter.take() {
                Some(_) => Ok(()),
                None => Err(CatalogError::precondition("NO_POLICY", format!("table `{name}` has no row filter"))),
            }
        })
    }

    /// Binds a mask to a column in place of the one before.
    ///
    /// # Errors
    /// As `set_row_filter`.
    pub fn set_mask(&self, caller: &Caller, table: &FullName, binding: &MaskBinding) -> Result<Entry, CatalogError> {
        self.change_table(caller, "policies.set_mask", table, |tx, found| {
            tx.detail("function", binding.function.to_string());
            tx.detail("column", dotted(&binding.column, &binding.path));
            bind_mask(&tx.pinned(), found, binding)
        })
    }

    /// Takes the mask of a column away, or that of a field inside it.
    ///
    /// # Errors
    /// As `drop_row_filter`.
    pub fn drop_mask(
        &self,
        caller: &Caller,
        table: &FullName,
        column: &str,
        path: &[String],
    ) -> Result<Entry, CatalogError> {
        self.change_table(caller, "policies.drop_mask", table, |tx, found| {
            let shown = dotted(column, path);
            tx.detail("column", shown.clone());
            if unbind_mask(column_mut(table_body(found)?, column)?, path) {
                return Ok(());
            }
            Err(CatalogError::precondition("NO_POLICY", format!("column `{shown}` has no mask")))
        })
    }

    fn change_table(
        &self,
        caller: &Caller,
        action: &'static str,
        name: &FullName,
        change: impl FnOnce(&mut Tx, &mut Securable) -> Result<(), CatalogError>,
    ) -> Result<Entry, CatalogError> {
        self.write(caller, action, &name.to_string(), |tx| {
            let found = tx.pinned().resolve_to_manage(SecurableKind::Table, name)?;
            refuse_system(tx, &found)?;
            let mut changed = found.as_ref().clone();
            change(tx, &mut changed)?;
            let changed = tx.update_securable(changed)?;
            Ok(Entry::of(&tx.changed(), changed))
        })
    }
}

impl Pinned {
    /// A table as it would be read if the row filter were bound, so that the engine can check it first.
    ///
    /// # Errors
    /// As `Metastore::set_row_filter`.
    pub fn preview_row_filter(&self, table: &FullName, binding: &RowFilterBinding) -> Result<Opened, CatalogError> {
        let mut changed = self.resolve_to_manage(SecurableKind::Table, table)?.as_ref().clone();
        bind_row_filter(self, &mut changed, binding)?;
        self.opened_bound(changed.into())
    }

    /// A table as it would be read if the mask were bound.
    ///
    /// # Errors
    /// As `Metastore::set_mask`.
    pub fn preview_mask(&self, table: &FullName, binding: &MaskBinding) -> Result<Opened, CatalogError> {
        let mut changed = self.resolve_to_manage(SecurableKind::Table, table)?.as_ref().clone();
        bind_mask(self, &mut changed, binding)?;
        self.opened_bound(changed.into())
    }
}

pub(crate) fn bind_row_filter(
    pinned: &Pinned,
    table: &mut Securable,
    binding: &RowFilterBinding,
) -> Result<(), CatalogError> {
    let function = executable(pinned, &binding.function)?;
    let body = function_body(&function)?;
    require_boolean(&binding.function, body)?;
    let (needed, given) = (body.parameters.len(), binding.on.len());
    if needed != given {
        let message = format!(
            "`{}` has {needed} parameters and ON gives {given}: a filter sees a column only through a parameter",
            binding.function
        );
        return Err(CatalogError::invalid("on", message));
    }
    let body = table_body(table)?;
    let arguments = bind_arguments(body, &binding.on)?;
    let bound_by = Some(pinned.caller().principal);
    body.row_filter = Some(Box::new(RowFilter { function: function.id, arguments, bound_by }));
    Ok(())
}

pub(crate) fn bind_mask(pinned: &Pinned, table: &mut Securable, binding: &MaskBinding) -> Result<(), CatalogError> {
    let function = executable(pinned, &binding.function)?;
    let (needed, given) = (function_body(&function)?.parameters.len(), binding.using.len() + 1);
    if needed != given {
        let message = format!(
            "`{}` has {needed} parameters and the mask gives {given}: the column, then what USING COLUMNS names",
            binding.function
        );
        return Err(CatalogError::invalid("using", message));
    }
    let body = table_body(table)?;
    let using = bind_arguments(body, &binding.using)?;
    let mask = ColumnMask { function: function.id, using, bound_by: Some(pinned.caller().principal) };
    put_mask(column_mut(body, &binding.column)?, &binding.path, mask)
}

/// Puts a mask in the place of the one on the same path before. One on a field inside or around it must go first.
fn put_mask(column: &mut Column, path: &[String], mask: ColumnMask) -> Result<(), CatalogError> {
    if path.iter().any(String::is_empty) {
        return Err(CatalogError::invalid("column", "the name of a field is empty"));
    }
    let path: Vec<Text> = path.iter().map(Text::from).collect();
    let other = column.masks().find(|(other, _)| other.len() != path.len() && overlap(other, &path));
    if let Some((other, _)) = other {
        let (asked, masked) = (dotted(&column.name, &path), dotted(&column.name, other));
        let message = format!("`{masked}` has a mask already, which meets one on `{asked}`: drop it first");
        return Err(CatalogError::precondition("MASK_OVERLAPS", message));
    }
    if path.is_empty() {
        column.mask = Some(Box::new(mask));
        return Ok(());
    }
    let fields = &mut column.field_masks.get_or_insert_default().0;
    fields.retain(|field| !overlap(&field.path, &path));
    fields.push(FieldMask { path, mask });
    Ok(())
}

/// Takes a mask away; says whether there was one.
fn unbind_mask(column: &mut Column, path: &[String]) -> bool {
    if path.is_empty() {
        return column.mask.take().is_some();
    }
    let path: Vec<Text> = path.iter().map(Text::from).collect();
    let Some(FieldMasks(mut fields)) = column.field_masks.take().map(|fields| *fields) else { return false };
    let before = fields.len();
    fields.retain(|field| field.path.len() != path.len() || !overlap(&field.path, &path));
    let removed = fields.len() < before;
    column.field_masks = (!fields.is_empty()).then(|| Box::new(FieldMasks(fields)));
    removed
}

/// A column, or a field inside it, as it is written.
fn dotted(column: &str, path: &[impl AsRef<str>]) -> String {
    std::iter::once(column).chain(path.iter().map(AsRef::as_ref)).collect::<Vec<_>>().join(".")
}

/// Checks that a function can filter rows.
pub(crate) fn require_boolean(name: &FullName, body: &FunctionBody) -> Result<(), CatalogError> {
    if body.return_type.eq_ignore_ascii_case("boolean") {
        return Ok(());
    }
    let message = format!("`{name}` returns {}: a row filter returns BOOLEAN", body.return_type);
    Err(CatalogError::invalid("function", message))
}

pub(crate) fn executable(pinned: &Pinned, name: &FullName) -> Result<std::sync::Arc<Securable>, CatalogError> {
    pinned.resolve_for(SecurableKind::Function, name, Privilege::Execute)
}

pub(crate) fn function_body(function: &Securable) -> Result<&FunctionBody, CatalogError> {
    function.as_function().ok_or_else(|| CatalogError::internal("a function record without a function body"))
}

fn table_body(table: &mut Securable) -> Result<&mut TableBody, CatalogError> {
    let name = table.name.to_string();
    match &mut table.body {
        Body::Table(body) => Ok(body),
        _ => Err(CatalogError::precondition(
            "NOT_A_TABLE",
            format!("`{name}` is a view: bind the policy to the tables that it reads"),
        )),
    }
}

fn bind_arguments(table: &TableBody, arguments: &[Argument]) -> Result<Vec<PolicyArgument>, CatalogError> {
    let bind = |argument: &Argument| match argument {
        Argument::Literal(text) => Ok(PolicyArgument::Literal(text.clone())),
        Argument::Column(name) => {
            let found = table.columns.iter().find(|c| c.name.eq_ignore_ascii_case(name));
            found.map(|c| PolicyArgument::Column(c.id)).ok_or_else(|| no_column(name))
        }
    };
    arguments.iter().map(bind).collect()
}

fn column_mut<'a>(table: &'a mut TableBody, name: &str) -> Result<&'a mut Column, CatalogError> {
    table.columns.iter_mut().find(|c| c.name.eq_ignore_ascii_case(name)).ok_or_else(|| no_column(name))
}

fn no_column(name: &str) -> CatalogError {
    CatalogError::NoSuch { what: "column", name: name.to_owned() }
}
