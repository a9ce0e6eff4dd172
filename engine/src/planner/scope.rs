//! Under whose rights, and how, the names of a text are resolved.

use lakewarden_catalog::model::{Namespace, SecurableId};
use lakewarden_catalog::ops::open::Opened;
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
        Self { rights, invoker, namespace, depth: 0, sealed: false, owners, expected: None, guarded }
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

    /// The inside of the function of a policy; `rights` are its owner's.
    pub fn policy(
        &self,
        rights: Pinned,
        namespace: Namespace,
        dependencies: &[SecurableId],
    ) -> Result<Self, EngineError> {
        let mut inner = self.deeper(rights, namespace)?.sealed();
        inner.owners = vec![inner.rights.clone()];
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
    pub fn reads_raw(&self, opened: &Opened) -> bool {
        let masks = opened.masks.iter().map(|mask| &mask.policy);
        let mut bound = opened.row_filter.iter().chain(masks);
        let manage = |on| self.owners.iter().all(|owner| owner.allows(on, Need::Manage));
        self.in_policy() && bound.all(|policy| manage(policy.on))
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
