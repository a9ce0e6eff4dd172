//! Old versions of tables whose columns have had other names, and of tables that others write.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::util::display::array_value_to_string;
use deltalake::operations::write::SchemaMode;
use deltalake::protocol::SaveMode;
use deltalake::{DeltaTable, ensure_table_uri};
use lakewarden_engine::Session;

use crate::driver::World;

/// The rows in one text each, sorted; else the SQLSTATE and the words of the error.
pub async fn told(session: &Session, sql: &str) -> Vec<String> {
    let batches = match session.run(sql).await {
        Ok(answer) => answer.collect().await,
        Err(error) => Err(error),
    };
    let batches = match batches {
        Ok(batches) => batches,
        Err(error) => return vec![format!("{}: {error}", error.sqlstate())],
    };
    let row = |batch: &RecordBatch, at: usize| {
        let cells = batch.columns().iter().map(|column| array_value_to_string(column, at).unwrap());
        cells.collect::<Vec<_>>().join(" | ")
    };
    let mut rows: Vec<String> =
        batches.iter().flat_map(|b| (0..b.num_rows()).map(|at| row(b, at)).collect::<Vec<_>>()).collect();
    rows.sort();
    rows
}

pub async fn run_all(session: &Session, statements: &[&str]) {
    for statement in statements {
        session.run(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

/// `c.s.t (id, nick, ssn, region)` with canaries in it, which alice, bob and carol may read.
pub async fn world() -> World {
    let world = World::new();
    run_all(
        &world.session("admin"),
        &[
            "CREATE USER alice",
            "CREATE USER bob",
            "CREATE USER carol",
            "CREATE CATALOG c",
            "CREATE SCHEMA c.s",
            "USE c.s",
            "CREATE TABLE t (id BIGINT, nick STRING, ssn STRING, region STRING)",
            "INSERT INTO t VALUES (1, 'annie', 'CANARY_1', 'EU'), (2, 'bo', 'CANARY_2', 'US')",
            "GRANT USE CATALOG ON CATALOG c TO `account users`",
            "GRANT USE SCHEMA ON SCHEMA c.s TO `account users`",
            "GRANT SELECT ON TABLE t TO alice, carol",
            "CREATE FUNCTION hide(v STRING) RETURNS STRING RETURN '***'",
            "CREATE FUNCTION eu(r STRING) RETURNS BOOLEAN RETURN r = 'EU'",
        ],
    )
    .await;
    world
}

const EVERY_WAY: [&str; 7] = [
    "SELECT * FROM c.s.t VERSION AS OF 1",
    "SELECT ssn FROM c.s.t VERSION AS OF 1",
    "SELECT nick FROM c.s.t VERSION AS OF 1",
    "SELECT id FROM c.s.t@v1 WHERE ssn LIKE 'CANARY%'",
    "SELECT count(*) FROM c.s.t@v1",
    "SELECT max(ssn) FROM c.s.t TIMESTAMP AS OF current_timestamp()",
    "SELECT n.id FROM c.s.t n JOIN c.s.t@v1 o ON o.id = n.id AND o.ssn > 'A'",
];

async fn refused_every_way(session: &Session, words: &str) {
    for query in EVERY_WAY.iter().filter(|query| !query.contains("TIMESTAMP")) {
        let answer = told(session, query).await.concat();
        assert!(answer.contains(words) && !answer.contains("CANARY"), "{query}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mask_binds_the_old_name_of_its_column() {
    let world = world().await;
    let admin = world.session("admin");
    run_all(&admin, &["ALTER TABLE c.s.t ALTER COLUMN ssn SET MASK c.s.hide"]).await;
    let alice = world.session("alice");
    assert_eq!(told(&alice, "SELECT ssn FROM c.s.t@v1").await, ["***", "***"]);
    run_all(&admin, &["ALTER TABLE c.s.t RENAME COLUMN ssn TO number"]).await;
    for session in [&admin, &alice] {
        refused_every_way(session, "42501: version 1 of `c.s.t` has columns that were renamed").await;
        assert_eq!(told(session, "SELECT number FROM c.s.t").await, ["***", "***"]);
        assert_eq!(told(session, "SELECT number FROM c.s.t VERSION AS OF 2").await, ["***", "***"]);
    }
    // Without what could bind on the old name, old versions are read under their own names.
    run_all(&admin, &["ALTER TABLE c.s.t ALTER COLUMN number DROP MASK"]).await;
    assert_eq!(told(&alice, "SELECT ssn FROM c.s.t@v1").await, ["CANARY_1", "CANARY_2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_that_change_names_with_each_other_are_not_mistaken() {
    let world = world().await;
    let admin = world.session("admin");
    run_all(
        &admin,
        &[
            "ALTER TABLE c.s.t ALTER COLUMN ssn SET MASK c.s.hide",
            "ALTER TABLE c.s.t RENAME COLUMN ssn TO x",
            "ALTER TABLE c.s.t RENAME COLUMN nick TO ssn",
            "ALTER TABLE c.s.t RENAME COLUMN x TO nick",
        ],
    )
    .await;
    for name in ["admin", "alice"] {
        let session = world.session(name);
        assert_eq!(told(&session, "SELECT nick, ssn FROM c.s.t").await, ["*** | annie", "*** | bo"]);
        refused_every_way(&session, "42501: version 1 of `c.s.t` has columns that were renamed").await;
        assert_eq!(told(&session, "SELECT nick, ssn FROM c.s.t VERSION AS OF 4").await, ["*** | annie", "*** | bo"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_and_a_grant_on_columns_bind_old_names() {
    let world = world().await;
    let admin = world.session("admin");
    run_all(
        &admin,
        &[
            "DENY SELECT (ssn) ON TABLE c.s.t TO alice",
            "GRANT SELECT (id, nick) ON TABLE c.s.t TO bob",
            "ALTER TABLE c.s.t RENAME COLUMN ssn TO nick2",
            "ALTER TABLE c.s.t RENAME COLUMN nick TO ssn",
        ],
    )
    .await;
    for name in ["alice", "bob"] {
        refused_every_way(&world.session(name), "42501: version 1 of `c.s.t` has columns that were renamed").await;
    }
    assert_eq!(told(&world.session("carol"), "SELECT ssn FROM c.s.t@v1").await, ["CANARY_1", "CANARY_2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_filter_on_a_renamed_column_closes_old_versions() {
    let world = world().await;
    let admin = world.session("admin");
    run_all(
        &admin,
        &[
            "ALTER TABLE c.s.t SET ROW FILTER c.s.eu ON (region)",
            "ALTER TABLE c.s.t RENAME COLUMN region TO r",
            "ALTER TABLE c.s.t RENAME COLUMN nick TO region",
        ],
    )
    .await;
    for name in ["admin", "alice"] {
        refused_every_way(&world.session(name), "its policy `c.s.eu` cannot be applied").await;
    }
    // A column that the filter does not take may have had another name.
    run_all(&admin, &["ALTER TABLE c.s.t RENAME COLUMN ssn TO number"]).await;
    assert_eq!(told(&admin, "SELECT id, ssn FROM c.s.t VERSION AS OF 3").await, ["1 | CANARY_1"]);
}

pub fn batch(columns: &[(&str, &[&str])]) -> RecordBatch {
    let rows = columns.first().map_or(0, |(_, values)| values.len());
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(1..=i64::try_from(rows).unwrap()));
    let texts = columns.iter().map(|(name, values)| (*name, Arc::new(StringArray::from(values.to_vec())) as ArrayRef));
    RecordBatch::try_from_iter([("id", ids)].into_iter().chain(texts)).unwrap()
}

pub async fn overwrite(folder: &Path, rows: RecordBatch) {
    std::fs::create_dir_all(folder).unwrap();
    let table = DeltaTable::try_from_url(ensure_table_uri(folder.to_str().unwrap()).unwrap()).await.unwrap();
    let mode = table.write(vec![rows]).with_save_mode(SaveMode::Overwrite).with_schema_mode(SchemaMode::Overwrite);
    mode.await.unwrap();
}

pub async fn external(world: &World) -> PathBuf {
    let folder = world.folder().join("outside/t");
    let parent = folder.parent().unwrap().display().to_string();
    std::fs::create_dir_all(&folder).unwrap();
    run_all(&world.session("admin"), &[&format!("CREATE EXTERNAL LOCATION here URL '{parent}'")]).await;
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_was_dropped_and_came_back_is_another() {
    let world = world().await;
    let admin = world.session("admin");
    let folder = external(&world).await;
    overwrite(&folder, batch(&[("ssn", &["CANARY_9"]), ("pay", &["1"])])).await;
    overwrite(&folder, batch(&[("pay", &["1"])])).await;
    overwrite(&folder, batch(&[("ssn", &["now"]), ("pay", &["1"])])).await;
    run_all(
        &admin,
        &[
            &format!("CREATE TABLE c.s.e LOCATION '{}'", folder.display()),
            "GRANT SELECT ON TABLE c.s.e TO alice",
            "ALTER TABLE c.s.e ALTER COLUMN pay SET MASK c.s.hide",
        ],
    )
    .await;
    let alice = world.session("alice");
    let refused = told(&alice, "SELECT ssn FROM c.s.e VERSION AS OF 0").await.concat();
    assert!(refused.starts_with("42501: version 0 of `c.s.e` has columns that were renamed"), "{refused}");
    assert_eq!(told(&alice, "SELECT ssn, pay FROM c.s.e").await, ["now | ***"]);
    // A version without the masked column is closed by its mask's name, whatever is read of it.
    run_all(
        &admin,
        &["ALTER TABLE c.s.e ALTER COLUMN pay DROP MASK", "ALTER TABLE c.s.e ALTER COLUMN ssn SET MASK c.s.hide"],
    )
    .await;
    let closed = told(&alice, "SELECT id FROM c.s.e VERSION AS OF 1").await.concat();
    assert!(closed.contains("55000: cannot read `c.s.e`: its policy `c.s.hide` cannot be applied"), "{closed}");
    run_all(&admin, &["ALTER TABLE c.s.e ALTER COLUMN ssn DROP MASK"]).await;
    assert_eq!(told(&alice, "SELECT * FROM c.s.e VERSION AS OF 1").await, ["1 | 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_log_no_longer_tells_what_columns_were_they_are_closed() {
    let world = world().await;
    let admin = world.session("admin");
    let folder = external(&world).await;
    for value in ["CANARY_0", "CANARY_1", "CANARY_2"] {
        overwrite(&folder, batch(&[("ssn", &[value]), ("pay", &["1"])])).await;
    }
    run_all(
        &admin,
        &[
            &format!("CREATE TABLE c.s.e LOCATION '{}'", folder.display()),
            "ALTER TABLE c.s.e ALTER COLUMN ssn SET MASK c.s.hide",
        ],
    )
    .await;
    assert_eq!(told(&admin, "SELECT ssn FROM c.s.e VERSION AS OF 1").await, ["***"]);
    let table = deltalake::open_table(ensure_table_uri(folder.to_str().unwrap()).unwrap()).await.unwrap();
    deltalake::protocol::checkpoints::create_checkpoint(&table, None).await.unwrap();
    std::fs::remove_file(folder.join("_delta_log/00000000000000000000.json")).unwrap();
    std::fs::remove_file(folder.join("_delta_log/00000000000000000001.json")).unwrap();
    let gone = told(&admin, "SELECT ssn FROM c.s.e VERSION AS OF 1").await.concat();
    assert!(gone.contains("there is no version 1: the versions from 2 to 2 can be read"), "{gone}");
    assert_eq!(told(&admin, "SELECT ssn FROM c.s.e VERSION AS OF 2").await, ["***"]);
    assert_eq!(told(&admin, "SELECT ssn FROM c.s.e").await, ["***"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_whose_files_are_gone_says_so() {
    let world = world().await;
    let admin = world.session("admin");
    let folder = external(&world).await;
    overwrite(&folder, batch(&[("a", &["old"])])).await;
    let files = |folder: &Path| {
        let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        all.filter(|path| path.extension().is_some_and(|e| e == "parquet")).collect::<Vec<_>>()
    };
    let old = files(&folder);
    overwrite(&folder, batch(&[("a", &["new"])])).await;
    run_all(&admin, &[&format!("CREATE TABLE c.s.e LOCATION '{}'", folder.display())]).await;
    assert_eq!(told(&admin, "SELECT a FROM c.s.e@v0").await, ["old"]);
    old.iter().for_each(|file| std::fs::remove_file(file).unwrap());
    let error = told(&admin, "SELECT a FROM c.s.e@v0").await.concat();
    assert_eq!(error, "55000: cannot read `c.s.e`: files of version 0 have been removed since (VACUUM)");
    assert_eq!(told(&admin, "SELECT a FROM c.s.e").await, ["new"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_tells_versions_and_no_counts_to_the_bound() {
    let world = world().await;
    let admin = world.session("admin");
    let versions = told(&admin, "DESCRIBE HISTORY c.s.t").await;
    assert_eq!(versions.len(), 2, "{versions:?}");
    assert!(versions.iter().any(|line| line.starts_with("1 | ") && line.contains("WRITE")), "{versions:?}");
    assert!(versions.concat().contains("num_added_rows"), "{versions:?}");
    assert_eq!(told(&admin, "DESCRIBE HISTORY c.s.t LIMIT 1").await.len(), 1);
    let detail = told(&admin, "DESCRIBE DETAIL c.s.t").await.concat();
    assert!(detail.starts_with("delta | ") && detail.contains(" | c.s.t | "), "{detail}");
    // The time of a version is the time to ask for it by.
    let made = versions.iter().find(|line| line.starts_with("1 | ")).unwrap().split(" | ").nth(1).unwrap();
    let at = format!("SELECT count(*) FROM c.s.t TIMESTAMP AS OF '{made}'");
    assert_eq!(told(&admin, &at).await, ["2"], "{made}");
    let made = versions.iter().find(|line| line.starts_with("0 | ")).unwrap().split(" | ").nth(1).unwrap();
    assert_eq!(told(&admin, &format!("SELECT count(*) FROM c.s.t TIMESTAMP AS OF '{made}'")).await, ["0"]);

    run_all(&admin, &["ALTER TABLE c.s.t SET ROW FILTER c.s.eu ON (region)"]).await;
    let bound = told(&admin, "DESCRIBE HISTORY c.s.t").await;
    assert_eq!(bound.len(), 2);
    assert!(!bound.concat().contains("rows") && !bound.concat().contains("mode"), "{bound:?}");
    assert_ne!(told(&admin, "DESCRIBE DETAIL c.s.t").await.concat(), detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_by_tags_bind_old_versions_too() {
    let world = world().await;
    let admin = world.session("admin");
    run_all(
        &admin,
        &[
            "ALTER TABLE c.s.t ALTER COLUMN ssn SET TAGS ('pii')",
            "CREATE POLICY hidden ON SCHEMA c.s COLUMN MASK c.s.hide TO alice FOR TABLES MATCH COLUMNS hasTag('pii') p ON COLUMN p",
        ],
    )
    .await;
    let (alice, carol) = (world.session("alice"), world.session("carol"));
    assert_eq!(told(&alice, "SELECT ssn FROM c.s.t@v1").await, ["***", "***"]);
    assert_eq!(told(&carol, "SELECT ssn FROM c.s.t@v1").await, ["CANARY_1", "CANARY_2"]);
    run_all(&admin, &["ALTER TABLE c.s.t RENAME COLUMN ssn TO number"]).await;
    refused_every_way(&alice, "42501: version 1 of `c.s.t` has columns that were renamed").await;
    assert_eq!(told(&carol, "SELECT ssn FROM c.s.t@v1").await, ["CANARY_1", "CANARY_2"]);
    // A policy on columns without tags binds a name that the catalog does not know.
    run_all(
        &admin,
        &[
            "DROP POLICY hidden ON SCHEMA c.s",
            "ALTER TABLE c.s.t ALTER COLUMN number UNSET TAGS ('pii')",
            "ALTER TABLE c.s.t ALTER COLUMN number SET TAGS ('open')",
            "ALTER TABLE c.s.t ALTER COLUMN id SET TAGS ('open')",
            "ALTER TABLE c.s.t ALTER COLUMN nick SET TAGS ('open')",
            "ALTER TABLE c.s.t ALTER COLUMN region SET TAGS ('open')",
            "CREATE POLICY hidden ON SCHEMA c.s COLUMN MASK c.s.hide TO alice FOR TABLES MATCH COLUMNS NOT hasTag('open') p ON COLUMN p",
        ],
    )
    .await;
    assert_eq!(told(&alice, "SELECT number FROM c.s.t WHERE id = 1").await, ["CANARY_1"]);
    for query in EVERY_WAY.iter().filter(|query| !query.contains("TIMESTAMP")) {
        let answer = told(&alice, query).await.concat();
        assert!(answer.starts_with("42501") || answer.starts_with("55000"), "{query}: {answer}");
    }
}
