//! TPC-H through a governed session, beside the same SQL on plain DataFusion over deltalake's providers, in one
//! process.
//!
//! `cargo bench --bench tpch -- --scale 0.1 --runs 15`
//!
//! Columns, in milliseconds of planning and running together:
//! - *plain*: a `SessionContext` whose tables were opened once, before;
//! - *opened*: the same, with the log of every table read anew by each query, as a server must to see new versions, and
//!   views planned anew;
//! - *governed*: `Session::run`, which looks up rights and policies and opens the tables of the query.
//!
//! The first table has no policies. The second has row filters by a mapping table on `customer` and `orders` and three
//! masks on `customer`; its plain side has them written by hand as views, which DataFusion may optimise without regard
//! to what they hide.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use deltalake::DeltaTable;
use deltalake::datafusion::prelude::{SessionConfig, SessionContext};
use lakewarden_catalog::clock::{Clock, SystemClock};
use lakewarden_catalog::model::{Name, PrincipalKind, PrincipalName, RequestId};
use lakewarden_catalog::store::OpenOptions;
use lakewarden_catalog::{Caller, Handle, Metastore};
use lakewarden_enforcer::Enforcer;
use lakewarden_engine::delta::Location;
use lakewarden_engine::statement::ParseLimits;
use lakewarden_engine::tpch::{TpchTable, generate};
use lakewarden_engine::{Engine, EngineConfig, Limits, Session};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;
type Query = (&'static str, &'static str);

const Q1: Query = ("Q1", include_str!("queries/q1.sql"));
const Q3: Query = ("Q3", include_str!("queries/q3.sql"));
const Q6: Query = ("Q6", include_str!("queries/q6.sql"));
const Q10: Query = ("Q10", include_str!("queries/q10.sql"));
const Q12: Query = ("Q12", include_str!("queries/q12.sql"));

const TABLES: [TpchTable; 5] =
    [TpchTable::Region, TpchTable::Nation, TpchTable::Customer, TpchTable::Orders, TpchTable::LineItem];
/// Who sees what, as a table beside those of TPC-H.
const MEMBERS: &str = "members";
const WARM_UP: usize = 2;

#[tokio::main]
async fn main() -> Outcome<()> {
    let options = Options::of_process()?;
    let folder = tempfile::tempdir()?;
    let lake = Lake::build(folder.path(), options.scale).await?;
    println!("TPC-H at scale {}, {} runs each, {} threads", options.scale, options.runs, lake.threads);

    let stored = lake.plain_names();
    let mut plain = Plain::open(&lake, stored, "").await?;
    let governed = lake.session(&lake.alice).await?;
    println!("\nwithout policies");
    compare(&[Q1, Q3, Q6, Q12], options.runs, &mut plain, &governed).await?;

    lake.bind_policies().await?;
    let mut by_hand = Plain::open(&lake, lake.names_below_views(), include_str!("queries/by_hand.sql")).await?;
    println!("\nwith row filters and masks, against views written by hand");
    compare(&[Q1, Q3, Q6, Q12, Q10], options.runs, &mut by_hand, &governed).await
}

struct Options {
    scale: f64,
    runs: usize,
}

impl Options {
    /// Cargo adds `--bench`; what isn't known is passed over.
    fn of_process() -> Outcome<Self> {
        let mut options = Self { scale: 0.1, runs: 15 };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--scale" => options.scale = words.next().unwrap_or_default().parse()?,
                "--runs" => options.runs = words.next().unwrap_or_default().parse()?,
                _ => {}
            }
        }
        Ok(options)
    }
}

/// The tables, and a catalog and engine over them.
struct Lake {
    engine: Engine,
    admin: Caller,
    alice: Caller,
    tables: PathBuf,
    threads: usize,
}

impl Lake {
    async fn build(folder: &Path, scale: f64) -> Outcome<Self> {
        let tables = folder.join("tables");
        for table in TABLES {
            generate(table, scale, &Location::from_path(&tables.join(table.name()))?, |_| ()).await?;
        }
        let clock = Arc::new(SystemClock);
        let request = RequestId(clock.new_id());
        let store = folder.join("server/store");
        std::fs::create_dir_all(&store)?;
        let metastore = Metastore::open(&store, &OpenOptions::default(), Arc::new(Enforcer::new()?), clock)?;
        let admin = metastore.bootstrap(&Name::parse("bench")?, &PrincipalName::parse("admin")?)?;
        let caller =
            |id, name| Caller { principal: id, name, kind: PrincipalKind::User, request_id: request, door: "bench" };
        let admin = caller(admin.id, admin.name.clone());
        let alice = metastore.create_principal(&admin, PrincipalKind::User, &PrincipalName::parse("alice")?, None)?;
        let alice = caller(alice.id, alice.name.clone());
        let limits = Limits::default();
        let threads = limits.threads;
        let config =
            EngineConfig { managed_root: folder.join("server/managed"), limits, parse: ParseLimits::default() };
        let engine = Engine::new(Handle::new(metastore), config)?;
        let lake = Self { engine, admin, alice, tables, threads };
        lake.register().await?;
        Ok(lake)
    }

    async fn register(&self) -> Outcome<()> {
        let place = |name: &str| self.tables.join(name).display().to_string();
        let mut statements: Vec<String> =
            ["CREATE CATALOG demo", "CREATE SCHEMA demo.tpch", "CREATE SCHEMA demo.access"].map(str::to_owned).into();
        for table in TABLES {
            statements.push(format!("CREATE TABLE demo.tpch.{0} LOCATION '{1}'", table.name(), place(table.name())));
        }
        let columns = "(member_name STRING, member_region STRING)";
        statements.push(format!("CREATE TABLE demo.access.{MEMBERS} {columns} LOCATION '{}'", place(MEMBERS)));
        statements.push(format!("INSERT INTO demo.access.{MEMBERS} VALUES ('alice', 'EUROPE'), ('bob', 'ASIA')"));
        for privilege in ["USE CATALOG", "USE SCHEMA", "SELECT"] {
            statements.push(format!("GRANT {privilege} ON CATALOG demo TO alice"));
        }
        self.as_admin(statements.iter().map(String::as_str)).await
    }

    async fn bind_policies(&self) -> Outcome<()> {
        self.as_admin(include_str!("queries/policies.sql").split(';')).await
    }

    async fn as_admin(&self, statements: impl Iterator<Item = &str>) -> Outcome<()> {
        let session = self.engine.session(self.admin.clone());
        for statement in statements {
            session.run(statement).await.map_err(|error| format!("{statement}: {error}"))?.collect().await?;
        }
        Ok(())
    }

    async fn session(&self, caller: &Caller) -> Outcome<Session> {
        let session = self.engine.session(caller.clone());
        session.run("USE demo.tpch").await?;
        Ok(session)
    }

    /// Names in plain DataFusion, and folders.
    fn plain_names(&self) -> Vec<(String, PathBuf)> {
        TABLES.map(|table| (table.name().to_owned(), self.tables.join(table.name()))).into()
    }

    /// As `plain_names`, where views take the names of the tables that have policies.
    fn names_below_views(&self) -> Vec<(String, PathBuf)> {
        let mut names = self.plain_names();
        for (name, _) in names.iter_mut().filter(|(name, _)| ["customer", "orders"].contains(&name.as_str())) {
            *name = format!("stored_{name}");
        }
        names.push((MEMBERS.to_owned(), self.tables.join(MEMBERS)));
        names
    }
}

/// Plain DataFusion.
struct Plain {
    context: SessionContext,
    tables: Vec<(String, DeltaTable)>,
    views: &'static str,
}

impl Plain {
    async fn open(lake: &Lake, names: Vec<(String, PathBuf)>, views: &'static str) -> Outcome<Self> {
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(lake.threads));
        let mut tables = Vec::with_capacity(names.len());
        for (name, folder) in names {
            let url = deltalake::ensure_table_uri(folder.display().to_string())?;
            tables.push((name, deltalake::open_table(url).await?));
        }
        let plain = Self { context, tables, views };
        plain.provide().await?;
        Ok(plain)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the side of the comparison without the engine")]
    async fn provide(&self) -> Outcome<()> {
        for (name, table) in &self.tables {
            self.context.deregister_table(name.as_str())?;
            self.context.register_table(name.as_str(), table.table_provider().await?)?;
        }
        // Views hold the tables that they were planned on.
        for view in self.views.split(';').filter(|view| !view.trim().is_empty()) {
            self.run(view).await?;
        }
        Ok(())
    }

    /// Reads the logs of the tables that a query needs again, as for tables that were never opened.
    async fn reopen(&mut self, sql: &str) -> Outcome<()> {
        let filtered =
            self.tables.iter().any(|(name, _)| name == MEMBERS) && (sql.contains("customer") || sql.contains("orders"));
        for (name, table) in &mut self.tables {
            let below_views = filtered && ["nation", "region", MEMBERS, "stored_customer"].contains(&name.as_str());
            if below_views || sql.contains(name.trim_start_matches("stored_")) {
                *table = deltalake::open_table(table.table_url().clone()).await?;
            }
        }
        self.provide().await
    }

    #[expect(clippy::disallowed_methods, reason = "this is the side of the comparison without the engine")]
    async fn run(&self, sql: &str) -> Outcome<String> {
        let batches = self.context.sql(sql).await?.collect().await?;
        Ok(deltalake::arrow::util::pretty::pretty_format_batches(&batches)?.to_string())
    }
}

async fn governed_answer(session: &Session, sql: &str) -> Outcome<String> {
    let batches = session.run(sql).await?.collect().await?;
    Ok(deltalake::arrow::util::pretty::pretty_format_batches(&batches)?.to_string())
}

/// Times of one query, a run each.
#[derive(Default)]
struct Times {
    plain: Vec<f64>,
    opened: Vec<f64>,
    governed: Vec<f64>,
}

async fn compare(queries: &[Query], runs: usize, plain: &mut Plain, governed: &Session) -> Outcome<()> {
    println!(
        "{:<5} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} | {:>12} {:>13}",
        "", "plain med", "min", "opened med", "min", "governed", "min", "governed/pl.", "governed/open"
    );
    let (mut to_plain, mut to_opened) = (Vec::new(), Vec::new());
    for (name, sql) in queries {
        let (expected, got) = (plain.run(sql).await?, governed_answer(governed, sql).await?);
        if expected != got {
            return Err(format!("{name} answers differently:\n{expected}\n{got}").into());
        }
        let times = measure(sql, runs, plain, governed).await?;
        let [plain_ms, opened_ms, governed_ms] =
            [&times.plain, &times.opened, &times.governed].map(|times| median(times));
        let [plain_min, opened_min, governed_min] =
            [&times.plain, &times.opened, &times.governed].map(|times| least(times));
        let (ratio, ratio_opened) = (governed_ms / plain_ms, governed_ms / opened_ms);
        println!(
            "{name:<5} {plain_ms:>10.1} {plain_min:>10.1} {opened_ms:>10.1} {opened_min:>10.1} {governed_ms:>10.1} {governed_min:>10.1} | {ratio:>12.3} {ratio_opened:>13.3}"
        );
        to_plain.push(ratio);
        to_opened.push(ratio_opened);
    }
    println!(
        "{:<5} {:>65} | {:>12.3} {:>13.3}",
        "",
        "geometric mean",
        geometric_mean(&to_plain),
        geometric_mean(&to_opened)
    );
    Ok(())
}

/// Every run has each side once, in turns, so that a slow moment of the machine falls on all.
async fn measure(sql: &str, runs: usize, plain: &mut Plain, governed: &Session) -> Outcome<Times> {
    let mut times = Times::default();
    for run in 0..runs + WARM_UP {
        for turn in 0..3 {
            let started = Instant::now();
            let side = (run + turn) % 3;
            match side {
                0 => drop(plain.run(sql).await?),
                1 => {
                    plain.reopen(sql).await?;
                    plain.run(sql).await?;
                }
                _ => drop(governed_answer(governed, sql).await?),
            }
            let elapsed_ms = started.elapsed().as_secs_f64() * 1000.0;
            if run >= WARM_UP {
                let column = match side {
                    0 => &mut times.plain,
                    1 => &mut times.opened,
                    _ => &mut times.governed,
                };
                column.push(elapsed_ms);
            }
        }
    }
    Ok(times)
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn least(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}

fn geometric_mean(ratios: &[f64]) -> f64 {
    let logs: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    (logs / ratios.len() as f64).exp()
}
