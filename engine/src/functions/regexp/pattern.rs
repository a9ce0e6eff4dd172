//! A pattern, compiled within bounds and searched within bounds.

use std::time::{Duration, Instant};

use datafusion::common::{exec_datafusion_err, exec_err, resources_datafusion_err, resources_err};
use datafusion::error::{DataFusionError, Result};
use fancy_regex::{Captures, Error, Regex, RegexBuilder};

/// Bytes of a pattern.
const MOST_PATTERN_BYTES: usize = 2000;
/// Bytes of all automata of one compiled pattern, at worst.
const MOST_COMPILED_BYTES: usize = 16 << 20;
/// Instructions of a compiled pattern.
const MOST_INSTRUCTIONS: usize = 50_000;
/// Steps back of one search. A pattern without lookaround and backreferences takes none.
const MOST_STEPS_BACK: usize = 5_000_000;
/// How long one call may search one batch of rows. A query is cancelled between batches.
const MOST_TIME: Duration = Duration::from_secs(20);

/// A compiled pattern.
pub(super) struct Pattern {
    regex: Regex,
}

/// What one call spends on searching.
pub(super) struct Spending {
    since: Instant,
}

impl Spending {
    pub(super) fn start() -> Self {
        Self { since: Instant::now() }
    }

    /// # Errors
    /// `ResourcesExhausted` when the call took too long.
    pub(super) fn check(&self) -> Result<()> {
        if self.since.elapsed() < MOST_TIME {
            return Ok(());
        }
        resources_err!(
            "a regular expression took longer than {} s for a batch of rows: simplify it",
            MOST_TIME.as_secs()
        )
    }
}

impl Pattern {
    /// # Errors
    /// When it is no pattern, or too large a one.
    pub(super) fn compile(pattern: &str) -> Result<Self> {
        if pattern.len() > MOST_PATTERN_BYTES {
            return exec_err!("a regular expression may have {MOST_PATTERN_BYTES} bytes, not {}", pattern.len());
        }
        // Lookaround and the like cut a pattern into parts with an automaton each: they share the bound.
        let parts = 1 + pattern.bytes().filter(|byte| matches!(byte, b'(' | b'\\' | b'+')).count();
        let each = MOST_COMPILED_BYTES / parts;
        let regex = RegexBuilder::new(pattern)
            .backtrack_limit(MOST_STEPS_BACK)
            .delegate_size_limit(each)
            .delegate_dfa_size_limit(each)
            .max_prog_size(MOST_INSTRUCTIONS)
            .build()
            .map_err(|error| refused(pattern, &error))?;
        Ok(Self { regex })
    }

    /// How many groups it has; the whole match is none.
    pub(super) fn groups(&self) -> usize {
        self.regex.captures_len().saturating_sub(1)
    }

    /// The number of a named group.
    pub(super) fn group_named(&self, name: &str) -> Option<usize> {
        self.regex.capture_names().position(|found| found == Some(name))
    }

    pub(super) fn is_match(&self, text: &str) -> Result<bool> {
        self.regex.is_match(text).map_err(|error| ended(&error))
    }

    /// The first match.
    pub(super) fn first<'t>(&self, text: &'t str) -> Result<Option<Captures<'t, str>>> {
        self.regex.captures(text).map_err(|error| ended(&error))
    }

    /// Calls `each` with every match and its groups, one after the other as Java's `find` gives them: after an empty match the search goes on one
    /// character later, and an empty match may follow another match at once. `each` says whether to go on.
    pub(super) fn every<'t>(
        &self,
        text: &'t str,
        spending: &Spending,
        mut each: impl FnMut(&Captures<'t, str>) -> Result<bool>,
    ) -> Result<()> {
        let mut at = 0;
        while at <= text.len() {
            spending.check()?;
            let Some(found) = self.regex.captures_from_pos(text, at).map_err(|error| ended(&error))? else {
                return Ok(());
            };
            let (start, end) = found.get(0).map_or((at, at), |whole| (whole.start(), whole.end()));
            let next = text.get(end..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
            at = if start == end { end + next } else { end };
            if !each(&found)? {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// The last pattern that was compiled: rows mostly have the same.
#[derive(Default)]
pub(super) struct Compiled {
    last: Option<(String, Pattern)>,
}

impl Compiled {
    pub(super) fn pattern(&mut self, text: &str) -> Result<&Pattern> {
        if self.last.as_ref().is_none_or(|(known, _)| known != text) {
            self.last = None;
        }
        match &mut self.last {
            Some((_, pattern)) => Ok(pattern),
            empty => Ok(&empty.insert((text.to_owned(), Pattern::compile(text)?)).1),
        }
    }
}

fn refused(pattern: &str, error: &Error) -> DataFusionError {
    // The library prints the pattern with a finger under it on further lines.
    let said = error.to_string();
    let said = said.lines().last().unwrap_or_default().trim();
    exec_datafusion_err!("`{pattern}` is not a regular expression that can be used: {said}")
}

fn ended(error: &Error) -> DataFusionError {
    match error {
        Error::RuntimeError(_) => resources_datafusion_err!(
            "a regular expression goes back and forth too often over a value: simplify it, it may take {MOST_STEPS_BACK} steps back"
        ),
        other => exec_datafusion_err!("a regular expression cannot be searched for: {other}"),
    }
}
