//! ALTER TABLE … SET and DROP of row filters and masks. The policy is planned before it is bound, so that one which can't
//! work is refused here and not at the next query.

use lakewarden_catalog::model::FullName;
use lakewarden_catalog::ops::open::Opened;
use lakewarden_catalog::ops::rules::{Argument, MaskBinding, RowFilterBinding};

use super::Run;
use crate::error::EngineError;
use crate::names;
use crate::planner::fitting;
use crate::statement::{Literal, MaskSpec, PolicyArgument, RowFilterSpec};
use crate::stream::QueryStream;

impl Run {
    pub(super) async fn set_row_filter(
        &self,
        table: FullName,
        filter: RowFilterSpec,
    ) -> Result<QueryStream, EngineError> {
        let binding = self.row_filter_binding(&filter)?;
        self.check_row_filter(&table, &binding).await?;
        self.change(move |metastore, caller| metastore.set_row_filter(caller, &table, &binding)).await?;
        Ok(self.done())
    }

    pub(super) async fn drop_row_filter(&self, table: FullName) -> Result<QueryStream, EngineError> {
        self.change(move |metastore, caller| metastore.drop_row_filter(caller, &table)).await?;
        Ok(self.done())
    }

    pub(super) async fn set_mask(&self, table: FullName, binding: MaskBinding) -> Result<QueryStream, EngineError> {
        self.check_mask(&table, &binding).await?;
        self.change(move |metastore, caller| metastore.set_mask(caller, &table, &binding)).await?;
        Ok(self.done())
    }

    pub(super) async fn drop_mask(
        &self,
        table: FullName,
        column: String,
        path: Vec<String>,
    ) -> Result<QueryStream, EngineError> {
        self.change(move |metastore, caller| metastore.drop_mask(caller, &table, &column, &path)).await?;
        Ok(self.done())
    }

    /// Plans the row filter on the table as it is now.
    async fn check_row_filter(&self, table: &FullName, binding: &RowFilterBinding) -> Result<(), EngineError> {
        let preview = self.pinned.preview_row_filter(table, binding)?;
        self.check(&preview).await
    }

    async fn check_mask(&self, table: &FullName, binding: &MaskBinding) -> Result<(), EngineError> {
        let preview = self.pinned.preview_mask(table, binding)?;
        self.check(&preview).await
    }

    /// Checks the types of a table's policies, and plans the table with them.
    pub(super) async fn check(&self, preview: &Opened) -> Result<(), EngineError> {
        fitting::require(preview)?;
        let stored = self.planner.stored(preview).await?;
        self.planner.govern(preview, &stored, &self.scope()).await.map(drop)
    }

    pub(super) fn row_filter_binding(&self, filter: &RowFilterSpec) -> Result<RowFilterBinding, EngineError> {
        let function = names::object(&filter.function, &self.namespace)?;
        Ok(RowFilterBinding { function, on: filter.on.iter().map(argument).collect() })
    }

    pub(super) fn mask_binding(
        &self,
        column: String,
        path: Vec<String>,
        mask: &MaskSpec,
    ) -> Result<MaskBinding, EngineError> {
        let function = names::object(&mask.function, &self.namespace)?;
        Ok(MaskBinding { column, path, function, using: mask.using.iter().map(argument).collect() })
    }
}

pub(super) fn argument(argument: &PolicyArgument) -> Argument {
    match argument {
        PolicyArgument::Column(name) => Argument::Column(name.clone()),
        PolicyArgument::Literal(literal) => Argument::Literal(match literal {
            Literal::Null => "NULL".to_owned(),
            Literal::Boolean(value) => value.to_string(),
            Literal::Number(text) => text.clone(),
            Literal::String(text) => quoted(text),
            Literal::Typed(kind, text) => format!("{kind} {}", quoted(text)),
        }),
    }
}

/// A text as a SQL string.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
