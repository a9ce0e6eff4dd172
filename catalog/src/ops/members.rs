//! Who is in which group.

use std::sync::Arc;

use super::principals::{named, named_of, require_custom};
use crate::model::{Principal, PrincipalKind, PrincipalName};
use crate::tx::Tx;
use crate::{Caller, CatalogError, metastore::Metastore};

impl Metastore {
    /// Puts a principal into a group. Doing it twice changes nothing.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` unless the caller is a metastore admin, `FailedPrecondition` for a cycle of groups or
    /// for the built-in group.
    pub fn add_member(
        &self,
        caller: &Caller,
        group: &PrincipalName,
        member: &PrincipalName,
    ) -> Result<(), CatalogError> {
        self.add_members(caller, group, std::slice::from_ref(member))
    }

    /// Puts principals into a group, all or none.
    ///
    /// # Errors
    /// As `add_member`.
    pub fn add_members(
        &self,
        caller: &Caller,
        group: &PrincipalName,
        members: &[PrincipalName],
    ) -> Result<(), CatalogError> {
        self.write(caller, "groups.add_member", group.as_str(), |tx| {
            tx.pinned().require_admin()?;
            let group = named_of(tx.state(), PrincipalKind::Group, group)?.clone();
            require_custom(&group)?;
            for member in members {
                let member = named(tx.state(), member)?.clone();
                put(tx, &group, &member)?;
            }
            note(tx, members);
            Ok(())
        })
    }

    /// Takes a principal out of a group. What is not in it stays out of it.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` unless the caller is a metastore admin.
    pub fn remove_member(
        &self,
        caller: &Caller,
        group: &PrincipalName,
        member: &PrincipalName,
    ) -> Result<(), CatalogError> {
        self.remove_members(caller, group, std::slice::from_ref(member))
    }

    /// Takes principals out of a group, all or none.
    ///
    /// # Errors
    /// As `remove_member`.
    pub fn remove_members(
        &self,
        caller: &Caller,
        group: &PrincipalName,
        members: &[PrincipalName],
    ) -> Result<(), CatalogError> {
        self.write(caller, "groups.remove_member", group.as_str(), |tx| {
            tx.pinned().require_admin()?;
            let group = named_of(tx.state(), PrincipalKind::Group, group)?.clone();
            require_custom(&group)?;
            for member in members {
                let member = named(tx.state(), member)?.clone();
                if is_in(tx, &group, &member) {
                    tx.delete_member(group.id, member.id);
                }
            }
            note(tx, members);
            Ok(())
        })
    }

    /// Lists the direct members of a group, in the order of their names: for its members and metastore admins.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`.
    pub fn list_members(&self, caller: &Caller, group: &PrincipalName) -> Result<Vec<Arc<Principal>>, CatalogError> {
        self.read(caller, "groups.list_members", group.as_str(), |pinned| {
            let state = pinned.state();
            let group = named_of(state, PrincipalKind::Group, group)?;
            if !state.closure(caller.principal).contains(group.id) {
                pinned.require_admin()?;
            }
            let ids = state.members.get(&group.id).into_iter().flatten();
            let mut members: Vec<_> = ids.filter_map(|id| state.principal(*id)).cloned().collect();
            members.sort_by(|a, b| a.name.folded().cmp(b.name.folded()));
            Ok(members)
        })
    }
}

fn put(tx: &mut Tx, group: &Principal, member: &Principal) -> Result<(), CatalogError> {
    require_custom(member)?;
    if tx.state().closure(group.id).contains(member.id) {
        let message = format!("group `{}` is `{}` or in it: groups cannot form a cycle", group.name, member.name);
        return Err(CatalogError::precondition("CYCLE", message));
    }
    if !is_in(tx, group, member) {
        tx.put_member(group.id, member.id);
    }
    Ok(())
}

fn is_in(tx: &Tx, group: &Principal, member: &Principal) -> bool {
    tx.state().members.get(&group.id).is_some_and(|members| members.contains(&member.id))
}

fn note(tx: &mut Tx, members: &[PrincipalName]) {
    let names: Vec<_> = members.iter().map(ToString::to_string).collect();
    tx.detail("member", names.join(", "));
}
