//! Where tags are set or asked for, and whom policies name: so that neither goes while something depends on it.

use std::collections::BTreeSet;

use super::{IdSet, State, remove_from};
use crate::model::{Policy, PrincipalId, Securable, SecurableId, Text};

/// The keys of the tags on a securable and its columns, and of those that its policies ask for.
fn keys(securable: &Securable) -> BTreeSet<&Text> {
    let columns = securable.columns().iter().filter_map(|column| column.tags.as_ref());
    let set = securable.tags.iter().chain(columns).flat_map(|tags| tags.iter().map(|(key, _)| key));
    let asked = securable.policies().iter().flat_map(Policy::conditions).flat_map(|condition| condition.tags());
    set.chain(asked.map(|(key, _)| key)).collect()
}

fn named(securable: &Securable) -> BTreeSet<PrincipalId> {
    securable.policies().iter().flat_map(Policy::principals).collect()
}

impl State {
    pub(super) fn insert_mentions(&mut self, securable: &Securable) {
        for key in keys(securable) {
            self.tag_users.entry(key.clone()).or_default().insert(securable.id);
        }
        for principal in named(securable) {
            self.bound.entry(principal).or_default().insert(securable.id);
        }
    }

    pub(super) fn forget_mentions(&mut self, securable: &Securable) {
        for key in keys(securable) {
            let now_empty = self.tag_users.get_mut(key).is_some_and(|users| {
                users.remove(&securable.id);
                users.is_empty()
            });
            if now_empty {
                self.tag_users.remove(key);
            }
        }
        for principal in named(securable) {
            remove_from(&mut self.bound, principal, securable.id);
        }
    }

    /// What has a tag of this key, itself or on a column, or a policy that asks for it.
    pub fn users_of_tag(&self, key: &str) -> impl Iterator<Item = &std::sync::Arc<Securable>> {
        self.tag_users.get(&Text::from(key)).into_iter().flatten().filter_map(|id| self.securable(*id))
    }

    /// What has a policy that names a principal.
    pub(crate) fn bound_by_name(&self, principal: PrincipalId) -> Option<&IdSet<SecurableId>> {
        self.bound.get(&principal)
    }
}
