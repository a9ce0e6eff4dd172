//! Points in time as statements write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use crate::error::EngineError;

/// Milliseconds since 1970 (UTC) of a time: a date or a date and time of day, in UTC unless a zone stands behind it.
///
/// # Errors
/// When it is no such time.
pub(crate) fn milliseconds(text: &str) -> Result<i64, EngineError> {
    let unreadable = || {
        EngineError::invalid(format!(
            "`{text}` is no time: write 'YYYY-MM-DD', 'YYYY-MM-DD HH:MM:SS' (UTC), or add a zone such as Z or +02:00"
        ))
    };
    parsed(text.trim()).ok_or_else(unreadable)
}

fn parsed(text: &str) -> Option<i64> {
    let plain =
        ["UTC", "utc", "Z", "z"].into_iter().find_map(|zone| text.strip_suffix(zone)).map_or(text, str::trim_end);
    let text = plain.replacen(['T', 't'], " ", 1);
    let in_utc = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let zoned = ["%Y-%m-%d %H:%M:%S%.f%:z", "%Y-%m-%d %H:%M:%S%.f %:z", "%Y-%m-%d %H:%M:%S%.f%z"];
    let utc = in_utc.iter().find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok());
    let utc = utc.or_else(|| NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0));
    utc.map(|time| time.and_utc().timestamp_millis()).or_else(|| {
        zoned.iter().find_map(|format| DateTime::parse_from_str(&text, format).ok()).map(|time| time.timestamp_millis())
    })
}

/// A time for people to read.
pub(crate) fn shown(ms: i64) -> String {
    let time = DateTime::from_timestamp_millis(ms);
    time.map_or_else(|| ms.to_string(), |time| time.format("%Y-%m-%d %H:%M:%S%.3f UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_utc_or_in_their_zone() {
        let noon = 1_767_225_600_000 + 12 * 3_600_000;
        for (text, expected) in [
            ("2026-01-01", 1_767_225_600_000),
            ("2026-01-01 12:00:00", noon),
            ("2026-01-01 12:00", noon),
            ("2026-01-01T12:00:00Z", noon),
            ("2026-01-01 12:00:00 UTC", noon),
            ("2026-01-01 12:00:00.250", noon + 250),
            ("2026-01-01T14:00:00+02:00", noon),
            ("2026-01-01 14:00:00 +02:00", noon),
            ("2026-01-01 14:00:00+0200", noon),
            ("2026-01-01T10:00:00.5-02:00", noon + 500),
        ] {
            assert_eq!(milliseconds(text).unwrap(), expected, "{text}");
        }
        assert_eq!(shown(noon + 250), "2026-01-01 12:00:00.250 UTC");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in
            ["", "yesterday", "2026-13-01", "2026-01-01 25:00:00", "12:00", "2026-01-01 12:00:00 Mars", "1767225600"]
        {
            let error = milliseconds(text).unwrap_err();
            assert!(error.to_string().starts_with(&format!("`{text}` is no time: write ")), "{error}");
        }
    }
}
