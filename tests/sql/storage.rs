//! Ways out of an external location, and what the statements about folders tell: what cases cannot do, as it takes links,
//! forged logs and paths in answers.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use arrow::array::AsArray;
use lakewarden_engine::{EngineError, Session};

use crate::driver::World;

/// A lake that bob may make tables in, and a table of the admin's that he may not read.
struct Lake {
    world: World,
    root: PathBuf,
    admin: Session,
    bob: Session,
}

const REFUSED: &str = "permission denied: this needs CREATE EXTERNAL TABLE on an external location that the folder lies \
                       in, or a metastore admin";

impl Lake {
    async fn new() -> Self {
        let world = World::new();
        let admin = world.session("admin");
        let root = world.folder().join("lake");
        std::fs::create_dir_all(&root).unwrap();
        for statement in [
            "CREATE USER bob".to_owned(),
            "CREATE CATALOG c".to_owned(),
            "CREATE SCHEMA c.s".to_owned(),
            "CREATE SCHEMA c.vault".to_owned(),
            "CREATE TABLE c.vault.pins (x INT)".to_owned(),
            "INSERT INTO c.vault.pins VALUES (4711)".to_owned(),
            format!("CREATE EXTERNAL LOCATION lake URL '{}'", root.display()),
            "GRANT USE CATALOG ON CATALOG c TO bob".to_owned(),
            "GRANT USE SCHEMA, CREATE TABLE, CREATE VOLUME ON SCHEMA c.s TO bob".to_owned(),
            "GRANT CREATE EXTERNAL TABLE, CREATE EXTERNAL VOLUME ON EXTERNAL LOCATION lake TO bob".to_owned(),
        ] {
            admin.run(&statement).await.unwrap();
        }
        let bob = world.session("bob");
        Self { world, root, admin, bob }
    }

    /// The one table folder of the server: that of the admin's table.
    fn vault(&self) -> PathBuf {
        let tables = self.world.folder().join("data/tables");
        let mut folders = std::fs::read_dir(tables).unwrap();
        folders.next().unwrap().unwrap().path()
    }

    async fn create_at(&self, name: &str, path: &Path) -> Result<(), EngineError> {
        let statement = format!("CREATE TABLE c.s.{name} (x INT) LOCATION '{}'", path.display());
        self.bob.run(&statement).await.map(drop)
    }

    async fn read(&self, table: &str) -> Result<String, EngineError> {
        let rows = self.bob.run(&format!("SELECT * FROM c.s.{table}")).await?.collect().await?;
        Ok(format!("{rows:?}"))
    }
}

fn parquet_in(folder: &Path) -> PathBuf {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.into_iter().find(|path| path.extension().is_some_and(|e| e == "parquet")).unwrap()
}

/// Rewrites the name of the one file in the last commit of a table.
fn rename_in_log(table: &Path, new_name: &str) {
    let log = table.join("_delta_log/00000000000000000001.json");
    let old = parquet_in(table);
    let old = old.file_name().unwrap().to_str().unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.contains(old));
    std::fs::write(&log, text.replace(old, new_name)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_leads_out_of_no_location() {
    let lake = Lake::new().await;
    let elsewhere = lake.world.folder().join("elsewhere");
    std::fs::create_dir_all(&elsewhere).unwrap();
    for (name, target) in [("out", &elsewhere), ("vault", &lake.vault()), ("top", &PathBuf::from("/"))] {
        symlink(target, lake.root.join(name)).unwrap();
        for path in [lake.root.join(name), lake.root.join(name).join("t")] {
            let told = lake.create_at("t", &path).await.unwrap_err();
            assert_eq!(
                told.sqlstate(),
                if name == "top" && path.ends_with("top") { "22023" } else { "42501" },
                "{told}"
            );
        }
    }
    assert!(std::fs::read_dir(&elsewhere).unwrap().next().is_none(), "nothing was written there");
    let volume = format!("CREATE EXTERNAL VOLUME c.s.v LOCATION '{}'", lake.root.join("out").display());
    assert_eq!(lake.bob.run(&volume).await.unwrap_err().sqlstate(), "42501");
    // A link that leads into the location is as good as the folder.
    symlink(&lake.root, lake.world.folder().join("way_in")).unwrap();
    lake.create_at("t", &lake.world.folder().join("way_in/t")).await.unwrap();
    let told = lake.create_at("again", &lake.root.join("t")).await.unwrap_err();
    assert_eq!(told.reason(), "LOCATION_IN_USE");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_outside_of_a_location_is_not_told() {
    let lake = Lake::new().await;
    let folder = lake.world.folder();
    std::fs::write(folder.join("file"), "x").unwrap();
    symlink(folder.join("nowhere"), folder.join("dangling")).unwrap();
    let vault = lake.vault();
    let outside = [
        folder.join("absent"),
        folder.join("file"),
        folder.join("file/below"),
        folder.join("dangling"),
        folder.join("dangling/below"),
        folder.join("data"),
        vault.clone(),
        vault.join("below"),
        PathBuf::from("/root/below"),
    ];
    for path in outside {
        assert_eq!(lake.create_at("t", &path).await.unwrap_err().to_string(), REFUSED, "{}", path.display());
    }
    symlink(folder.join("nowhere"), lake.root.join("dangling")).unwrap();
    let told = lake.create_at("t", &lake.root.join("dangling")).await.unwrap_err();
    assert!(told.to_string().contains("cannot be used"), "inside, the fault is told: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_location_holds_the_server_s_folders_or_lies_in_them() {
    let lake = Lake::new().await;
    let data = lake.world.folder().join("data");
    for own in [data.clone(), data.join("tables"), data.join("tables/mine"), lake.world.folder().to_path_buf()] {
        let told = lake.admin.run(&format!("CREATE EXTERNAL LOCATION own URL '{}'", own.display())).await.unwrap_err();
        assert!(told.to_string().contains("the server"), "{told}");
    }
    symlink(&data, lake.root.join("own")).unwrap();
    for statement in ["CREATE EXTERNAL LOCATION own URL", "ALTER EXTERNAL LOCATION lake SET URL"] {
        let told = lake.admin.run(&format!("{statement} '{}'", lake.root.join("own").display())).await.unwrap_err();
        assert!(told.to_string().contains("the server"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_names_no_file_of_another_table() {
    let lake = Lake::new().await;
    let target = parquet_in(&lake.vault());
    let up = "../".repeat(lake.root.components().count());
    let names = [
        format!("file://{}", target.display()),
        format!("{}", target.display()),
        format!("{up}{}", target.strip_prefix("/").unwrap().display()),
        format!("%2e%2e/{up}{}", target.strip_prefix("/").unwrap().display()),
    ];
    for (at, forged) in names.iter().enumerate() {
        let (table, folder) = (format!("t{at}"), lake.root.join(format!("t{at}")));
        lake.create_at(&table, &folder).await.unwrap();
        lake.bob.run(&format!("INSERT INTO c.s.{table} VALUES (1)")).await.unwrap();
        assert!(lake.read(&table).await.unwrap().contains('1'));
        rename_in_log(&folder, forged);
        let told = lake.read(&table).await.unwrap_err().to_string();
        assert!(!told.contains("4711"), "{forged}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_in_a_table_lead_to_no_other() {
    let lake = Lake::new().await;
    let vault = lake.vault();

    // a file
    let folder = lake.root.join("file");
    lake.create_at("file", &folder).await.unwrap();
    lake.bob.run("INSERT INTO c.s.file VALUES (1)").await.unwrap();
    rename_in_log(&folder, "other.parquet");
    symlink(parquet_in(&vault), folder.join("other.parquet")).unwrap();
    lake.read("file").await.unwrap_err();

    // the folder of a file
    let folder = lake.root.join("folder");
    lake.create_at("folder", &folder).await.unwrap();
    lake.bob.run("INSERT INTO c.s.folder VALUES (1)").await.unwrap();
    symlink(&vault, folder.join("inner")).unwrap();
    let name = parquet_in(&vault);
    rename_in_log(&folder, &format!("inner/{}", name.file_name().unwrap().to_str().unwrap()));
    lake.read("folder").await.unwrap_err();

    // the log
    let folder = lake.root.join("log");
    lake.create_at("log", &folder).await.unwrap();
    std::fs::remove_dir_all(folder.join("_delta_log")).unwrap();
    symlink(vault.join("_delta_log"), folder.join("_delta_log")).unwrap();
    assert!(lake.read("log").await.unwrap_err().to_string().contains("symbolic link"));
    let taken = format!("CREATE TABLE c.s.taken LOCATION '{}'", lake.root.join("taken").display());
    std::fs::create_dir_all(lake.root.join("taken")).unwrap();
    symlink(vault.join("_delta_log"), lake.root.join("taken/_delta_log")).unwrap();
    assert!(lake.bob.run(&taken).await.unwrap_err().to_string().contains("symbolic link"));

    // one commit of it
    let folder = lake.root.join("commit");
    lake.create_at("commit", &folder).await.unwrap();
    let commit = Path::new("_delta_log/00000000000000000001.json");
    symlink(vault.join(commit), folder.join(commit)).unwrap();
    assert!(lake.read("commit").await.unwrap_err().to_string().contains("symbolic link"));

    // a commit that is to come, of a table that was read before
    let folder = lake.root.join("next");
    lake.create_at("next", &folder).await.unwrap();
    lake.read("next").await.unwrap();
    symlink(vault.join(commit), folder.join(commit)).unwrap();
    assert!(lake.read("next").await.unwrap_err().to_string().contains("symbolic link"));

    // the log, of a table that was read before
    let folder = lake.root.join("kept");
    lake.create_at("kept", &folder).await.unwrap();
    lake.read("kept").await.unwrap();
    std::fs::rename(folder.join("_delta_log"), lake.root.join("aside")).unwrap();
    symlink(lake.root.join("aside"), folder.join("_delta_log")).unwrap();
    assert!(lake.read("kept").await.unwrap_err().to_string().contains("symbolic link"));
    let written = lake.bob.run("INSERT INTO c.s.kept VALUES (1)").await.unwrap_err();
    assert!(written.to_string().contains("symbolic link"), "{written}");

    // the folder of a partition, written
    let folder = lake.root.join("parts");
    let create = format!("CREATE TABLE c.s.parts (x INT, p INT) PARTITIONED BY (p) LOCATION '{}'", folder.display());
    lake.bob.run(&create).await.unwrap();
    lake.bob.run("INSERT INTO c.s.parts VALUES (1, 1)").await.unwrap();
    symlink(&vault, folder.join("p=2")).unwrap();
    let written = lake.bob.run("INSERT INTO c.s.parts VALUES (1, 2)").await.unwrap_err();
    assert!(written.to_string().contains("symbolic link"), "{written}");

    // the folder of the table, read and written
    let folder = lake.root.join("moved");
    lake.create_at("moved", &folder).await.unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    symlink(&vault, &folder).unwrap();
    assert!(lake.read("moved").await.unwrap_err().to_string().contains("symbolic link"));
    let written = lake.bob.run("INSERT INTO c.s.moved VALUES (1)").await.unwrap_err();
    assert!(written.to_string().contains("symbolic link"), "{written}");
    assert_eq!(rows_of(&lake.admin, "c.vault.pins").await, 1);
}

async fn text(session: &Session, statement: &str) -> String {
    let rows = session.run(statement).await.unwrap().collect().await.unwrap();
    arrow::util::pretty::pretty_format_batches(&rows).unwrap().to_string()
}

async fn rows_of(session: &Session, table: &str) -> usize {
    let rows = session.run(&format!("SELECT * FROM {table}")).await.unwrap().collect().await.unwrap();
    rows.iter().map(|batch| batch.num_rows()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_url_of_a_location_is_for_those_who_may_see_it() {
    let lake = Lake::new().await;
    let url = format!("file://{}", lake.root.display());
    lake.admin.run("CREATE USER eve").await.unwrap();
    lake.admin.run("CREATE STORAGE CREDENTIAL disk").await.unwrap();
    lake.admin.run("ALTER EXTERNAL LOCATION lake SET STORAGE CREDENTIAL disk").await.unwrap();
    for statement in ["SHOW EXTERNAL LOCATIONS", "DESCRIBE EXTERNAL LOCATION lake"] {
        assert!(text(&lake.admin, statement).await.contains(&url));
        assert!(text(&lake.bob, statement).await.contains(&url));
    }
    let (admin, bob) = (
        text(&lake.admin, "DESCRIBE EXTERNAL LOCATION lake").await,
        text(&lake.bob, "DESCRIBE EXTERNAL LOCATION lake").await,
    );
    assert!(admin.contains("disk") && !bob.contains("disk"), "a credential that bob may not see has no name for him");
    let eve = lake.world.session("eve");
    assert!(!text(&eve, "SHOW EXTERNAL LOCATIONS").await.contains("lake"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_of_a_volume_is_for_those_who_may_use_it() {
    let lake = Lake::new().await;
    let files = lake.root.join("files").display().to_string();
    lake.bob.run(&format!("CREATE EXTERNAL VOLUME c.s.files LOCATION '{files}' COMMENT 'pictures'")).await.unwrap();
    for statement in [
        "CREATE USER eve",
        "CREATE USER reader",
        "GRANT BROWSE ON CATALOG c TO eve",
        "GRANT USE CATALOG ON CATALOG c TO reader",
        "GRANT USE SCHEMA ON SCHEMA c.s TO reader",
        "GRANT READ VOLUME ON VOLUME c.s.files TO reader",
    ] {
        lake.admin.run(statement).await.unwrap();
    }
    for (name, told) in [("bob", true), ("admin", true), ("reader", true), ("eve", false)] {
        let described = text(&lake.world.session(name), "DESCRIBE VOLUME c.s.files").await;
        assert!(described.contains("EXTERNAL") && described.contains("pictures"), "{name}: {described}");
        assert_eq!(described.contains(&files), told, "{name}: {described}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_managed_volume_has_a_folder_as_long_as_it_exists() {
    let lake = Lake::new().await;
    let tables = lake.world.folder().join("data/tables");
    let count = || std::fs::read_dir(&tables).unwrap().count();
    let before = count();
    lake.bob.run("CREATE VOLUME c.s.v").await.unwrap();
    assert_eq!(count(), before + 1);
    lake.bob.run("CREATE VOLUME c.s.v").await.unwrap_err();
    lake.bob.run("CREATE VOLUME c.vault.v").await.unwrap_err();
    assert_eq!(count(), before + 1);
    lake.admin.run("DROP SCHEMA c.s CASCADE").await.unwrap();
    assert_eq!(count(), before);

    let files = lake.root.join("files");
    std::fs::create_dir_all(&files).unwrap();
    std::fs::write(files.join("kept"), "x").unwrap();
    let create = format!("CREATE EXTERNAL VOLUME c.vault.files LOCATION '{}'", files.display());
    lake.admin.run("GRANT CREATE EXTERNAL VOLUME ON EXTERNAL LOCATION lake TO admin").await.unwrap();
    lake.admin.run(&create).await.unwrap();
    lake.admin.run("DROP VOLUME c.vault.files").await.unwrap();
    assert!(files.join("kept").exists(), "the files of an external volume are not the server's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_tells_no_files_of_tables_and_no_links() {
    let lake = Lake::new().await;
    lake.create_at("t", &lake.root.join("deep/t")).await.unwrap();
    lake.bob.run(&format!("CREATE EXTERNAL VOLUME c.s.v LOCATION '{}'", lake.root.join("v").display())).await.unwrap();
    lake.admin.run("GRANT READ FILES ON EXTERNAL LOCATION lake TO bob").await.unwrap();
    std::fs::create_dir_all(lake.root.join("v/inner")).unwrap();
    for name in ["b.csv", "a b.csv", "v/in.csv", "v/inner/deep.csv", "deep/file"] {
        std::fs::write(lake.root.join(name), "12345").unwrap();
    }
    symlink(lake.vault(), lake.root.join("way_out")).unwrap();
    symlink(lake.vault(), lake.root.join("v/way_out")).unwrap();
    let list = async |path: String| names(&lake.bob, &path).await;
    let root = lake.root.display().to_string();

    assert_eq!(list(root.clone()).await.unwrap(), ["a b.csv 5", "b.csv 5", "deep/ 0"]);
    assert_eq!(list(format!("file://{root}/deep")).await.unwrap(), ["file 5"]);
    assert_eq!(list("/Volumes/c/s/v".to_owned()).await.unwrap(), ["in.csv 5", "inner/ 0"]);
    assert_eq!(list("/Volumes/C/S/V/inner/".to_owned()).await.unwrap(), ["deep.csv 5"]);
    let some = lake.bob.run(&format!("LIST '{root}' LIMIT 2")).await.unwrap().collect().await.unwrap();
    assert_eq!(some.iter().map(|batch| batch.num_rows()).sum::<usize>(), 2);

    let absent = [
        format!("{root}/deep/t"),
        format!("{root}/deep/t/_delta_log"),
        format!("{root}/v"),
        format!("{root}/b.csv"),
        format!("{root}/nothing"),
        "/Volumes/c/s/v/way_out".to_owned(),
        "/Volumes/c/s/v/in.csv".to_owned(),
        "/Volumes/c/s/v/nothing".to_owned(),
    ];
    for path in absent {
        assert_eq!(list(path.clone()).await.unwrap_err().to_string(), format!("folder `{path}` does not exist"));
    }
    let told = list(format!("{root}/way_out")).await.unwrap_err().to_string();
    assert!(told.contains("this needs READ FILES on an external location"), "{told}");

    std::fs::remove_dir_all(lake.root.join("v")).unwrap();
    symlink(lake.vault(), lake.root.join("v")).unwrap();
    assert!(list("/Volumes/c/s/v".to_owned()).await.unwrap_err().to_string().contains("symbolic link"));
}

/// The names and sizes that LIST tells.
async fn names(session: &Session, path: &str) -> Result<Vec<String>, EngineError> {
    let rows = session.run(&format!("LIST '{path}'")).await?.collect().await?;
    let mut names = Vec::new();
    for batch in rows {
        let text = |at: usize| arrow::compute::cast(batch.column(at), &arrow::datatypes::DataType::Utf8).unwrap();
        let (name, size) = (text(1), text(2));
        let (name, size) = (name.as_string::<i32>(), size.as_string::<i32>());
        names.extend((0..batch.num_rows()).map(|row| format!("{} {}", name.value(row), size.value(row))));
    }
    Ok(names)
}

#[tokio::test]
async fn a_folder_that_the_library_would_read_as_another_is_refused_and_nothing_is_written() {
    let lake = Lake::new().await;
    for name in ["a%20b", "%2e%2e", "a\\b", "a\u{7}b"] {
        let told = lake.create_at("t", &lake.root.join(name)).await.unwrap_err();
        assert_eq!(told.sqlstate(), "42000", "{name}: {told}");
        assert!(told.to_string().contains("choose another"), "{name}: {told}");
        assert!(!lake.root.join(name).exists(), "{name} was made");
    }
    lake.create_at("t", &lake.root.join("a b")).await.unwrap();
}
