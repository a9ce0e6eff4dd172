//! Users, groups and service principals.

use std::sync::Arc;

use super::page::{Listing, Page};
use crate::model::{Principal, PrincipalId, PrincipalKind, PrincipalName, SecurableId};
use crate::pinned::Pinned;
use crate::state::State;
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

    /// Deletes a principal with its memberships, its grants and its tokens.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` unless the caller is a metastore admin, `FailedPrecondition` when it owns something
    /// or is the caller.
    pub fn delete_principal(
        &self,
        caller: &Caller,
        kind: PrincipalKind,
        name: &PrincipalName,
    ) -> Result<(), CatalogError> {
        self.write(caller, "principals.delete", name.as_str(), |tx| {
            tx.pinned().require_admin()?;
            let found = named_of(tx.state(), kind, name)?.clone();
            require_deletable(tx.state(), caller, &found)?;
            for id in holdings(tx.state(), found.id) {
                let row = tx.state().grant_row(id, found.id);
                tx.put_grant(id, crate::model::GrantRow { allow: Default::default(), deny: Default::default(), ..row });
            }
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

fn require_deletable(state: &State, caller: &Caller, found: &Principal) -> Result<(), CatalogError> {
    let refuse = |message: String| Err(CatalogError::precondition("IN_USE", message));
    if found.id == caller.principal {
        return refuse("you cannot delete yourself: ask another metastore admin".to_owned());
    }
    if found.id == PrincipalId::ACCOUNT_USERS {
        return refuse(format!("the group `{ACCOUNT_USERS}` is built in"));
    }
    let owned: Vec<String> = holdings(state, found.id)
        .into_iter()
        .filter(|id| state.securable(*id).is_some_and(|s| s.owner == found.id))
        .map(|id| format!("`{}`", state.full_name(id)))
        .collect();
    if owned.is_empty() {
        return Ok(());
    }
    let (count, some) = (owned.len(), owned.iter().take(5).cloned().collect::<Vec<_>>().join(", "));
    refuse(format!("{} `{}` owns {count} securables ({some}): give them another owner first", found.kind, found.name))
}

fn holdings(state: &State, principal: PrincipalId) -> Vec<SecurableId> {
    state.holdings.get(&principal).into_iter().flatten().copied().collect()
}

/// The memberships of a principal, as a member and as a group.
fn memberships(state: &State, id: PrincipalId) -> Vec<(PrincipalId, PrincipalId)> {
    let in_groups = state.member_of.get(&id).into_iter().flatten().map(|group| (*group, id));
    let of_group = state.members.get(&id).into_iter().flatten().map(|member| (id, *member));
    in_groups.chain(of_group).collect()
}
