//! Change feeds of tables: both images of a change under policies, what their logs may name, columns that changed.

use std::path::PathBuf;

use deltalake::datafusion::prelude::{col, lit};
use deltalake::{DeltaTable, ensure_table_uri};

use crate::driver::World;
use crate::versions::{batch, external, overwrite, run_all, told, world};

/// A table of others with its changes recorded: a row that moves from one region to the other, and one that goes.
async fn fed(world: &World) -> PathBuf {
    let folder = external(world).await;
    let table = DeltaTable::try_from_url(ensure_table_uri(folder.to_str().unwrap()).unwrap()).await.unwrap();
    let rows = batch(&[("region", &["EU", "US", "EU"]), ("ssn", &["a", "CANARY_b", "c"])]);
    let on = [("delta.enableChangeDataFeed", Some("true"))];
    let table = table.write(vec![rows]).with_configuration(on).await.unwrap();
    let moved = table.update().with_predicate(col("id").eq(lit(1_i64)));
    let moved = moved.with_update("region", lit("US")).with_update("ssn", lit("CANARY_moved"));
    let (table, _) = moved.await.unwrap();
    let (_, _) = table.delete().with_predicate(col("id").gt(lit(1_i64))).await.unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn both_images_of_a_change_pass_the_policies() {
    let world = world().await;
    let admin = world.session("admin");
    let folder = fed(&world).await;
    run_all(
        &admin,
        &[&format!("CREATE TABLE c.s.e LOCATION '{}'", folder.display()), "GRANT SELECT ON TABLE c.s.e TO alice"],
    )
    .await;
    let all = "SELECT id, region, ssn, _change_type, _commit_version FROM table_changes('c.s.e', 1)";
    assert_eq!(
        told(&admin, all).await,
        [
            "1 | EU | a | update_preimage | 1",
            "1 | US | CANARY_moved | update_postimage | 1",
            "2 | US | CANARY_b | delete | 2",
            "3 | EU | c | delete | 2"
        ]
    );
    run_all(
        &admin,
        &[
            "ALTER TABLE c.s.e SET ROW FILTER c.s.eu ON (region)",
            "ALTER TABLE c.s.e ALTER COLUMN ssn SET MASK c.s.hide",
        ],
    )
    .await;
    let alice = world.session("alice");
    assert_eq!(told(&alice, all).await, ["1 | EU | *** | update_preimage | 1", "3 | EU | *** | delete | 2"]);
    let judged = format!("{all} WHERE ssn > 'A' OR region <> 'EU' OR _change_type = 'update_postimage'");
    assert_eq!(told(&alice, &judged).await, Vec::<String>::new());
    let plan = told(&alice, &format!("EXPLAIN ANALYZE {all}")).await.concat();
    assert!(!plan.contains("parquet") && !plan.contains("CANARY") && plan.contains("policies=["), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_reads_no_file_through_a_link() {
    let world = world().await;
    let admin = world.session("admin");
    let folder = fed(&world).await;
    let other = world.folder().join("outside/other");
    overwrite(&other, batch(&[("region", &["EU"]), ("ssn", &["CANARY_other"])])).await;
    let file = std::fs::read_dir(&other).unwrap().map(|e| e.unwrap().path());
    let file = file.into_iter().find(|path| path.extension().is_some_and(|e| e == "parquet")).unwrap();
    std::os::unix::fs::symlink(&file, folder.join("link.parquet")).unwrap();
    run_all(&admin, &[&format!("CREATE TABLE c.s.e LOCATION '{}'", folder.display())]).await;
    let size = std::fs::metadata(&file).unwrap().len();
    for path in [
        "link.parquet".to_owned(),
        format!("../other/{}", file.file_name().unwrap().display()),
        format!("file://{}", file.display()),
    ] {
        let version = std::fs::read_dir(folder.join("_delta_log")).unwrap().count();
        let add = format!(
            r#"{{"commitInfo":{{"timestamp":1}}}}
{{"cdc":{{"path":"{path}","partitionValues":{{}},"size":{size},"dataChange":false}}}}"#
        );
        std::fs::write(folder.join(format!("_delta_log/{version:020}.json")), add).unwrap();
        let answer = told(&admin, &format!("SELECT * FROM table_changes('c.s.e', {version})")).await.concat();
        assert!(answer.starts_with("55000: cannot read `c.s.e`") && !answer.contains("CANARY"), "{path}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_whose_columns_have_changed_is_refused() {
    let world = world().await;
    let admin = world.session("admin");
    let folder = fed(&world).await;
    overwrite(&folder, batch(&[("region", &["EU"]), ("number", &["CANARY_x"])])).await;
    run_all(&admin, &[&format!("CREATE TABLE c.s.e LOCATION '{}'", folder.display())]).await;
    for range in ["0", "0, 1", "2", "3", "3, 3"] {
        let answer = told(&admin, &format!("SELECT * FROM table_changes('c.s.e', {range})")).await.concat();
        assert!(
            answer.contains("its columns were changed in version 3: ask for the changes after it"),
            "{range}: {answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_are_made_here_are_in_the_feed() {
    let world = world().await;
    let admin = world.session("admin");
    run_all(
        &admin,
        &[
            "CREATE TABLE c.s.e (id BIGINT, region STRING) TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')",
            "GRANT SELECT ON TABLE c.s.e TO alice",
            "INSERT INTO c.s.e VALUES (1, 'EU'), (2, 'US')",
            "UPDATE c.s.e SET region = 'EU' WHERE id = 2",
            "DELETE FROM c.s.e WHERE id = 1",
            "ALTER TABLE c.s.e SET ROW FILTER c.s.eu ON (region)",
            "CREATE FUNCTION c.s.before() RETURNS BIGINT RETURN (SELECT count(*) FROM c.s.e VERSION AS OF 1)",
            "GRANT EXECUTE ON FUNCTION c.s.before TO alice",
        ],
    )
    .await;
    let alice = world.session("alice");
    let changes = "SELECT id, region, _change_type, _commit_version FROM table_changes('c.s.e', 1)";
    assert_eq!(
        told(&alice, changes).await,
        ["1 | EU | delete | 3", "1 | EU | insert | 1", "2 | EU | update_postimage | 2"]
    );
    assert_eq!(told(&alice, "SELECT c.s.before()").await, ["1"]);
    assert!(told(&alice, "SELECT * FROM c.s.e VERSION AS OF ?").await.concat().contains("a version is a whole number"));
}
