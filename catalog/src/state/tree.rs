//! The tree of securables: names in order, children, chains to the root, and what uses what.

use std::sync::Arc;

use imbl::OrdSet;

use super::State;
use crate::gate::{Closure, Link};
use crate::model::{
    Body, Column, ColumnId, FullName, Name, NameClass, PrincipalId, Securable, SecurableId, SecurableKind,
};

/// The key of the name index. Listing a parent walks it in the order of folded names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameKey {
    /// The parent; none for the metastore.
    pub parent: Option<SecurableId>,
    /// The set of names.
    pub class: NameClass,
    /// The folded name.
    pub folded: Arc<str>,
}

impl NameKey {
    pub(super) fn of(securable: &Securable) -> Self {
        Self { parent: securable.parent, class: securable.kind().name_class(), folded: securable.name.folded().clone() }
    }
}

/// The securables that the definition of this one names: policies' functions, bodies' tables and functions, the credential
/// of an external location.
pub(super) fn uses(securable: &Securable) -> Vec<SecurableId> {
    let mut used: Vec<SecurableId> = match &securable.body {
        Body::Table(table) => {
            let masks = table.columns.iter().flat_map(Column::masks).map(|(_, mask)| mask.function);
            table.row_filter.iter().map(|f| f.function).chain(masks).collect()
        }
        Body::View(view) => view.dependencies.clone(),
        Body::Function(function) => function.dependencies.clone(),
        Body::ExternalLocation(location) => location.credential.into_iter().collect(),
        Body::Metastore
        | Body::Catalog
        | Body::Schema
        | Body::Volume(_)
        | Body::StorageCredential(_)
        | Body::Tag(_) => Vec::new(),
    };
    used.extend(securable.policies().iter().map(|policy| policy.function));
    used
}

impl State {
    /// The root. Absent only before `bootstrap`.
    pub fn root(&self) -> Option<&Arc<Securable>> {
        self.securable(self.metastore?)
    }

    /// The children of a parent in one set of names, in the order of their folded names, those after `after` only.
    pub fn children<'a>(
        &'a self,
        parent: SecurableId,
        class: NameClass,
        after: Option<&str>,
    ) -> impl Iterator<Item = &'a Arc<Securable>> + use<'a> {
        let from = NameKey { parent: Some(parent), class, folded: after.unwrap_or("").into() };
        let skip = after.map(Arc::<str>::from);
        self.names
            .range(from..)
            .take_while(move |(key, _)| key.parent == Some(parent) && key.class == class)
            .filter(move |(key, _)| skip.as_ref() != Some(&key.folded))
            .filter_map(|(_, id)| self.securable(*id))
    }

    /// Everything below a securable, children before grandchildren.
    pub fn descendants(&self, id: SecurableId) -> Vec<Arc<Securable>> {
        let mut found: Vec<Arc<Securable>> = Vec::new();
        let mut next = vec![id];
        while let Some(parent) = next.pop() {
            for class in NameClass::OF_CHILDREN {
                for child in self.children(parent, *class, None) {
                    next.push(child.id);
                    found.push(child.clone());
                }
            }
        }
        found
    }

    /// The securable and its parents up to the metastore.
    pub fn path(&self, id: SecurableId) -> Vec<&Arc<Securable>> {
        let mut path = Vec::with_capacity(4);
        let mut next = Some(id);
        while let Some(securable) = next.and_then(|id| self.securable(id)) {
            path.push(securable);
            next = securable.parent;
        }
        path
    }

    /// The chain that a gate is asked about.
    pub fn chain(&self, id: SecurableId) -> Vec<Link> {
        let mut chain = Vec::with_capacity(5);
        let mut next = Some(id);
        while let Some(node) = next.and_then(|id| self.nodes.get(&id))
            && let Some(securable) = &node.securable
        {
            let grants = node.grants.clone();
            chain.push(Link { id: securable.id, kind: securable.kind(), owner: securable.owner, grants });
            next = securable.parent;
        }
        chain
    }

    /// One link of such a chain.
    pub(crate) fn link(&self, securable: &Securable) -> Link {
        Link { id: securable.id, kind: securable.kind(), owner: securable.owner, grants: self.grants_on(securable.id) }
    }

    /// The chain of a question about one column: the column, then its relation's chain.
    pub fn column_chain(&self, relation: SecurableId, column: ColumnId) -> Vec<Link> {
        let mut chain = self.chain(relation);
        if let Some(owner) = chain.first().map(|link| link.owner) {
            let id = SecurableId::of_column(relation, column);
            let grants = self.column_rows(relation, column);
            chain.insert(0, Link { id, kind: SecurableKind::Column, owner, grants });
        }
        chain
    }

    /// The dotted name of a securable; the metastore's is its own name.
    pub fn full_name(&self, id: SecurableId) -> String {
        let mut parts: Vec<&Name> = self.path(id).into_iter().map(|s| &s.name).collect();
        if parts.len() > 1 {
            parts.pop();
        }
        parts.reverse();
        parts.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(".")
    }

    /// Looks a dotted name up without asking anybody's rights.
    pub(crate) fn lookup(&self, class: NameClass, name: &FullName) -> Option<&Arc<Securable>> {
        let (last, containers) = name.parts().split_last()?;
        let mut at = self.metastore?;
        for part in containers {
            at = self.child(at, NameClass::Container, part)?.id;
        }
        self.child(at, class, last)
    }

    /// What names this securable in its definition.
    pub fn users_of(&self, id: SecurableId) -> impl Iterator<Item = &Arc<Securable>> {
        self.used_by.get(&id).into_iter().flatten().filter_map(|user| self.securable(*user))
    }

    /// A principal with every group that it is in, directly or not. Who was deleted is in none, `account users` neither: a
    /// session that outlives its user may do nothing.
    pub fn closure(&self, principal: PrincipalId) -> Closure {
        if !self.principals.contains_key(&principal) {
            return Closure { principal, members_of: [principal].into() };
        }
        let mut seen = OrdSet::unit(principal);
        seen.insert(PrincipalId::ACCOUNT_USERS);
        let mut next = vec![principal];
        while let Some(member) = next.pop() {
            for group in self.member_of.get(&member).into_iter().flatten() {
                if seen.insert(*group).is_none() {
                    next.push(*group);
                }
            }
        }
        Closure { principal, members_of: seen.into_iter().collect() }
    }

    /// The securables on which one of these principals holds a grant or which it owns.
    pub fn held_by(&self, closure: &Closure) -> impl Iterator<Item = SecurableId> {
        closure.members_of.iter().filter_map(|p| self.holdings.get(p)).flatten().copied()
    }
}
