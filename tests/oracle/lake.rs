//! A metastore with engines over it, and databases made in it: each world once as it is, with its policies, and once as its copy.

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use deltalake::protocol::SaveMode;
use deltalake::table::builder::ensure_table_uri;
use lakewarden_catalog::clock::SystemClock;
use lakewarden_catalog::model::{Name, Namespace, PrincipalKind, PrincipalName, RequestId};
use lakewarden_catalog::store::OpenOptions;
use lakewarden_catalog::{Caller as Asker, Handle, Metastore};
use lakewarden_enforcer::Enforcer;
use lakewarden_engine::statement::ParseLimits;
use lakewarden_engine::{Engine, EngineConfig, EngineError, Limits, Session};
use tokio::sync::OnceCell;

use crate::copy::{Copy, mapping_columns, tuples};
use crate::kinds::Kind;
use crate::policies::{By, Policy};
use crate::world::{Caller, Column, GROUPS, Step, Table, World};

/// How an engine splits the rows that it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Large batches, in two parts.
    Large,
    /// A few rows at a time.
    Few,
    /// Each row for itself, so that nothing is computed for a row but what its own values ask for.
    Single,
}

pub struct Lake {
    folder: tempfile::TempDir,
    large: Engine,
    few: Engine,
    single: Engine,
}

/// The databases of one world.
pub struct Place {
    /// The one with policies.
    pub governed: String,
    /// The copy.
    pub copied: String,
    /// Databases of the same rows under policies and views that hide nothing, once they were asked for.
    disguised: OnceCell<Vec<String>>,
}

impl Lake {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let enforcer = Arc::new(Enforcer::new().unwrap());
        let metastore = Metastore::open(&data, &OpenOptions::default(), enforcer, Arc::new(SystemClock)).unwrap();
        metastore.bootstrap(&Name::parse("main").unwrap(), &PrincipalName::parse("admin").unwrap()).unwrap();
        let handle = Handle::new(metastore);
        let engine = |threads, batch_rows| {
            let limits = Limits { threads, batch_rows, ..Limits::default() };
            let (managed_root, parse) = (data.join("tables"), ParseLimits::default());
            let config = EngineConfig { managed_root, limits, parse, token_key: None };
            Engine::new(handle.clone(), config).unwrap()
        };
        let lake = Self { folder, large: engine(2, 8192), few: engine(1, 3), single: engine(1, 1) };
        let admin = lake.session("admin", "", Split::Large);
        for group in GROUPS {
            run(&admin, &format!("CREATE GROUP {group}")).await.unwrap();
        }
        for caller in Caller::all() {
            if caller.name != "admin" {
                run(&admin, &format!("CREATE USER {}", caller.name)).await.unwrap();
            }
            for group in caller.groups {
                run(&admin, &format!("ALTER GROUP {group} ADD USER {}", caller.name)).await.unwrap();
            }
        }
        lake
    }

    /// A session of somebody in the schema `d` of a catalog.
    pub fn session(&self, who: &str, catalog: &str, split: Split) -> Session {
        let engine = match split {
            Split::Large => &self.large,
            Split::Few => &self.few,
            Split::Single => &self.single,
        };
        let name = PrincipalName::parse(who).unwrap();
        let principal = engine.catalog().reads().principal_for_identity(&name).unwrap();
        let request_id = RequestId(engine.catalog().reads().clock().new_id());
        let kind = PrincipalKind::User;
        let session = engine.session(Asker { principal: principal.id, name, kind, request_id, door: "test" });
        if !catalog.is_empty() {
            session.set_namespace(Namespace { catalog: Some(catalog.to_owned()), schema: Some("d".to_owned()) });
        }
        session
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes the databases of a world under a number. Policies that the product refuses to bind are taken out of the world.
    pub async fn place(&self, number: usize, world: &mut World) -> Result<(Place, Copy), String> {
        let name = |suffix: &str| format!("w{number}{suffix}");
        let place = Place { governed: name(""), copied: name("_copy"), disguised: OnceCell::new() };
        let admin = self.session("admin", &place.governed, Split::Large);
        for statement in statements(world, &place.governed, self.folder()) {
            let ran = run(&admin, &statement.sql).await;
            match (ran, statement.policy) {
                (Ok(()), _) => {}
                (Err(_), Some((table, None))) => world.tables[table].filter = None,
                (Err(_), Some((table, Some(column)))) => world.tables[table].masks.retain(|(at, _)| *at != column),
                (Err(error), None) => return Err(format!("{}: {error}", statement.sql)),
            }
        }
        let copy = Copy::of(world).await?;
        for table in world.tables.iter().filter(|table| table.external) {
            for batch in copy.stored[&table.name].last().unwrap() {
                append(&self.folder().join(&place.governed).join(&table.name), batch).await;
            }
        }
        self.place_copy(world, &copy, &place).await?;
        Ok((place, copy))
    }

    /// The copy as tables without policies.
    async fn place_copy(&self, world: &World, copy: &Copy, place: &Place) -> Result<(), String> {
        self.database(&place.copied).await?;
        for (name, columns, partition, batches) in copied(world, copy) {
            self.table(&place.copied, name, &columns, partition.as_deref(), &batches).await?;
        }
        Ok(())
    }

    async fn database(&self, catalog: &str) -> Result<(), String> {
        let admin = self.session("admin", catalog, Split::Large);
        run(&admin, &format!("CREATE CATALOG {catalog}")).await?;
        run(&admin, &format!("CREATE SCHEMA {catalog}.d")).await
    }

    /// A table, with each batch in a commit of its own.
    async fn table(
        &self,
        catalog: &str,
        name: &str,
        columns: &[Column],
        partition: Option<&str>,
        batches: &[RecordBatch],
    ) -> Result<(), String> {
        let admin = self.session("admin", catalog, Split::Large);
        let folder = self.folder().join(catalog).join(name);
        run(&admin, &create(name, columns, partition, Some(&folder))).await?;
        for batch in batches {
            append(&folder, batch).await;
        }
        Ok(())
    }

    /// The copy under policies that hide nothing, where the world has policies, so that it is read in the same way: once with the
    /// columns of views as they are, and once with all of them computed.
    pub async fn disguised<'a>(&self, world: &World, copy: &Copy, place: &'a Place) -> &'a [String] {
        let _ = place
            .disguised
            .get_or_init(|| async {
                let mut made = Vec::new();
                for computed in [false, true] {
                    let catalog = format!("{}_disguised{}", place.governed, u8::from(computed));
                    self.disguise(world, copy, &catalog, computed).await.unwrap();
                    made.push(catalog);
                }
                made
            })
            .await;
        place.disguised.get().map(Vec::as_slice).unwrap_or_default()
    }

    async fn disguise(&self, world: &World, copy: &Copy, catalog: &str, computed: bool) -> Result<(), String> {
        self.database(catalog).await?;
        let admin = self.session("admin", catalog, Split::Large);
        let same = "CASE WHEN octet_length(k) < 0 THEN NULL ELSE {} END";
        run(&admin, "CREATE FUNCTION keep(k STRING) RETURNS BOOLEAN RETURN coalesce(octet_length(k), 0) >= 0").await?;
        for (name, columns, partition, batches) in copied(world, copy) {
            let Some(table) = world.tables.iter().find(|table| table.name == *name) else {
                self.table(catalog, &format!("{name}_rows"), &columns, None, &batches).await?;
                let shown = columns.iter().map(|column| match computed {
                    true => format!("{} AS {}", same.replace("{}", &column.name), column.name),
                    false => column.name.clone(),
                });
                let shown = shown.collect::<Vec<_>>().join(", ");
                let view = format!(
                    "CREATE VIEW {name} AS SELECT {shown} FROM {name}_rows WHERE coalesce(octet_length(k), 0) >= 0"
                );
                run(&admin, &view).await?;
                continue;
            };
            self.table(catalog, name, &columns, partition.as_deref(), &batches).await?;
            if table.filter.as_ref().is_some_and(|filter| filter.by.binds(world.caller)) {
                run(&admin, &format!("ALTER TABLE {name} SET ROW FILTER keep ON (k)")).await?;
            }
            for (at, _) in
                table.masks.iter().filter(|(at, mask)| table.closed != Some(*at) && mask.by.binds(world.caller))
            {
                let (column, kind) = (&table.columns[*at].name, table.columns[*at].kind.sql());
                let body = same.replace("{}", "v");
                run(
                    &admin,
                    &format!("CREATE FUNCTION same_{name}_{column}(v {kind}, k STRING) RETURNS {kind} RETURN {body}"),
                )
                .await?;
                run(
                    &admin,
                    &format!(
                        "ALTER TABLE {name} ALTER COLUMN {column} SET MASK same_{name}_{column} USING COLUMNS (k)"
                    ),
                )
                .await?;
            }
        }
        Ok(())
    }
}

/// The tables of a copy: name, columns, partition column, and the rows of each commit.
type Copied<'a> = (&'a String, Vec<Column>, Option<String>, Vec<RecordBatch>);

fn copied<'a>(world: &'a World, copy: &'a Copy) -> impl Iterator<Item = Copied<'a>> {
    let tables = world.tables.iter().map(|table| {
        let open: Vec<Column> = table.open_columns().into_iter().cloned().collect();
        let partition = table.partition.filter(|at| table.closed != Some(*at)).map(|at| table.columns[at].name.clone());
        let places: Vec<usize> = (0..table.columns.len()).filter(|at| table.closed != Some(*at)).collect();
        let batches = copy.seen[&table.name].last().unwrap().iter().map(|batch| batch.project(&places).unwrap());
        (&table.name, open, partition, batches.collect())
    });
    tables.chain(
        world.views.iter().map(|view| (&view.name, view.columns.clone(), None, vec![copy.views[&view.name].clone()])),
    )
}

struct Statement {
    sql: String,
    /// The table, and the column of a mask, when the statement makes a policy.
    policy: Option<(usize, Option<usize>)>,
}

/// All that makes a world, in SQL.
pub fn script(world: &World, catalog: &str, folder: &Path) -> String {
    statements(world, catalog, folder).into_iter().map(|statement| statement.sql + ";\n").collect()
}

fn statements(world: &World, catalog: &str, folder: &Path) -> Vec<Statement> {
    let mut all = Vec::new();
    let mut plain = |sql: String| all.push(Statement { sql, policy: None });
    plain(format!("CREATE CATALOG {catalog}"));
    plain(format!("CREATE SCHEMA {catalog}.d"));
    plain(format!("GRANT USE CATALOG, USE SCHEMA ON CATALOG {catalog} TO `account users`"));
    plain(create("m", &mapping_columns(), None, None));
    let rows: Vec<_> = world.mapping.iter().map(|row| row.to_vec()).collect();
    plain(format!("INSERT INTO m VALUES {}", tuples(&rows)));
    for table in &world.tables {
        let folder = table.external.then(|| folder.join(catalog).join(&table.name));
        let partition = table.partition.map(|at| table.columns[at].name.as_str());
        plain(create(&table.name, &table.columns, partition, folder.as_deref()));
        for step in table.steps.iter().filter(|_| !table.external) {
            plain(change(table, step));
        }
    }
    for (at, table) in world.tables.iter().enumerate() {
        all.extend(policies(at, table));
    }
    for view in &world.views {
        all.push(Statement {
            sql: format!("CREATE VIEW {} AS {}", view.name, Caller::asked(&view.body)),
            policy: None,
        });
    }
    for name in world.tables.iter().map(|t| &t.name).chain(world.views.iter().map(|v| &v.name)) {
        all.push(Statement { sql: format!("GRANT SELECT ON TABLE {name} TO `account users`"), policy: None });
    }
    for table in &world.tables {
        if let Some(closed) = table.closed {
            let sql = format!(
                "DENY SELECT ({}) ON TABLE {} TO {}",
                table.columns[closed].name, table.name, world.caller.name
            );
            all.push(Statement { sql, policy: None });
        }
    }
    all
}

fn create(name: &str, columns: &[Column], partition: Option<&str>, folder: Option<&Path>) -> String {
    let columns: Vec<_> = columns.iter().map(|column| format!("{} {}", column.name, column.kind.sql())).collect();
    let partition = partition.map(|column| format!(" PARTITIONED BY ({column})")).unwrap_or_default();
    let folder = folder.map(|folder| format!(" LOCATION '{}'", folder.display())).unwrap_or_default();
    format!("CREATE TABLE {name} ({}){partition}{folder}", columns.join(", "))
}

fn change(table: &Table, step: &Step) -> String {
    let name = &table.name;
    match step {
        Step::Insert(rows) => format!("INSERT INTO {name} VALUES {}", tuples(rows)),
        Step::Delete(on) => format!("DELETE FROM {name} WHERE {on}"),
        Step::Update { column, value, on } => {
            format!("UPDATE {name} SET {} = {value} WHERE {on}", table.columns[*column].name)
        }
    }
}

fn policies(at: usize, table: &Table) -> Vec<Statement> {
    let function = |name: &str, policy: &Policy, returns: &str| {
        let parameters =
            policy.arguments.iter().enumerate().map(|(at, c)| format!("p{at} {}", table.columns[*c].kind.sql()));
        let parameters = parameters.collect::<Vec<_>>().join(", ");
        let body = Caller::asked(&policy.over_parameters());
        format!("CREATE FUNCTION {name}({parameters}) RETURNS {returns} RETURN {body}")
    };
    let names =
        |places: &[usize]| places.iter().map(|at| table.columns[*at].name.clone()).collect::<Vec<_>>().join(", ");
    let (mut all, t) = (Vec::new(), &table.name);
    if let Some(filter) = &table.filter {
        let (policy, name) = (Some((at, None)), format!("keep_{t}"));
        all.push(Statement { sql: function(&name, filter, "BOOLEAN"), policy });
        let bound = match &filter.by {
            By::Table => vec![format!("ALTER TABLE {t} SET ROW FILTER {name} ON ({})", names(&filter.arguments))],
            By::Tags { to, except } => {
                by_tags(table, filter, &name, &format!("ROW FILTER {name} TO {to}{}", but(except)))
            }
        };
        all.extend(bound.into_iter().map(|sql| Statement { sql, policy }));
    }
    for (column, mask) in &table.masks {
        let (policy, of) = (Some((at, Some(*column))), &table.columns[*column]);
        let name = format!("mask_{t}_{}", of.name);
        let kind = match mask.field {
            Some("a") => Kind::Int,
            Some(_) => Kind::Text,
            None => of.kind,
        };
        let sql = function(&name, mask, &kind.sql()).replacen(&of.kind.sql(), &kind.sql(), 1);
        all.push(Statement { sql, policy });
        let using = match names(&mask.arguments[1..]) {
            none if none.is_empty() => none,
            some => format!(" USING COLUMNS ({some})"),
        };
        let field = mask.field.map(|field| format!(".{field}")).unwrap_or_default();
        let bound = match &mask.by {
            By::Table => vec![format!("ALTER TABLE {t} ALTER COLUMN {}{field} SET MASK {name}{using}", of.name)],
            By::Tags { to, except } => {
                by_tags(table, mask, &name, &format!("COLUMN MASK {name} TO {to}{}", but(except)))
            }
        };
        all.extend(bound.into_iter().map(|sql| Statement { sql, policy }));
    }
    all
}

fn but(except: &str) -> String {
    if except.is_empty() { String::new() } else { format!(" EXCEPT {except}") }
}

/// The tags and the policy that bind a table. The policy is on the table, or on the schema that it is in.
fn by_tags(table: &Table, policy: &Policy, name: &str, effect: &str) -> Vec<String> {
    let tag = |at: usize| format!("{name}_{at}");
    let mut all = Vec::new();
    for (at, column) in policy.arguments.iter().enumerate() {
        all.push(format!(
            "ALTER TABLE {} ALTER COLUMN {} SET TAGS ('{}')",
            table.name,
            table.columns[*column].name,
            tag(at)
        ));
    }
    let found: Vec<_> = (0..policy.arguments.len()).map(|at| format!("hasTag('{}') AS a{at}", tag(at))).collect();
    let aliases: Vec<_> = (0..policy.arguments.len()).map(|at| format!("a{at}")).collect();
    let uses = match effect.starts_with("ROW") {
        true => format!(" USING COLUMNS ({})", aliases.join(", ")),
        false if aliases.len() == 1 => " ON COLUMN a0".to_owned(),
        false => format!(" ON COLUMN a0 USING COLUMNS ({})", aliases[1..].join(", ")),
    };
    let on = if table.partition.is_some() { "SCHEMA d".to_owned() } else { format!("TABLE {}", table.name) };
    all.push(format!("CREATE POLICY {name} ON {on} {effect} FOR TABLES MATCH COLUMNS {}{uses}", found.join(", ")));
    all
}

/// Runs a statement to its end.
pub async fn run(session: &Session, sql: &str) -> Result<(), String> {
    let done = async { session.run(sql).await?.collect().await };
    done.await.map(drop).map_err(|error: EngineError| format!("{} {error} {error:?}", error.sqlstate()))
}

/// Appends rows with the Delta library itself.
async fn append(folder: &Path, batch: &RecordBatch) {
    if batch.num_rows() == 0 {
        return;
    }
    let table = deltalake::open_table(ensure_table_uri(folder.display().to_string()).unwrap()).await.unwrap();
    table.write(vec![batch.clone()]).with_save_mode(SaveMode::Append).await.unwrap();
}
