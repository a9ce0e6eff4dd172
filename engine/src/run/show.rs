//! SHOW: everything that the caller may see of a kind, nothing else.

use lakewarden_catalog::model::{FullName, PrincipalKind, SecurableKind};
use lakewarden_catalog::ops::entries::Entry;
use lakewarden_catalog::ops::page::Page;

use super::Run;
use crate::error::EngineError;
use crate::names;
use crate::statement::{FunctionScope, ObjectName, Show, ShowKind};
use crate::stream::{AnswerColumn, QueryStream, answer, text_answer};

impl Run {
    pub(super) fn show(&self, show: Show) -> Result<QueryStream, EngineError> {
        let like = Glob::new(show.pattern.as_deref());
        match show.what {
            ShowKind::Catalogs => self.show_names("catalog", SecurableKind::Catalog, None, &like),
            ShowKind::Schemas => {
                let catalog = self.catalog_within(show.within.as_ref())?;
                self.show_names("databaseName", SecurableKind::Schema, Some(catalog), &like)
            }
            ShowKind::Tables => self.show_relations(SecurableKind::Table, "tableName", show.within.as_ref(), &like),
            ShowKind::Views => self.show_relations(SecurableKind::View, "viewName", show.within.as_ref(), &like),
            ShowKind::Functions(scope) => self.show_functions(scope, show.within.as_ref(), &like),
            ShowKind::Columns => self.show_columns(show.within.as_ref(), &like),
            ShowKind::Volumes => self.show_volumes(show.within.as_ref(), &like),
            ShowKind::ExternalLocations => self.show_external_locations(&like),
            ShowKind::StorageCredentials => self.show_storage_credentials(&like),
            ShowKind::Users => self.show_principals("name", PrincipalKind::User, &like),
            ShowKind::Groups => self.show_principals("name", PrincipalKind::Group, &like),
            ShowKind::ServicePrincipals => self.show_principals("name", PrincipalKind::ServicePrincipal, &like),
            ShowKind::CurrentCatalog => text_answer(["catalog"], vec![[self.namespace.catalog.clone()]]),
            ShowKind::CurrentSchema => {
                let current = (self.namespace.catalog.clone(), self.namespace.schema.clone());
                text_answer(["catalog", "namespace"], vec![[current.0, current.1]])
            }
            ShowKind::TableProperties => self.show_properties(show.within.as_ref(), show.pattern.as_deref()),
            ShowKind::CreateTable => self.show_create(&self.table_within(show.within.as_ref())?),
            ShowKind::Partitions => Err(EngineError::internal("the partitions are a query")),
        }
    }

    fn entries(&self, kind: SecurableKind, within: Option<&FullName>) -> Result<Vec<Entry>, EngineError> {
        Ok(self.pinned.list(kind, within, &Page::all())?.items)
    }

    fn show_names(
        &self,
        column: &'static str,
        kind: SecurableKind,
        within: Option<FullName>,
        like: &Glob,
    ) -> Result<QueryStream, EngineError> {
        let names = self.entries(kind, within.as_ref())?.into_iter().map(|e| e.securable.name.to_string());
        text_answer([column], names.filter(|n| like.matches(n)).map(|n| [Some(n)]).collect())
    }

    fn show_relations(
        &self,
        kind: SecurableKind,
        column: &'static str,
        within: Option<&ObjectName>,
        like: &Glob,
    ) -> Result<QueryStream, EngineError> {
        let schema = self.schema_within(within)?;
        let database = schema.last().map(ToString::to_string);
        let names = self.entries(kind, Some(&schema))?.into_iter().map(|e| e.securable.name.to_string());
        let names: Vec<String> = names.filter(|n| like.matches(n)).collect();
        let count = names.len();
        answer(vec![
            AnswerColumn::Text("database", vec![database; count]),
            AnswerColumn::Text(column, names.into_iter().map(Some).collect()),
            AnswerColumn::Flag("isTemporary", vec![false; count]),
        ])
    }

    fn show_functions(
        &self,
        scope: FunctionScope,
        within: Option<&ObjectName>,
        like: &Glob,
    ) -> Result<QueryStream, EngineError> {
        let mut names = Vec::new();
        if scope != FunctionScope::User {
            let state = &self.planner.user;
            names.extend(state.scalar_functions().keys().cloned());
            names.extend(state.aggregate_functions().keys().cloned());
            names.extend(state.window_functions().keys().cloned());
        }
        let current = within.is_some() || self.namespace.schema.is_some();
        if scope != FunctionScope::System && (current || scope == FunctionScope::User) {
            let schema = self.schema_within(within)?;
            names.extend(self.entries(SecurableKind::Function, Some(&schema))?.into_iter().map(|e| e.full_name));
        }
        names.retain(|name| like.matches(name.rsplit('.').next().unwrap_or(name)));
        names.sort_unstable();
        names.dedup();
        text_answer(["function"], names.into_iter().map(|n| [Some(n)]).collect())
    }

    fn show_volumes(&self, within: Option<&ObjectName>, like: &Glob) -> Result<QueryStream, EngineError> {
        let schema = self.schema_within(within)?;
        let database = schema.last().map(ToString::to_string);
        let names =
            self.entries(SecurableKind::Volume, Some(&schema))?.into_iter().map(|e| e.securable.name.to_string());
        let rows = names.filter(|n| like.matches(n)).map(|n| [database.clone(), Some(n)]);
        text_answer(["database", "volume_name"], rows.collect())
    }

    fn show_external_locations(&self, like: &Glob) -> Result<QueryStream, EngineError> {
        let row = |e: Entry| {
            let url = e.securable.as_external_location().map(|location| location.url.clone());
            [Some(e.securable.name.to_string()), url, e.securable.comment.clone()]
        };
        let entries = self.entries(SecurableKind::ExternalLocation, None)?.into_iter();
        let rows = entries.filter(|e| like.matches(e.securable.name.as_str())).map(row);
        text_answer(["name", "url", "comment"], rows.collect())
    }

    fn show_storage_credentials(&self, like: &Glob) -> Result<QueryStream, EngineError> {
        let row = |e: Entry| [Some(e.securable.name.to_string()), e.securable.comment.clone()];
        let entries = self.entries(SecurableKind::StorageCredential, None)?.into_iter();
        let rows = entries.filter(|e| like.matches(e.securable.name.as_str())).map(row);
        text_answer(["name", "comment"], rows.collect())
    }

    fn show_columns(&self, within: Option<&ObjectName>, like: &Glob) -> Result<QueryStream, EngineError> {
        let columns = self.columns_of(&self.table_within(within)?)?;
        let names = columns.into_iter().map(|c| String::from(c.name)).filter(|n| like.matches(n));
        text_answer(["col_name"], names.map(|n| [Some(n)]).collect())
    }

    fn show_principals(
        &self,
        column: &'static str,
        kind: PrincipalKind,
        like: &Glob,
    ) -> Result<QueryStream, EngineError> {
        let all = self.pinned.list_principals(kind, &Page::all()).items;
        let names = all.iter().map(|p| p.name.to_string()).filter(|n| like.matches(n));
        text_answer([column], names.map(|n| [Some(n)]).collect())
    }

    fn show_properties(&self, within: Option<&ObjectName>, key: Option<&str>) -> Result<QueryStream, EngineError> {
        let table = self.pinned.resolve(SecurableKind::Table, &self.table_within(within)?)?;
        let shown = table.properties.iter().filter(|(k, _)| key.is_none_or(|key| key == k.as_str()));
        text_answer(["key", "value"], shown.map(|(k, v)| [Some(k.clone()), Some(v.clone())]).collect())
    }

    fn catalog_within(&self, within: Option<&ObjectName>) -> Result<FullName, EngineError> {
        match (within, &self.namespace.catalog) {
            (Some(name), _) => names::catalog(name),
            (None, Some(current)) => Ok(FullName::from_parts(&[current])?),
            (None, None) => {
                Err(EngineError::invalid("no catalog is current: add IN catalog, or say USE CATALOG first"))
            }
        }
    }

    fn schema_within(&self, within: Option<&ObjectName>) -> Result<FullName, EngineError> {
        match (within, &self.namespace.catalog, &self.namespace.schema) {
            (Some(name), _, _) => names::schema(name, &self.namespace),
            (None, Some(catalog), Some(schema)) => Ok(FullName::from_parts(&[catalog, schema])?),
            (None, _, _) => Err(EngineError::invalid(
                "no schema is current: add IN catalog.schema, or say USE catalog.schema first",
            )),
        }
    }

    pub(super) fn table_within(&self, within: Option<&ObjectName>) -> Result<FullName, EngineError> {
        let name = within.ok_or_else(|| EngineError::invalid("name the table"))?;
        names::object(name, &self.namespace)
    }
}

/// A pattern of SHOW: `*` stands for any text, `|` parts alternatives, case is free. Source: Databricks, SHOW TABLES.
struct Glob(Option<Vec<String>>);

impl Glob {
    fn new(pattern: Option<&str>) -> Self {
        Self(pattern.map(|p| p.split('|').map(|part| part.trim().to_lowercase()).collect()))
    }

    fn matches(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.0.as_ref().is_none_or(|parts| parts.iter().any(|part| glob(part, &name)))
    }
}

/// Matches by the pieces between the stars: each is found after the one before, in time linear in the name for each.
fn glob(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or("");
    for piece in pieces {
        match left.find(piece) {
            Some(at) => left = left.get(at + piece.len()..).unwrap_or(""),
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_globs() {
        let cases = [
            (None, "orders", true),
            (Some("ord*"), "Orders", true),
            (Some("*ers"), "orders", true),
            (Some("o*d*s"), "orders", true),
            (Some("o*x*s"), "orders", false),
            (Some("nation|reg*"), "region", true),
            (Some("order"), "orders", false),
            (Some("*"), "", true),
            (Some("ab*ba"), "aba", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(Glob::new(pattern).matches(name), expected, "{pattern:?} on {name}");
        }
    }
}
