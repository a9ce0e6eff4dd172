//! Points in time as people and programs read them: RFC 3339 in UTC.

use chrono::{DateTime, SecondsFormat};
use prost_types::Timestamp;

use crate::render::Value;

/// The text of a point in time.
pub fn text(time: &Timestamp) -> String {
    match u32::try_from(time.nanos).ok().and_then(|nanos| DateTime::from_timestamp(time.seconds, nanos)) {
        Some(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        None => format!("{}s", time.seconds),
    }
}

/// The value of a point in time; nothing when there is none.
pub fn value(time: Option<&Timestamp>) -> Value {
    time.map_or(Value::Null, |time| Value::Text(text(time)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_utc_with_as_much_as_is_known() {
        assert_eq!(text(&Timestamp { seconds: 1_790_000_000, nanos: 0 }), "2026-09-21T14:13:20Z");
        assert_eq!(text(&Timestamp { seconds: 1_790_000_000, nanos: 120_000_000 }), "2026-09-21T14:13:20.120Z");
        assert_eq!(value(None), Value::Null);
    }

    #[test]
    fn an_impossible_time_is_shown_as_sent() {
        assert_eq!(text(&Timestamp { seconds: i64::MAX, nanos: -1 }), format!("{}s", i64::MAX));
    }
}
