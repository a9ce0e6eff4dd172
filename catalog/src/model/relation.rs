//! What tables, views and functions add to a securable, and the policies bound to a table.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ColumnId, Name, PrincipalId, SecurableId, Tags, Text};

/// Where names in a stored SQL text are resolved: the current catalog and schema of whoever defined it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Namespace {
    /// The current catalog, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<String>,
    /// The current schema, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
}

/// A column of a table or view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Unique in the table, never used again.
    pub id: ColumnId,
    /// Its name.
    pub name: Text,
    /// Its type in SQL words, such as `DECIMAL(12,2)` or `STRUCT<a: INT>`.
    pub type_text: Text,
    /// Whether it may hold NULL.
    pub nullable: bool,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<Text>,
    /// Its place among the partition columns, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_index: Option<u32>,
    /// The mask bound to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<Box<ColumnMask>>,
    /// The masks bound to fields inside it; none when the whole is masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_masks: Option<Box<FieldMasks>>,
    /// Its tags; never an empty set of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Box<Tags>>,
}

impl Column {
    /// The value of one of its tags.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.as_ref()?.get(key).map(Text::as_str)
    }

    /// The masks bound to it: none, one on the whole of it, or some on fields inside it, each with the path to its field.
    pub fn masks(&self) -> impl Iterator<Item = (&[Text], &ColumnMask)> {
        let whole = self.mask.iter().map(|mask| (&[] as &[Text], &**mask));
        let fields = self.field_masks.iter().flat_map(|fields| &fields.0);
        whole.chain(fields.map(|field| (field.path.as_slice(), &field.mask)))
    }
}

/// Who keeps the files of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableType {
    /// We do: its files are ours, and go when it is dropped.
    Managed,
    /// Somebody else does: dropping it leaves the files.
    External,
}

/// What a table adds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableBody {
    /// Who keeps the files.
    pub table_type: TableType,
    /// The root of the Delta table, as a URL.
    pub location: Arc<str>,
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The next column id to give.
    pub next_column_id: u32,
    /// The row filter bound to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_filter: Option<Box<RowFilter>>,
}

/// A row filter bound to a table: a boolean function, and what its parameters take. A row is kept on TRUE only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowFilter {
    /// The function.
    pub function: SecurableId,
    /// One argument a parameter.
    pub arguments: Vec<PolicyArgument>,
    /// Who bound it. Not known of one that was bound before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_by: Option<PrincipalId>,
}

/// A column mask: a function whose first parameter takes the column and whose result stands in its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnMask {
    /// The function.
    pub function: SecurableId,
    /// What the parameters after the first take.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub using: Vec<PolicyArgument>,
    /// Who bound it. Not known of one that was bound before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_by: Option<PrincipalId>,
}

/// A mask on a field inside a column of a struct type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldMask {
    /// The names of the fields on the way to it, outermost first; never empty. Compared without case.
    pub path: Vec<Text>,
    /// The mask, whose first parameter takes the field.
    pub mask: ColumnMask,
}

/// The masks on fields of one column: no field of them lies in another.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldMasks(pub Vec<FieldMask>);

/// What a parameter of a policy function takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyArgument {
    /// The raw value of a column of the same table.
    Column(ColumnId),
    /// A constant, as a SQL literal.
    Literal(String),
}

/// What a view adds. It is expanded anew by every query, with its owner's rights on what it reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ViewBody {
    /// The query, as it was given.
    pub sql: String,
    /// Where its names are resolved.
    pub namespace: Namespace,
    /// The columns, in order. One that is there under its name when the view is replaced keeps its id.
    pub columns: Vec<Column>,
    /// The next column id to give. Records from before there was one have 0, though ids are taken.
    #[serde(default)]
    pub next_column_id: u32,
    /// The tables, views and functions that the query names.
    pub dependencies: Vec<SecurableId>,
}

/// A parameter of a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub name: Name,
    /// Its type in SQL words.
    pub type_text: String,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// What a SQL scalar function adds. Its body reads tables with the owner's rights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FunctionBody {
    /// The parameters, in order.
    pub parameters: Vec<Parameter>,
    /// The type of the result in SQL words.
    pub return_type: String,
    /// What follows `RETURN`: an expression or a query of one row and column.
    pub body: String,
    /// Where names in the body are resolved.
    pub namespace: Namespace,
    /// The tables, views and functions that the body names.
    pub dependencies: Vec<SecurableId>,
}
