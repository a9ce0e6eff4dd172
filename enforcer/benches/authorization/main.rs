//! Authorization at a million grants: decisions beside plain casbin and beside a hand-written evaluator.
//!
//! `cargo bench -p lakewarden-enforcer` prints every figure; it needs about 3 GB of memory and 2 minutes. With `-- small`
//! everything is a hundredth of the size.
#![expect(clippy::indexing_slicing, reason = "a benchmark may stop on its own mistakes")]

mod decisions;
mod store;
mod table;
mod world;

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use lakewarden_catalog::Metastore;
use lakewarden_catalog::clock::SystemClock;
use lakewarden_catalog::store::OpenOptions;
use lakewarden_enforcer::Enforcer;

use world::{Size, World};

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(done) = store::opens() {
        return done;
    }
    let small = std::env::args().any(|argument| argument == "small");
    let size = if small { Size::SMALL } else { Size::FULL };
    let (folder, options) = (tempfile::tempdir()?, OpenOptions::default());
    let start = Instant::now();
    let world = World::build(size, folder.path(), &options)?;
    println!("{size:?}, written in {:.1} s\n", start.elapsed().as_secs_f64());
    store::run(world, folder.path())?;
    let metastore = Metastore::open(folder.path(), &options, Arc::new(Enforcer::new()?), Arc::new(SystemClock))?;
    decisions::run(world, &metastore)?;
    store::listing(world, &metastore)?;
    Ok(())
}
