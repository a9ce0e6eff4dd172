//! The role manager: casbin's questions about membership, nesting and implication, answered from records by id.
//!
//! casbin keeps one graph for g, g2 and g3, so that a securable could pass for a group, and it gives up silently below ten
//! levels of groups, so that a denial would be lost. Here the three are told apart by their third argument, and nothing
//! has a depth.

use std::sync::Arc;

use casbin::{MatchingFn, RoleManager};
use lakewarden_catalog::model::{PrincipalId, SecurableId};
use parking_lot::RwLock;
use uuid::Uuid;

use crate::words::{self, Held, How, Wanted};

/// Who is a member of what, and what is below what.
pub(crate) trait World: Send + Sync + 'static {
    /// Whether `caller` is `principal` or a member of it at any depth.
    fn is_member(&self, caller: PrincipalId, principal: PrincipalId) -> bool;
    /// Whether `object` is strictly below `ancestor`, and `ancestor` is not the metastore.
    fn is_within(&self, object: SecurableId, ancestor: SecurableId) -> bool;
    /// Whether `object` is strictly below `root`, and `root` is the metastore.
    fn is_below_metastore(&self, object: SecurableId, root: SecurableId) -> bool;
}

/// The text of a principal's id in casbin. Its prefix keeps it apart from every securable.
pub(crate) fn subject(id: PrincipalId) -> String {
    format!("p:{id}")
}

/// The text of a securable's id in casbin.
pub(crate) fn object(id: SecurableId) -> String {
    format!("s:{id}")
}

/// Answers casbin from a world that can be exchanged between questions.
pub(crate) struct Roles<W>(pub(crate) Arc<RwLock<W>>);

impl<W: World> Roles<W> {
    fn member(&self, caller: &str, principal: &str) -> bool {
        let (Some(caller), Some(principal)) = (read(caller, "p:"), read(principal, "p:")) else { return false };
        self.0.read().is_member(PrincipalId(caller), PrincipalId(principal))
    }

    fn nested(&self, below: &str, above: &str, ask: fn(&W, SecurableId, SecurableId) -> bool) -> bool {
        let (Some(below), Some(above)) = (read(below, "s:"), read(above, "s:")) else { return false };
        ask(&self.0.read(), SecurableId(below), SecurableId(above))
    }
}

impl<W: World> RoleManager for Roles<W> {
    fn has_link(&self, first: &str, second: &str, domain: Option<&str>) -> bool {
        match domain {
            None => self.member(first, second),
            Some("within") => self.nested(first, second, W::is_within),
            Some("metastore") => self.nested(first, second, W::is_below_metastore),
            Some(how) => match (How::parse(how), Held::parse(second), Wanted::parse(first)) {
                (Some(how), Some(held), Some(wanted)) => words::gives(how, held, wanted),
                _ => false,
            },
        }
    }

    // Links are never kept here: they are read from the world, so there is nothing to clear, add or list.
    fn clear(&mut self) {}
    fn add_link(&mut self, _first: &str, _second: &str, _domain: Option<&str>) {}
    fn matching_fn(&mut self, _role: Option<MatchingFn>, _domain: Option<MatchingFn>) {}
    fn delete_link(&mut self, _first: &str, _second: &str, _domain: Option<&str>) -> casbin::Result<()> {
        Ok(())
    }
    fn get_roles(&self, _name: &str, _domain: Option<&str>) -> Vec<String> {
        Vec::new()
    }
    fn get_users(&self, _name: &str, _domain: Option<&str>) -> Vec<String> {
        Vec::new()
    }
}

fn read(text: &str, prefix: &str) -> Option<Uuid> {
    text.strip_prefix(prefix).and_then(|id| Uuid::try_parse(id).ok())
}
