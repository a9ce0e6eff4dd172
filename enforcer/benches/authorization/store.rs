//! What it takes to hold a large estate: the time to open it, the memory, the cost of a GRANT, and a listing of which most
//! is hidden.
//!
//! Each store is opened by a process of its own, which is this program again, so that its memory is that of a server.

use std::error::Error;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use lakewarden_catalog::clock::SystemClock;
use lakewarden_catalog::model::{FullName, PrincipalKind, PrincipalName, Privilege, SecurableKind};
use lakewarden_catalog::ops::grants::{GrantChange, GrantVerb};
use lakewarden_catalog::ops::page::Page;
use lakewarden_catalog::store::{Disk, OpenOptions};
use lakewarden_catalog::{Caller, Metastore, Need};
use lakewarden_enforcer::Enforcer;

use crate::table;
use crate::world::{Size, World};

/// The first argument of the process that opens a store.
const OPENS: &str = "opens-a-store";
/// How many GRANTs are timed; the middle one counts.
const GRANTS: usize = 200;
/// How many tables of the crowded schema the reader may see.
const VISIBLE: usize = 12;
/// How often the listing is asked for; the quickest counts.
const LISTINGS: usize = 20;

/// What opening a store took.
#[derive(Debug, Clone, Copy)]
struct Opened {
    open_ms: f64,
    resident_bytes: f64,
    /// With the disk, and without waiting for it.
    grant_us: [f64; 2],
}

/// Does what this process was started for, when that is to open a store.
pub fn opens() -> Option<Result<(), Box<dyn Error>>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, folder, size] = arguments.as_slice() else { return None };
    (what == OPENS).then(|| {
        let world = World { size: Size::of_numbers(size).ok_or("no size")? };
        let Opened { open_ms, resident_bytes, grant_us: [synced, computed] } = open(world, folder.as_ref())?;
        println!("{open_ms} {resident_bytes} {synced} {computed}");
        Ok(())
    })
}

/// Prints what the stores take: that of the world, one without grants and one of a thousand.
pub fn run(world: World, folder: &Path) -> Result<(), Box<dyn Error>> {
    let full = in_a_process(world, folder)?;
    let (bare_folder, few_folder) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let options = OpenOptions::default();
    let bare = World::build(Size { grants: 0, ..world.size }, bare_folder.path(), &options)?;
    let bare = in_a_process(bare, bare_folder.path())?;
    let few = World::build(Size { grants: 1_000, ..Size::SMALL }, few_folder.path(), &options)?;
    let few = in_a_process(few, few_folder.path())?;

    let grants = world.size.grants as f64;
    table::head("the store", "", "");
    table::line("open to first decision, ms", full.open_ms, "at most 3,000");
    let all_in = format!("{:.0} bytes a grant, with tables, principals and cache", full.resident_bytes / grants);
    table::line("resident memory of the process, MB", full.resident_bytes / 1e6, &all_in);
    let share = (full.resident_bytes - bare.resident_bytes) / grants;
    table::line("  what one grant adds to a store without, bytes", share, "at most 400");
    let lines = [("one GRANT, us", "; at most 2"), ("  without waiting for the disk to keep it, us", "")];
    for (at, (what, limit)) in lines.into_iter().enumerate() {
        let [full, few] = [full, few].map(|opened| opened.grant_us.get(at).copied().unwrap_or_default());
        table::line(what, full, &format!("{:.2} times that at a thousand grants{limit}", full / few));
    }
    println!();
    Ok(())
}

fn in_a_process(world: World, folder: &Path) -> Result<Opened, Box<dyn Error>> {
    let size = world.size.numbers();
    let process = Command::new(std::env::current_exe()?).arg(OPENS).arg(folder).arg(size).output()?;
    let text = String::from_utf8(process.stdout)?;
    let figures: Vec<f64> = text.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
    let [open_ms, resident_bytes, synced, computed] = figures.as_slice() else {
        return Err(String::from_utf8(process.stderr)?.into());
    };
    Ok(Opened { open_ms: *open_ms, resident_bytes: *resident_bytes, grant_us: [*synced, *computed] })
}

fn open(world: World, folder: &Path) -> Result<Opened, Box<dyn Error>> {
    let start = Instant::now();
    let (metastore, admin) = opened(folder, OpenOptions::default())?;
    let table = FullName::parse(&world.table_name(0))?;
    let pinned = metastore.pin(&admin);
    let found = pinned.resolve(SecurableKind::Table, &table)?;
    if !pinned.allows(found.id, Need::Manage) {
        return Err("the admin may not manage a table".into());
    }
    let open_ms = start.elapsed().as_secs_f64() * 1e3;
    drop(pinned);
    let resident_bytes = resident_bytes()?;
    let synced = grants(world, &metastore, &admin, 0)?;
    drop(metastore);
    let (metastore, admin) = opened(folder, OpenOptions { disk: Arc::new(NoDisk), ..OpenOptions::default() })?;
    let computed = grants(world, &metastore, &admin, GRANTS)?;
    Ok(Opened { open_ms, resident_bytes, grant_us: [synced, computed] })
}

fn opened(folder: &Path, options: OpenOptions) -> Result<(Metastore, Caller), Box<dyn Error>> {
    let metastore = Metastore::open(folder, &options, Arc::new(Enforcer::new()?), Arc::new(SystemClock))?;
    let admin = World::caller(&metastore, World::ADMIN)?;
    Ok((metastore, admin))
}

/// The microseconds of a GRANT on a table, the middle one of many.
fn grants(world: World, metastore: &Metastore, admin: &Caller, from: usize) -> Result<f64, Box<dyn Error>> {
    let mut times = Vec::with_capacity(GRANTS);
    for number in from..from + GRANTS {
        // The admin holds none of them yet.
        let change = grant(&world.table_name(number * 37 % world.size.tables), World::ADMIN)?;
        let start = Instant::now();
        metastore.change_grants(admin, &change)?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    times.get(GRANTS / 2).copied().ok_or_else(|| "nothing was granted".into())
}

fn grant(table: &str, to: &str) -> Result<GrantChange, Box<dyn Error>> {
    Ok(GrantChange {
        verb: GrantVerb::Grant,
        privileges: vec![Privilege::Select.into()],
        kind: SecurableKind::Table,
        name: FullName::parse(table)?,
        principals: vec![PrincipalName::parse(to)?],
    })
}

/// Prints how long it takes to list the crowded schema for a reader who may see few of its tables. The reader is in groups
/// ten deep that hold nothing.
pub fn listing(world: World, metastore: &Metastore) -> Result<(), Box<dyn Error>> {
    let admin = World::caller(metastore, World::ADMIN)?;
    let mut member = PrincipalName::parse("reader@example.com")?;
    metastore.create_principal(&admin, PrincipalKind::User, &member, None)?;
    let reader = World::caller(metastore, member.as_str())?;
    for depth in 0..10 {
        let group = PrincipalName::parse(&format!("readers {depth}"))?;
        metastore.create_principal(&admin, PrincipalKind::Group, &group, None)?;
        metastore.add_member(&admin, &group, &member)?;
        member = group;
    }
    for number in 0..VISIBLE {
        let table = world.table_name(number * world.size.crowd / VISIBLE);
        metastore.change_grants(&admin, &grant(&table, reader.name.as_str())?)?;
    }
    let schema = FullName::parse(&world.table_name(0))?.parent().ok_or("a table is in no schema")?;
    let mut quickest = f64::INFINITY;
    for _ in 0..LISTINGS {
        let start = Instant::now();
        let listed = metastore.list(&reader, SecurableKind::Table, Some(&schema), &Page::all())?;
        quickest = quickest.min(start.elapsed().as_secs_f64() * 1e6);
        if listed.items.len() != VISIBLE {
            return Err(format!("{} tables were listed", listed.items.len()).into());
        }
    }
    table::head("a listing", "", "");
    let what = format!("{} tables of which {VISIBLE} are visible, us", world.size.crowd);
    table::line(&what, quickest, "at most 10,000");
    println!();
    Ok(())
}

/// The memory of this process that lies in the machine's.
fn resident_bytes() -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse::<f64>()? * 1024.0)
}

/// A disk that is not waited for.
#[derive(Debug)]
struct NoDisk;

impl Disk for NoDisk {
    fn keep_file(&self, _path: &Path, _file: &File) -> io::Result<()> {
        Ok(())
    }

    fn keep_folder(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }
}
