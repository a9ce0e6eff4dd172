//! Grants: made, taken back, listed with what is inherited. Granting twice or revoking what is absent changes nothing.

use crate::model::{FullName, GrantRow, Principal, PrincipalName, Privilege, PrivilegeSet, Securable, SecurableKind};
use crate::pinned::Pinned;
use crate::tx::Tx;
use crate::{Caller, CatalogError, metastore::Metastore};
use std::sync::Arc;

use super::entries::refuse_system;
use super::principals::named;

/// What is granted or revoked: every privilege to every principal, whole or not at all.
#[derive(Debug, Clone)]
pub struct GrantChange {
    /// The privileges.
    pub privileges: Vec<Privilege>,
    /// The kind of the securable.
    pub kind: SecurableKind,
    /// Its full name; ignored for the metastore.
    pub name: FullName,
    /// To or from whom.
    pub principals: Vec<PrincipalName>,
}

/// One line of a listing of grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantEntry {
    /// The name of the principal.
    pub principal: String,
    /// The privilege.
    pub privilege: Privilege,
    /// The kind of the securable that it was granted on: for an inherited grant, the ancestor.
    pub kind: SecurableKind,
    /// The full name of that securable.
    pub securable: String,
    /// Whether it was granted above.
    pub inherited: bool,
}

impl Metastore {
    /// Grants privileges. Gives the grants that the principals hold on the securable itself afterwards.
    ///
    /// # Errors
    /// `NotFound` of the securable or a principal, `PermissionDenied` without the right to manage the securable,
    /// `InvalidArgument` when a privilege means nothing on it.
    pub fn grant(&self, caller: &Caller, change: &GrantChange) -> Result<Vec<GrantEntry>, CatalogError> {
        self.change_grants(caller, "grants.grant", change, |held, privileges| PrivilegeSet(held.0 | privileges.0))
    }

    /// Revokes privileges. REVOKE ALL PRIVILEGES takes away everything that the principal holds on the securable itself.
    ///
    /// # Errors
    /// As `grant`.
    pub fn revoke(&self, caller: &Caller, change: &GrantChange) -> Result<Vec<GrantEntry>, CatalogError> {
        self.change_grants(caller, "grants.revoke", change, |held, privileges| {
            if privileges.contains(Privilege::AllPrivileges) {
                PrivilegeSet::EMPTY
            } else {
                PrivilegeSet(held.0 & !privileges.0)
            }
        })
    }

    fn change_grants(
        &self,
        caller: &Caller,
        action: &'static str,
        change: &GrantChange,
        apply: impl Fn(PrivilegeSet, PrivilegeSet) -> PrivilegeSet,
    ) -> Result<Vec<GrantEntry>, CatalogError> {
        self.write(caller, action, &change.name.to_string(), |tx| {
            let securable = tx.pinned().resolve_to_manage(change.kind, &change.name)?;
            refuse_system(tx, &securable)?;
            let privileges = legal(&securable, &change.privileges)?;
            let principals: Vec<Arc<Principal>> =
                change.principals.iter().map(|p| named(tx.state(), p).cloned()).collect::<Result<_, _>>()?;
            for principal in &principals {
                let row = tx.state().grant_row(securable.id, principal.id);
                let changed = GrantRow { allow: apply(row.allow, privileges), ..row };
                if changed != row {
                    tx.put_grant(securable.id, changed);
                }
            }
            note(tx, &securable, privileges, &principals);
            let ids: Vec<_> = principals.iter().map(|p| p.id).collect();
            let held = lines(&tx.changed(), &securable, false);
            Ok(held.into_iter().filter(|(row, _)| ids.contains(&row.principal)).flat_map(|(_, lines)| lines).collect())
        })
    }

    /// Lists the grants on a securable, with those it inherits when asked. Who may not manage the securable sees the grants
    /// to itself and its groups only.
    ///
    /// # Errors
    /// `NotFound` of the securable or the principal.
    pub fn list_grants(
        &self,
        caller: &Caller,
        kind: SecurableKind,
        name: &FullName,
        principal: Option<&PrincipalName>,
        inherited: bool,
    ) -> Result<Vec<GrantEntry>, CatalogError> {
        self.read(caller, "grants.list", &name.to_string(), |pinned| {
            let securable = pinned.resolve(kind, name)?;
            let only = principal.map(|name| named(pinned.state(), name).map(|p| p.id)).transpose()?;
            let manages = pinned.allows(securable.id, crate::Need::Manage);
            let shown = |row: &GrantRow| {
                only.is_none_or(|id| id == row.principal) && (manages || pinned.closure().contains(row.principal))
            };
            let held = lines(pinned, &securable, inherited);
            Ok(held.into_iter().filter(|(row, _)| shown(row)).flat_map(|(_, lines)| lines).collect())
        })
    }

    /// Lists what a principal holds itself, anywhere that the caller may see: all of it for itself, its groups and metastore
    /// admins; else what lies on securables that the caller may manage.
    ///
    /// # Errors
    /// `NotFound` of the principal.
    pub fn list_grants_to(&self, caller: &Caller, principal: &PrincipalName) -> Result<Vec<GrantEntry>, CatalogError> {
        self.read(caller, "grants.list", principal.as_str(), |pinned| {
            let id = named(pinned.state(), principal)?.id;
            let own = pinned.closure().contains(id);
            let held = pinned.state().holdings.get(&id).into_iter().flatten();
            let mut found = Vec::new();
            for securable in held.filter_map(|s| pinned.state().securable(*s)) {
                if own && pinned.sees(securable.id) || pinned.allows(securable.id, crate::Need::Manage) {
                    let rows = lines(pinned, securable, false);
                    found.extend(rows.into_iter().filter(|(row, _)| row.principal == id).flat_map(|(_, lines)| lines));
                }
            }
            found.sort_by(|a, b| (&a.securable, a.privilege).cmp(&(&b.securable, b.privilege)));
            Ok(found)
        })
    }
}

/// Checks that each privilege means something on the securable or below it.
fn legal(securable: &Securable, privileges: &[Privilege]) -> Result<PrivilegeSet, CatalogError> {
    if privileges.is_empty() {
        return Err(CatalogError::invalid("privileges", "name at least one privilege"));
    }
    let kind = securable.kind();
    if let Some(wrong) = privileges.iter().find(|p| !p.grantable_on(kind)) {
        let legal: Vec<_> = Privilege::ALL.iter().filter(|p| p.grantable_on(kind)).map(|p| p.as_str()).collect();
        let message = format!("{wrong} cannot be granted on a {}: use one of {}", kind.noun(), legal.join(", "));
        return Err(CatalogError::invalid("privileges", message));
    }
    Ok(privileges.iter().copied().collect())
}

fn note(tx: &mut Tx, securable: &Securable, privileges: PrivilegeSet, principals: &[Arc<Principal>]) {
    let words = privileges.iter().map(Privilege::as_str).collect::<Vec<_>>().join(", ");
    let names = principals.iter().map(|p| p.name.to_string()).collect::<Vec<_>>().join(", ");
    tx.detail("privileges", words);
    tx.detail("principals", names);
    tx.detail("securable_id", securable.id.to_string());
    tx.detail("kind", securable.kind().as_str());
}

/// The grant rows on a securable, and above it when asked, each with its lines. Privileges that mean nothing on the kind
/// are left out of what is inherited; the metastore's grants are inherited by nothing.
fn lines(pinned: &Pinned, securable: &Securable, inherited: bool) -> Vec<(GrantRow, Vec<GrantEntry>)> {
    let state = pinned.state();
    let mut found = Vec::new();
    for (at, link) in state.path(securable.id).into_iter().enumerate() {
        let above = at > 0;
        if above && (!inherited || link.kind() == SecurableKind::Metastore) {
            break;
        }
        let full_name = state.full_name(link.id);
        let mut rows: Vec<_> = state.grants_on(link.id).iter().copied().collect();
        rows.sort_by_key(|row| state.principal_name(row.principal));
        for row in rows {
            let privileges = row.allow.iter().filter(|p| !above || p.reaches(securable.kind()));
            let line = |privilege| GrantEntry {
                principal: state.principal_name(row.principal),
                privilege,
                kind: link.kind(),
                securable: full_name.clone(),
                inherited: above,
            };
            found.push((row, privileges.map(line).collect()));
        }
    }
    found
}
