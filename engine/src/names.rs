//! Names as a statement writes them become full names, by the current catalog and schema.

use lakewarden_catalog::model::{FullName, Namespace, SecurableKind};

use crate::error::EngineError;
use crate::statement::ObjectName;

/// The full name of a table, view or function.
///
/// # Errors
/// When the name has more than three parts, or fewer and there is no current catalog or schema to complete it.
pub fn object(name: &ObjectName, namespace: &Namespace) -> Result<FullName, EngineError> {
    let mut parts = name.parts.clone();
    if parts.len() < 3 {
        let schema = if parts.len() < 2 { Some(current_schema(name, namespace)?) } else { None };
        if let Some(schema) = schema {
            parts.insert(0, schema);
        }
        parts.insert(0, current_catalog(name, namespace)?);
    }
    Ok(FullName::from_parts(&parts)?)
}

/// The full name of a schema.
///
/// # Errors
/// As `object`.
pub fn schema(name: &ObjectName, namespace: &Namespace) -> Result<FullName, EngineError> {
    let mut parts = name.parts.clone();
    if parts.len() < 2 {
        parts.insert(0, current_catalog(name, namespace)?);
    }
    Ok(FullName::from_parts(&parts)?)
}

/// The name of a catalog.
///
/// # Errors
/// When it has more than one part.
pub fn catalog(name: &ObjectName) -> Result<FullName, EngineError> {
    in_metastore(name, SecurableKind::Catalog)
}

/// The name of what is directly in the metastore.
///
/// # Errors
/// When it has more than one part.
pub fn in_metastore(name: &ObjectName, kind: SecurableKind) -> Result<FullName, EngineError> {
    if name.parts.len() != 1 {
        return Err(EngineError::invalid(format!("`{name}` names no {}: its name has one part", kind.noun())));
    }
    Ok(FullName::from_parts(&name.parts)?)
}

fn current_catalog(name: &ObjectName, namespace: &Namespace) -> Result<String, EngineError> {
    namespace.catalog.clone().ok_or_else(|| {
        EngineError::invalid(format!(
            "`{name}` has no catalog and none is current: write catalog.schema.name, or say USE CATALOG first"
        ))
    })
}

fn current_schema(name: &ObjectName, namespace: &Namespace) -> Result<String, EngineError> {
    namespace.schema.clone().ok_or_else(|| {
        EngineError::invalid(format!(
            "`{name}` has no schema and none is current: write catalog.schema.name, or say USE catalog.schema first"
        ))
    })
}
