//! Tags: SET and UNSET, the governed ones, and who is marked with what.

use lakewarden_catalog::CatalogError;
use lakewarden_catalog::model::{Column, FullName, Name, Securable, SecurableKind, TagBody, Tags, Text};
use lakewarden_catalog::ops::containers::Describe;
use lakewarden_catalog::ops::entries::Entry;
use lakewarden_catalog::ops::governed::{NewTag, ValuesChange};
use lakewarden_catalog::ops::page::Page;
use lakewarden_catalog::ops::tags::TagTarget;

use super::grants::securable_kind;
use super::{Run, unless_exists};
use crate::error::EngineError;
use crate::names;
use crate::statement::{CreateTag, ShowTags, TagChange, Target};
use crate::stream::{QueryStream, text_answer};

/// Key, value, and the kind and name of what is marked.
type Line = [Option<String>; 4];

impl Run {
    pub(super) async fn change_tags(&self, target: TagTarget, change: TagChange) -> Result<QueryStream, EngineError> {
        match change {
            TagChange::Set(tags) => {
                self.change(move |metastore, caller| metastore.set_tags(caller, &target, &tags)).await?;
            }
            TagChange::Unset(keys) => {
                self.change(move |metastore, caller| metastore.unset_tags(caller, &target, &keys)).await?;
            }
        }
        Ok(self.done())
    }

    pub(super) async fn create_tag(&self, create: CreateTag) -> Result<QueryStream, EngineError> {
        let describe = Describe { comment: create.comment, ..Describe::default() };
        let new = NewTag { name: Name::parse(&create.key)?, values: create.values, describe };
        let made = self.change(move |metastore, caller| metastore.create_tag(caller, &new)).await;
        unless_exists(made, create.if_not_exists)?;
        Ok(self.done())
    }

    pub(super) async fn set_tag_values(&self, tag: FullName, values: Vec<String>) -> Result<QueryStream, EngineError> {
        let change = ValuesChange::Set(values);
        self.change(move |metastore, caller| metastore.alter_tag_values(caller, &tag, &change, None)).await?;
        Ok(self.done())
    }

    pub(super) fn show_tags(&self, show: ShowTags) -> Result<QueryStream, EngineError> {
        match show.on {
            None => self.show_governed_tags(),
            Some(Target { kind: _, name, column: Some(column) }) => {
                let table = names::object(&name, &self.namespace)?;
                let column = self.column_of(&table, &column)?;
                let marked = format!("{}.{}", self.full_name_of(&table)?, column.name);
                answer(lines_of(column.tags.as_deref(), SecurableKind::Column, &marked).collect())
            }
            Some(Target { kind, name, column: None }) => {
                let kind = securable_kind(kind)?;
                let name = self.full_name(kind, &name)?;
                let found = self.pinned.resolve(kind, &name)?;
                answer(self.tag_lines(&found))
            }
        }
    }

    /// The tags of a securable and those that count for it because something above it is marked: of each key, the nearest.
    fn tag_lines(&self, securable: &Securable) -> Vec<Line> {
        let state = self.pinned.state();
        let mut lines: Vec<Line> = Vec::new();
        let above = state.path(securable.id).into_iter().filter(|one| one.kind() != SecurableKind::Metastore);
        for marked in above {
            let nearer: Vec<Option<String>> = lines.iter().map(|[key, ..]| key.clone()).collect();
            let name = state.full_name(marked.id);
            let own = lines_of(marked.tags.as_deref(), marked.kind(), &name);
            lines.extend(own.filter(|[key, ..]| !nearer.contains(key)));
        }
        lines
    }

    /// What DESCRIBE tells of the tags of a securable and of its columns.
    pub(super) fn described_tags(&self, securable: &Securable) -> Vec<(String, String)> {
        let own = self.pinned.state().full_name(securable.id);
        let one = |[key, value, kind, marked]: Line| {
            let tag = shown((&key.unwrap_or_default(), &value.unwrap_or_default()));
            let above = kind.zip(marked).filter(|(_, marked)| *marked != own);
            above.map_or(tag.clone(), |(kind, marked)| format!("{tag} (of {} {marked})", kind.to_lowercase()))
        };
        let tags: Vec<String> = self.tag_lines(securable).into_iter().map(one).collect();
        let mut lines = Vec::new();
        if !tags.is_empty() {
            lines.push(("Tags".to_owned(), tags.join(", ")));
        }
        for column in securable.columns() {
            if let Some(tags) = &column.tags {
                let tags: Vec<String> = tags.iter().map(|(key, value)| shown((key, value))).collect();
                lines.push((format!("Tags on {}", column.name), tags.join(", ")));
            }
        }
        lines
    }

    fn show_governed_tags(&self) -> Result<QueryStream, EngineError> {
        let tags = self.pinned.list(SecurableKind::Tag, None, &Page::all())?.items;
        let row = |entry: Entry| {
            let tag = &entry.securable;
            let values = tag.as_tag().map(listed);
            [Some(tag.name.to_string()), values, Some(entry.owner.clone()), tag.comment.clone()]
        };
        text_answer(["tag_name", "allowed_values", "owner", "comment"], tags.into_iter().map(row).collect())
    }

    fn column_of(&self, table: &FullName, name: &str) -> Result<Column, EngineError> {
        let columns = self.columns_of(table)?;
        let found = columns.into_iter().find(|column| column.name.eq_ignore_ascii_case(name));
        let absent = || CatalogError::NoSuch { what: "column", name: name.to_owned() };
        Ok(found.ok_or_else(absent)?)
    }

    fn full_name_of(&self, table: &FullName) -> Result<String, EngineError> {
        let found = self.pinned.resolve(SecurableKind::Table, table)?;
        Ok(self.pinned.state().full_name(found.id))
    }
}

fn answer(lines: Vec<Line>) -> Result<QueryStream, EngineError> {
    text_answer(["tag_name", "tag_value", "securable_type", "securable_name"], lines)
}

fn lines_of<'a>(tags: Option<&'a Tags>, kind: SecurableKind, marked: &'a str) -> impl Iterator<Item = Line> + 'a {
    let line = move |(key, value): (&Text, &Text)| {
        [Some(key.to_string()), Some(value.to_string()), Some(kind.to_string()), Some(marked.to_owned())]
    };
    tags.into_iter().flat_map(Tags::iter).map(line)
}

/// The values of a governed tag as SQL writes a list of them; empty for any.
pub(super) fn listed(tag: &TagBody) -> String {
    tag.values.iter().map(|value| super::policies::quoted(value.as_str())).collect::<Vec<_>>().join(", ")
}

/// A tag as people read it: `pii = ssn`, `reviewed`.
fn shown((key, value): (&str, &str)) -> String {
    if value.is_empty() { key.to_owned() } else { format!("{key} = {value}") }
}
