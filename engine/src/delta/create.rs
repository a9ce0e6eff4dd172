//! Creating Delta tables.

use std::path::Path;

use deltalake::logstore::LogStoreRef;
use deltalake::operations::create::CreateBuilder;
use deltalake::table::builder::DeltaTableBuilder;

use super::definition::TableDefinition;
use super::location::Location;
use super::write_error::WriteError;

/// Creates an empty table in an empty or missing folder, as version 0.
///
/// # Errors `NotEmpty` when something is there already; `Definition`, `Type` and `Unsupported` when the definition
/// makes no table; `Conflict` when somebody else created one meanwhile.
pub async fn create_table(location: &Location, definition: &TableDefinition) -> Result<(), WriteError> {
    let store = prepare(location, definition)?;
    builder(store, definition)?.await?;
    Ok(())
}

/// Checks the definition and makes the folder.
pub(crate) fn prepare(location: &Location, definition: &TableDefinition) -> Result<LogStoreRef, WriteError> {
    definition.validate()?;
    require_empty(location.path())?;
    std::fs::create_dir_all(location.path())?;
    let table = DeltaTableBuilder::from_url(location.url()?)?.build()?;
    Ok(table.log_store())
}

pub(crate) fn builder(store: LogStoreRef, definition: &TableDefinition) -> Result<CreateBuilder, WriteError> {
    let mut builder = CreateBuilder::new()
        .with_log_store(store)
        .with_columns(definition.kernel_columns()?)
        .with_partition_columns(definition.partition_columns.clone())
        .with_configuration(definition.properties.iter().map(|(key, value)| (key.clone(), Some(value.clone()))))
        // The properties were checked; the library knows only those of Delta.
        .with_raise_if_key_not_exists(false);
    if let Some(description) = &definition.description {
        builder = builder.with_comment(description.clone());
    }
    Ok(builder)
}

fn require_empty(folder: &Path) -> Result<(), WriteError> {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(WriteError::NotEmpty),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => Err(WriteError::NotEmpty),
        Err(error) => Err(error.into()),
    }
}

/// Empties the folder of a table that wasn't created after all, unless somebody committed there.
pub(crate) fn abandon(location: &Location) {
    let committed = std::fs::read_dir(location.path().join("_delta_log")).is_ok_and(|mut log| log.next().is_some());
    if committed {
        return;
    }
    if let Err(error) = empty(location.path()) {
        tracing::warn!(%error, "files of a table that was not created stay behind");
    }
}

/// The folder itself stays: it may have been there before.
fn empty(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?
        } else {
            std::fs::remove_file(entry.path())?
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use arrow::datatypes::DataType;
    use rstest::rstest;

    use super::super::definition::TableColumn;
    use super::super::sql_type::parse_sql_type;
    use super::*;

    fn definition() -> TableDefinition {
        let column = |name: &str, words: &str, nullable, comment: Option<&str>| TableColumn {
            name: name.to_owned(),
            data_type: parse_sql_type(words).unwrap(),
            nullable,
            comment: comment.map(str::to_owned),
        };
        TableDefinition {
            columns: vec![
                column("id", "BIGINT", false, Some("who")),
                column("at", "TIMESTAMP_NTZ", true, None),
                column("tags", "MAP<STRING, ARRAY<STRUCT<a: DECIMAL(12,2), b: DATE>>>", true, None),
                column("region", "STRING", true, None),
            ],
            partition_columns: vec!["region".to_owned()],
            properties: BTreeMap::from([
                ("delta.appendOnly".to_owned(), "true".to_owned()),
                ("team".to_owned(), "sales".to_owned()),
            ]),
            description: Some("what was sold".to_owned()),
        }
    }

    async fn load(location: &Location) -> deltalake::DeltaTable {
        DeltaTableBuilder::from_url(location.url().unwrap()).unwrap().load().await.unwrap()
    }

    #[tokio::test]
    async fn what_was_defined_is_what_is_stored() {
        let root = tempfile::tempdir().unwrap();
        let location = Location::from_path(&root.path().join("a b/t")).unwrap();
        create_table(&location, &definition()).await.unwrap();
        let table = load(&location).await;
        let state = table.snapshot().unwrap();
        assert_eq!(state.version(), 0);
        assert_eq!(state.metadata().partition_columns(), &["region".to_owned()]);
        assert_eq!(state.metadata().description(), Some("what was sold"));
        assert_eq!(state.metadata().configuration().get("team").map(String::as_str), Some("sales"));
        let stored = super::super::write::table_schema(&table).unwrap();
        assert_eq!(&stored, definition().schema().unwrap().as_ref());
    }

    #[tokio::test]
    async fn a_folder_that_holds_anything_is_refused_and_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let location = Location::from_path(root.path()).unwrap();
        create_table(&location, &definition()).await.unwrap();
        assert!(matches!(create_table(&location, &definition()).await, Err(WriteError::NotEmpty)));
        let file = root.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let at_file = Location::from_path(&file).unwrap();
        assert!(matches!(create_table(&at_file, &definition()).await, Err(WriteError::NotEmpty)));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "x");
        assert_eq!(load(&location).await.version(), Some(0));
    }

    #[tokio::test]
    async fn a_wrong_definition_makes_no_folder() {
        let root = tempfile::tempdir().unwrap();
        let location = Location::from_path(&root.path().join("t")).unwrap();
        let mut wrong = definition();
        wrong.properties.insert("delta.enableRowTracking".to_owned(), "true".to_owned());
        assert!(matches!(create_table(&location, &wrong).await, Err(WriteError::Unsupported(_))));
        assert!(!location.path().exists());
    }

    #[rstest]
    #[case("name")]
    #[case("id")]
    #[tokio::test]
    async fn column_mapping_takes_any_name(#[case] mode: &str) {
        let root = tempfile::tempdir().unwrap();
        let location = Location::from_path(root.path()).unwrap();
        let columns =
            vec![TableColumn { name: "a b".to_owned(), data_type: DataType::Int32, nullable: true, comment: None }];
        let properties = BTreeMap::from([("delta.columnMapping.mode".to_owned(), mode.to_owned())]);
        create_table(&location, &TableDefinition { columns, properties, ..TableDefinition::default() }).await.unwrap();
        assert_eq!(load(&location).await.version(), Some(0));
    }
}
