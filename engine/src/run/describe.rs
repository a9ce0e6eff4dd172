//! DESCRIBE: the columns of a relation, and the particulars of any securable.

use lakewarden_catalog::Need;
use lakewarden_catalog::model::{
    Body, Column, ColumnId, FullName, PolicyArgument, Privilege, Securable, SecurableId, SecurableKind, TableBody,
    TableType,
};
use lakewarden_catalog::ops::entries::Entry;

use super::grants::securable_kind;
use super::{Run, tags};
use crate::error::EngineError;
use crate::information::tells_columns;
use crate::statement::Describe;
use crate::stream::{QueryStream, text_answer};

type Line = [Option<String>; 3];

impl Run {
    pub(super) fn describe(&self, describe: Describe) -> Result<QueryStream, EngineError> {
        let kind = securable_kind(describe.kind)?;
        let name = self.full_name(kind, &describe.name)?;
        match kind {
            SecurableKind::Table | SecurableKind::View => self.describe_relation(&name, describe.extended),
            _ => self.describe_other(kind, &name),
        }
    }

    /// The columns of a relation, closed ones too. They are told to whoever may read some of it, browse it or manage it.
    pub(super) fn columns_of(&self, name: &FullName) -> Result<Vec<Column>, EngineError> {
        let found = self.pinned.resolve(SecurableKind::Table, name)?;
        if !tells_columns(&self.pinned, &found) {
            self.pinned.require(&found, Privilege::Select)?;
        }
        let columns = match (found.as_table(), found.as_view()) {
            (Some(table), _) => table.columns.clone(),
            (None, Some(view)) => view.columns.clone(),
            (None, None) => Vec::new(),
        };
        Ok(columns)
    }

    fn describe_relation(&self, name: &FullName, extended: bool) -> Result<QueryStream, EngineError> {
        let columns = self.columns_of(name)?;
        let mut lines: Vec<Line> = columns.iter().map(column_line).collect();
        let mut partitions: Vec<&Column> = columns.iter().filter(|c| c.partition_index.is_some()).collect();
        if !partitions.is_empty() {
            partitions.sort_by_key(|c| c.partition_index);
            lines.push(heading("# Partition Information"));
            lines.extend(partitions.into_iter().map(column_line));
        }
        if extended {
            let entry = self.entry(SecurableKind::Table, name)?;
            lines.push(line("", ""));
            lines.push(heading("# Detailed Table Information"));
            lines.extend(self.particulars(&entry));
        }
        text_answer(["col_name", "data_type", "comment"], lines)
    }

    fn describe_other(&self, kind: SecurableKind, name: &FullName) -> Result<QueryStream, EngineError> {
        let entry = self.entry(kind, name)?;
        let lines = self.particulars(&entry).into_iter().map(|[key, value, _]| [key, value]).collect();
        text_answer(["info_name", "info_value"], lines)
    }

    fn entry(&self, kind: SecurableKind, name: &FullName) -> Result<Entry, EngineError> {
        self.audited(self.engine.catalog().reads().get(&self.caller, kind, name))
    }

    fn particulars(&self, entry: &Entry) -> Vec<Line> {
        let securable = &entry.securable;
        let manages = self.pinned.allows(securable.id, Need::Manage);
        let mut lines = vec![
            line("Name", &entry.full_name),
            line("Type", securable.kind().as_str()),
            line("Owner", &entry.owner),
            line("Comment", securable.comment.as_deref().unwrap_or("")),
            line("Created Time", &time(securable.created_at_ms)),
            line("Created By", &entry.created_by),
        ];
        if !securable.properties.is_empty() {
            let pairs: Vec<String> = securable.properties.iter().map(|(k, v)| format!("{k}={v}")).collect();
            lines.push(line("Properties", &format!("[{}]", pairs.join(","))));
        }
        lines.extend(self.described_tags(securable).iter().map(|(key, value)| line(key, value)));
        if let Some(table) = securable.as_table() {
            lines.extend(self.table_lines(table, manages));
        }
        lines.extend(self.described_policies(entry).iter().map(|(key, value)| line(key, value)));
        // What a view or function says may name what its readers may not see.
        if let Some(view) = securable.as_view().filter(|_| manages) {
            lines.push(line("View Text", &view.sql));
        }
        lines.extend(self.storage_lines(securable, manages));
        if let Some(tag) = securable.as_tag() {
            lines.push(line("Allowed Values", &tags::listed(tag)));
        }
        if let Some(function) = securable.as_function() {
            let parameters = function.parameters.iter().map(|p| format!("{} {}", p.name, p.type_text));
            lines.push(line("Input", &parameters.collect::<Vec<_>>().join(", ")));
            lines.push(line("Returns", &function.return_type));
            if manages {
                lines.push(line("Body", &function.body));
            }
        }
        lines
    }

    /// What describes an external location, a storage credential or a volume. The folder of a volume is for those who may
    /// use it.
    fn storage_lines(&self, securable: &Securable, manages: bool) -> Vec<Line> {
        match &securable.body {
            Body::StorageCredential(credential) => vec![line("Provider", credential.provider.as_str())],
            Body::ExternalLocation(location) => {
                let credential = location.credential.filter(|id| self.pinned.sees(*id));
                let name = credential.and_then(|id| self.pinned.state().securable(id)).map(|c| c.name.as_str());
                vec![line("URL", &location.url), line("Storage Credential", name.unwrap_or(""))]
            }
            Body::Volume(volume) => {
                let uses = |privilege| self.pinned.allows(securable.id, Need::Privilege(privilege));
                let mut lines = vec![line("Volume Type", volume.volume_type.as_str())];
                if manages || uses(Privilege::ReadVolume) || uses(Privilege::WriteVolume) {
                    lines.push(line("Location", &volume.location));
                }
                lines
            }
            _ => Vec::new(),
        }
    }

    fn table_lines(&self, table: &TableBody, manages: bool) -> Vec<Line> {
        let table_type = match table.table_type {
            TableType::Managed => "MANAGED",
            TableType::External => "EXTERNAL",
        };
        let mut lines = vec![line("Table Type", table_type), line("Provider", "delta")];
        if manages {
            lines.push(line("Location", &table.location));
        }
        if let Some(filter) = &table.row_filter {
            lines.push(line("Row Filter", &self.policy_text(filter.function, table, &filter.arguments)));
        }
        for (column, (path, mask)) in table.columns.iter().flat_map(|c| c.masks().map(move |mask| (c, mask))) {
            let policy = self.policy_text(mask.function, table, &mask.using);
            let masked = path.iter().fold(column.name.to_string(), |name, field| format!("{name}.{}", field.as_str()));
            lines.push(line(&format!("Column Mask on {masked}"), &policy));
        }
        lines
    }

    /// The name of a policy with the columns that it takes. Literals may tell what it hides, so they are not shown.
    fn policy_text(&self, function: SecurableId, table: &TableBody, arguments: &[PolicyArgument]) -> String {
        let name = |id: ColumnId| table.columns.iter().find(|c| c.id == id).map_or("?", |c| c.name.as_str());
        let shown: Vec<&str> = arguments
            .iter()
            .map(|argument| match argument {
                PolicyArgument::Column(id) => name(*id),
                PolicyArgument::Literal(_) => "…",
            })
            .collect();
        format!("{} ON ({})", self.pinned.state().full_name(function), shown.join(", "))
    }
}

fn column_line(column: &Column) -> Line {
    [
        Some(column.name.to_string()),
        Some(column.type_text.to_lowercase()),
        column.comment.as_ref().map(ToString::to_string),
    ]
}

fn heading(text: &str) -> Line {
    [Some(text.to_owned()), Some(String::new()), Some(String::new())]
}

fn line(key: &str, value: &str) -> Line {
    [Some(key.to_owned()), Some(value.to_owned()), Some(String::new())]
}

fn time(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms).map_or_else(|| ms.to_string(), |t| t.to_rfc3339())
}
