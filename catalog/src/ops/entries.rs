//! Reading, listing, changing and deleting securables of any kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::page::{Listing, Page};
use super::policies::use_as_policy;
use crate::model::{Body, FullName, Name, PrincipalName, Securable, SecurableKind, Text};
use crate::pinned::Pinned;
use crate::state::{Intent, State};
use crate::tx::Tx;
use crate::{Caller, CatalogError, metastore::Metastore};

/// The catalog that belongs to the server.
pub const SYSTEM_CATALOG: &str = "system";
/// The schema of each catalog that belongs to the server.
pub const INFORMATION_SCHEMA: &str = "information_schema";

/// A securable with the names that its ids stand for.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The record.
    pub securable: Arc<Securable>,
    /// Its dotted name.
    pub full_name: String,
    /// The name of its owner.
    pub owner: String,
    /// The name of who created it.
    pub created_by: String,
    /// The name of who last changed it.
    pub updated_by: String,
}

impl Entry {
    pub(crate) fn of(pinned: &Pinned, securable: Arc<Securable>) -> Self {
        let state = pinned.state();
        Self {
            full_name: state.full_name(securable.id),
            owner: state.principal_name(securable.owner),
            created_by: state.principal_name(securable.created_by),
            updated_by: state.principal_name(securable.updated_by),
            securable,
        }
    }
}

/// Changes to a record; what is none stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// A new name in the same parent.
    pub name: Option<Name>,
    /// A new owner.
    pub owner: Option<PrincipalName>,
    /// A new comment, or none.
    pub comment: Option<Option<String>>,
    /// The whole new set of properties.
    pub properties: Option<BTreeMap<String, String>>,
    /// Properties to set, the others staying.
    pub set_properties: BTreeMap<String, String>,
    /// Properties to take away.
    pub unset_properties: Vec<String>,
    /// A new comment of a column, by the column's name.
    pub column_comment: Option<(String, Option<String>)>,
    /// The etag that the caller has seen; the update fails when it is another.
    pub etag: Option<u64>,
}

/// How to delete.
#[derive(Debug, Clone, Copy, Default)]
pub struct Delete {
    /// Delete what is inside too; an external location or storage credential also when it is in use (`FORCE`).
    pub cascade: bool,
    /// The etag that the caller has seen.
    pub etag: Option<u64>,
}

impl Metastore {
    /// Reads one securable.
    ///
    /// # Errors
    /// `NotFound` when it is absent or hidden.
    pub fn get(&self, caller: &Caller, kind: SecurableKind, name: &FullName) -> Result<Entry, CatalogError> {
        self.read(caller, action(kind, "get"), &name.to_string(), |pinned| {
            Ok(Entry::of(pinned, pinned.resolve(kind, name)?))
        })
    }

    /// Lists the catalogs, or what of one kind is in a catalog or schema, in the order of their names. Tables and views
    /// are listed together when `kind` is `Table`; `View` lists views only.
    ///
    /// # Errors
    /// `NotFound` when the parent is absent or hidden.
    pub fn list(
        &self,
        caller: &Caller,
        kind: SecurableKind,
        parent: Option<&FullName>,
        page: &Page,
    ) -> Result<Listing<Entry>, CatalogError> {
        let shown = parent.map(ToString::to_string).unwrap_or_default();
        self.read(caller, action(kind, "list"), &shown, |pinned| pinned.list(kind, parent, page))
    }

    /// Changes name, owner, comment or properties.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`, `Conflict` when the etag is another, `AlreadyExists` when the new name is taken.
    pub fn update(
        &self,
        caller: &Caller,
        kind: SecurableKind,
        name: &FullName,
        update: &Update,
    ) -> Result<Entry, CatalogError> {
        self.write(caller, action(kind, "update"), &name.to_string(), |tx| {
            let found = tx.pinned().resolve_to_manage(kind, name)?;
            refuse_system(tx, &found)?;
            require_etag(&found, update.etag, name)?;
            let changed = apply_update(tx, &found, update)?;
            let changed = tx.update_securable(changed)?;
            Ok(Entry::of(&tx.changed(), changed))
        })
    }

    /// Deletes a securable. The files of managed tables are purged after the change is durable; see `intents`.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`, `FailedPrecondition` when it is not empty or something uses it, `Conflict`.
    pub fn delete(
        &self,
        caller: &Caller,
        kind: SecurableKind,
        name: &FullName,
        options: Delete,
    ) -> Result<(), CatalogError> {
        self.write(caller, action(kind, "delete"), &name.to_string(), |tx| {
            let found = tx.pinned().resolve_to_manage(kind, name)?;
            if kind != found.kind() {
                let (is, wanted) = (found.kind().noun(), kind.noun());
                return Err(CatalogError::precondition(
                    "WRONG_KIND",
                    format!("`{name}` is a {is}, not a {wanted}: use DROP {}", found.kind()),
                ));
            }
            if kind == SecurableKind::Metastore {
                return Err(CatalogError::invalid("name", "the metastore cannot be dropped"));
            }
            refuse_system(tx, &found)?;
            require_etag(&found, options.etag, name)?;
            delete_tree(tx, &found, options.cascade)
        })
    }
}

impl Pinned {
    /// Lists as `Metastore::list` does, on the pinned state.
    ///
    /// # Errors
    /// `NotFound` when the parent is absent or hidden.
    pub fn list(
        &self,
        kind: SecurableKind,
        parent: Option<&FullName>,
        page: &Page,
    ) -> Result<Listing<Entry>, CatalogError> {
        let parent = match (kind, parent) {
            (SecurableKind::Metastore, _) => {
                return Err(CatalogError::invalid("kind", "there is one metastore"));
            }
            // What lies right in the metastore.
            (_, _) if kind.name_parts() == 1 => self.root()?.clone(),
            (SecurableKind::Column, _) => return Err(CatalogError::invalid("kind", "columns are part of their table")),
            (SecurableKind::Schema, Some(catalog)) => self.resolve(SecurableKind::Catalog, catalog)?,
            (_, Some(schema)) => self.resolve(SecurableKind::Schema, schema)?,
            (_, None) => return Err(CatalogError::invalid("parent", "name the parent to list")),
        };
        let wanted = |s: &&Arc<Securable>| match kind {
            SecurableKind::View => s.kind() == SecurableKind::View,
            _ => true,
        };
        let class = kind.name_class();
        let children = self.visible_children(parent.id, class, page.after.as_deref()).filter(wanted);
        let listing = page.take(children.cloned(), |s| s.name.folded().to_string());
        Ok(listing.map(|s| Entry::of(self, s)))
    }
}

impl Pinned {
    /// Says that a name is taken. Of what the caller may not see nothing else is told: not its kind, nor how it is spelled.
    pub(crate) fn taken(&self, taken: &Securable, wanted: SecurableKind, name: &Name) -> CatalogError {
        let full_name = self.state().full_name(taken.id);
        if self.sees(taken.id) {
            return CatalogError::AlreadyExists { what: taken.kind().noun(), name: full_name };
        }
        let name = match full_name.rsplit_once('.') {
            Some((parent, _)) => format!("{parent}.{name}"),
            None => name.to_string(),
        };
        CatalogError::AlreadyExists { what: wanted.noun(), name }
    }
}

/// What the audit record calls an operation on a kind: those of `get`, `list`, `update` and `delete`.
fn action(kind: SecurableKind, verb: &str) -> &'static str {
    use SecurableKind as K;
    let [get, list, update, delete] = match kind {
        K::Metastore => ["metastore.get", "metastore.list", "metastore.update", "metastore.delete"],
        K::Catalog => ["catalogs.get", "catalogs.list", "catalogs.update", "catalogs.delete"],
        K::Schema => ["schemas.get", "schemas.list", "schemas.update", "schemas.delete"],
        K::Table | K::View | K::Column => ["tables.get", "tables.list", "tables.update", "tables.delete"],
        K::Function => ["functions.get", "functions.list", "functions.update", "functions.delete"],
        K::Volume => ["volumes.get", "volumes.list", "volumes.update", "volumes.delete"],
        K::Model => ["models.get", "models.list", "models.update", "models.delete"],
        K::ExternalLocation => ["locations.get", "locations.list", "locations.update", "locations.delete"],
        K::StorageCredential => ["credentials.get", "credentials.list", "credentials.update", "credentials.delete"],
        K::Connection => ["connections.get", "connections.list", "connections.update", "connections.delete"],
        K::Share => ["shares.get", "shares.list", "shares.update", "shares.delete"],
        K::Recipient => ["recipients.get", "recipients.list", "recipients.update", "recipients.delete"],
        K::Provider => ["providers.get", "providers.list", "providers.update", "providers.delete"],
        K::Tag => ["tags.get", "tags.list", "tags.update", "tags.delete"],
    };
    match verb {
        "list" => list,
        "update" => update,
        "delete" => delete,
        _ => get,
    }
}

/// Refuses changes to what belongs to the server.
pub(crate) fn refuse_system(tx: &Tx, securable: &Securable) -> Result<(), CatalogError> {
    refuse_system_in(tx.state(), securable)
}

/// Refuses changes to what belongs to the server, before there is a transaction.
pub(crate) fn refuse_system_in(state: &State, securable: &Securable) -> Result<(), CatalogError> {
    let path = state.path(securable.id);
    if path.iter().any(|s| s.kind() == SecurableKind::Catalog && &**s.name.folded() == SYSTEM_CATALOG) {
        return Err(CatalogError::precondition(
            "RESERVED",
            "the catalog `system` belongs to the server and cannot be changed",
        ));
    }
    Ok(())
}

pub(crate) fn require_etag(found: &Securable, etag: Option<u64>, name: &FullName) -> Result<(), CatalogError> {
    match etag {
        Some(etag) if etag != found.etag => {
            Err(CatalogError::Conflict { what: found.kind().noun(), name: name.to_string() })
        }
        _ => Ok(()),
    }
}

fn apply_update(tx: &mut Tx, found: &Securable, update: &Update) -> Result<Securable, CatalogError> {
    let mut changed = found.clone();
    if let Some(name) = &update.name {
        rename(tx, &mut changed, name)?;
    }
    if let Some(owner) = &update.owner {
        let owner = super::principals::named(tx.state(), owner)?.clone();
        require_may_own(tx, found, owner.id)?;
        tx.detail("owner", owner.name.to_string());
        changed.owner = owner.id;
    }
    if let Some(comment) = &update.comment {
        changed.comment.clone_from(comment);
    }
    if let Some(properties) = &update.properties {
        changed.properties.clone_from(properties);
    }
    changed.properties.extend(update.set_properties.clone());
    changed.properties.retain(|key, _| !update.unset_properties.contains(key));
    require_same_delta(found, &changed)?;
    if let Some((column, comment)) = &update.column_comment {
        set_column_comment(&mut changed, column, comment.clone())?;
    }
    Ok(changed)
}

/// The properties that Delta follows stand in the table's own log, which an update of the record does not write.
fn require_same_delta(before: &Securable, after: &Securable) -> Result<(), CatalogError> {
    let differs = |key: &&String| before.properties.get(*key) != after.properties.get(*key);
    let keys = before.properties.keys().chain(after.properties.keys());
    match keys.filter(|key| before.as_table().is_some() && key.starts_with("delta.")).find(differs) {
        Some(key) => Err(CatalogError::precondition(
            "DELTA_PROPERTY",
            format!("`{key}` is given when the table is created: changing it afterwards is not built"),
        )),
        None => Ok(()),
    }
}

/// A view or function lends its owner's rights to its readers, so nobody may hand theirs to a definition that they did not
/// write: its new owner is the caller or one of the caller's groups, unless a metastore admin decides.
fn require_may_own(tx: &Tx, found: &Securable, owner: crate::model::PrincipalId) -> Result<(), CatalogError> {
    let lends_rights = matches!(found.kind(), SecurableKind::View | SecurableKind::Function);
    let pinned = tx.pinned();
    if !lends_rights || pinned.closure().contains(owner) || pinned.require_admin().is_ok() {
        return Ok(());
    }
    let message = format!(
        "a {} runs with its owner's rights: only a metastore admin may give it to somebody else than you or your groups",
        found.kind().noun()
    );
    Err(CatalogError::Denied { message })
}

fn rename(tx: &mut Tx, changed: &mut Securable, name: &Name) -> Result<(), CatalogError> {
    let Some(parent) = changed.parent else {
        return Err(CatalogError::invalid("name", "the metastore cannot be renamed"));
    };
    if changed.kind() == SecurableKind::Tag {
        let message =
            format!("governed tag `{}` cannot be renamed: tags and policies are written with its key", changed.name);
        return Err(CatalogError::precondition("GOVERNED_KEY", message));
    }
    require_free(tx, parent, changed.kind(), name, Some(changed))?;
    require_not_reserved(changed.kind(), name)?;
    tx.detail("new_name", name.to_string());
    changed.name = name.clone();
    Ok(())
}

fn set_column_comment(changed: &mut Securable, name: &str, comment: Option<String>) -> Result<(), CatalogError> {
    let columns = match &mut changed.body {
        Body::Table(table) => &mut table.columns,
        Body::View(view) => &mut view.columns,
        _ => {
            return Err(CatalogError::invalid("column", "only tables and views have columns"));
        }
    };
    let Some(column) = columns.iter_mut().find(|c| c.name.eq_ignore_ascii_case(name)) else {
        return Err(CatalogError::NoSuch { what: "column", name: name.to_owned() });
    };
    column.comment = comment.map(Text::from);
    Ok(())
}

/// Checks that a name is free in a parent, but for `own`.
pub(crate) fn require_free(
    tx: &Tx,
    parent: crate::model::SecurableId,
    kind: SecurableKind,
    name: &Name,
    own: Option<&Securable>,
) -> Result<(), CatalogError> {
    match tx.state().child(parent, kind.name_class(), name) {
        Some(taken) if own.is_none_or(|own| own.id != taken.id) => Err(tx.pinned().taken(taken, kind, name)),
        _ => Ok(()),
    }
}

/// Checks that a name is not one of the server's own.
pub(crate) fn require_not_reserved(kind: SecurableKind, name: &Name) -> Result<(), CatalogError> {
    let reserved = match kind {
        SecurableKind::Catalog => &**name.folded() == SYSTEM_CATALOG,
        SecurableKind::Schema => &**name.folded() == INFORMATION_SCHEMA,
        _ => false,
    };
    if reserved {
        let message = format!("the {} name `{name}` is reserved for the server", kind.noun());
        return Err(CatalogError::precondition("RESERVED", message));
    }
    Ok(())
}

fn delete_tree(tx: &mut Tx, top: &Arc<Securable>, cascade: bool) -> Result<(), CatalogError> {
    let mut doomed = tx.state().descendants(top.id);
    if !cascade && !doomed.is_empty() {
        let name = tx.state().full_name(top.id);
        let message = format!("{} `{name}` is not empty: drop what is in it first, or add CASCADE", top.kind().noun());
        return Err(CatalogError::precondition("NOT_EMPTY", message));
    }
    doomed.push(top.clone());
    for one in &doomed {
        require_unused(tx, one, &doomed)?;
    }
    super::storage::require_unused(tx.state(), top, cascade)?;
    for one in doomed.iter().rev() {
        if let Some(folder) = one.managed_folder() {
            let id = tx.new_id();
            tx.put_intent(id, Intent::Purging { location: folder.to_owned() })?;
        }
        tx.delete_securable(one.id);
    }
    Ok(())
}

/// A function of a policy cannot go, nor a governed tag in use. Views may be left behind: they fail closed when they are
/// used.
fn require_unused(tx: &Tx, one: &Securable, doomed: &[Arc<Securable>]) -> Result<(), CatalogError> {
    super::governed::require_unused(tx, one)?;
    if one.kind() != SecurableKind::Function {
        return Ok(());
    }
    let pinned = tx.pinned();
    let mut users = tx.state().users_of(one.id).filter(|user| doomed.iter().all(|gone| gone.id != user.id));
    match users.find_map(|user| use_as_policy(&pinned, user, one.id)) {
        Some(used) => {
            let function = tx.state().full_name(one.id);
            let message = format!("function `{function}` is {used}: drop the policy first");
            Err(CatalogError::precondition("IN_USE", message))
        }
        None => Ok(()),
    }
}
