//! Asks a query on the governed database and on the copy, and judges whether the two answers are one.
//!
//! A query whose expressions fail on some rows may or may not meet such a row: `a AND b` leaves out `b` for rows that lie with others
//! for which `a` is false, and a join may end before it has read all. That depends on how rows lie in files and batches, on both
//! sides. So an error on one side alone is accepted only if the copy answers so, too, when its rows are read otherwise.

use std::collections::BTreeMap;

use crate::answer::{Answer, Rows, ask};
use crate::copy::Copy;
use crate::lake::{Lake, Place, Split};
use crate::queries::Query;
use crate::world::World;

/// What was seen over many cases.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    pub cases: usize,
    pub with_rows: usize,
    pub empty: usize,
    pub errors: usize,
    /// Refused when planned, on both sides: what isn't supported.
    pub unplanned: usize,
    /// Why, with an example.
    pub reasons: BTreeMap<String, String>,
    /// Cases where an error depended on how rows are read.
    pub read_otherwise: usize,
    pub differences: usize,
}

pub struct Judge<'a> {
    pub lake: &'a Lake,
    pub world: &'a World,
    pub place: &'a Place,
    pub copy: &'a Copy,
}

/// Both answers to a query.
pub struct Verdict {
    pub governed: Answer,
    pub copied: Answer,
    pub agrees: bool,
    pub read_otherwise: bool,
}

impl Judge<'_> {
    pub async fn judge(&self, query: &Query, split: Split) -> Verdict {
        let governed = self.asked(query, split).await;
        let copied = self.told(query, &self.place.copied, Split::Large).await;
        let is_plan = query.text.starts_with("EXPLAIN");
        if is_plan && !governed.is_error() && !copied.is_error() {
            return Verdict { agrees: shows_nothing(&governed), governed, copied, read_otherwise: false };
        }
        if same(&governed, &copied) {
            return Verdict { governed, copied, agrees: true, read_otherwise: false };
        }
        // Rows that differ are different, however they are read.
        if !governed.is_error() && !copied.is_error() {
            return Verdict { governed, copied, agrees: false, read_otherwise: false };
        }
        let agrees = self.is_an_answer_of_the_copy(query, &governed).await;
        Verdict { governed, copied, agrees, read_otherwise: agrees }
    }

    async fn is_an_answer_of_the_copy(&self, query: &Query, governed: &Answer) -> bool {
        let disguised = self.lake.disguised(self.world, self.copy, self.place).await;
        let catalogs = [&self.place.copied].into_iter().chain(disguised);
        for split in [Split::Large, Split::Few, Split::Single] {
            for catalog in catalogs.clone() {
                if same(governed, &self.told(query, catalog, split).await) {
                    return true;
                }
            }
        }
        false
    }

    async fn asked(&self, query: &Query, split: Split) -> Answer {
        let session = self.lake.session(self.world.caller.name, &self.place.governed, split);
        ask(&session, &query.asked(), &query.values, &self.place.governed).await
    }

    async fn told(&self, query: &Query, catalog: &str, split: Split) -> Answer {
        let session = self.lake.session("admin", catalog, split);
        ask(&session, &query.told(self.world.caller, self.copy), &query.values, catalog).await
    }
}

fn same(governed: &Answer, copied: &Answer) -> bool {
    match (governed, copied) {
        (Answer::Rows(a), Answer::Rows(b)) => same_rows(a, b),
        (Answer::Error { sqlstate: a, text: left }, Answer::Error { sqlstate: b, text: right }) => {
            a == b && without_values(left) == without_values(right)
        }
        _ => false,
    }
}

/// Which of several bad values an error names depends on the order of rows, and a plan that DataFusion can't run is told with the names
/// of policies.
fn without_values(text: &str) -> String {
    let mut kept = String::new();
    let text = text.split_once("Plan: [").map_or(text, |(before, _)| before);
    for (at, part) in text.split('\'').enumerate() {
        if at % 2 == 0 {
            kept.extend(part.chars().filter(|c| !c.is_ascii_digit()));
        }
    }
    kept
}

fn same_rows(a: &Rows, b: &Rows) -> bool {
    a == b
}

/// What no plan may show: files, folders, and the operators that read them.
fn shows_nothing(answer: &Answer) -> bool {
    let Answer::Rows(rows) = answer else { return true };
    let text = rows.rows.join("\n");
    !["parquet", "part-", "/tmp", "DeltaScan", "FilePath", "PolicyBarrier", "__guarded"]
        .iter()
        .any(|word| text.contains(word))
}

impl Tally {
    pub fn add(&mut self, query: &Query, verdict: &Verdict) {
        self.cases += 1;
        match &verdict.governed {
            Answer::Rows(rows) if rows.rows.is_empty() => self.empty += 1,
            Answer::Rows(_) => self.with_rows += 1,
            Answer::Error { sqlstate, .. } if sqlstate.starts_with("22") => self.errors += 1,
            Answer::Error { sqlstate, text } => {
                self.unplanned += 1;
                self.reasons.insert(format!("{sqlstate} {}", without_values(text)), query.text.clone());
            }
        }
        self.read_otherwise += usize::from(verdict.read_otherwise);
        self.differences += usize::from(!verdict.agrees);
    }
}
