//! Users, groups and service principals.

use std::sync::Arc;

use super::page::{Listing, Page};
use super::policies::require_unnamed;
use crate::model::{
    ColumnGrants, GrantRow, Principal, PrincipalId, PrincipalKind, PrincipalName, Securable, SecurableId,
};
use crate::pinned::Pinned;
use crate::state::State;
use crate::tx::Tx;
use crate::{Caller, CatalogError, metastore::Metastore};

/// The name of the group that every principal is in.
pub const ACCOUNT_USERS: &str = "account users";

impl Metastore {
    /// Creates a user, group or service principal.
    ///
    /// # Errors
    /// `PermissionDenied` unless the caller is a metastore admin, `AlreadyExists`.
    pub fn create_principal(
        &self,
        caller: &Caller,
        kind: PrincipalKind,
        name: &PrincipalName,
        comment: Option<String>,
    ) -> Result<Arc<Principal>, CatalogError> {
        self.write(caller, "principals.create", name.as_str(), |tx| {
            tx.pinned().require_admin()?;
            if let Some(taken) = tx.state().principal_named(name) {
                return Err(CatalogError::AlreadyExists { what: taken.kind.noun(), name: taken.name.to_string() });
            }
            tx.detail("kind", kind.noun());
            tx.put_principal(Principal {
                id: PrincipalId(tx.new_id()),
                kind,
                name: name.clone(),
                comment,
                created_at_ms: tx.now_ms(),
                created_by: tx.caller().principal,
                etag: tx.etag(),
            })
        })
    }

    /// Reads a principal. Names of principals are known to everybody, as everybody may grant on what they own.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn get_principal(&self, caller: &Caller, name: &PrincipalName) -> Result<Arc<Principal>, CatalogError> {
        self.read(caller, "principals.get", name.as_str(), |pinned| named(pinned.state(), name).cloned())
    }

    /// Lists the principals of one kind, in the order of their names.
    ///
    /// # Errors
    /// `Unavailable` only.
    pub fn list_principals(
        &self,
        caller: &Caller,
        kind: PrincipalKind,
        page: &Page,
    ) -> Result<Listing<Arc<Principal>>, CatalogError> {
        self.read(caller, "principals.list", kind.noun(), |pinned| Ok(pinned.list_principals(kind, page)))
    }

    /// Changes the name or the comment of a principal. Who has a token keeps it: tokens name the id.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` unless the caller is a metastore admin, `AlreadyExists`, `Conflict`,
    /// `FailedPrecondition` for the built-in group.
    pub fn update_principal(
        &self,
        caller: &Caller,
        kind: Option<PrincipalKind>,
        name: &PrincipalName,
        update: &PrincipalUpdate,
    ) -> Result<Arc<Principal>, CatalogError> {
        self.write(caller, "principals.update", name.as_str(), |tx| {
            tx.pinned().require_admin()?;
            let found = of_kind(tx.state(), kind, name)?.clone();
            require_custom(&found)?;
            require_etag(&found, update.etag)?;
            let mut changed = Principal { etag: tx.etag(), ..Principal::clone(&found) };
            if let Some(new) = &update.name {
                match tx.state().principal_named(new) {
                    Some(taken) if taken.id != found.id => {
                        return Err(CatalogError::AlreadyExists {
                            what: taken.kind.noun(),
                            name: taken.name.to_string(),
                        });
                    }
                    _ => changed.name = new.clone(),
                }
                tx.detail("new_name", new.to_string());
            }
            if let Some(comment) = &update.comment {
                changed.comment.clone_from(comment);
            }
            tx.put_principal(changed)
        })
    }

    /// Deletes a principal with its memberships and its tokens. What it owns and holds needs a choice.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` unless the caller is a metastore admin, `Conflict`, `FailedPrecondition` when it is the
    /// caller or built in, when a policy names it, or when it owns or holds something that `leftovers` does not settle.
    pub fn delete_principal(
        &self,
        caller: &Caller,
        kind: Option<PrincipalKind>,
        name: &PrincipalName,
        leftovers: &Leftovers,
        etag: Option<u64>,
    ) -> Result<(), CatalogError> {
        self.write(caller, "principals.delete", name.as_str(), |tx| {
            tx.pinned().require_admin()?;
            let found = of_kind(tx.state(), kind, name)?.clone();
            require_etag(&found, etag)?;
            require_deletable(caller, &found)?;
            require_unnamed(tx, found.id, &found.name)?;
            settle(tx, &found, leftovers)?;
            for (group, member) in memberships(tx.state(), found.id) {
                tx.delete_member(group, member);
            }
            super::tokens::revoke_all(tx, found.id)?;
            tx.delete_principal(found.id);
            Ok(())
        })
    }

    /// Who the caller is, with the groups that it is in.
    ///
    /// # Errors
    /// `NotFound` when the principal was deleted meanwhile.
    pub fn whoami(&self, caller: &Caller) -> Result<WhoAmI, CatalogError> {
        let pinned = self.pin(caller);
        let principal = pinned.state().principal(caller.principal).cloned();
        let principal =
            principal.ok_or_else(|| CatalogError::NoSuch { what: "principal", name: caller.name.to_string() })?;
        let mut groups = pinned.group_names();
        groups.sort_unstable();
        Ok(WhoAmI { principal, groups, metastore_admin: pinned.require_admin().is_ok() })
    }
}

/// Changes to a principal; what is none stays as it is.
#[derive(Debug, Clone, Default)]
pub struct PrincipalUpdate {
    /// A new name.
    pub name: Option<PrincipalName>,
    /// A new comment, or none.
    pub comment: Option<Option<String>>,
    /// The etag that the caller has seen; the update fails when it is another.
    pub etag: Option<u64>,
}

/// What becomes of what a deleted principal owns, is granted and is denied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Leftovers {
    /// It must own, hold and be denied nothing.
    #[default]
    Restrict,
    /// Its grants and denials go; it must own nothing.
    Cascade,
    /// Somebody else owns what it owned; its grants and denials go.
    ReassignTo(PrincipalName),
}

/// Who a caller is.
#[derive(Debug, Clone)]
pub struct WhoAmI {
    /// The principal.
    pub principal: Arc<Principal>,
    /// The names of its groups, direct or not.
    pub groups: Vec<String>,
    /// Whether it may manage the metastore.
    pub metastore_admin: bool,
}

impl Pinned {
    /// Lists the principals of one kind, in the order of their names.
    pub fn list_principals(&self, kind: PrincipalKind, page: &Page) -> Listing<Arc<Principal>> {
        let after = page.after.clone();
        let all = self.state().principals_of(kind).cloned();
        let rest = all.filter(|p| after.as_deref().is_none_or(|after| &**p.name.folded() > after));
        page.take(rest, |p| p.name.folded().to_string())
    }
}

/// The principal of this name.
pub(crate) fn named<'a>(state: &'a State, name: &PrincipalName) -> Result<&'a Arc<Principal>, CatalogError> {
    let name = if name.as_str().eq_ignore_ascii_case("users") && state.principal_named(name).is_none() {
        &PrincipalName::parse(ACCOUNT_USERS)?
    } else {
        name
    };
    state.principal_named(name).ok_or_else(|| CatalogError::NoSuch { what: "principal", name: name.to_string() })
}

/// The principal of this name and kind.
pub(crate) fn named_of<'a>(
    state: &'a State,
    kind: PrincipalKind,
    name: &PrincipalName,
) -> Result<&'a Arc<Principal>, CatalogError> {
    let found = state.principal_named(name).filter(|p| p.kind == kind);
    found.ok_or_else(|| CatalogError::NoSuch { what: kind.noun(), name: name.to_string() })
}

/// The principal of this name, and of this kind when one is given.
fn of_kind<'a>(
    state: &'a State,
    kind: Option<PrincipalKind>,
    name: &PrincipalName,
) -> Result<&'a Arc<Principal>, CatalogError> {
    kind.map_or_else(|| named(state, name), |kind| named_of(state, kind, name))
}

fn require_etag(found: &Principal, etag: Option<u64>) -> Result<(), CatalogError> {
    match etag {
        Some(etag) if etag != found.etag => {
            Err(CatalogError::Conflict { what: found.kind.noun(), name: found.name.to_string() })
        }
        _ => Ok(()),
    }
}

/// Refuses what cannot be done with the built-in group.
pub(crate) fn require_custom(principal: &Principal) -> Result<(), CatalogError> {
    if principal.id == PrincipalId::ACCOUNT_USERS {
        let message = "the group `account users` is built in: everybody is in it, and it is in no group";
        return Err(CatalogError::precondition("RESERVED", message));
    }
    Ok(())
}

fn require_deletable(caller: &Caller, found: &Principal) -> Result<(), CatalogError> {
    require_custom(found)?;
    if found.id == caller.principal {
        let message = "you cannot delete yourself: ask another metastore admin";
        return Err(CatalogError::precondition("IN_USE", message));
    }
    Ok(())
}

/// Settles what a principal that is deleted owns, is granted and is denied, as the choice says.
fn settle(tx: &mut Tx, found: &Principal, leftovers: &Leftovers) -> Result<(), CatalogError> {
    let held: Vec<SecurableId> = tx.state().holdings.get(&found.id).into_iter().flatten().copied().collect();
    let owned: Vec<Arc<Securable>> =
        held.iter().filter_map(|id| tx.state().securable(*id)).filter(|s| s.owner == found.id).cloned().collect();
    let heir = match leftovers {
        Leftovers::ReassignTo(heir) => Some(named(tx.state(), heir)?.clone()),
        Leftovers::Restrict if !held.is_empty() => return Err(still_holds(tx.state(), found, &owned, &held)),
        Leftovers::Cascade if !owned.is_empty() => return Err(still_holds(tx.state(), found, &owned, &[])),
        Leftovers::Restrict | Leftovers::Cascade => None,
    };
    if let Some(heir) = heir {
        if heir.id == found.id {
            return Err(CatalogError::invalid("reassign_to", "name somebody else than who is deleted"));
        }
        tx.detail("reassigned_to", heir.name.to_string());
        for securable in owned {
            tx.update_securable(Securable { owner: heir.id, ..Securable::clone(&securable) })?;
        }
    }
    for id in held {
        tx.put_grant(id, GrantRow::empty(found.id));
        for grants in tx.state().column_grants_on(id).iter() {
            tx.put_column_grant(id, grants.column, GrantRow::empty(found.id));
        }
    }
    Ok(())
}

/// Says what stands against deleting a principal, and the ways out.
fn still_holds(state: &State, found: &Principal, owned: &[Arc<Securable>], held: &[SecurableId]) -> CatalogError {
    let name = |id: SecurableId| {
        let kind = state.securable(id).map_or("securable", |s| s.kind().noun());
        format!("{kind} `{}`", state.full_name(id))
    };
    let list = |ids: Vec<SecurableId>| {
        let more = ids.len().saturating_sub(5);
        let shown = ids.into_iter().take(5).map(name).collect::<Vec<_>>().join(", ");
        if more > 0 { format!("{shown} and {more} more") } else { shown }
    };
    let is_granted = |id: &&SecurableId| {
        let on_column = |grants: &ColumnGrants| grants.rows.iter().any(|row| row.principal == found.id);
        !state.grant_row(**id, found.id).is_empty() || state.column_grants_on(**id).iter().any(on_column)
    };
    let granted: Vec<_> = held.iter().filter(is_granted).copied().collect();
    let owns = (!owned.is_empty()).then(|| format!("owns {}", list(owned.iter().map(|s| s.id).collect())));
    let holds = (!granted.is_empty()).then(|| format!("has grants or denials on {}", list(granted)));
    let way_out = match owned.is_empty() {
        true => "add CASCADE to drop them with it",
        false => "add REASSIGN OWNED TO somebody, or give what it owns another owner first",
    };
    let what = owns.into_iter().chain(holds).collect::<Vec<_>>().join(" and ");
    CatalogError::precondition("IN_USE", format!("{} `{}` {what}: {way_out}", found.kind, found.name))
}

/// The memberships of a principal, as a member and as a group.
fn memberships(state: &State, id: PrincipalId) -> Vec<(PrincipalId, PrincipalId)> {
    let in_groups = state.member_of.get(&id).into_iter().flatten().map(|group| (*group, id));
    let of_group = state.members.get(&id).into_iter().flatten().map(|member| (id, *member));
    in_groups.chain(of_group).collect()
}
