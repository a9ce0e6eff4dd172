//! GRANT, REVOKE, SHOW GRANTS.

use lakewarden_catalog::model::{FullName, PrincipalName, Privilege, SecurableKind};
use lakewarden_catalog::ops::grants::{GrantChange, GrantEntry};

use super::Run;
use crate::error::EngineError;
use crate::names;
use crate::statement::{
    GrantStatement, GrantVerb, Grantees, ObjectKind, ObjectName, ObjectRef, PrivilegeSpec, ShowGrants,
};
use crate::stream::{QueryStream, text_answer};

impl Run {
    pub(super) async fn grant(&self, grant: GrantStatement) -> Result<QueryStream, EngineError> {
        let principals = match grant.to {
            Grantees::Principals(names) => names.iter().map(|n| PrincipalName::parse(n)).collect::<Result<_, _>>()?,
            Grantees::Recipient(_) => return Err(EngineError::Unimplemented("GRANT to a recipient".to_owned())),
        };
        let (kind, name) = self.securable(&grant.on)?;
        let mut privileges = Vec::new();
        for spec in &grant.privileges {
            privileges.extend(privilege(spec, kind)?);
        }
        let change = GrantChange { privileges, kind, name, principals };
        match grant.verb {
            GrantVerb::Grant => self.change(move |metastore, caller| metastore.grant(caller, &change)).await?,
            GrantVerb::Revoke => self.change(move |metastore, caller| metastore.revoke(caller, &change)).await?,
            GrantVerb::Deny => return Err(EngineError::Unimplemented("DENY".to_owned())),
        };
        Ok(self.done())
    }

    pub(super) fn show_grants(&self, show: ShowGrants) -> Result<QueryStream, EngineError> {
        let principal = show.principal.as_deref().map(PrincipalName::parse).transpose()?;
        let metastore = self.engine.catalog().reads();
        let entries = match (&show.on, &principal) {
            (Some(on), principal) => {
                let (kind, name) = self.securable(on)?;
                metastore.list_grants(&self.caller, kind, &name, principal.as_ref(), true)?
            }
            (None, Some(principal)) => metastore.list_grants_to(&self.caller, principal)?,
            (None, None) => metastore.list_grants_to(&self.caller, &self.caller.name)?,
        };
        let row = |e: GrantEntry| {
            [Some(e.principal), Some(e.privilege.to_string()), Some(e.kind.to_string()), Some(e.securable)]
        };
        text_answer(["Principal", "ActionType", "ObjectType", "ObjectKey"], entries.into_iter().map(row).collect())
    }

    /// The securable that a statement names. Without a kind it is a table or view.
    pub(super) fn securable(&self, on: &ObjectRef) -> Result<(SecurableKind, FullName), EngineError> {
        let kind = securable_kind(on.kind.unwrap_or(ObjectKind::Table))?;
        let name = match (&on.name, kind) {
            (_, SecurableKind::Metastore) => FullName::from_parts(&["metastore"])?,
            (Some(name), _) => self.full_name(kind, name)?,
            (None, _) => return Err(EngineError::invalid(format!("name the {}", kind.noun()))),
        };
        Ok((kind, name))
    }

    /// The full name of a securable of a kind.
    pub(super) fn full_name(&self, kind: SecurableKind, name: &ObjectName) -> Result<FullName, EngineError> {
        match kind {
            SecurableKind::Metastore => Ok(FullName::from_parts(&["metastore"])?),
            SecurableKind::Catalog => names::catalog(name),
            SecurableKind::Schema => names::schema(name, &self.namespace),
            SecurableKind::Table | SecurableKind::View | SecurableKind::Function => {
                names::object(name, &self.namespace)
            }
        }
    }
}

/// The securable kinds that are built.
pub(super) fn securable_kind(kind: ObjectKind) -> Result<SecurableKind, EngineError> {
    match kind {
        ObjectKind::Metastore => Ok(SecurableKind::Metastore),
        ObjectKind::Catalog => Ok(SecurableKind::Catalog),
        ObjectKind::Schema => Ok(SecurableKind::Schema),
        ObjectKind::Table => Ok(SecurableKind::Table),
        ObjectKind::View => Ok(SecurableKind::View),
        ObjectKind::Function => Ok(SecurableKind::Function),
        other => Err(EngineError::Unimplemented(format!("the securable kind {}", other.word()))),
    }
}

/// The privileges that the words stand for on a kind. Source: Unity Catalog; USAGE, CREATE and READ_METADATA are the old
/// names of SQL_SURFACE section 4.
fn privilege(spec: &PrivilegeSpec, kind: SecurableKind) -> Result<Vec<Privilege>, EngineError> {
    if !spec.columns.is_empty() {
        return Err(EngineError::Unimplemented(format!("{} on single columns", spec.words)));
    }
    let old = match (spec.words.to_ascii_uppercase().replace('_', " ").as_str(), kind) {
        ("USAGE", SecurableKind::Catalog) => vec![Privilege::UseCatalog],
        ("USAGE", SecurableKind::Schema) => vec![Privilege::UseSchema],
        ("CREATE", SecurableKind::Catalog) => vec![Privilege::CreateSchema],
        ("CREATE", SecurableKind::Schema) => vec![Privilege::CreateTable, Privilege::CreateFunction],
        ("READ METADATA", _) => vec![Privilege::Browse],
        _ => Vec::new(),
    };
    if !old.is_empty() {
        return Ok(old);
    }
    let unknown = || EngineError::invalid(format!("there is no privilege `{}`", spec.words));
    Ok(vec![Privilege::parse(&spec.words).ok_or_else(unknown)?])
}
