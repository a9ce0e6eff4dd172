//! `tables.proto`, but for creating; that is SQL's, see `ddl`.

use lakewarden_catalog::Pinned;
use lakewarden_catalog::model::{self, Body, ColumnId, FullName, Securable, SecurableKind};
use lakewarden_catalog::ops::entries::{Entry, Update};
use lakewarden_proto::v1;
use tonic::Status;

use super::records::{Shown, UpdateRequest, shows_text, update};
use super::{Faults, policies};

/// The format of the files of every table.
const FORMAT: &str = "DELTA";

/// A table or view as the caller may see it.
pub fn show(pinned: &Pinned, entry: &Entry, with_columns: bool) -> v1::Table {
    let shown = Shown::of(entry);
    let mut table = v1::Table {
        id: shown.id,
        name: shown.name,
        full_name: shown.full_name,
        owner: shown.owner,
        comment: shown.comment,
        properties: shown.properties,
        created_at: shown.created_at,
        created_by: shown.created_by,
        updated_at: shown.updated_at,
        updated_by: shown.updated_by,
        etag: shown.etag,
        parent: shown.parent,
        table_type: table_type(&entry.securable.body).into(),
        ..v1::Table::default()
    };
    match &entry.securable.body {
        Body::Table(body) => {
            FORMAT.clone_into(&mut table.data_source_format);
            if shows_text(pinned, &entry.securable) {
                table.location = body.location.to_string();
            }
            table.row_filter =
                body.row_filter.as_ref().map(|filter| policies::show_filter(pinned, filter, &entry.securable));
            table.columns = columns(pinned, &entry.securable, with_columns);
        }
        Body::View(body) => {
            if shows_text(pinned, &entry.securable) {
                table.view_definition.clone_from(&body.sql);
            }
            table.columns = columns(pinned, &entry.securable, with_columns);
        }
        _ => {}
    }
    table
}

/// The type of a table or view.
pub fn table_type(body: &Body) -> v1::TableType {
    match body {
        Body::Table(table) => match table.table_type {
            model::TableType::Managed => v1::TableType::Managed,
            model::TableType::External => v1::TableType::External,
        },
        Body::View(_) => v1::TableType::View,
        Body::Metastore
        | Body::Catalog
        | Body::Schema
        | Body::Function(_)
        | Body::Volume(_)
        | Body::ExternalLocation(_)
        | Body::StorageCredential(_)
        | Body::Tag(_) => v1::TableType::Unspecified,
    }
}

/// The name of a column of a table, by its id.
pub fn column_name(columns: &[model::Column], id: ColumnId) -> String {
    columns.iter().find(|column| column.id == id).map(|column| column.name.to_string()).unwrap_or_default()
}

fn columns(pinned: &Pinned, relation: &Securable, with_columns: bool) -> Vec<v1::Column> {
    let each = relation.columns().iter().zip(0u32..).map(|(column, position)| v1::Column {
        id: column.id.0,
        name: column.name.to_string(),
        type_text: column.type_text.to_string(),
        nullable: Some(column.nullable),
        comment: column.comment.as_ref().map(ToString::to_string).unwrap_or_default(),
        position,
        partition_index: column.partition_index,
        mask: column.mask.as_ref().map(|mask| policies::show_mask(pinned, mask, relation)),
    });
    if with_columns { each.collect() } else { Vec::new() }
}

/// The types that a list request wants; none for all.
///
/// # Errors
/// A fault for a number that is no type.
pub fn wanted_types(request: &v1::ListTablesRequest, faults: &mut Faults) -> Option<Vec<v1::TableType>> {
    let mut wanted = Vec::new();
    for (at, number) in request.table_types.iter().enumerate() {
        match v1::TableType::try_from(*number) {
            Ok(v1::TableType::Unspecified) | Err(_) => {
                faults.add(format!("table_types[{at}]"), "is not a type of tables");
                return None;
            }
            Ok(wanted_type) => wanted.push(wanted_type),
        }
    }
    Some(wanted)
}

/// Reads an update request.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn change(request: &v1::UpdateTableRequest) -> Result<(FullName, Update), Status> {
    let values = request.table.as_ref();
    let values = values.map(|new| (new.name.as_str(), new.owner.as_str(), new.comment.as_str(), &new.properties));
    let (mask, mut faults) = (request.update_mask.as_ref(), Faults::new());
    let read = UpdateRequest { full_name: &request.full_name, mask, etag: &request.etag, values };
    let read = update(&read, 3, "table", &mut faults);
    faults.finish(read)
}

/// What a delete request names.
pub struct Doomed {
    /// The full name.
    pub name: FullName,
    /// The etag it must have.
    pub etag: Option<u64>,
    /// The type it must have; none for any.
    pub table_type: Option<v1::TableType>,
}

/// Reads a delete request.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn delete(request: &v1::DeleteTableRequest) -> Result<Doomed, Status> {
    let mut faults = Faults::new();
    let name = faults.full_name("full_name", &request.full_name, 3);
    let etag = faults.etag(&request.etag);
    let table_type = match v1::TableType::try_from(request.table_type) {
        Ok(v1::TableType::Unspecified) => Some(None),
        Ok(table_type) => Some(Some(table_type)),
        Err(_) => {
            faults.add("table_type", "is not a type of tables");
            None
        }
    };
    let doomed = name.zip(etag).zip(table_type);
    faults.finish(doomed.map(|((name, etag), table_type)| Doomed { name, etag, table_type }))
}

/// The kind of securable that a type of table is.
pub fn kind(table_type: v1::TableType) -> SecurableKind {
    match table_type {
        v1::TableType::View => SecurableKind::View,
        v1::TableType::Unspecified | v1::TableType::Managed | v1::TableType::External => SecurableKind::Table,
    }
}
