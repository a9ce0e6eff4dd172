//! Who is granted and denied what, as far as SHOW GRANTS would tell the reader.

use lakewarden_catalog::model::{NameClass, Securable, SecurableKind};
use lakewarden_catalog::ops::grants::GrantEntry;

use super::Definition;
use super::reader::Reader;
use super::rows::Kind::Text;
use super::rows::{Cell, Rows};

/// The columns of a relation of privileges on what these columns name.
macro_rules! privileges {
    ($name:literal, [$($column:literal),*], $fill:expr) => {
        Definition {
            name: $name,
            columns: &[
                ("grantor", Text),
                ("grantee", Text),
                $(($column, Text),)*
                ("privilege_type", Text),
                ("is_grantable", Text),
                ("inherited_from", Text),
            ],
            fill: $fill,
        }
    };
}

pub(super) const ALL: &[Definition] = &[
    privileges!("metastore_privileges", ["metastore_name"], |reader, rows| {
        if let Some(root) = reader.pinned.state().root() {
            of(reader, root, &[root.name.as_str()], rows);
        }
    }),
    privileges!("catalog_privileges", ["catalog_name"], |reader, rows| {
        for catalog in reader.catalogs() {
            of(reader, catalog, &[catalog.name.as_str()], rows);
        }
    }),
    privileges!("schema_privileges", ["catalog_name", "schema_name"], |reader, rows| {
        for (catalog, schema) in reader.schemas() {
            of(reader, schema, &[catalog.name.as_str(), schema.name.as_str()], rows);
        }
    }),
    privileges!("table_privileges", ["table_catalog", "table_schema", "table_name"], |reader, rows| {
        of_placed(reader, NameClass::Relation, rows);
    }),
    privileges!("routine_privileges", ["routine_catalog", "routine_schema", "routine_name"], |reader, rows| {
        of_placed(reader, NameClass::Function, rows);
    }),
    privileges!("volume_privileges", ["volume_catalog", "volume_schema", "volume_name"], |reader, rows| {
        of_placed(reader, NameClass::Volume, rows);
    }),
    privileges!("column_privileges", ["table_catalog", "table_schema", "table_name", "column_name"], of_columns),
    privileges!("external_location_privileges", ["external_location_name"], |reader, rows| {
        of_metastore(reader, SecurableKind::ExternalLocation, rows);
    }),
    privileges!("storage_credential_privileges", ["storage_credential_name"], |reader, rows| {
        of_metastore(reader, SecurableKind::StorageCredential, rows);
    }),
];

/// A privilege as SHOW GRANTS says it. A denial is told in words that no privilege has.
fn words(entry: &GrantEntry) -> String {
    if entry.denied { format!("DENY {}", entry.privilege) } else { entry.privilege.to_string() }
}

fn push(entry: &GrantEntry, named: &[&str], rows: &mut Rows<'_>) {
    let privilege = words(entry);
    let above = if entry.inherited { entry.kind.as_str() } else { "NONE" };
    let start = [Cell::Null, (&entry.principal).into()];
    let rest = [(&privilege).into(), "NO".into(), above.into()];
    let named = named.iter().map(|name| Cell::Text(name));
    rows.push(&start.into_iter().chain(named).chain(rest).collect::<Vec<_>>());
}

fn of(reader: &Reader<'_>, securable: &Securable, named: &[&str], rows: &mut Rows<'_>) {
    for entry in reader.pinned.grants_shown(securable).iter().filter(|entry| entry.column.is_none()) {
        push(entry, named, rows);
    }
}

fn of_placed(reader: &Reader<'_>, class: NameClass, rows: &mut Rows<'_>) {
    for placed in reader.placed(class) {
        let named = [placed.catalog.name.as_str(), placed.schema.name.as_str(), placed.securable.name.as_str()];
        of(reader, placed.securable, &named, rows);
    }
}

/// Privileges on columns by themselves; those on whole tables count for their columns too and are told of the tables.
fn of_columns(reader: &Reader<'_>, rows: &mut Rows<'_>) {
    for placed in reader.placed(NameClass::Relation) {
        if reader.pinned.state().column_grants_on(placed.securable.id).is_empty() {
            continue;
        }
        for entry in reader.pinned.grants_shown(placed.securable) {
            let Some(column) = &entry.column else { continue };
            let [catalog, schema, table] =
                [placed.catalog, placed.schema, placed.securable].map(|one| one.name.as_str());
            push(&entry, &[catalog, schema, table, column], rows);
        }
    }
}

fn of_metastore(reader: &Reader<'_>, kind: SecurableKind, rows: &mut Rows<'_>) {
    for one in reader.in_metastore(kind.name_class()) {
        of(reader, one, &[one.name.as_str()], rows);
    }
}
