//! What a new Delta table is made of.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::{DataType as KernelType, MetadataValue, StructField};

use super::sql_type::{sql_type, storage_type};
use super::write_error::WriteError;

/// Where the metadata of a field says what it means, in Delta and in Arrow.
const COMMENT: &str = "comment";
/// Characters that Parquet names can't hold without column mapping.
const INVALID_IN_NAMES: &str = " ,;{}()\n\t=";

/// One column of a new table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumn {
    /// Its name, as it is to be shown.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// Whether it may hold NULL.
    pub nullable: bool,
    /// What it means.
    pub comment: Option<String>,
}

/// A new table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableDefinition {
    /// Its columns, in order; partition columns among them.
    pub columns: Vec<TableColumn>,
    /// The columns whose values are folders.
    pub partition_columns: Vec<String>,
    /// `delta.*` properties that are built, and any others.
    pub properties: BTreeMap<String, String>,
    /// What it is.
    pub description: Option<String>,
}

impl TableDefinition {
    /// The table that holds the rows of a query: every column may hold NULL.
    ///
    /// # Errors
    /// `Type`, for a column that no table can store.
    pub fn of_query(schema: &Schema) -> Result<Self, WriteError> {
        let columns = schema.fields().iter().map(|field| {
            let data_type = storage_type(field.data_type())?;
            Ok(TableColumn { name: field.name().clone(), data_type, nullable: true, comment: None })
        });
        Ok(Self { columns: columns.collect::<Result<_, WriteError>>()?, ..Self::default() })
    }

    /// The table in Arrow's words, as its rows are stored.
    ///
    /// # Errors
    /// `Type`.
    pub fn schema(&self) -> Result<SchemaRef, WriteError> {
        let fields = self.columns.iter().map(|column| {
            let field = Field::new(&column.name, storage_type(&column.data_type)?, column.nullable);
            let comment = column.comment.iter().map(|comment| (COMMENT.to_owned(), comment.clone()));
            Ok(field.with_metadata(comment.collect::<HashMap<_, _>>()))
        });
        Ok(Arc::new(Schema::new(fields.collect::<Result<Vec<_>, WriteError>>()?)))
    }

    /// Checks everything that can be said without the folder.
    ///
    /// # Errors
    /// `Definition`, `Type`, `Unsupported`.
    pub fn validate(&self) -> Result<(), WriteError> {
        if self.columns.is_empty() {
            return Err(refuse("a table needs a column"));
        }
        let mapped = self.properties.get("delta.columnMapping.mode").is_some_and(|mode| mode != "none");
        let mut seen = HashSet::new();
        for column in &self.columns {
            if !seen.insert(column.name.to_lowercase()) {
                return Err(refuse(format!("the column `{}` is there twice", column.name)));
            }
            if column.name.is_empty() {
                return Err(refuse("a column needs a name"));
            }
            if !mapped {
                require_plain_name(&column.name)?;
            }
            storage_type(&column.data_type)?;
        }
        self.validate_partitions()?;
        self.properties.iter().try_for_each(|(key, value)| validate_property(key, value))
    }

    fn validate_partitions(&self) -> Result<(), WriteError> {
        let mut seen = HashSet::new();
        for name in &self.partition_columns {
            let Some(column) = self.columns.iter().find(|column| &column.name == name) else {
                return Err(refuse(format!("the partition column `{name}` is not a column of the table")));
            };
            if !seen.insert(name) {
                return Err(refuse(format!("the partition column `{name}` is there twice")));
            }
            let words = sql_type(&column.data_type);
            if column.data_type.is_nested() {
                return Err(refuse(format!("the column `{name}` of type {words} cannot be a partition column")));
            }
            // deltalake writes such values escaped, as the protocol says, and reads the escapes back as the value.
            if words == "BINARY" {
                return Err(WriteError::Unsupported(format!("a partition column of type BINARY, such as `{name}`,")));
            }
        }
        if seen.len() == self.columns.len() {
            return Err(refuse("a table needs a column that is not a partition column"));
        }
        Ok(())
    }

    pub(crate) fn kernel_columns(&self) -> Result<Vec<StructField>, WriteError> {
        let columns = self.columns.iter().map(|column| {
            let data_type = storage_type(&column.data_type)?;
            let kernel: KernelType = (&data_type)
                .try_into_kernel()
                .map_err(|_| refuse(format!("the column `{}` cannot be stored", column.name)))?;
            let comment = column.comment.iter().map(|comment| (COMMENT, MetadataValue::String(comment.clone())));
            Ok(StructField::new(&column.name, kernel, column.nullable).with_metadata(comment))
        });
        columns.collect()
    }
}

/// Checks that a table without column mapping can have a column of this name.
pub(super) fn require_plain_name(name: &str) -> Result<(), WriteError> {
    if name.contains(|letter| INVALID_IN_NAMES.contains(letter)) {
        let hint = "set the property `delta.columnMapping.mode` to `name` to use it";
        return Err(refuse(format!("the column name `{name}` holds a space or one of `,;{{}}()=`: {hint}")));
    }
    Ok(())
}

fn refuse(reason: impl Into<String>) -> WriteError {
    WriteError::Definition(reason.into())
}

/// Other systems read `delta.*` as orders. One that isn't followed here is refused; what isn't `delta.*` means nothing
/// to Delta.
fn validate_property(key: &str, value: &str) -> Result<(), WriteError> {
    let lower = key.to_ascii_lowercase();
    if !lower.starts_with("delta.") && !lower.starts_with("delta-rs.") {
        return Ok(());
    }
    let (good, wanted) = match key {
        "delta.appendOnly"
        | "delta.enableChangeDataFeed"
        | "delta.enableDeletionVectors"
        | "delta.enableExpiredLogCleanup" => (matches!(value, "true" | "false"), "`true` or `false`"),
        "delta.checkpointInterval" => (value.parse::<u32>().is_ok_and(|commits| commits > 0), "a number of commits"),
        "delta.targetFileSize" => (value.parse::<u64>().is_ok_and(|bytes| bytes > 0), "a number of bytes"),
        "delta.dataSkippingNumIndexedCols" => {
            (value.parse::<i32>().is_ok_and(|columns| columns >= -1), "a number of columns, or -1")
        }
        "delta.columnMapping.mode" => (matches!(value, "none" | "name" | "id"), "`none`, `name` or `id`"),
        "delta.isolationLevel" => {
            (matches!(value, "Serializable" | "WriteSerializable"), "`Serializable` or `WriteSerializable`")
        }
        "delta.checkpointPolicy" => (value == "classic", "`classic`"),
        "delta.deletedFileRetentionDuration" | "delta.logRetentionDuration" => {
            (is_interval(value), "such as `interval 7 days`")
        }
        _ => return Err(WriteError::Unsupported(format!("the table property `{key}`"))),
    };
    if good { Ok(()) } else { Err(refuse(format!("the table property `{key}` must be {wanted}"))) }
}

fn is_interval(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<_> = lower.split_whitespace().collect();
    let ["interval", amount, unit] = words.as_slice() else { return false };
    let units = ["second", "minute", "hour", "day", "week"];
    amount.parse::<u32>().is_ok() && units.contains(&unit.strip_suffix('s').unwrap_or(unit))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn column(name: &str, data_type: DataType) -> TableColumn {
        TableColumn { name: name.to_owned(), data_type, nullable: true, comment: None }
    }

    fn table(properties: &[(&str, &str)]) -> TableDefinition {
        let properties = properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        TableDefinition { columns: vec![column("a", DataType::Int32)], properties, ..TableDefinition::default() }
    }

    #[rstest]
    #[case("delta.appendOnly", "true")]
    #[case("delta.logRetentionDuration", "interval 30 days")]
    #[case("delta.checkpointInterval", "10")]
    #[case("team", "sales")]
    fn properties_that_are_followed_are_taken(#[case] key: &str, #[case] value: &str) {
        table(&[(key, value)]).validate().unwrap();
    }

    #[rstest]
    #[case("delta.enableRowTracking", "true")]
    #[case("delta.feature.clustering", "supported")]
    #[case("delta.enableIcebergCompatV2", "true")]
    #[case("delta.autoOptimize.optimizeWrite", "true")]
    #[case("Delta.AppendOnly", "true")]
    fn properties_that_are_not_built_are_named(#[case] key: &str, #[case] value: &str) {
        let error = table(&[(key, value)]).validate().unwrap_err();
        assert!(matches!(&error, WriteError::Unsupported(what) if what.contains(key)), "{error}");
    }

    #[rstest]
    #[case("delta.appendOnly", "yes")]
    #[case("delta.checkpointInterval", "0")]
    #[case("delta.logRetentionDuration", "30 days")]
    #[case("delta.columnMapping.mode", "both")]
    fn values_that_mean_nothing_are_refused(#[case] key: &str, #[case] value: &str) {
        assert!(matches!(table(&[(key, value)]).validate(), Err(WriteError::Definition(_))));
    }

    #[test]
    fn columns_and_partitions_must_make_a_table() {
        let two = |partitions: &[&str]| TableDefinition {
            columns: vec![column("a", DataType::Int32), column("b", DataType::new_list(DataType::Int32, true))],
            partition_columns: partitions.iter().map(|name| (*name).to_owned()).collect(),
            ..TableDefinition::default()
        };
        two(&["a"]).validate().unwrap();
        for wrong in [two(&["c"]), two(&["a", "a"]), two(&["b"]), two(&["A"]), TableDefinition::default()] {
            assert!(matches!(wrong.validate(), Err(WriteError::Definition(_))), "{wrong:?}");
        }
        for names in [["a", "A"], ["a b", "c"], ["", "c"]] {
            let columns = names.iter().map(|name| column(name, DataType::Int32)).collect();
            let wrong = TableDefinition { columns, ..TableDefinition::default() };
            assert!(matches!(wrong.validate(), Err(WriteError::Definition(_))), "{wrong:?}");
        }
        let void = TableDefinition { columns: vec![column("a", DataType::Null)], ..TableDefinition::default() };
        assert!(matches!(void.validate(), Err(WriteError::Type(_))));
    }
}
