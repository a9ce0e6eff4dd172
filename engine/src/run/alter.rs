//! ALTER, COMMENT ON, DROP.

use lakewarden_catalog::CatalogError;
use lakewarden_catalog::model::{FullName, Name, PrincipalName, SecurableKind};
use lakewarden_catalog::ops::entries::{Delete, Update};
use lakewarden_catalog::ops::tags::TagTarget;

use super::grants::securable_kind;
use super::{Run, unless_absent};
use crate::error::EngineError;
use crate::statement::{Alter, AlterAction, CommentOn, Drop, ObjectKind, ObjectName};
use crate::stream::QueryStream;

impl Run {
    pub(super) async fn alter(&self, alter: Alter) -> Result<QueryStream, EngineError> {
        let kind = securable_kind(alter.kind)?;
        let name = self.full_name(kind, &alter.name)?;
        let update = match alter.action {
            AlterAction::SetOwner(owner) => Update { owner: Some(PrincipalName::parse(&owner)?), ..Update::default() },
            AlterAction::RenameTo(new) => Update { name: Some(self.new_name(kind, &name, &new)?), ..Update::default() },
            AlterAction::SetProperties(properties) => {
                Update { set_properties: properties.into_iter().collect(), ..Update::default() }
            }
            AlterAction::UnsetProperties { if_exists, keys } => {
                self.require_properties(kind, &name, &keys, if_exists)?;
                Update { unset_properties: keys, ..Update::default() }
            }
            AlterAction::SetComment(text) => Update { comment: Some(Some(text)), ..Update::default() },
            AlterAction::SetColumnComment { column, text } => {
                Update { column_comment: Some((column, Some(text))), ..Update::default() }
            }
            AlterAction::RenameColumn { column, to } => return self.rename_column(name, column, to).await,
            AlterAction::SetUrl { url, force } => return self.set_url(name, &url, force).await,
            AlterAction::SetCredential(credential) => return self.set_credential(name, &credential).await,
            AlterAction::SetRowFilter(filter) => return self.set_row_filter(name, filter).await,
            AlterAction::DropRowFilter => return self.drop_row_filter(name).await,
            AlterAction::SetMask { column, path, mask } => {
                return self.set_mask(name, self.mask_binding(column, path, &mask)?).await;
            }
            AlterAction::DropMask { column, path } => return self.drop_mask(name, column, path).await,
            AlterAction::Tags(change) => {
                return self.change_tags(TagTarget { kind, name, column: None }, change).await;
            }
            AlterAction::ColumnTags { column, change } => {
                return self.change_tags(TagTarget { kind, name, column: Some(column) }, change).await;
            }
            AlterAction::SetTagValues(values) => return self.set_tag_values(name, values).await,
        };
        self.update(kind, name, update).await
    }

    pub(super) async fn comment_on(&self, comment: CommentOn) -> Result<QueryStream, EngineError> {
        if comment.kind == ObjectKind::Column {
            let Some((column, table)) = comment.name.parts.split_last().filter(|(_, table)| !table.is_empty()) else {
                return Err(EngineError::invalid("name the column with its table: catalog.schema.table.column"));
            };
            let table = self.full_name(SecurableKind::Table, &ObjectName::new(table.iter().cloned()))?;
            let update = Update { column_comment: Some((column.clone(), comment.text)), ..Update::default() };
            return self.update(SecurableKind::Table, table, update).await;
        }
        let kind = securable_kind(comment.kind)?;
        let name = self.full_name(kind, &comment.name)?;
        self.update(kind, name, Update { comment: Some(comment.text), ..Update::default() }).await
    }

    pub(super) async fn drop_object(&self, drop: Drop) -> Result<QueryStream, EngineError> {
        let kind = securable_kind(drop.kind)?;
        let name = self.full_name(kind, &drop.name)?;
        let options = Delete { cascade: drop.cascade, etag: None };
        let dropped = self.change(move |metastore, caller| metastore.delete(caller, kind, &name, options)).await;
        unless_absent(dropped, drop.if_exists)?;
        self.engine.purge_dropped(false).await;
        Ok(self.done())
    }

    async fn update(&self, kind: SecurableKind, name: FullName, update: Update) -> Result<QueryStream, EngineError> {
        self.change(move |metastore, caller| metastore.update(caller, kind, &name, &update)).await?;
        Ok(self.done())
    }

    /// RENAME TO keeps the securable where it is.
    fn new_name(&self, kind: SecurableKind, old: &FullName, new: &ObjectName) -> Result<Name, EngineError> {
        let full = if new.parts.len() == 1 { None } else { Some(self.full_name(kind, new)?) };
        if full.is_some_and(|full| full.parent() != old.parent()) {
            return Err(EngineError::Unimplemented("moving by RENAME".to_owned()));
        }
        let last = new.parts.last().ok_or_else(|| EngineError::invalid("name what to rename to"))?;
        Ok(Name::parse(last)?)
    }

    fn require_properties(
        &self,
        kind: SecurableKind,
        name: &FullName,
        keys: &[String],
        if_exists: bool,
    ) -> Result<(), EngineError> {
        let found = self.pinned.resolve(kind, name)?;
        match keys.iter().find(|key| !found.properties.contains_key(*key)) {
            Some(key) if !if_exists => Err(CatalogError::NoSuch { what: "property", name: key.clone() }.into()),
            _ => Ok(()),
        }
    }
}
