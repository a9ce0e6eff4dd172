//! One caller's reading of one state: names become securables, and every securable passes the gate.
//!
//! What the caller may not see is `NotFound`, in the words of what does not exist. What it may see but not do is
//! `Denied`. A pinned reading does not change while it is held, so one statement sees one state.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use crate::clock::Clock;
use crate::gate::{Ask, Closure, Decision, Gate, GateError, Link, Need};
use crate::model::{
    ColumnId, FullName, GrantRow, NameClass, PrincipalId, Privilege, Securable, SecurableId, SecurableKind,
};
use crate::state::State;
use crate::tx::Tx;
use crate::{Caller, CatalogError};

/// A state as one caller may see it.
#[derive(Clone)]
pub struct Pinned {
    state: Arc<State>,
    gate: Arc<dyn Gate>,
    caller: Caller,
    closure: Closure,
    /// Who reads through a definition of a group that they are in: the group lends them nothing that they are denied.
    bound: Vec<Closure>,
    visible: Arc<OnceLock<HashSet<SecurableId>>>,
}

impl Pinned {
    pub(crate) fn new(state: Arc<State>, gate: Arc<dyn Gate>, caller: Caller) -> Self {
        let closure = state.closure(caller.principal);
        Self { state, gate, caller, closure, bound: Vec::new(), visible: Arc::default() }
    }

    /// The same state as the owner of a view or function may see it. For what definitions read; the names that it
    /// resolves come from the catalog, never from the caller. A reader who is in the group that owns it stays bound by what
    /// is denied to them: else they could hand a view of their own to the group and read past the denial.
    #[must_use]
    pub fn as_owner_of(&self, definition: &Securable) -> Self {
        let owner = definition.owner;
        let is_member = |reader: &&Closure| reader.principal != owner && reader.contains(owner);
        let bound = self.readers().filter(is_member).cloned().collect();
        Self { closure: self.state.closure(owner), bound, visible: Arc::default(), ..self.clone() }
    }

    /// Those who must all be let: whose rights count, and who is bound besides.
    fn readers(&self) -> impl Iterator<Item = &Closure> {
        std::iter::once(&self.closure).chain(&self.bound)
    }

    fn lets(&self, chain: &[Link], need: Need) -> bool {
        self.readers().all(|closure| self.gate.allows(&Ask { closure, chain, need }))
    }

    /// The pinned state.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Who asks.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The principal whose rights count, with its groups.
    pub fn closure(&self) -> &Closure {
        &self.closure
    }

    /// The folded names of the groups that the caller is in, directly or not, `account users` among them.
    pub fn group_names(&self) -> Vec<String> {
        let closure = self.state.closure(self.caller.principal);
        let groups = closure.members_of.iter().filter(|id| **id != self.caller.principal);
        groups.filter_map(|id| self.state.principal(*id)).map(|group| group.name.folded().to_string()).collect()
    }

    /// Whether the gate lets the caller.
    pub fn allows(&self, id: SecurableId, need: Need) -> bool {
        self.lets(&self.state.chain(id), need)
    }

    /// Whether the gate lets the caller do this with one column of a relation.
    pub fn allows_on_column(&self, relation: SecurableId, column: ColumnId, privilege: Privilege) -> bool {
        self.lets(&self.state.column_chain(relation, column), Need::Privilege(privilege))
    }

    /// The decision with its reasons.
    ///
    /// # Errors
    /// When the gate cannot decide, which is a denial.
    pub fn decide(&self, chain: &[Link], need: Need) -> Result<Decision, GateError> {
        self.gate.decide(&Ask { closure: &self.closure, chain, need })
    }

    /// The same state as somebody else may see it, for questions about them.
    #[must_use]
    pub(crate) fn as_principal(&self, principal: PrincipalId) -> Self {
        Self { closure: self.state.closure(principal), bound: Vec::new(), visible: Arc::default(), ..self.clone() }
    }

    /// Another state as the same caller may see it.
    #[must_use]
    pub(crate) fn in_state(&self, state: Arc<State>) -> Self {
        Self::new(state, self.gate.clone(), self.caller.clone())
    }

    /// A transaction on this state that nobody commits, to see what a change would do.
    pub(crate) fn rehearsal(&self, clock: Arc<dyn Clock>) -> Tx {
        Tx::new(self.state.clone(), self.gate.clone(), self.caller.clone(), clock)
    }

    /// Whether the gate lets somebody else, whose groups are known already.
    pub(crate) fn allows_to(&self, closure: &Closure, chain: &[Link], need: Need) -> bool {
        self.gate.allows(&Ask { closure, chain, need })
    }

    /// Whether the caller may know that it exists.
    pub fn sees(&self, id: SecurableId) -> bool {
        self.allows(id, Need::See) || self.is_shown_from_below(id)
    }

    /// Whether something in a container, or a column of a relation, shows it.
    fn is_shown_from_below(&self, id: SecurableId) -> bool {
        match self.state.securable(id).map(|securable| securable.kind()) {
            Some(kind) if kind.is_relation() => self.holds_a_column_of(id),
            Some(kind) if kind.name_class() == NameClass::Container => {
                self.visible.get_or_init(|| self.above_what_is_seen()).contains(&id)
            }
            _ => false,
        }
    }

    /// The containers of everything that the caller may see for a grant or ownership of its own or its groups.
    fn above_what_is_seen(&self) -> HashSet<SecurableId> {
        let mut above = HashSet::new();
        for id in self.state.held_by(&self.closure) {
            let parents = self.state.path(id);
            let known = parents.get(1).is_none_or(|parent| above.contains(&parent.id));
            if !known && (self.allows(id, Need::See) || self.holds_a_column_of(id)) {
                above.extend(parents.into_iter().skip(1).map(|parent| parent.id));
            }
        }
        above
    }

    /// Whether a grant on one of its columns shows a relation: unless BROWSE or ALL PRIVILEGES is denied on the way.
    fn holds_a_column_of(&self, relation: SecurableId) -> bool {
        let columns = self.state.column_grants_on(relation);
        let granted = |row: &GrantRow| !row.allow.is_empty() && self.closure.contains(row.principal);
        columns.iter().filter(|grants| grants.rows.iter().any(granted)).any(|grants| {
            let chain = self.state.column_chain(relation, grants.column);
            self.gate.allows(&Ask { closure: &self.closure, chain: &chain, need: Need::See })
        })
    }

    /// The metastore.
    ///
    /// # Errors
    /// `Internal` before `bootstrap`.
    pub fn root(&self) -> Result<&Arc<Securable>, CatalogError> {
        self.state.root().ok_or_else(|| CatalogError::internal("the metastore has not been bootstrapped"))
    }

    /// The securable of this name, when the caller may see it.
    ///
    /// # Errors
    /// `NotFound` of the outermost part that is absent or hidden; `Invalid` when the name has the wrong number of parts.
    pub fn resolve(&self, kind: SecurableKind, name: &FullName) -> Result<Arc<Securable>, CatalogError> {
        let found = self.find(kind, name)?;
        let hidden = kind != SecurableKind::Metastore && !self.sees(found.id);
        if hidden { Err(CatalogError::not_found(kind, name.to_string())) } else { Ok(found) }
    }

    /// The securable of this name, whether or not the caller may see it.
    pub(crate) fn find(&self, kind: SecurableKind, name: &FullName) -> Result<Arc<Securable>, CatalogError> {
        if kind == SecurableKind::Metastore {
            return self.root().cloned();
        }
        require_parts(kind, name)?;
        let found = self.state.lookup(kind.name_class(), name);
        let fits = |found: &&Arc<Securable>| found.kind() == kind || found.kind().is_relation() && kind.is_relation();
        found.filter(fits).cloned().ok_or_else(|| CatalogError::not_found(kind, name.to_string()))
    }

    /// The securable of this name, when the caller holds the privilege on it.
    ///
    /// # Errors
    /// As `resolve`, and `Denied`.
    pub fn resolve_for(
        &self,
        kind: SecurableKind,
        name: &FullName,
        privilege: Privilege,
    ) -> Result<Arc<Securable>, CatalogError> {
        let found = self.resolve(kind, name)?;
        self.require(&found, privilege)?;
        Ok(found)
    }

    /// The securable of this name, when the caller may manage it.
    ///
    /// # Errors
    /// As `resolve`, and `Denied`.
    pub fn resolve_to_manage(&self, kind: SecurableKind, name: &FullName) -> Result<Arc<Securable>, CatalogError> {
        let found = self.resolve(kind, name)?;
        self.require_manage(&found)?;
        Ok(found)
    }

    /// Checks a privilege.
    ///
    /// # Errors
    /// `Denied`, naming what is missing and where.
    pub fn require(&self, securable: &Securable, privilege: Privilege) -> Result<(), CatalogError> {
        let chain = self.state.chain(securable.id);
        for closure in self.readers() {
            let ask = Ask { closure, chain: &chain, need: Need::Privilege(privilege) };
            if self.gate.allows(&ask) {
                continue;
            }
            let decision = self.gate.decide(&ask)?;
            if !decision.allowed {
                return Err(CatalogError::Denied { message: self.missing(securable, privilege, &decision.reasons) });
            }
        }
        Ok(())
    }

    /// Checks the right to manage.
    ///
    /// # Errors
    /// `Denied`.
    pub fn require_manage(&self, securable: &Securable) -> Result<(), CatalogError> {
        if self.allows(securable.id, Need::Manage) {
            return Ok(());
        }
        let (kind, name) = (securable.kind(), self.state.full_name(securable.id));
        let message = format!("this needs MANAGE on {} `{name}`, or its ownership", kind.noun());
        Err(CatalogError::Denied { message })
    }

    /// Checks that the caller is a metastore admin.
    ///
    /// # Errors
    /// `Denied`.
    pub fn require_admin(&self) -> Result<(), CatalogError> {
        let root = self.root()?;
        if self.allows(root.id, Need::Manage) {
            return Ok(());
        }
        Err(CatalogError::Denied { message: "this needs a metastore admin".to_owned() })
    }

    /// The children of a container that the caller may see, in the order of their folded names.
    pub fn visible_children<'a>(
        &'a self,
        parent: SecurableId,
        class: NameClass,
        after: Option<&str>,
    ) -> impl Iterator<Item = &'a Arc<Securable>> + use<'a> {
        // The children share their chain but for its first link, which is the parent's until it is a child's.
        let above = self.state.chain(parent);
        let mut chain: Vec<Link> = above.first().cloned().into_iter().chain(above).collect();
        let sees = move |child: &&Arc<Securable>| {
            chain.iter_mut().take(1).for_each(|first| *first = self.state.link(child));
            let ask = Ask { closure: &self.closure, chain: &chain, need: Need::See };
            self.gate.allows(&ask) || self.is_shown_from_below(child.id)
        };
        self.state.children(parent, class, after).filter(sees)
    }

    /// Names what the decision found missing; a parent is named only by what the caller wrote of it.
    fn missing(&self, securable: &Securable, privilege: Privilege, reasons: &[crate::Reason]) -> String {
        use crate::Reason;
        let on = |id| {
            let kind = self.state.securable(id).map_or("securable", |s| s.kind().noun());
            format!("{kind} `{}`", self.state.full_name(id))
        };
        let denied = reasons.iter().find_map(|reason| match reason {
            Reason::Deny { privilege, securable, .. } => Some((privilege, *securable)),
            _ => None,
        });
        if let Some((privilege, id)) = denied {
            return format!("this is refused by a DENY of {privilege} on {}", on(id));
        }
        let missing: Vec<String> = reasons
            .iter()
            .filter_map(|reason| match reason {
                Reason::Missing { privilege, securable } => Some(format!("{privilege} on {}", on(*securable))),
                _ => None,
            })
            .collect();
        match missing.as_slice() {
            [] => format!("this needs {privilege} on {}", on(securable.id)),
            missing => format!("this needs {}", missing.join(" and ")),
        }
    }
}

fn require_parts(kind: SecurableKind, name: &FullName) -> Result<(), CatalogError> {
    let example = match kind {
        SecurableKind::Metastore => return Ok(()),
        SecurableKind::Schema => "catalog.schema".to_owned(),
        SecurableKind::Column => "catalog.schema.table.column".to_owned(),
        _ if kind.name_parts() == 1 => kind.noun().to_owned(),
        _ => format!("catalog.schema.{}", kind.noun()),
    };
    if name.parts().len() == kind.name_parts() && kind != SecurableKind::Column {
        return Ok(());
    }
    let message = format!("`{name}` is not the name of a {}: write it as {example}", kind.noun());
    Err(CatalogError::invalid("name", message))
}
