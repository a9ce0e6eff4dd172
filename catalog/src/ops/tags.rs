//! Setting and taking away tags of securables and columns.
//!
//! It needs APPLY TAG on the securable, or the right to manage it. A tag whose key is that of a governed tag needs ASSIGN on
//! that too, to be set as to be taken away, and a value of its list: policies may hang on it. A governed tag that the caller
//! may not see governs all the same.

use std::fmt;
use std::sync::Arc;

use super::entries::{Entry, refuse_system};
use super::grants;
use crate::gate::Reason;
use crate::model::{
    FullName, MAX_TAGS, Name, NameClass, Privilege, Securable, SecurableKind, Tags, require_tag_key, require_tag_value,
};
use crate::pinned::Pinned;
use crate::state::State;
use crate::tx::Tx;
use crate::{Caller, CatalogError, Need, metastore::Metastore};

/// What is tagged: a securable, or a column of a table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagTarget {
    /// The kind of the securable; `Table` stands for views too.
    pub kind: SecurableKind,
    /// Its full name; ignored for the metastore.
    pub name: FullName,
    /// The column, by name in any case.
    pub column: Option<String>,
}

impl fmt::Display for TagTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)?;
        self.column.iter().try_for_each(|column| write!(f, ".{column}"))
    }
}

/// A change of tags.
enum Edit<'a> {
    Set(&'a [(String, String)]),
    Unset(&'a [String]),
}

impl Metastore {
    /// Sets tags, in place of those with their keys before.
    ///
    /// # Errors
    /// `NotFound` of the securable or column, `PermissionDenied` without APPLY TAG or, for a governed tag, without ASSIGN on it,
    /// `InvalidArgument` for a key or value that is none or that the governed tag does not list, `FailedPrecondition` when
    /// there would be too many.
    pub fn set_tags(
        &self,
        caller: &Caller,
        target: &TagTarget,
        tags: &[(String, String)],
    ) -> Result<Entry, CatalogError> {
        self.write(caller, "tags.set", &target.to_string(), |tx| change(tx, target, &Edit::Set(tags)))
    }

    /// Takes tags away; those that are not there stay away.
    ///
    /// # Errors
    /// As `set_tags`.
    pub fn unset_tags(&self, caller: &Caller, target: &TagTarget, keys: &[String]) -> Result<Entry, CatalogError> {
        self.write(caller, "tags.unset", &target.to_string(), |tx| change(tx, target, &Edit::Unset(keys)))
    }
}

fn change(tx: &mut Tx, target: &TagTarget, edit: &Edit<'_>) -> Result<Entry, CatalogError> {
    let pinned = tx.pinned();
    let found = pinned.resolve(target.kind, &target.name)?;
    refuse_system(tx, &found)?;
    let column = target.column.as_ref().map(|name| grants::column(&found, name)).transpose()?;
    require_may_tag(&pinned, &found)?;
    require_legal(&pinned, edit)?;
    let mut changed = Securable::clone(&found);
    let tags = match column {
        None => Some(&mut changed.tags),
        Some(id) => changed.columns_mut().iter_mut().find(|column| column.id == id).map(|column| &mut column.tags),
    };
    let tags = tags.ok_or_else(|| CatalogError::internal("the column to tag is gone"))?;
    edit.apply(tags);
    if tags.as_ref().is_some_and(|tags| tags.len() > MAX_TAGS) {
        let message = format!("`{target}` would have more than {MAX_TAGS} tags: UNSET some first");
        return Err(CatalogError::precondition("TOO_MANY_TAGS", message));
    }
    note(tx, target, edit);
    let saved = if changed == *found { found } else { tx.update_securable(changed)? };
    Ok(Entry::of(&tx.changed(), saved))
}

impl Edit<'_> {
    fn apply(&self, tags: &mut Option<Box<Tags>>) {
        let mut changed = tags.take().unwrap_or_default();
        match self {
            Self::Set(set) => set.iter().for_each(|(key, value)| changed.set(key, value)),
            Self::Unset(keys) => keys.iter().for_each(|key| changed.unset(key)),
        }
        *tags = (!changed.is_empty()).then_some(changed);
    }

    fn keys(&self) -> Vec<(&str, Option<&str>)> {
        match self {
            Self::Set(tags) => tags.iter().map(|(key, value)| (key.as_str(), Some(value.as_str()))).collect(),
            Self::Unset(keys) => keys.iter().map(|key| (key.as_str(), None)).collect(),
        }
    }
}

fn note(tx: &mut Tx, target: &TagTarget, edit: &Edit<'_>) {
    let shown = |(key, value): (&str, Option<&str>)| match value {
        Some(value) => format!("{key}={value}"),
        None => key.to_owned(),
    };
    tx.detail("tags", edit.keys().into_iter().map(shown).collect::<Vec<_>>().join(", "));
    tx.detail("kind", target.kind.as_str());
}

/// Who may manage a securable may tag it, unless APPLY TAG is denied to them: they can lift the denial, but not look past it.
fn require_may_tag(pinned: &Pinned, securable: &Securable) -> Result<(), CatalogError> {
    if !Privilege::ApplyTag.grantable_on(securable.kind()) {
        return pinned.require_manage(securable);
    }
    let need = Need::Privilege(Privilege::ApplyTag);
    let decision = pinned.decide(&pinned.state().chain(securable.id), need)?;
    let is_denied = decision.reasons.iter().any(|reason| matches!(reason, Reason::Deny { .. }));
    if decision.allowed || !is_denied && pinned.allows(securable.id, Need::Manage) {
        return Ok(());
    }
    pinned.require(securable, Privilege::ApplyTag)
}

fn require_legal(pinned: &Pinned, edit: &Edit<'_>) -> Result<(), CatalogError> {
    let mut seen = std::collections::HashSet::new();
    for (key, value) in edit.keys() {
        require_tag_key(key)?;
        value.map_or(Ok(()), |value| require_tag_value(key, value))?;
        if !seen.insert(key) {
            return Err(CatalogError::invalid("tags", format!("tag `{key}` is named twice")));
        }
        require_assignable(pinned, key, value)?;
    }
    if seen.is_empty() { Err(CatalogError::invalid("tags", "name at least one tag")) } else { Ok(()) }
}

/// Checks what a governed tag asks. To who may not see it, nothing of it is told but that it governs.
fn require_assignable(pinned: &Pinned, key: &str, value: Option<&str>) -> Result<(), CatalogError> {
    let Some(tag) = pinned.state().governed_tag(key) else { return Ok(()) };
    if !pinned.allows(tag.id, Need::Privilege(Privilege::Assign)) {
        return Err(CatalogError::Denied { message: format!("this needs ASSIGN on tag `{key}`, which is governed") });
    }
    let (Some(value), Some(body)) = (value, tag.as_tag()) else { return Ok(()) };
    if tag.name.as_str() != key {
        let message =
            format!("governed tag `{}` is not written `{key}`: keys of tags are compared with case", tag.name);
        return Err(CatalogError::invalid("tags", message));
    }
    if body.allows(value) {
        return Ok(());
    }
    let allowed = if pinned.sees(tag.id) {
        format!(": use one of {}", body.values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", "))
    } else {
        String::new()
    };
    Err(CatalogError::invalid("tags", format!("governed tag `{key}` has no value `{value}`{allowed}")))
}

impl State {
    /// The governed tag that rules tags of this key, in whatever case it is written.
    pub fn governed_tag(&self, key: &str) -> Option<&Arc<Securable>> {
        self.child(self.metastore?, NameClass::Tag, &Name::parse(key).ok()?)
    }
}
