//! What there is: catalogs, schemas and tables, as far as the caller may see them; keys, of which there are none.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use arrow_flight::error::FlightError;
use arrow_flight::sql::{CommandGetCatalogs, CommandGetDbSchemas, CommandGetTableTypes, CommandGetTables};
use lakewarden_catalog::model::{Body, Column, FullName, Securable, SecurableKind};
use lakewarden_catalog::ops::page::Page;
use lakewarden_catalog::{Caller, CatalogError, Pinned};
use lakewarden_engine::delta::parse_sql_type;
use tonic::Status;

use super::Door;
use super::session::Current;
use crate::status::status;

const TABLE: &str = "TABLE";
const VIEW: &str = "VIEW";

impl Door {
    pub(super) async fn catalogs(&self, current: &Current, query: CommandGetCatalogs) -> Result<RecordBatch, Status> {
        let mut builder = query.into_builder();
        let names = self.read(current, |pinned| names(&pinned, SecurableKind::Catalog, None)).await?;
        names.into_iter().for_each(|name| builder.append(name));
        builder.build().map_err(internal)
    }

    pub(super) async fn schemas(&self, current: &Current, query: CommandGetDbSchemas) -> Result<RecordBatch, Status> {
        let only = query.catalog.clone();
        let mut builder = query.into_builder();
        let found = self.read(current, move |pinned| schemas(&pinned, only.as_deref())).await?;
        found.iter().for_each(|(catalog, schema)| builder.append(catalog, schema));
        builder.build().map_err(internal)
    }

    pub(super) async fn tables(&self, current: &Current, query: CommandGetTables) -> Result<RecordBatch, Status> {
        let only = query.catalog.clone();
        let mut builder = query.into_builder();
        let found = self.read(current, move |pinned| tables(&pinned, only.as_deref())).await?;
        for (catalog, schema, table) in found {
            let (kind, columns) = match &table.body {
                Body::Table(body) => (TABLE, &body.columns),
                Body::View(body) => (VIEW, &body.columns),
                _ => continue,
            };
            let columns = arrow_schema(columns);
            builder.append(catalog, schema, table.name.as_str(), kind, &columns).map_err(internal)?;
        }
        builder.build().map_err(internal)
    }

    async fn read<T: Send + 'static>(
        &self,
        current: &Current,
        read: impl FnOnce(Pinned) -> Result<T, CatalogError> + Send + 'static,
    ) -> Result<T, Status> {
        let caller: Caller = current.caller.clone();
        let request_id = caller.request_id;
        let found = self.catalog.call(move |metastore| read(metastore.pin(&caller))).await;
        found.map_err(|error: CatalogError| status(&error, Some(request_id)))
    }
}

/// The kinds of tables that there are.
pub(super) fn table_types(query: CommandGetTableTypes) -> Result<RecordBatch, Status> {
    let mut builder = query.into_builder();
    builder.append(TABLE);
    builder.append(VIEW);
    builder.build().map_err(internal)
}

fn names(pinned: &Pinned, kind: SecurableKind, parent: Option<&FullName>) -> Result<Vec<String>, CatalogError> {
    let listed = pinned.list(kind, parent, &Page::all())?;
    Ok(listed.items.into_iter().map(|entry| entry.securable.name.as_str().to_owned()).collect())
}

fn schemas(pinned: &Pinned, only: Option<&str>) -> Result<Vec<(String, String)>, CatalogError> {
    let mut found = Vec::new();
    for catalog in names(pinned, SecurableKind::Catalog, None)? {
        if only.is_some_and(|only| only != catalog) {
            continue;
        }
        let parent = FullName::from_parts(&[&catalog])?;
        let schemas = names(pinned, SecurableKind::Schema, Some(&parent))?;
        found.extend(schemas.into_iter().map(|schema| (catalog.clone(), schema)));
    }
    Ok(found)
}

type Located = (String, String, Arc<Securable>);

fn tables(pinned: &Pinned, only: Option<&str>) -> Result<Vec<Located>, CatalogError> {
    let mut found = Vec::new();
    for (catalog, schema) in schemas(pinned, only)? {
        let parent = FullName::from_parts(&[&catalog, &schema])?;
        let listed = pinned.list(SecurableKind::Table, Some(&parent), &Page::all())?;
        found.extend(listed.items.into_iter().map(|entry| (catalog.clone(), schema.clone(), entry.securable)));
    }
    Ok(found)
}

/// The columns as Arrow fields, with their SQL type and comment in the metadata that drivers look for.
fn arrow_schema(columns: &[Column]) -> Schema {
    let field = |column: &Column| {
        // A type without an Arrow form cannot be stored here; text is what is left to show.
        let data_type = parse_sql_type(&column.type_text).unwrap_or(DataType::Utf8);
        let mut metadata = vec![("ARROW:FLIGHT:SQL:TYPE_NAME".to_owned(), column.type_text.to_string())];
        if let Some(comment) = &column.comment {
            metadata.push(("ARROW:FLIGHT:SQL:REMARKS".to_owned(), comment.to_string()));
        }
        Field::new(&column.name, data_type, column.nullable).with_metadata(metadata.into_iter().collect())
    };
    Schema::new(columns.iter().map(field).collect::<Vec<_>>())
}

/// The columns of a list of primary keys. Source: `FlightSql.proto`, `CommandGetPrimaryKeys`.
pub(super) fn primary_keys() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("catalog_name", DataType::Utf8, true),
        Field::new("db_schema_name", DataType::Utf8, true),
        Field::new("table_name", DataType::Utf8, false),
        Field::new("column_name", DataType::Utf8, false),
        Field::new("key_name", DataType::Utf8, true),
        Field::new("key_sequence", DataType::Int32, false),
    ]))
}

/// The columns of a list of foreign keys. Source: `FlightSql.proto`, `CommandGetExportedKeys`.
pub(super) fn foreign_keys() -> SchemaRef {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    Arc::new(Schema::new(vec![
        text("pk_catalog_name", true),
        text("pk_db_schema_name", true),
        text("pk_table_name", false),
        text("pk_column_name", false),
        text("fk_catalog_name", true),
        text("fk_db_schema_name", true),
        text("fk_table_name", false),
        text("fk_column_name", false),
        Field::new("key_sequence", DataType::Int32, false),
        text("fk_key_name", true),
        text("pk_key_name", true),
        Field::new("update_rule", DataType::UInt8, false),
        Field::new("delete_rule", DataType::UInt8, false),
    ]))
}

pub(super) fn internal(error: impl Into<FlightError>) -> Status {
    let error = error.into();
    tracing::error!(%error, "metadata could not be built");
    crate::status::plain(lakewarden_catalog::ErrorKind::Internal, "INTERNAL", "internal error")
}
