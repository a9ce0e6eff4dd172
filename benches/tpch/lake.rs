//! The tables, and a catalog and an engine over them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lakewarden_catalog::clock::{Clock, SystemClock};
use lakewarden_catalog::model::{Name, PrincipalKind, PrincipalName, RequestId};
use lakewarden_catalog::store::OpenOptions;
use lakewarden_catalog::{Caller, Handle, Metastore};
use lakewarden_enforcer::Enforcer;
use lakewarden_engine::delta::Location;
use lakewarden_engine::statement::ParseLimits;
use lakewarden_engine::tpch::{TpchTable, generate};
use lakewarden_engine::{Engine, EngineConfig, Limits, Session};

use crate::Outcome;
use crate::options::Options;
use crate::world::{Size, World};

/// Who sees what, as a table beside those of TPC-H.
const MEMBERS: &str = "members";

/// A catalog of its own over tables that may be kept.
pub struct Lake {
    pub alice: Caller,
    pub threads: usize,
    engine: Engine,
    admin: Caller,
    tables: PathBuf,
    folder: tempfile::TempDir,
}

impl Lake {
    /// Makes what isn't there yet. The catalog holds `objects` more than the tables.
    pub async fn build(options: &Options, objects: usize) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let kept = options.data.clone().unwrap_or_else(|| folder.path().to_path_buf());
        let tables = kept.join(format!("tables-{}", options.scale));
        for table in TpchTable::ALL {
            let place = tables.join(table.name());
            if !place.join("_delta_log").is_dir() {
                generate(table, options.scale, &Location::from_path(&place)?, |_| ()).await?;
            }
        }
        let (metastore, admin) = match objects {
            0 => small_catalog(&folder.path().join("server/store"))?,
            _ => large_catalog(&kept, &folder.path().join("server/store"), objects)?,
        };
        let alice = metastore.create_principal(&admin, PrincipalKind::User, &PrincipalName::parse("alice")?, None)?;
        let alice =
            Caller { principal: alice.id, name: alice.name.clone(), kind: PrincipalKind::User, ..admin.clone() };
        let limits = Limits::default();
        let threads = limits.threads;
        let config = EngineConfig {
            managed_root: folder.path().join("server/managed"),
            limits,
            parse: ParseLimits::default(),
            token_key: None,
        };
        let engine = Engine::new(Handle::new(metastore), config)?;
        let lake = Self { alice, threads, engine, admin, tables, folder };
        lake.register().await?;
        Ok(lake)
    }

    /// Binds the row filters and masks.
    pub async fn bind_policies(&self) -> Outcome<()> {
        self.as_admin(include_str!("../queries/policies.sql").split(';')).await
    }

    /// A session of a caller, where the tables have short names.
    pub async fn session(&self, caller: &Caller) -> Outcome<Session> {
        let session = self.engine.session(caller.clone());
        session.run("USE demo.tpch").await?;
        Ok(session)
    }

    /// Names in plain DataFusion, and folders.
    pub fn plain_names(&self) -> Vec<(String, PathBuf)> {
        TpchTable::ALL.map(|table| (table.name().to_owned(), self.tables.join(table.name()))).into()
    }

    /// As `plain_names`, where views take the names of the tables that have policies.
    pub fn names_below_views(&self) -> Vec<(String, PathBuf)> {
        let mut names = self.plain_names();
        for (name, _) in names.iter_mut().filter(|(name, _)| ["customer", "orders"].contains(&name.as_str())) {
            *name = format!("stored_{name}");
        }
        names.push((MEMBERS.to_owned(), self.folder.path().join(MEMBERS)));
        names
    }

    async fn register(&self) -> Outcome<()> {
        let place = |name: &str| self.tables.join(name).display().to_string();
        let mut statements: Vec<String> =
            ["CREATE CATALOG demo", "CREATE SCHEMA demo.tpch", "CREATE SCHEMA demo.access"].map(str::to_owned).into();
        for table in TpchTable::ALL {
            statements.push(format!("CREATE TABLE demo.tpch.{0} LOCATION '{1}'", table.name(), place(table.name())));
        }
        let members = self.folder.path().join(MEMBERS);
        let columns = "(member_name STRING, member_region STRING)";
        statements.push(format!("CREATE TABLE demo.access.{MEMBERS} {columns} LOCATION '{}'", members.display()));
        statements.push(format!("INSERT INTO demo.access.{MEMBERS} VALUES ('alice', 'EUROPE'), ('bob', 'ASIA')"));
        for privilege in ["USE CATALOG", "USE SCHEMA", "SELECT"] {
            statements.push(format!("GRANT {privilege} ON CATALOG demo TO alice"));
        }
        self.as_admin(statements.iter().map(String::as_str)).await
    }

    async fn as_admin(&self, statements: impl Iterator<Item = &str>) -> Outcome<()> {
        let session = self.engine.session(self.admin.clone());
        for statement in statements {
            session.run(statement).await.map_err(|error| format!("{statement}: {error}"))?.collect().await?;
        }
        Ok(())
    }
}

fn open(store: &Path) -> Outcome<Metastore> {
    Ok(Metastore::open(store, &OpenOptions::default(), Arc::new(Enforcer::new()?), Arc::new(SystemClock))?)
}

fn small_catalog(store: &Path) -> Outcome<(Metastore, Caller)> {
    std::fs::create_dir_all(store)?;
    let metastore = open(store)?;
    let admin = metastore.bootstrap(&Name::parse("bench")?, &PrincipalName::parse("admin")?)?;
    let request_id = RequestId(SystemClock.new_id());
    let admin =
        Caller { principal: admin.id, name: admin.name.clone(), kind: PrincipalKind::User, request_id, door: "bench" };
    Ok((metastore, admin))
}

/// A copy of the estate, which is written once.
fn large_catalog(kept: &Path, store: &Path, objects: usize) -> Outcome<(Metastore, Caller)> {
    let estate = kept.join(format!("estate-{objects}"));
    if !estate.is_dir() {
        let making = kept.join(format!("estate-{objects}.making"));
        let _ = std::fs::remove_dir_all(&making);
        std::fs::create_dir_all(&making)?;
        let (catalogs, schemas, crowd) = (10.max(objects / 1000), 100.max(objects / 100), objects / 100);
        let tables = objects.saturating_sub(catalogs + schemas);
        let size = Size { grants: objects / 2, catalogs, schemas, tables, crowd, users: 5_000, groups: 500 };
        World::build(size, &making, &OpenOptions::default()).map_err(|error| error.to_string())?;
        std::fs::rename(&making, &estate)?;
    }
    copy(&estate, store)?;
    let metastore = open(store)?;
    let admin = World::caller(&metastore, World::ADMIN).map_err(|error| error.to_string())?;
    Ok((metastore, admin))
}

fn copy(from: &Path, to: &Path) -> Outcome<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
