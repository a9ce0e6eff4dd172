//! GRANT, DENY, REVOKE, SHOW GRANTS.

use lakewarden_catalog::model::{FullName, PrincipalName, Privilege, SecurableKind};
use lakewarden_catalog::ops::grants::{GrantChange, GrantEntry, GrantVerb, GrantsOn, PrivilegeOn};

use super::Run;
use crate::error::EngineError;
use crate::names;
use crate::statement::{
    GrantStatement, GrantVerb as StatementVerb, Grantees, ObjectKind, ObjectName, ObjectRef, PrivilegeSpec, ShowGrants,
};
use crate::stream::{QueryStream, text_answer};
use crate::times;

impl Run {
    pub(super) async fn grant(&self, grant: GrantStatement) -> Result<QueryStream, EngineError> {
        let principals = match grant.to {
            Grantees::Principals(names) => names.iter().map(|n| PrincipalName::parse(n)).collect::<Result<_, _>>()?,
            Grantees::Recipient(_) => {
                return Err(EngineError::Unimplemented(format!("{} for a recipient", grant.verb)));
            }
        };
        let (kind, name) = self.securable(&grant.on)?;
        let mut privileges = Vec::new();
        for spec in &grant.privileges {
            let columns = &spec.columns;
            let on = |privilege| PrivilegeOn { privilege, columns: columns.clone() };
            privileges.extend(privileges_of(spec, kind)?.into_iter().map(on));
        }
        let verb = match grant.verb {
            StatementVerb::Grant => GrantVerb::Grant,
            StatementVerb::Revoke => GrantVerb::Revoke,
            StatementVerb::Deny => GrantVerb::Deny,
        };
        let change = GrantChange { verb, privileges, kind, name, principals };
        self.change(move |metastore, caller| metastore.change_grants(caller, &change)).await?;
        Ok(self.done())
    }

    pub(super) fn show_grants(&self, show: ShowGrants) -> Result<QueryStream, EngineError> {
        if show.effective {
            return self.show_effective_grants(&show);
        }
        let metastore = self.engine.catalog().reads();
        let listed = match &show.on {
            Some(on) => metastore.list_grants(&self.caller, &self.grants_on(on, &show)?),
            None if show.as_of.is_some() => {
                return Err(EngineError::invalid("AS OF TIMESTAMP needs a securable: add ON kind name before it"));
            }
            None => {
                let principal = principal(show.principal.as_deref())?;
                metastore.list_grants_to(&self.caller, principal.as_ref().unwrap_or(&self.caller.name))
            }
        };
        let row = |e: GrantEntry| {
            let action = action_type(e.denied, e.privilege, e.column.as_deref());
            [Some(e.principal), Some(action), Some(e.kind.to_string()), Some(e.securable)]
        };
        let rows = self.audited(listed)?.into_iter().map(row).collect();
        text_answer(["Principal", "ActionType", "ObjectType", "ObjectKey"], rows)
    }

    /// What SHOW GRANTS asks about a securable.
    pub(super) fn grants_on(&self, on: &ObjectRef, show: &ShowGrants) -> Result<GrantsOn, EngineError> {
        let (kind, name) = self.securable(on)?;
        let as_of_ms = show.as_of.as_deref().map(times::milliseconds).transpose()?;
        Ok(GrantsOn { kind, name, principal: principal(show.principal.as_deref())?, inherited: true, as_of_ms })
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
            SecurableKind::Schema => names::schema(name, &self.namespace),
            SecurableKind::Column => Err(EngineError::invalid("name the table, and the column in brackets")),
            _ if kind.name_parts() == 1 => names::in_metastore(name, kind),
            _ => names::object(name, &self.namespace),
        }
    }
}

/// The kind of securable that a word of a statement stands for.
pub(super) fn securable_kind(kind: ObjectKind) -> Result<SecurableKind, EngineError> {
    if kind == ObjectKind::Credential {
        return Ok(SecurableKind::StorageCredential);
    }
    let unbuilt = || {
        let words = kind.word().to_uppercase();
        EngineError::Unimplemented(match kind {
            ObjectKind::AnyFile => format!("{words} (grant READ FILES on an EXTERNAL LOCATION instead)"),
            ObjectKind::AnonymousFunction => format!("{words} (functions are granted on by their names)"),
            ObjectKind::Policy => format!("{words} as a securable (who manages a table manages its policies)"),
            _ => format!("{words} as a securable"),
        })
    };
    SecurableKind::parse(kind.word()).ok_or_else(unbuilt)
}

/// The privileges that the words stand for on a kind, the old names among them.
pub(super) fn privileges_of(spec: &PrivilegeSpec, kind: SecurableKind) -> Result<Vec<Privilege>, EngineError> {
    if let Some(found) = Privilege::parse_old(&spec.words, kind) {
        return Ok(found.to_vec());
    }
    let unknown = || EngineError::invalid(format!("there is no privilege `{}`", spec.words));
    Ok(vec![Privilege::parse(&spec.words).ok_or_else(unknown)?])
}

/// The principal that a statement names, if it does.
pub(super) fn principal(name: Option<&str>) -> Result<Option<PrincipalName>, EngineError> {
    Ok(name.map(PrincipalName::parse).transpose()?)
}

/// A privilege as SHOW GRANTS tells it: `SELECT`, `DENY SELECT (salary)`.
pub(super) fn action_type(denied: bool, privilege: Privilege, column: Option<&str>) -> String {
    let deny = if denied { "DENY " } else { "" };
    let column = column.map(|column| format!(" ({column})")).unwrap_or_default();
    format!("{deny}{privilege}{column}")
}
