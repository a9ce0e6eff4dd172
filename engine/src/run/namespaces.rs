//! USE, CREATE CATALOG, CREATE SCHEMA.

use lakewarden_catalog::model::{Name, Namespace, SecurableKind};
use lakewarden_catalog::ops::containers::Describe;

use super::{Run, unless_exists};
use crate::error::EngineError;
use crate::names;
use crate::statement::{CreateCatalog, CreateSchema, ObjectName, Use};
use crate::stream::QueryStream;

impl Run {
    /// Makes a catalog or schema current. Source: Unity Catalog, `USE`: it needs no privilege, only that it can be seen.
    pub(super) fn use_namespace(&mut self, target: Use) -> Result<QueryStream, EngineError> {
        self.namespace = match target {
            Use::Catalog(name) => self.catalog_namespace(&ObjectName::new([name]))?,
            Use::Schema(name) => self.schema_namespace(&name)?,
            Use::Auto(name) if name.parts.len() == 1 => match self.schema_namespace(&name) {
                Ok(found) => found,
                Err(_) => self.catalog_namespace(&name)?,
            },
            Use::Auto(name) => self.schema_namespace(&name)?,
        };
        Ok(self.done())
    }

    fn catalog_namespace(&self, name: &ObjectName) -> Result<Namespace, EngineError> {
        let found = self.pinned.resolve(SecurableKind::Catalog, &names::catalog(name)?)?;
        Ok(Namespace { catalog: Some(found.name.to_string()), schema: None })
    }

    fn schema_namespace(&self, name: &ObjectName) -> Result<Namespace, EngineError> {
        let full = names::schema(name, &self.namespace)?;
        let found = self.pinned.resolve(SecurableKind::Schema, &full)?;
        let catalog = full.parts().first().map(ToString::to_string);
        Ok(Namespace { catalog, schema: Some(found.name.to_string()) })
    }

    pub(super) async fn create_catalog(&self, create: CreateCatalog) -> Result<QueryStream, EngineError> {
        refuse_location(create.managed_location.as_ref())?;
        let name = Name::parse(&create.name)?;
        let describe = Describe { comment: create.comment, ..Describe::default() };
        let made = self.change(move |metastore, caller| metastore.create_catalog(caller, &name, &describe)).await;
        unless_exists(made, create.if_not_exists)?;
        Ok(self.done())
    }

    pub(super) async fn create_schema(&self, create: CreateSchema) -> Result<QueryStream, EngineError> {
        refuse_location(create.managed_location.as_ref())?;
        let name = names::schema(&create.name, &self.namespace)?;
        let properties = create.properties.into_iter().collect();
        let describe = Describe { comment: create.comment, properties };
        let made = self.change(move |metastore, caller| metastore.create_schema(caller, &name, &describe)).await;
        unless_exists(made, create.if_not_exists)?;
        Ok(self.done())
    }
}

fn refuse_location(location: Option<&String>) -> Result<(), EngineError> {
    match location {
        Some(_) => {
            Err(EngineError::Unimplemented("MANAGED LOCATION: managed tables lie in the data folder".to_owned()))
        }
        None => Ok(()),
    }
}
