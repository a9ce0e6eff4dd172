//! ALTER TABLE … RENAME COLUMN. The files are rewritten first and the record is changed last. In between, and after a stop in between, the
//! files have a column that the catalog does not know: the table is closed to everybody, and the same statement ends what was begun.

use lakewarden_catalog::model::{FullName, Securable};
use lakewarden_catalog::ops::columns::ColumnRename;

use super::Run;
use crate::delta::{OpenError, OpenTable, WriteError, rename_column};
use crate::error::EngineError;
use crate::governed::ScanFault;
use crate::stream::QueryStream;

impl Run {
    pub(super) async fn rename_column(
        &self,
        name: FullName,
        column: String,
        to: String,
    ) -> Result<QueryStream, EngineError> {
        let mut rename = ColumnRename { column, to, only: None, etag: None };
        let (table, id) = self.pinned.renamable(&name, &rename)?;
        let old = table.columns().iter().find(|column| column.id == id).map(|column| column.name.to_string());
        let old = old.ok_or_else(|| EngineError::internal("the column to rename is gone"))?;
        let label = name.to_string();
        let stored = self.planner.as_stored(&table, &label).await?;
        if !is_rewritten(&table, &stored, &old, &rename.to)
            .map_err(|fault| EngineError::Open { label: label.clone(), fault })?
        {
            let written = rename_column(&stored, &old, &rename.to, &self.planner.system).await;
            let written = written.map_err(|error| self.unread(&label, error))?;
            tracing::info!(table = %label, version = written.version, rows = written.rows, "a table was rewritten");
        }
        rename.only = Some(table.id);
        self.change(move |metastore, caller| metastore.rename_column(caller, &name, &rename)).await?;
        Ok(self.done())
    }

    /// What reading the rows ran into may quote them; who may manage a table need not be one who reads it.
    fn unread(&self, label: &str, error: WriteError) -> EngineError {
        match error {
            WriteError::Input(details) => {
                let reference = self.planner.faults.record(label, &details);
                EngineError::Governed(ScanFault { label: label.to_owned(), reference })
            }
            other => other.into(),
        }
    }
}

/// Whether the files have the new name already, from the same rename that did not come to its end.
fn is_rewritten(table: &Securable, stored: &OpenTable, old: &str, new: &str) -> Result<bool, OpenError> {
    let names = || stored.schema.fields().iter().map(|field| field.name().as_str());
    let known = || table.columns().iter().map(|column| &*column.name);
    if known().eq(names()) {
        return Ok(false);
    }
    let renamed = known().map(|name| if name == old { new } else { name });
    if renamed.eq(names()) { Ok(true) } else { Err(OpenError::Unfinished) }
}
