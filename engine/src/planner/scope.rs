//! Under whose rights, and how, the names of a text are resolved.

use lakewarden_catalog::model::{Namespace, SecurableId};
use lakewarden_catalog::ops::open::{BoundPolicy, Opened};
use lakewarden_catalog::{Need, Pinned};

use crate::error::EngineError;
use crate::statement::ObjectName;

/// How deep views and functions may name each other.
const MAX_DEPTH: usize = 32;

/// Under whose rights, and where, names are resolved.
#[derive(Clone)]
pub(crate) struct Scope {
    /// Whose rights count.
    pub rights: Pinned,
    /// Who asks, whatever the rights: `information_schema` is theirs.
    pub invoker: Pinned,
    /// What completes short names.
    pub namespace: Namespace,
    /// How deep in views and functions this is.
    pub depth: usize,
    /// Whether what is planned ends below a seal: in a view or a policy.
    pub sealed: bool,
    /// In what a policy looks up: the owners of the policy and of all definitions on the way from it to here.
    owners: Vec<Pinned>,
    /// In what a policy looks up: who bound or made the policy.
    author: Option<Box<Pinned>>,
    /// In what a policy looks up: all that the definition named when it was made.
    expected: Option<Vec<SecurableId>>,
    /// The tables whose policies are being planned, outermost first.
    guarded: Vec<SecurableId>,
}

impl Scope {
    /// What the caller itself wrote.
    pub fn of_caller(rights: Pinned, namespace: Namespace) -> Self {
        let (owners, guarded) = (Vec::new(), Vec::new());
        let invoker = rights.clone();
        Self { rights, invoker, namespace, depth: 0, sealed: false, owners, author: None, expected: None, guarded }
    }

    /// Whether this is what a policy looks up.
    pub fn in_policy(&self) -> bool {
        !self.owners.is_empty()
    }

    /// The inside of a view or function; `rights` are its owner's.
    pub fn inside(
        &self,
        rights: Pinned,
        namespace: Namespace,
        dependencies: &[SecurableId],
    ) -> Result<Self, EngineError> {
        let mut inner = self.deeper(rights, namespace)?;
        if self.in_policy() {
            inner.owners.push(inner.rights.clone());
            inner.expected = Some(dependencies.to_vec());
        }
        Ok(inner)
    }

    /// The inside of the function of a policy, under the rights of the function's owner.
    pub fn policy(
        &self,
        policy: &BoundPolicy,
        namespace: Namespace,
        dependencies: &[SecurableId],
    ) -> Result<Self, EngineError> {
        let mut inner = self.deeper(self.rights.as_owner_of(&policy.function), namespace)?.sealed();
        inner.owners = vec![inner.rights.clone()];
        inner.author = Some(Box::new(self.rights.as_author_of(policy)));
        inner.expected = Some(dependencies.to_vec());
        Ok(inner)
    }

    /// The same, below a seal.
    #[must_use]
    pub fn sealed(self) -> Self {
        Self { sealed: true, ..self }
    }

    /// The same, for the policies of a table.
    ///
    /// # Errors
    /// When the policies of the table are what is being planned: two tables may not guard each other.
    pub fn guarding(&self, table: SecurableId) -> Result<Self, EngineError> {
        if self.guarded.contains(&table) {
            return Err(EngineError::invalid("the policies of tables read each other"));
        }
        let mut inner = self.clone();
        inner.guarded.push(table);
        Ok(inner)
    }

    /// Whether a table is read as stored. Only a policy does that, and only where all who had a hand in it may manage what
    /// the table's own policies are on (the table, or what it is in): they could take these policies away. Else whoever may
    /// write a function could bind it to a table of their own and read through it what policies hide from them.
    ///
    /// # Errors
    /// When the owners may, but not who bound the policy. A function that others may run would tell them of their own table
    /// what its owner alone may look up; and read under policies it could show what it was meant to hide.
    pub fn reads_raw(&self, opened: &Opened) -> Result<bool, EngineError> {
        let masks = opened.masks.iter().map(|mask| &mask.policy);
        let bound: Vec<SecurableId> = opened.row_filter.iter().chain(masks).map(|policy| policy.on).collect();
        let manages = |who: &Pinned| bound.iter().all(|on| who.allows(*on, Need::Manage));
        if !self.in_policy() || !self.owners.iter().all(manages) {
            return Ok(false);
        }
        match self.author.as_deref().is_none_or(manages) {
            true => Ok(true),
            false => Err(EngineError::invalid(format!(
                "who bound the policy may not manage what the policies of `{}` are on",
                opened.full_name
            ))),
        }
    }

    /// Refuses what a policy did not name when it was made: a table that was put in the place of another decides nothing.
    ///
    /// # Errors
    /// When something else has the name now.
    pub fn require_expected(&self, found: SecurableId, written: &ObjectName) -> Result<(), EngineError> {
        match &self.expected {
            Some(expected) if !expected.contains(&found) => Err(EngineError::invalid(format!(
                "`{written}` is not what the definition named when it was made: create the function or view anew"
            ))),
            _ => Ok(()),
        }
    }

    fn deeper(&self, rights: Pinned, namespace: Namespace) -> Result<Self, EngineError> {
        if self.depth >= MAX_DEPTH {
            return Err(EngineError::Limit(format!("views and functions are nested deeper than {MAX_DEPTH}")));
        }
        let mut inner = self.clone();
        (inner.rights, inner.namespace, inner.depth, inner.expected) = (rights, namespace, self.depth + 1, None);
        Ok(inner)
    }
}
