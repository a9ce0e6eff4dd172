//! Storage credentials, external locations and volumes, and the folders outside that statements name.

use lakewarden_catalog::CatalogError;
use lakewarden_catalog::model::{FullName, Name, Privilege, SecurableKind};
use lakewarden_catalog::ops::containers::Describe;
use lakewarden_catalog::ops::storage::{LocationChange, NewExternalLocation, NewVolume};
use lakewarden_catalog::ops::tables::{NewLocation, Staged};

use super::{Run, unless_exists};
use crate::delta::{Location, LocationError};
use crate::error::EngineError;
use crate::names;
use crate::statement::{CreateExternalLocation, CreateStorageCredential, CreateVolume};
use crate::stream::QueryStream;

impl Run {
    pub(super) async fn create_storage_credential(
        &self,
        create: CreateStorageCredential,
    ) -> Result<QueryStream, EngineError> {
        let name = Name::parse(&create.name)?;
        let describe = Describe { comment: create.comment, ..Describe::default() };
        let made = self.change(move |metastore, caller| metastore.create_storage_credential(caller, &name, &describe));
        unless_exists(made.await, create.if_not_exists)?;
        Ok(self.done())
    }

    pub(super) async fn create_external_location(
        &self,
        create: CreateExternalLocation,
    ) -> Result<QueryStream, EngineError> {
        let url = self.new_folder(&create.url)?.to_string();
        let describe = Describe { comment: create.comment, ..Describe::default() };
        let credential = create.credential.as_deref().map(Name::parse).transpose()?;
        let new = NewExternalLocation { name: Name::parse(&create.name)?, url, credential, describe };
        let made = self.change(move |metastore, caller| metastore.create_external_location(caller, &new)).await;
        unless_exists(made, create.if_not_exists)?;
        Ok(self.done())
    }

    pub(super) async fn set_url(&self, name: FullName, url: &str, force: bool) -> Result<QueryStream, EngineError> {
        self.pinned.resolve_to_manage(SecurableKind::ExternalLocation, &name)?;
        let url = self.new_folder(url)?.to_string();
        self.alter_external_location(name, LocationChange::Url { url, force }).await
    }

    pub(super) async fn set_credential(&self, name: FullName, credential: &str) -> Result<QueryStream, EngineError> {
        let credential = Name::parse(credential)?;
        self.alter_external_location(name, LocationChange::Credential(credential)).await
    }

    async fn alter_external_location(
        &self,
        name: FullName,
        change: LocationChange,
    ) -> Result<QueryStream, EngineError> {
        self.change(move |metastore, caller| metastore.alter_external_location(caller, &name, &change)).await?;
        Ok(self.done())
    }

    pub(super) async fn create_volume(&self, create: CreateVolume) -> Result<QueryStream, EngineError> {
        let name = names::object(&create.name, &self.namespace)?;
        let describe = Describe { comment: create.comment, ..Describe::default() };
        let made = match &create.location {
            Some(text) => match self.folder_outside(text, Privilege::CreateExternalVolume) {
                Ok(folder) => {
                    let location = NewLocation::External(folder.to_string());
                    self.register_volume(NewVolume { name, location, describe }).await
                }
                Err(error) => Err(error),
            },
            None => self.create_managed_volume(name, describe).await,
        };
        unless_exists(made, create.if_not_exists)?;
        Ok(self.done())
    }

    async fn create_managed_volume(&self, name: FullName, describe: Describe) -> Result<(), EngineError> {
        let root = Location::from_path(self.engine.managed_root())?.to_string();
        let target = name.clone();
        let staged = self.change(move |metastore, caller| metastore.stage_volume(caller, &target, &root)).await?;
        let done = self.fill_volume(name, describe, &staged).await;
        if done.is_err() {
            self.change(move |metastore, caller| metastore.abandon_volume(caller, &staged)).await?;
            self.engine.purge_dropped(false).await;
        }
        done
    }

    /// The folder first, the record last.
    async fn fill_volume(&self, name: FullName, describe: Describe, staged: &Staged) -> Result<(), EngineError> {
        let folder = Location::parse(&staged.location)?;
        std::fs::create_dir_all(folder.path()).map_err(EngineError::internal)?;
        self.register_volume(NewVolume { name, location: NewLocation::Managed(staged.clone()), describe }).await
    }

    async fn register_volume(&self, new: NewVolume) -> Result<(), EngineError> {
        self.change(move |metastore, caller| metastore.create_volume(caller, &new)).await?;
        Ok(())
    }

    /// A folder outside that the caller may put data into by `privilege`. What the file system says of folders is told to
    /// those only who may name them.
    pub(super) fn folder_outside(&self, text: &str, privilege: Privilege) -> Result<Location, EngineError> {
        let pinned = &self.pinned;
        let there = |url: &str| pinned.require_folder(url, privilege);
        let folder = self.judged_folder(text, pinned.require_some_folder(privilege), there)?;
        self.refuse_own_folders(&folder)?;
        Ok(folder)
    }

    /// A folder outside, links resolved, once `anywhere` says that the caller may name some folder and `there` that it may
    /// name this one. While the file system may not be asked, or can't tell, a folder is judged as it is written.
    pub(super) fn judged_folder(
        &self,
        text: &str,
        anywhere: Result<(), CatalogError>,
        there: impl Fn(&str) -> Result<(), CatalogError>,
    ) -> Result<Location, EngineError> {
        let as_written = || -> Result<(), EngineError> { Ok(there(&Location::unresolved(text)?.to_string())?) };
        if let Err(denied) = anywhere {
            as_written()?;
            return Err(denied.into());
        }
        let folder = match Location::parse(text) {
            Err(fault @ LocationError::Io(..)) => {
                as_written()?;
                return Err(fault.into());
            }
            parsed => parsed?,
        };
        there(&folder.to_string())?;
        Ok(folder)
    }

    /// A folder for an external location.
    fn new_folder(&self, text: &str) -> Result<Location, EngineError> {
        let root = self.pinned.root()?;
        self.pinned.require(root, Privilege::CreateExternalLocation)?;
        let folder = Location::parse(text)?;
        self.refuse_own_folders(&folder)?;
        Ok(folder)
    }

    /// The server's own folders hold the catalog's store, keys and everybody's managed tables.
    fn refuse_own_folders(&self, location: &Location) -> Result<(), EngineError> {
        let root = self.engine.managed_root();
        let own = root.parent().unwrap_or(root);
        if location.path().starts_with(own) || own.starts_with(location.path()) {
            return Err(EngineError::invalid(
                "this folder belongs to the server, or the server's folder lies in it: choose another one",
            ));
        }
        Ok(())
    }
}
