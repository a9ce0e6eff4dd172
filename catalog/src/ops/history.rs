//! The catalog as it was: the present state, with the change log undone from its newest entry back.
//!
//! Each change leaves in the log the rows that it wrote with what they held before, in the same batch. The state of a
//! moment is the present one, whose maps are shared and not copied, after every later change has been undone. The times
//! in the log never fall: a change that the clock puts before the one that it follows takes the time of that one.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat};

use crate::CatalogError;
use crate::metastore::Metastore;
use crate::state::{ChangeLog, State, is_logged};
use crate::store::change::{self, OldRow, Part};
use crate::store::{Key, Rows, StoreError};

/// Stages the entry of the change log for the staged rows; `before` has what they overwrite. Gives the log with it, which
/// is as it was when no row is one that the log keeps.
///
/// # Errors
/// When a record has no encoded form.
pub(crate) fn log_change(
    before: &State,
    seq: u64,
    now_ms: i64,
    rows: &mut Rows,
) -> Result<Option<ChangeLog>, StoreError> {
    let mut old: Vec<OldRow> = Vec::new();
    for key in rows.iter().filter_map(|(key, _)| Key::parse(key)).filter(|key| is_logged(key.family())) {
        old.push((key.bytes(), before.row(key)?));
    }
    if old.is_empty() {
        return Ok(before.change_log);
    }
    let at_ms = before.change_log.map_or(now_ms, |log| log.last_ms.max(now_ms));
    let previous = before.change_log.map_or(0, |log| log.last_seq);
    put_entry(seq, &change::encode(at_ms, previous, &old), rows);
    let begins_ms = before.change_log.map_or(at_ms, |log| log.begins_ms);
    Ok(Some(ChangeLog { begins_ms, last_seq: seq, last_ms: at_ms }))
}

/// Stages the first entry of a log, without a change in it: the history of `state` begins now.
pub(crate) fn begin(state: &State, now_ms: i64, rows: &mut Rows) -> ChangeLog {
    put_entry(state.seq, &change::encode(now_ms, 0, &[]), rows);
    ChangeLog { begins_ms: now_ms, last_seq: state.seq, last_ms: now_ms }
}

fn put_entry(seq: u64, parts: &[Vec<u8>], rows: &mut Rows) {
    for (part, value) in (0..).zip(parts) {
        rows.put(Key::Change(seq, part), value.as_slice());
    }
}

impl Metastore {
    /// The catalog as it was at a moment, in milliseconds since 1970 (UTC): every change up to and in that millisecond is in
    /// it. Tokens, and work on files, are those of now. It takes as long as there were changes since.
    ///
    /// # Errors
    /// `InvalidArgument` when the moment is in the future, or before the change log begins.
    pub fn past(&self, at_ms: i64) -> Result<Arc<State>, CatalogError> {
        if at_ms > self.clock().now_ms() {
            return Err(CatalogError::invalid("timestamp", format!("`{}` is in the future", show(at_ms))));
        }
        let present = self.published();
        let Some(log) = present.change_log else {
            return Err(CatalogError::invalid("timestamp", "this metastore has no history yet"));
        };
        if at_ms < log.begins_ms {
            let (asked, begins) = (show(at_ms), show(log.begins_ms));
            let message = format!("`{asked}` is before the history of this metastore, which begins at {begins}");
            return Err(CatalogError::invalid("timestamp", message));
        }
        if at_ms >= log.last_ms {
            return Ok(present);
        }
        let mut state = State::clone(&present);
        let mut seq = log.last_seq;
        loop {
            let parts = self.log_entry(seq)?;
            let Some(entry) = parts.first().filter(|entry| entry.at_ms > at_ms) else {
                return Ok(Arc::new(state));
            };
            undo(&mut state, &change::rows(&parts)?)?;
            state.seq = seq.saturating_sub(1);
            seq = entry.previous;
        }
    }

    /// Every part of one entry of the log, in order.
    fn log_entry(&self, seq: u64) -> Result<Vec<Part>, StoreError> {
        let part = |number: u32| {
            let key = Key::Change(seq, number).bytes();
            let value = self.store().get(&key)?.ok_or(StoreError::Corrupt { key })?;
            Part::decode(&value)
        };
        let first = part(0)?;
        let rest = 1..first.parts;
        std::iter::once(Ok(first)).chain(rest.map(part)).collect()
    }
}

/// Puts the rows of one change back to what they were.
fn undo(state: &mut State, rows: &[OldRow]) -> Result<(), StoreError> {
    for (key, old) in rows {
        let parsed = Key::parse(key).ok_or_else(|| StoreError::Corrupt { key: key.clone() })?;
        state.apply_row(parsed, old.as_deref())?;
    }
    Ok(())
}

fn show(at_ms: i64) -> String {
    DateTime::from_timestamp_millis(at_ms)
        .map_or_else(|| at_ms.to_string(), |time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
}
