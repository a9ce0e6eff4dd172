//! Storage credentials, external locations and volumes: what they refuse, and what they leave behind.

use super::*;
use crate::CatalogError;
use crate::model::SecurableKind as K;
use crate::ops::storage::{LocationChange, NewExternalLocation, NewVolume};
use crate::ops::tables::Staged;

fn location(text: &str, url: &str) -> NewExternalLocation {
    let describe = Describe::default();
    NewExternalLocation { name: name(text), url: url.to_owned(), credential: None, describe }
}

fn volume(text: &str, location: NewLocation) -> NewVolume {
    NewVolume { name: full(text), location, describe: Describe::default() }
}

fn outside(url: &str) -> NewLocation {
    NewLocation::External(url.to_owned())
}

fn set_url(url: &str, force: bool) -> LocationChange {
    LocationChange::Url { url: url.to_owned(), force }
}

impl World {
    fn credential(&self, text: &str) {
        self.metastore.create_storage_credential(&self.admin, &name(text), &Describe::default()).unwrap();
    }

    fn locate(&self, text: &str, url: &str) -> Result<(), CatalogError> {
        self.metastore.create_external_location(&self.admin, &location(text, url)).map(drop)
    }

    fn change(&self, text: &str, change: &LocationChange) -> Result<(), CatalogError> {
        self.metastore.alter_external_location(&self.admin, &full(text), change).map(drop)
    }

    fn discard(&self, kind: K, text: &str, cascade: bool) -> Result<(), CatalogError> {
        self.metastore.delete(&self.admin, kind, &full(text), Delete { cascade, etag: None })
    }

    fn staged(&self, text: &str) -> Staged {
        self.metastore.stage_volume(&self.admin, &full(text), "file:///root/tables").unwrap()
    }

    fn folders_to_purge(&self) -> Vec<String> {
        self.metastore.due_purges(false).into_iter().map(|purge| purge.location).collect()
    }
}

#[test]
fn no_external_location_overlaps_another() {
    let world = world();
    world.locate("a", "file:///data/a/").unwrap();
    world.locate("beside", "file:///data/ab").unwrap();
    for taken in ["file:///data/a", "file:///data/a/below", "file:///data", "file:///data/a/b/c"] {
        assert_eq!(world.locate("b", taken).unwrap_err().reason(), "LOCATION_IN_USE", "{taken}");
        assert_eq!(world.change("beside", &set_url(taken, true)).unwrap_err().reason(), "LOCATION_IN_USE", "{taken}");
    }
    world.change("a", &set_url("file:///data/a/below", false)).unwrap();
    world.locate("b", "file:///data/a/other").unwrap();
    let found = world.metastore.get(&world.admin, K::ExternalLocation, &full("A")).unwrap();
    assert_eq!(found.securable.as_external_location().unwrap().url, "file:///data/a/below");
}

#[test]
fn a_url_that_is_no_folder_in_normal_form_is_refused() {
    let world = world();
    for url in ["", "/data", "file://", "file:///", "file:///a//b", "file:///a/../b", "file:///a/./b", "data"] {
        assert_eq!(world.locate("a", url).unwrap_err().kind(), ErrorKind::InvalidArgument, "{url}");
    }
}

#[test]
fn a_location_lies_in_no_table_or_volume_but_may_hold_them() {
    let world = world();
    world.schema();
    world.metastore.create_table(&world.admin, &table("c.s.t", "file:///data/t")).unwrap();
    world.metastore.create_volume(&world.admin, &volume("c.s.v", outside("file:///data/v"))).unwrap();
    for taken in ["file:///data/t", "file:///data/t/below", "file:///data/v/below"] {
        assert_eq!(world.locate("a", taken).unwrap_err().reason(), "LOCATION_IN_USE", "{taken}");
    }
    world.locate("a", "file:///data").unwrap();
}

#[test]
fn tables_and_volumes_keep_out_of_each_others_folders() {
    let world = world();
    world.schema();
    world.metastore.create_volume(&world.admin, &volume("c.s.v", outside("file:///data/v"))).unwrap();
    for taken in ["file:///data/v", "file:///data/v/below", "file:///data"] {
        let clash = world.metastore.create_table(&world.admin, &table("c.s.t", taken));
        assert_eq!(clash.unwrap_err().reason(), "LOCATION_IN_USE", "{taken}");
        let clash = world.metastore.create_volume(&world.admin, &volume("c.s.w", outside(taken)));
        assert_eq!(clash.unwrap_err().reason(), "LOCATION_IN_USE", "{taken}");
    }
    world.discard(K::Volume, "c.s.v", false).unwrap();
    assert!(world.folders_to_purge().is_empty(), "the files of an external volume are not ours");
    world.metastore.create_table(&world.admin, &table("c.s.t", "file:///data/v")).unwrap();
}

#[test]
fn what_holds_data_or_opens_locations_goes_by_force_only() {
    let world = world();
    world.schema();
    world.credential("disk");
    let opened = NewExternalLocation { credential: Some(name("disk")), ..location("a", "file:///data") };
    world.metastore.create_external_location(&world.admin, &opened).unwrap();
    world.metastore.create_table(&world.admin, &table("c.s.t", "file:///data/t")).unwrap();
    assert_eq!(world.discard(K::ExternalLocation, "a", false).unwrap_err().reason(), "IN_USE");
    assert_eq!(world.change("a", &set_url("file:///other", false)).unwrap_err().reason(), "IN_USE");
    assert_eq!(world.discard(K::StorageCredential, "disk", false).unwrap_err().reason(), "IN_USE");

    world.discard(K::StorageCredential, "disk", true).unwrap();
    let closed = world.metastore.create_table(&world.admin, &table("c.s.u", "file:///data/u"));
    assert_eq!(closed.unwrap_err().reason(), "NO_CREDENTIAL", "a location without its credential stays closed");
    world.credential("disk2");
    world.change("a", &LocationChange::Credential(name("disk2"))).unwrap();
    world.metastore.create_table(&world.admin, &table("c.s.u", "file:///data/u")).unwrap();

    world.discard(K::ExternalLocation, "a", true).unwrap();
    assert!(world.metastore.published().external_locations.is_empty());
    world.metastore.get(&world.admin, K::Table, &full("c.s.t")).unwrap();
    world.discard(K::StorageCredential, "disk2", false).unwrap();
}

#[test]
fn a_managed_volume_has_a_folder_from_before_its_record_until_after() {
    let world = world();
    world.schema();
    let staged = world.staged("c.s.v");
    assert_eq!(world.metastore.due_purges(true).len(), 1, "a start in between purges it");
    let made = world.metastore.create_volume(&world.admin, &volume("c.s.v", NewLocation::Managed(staged.clone())));
    assert_eq!(made.unwrap().securable.folder().map(|folder| &**folder), Some(staged.location.as_str()));
    assert!(world.metastore.due_purges(true).is_empty());
    let again = world.metastore.create_volume(&world.admin, &volume("c.s.w", NewLocation::Managed(staged.clone())));
    assert_eq!(again.unwrap_err().reason(), "NOT_STAGED");
    world.discard(K::Volume, "c.s.v", false).unwrap();
    assert_eq!(world.folders_to_purge(), [staged.location]);
}

#[test]
fn a_volume_given_up_is_purged() {
    let world = world();
    world.schema();
    let staged = world.staged("c.s.v");
    world.metastore.abandon_volume(&world.admin, &staged).unwrap();
    assert_eq!(world.folders_to_purge(), [staged.location]);
}

#[test]
fn a_volume_goes_with_its_schema_and_its_grants_with_it() {
    let world = world();
    world.schema();
    world.user("alice");
    let staged = world.staged("c.s.v");
    world.metastore.create_volume(&world.admin, &volume("c.s.v", NewLocation::Managed(staged.clone()))).unwrap();
    let change = grant_on(K::Volume, "c.s.v", &[Privilege::ReadVolume], "alice");
    world.metastore.change_grants(&world.admin, &change).unwrap();
    assert_eq!(world.discard(K::Schema, "c.s", false).unwrap_err().reason(), "NOT_EMPTY");
    world.discard(K::Catalog, "c", true).unwrap();
    let state = world.metastore.published();
    assert!(state.granted().next().is_none() && state.locations.is_empty());
    assert_eq!(world.folders_to_purge(), [staged.location]);
}

#[test]
fn each_kind_has_names_of_its_own() {
    let world = world();
    world.schema();
    world.credential("x");
    world.locate("x", "file:///x").unwrap();
    world.metastore.create_catalog(&world.admin, &name("x"), &Describe::default()).unwrap();
    world.metastore.create_table(&world.admin, &table("c.s.x", "file:///y")).unwrap();
    world.metastore.create_volume(&world.admin, &volume("c.s.x", outside("file:///z"))).unwrap();
    let again = world.metastore.create_storage_credential(&world.admin, &name("X"), &Describe::default());
    assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(world.locate("X", "file:///other").unwrap_err().kind(), ErrorKind::AlreadyExists);
    for (kind, parent) in [(K::StorageCredential, None), (K::ExternalLocation, None), (K::Volume, Some(full("c.s")))] {
        let listed = world.metastore.list(&world.admin, kind, parent.as_ref(), &Page::all()).unwrap();
        assert_eq!(listed.items.len(), 1, "{kind}");
    }
}

#[test]
fn the_store_holds_what_was_published() {
    let world = world();
    world.schema();
    world.credential("disk");
    let opened = NewExternalLocation { credential: Some(name("disk")), ..location("a", "file:///data") };
    world.metastore.create_external_location(&world.admin, &opened).unwrap();
    world.locate("b", "file:///b").unwrap();
    world.change("b", &set_url("file:///c", false)).unwrap();
    world.metastore.create_volume(&world.admin, &volume("c.s.v", outside("file:///data/v"))).unwrap();
    world.discard(K::StorageCredential, "disk", true).unwrap();
    let published = world.metastore.published();
    let (before, places) = (digest(&published), published.external_locations.clone());
    let World { metastore, folder, .. } = world;
    drop(metastore);
    let reopened = open(folder.path(), Arc::new(AllowAll)).published();
    assert_eq!((digest(&reopened), &reopened.external_locations), (before, &places));
}

#[test]
fn every_change_leaves_its_audit_record() {
    let world = world();
    world.schema();
    let before = world.audit();
    world.credential("disk");
    world.locate("a", "file:///a").unwrap();
    world.change("a", &LocationChange::Credential(name("disk"))).unwrap();
    world.metastore.create_volume(&world.admin, &volume("c.s.v", outside("file:///a/v"))).unwrap();
    world.discard(K::Volume, "c.s.v", false).unwrap();
    world.discard(K::ExternalLocation, "a", false).unwrap();
    let records = world.metastore.list_audit(&world.admin, &Page::all()).unwrap().items;
    let actions: Vec<_> = records.iter().rev().skip(before).map(|record| record.action.as_str()).collect();
    let expected = [
        "credentials.create",
        "locations.create",
        "locations.update",
        "volumes.create",
        "volumes.delete",
        "locations.delete",
    ];
    assert_eq!(actions, expected);
}
