//! What planning takes more than in plain DataFusion, in a large catalog: looking up names and rights, opening tables, policies, seals.
//!
//! Both sides plan a query as for running and print the plans; the governed one by EXPLAIN.

use crate::Outcome;
use crate::lake::Lake;
use crate::options::Options;
use crate::plain::Plain;
use crate::times::{governed_answer, in_turns, median};

/// Planning needs no rows.
const SCALE: f64 = 0.01;
const RUNS: usize = 21;

/// Plans every query and prints what that takes.
pub async fn run(options: &Options) -> Outcome<()> {
    let lake = Lake::build(&options.at_scale(SCALE), options.objects).await?;
    println!("\nplanning, in ms, {} more objects in the catalog (limit 2 more)", options.objects);
    let governed = lake.session(&lake.alice).await?;
    println!(
        "{:<5} {:>8} {:>9} {:>7} | {:>8} {:>9} {:>7}",
        "", "plain", "governed", "more", "by hand", "policies", "more"
    );
    let plain = Plain::open(&lake, lake.plain_names(), "").await?;
    let mut rows: Vec<[f64; 2]> = Vec::new();
    for (_, sql) in options.queries() {
        rows.push(planned(sql, &plain, &governed).await?);
    }
    lake.bind_policies().await?;
    let by_hand = Plain::by_hand(&lake).await?;
    let mut more = [Vec::new(), Vec::new()];
    for ((name, sql), [without, governed_without]) in options.queries().into_iter().zip(rows) {
        let [with, governed_with] = planned(sql, &by_hand, &governed).await?;
        let (first, second) = (governed_without - without, governed_with - with);
        println!(
            "{name:<5} {without:>8.2} {governed_without:>9.2} {first:>7.2} | {with:>8.2} {governed_with:>9.2} {second:>7.2}"
        );
        more[0].push(first);
        more[1].push(second);
    }
    let [first, second] = more.map(|more| more.iter().sum::<f64>() / more.len() as f64);
    println!("{:<5} {:>18} {first:>7.2} | {:>18} {second:>7.2}\n", "", "mean", "mean");
    Ok(())
}

async fn planned(sql: &str, plain: &Plain, governed: &lakewarden_engine::Session) -> Outcome<[f64; 2]> {
    let explain = format!("EXPLAIN {sql}");
    let times = in_turns(RUNS, || plain.plan(sql), || governed_answer(governed, &explain)).await?;
    Ok([median(&times.plain), median(&times.governed)])
}
