//! Governed tags: keys whose values are listed, and which only who holds ASSIGN may set. Metastore admins make them.

use std::collections::HashSet;

use super::containers::{Describe, fresh};
use super::entries::{Entry, require_etag, require_free};
use crate::model::{
    Body, Condition, FullName, Name, Policy, Securable, SecurableKind, TagBody, Text, require_tag_key,
    require_tag_value,
};
use crate::ops::binding::label;
use crate::pinned::Pinned;
use crate::tx::Tx;
use crate::{Caller, CatalogError, metastore::Metastore};

/// How many uses of a tag are looked through for one that the caller may see.
const USES_LOOKED_AT: usize = 1_000;

/// A new governed tag.
#[derive(Debug, Clone)]
pub struct NewTag {
    /// Its key, which is its name.
    pub name: Name,
    /// The values that it may take; when there are none, every value is allowed.
    pub values: Vec<String>,
    /// Comment and properties.
    pub describe: Describe,
}

/// A change of the values that a governed tag may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValuesChange {
    /// These and no others; none at all allows every value.
    Set(Vec<String>),
    /// These too.
    Add(Vec<String>),
    /// All but these.
    Drop(Vec<String>),
}

impl Metastore {
    /// Makes a key governed; its creator owns the tag, and nothing is granted to anybody. Tags of this key that are set
    /// already must have values of its list.
    ///
    /// # Errors
    /// `PermissionDenied` unless the caller is a metastore admin, `AlreadyExists`, `InvalidArgument` for a key or value that is
    /// none, `FailedPrecondition` when the key is in use with other values.
    pub fn create_tag(&self, caller: &Caller, new: &NewTag) -> Result<Entry, CatalogError> {
        self.write(caller, "tags.create", new.name.as_str(), |tx| {
            tx.pinned().require_admin()?;
            require_tag_key(new.name.as_str())?;
            let root = tx.pinned().root()?.id;
            require_free(tx, root, SecurableKind::Tag, &new.name, None)?;
            let body = TagBody { values: legal(&new.name, &new.values)? };
            require_uses_fit(&tx.pinned(), &new.name, &body)?;
            tx.detail("values", new.values.join(", "));
            let fresh = fresh(tx, root, new.name.clone(), &new.describe, Body::Tag(body));
            let created = tx.put_securable(fresh)?;
            Ok(Entry::of(&tx.changed(), created))
        })
    }

    /// Changes the values that a governed tag may take. A value that is set somewhere, or that a policy asks for, stays.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` without the right to manage the tag, `Conflict`, `InvalidArgument` for a value that is
    /// none, or to be dropped and not there, `FailedPrecondition` when a value that goes is in use.
    pub fn alter_tag_values(
        &self,
        caller: &Caller,
        name: &FullName,
        change: &ValuesChange,
        etag: Option<u64>,
    ) -> Result<Entry, CatalogError> {
        self.write(caller, "tags.update", &name.to_string(), |tx| {
            let found = tx.pinned().resolve_to_manage(SecurableKind::Tag, name)?;
            require_etag(&found, etag, name)?;
            let was = found.as_tag().ok_or_else(|| CatalogError::internal("a governed tag without its body"))?;
            let body = TagBody { values: changed(&found.name, was, change)? };
            require_uses_fit(&tx.pinned(), &found.name, &body)?;
            tx.detail("values", body.values.iter().map(Text::as_str).collect::<Vec<_>>().join(", "));
            let changed = Securable { body: Body::Tag(body), ..Securable::clone(&found) };
            let changed = tx.update_securable(changed)?;
            Ok(Entry::of(&tx.changed(), changed))
        })
    }
}

/// The values of a new list, each once.
fn legal(key: &Name, values: &[String]) -> Result<Vec<Text>, CatalogError> {
    let mut seen = HashSet::new();
    for value in values {
        require_tag_value(key.as_str(), value)?;
        if !seen.insert(value) {
            return Err(CatalogError::invalid("values", format!("value `{value}` is named twice")));
        }
    }
    Ok(values.iter().map(Text::from).collect())
}

fn changed(key: &Name, was: &TagBody, change: &ValuesChange) -> Result<Vec<Text>, CatalogError> {
    let old = || was.values.iter().map(String::from);
    match change {
        ValuesChange::Set(values) => legal(key, values),
        ValuesChange::Add(_) if was.values.is_empty() => Err(CatalogError::precondition(
            "ANY_VALUE",
            format!("governed tag `{key}` lets every value: SET its VALUES"),
        )),
        ValuesChange::Add(values) => legal(key, &old().chain(values.iter().cloned()).collect::<Vec<_>>()),
        ValuesChange::Drop(values) => {
            if let Some(absent) = values.iter().find(|value| old().all(|known| known != **value)) {
                return Err(CatalogError::invalid("values", format!("governed tag `{key}` has no value `{absent}`")));
            }
            let kept: Vec<String> = old().filter(|known| !values.contains(known)).collect();
            if kept.is_empty() {
                let message =
                    format!("without a value, governed tag `{key}` would let every one: say so by SET VALUES ()");
                return Err(CatalogError::precondition("LAST_VALUE", message));
            }
            legal(key, &kept)
        }
    }
}

/// Checks that no tag is set to, and no policy asks for, a value that the list would not have.
fn require_uses_fit(pinned: &Pinned, key: &Name, body: &TagBody) -> Result<(), CatalogError> {
    let breaks = |one: &Use| one.value.as_ref().is_some_and(|value| !body.allows(value));
    let Some(found) = first_use(pinned, key, breaks) else { return Ok(()) };
    let value = found.value.unwrap_or_default();
    let message = format!("value `{value}` of tag `{key}` is in use {}: take it away there first", found.place);
    Err(CatalogError::precondition("IN_USE", message))
}

/// Refuses to drop a governed tag that is set somewhere, or that a policy asks for: anybody could set it then.
pub(crate) fn require_unused(tx: &Tx, tag: &Securable) -> Result<(), CatalogError> {
    if tag.kind() != SecurableKind::Tag {
        return Ok(());
    }
    let Some(found) = first_use(&tx.pinned(), &tag.name, |_| true) else { return Ok(()) };
    let message = format!("governed tag `{}` is in use {}: take it away there first", tag.name, found.place);
    Err(CatalogError::precondition("IN_USE", message))
}

/// A use of a tag.
struct Use {
    /// The value; none for a policy that asks for any.
    value: Option<String>,
    /// Where, as the caller may know.
    place: String,
}

/// The first use of a tag that meets a condition, one that the caller may see before others.
fn first_use(pinned: &Pinned, key: &Name, meets: impl Fn(&Use) -> bool) -> Option<Use> {
    let mut hidden = None;
    for (at, user) in pinned.state().users_of_tag(key.as_str()).enumerate() {
        if hidden.is_some() && at >= USES_LOOKED_AT {
            break;
        }
        let Some(found) = uses(pinned, user, key.as_str()).into_iter().find(|one| meets(one)) else { continue };
        if pinned.sees(user.id) {
            return Some(found);
        }
        hidden.get_or_insert(Use { place: "where you may not see it".to_owned(), ..found });
    }
    hidden
}

fn uses(pinned: &Pinned, user: &Securable, key: &str) -> Vec<Use> {
    let (kind, name) = (user.kind().noun(), pinned.state().full_name(user.id));
    let tagged = |value: &str, place| Use { value: Some(value.to_owned()), place };
    let own = user.tag(key).map(|value| tagged(value, format!("on {kind} `{name}`")));
    let columns = user
        .columns()
        .iter()
        .filter_map(|column| Some(tagged(column.tag(key)?, format!("on column `{}` of {kind} `{name}`", column.name))));
    let policies = user.policies().iter().flat_map(|policy| {
        let asked = policy.conditions().flat_map(Condition::tags).filter(|(asked, _)| asked.as_str() == key);
        let place = format!("by {}", label(pinned, policy, user));
        asked.map(move |(_, value)| Use { value: value.map(String::from), place: place.clone() })
    });
    own.into_iter().chain(columns).chain(policies).collect()
}

/// A policy that asks for a value which the governed tag does not list would never bind anybody.
pub(crate) fn require_known_values(pinned: &Pinned, policy: &Policy) -> Result<(), CatalogError> {
    for (key, value) in policy.conditions().flat_map(Condition::tags) {
        let tag = pinned.state().governed_tag(key).filter(|tag| pinned.sees(tag.id));
        let (Some(tag), Some(value)) = (tag, value) else { continue };
        if tag.as_tag().is_some_and(|body| !body.allows(value)) {
            let message = format!("governed tag `{}` has no value `{value}`", tag.name);
            return Err(CatalogError::invalid("condition", message));
        }
    }
    Ok(())
}
