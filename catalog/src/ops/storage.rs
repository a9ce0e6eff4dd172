//! Storage credentials, external locations and volumes, and who may put data outside the server's own folders.
//!
//! A folder outside is named by whoever holds the privilege for it on the external location that covers it; where none
//! covers it, by a metastore admin. Both refusals have the same words unless the caller may see the location, so that
//! nobody learns from them which folders are covered.

use std::sync::Arc;

use super::containers::{Describe, fresh};
use super::entries::{Entry, require_free};
use super::tables::{NewLocation, Staged, place, require_may_create, stage};
use crate::model::{
    Body, ExternalLocationBody, FullName, Name, Privilege, Securable, SecurableId, SecurableKind,
    StorageCredentialBody, StorageProvider, VolumeBody, VolumeType,
};
use crate::pinned::Pinned;
use crate::state::State;
use crate::tx::Tx;
use crate::{Caller, CatalogError, Need, metastore::Metastore};

/// A new external location.
#[derive(Debug, Clone)]
pub struct NewExternalLocation {
    /// Its name.
    pub name: Name,
    /// The folder, as a URL.
    pub url: String,
    /// What opens it; local files need none.
    pub credential: Option<Name>,
    /// Comment and properties.
    pub describe: Describe,
}

/// A change of where an external location leads.
#[derive(Debug, Clone)]
pub enum LocationChange {
    /// Another folder.
    Url {
        /// The folder, as a URL.
        url: String,
        /// Also when tables or volumes lie in the folder that it leaves.
        force: bool,
    },
    /// Another credential.
    Credential(Name),
}

/// A new volume.
#[derive(Debug, Clone)]
pub struct NewVolume {
    /// Its full name.
    pub name: FullName,
    /// Where its files are.
    pub location: NewLocation,
    /// Comment and properties.
    pub describe: Describe,
}

impl Metastore {
    /// Creates a storage credential; its creator owns it. Files of the server's machine need no secret, and no other storage
    /// is built.
    ///
    /// # Errors
    /// `PermissionDenied` without CREATE STORAGE CREDENTIAL on the metastore, `AlreadyExists`.
    pub fn create_storage_credential(
        &self,
        caller: &Caller,
        name: &Name,
        describe: &Describe,
    ) -> Result<Entry, CatalogError> {
        self.write(caller, "credentials.create", name.as_str(), |tx| {
            let root = require_on_root(tx, Privilege::CreateStorageCredential)?;
            require_free(tx, root, SecurableKind::StorageCredential, name, None)?;
            let body = Body::StorageCredential(StorageCredentialBody { provider: StorageProvider::Local });
            let fresh = fresh(tx, root, name.clone(), describe, body);
            let created = tx.put_securable(fresh)?;
            Ok(Entry::of(&tx.changed(), created))
        })
    }

    /// Creates an external location; its creator owns it.
    ///
    /// # Errors
    /// `PermissionDenied` without CREATE EXTERNAL LOCATION on the metastore, and on the credential when one is named,
    /// `NotFound` when that is absent or hidden, `AlreadyExists`, `InvalidArgument` for a URL that is none,
    /// `FailedPrecondition` when the folder overlaps another location or lies in a table or volume.
    pub fn create_external_location(&self, caller: &Caller, new: &NewExternalLocation) -> Result<Entry, CatalogError> {
        self.write(caller, "locations.create", new.name.as_str(), |tx| {
            let root = require_on_root(tx, Privilege::CreateExternalLocation)?;
            let credential = new.credential.as_ref().map(|name| usable_credential(tx, name)).transpose()?;
            require_free(tx, root, SecurableKind::ExternalLocation, &new.name, None)?;
            let url = free_folder(tx, &new.url, None)?;
            tx.detail("url", url.clone());
            let body = Body::ExternalLocation(ExternalLocationBody { url, credential });
            let fresh = fresh(tx, root, new.name.clone(), &new.describe, body);
            let created = tx.put_securable(fresh)?;
            Ok(Entry::of(&tx.changed(), created))
        })
    }

    /// Changes where an external location leads. Who chooses another folder or credential needs what it takes to create
    /// a location there: managing one location is no right to name folders.
    ///
    /// # Errors
    /// As `create_external_location`, and `FailedPrecondition` when tables or volumes lie in the folder that is left.
    pub fn alter_external_location(
        &self,
        caller: &Caller,
        name: &FullName,
        change: &LocationChange,
    ) -> Result<Entry, CatalogError> {
        self.write(caller, "locations.update", &name.to_string(), |tx| {
            let found = tx.pinned().resolve_to_manage(SecurableKind::ExternalLocation, name)?;
            let mut body = location_body(&found)?.clone();
            match change {
                LocationChange::Url { url, force } => {
                    require_on_root(tx, Privilege::CreateExternalLocation)?;
                    if let Some(id) = body.credential {
                        require_credential(tx, id)?;
                    }
                    if !force {
                        require_no_data(tx.state(), &found, &body.url)?;
                    }
                    body.url = free_folder(tx, url, Some(found.id))?;
                    tx.detail("url", body.url.clone());
                }
                LocationChange::Credential(credential) => {
                    body.credential = Some(usable_credential(tx, credential)?);
                    tx.detail("credential", credential.to_string());
                }
            }
            let changed = Securable { body: Body::ExternalLocation(body), ..Securable::clone(&found) };
            let changed = tx.update_securable(changed)?;
            Ok(Entry::of(&tx.changed(), changed))
        })
    }

    /// Checks that the caller may create a volume of this name and reserves a folder under `managed_root` for it.
    ///
    /// # Errors
    /// As `create_volume`.
    pub fn stage_volume(&self, caller: &Caller, name: &FullName, managed_root: &str) -> Result<Staged, CatalogError> {
        self.write(caller, "volumes.stage", &name.to_string(), |tx| {
            require_may_create(tx, SecurableKind::Volume, name, false)?;
            stage(tx, managed_root)
        })
    }

    /// Gives up a staged volume: its folder is purged.
    ///
    /// # Errors
    /// `Unavailable` when the store fails; start-up purges the folder then.
    pub fn abandon_volume(&self, caller: &Caller, staged: &Staged) -> Result<(), CatalogError> {
        self.write(caller, "volumes.abandon", &staged.id.to_string(), |tx| super::tables::abandon(tx, staged))
    }

    /// Creates a volume; its creator owns it.
    ///
    /// # Errors
    /// `NotFound` when the schema is absent or hidden, `PermissionDenied` without CREATE VOLUME on it or, for an external
    /// volume, without CREATE EXTERNAL VOLUME on the location that covers it, `AlreadyExists`, `FailedPrecondition` when
    /// another table or volume has the folder.
    pub fn create_volume(&self, caller: &Caller, new: &NewVolume) -> Result<Entry, CatalogError> {
        self.write(caller, "volumes.create", &new.name.to_string(), |tx| {
            let (schema, last) = require_may_create(tx, SecurableKind::Volume, &new.name, false)?;
            let location = place(tx, &new.location, Privilege::CreateExternalVolume)?;
            let volume_type = match &new.location {
                NewLocation::Managed(_) => VolumeType::Managed,
                NewLocation::External(_) => VolumeType::External,
            };
            let body = Body::Volume(VolumeBody { volume_type, location: location.into() });
            let mut volume = fresh(tx, schema, last, &new.describe, body);
            if let NewLocation::Managed(staged) = &new.location {
                volume.id = staged.id;
                tx.clear_intent(staged.intent);
            }
            let created = tx.put_securable(volume)?;
            Ok(Entry::of(&tx.changed(), created))
        })
    }
}

impl Pinned {
    /// Checks that the caller may put data into some folder outside: asked before any folder is looked at, so that errors
    /// of the file system tell others nothing.
    ///
    /// # Errors
    /// `Denied`.
    pub fn require_some_folder(&self, privilege: Privilege) -> Result<(), CatalogError> {
        let holds = |location: &Arc<Securable>| self.allows(location.id, Need::Privilege(privilege));
        if self.require_admin().is_ok() || self.state().external_locations().any(holds) {
            return Ok(());
        }
        Err(no_folder(privilege))
    }

    /// Checks that the caller may put data into this folder outside: `privilege` on the external location that covers it;
    /// where none does, as a metastore admin.
    ///
    /// # Errors
    /// `Denied`; `FailedPrecondition` when the credential of the location is gone.
    pub fn require_folder(&self, url: &str, privilege: Privilege) -> Result<(), CatalogError> {
        match self.state().covering(url) {
            Some(location) if self.sees(location.id) => {
                self.require(location, privilege)?;
                require_opened(self.state(), location)
            }
            None if self.require_admin().is_ok() => Ok(()),
            Some(_) | None => Err(no_folder(privilege)),
        }
    }
}

/// What the caller may read of the files outside by their path.
impl Pinned {
    /// Checks that the caller may read files of some external location: asked before any folder is looked at.
    ///
    /// # Errors
    /// `Denied`.
    pub fn require_some_files(&self) -> Result<(), CatalogError> {
        let reads = |location: &Arc<Securable>| self.allows(location.id, Need::Privilege(Privilege::ReadFiles));
        if self.state().external_locations().any(reads) { Ok(()) } else { Err(no_files()) }
    }

    /// Checks READ FILES on the external location that covers a folder. Where none does, nobody reads files by their path.
    ///
    /// # Errors
    /// `Denied`; `FailedPrecondition` when the credential of the location is gone.
    pub fn require_files(&self, url: &str) -> Result<(), CatalogError> {
        let location = self.state().covering(url).filter(|location| self.sees(location.id)).ok_or_else(no_files)?;
        self.require(location, Privilege::ReadFiles)?;
        require_opened(self.state(), location)
    }
}

fn no_files() -> CatalogError {
    CatalogError::Denied { message: "this needs READ FILES on an external location that the folder lies in".to_owned() }
}

/// The refusal for a folder that the caller may see no external location of.
fn no_folder(privilege: Privilege) -> CatalogError {
    let message =
        format!("this needs {privilege} on an external location that the folder lies in, or a metastore admin");
    CatalogError::Denied { message }
}

/// Refuses to drop what is in use, unless it is forced: a location with data in it, a credential of locations.
pub(crate) fn require_unused(state: &State, securable: &Securable, force: bool) -> Result<(), CatalogError> {
    match &securable.body {
        _ if force => Ok(()),
        Body::ExternalLocation(location) => require_no_data(state, securable, &location.url),
        Body::StorageCredential(_) if state.users_of(securable.id).next().is_some() => {
            let message = format!(
                "external locations are opened by storage credential `{}`: give them another one first, or add FORCE",
                securable.name
            );
            Err(CatalogError::precondition("IN_USE", message))
        }
        _ => Ok(()),
    }
}

fn require_no_data(state: &State, location: &Securable, url: &str) -> Result<(), CatalogError> {
    if state.holds_data(url) {
        let name = &location.name;
        let message = format!("tables or volumes lie in external location `{name}`: drop them first, or add FORCE");
        return Err(CatalogError::precondition("IN_USE", message));
    }
    Ok(())
}

/// A location whose credential was dropped by force stays closed until it has another.
fn require_opened(state: &State, location: &Securable) -> Result<(), CatalogError> {
    let credential = location.as_external_location().and_then(|location| location.credential);
    if credential.is_some_and(|id| state.securable(id).is_none()) {
        let name = &location.name;
        let message =
            format!("the storage credential of external location `{name}` is gone: SET STORAGE CREDENTIAL first");
        return Err(CatalogError::precondition("NO_CREDENTIAL", message));
    }
    Ok(())
}

/// Checks a privilege on the metastore, and gives the metastore's id.
fn require_on_root(tx: &Tx, privilege: Privilege) -> Result<SecurableId, CatalogError> {
    let pinned = tx.pinned();
    let root = pinned.root()?;
    pinned.require(root, privilege)?;
    Ok(root.id)
}

/// The credential of this name, when the caller may open locations with it.
fn usable_credential(tx: &Tx, name: &Name) -> Result<SecurableId, CatalogError> {
    let full = FullName::from_parts(&[name.as_str()])?;
    let kind = SecurableKind::StorageCredential;
    Ok(tx.pinned().resolve_for(kind, &full, Privilege::CreateExternalLocation)?.id)
}

/// The credential of a location that gets another folder must be the caller's to use too.
fn require_credential(tx: &Tx, id: SecurableId) -> Result<(), CatalogError> {
    let pinned = tx.pinned();
    match pinned.state().securable(id).filter(|_| pinned.sees(id)) {
        Some(credential) => pinned.require(credential, Privilege::CreateExternalLocation),
        None => Err(CatalogError::Denied {
            message: "this needs CREATE EXTERNAL LOCATION on the storage credential of the location".to_owned(),
        }),
    }
}

/// A folder that a location may have: no other location overlaps it, and it lies in no table or volume.
fn free_folder(tx: &Tx, url: &str, own: Option<SecurableId>) -> Result<String, CatalogError> {
    let url = normal(url)?;
    let pinned = tx.pinned();
    if let Some(other) = tx.state().external_locations_beside(url).find(|other| Some(other.id) != own) {
        let named = if pinned.sees(other.id) { format!(" `{}`", other.name) } else { String::new() };
        let message = format!("the folder overlaps another external location{named}: choose one beside it");
        return Err(CatalogError::precondition("LOCATION_IN_USE", message));
    }
    if tx.state().data_around(url).is_some() {
        let message = "the folder lies in a table or volume: choose one above or beside it";
        return Err(CatalogError::precondition("LOCATION_IN_USE", message));
    }
    Ok(url.to_owned())
}

/// A URL in the one spelling by which places are compared: absolute, no empty part, no `.` or `..`. Whoever names a folder
/// resolves links before.
fn normal(url: &str) -> Result<&str, CatalogError> {
    let url = url.trim_end_matches('/');
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map(|(_, path)| path);
    let is_normal = path.is_some_and(|path| path.split('/').all(|part| !matches!(part, "" | "." | "..")));
    if is_normal { Ok(url) } else { Err(CatalogError::invalid("url", "the URL is no absolute folder in normal form")) }
}

fn location_body(securable: &Securable) -> Result<&ExternalLocationBody, CatalogError> {
    let body = securable.as_external_location();
    body.ok_or_else(|| CatalogError::internal("an external location without its body"))
}
