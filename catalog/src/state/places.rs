//! Where data lies: the folders of tables and volumes, and the external locations above them.
//!
//! A place is the URL of a folder without a slash at its end, so that one is inside another when it goes on with a slash.
//! No two tables or volumes have places inside each other, and no two external locations.

use std::sync::Arc;

use imbl::OrdMap;

use super::State;
use crate::model::{Securable, SecurableId};

type Places = OrdMap<Arc<str>, SecurableId>;

impl State {
    pub(super) fn insert_place(&mut self, securable: &Securable) {
        if let Some(folder) = securable.folder() {
            self.locations.insert(folder.clone(), securable.id);
        }
        if let Some(location) = securable.as_external_location() {
            self.external_locations.insert(location.url.as_str().into(), securable.id);
        }
    }

    pub(super) fn forget_place(&mut self, securable: &Securable) {
        if let Some(folder) = securable.folder() {
            forget(&mut self.locations, folder, securable.id);
        }
        if let Some(location) = securable.as_external_location() {
            forget(&mut self.external_locations, &location.url, securable.id);
        }
    }

    /// Whether a table or volume has this folder, or one above or below it.
    pub fn location_taken(&self, url: &str) -> bool {
        at_or_above(&self.locations, url).is_some() || at_or_below(&self.locations, url).is_some()
    }

    /// The table or volume that has this folder, or one above it.
    pub fn data_around(&self, url: &str) -> Option<&Arc<Securable>> {
        self.securable(at_or_above(&self.locations, url)?)
    }

    /// Whether a table or volume lies in this folder, or has it.
    pub fn holds_data(&self, url: &str) -> bool {
        at_or_below(&self.locations, url).is_some()
    }

    /// The external location that a URL lies in. There is at most one.
    pub fn covering(&self, url: &str) -> Option<&Arc<Securable>> {
        self.securable(at_or_above(&self.external_locations, url)?)
    }

    /// The external locations that have this URL, or one above or below it.
    pub fn external_locations_beside(&self, url: &str) -> impl Iterator<Item = &Arc<Securable>> {
        let below = inside(url);
        let inner = self.external_locations.range(Arc::<str>::from(below.as_str())..);
        let inner = inner.take_while(move |(place, _)| place.starts_with(&below)).map(|(_, id)| *id);
        let ids = at_or_above(&self.external_locations, url).into_iter().chain(inner);
        ids.filter_map(|id| self.securable(id))
    }

    /// Every external location, in the order of their URLs.
    pub fn external_locations(&self) -> impl Iterator<Item = &Arc<Securable>> {
        self.external_locations.values().filter_map(|id| self.securable(*id))
    }
}

/// Takes a place out, unless somebody else has it by now.
fn forget(places: &mut Places, url: &str, id: SecurableId) {
    if places.get(url) == Some(&id) {
        places.remove(url);
    }
}

fn at_or_above(places: &Places, url: &str) -> Option<SecurableId> {
    let above = url.match_indices('/').filter_map(|(at, _)| url.get(..at));
    above.chain([url]).find_map(|prefix| places.get(prefix)).copied()
}

fn at_or_below(places: &Places, url: &str) -> Option<SecurableId> {
    let below = inside(url);
    let first_inside = || places.range(Arc::<str>::from(below.as_str())..).next();
    let inner = || first_inside().filter(|(place, _)| place.starts_with(&below)).map(|(_, id)| *id);
    places.get(url).copied().or_else(inner)
}

/// What the places inside a folder start with.
fn inside(url: &str) -> String {
    format!("{url}/")
}
