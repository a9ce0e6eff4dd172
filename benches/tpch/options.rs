//! What the command line asks for.

use std::path::PathBuf;

use crate::Outcome;
use crate::queries::{ALL, Query};

/// A part of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Plain,
    Policies,
    Planning,
}

/// What to run, and how often.
#[derive(Debug, Clone)]
pub struct Options {
    pub scale: f64,
    pub runs: usize,
    /// Objects in the catalog of the planning part.
    pub objects: usize,
    /// Where tables are kept.
    pub data: Option<PathBuf>,
    only: Vec<String>,
    parts: Vec<Part>,
}

impl Options {
    /// Cargo adds `--bench`; what isn't known is passed over.
    pub fn of_process() -> Outcome<Self> {
        let parts = vec![Part::Planning, Part::Plain, Part::Policies];
        let mut options = Self { scale: 0.1, runs: 7, objects: 1_000_000, data: None, only: Vec::new(), parts };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().unwrap_or_default();
            match word.as_str() {
                "--scale" => options.scale = value().parse()?,
                "--runs" => options.runs = value().parse()?,
                "--objects" => options.objects = value().parse()?,
                "--data" => options.data = Some(value().into()),
                "--only" => options.only = value().split(',').map(str::to_lowercase).collect(),
                "--parts" => options.parts = value().split(',').map(part).collect::<Outcome<_>>()?,
                _ => {}
            }
        }
        Ok(options)
    }

    /// The same at another scale.
    pub fn at_scale(&self, scale: f64) -> Self {
        Self { scale, ..self.clone() }
    }

    /// Whether a part is to run.
    pub fn has(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    /// The queries to run.
    pub fn queries(&self) -> Vec<Query> {
        let wanted = |(name, _): &&Query| self.only.is_empty() || self.only.iter().any(|one| one == name);
        ALL.iter().filter(wanted).copied().collect()
    }
}

fn part(word: &str) -> Outcome<Part> {
    match word {
        "plain" => Ok(Part::Plain),
        "policies" => Ok(Part::Policies),
        "planning" => Ok(Part::Planning),
        other => Err(format!("`{other}` is none of plain, policies, planning").into()),
    }
}
