//! What SQL does, as data: `cases/*.slt`, each over a catalog of its own. `login alice` makes the rest of a connection
//! alice's; errors are matched by their SQLSTATE. `{tmp}` stands for a folder that the case may use.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

mod changed_elsewhere;
mod changes;
mod changes_oracle;
mod denials;
mod driver;
mod examples;
mod feeds;
mod made_up;
mod parameters;
mod past;
mod renamed_elsewhere;
mod renames;
mod storage;
mod tagged;
mod versions;
mod written_elsewhere;

use driver::World;

/// Runs one file of cases over a fresh catalog.
fn run(file: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sql/cases").join(file);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let world = World::new();
        let mut runner = sqllogictest::Runner::new(|| {
            let connection = world.connection();
            async move { Ok(connection) }
        });
        let script = with_connections(&std::fs::read_to_string(&path).unwrap());
        if let Err(error) = runner.run_script_with_name_async(&script, file).await {
            panic!("{}", error.display(false));
        }
    });
}

/// `connection alice` holds until the next one, not for one record as the runner reads it.
fn with_connections(script: &str) -> String {
    let mut current = "default";
    let mut lines = Vec::new();
    for line in script.lines() {
        match line.strip_prefix("connection ") {
            Some(name) => {
                current = name.trim();
                lines.push(String::new());
            }
            None if line.starts_with("statement ") || line.starts_with("query ") => {
                lines.push(format!("connection {current}\n{line}"));
            }
            None => lines.push(line.to_owned()),
        }
    }
    lines.join("\n")
}

macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            run(concat!(stringify!($name), ".slt"));
        })*

        #[test]
        fn every_file_of_cases_is_run() {
            let listed = [$(stringify!($name)),*];
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sql/cases");
            for entry in std::fs::read_dir(folder).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                let stem = name.strip_suffix(".slt").unwrap();
                assert!(listed.contains(&stem), "{name} is not run");
            }
        }
    };
}

cases!(
    abac,
    abac_attacks,
    attacks,
    attacks_authorization,
    attacks_review,
    barrier,
    basics,
    changes,
    columns,
    doors,
    dml,
    dml_governed,
    functions,
    grants,
    hidden,
    information_schema,
    lent_rights,
    masks,
    oracle,
    policies,
    queries,
    renames,
    statements,
    storage,
    tags,
    time_travel,
);
