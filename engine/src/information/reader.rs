//! Walking what one reader may see of the catalog.

use std::collections::HashMap;
use std::sync::Arc;

use lakewarden_catalog::model::{Name, NameClass, Privilege, Securable, SecurableId};
use lakewarden_catalog::{Need, Pinned};

/// What the columns that name catalogs, schemas and what is in them are called in the relations.
const CATALOG: &[&str] = &["catalog_name", "table_catalog", "specific_catalog", "routine_catalog", "volume_catalog"];
const SCHEMA: &[&str] = &["schema_name", "table_schema", "specific_schema", "routine_schema", "volume_schema"];
const OBJECT: &[&str] = &["table_name", "specific_name", "routine_name", "volume_name"];

/// The catalog as one reader may see it, and which names are asked for.
pub(super) struct Reader<'a> {
    pub(super) pinned: &'a Pinned,
    catalog: Option<SecurableId>,
    only: HashMap<String, String>,
}

/// What lies in a schema, with the names on the way to it.
pub(super) struct Placed<'a> {
    pub(super) catalog: &'a Securable,
    pub(super) schema: &'a Securable,
    pub(super) securable: &'a Arc<Securable>,
}

impl<'a> Reader<'a> {
    /// A reader of one catalog, or of all without; `only` says which values are asked for, by columns.
    pub(super) fn new(pinned: &'a Pinned, catalog: Option<SecurableId>, only: HashMap<String, String>) -> Self {
        Self { pinned, catalog, only }
    }

    fn asked(&self, columns: &[&str]) -> Option<&str> {
        columns.iter().find_map(|column| self.only.get(*column)).map(String::as_str)
    }

    /// The children that the reader may see; when one name is asked for, that alone.
    fn children(&self, parent: SecurableId, class: NameClass, columns: &[&str]) -> Vec<&'a Arc<Securable>> {
        match self.asked(columns) {
            None => self.pinned.visible_children(parent, class, None).collect(),
            Some(asked) => {
                let child = Name::parse(asked).ok().and_then(|name| self.pinned.state().child(parent, class, &name));
                child.filter(|child| child.name.as_str() == asked && self.pinned.sees(child.id)).into_iter().collect()
            }
        }
    }

    /// The catalogs.
    pub(super) fn catalogs(&self) -> Vec<&'a Arc<Securable>> {
        let Some(root) = self.pinned.state().root() else { return Vec::new() };
        let found = self.children(root.id, NameClass::Container, CATALOG);
        found.into_iter().filter(|catalog| self.catalog.is_none_or(|only| only == catalog.id)).collect()
    }

    /// The schemas, with their catalogs.
    pub(super) fn schemas(&self) -> impl Iterator<Item = (&'a Securable, &'a Arc<Securable>)> {
        self.catalogs().into_iter().flat_map(move |catalog| {
            let schemas = self.children(catalog.id, NameClass::Container, SCHEMA);
            schemas.into_iter().map(move |schema| (catalog.as_ref(), schema))
        })
    }

    /// What of a set of names is in the schemas.
    pub(super) fn placed(&self, class: NameClass) -> impl Iterator<Item = Placed<'a>> {
        self.schemas().flat_map(move |(catalog, schema)| {
            let found = self.children(schema.id, class, OBJECT);
            found.into_iter().map(move |securable| Placed { catalog, schema, securable })
        })
    }

    /// What of a set of names is right in the metastore.
    pub(super) fn in_metastore(&self, class: NameClass) -> Vec<&'a Arc<Securable>> {
        match self.pinned.state().root() {
            Some(root) => self.pinned.visible_children(root.id, class, None).collect(),
            None => Vec::new(),
        }
    }

    pub(super) fn manages(&self, securable: &Securable) -> bool {
        self.pinned.allows(securable.id, Need::Manage)
    }

    pub(super) fn holds(&self, securable: &Securable, privilege: Privilege) -> bool {
        self.pinned.allows(securable.id, Need::Privilege(privilege))
    }

    pub(super) fn principal(&self, id: lakewarden_catalog::model::PrincipalId) -> String {
        self.pinned.state().principal_name(id)
    }
}
