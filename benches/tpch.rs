//! The 22 queries of TPC-H through a governed session, beside the same SQL on plain DataFusion over deltalake's providers, in one process.
//!
//! `cargo bench --bench tpch -- --scale 1 --runs 5 --data /tmp/tpch`
//!
//! - *without policies*: the same queries on the same files. The geometric mean of the ratios may be 1.03.
//! - *with policies*: row filters by a mapping table on `customer` and `orders` and three masks on `customer`; the plain side has them written by
//!   hand as views, which DataFusion may optimise without regard to what they hide. The mean may be 1.10.
//! - *planning*: what planning takes more than on the plain side, with `--objects` more objects in the catalog. The mean may be 2 ms.
//!
//! A time is that of planning and running together. Both sides run in turns; a ratio is that of the medians, and beside it that of the quickest
//! runs, which says more on a machine that does other work. The answers of both sides must be equal. With `--data` the
//! tables are kept for the next time; `--only q1,q3` runs a few queries, `--parts plain,policies,planning` some of the parts.

#[path = "tpch/lake.rs"]
mod lake;
#[path = "tpch/options.rs"]
mod options;
#[path = "tpch/plain.rs"]
mod plain;
#[path = "tpch/planning.rs"]
mod planning;
#[path = "tpch/queries.rs"]
mod queries;
#[path = "tpch/times.rs"]
mod times;
#[path = "../enforcer/benches/authorization/world.rs"]
#[expect(dead_code, reason = "the estate of another benchmark, of which this one only needs the size")]
mod world;

use std::error::Error;

use lake::Lake;
use options::{Options, Part};
use plain::Plain;

/// What the parts give.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let options = Options::of_process()?;
    let queries = options.queries();
    if options.has(Part::Planning) {
        planning::run(&options).await?;
    }
    if !options.has(Part::Plain) && !options.has(Part::Policies) {
        return Ok(());
    }
    let lake = Lake::build(&options, 0).await?;
    println!("TPC-H at scale {}, {} runs each, {} threads", options.scale, options.runs, lake.threads);
    let governed = lake.session(&lake.alice).await?;
    if options.has(Part::Plain) {
        println!("\nwithout policies (limit 1.03)");
        let plain = Plain::open(&lake, lake.plain_names(), "").await?;
        times::compare(&queries, options.runs, &plain, &governed).await?;
    }
    if options.has(Part::Policies) {
        println!("\nwith row filters and masks, against views written by hand (limit 1.10)");
        lake.bind_policies().await?;
        let plain = Plain::by_hand(&lake).await?;
        times::compare(&queries, options.runs, &plain, &governed).await?;
    }
    Ok(())
}
