//! SHOW CREATE TABLE and SHOW PARTITIONS.

use std::fmt::Write;

use lakewarden_catalog::model::{
    Column, ColumnId, FullName, PolicyArgument, Securable, SecurableId, SecurableKind, TableBody, TableType, ViewBody,
};

use super::Run;
use super::policies::quoted;
use crate::error::EngineError;
use crate::statement::{ObjectName, ParseLimits, Show, parse_query};
use crate::stream::{QueryStream, text_answer};

impl Run {
    /// The statement that would make a table or view anew: for who manages it, as it holds the text of views. Constants of policies are
    /// shown as `…`, so that the statement does not run by accident without them.
    pub(super) fn show_create(&self, name: &FullName) -> Result<QueryStream, EngineError> {
        let found = self.pinned.resolve_to_manage(SecurableKind::Table, name)?;
        let text = match (found.as_table(), found.as_view()) {
            (Some(table), _) => self.create_table_text(&found, table),
            (None, Some(view)) => self.create_view_text(&found, view),
            (None, None) => return Err(EngineError::internal("neither a table nor a view")),
        };
        text_answer(["createtab_stmt"], vec![[Some(text)]])
    }

    fn create_table_text(&self, securable: &Securable, table: &TableBody) -> String {
        let columns: Vec<String> = table.columns.iter().map(|column| self.column_text(table, column)).collect();
        let mut text =
            format!("CREATE TABLE {} (\n  {})\nUSING DELTA", self.name_text(securable), columns.join(",\n  "));
        let mut partitions: Vec<&Column> = table.columns.iter().filter(|c| c.partition_index.is_some()).collect();
        partitions.sort_by_key(|column| column.partition_index);
        if !partitions.is_empty() {
            let names: Vec<String> = partitions.iter().map(|column| ident(&column.name)).collect();
            let _ = write!(text, "\nPARTITIONED BY ({})", names.join(", "));
        }
        if table.table_type == TableType::External {
            let _ = write!(text, "\nLOCATION {}", quoted(&table.location));
        }
        text.push_str(&about(securable));
        if let Some(filter) = &table.row_filter {
            let _ =
                write!(text, "\nWITH ROW FILTER {}", self.policy_call(filter.function, table, &filter.arguments, "ON"));
        }
        text
    }

    fn column_text(&self, table: &TableBody, column: &Column) -> String {
        let mut text = format!("{} {}", ident(&column.name), column.type_text);
        if !column.nullable {
            text.push_str(" NOT NULL");
        }
        if let Some(comment) = &column.comment {
            let _ = write!(text, " COMMENT {}", quoted(comment));
        }
        if let Some(mask) = &column.mask {
            let word = if mask.using.is_empty() { "" } else { "USING COLUMNS" };
            let _ = write!(text, " MASK {}", self.policy_call(mask.function, table, &mask.using, word));
        }
        text
    }

    fn policy_call(
        &self,
        function: SecurableId,
        table: &TableBody,
        arguments: &[PolicyArgument],
        word: &str,
    ) -> String {
        let name = |id: ColumnId| table.columns.iter().find(|c| c.id == id).map_or("?".to_owned(), |c| ident(&c.name));
        let shown = arguments.iter().map(|argument| match argument {
            PolicyArgument::Column(id) => name(*id),
            _ => "…".to_owned(),
        });
        let function = self.pinned.state().full_name(function);
        match word {
            "" => function,
            word => format!("{function} {word} ({})", shown.collect::<Vec<_>>().join(", ")),
        }
    }

    fn create_view_text(&self, securable: &Securable, view: &ViewBody) -> String {
        let columns = view.columns.iter().map(|column| match &column.comment {
            Some(comment) => format!("{} COMMENT {}", ident(&column.name), quoted(comment)),
            None => ident(&column.name),
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        format!("CREATE VIEW {} ({columns}){}\nAS {}", self.name_text(securable), about(securable), view.sql)
    }

    fn name_text(&self, securable: &Securable) -> String {
        let path = self.pinned.state().path(securable.id).into_iter().rev().skip(1);
        ObjectName::new(path.map(|one| one.name.to_string())).to_string()
    }

    /// The values of the partition columns of rows that the caller sees.
    pub(super) async fn show_partitions(&self, show: &Show) -> Result<QueryStream, EngineError> {
        let name = self.table_within(show.within.as_ref())?;
        let mut columns = self.columns_of(&name)?;
        columns.retain(|column| column.partition_index.is_some());
        columns.sort_by_key(|column| column.partition_index);
        if columns.is_empty() {
            return Err(EngineError::invalid(format!("`{name}` is not partitioned")));
        }
        let columns = columns.iter().map(|column| ident(&column.name)).collect::<Vec<_>>().join(", ");
        let table = ObjectName::new(name.parts().iter().map(ToString::to_string));
        let text = format!("SELECT DISTINCT {columns} FROM {table} ORDER BY {columns}");
        self.query(*parse_query(&text, &ParseLimits::default())?).await
    }
}

fn ident(name: &str) -> String {
    ObjectName::new([name]).to_string()
}

/// COMMENT and TBLPROPERTIES.
fn about(securable: &Securable) -> String {
    let mut text = String::new();
    if let Some(comment) = &securable.comment {
        let _ = write!(text, "\nCOMMENT {}", quoted(comment));
    }
    if !securable.properties.is_empty() {
        let pairs = securable.properties.iter().map(|(key, value)| format!("{} = {}", quoted(key), quoted(value)));
        let _ = write!(text, "\nTBLPROPERTIES ({})", pairs.collect::<Vec<_>>().join(", "));
    }
    text
}
