//! CREATE TABLE: managed or at a LOCATION, empty, over an existing Delta table, or from a query.
//!
//! The files are written first and the record last, so that nobody sees a table without its rows or its policies. What
//! is written for a table that is not created after all is purged.

use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::physical_plan::ExecutionPlan;
use lakewarden_catalog::model::{FullName, Privilege};
use lakewarden_catalog::ops::containers::Describe;
use lakewarden_catalog::ops::tables::{NewColumn, NewLocation, NewTable};

use super::veil::veiled;
use super::{Run, unless_exists};
use crate::delta::{
    Location, OpenTable, TableColumn, TableDefinition, create_table, create_table_as, open_table, parse_sql_type,
    sql_type,
};
use crate::error::EngineError;
use crate::names;
use crate::statement::{ColumnSpec, CreateTable};
use crate::stream::QueryStream;

impl Run {
    pub(super) async fn create_table(&self, create: CreateTable) -> Result<QueryStream, EngineError> {
        let create = self.with_columns_of_like(create)?;
        refuse_unbuilt(&create)?;
        let name = names::object(&create.name, &self.namespace)?;
        let if_not_exists = create.if_not_exists;
        let made = match &create.location {
            Some(location) => self.create_external(&create, name, location).await,
            None => self.create_managed(&create, name).await,
        };
        unless_exists(made, if_not_exists)?;
        Ok(self.done())
    }

    /// `LIKE t`: the columns of another relation, which tell no more than DESCRIBE of it does. Its policies, grants and tags are its own.
    fn with_columns_of_like(&self, mut create: CreateTable) -> Result<CreateTable, EngineError> {
        let Some(like) = create.like.take() else { return Ok(create) };
        let mut columns = self.columns_of(&names::object(&like, &self.namespace)?)?;
        for column in &columns {
            create.columns.push(ColumnSpec {
                name: column.name.to_string(),
                // The words are what counts; they are the catalog's own.
                data_type: sqlparser::ast::DataType::Unspecified,
                type_text: column.type_text.to_string(),
                not_null: !column.nullable,
                comment: column.comment.as_ref().map(ToString::to_string),
                mask: None,
            });
        }
        if create.partitioned_by.is_empty() {
            columns.retain(|column| column.partition_index.is_some());
            columns.sort_by_key(|column| column.partition_index);
            create.partitioned_by = columns.iter().map(|column| column.name.to_string()).collect();
        }
        Ok(create)
    }

    async fn create_managed(&self, create: &CreateTable, name: FullName) -> Result<(), EngineError> {
        let root = Location::from_path(self.engine.managed_root())?.to_string();
        let target = name.clone();
        let staged = self.change(move |metastore, caller| metastore.stage_table(caller, &target, &root, false)).await?;
        let location = Location::parse(&staged.location)?;
        let written = async {
            self.write_new(create, &location).await?;
            self.register(create, name, &location, NewLocation::Managed(staged.clone())).await
        };
        let done = written.await;
        if done.is_err() {
            let abandoned = staged.clone();
            self.change(move |metastore, caller| metastore.abandon_table(caller, &abandoned)).await?;
            self.engine.purge_dropped(false).await;
        }
        done
    }

    async fn create_external(&self, create: &CreateTable, name: FullName, text: &str) -> Result<(), EngineError> {
        let location = self.folder_outside(text, Privilege::CreateExternalTable)?;
        require_plain(&location)?;
        self.pinned.require_new_external(&name, &location.to_string())?;
        let fresh = create.query.is_some() || !create.columns.is_empty() && !has_log(&location);
        if fresh {
            self.write_new(create, &location).await?;
        }
        self.register(create, name, &location, NewLocation::External(location.to_string())).await
    }

    /// Writes version 0 of a table.
    async fn write_new(&self, create: &CreateTable, location: &Location) -> Result<(), EngineError> {
        match &create.query {
            Some(source) => {
                let plan = self.planner.query(&source.query, &self.scope()).await?;
                let veil = self.veil().await;
                let (_, input) = self.runtime.plan(&plan).await.map_err(|error| veiled(veil.as_ref(), error))?;
                let definition = definition(create, Some(input.as_ref()))?;
                let (location, system) = (location.clone(), self.planner.system.clone());
                let written = create_table_as(&location, &definition, input, &system).await;
                written.map_err(|error| veiled(veil.as_ref(), EngineError::from_writing(error)))?;
            }
            None => create_table(location, &definition(create, None)?).await?,
        }
        Ok(())
    }

    /// Makes the record, once the policies that come with it have been planned on what is stored.
    async fn register(
        &self,
        create: &CreateTable,
        name: FullName,
        location: &Location,
        place: NewLocation,
    ) -> Result<(), EngineError> {
        let fault = |fault| EngineError::Open { label: name.to_string(), fault };
        let stored = open_table(location.path(), None, &self.planner.system).await.map_err(fault)?;
        require_same_columns(create, &stored)?;
        let new = self.new_table(create, name.clone(), &stored, place)?;
        if new.row_filter.is_some() || !new.masks.is_empty() {
            let preview = self.pinned.preview_table(&new)?;
            crate::planner::fitting::require(&preview)?;
            self.planner.govern(&preview, &stored, &self.scope()).await?;
        }
        self.change(move |metastore, caller| metastore.create_table(caller, &new)).await?;
        Ok(())
    }

    fn new_table(
        &self,
        create: &CreateTable,
        name: FullName,
        stored: &OpenTable,
        location: NewLocation,
    ) -> Result<NewTable, EngineError> {
        let filter = create.row_filter.as_ref().map(|filter| self.row_filter_binding(filter)).transpose()?;
        let mut masks = Vec::new();
        for column in &create.columns {
            if let Some(mask) = &column.mask {
                masks.push(self.mask_binding(column.name.clone(), Vec::new(), mask)?);
            }
        }
        let describe =
            Describe { comment: create.comment.clone(), properties: create.properties.iter().cloned().collect() };
        let columns = stored_columns(stored, &create.columns)?;
        Ok(NewTable { name, location, columns, describe, row_filter: filter, masks, replace: false })
    }
}

fn refuse_unbuilt(create: &CreateTable) -> Result<(), EngineError> {
    if let Some(format) = create.format.as_ref().filter(|f| !f.eq_ignore_ascii_case("delta")) {
        return Err(EngineError::Unimplemented(format!("USING {format}: tables are Delta tables; the format")));
    }
    if !create.options.is_empty() {
        return Err(EngineError::Unimplemented("OPTIONS of a table".to_owned()));
    }
    if create.or_replace {
        return Err(EngineError::Unimplemented(
            "CREATE OR REPLACE TABLE: drop the table first; replacing one".to_owned(),
        ));
    }
    if create.external && create.location.is_none() {
        return Err(EngineError::invalid("an EXTERNAL table needs a LOCATION"));
    }
    if create.location.is_none() && create.query.is_none() && create.columns.is_empty() {
        return Err(EngineError::invalid(
            "a table needs columns, AS query, or the LOCATION of an existing Delta table",
        ));
    }
    let typed = create.columns.iter().any(|c| c.mask.is_none());
    if create.query.is_some() && typed && !create.columns.is_empty() {
        return Err(EngineError::Unimplemented(
            "a column list before AS: name the columns in the query; a column list".to_owned(),
        ));
    }
    Ok(())
}

fn definition(create: &CreateTable, input: Option<&dyn ExecutionPlan>) -> Result<TableDefinition, EngineError> {
    let mut definition = match input {
        Some(input) => TableDefinition::of_query(&input.schema())?,
        None => TableDefinition {
            columns: create.columns.iter().map(table_column).collect::<Result<_, _>>()?,
            ..TableDefinition::default()
        },
    };
    definition.partition_columns = create.partitioned_by.iter().map(|name| spelled(&definition, name)).collect();
    definition.properties = create.properties.iter().cloned().collect();
    definition.description.clone_from(&create.comment);
    Ok(definition)
}

/// A partition column as the definition spells it; names are compared without case.
fn spelled(definition: &TableDefinition, name: &str) -> String {
    let found = definition.columns.iter().find(|c| c.name.eq_ignore_ascii_case(name));
    found.map_or_else(|| name.to_owned(), |c| c.name.clone())
}

fn table_column(column: &ColumnSpec) -> Result<TableColumn, EngineError> {
    let data_type = parse_sql_type(&column.type_text).map_err(crate::delta::WriteError::from)?;
    let (name, comment) = (column.name.clone(), column.comment.clone());
    Ok(TableColumn { name, data_type, nullable: !column.not_null, comment })
}

/// The columns as they are stored, which is what the catalog keeps.
fn stored_columns(stored: &OpenTable, given: &[ColumnSpec]) -> Result<Vec<NewColumn>, EngineError> {
    let snapshot = stored.table.snapshot().map_err(EngineError::internal)?;
    let partitions = snapshot.metadata().partition_columns().to_vec();
    let column = |field: &Arc<arrow::datatypes::Field>| {
        let comment = given.iter().find(|c| c.name.eq_ignore_ascii_case(field.name())).and_then(|c| c.comment.clone());
        let place = partitions.iter().position(|p| p == field.name());
        NewColumn {
            name: field.name().clone(),
            type_text: sql_type(field.data_type()),
            nullable: field.is_nullable(),
            comment: comment.or_else(|| field.metadata().get("comment").cloned()),
            partition_index: place.and_then(|at| u32::try_from(at).ok()),
        }
    };
    Ok(stored.schema.fields().iter().map(column).collect())
}

/// A column list over an existing table must say what is stored.
fn require_same_columns(create: &CreateTable, stored: &OpenTable) -> Result<(), EngineError> {
    if create.columns.is_empty() || create.query.is_some() {
        return Ok(());
    }
    let said = create.columns.iter().map(table_column).collect::<Result<Vec<_>, _>>()?;
    let shape = |name: &str, text: String| (name.to_lowercase(), text);
    let said: Vec<_> = said.iter().map(|c| shape(&c.name, sql_type(&c.data_type))).collect();
    let schema: &Schema = stored.schema.as_ref();
    let has: Vec<_> = schema.fields().iter().map(|f| shape(f.name(), sql_type(f.data_type()))).collect();
    if said != has {
        return Err(EngineError::invalid(
            "the table at this location has other columns: leave the column list out to take them as they are",
        ));
    }
    Ok(())
}

/// The Delta library reads some characters of a path as an encoding of others, so that a table there could be written and
/// not read again. Refused before anything is written.
fn require_plain(location: &Location) -> Result<(), EngineError> {
    let path = location.path().to_string_lossy();
    let is_odd = |c: char| matches!(c, '%' | '\\' | char::REPLACEMENT_CHARACTER) || c.is_control();
    if !path.contains(is_odd) {
        return Ok(());
    }
    let message =
        "the folder of a table may not have `%`, a backslash or a control character in its path: choose another";
    Err(EngineError::invalid(message))
}

fn has_log(location: &Location) -> bool {
    location.path().join("_delta_log").is_dir()
}
