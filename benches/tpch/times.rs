//! Running both sides in turns, and the table of it.

use std::future::Future;
use std::time::Instant;

use lakewarden_engine::Session;

use crate::Outcome;
use crate::plain::Plain;
use crate::queries::Query;

/// The rows of a governed session as text.
pub async fn governed_answer(session: &Session, sql: &str) -> Outcome<String> {
    let batches = session.run(sql).await?.collect().await?;
    Ok(deltalake::arrow::util::pretty::pretty_format_batches(&batches)?.to_string())
}

/// Times of one query on both sides, in milliseconds, a run each.
#[derive(Debug, Default)]
pub struct Times {
    pub plain: Vec<f64>,
    pub governed: Vec<f64>,
}

/// Runs all queries on both sides and prints what they take.
pub async fn compare(queries: &[Query], runs: usize, plain: &Plain, governed: &Session) -> Outcome<()> {
    println!(
        "{:<5} {:>12} {:>10} {:>12} {:>10} | {:>9} {:>9}",
        "", "plain median", "quickest", "gov. median", "quickest", "ratio", "quickest"
    );
    let (mut medians, mut quickest) = (Vec::new(), Vec::new());
    for (name, sql) in queries {
        let (expected, got) = (plain.run(sql).await?, governed_answer(governed, sql).await?);
        if expected != got {
            return Err(format!("{name} answers differently:\n{expected}\n{got}").into());
        }
        let times = in_turns(runs, || plain.run(sql), || governed_answer(governed, sql)).await?;
        let [middle, governed_middle] = [&times.plain, &times.governed].map(|times| median(times));
        let [least, governed_least] = [&times.plain, &times.governed].map(|times| least(times));
        let (ratio, least_ratio) = (governed_middle / middle, governed_least / least);
        println!(
            "{name:<5} {middle:>12.1} {least:>10.1} {governed_middle:>12.1} {governed_least:>10.1} | {ratio:>9.3} {least_ratio:>9.3}"
        );
        medians.push(ratio);
        quickest.push(least_ratio);
    }
    let (ratio, least_ratio) = (geometric_mean(&medians), geometric_mean(&quickest));
    println!("{:<5} {:>47} | {ratio:>9.3} {least_ratio:>9.3}", "", "geometric mean");
    Ok(())
}

/// Every run has each side once, in turns, so that a slow moment of the machine falls on both.
pub async fn in_turns<P, G>(runs: usize, plain: impl Fn() -> P, governed: impl Fn() -> G) -> Outcome<Times>
where
    P: Future<Output = Outcome<String>>,
    G: Future<Output = Outcome<String>>,
{
    let mut times = Times::default();
    for run in 0..runs {
        for turn in 0..2 {
            let started = Instant::now();
            let column = if (run + turn) % 2 == 0 {
                plain().await?;
                &mut times.plain
            } else {
                governed().await?;
                &mut times.governed
            };
            column.push(started.elapsed().as_secs_f64() * 1000.0);
        }
    }
    Ok(times)
}

/// The one in the middle.
pub fn median(times: &[f64]) -> f64 {
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
