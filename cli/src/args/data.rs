//! `sql` and `audit`.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use prost_types::Timestamp;

use super::securables::ListLimit;
use crate::duration;

const SQL: &str = "\
Without a statement or a file, stdin is read; on a terminal that is an interactive shell (.help lists its commands).
Several statements are parted by semicolons and run in one session; the first that fails ends the run.

Examples:
  lakewarden sql 'SELECT * FROM demo.tpch.nation'
  lakewarden sql --format csv 'SELECT * FROM demo.tpch.region' > region.csv
  lakewarden sql --file policies.sql
  echo 'SHOW CATALOGS' | lakewarden sql
  lakewarden sql --catalog demo --schema tpch";

/// Run SQL: a statement, a file, or an interactive shell
#[derive(Debug, Clone, Args)]
#[command(after_help = SQL)]
pub struct SqlArgs {
    /// The statement; `-` reads stdin
    #[arg(conflicts_with = "file", value_name = "STATEMENT")]
    pub statement: Option<String>,
    /// File with statements; `-` reads stdin
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// Catalog in which names are looked up first
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub catalog: String,
    /// Schema in which names are looked up first
    #[arg(long, value_name = "NAME", requires = "catalog", default_value = "", hide_default_value = true)]
    pub schema: String,
    /// Show this many rows at most [default: all; more than the server's limit is an error]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    pub max_rows: Option<i64>,
}

/// Read the audit trail
#[derive(Debug, Clone, Subcommand)]
pub enum AuditCommand {
    /// List audit records, newest first
    List(AuditListArgs),
}

const AUDIT: &str = "\
Examples:
  lakewarden audit list --since 1h
  lakewarden audit list --outcome denied --principal bob
  lakewarden audit list --since 2026-01-01T00:00:00Z --until 2026-02-01T00:00:00Z --format json";

/// List audit records, newest first
#[derive(Debug, Clone, Args)]
#[command(after_help = AUDIT)]
pub struct AuditListArgs {
    /// Only those of this principal
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub principal: String,
    /// Only those of this operation, as in grants.grant
    #[arg(long, value_name = "ACTION", default_value = "", hide_default_value = true)]
    pub action: String,
    /// Only those that ended so: allowed or denied
    #[arg(long, value_enum, hide_possible_values = true)]
    pub outcome: Option<Outcome>,
    /// Only those from then on: a time as in 2026-01-31T09:00:00Z, or how long ago, as in 2h
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    pub since: Option<When>,
    /// Only those before then: a time or how long ago
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    pub until: Option<When>,
    /// How many.
    #[command(flatten)]
    pub list: ListLimit,
}

/// How an audited operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Outcome {
    /// It was done
    Allowed,
    /// It was refused, and nothing was changed
    Denied,
}

/// A point in time, absolute or as a distance from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Seconds and nanoseconds since 1970 (UTC).
    At(i64, i32),
    /// So long before now.
    Ago(Duration),
}

impl When {
    /// Reads a time in RFC 3339, a date and time in UTC, a date (when it begins, in UTC), or how long ago.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let zoned = chrono::DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
        let plain = || chrono::NaiveDateTime::parse_from_str(&text.replacen('T', " ", 1), "%Y-%m-%d %H:%M:%S%.f");
        let day =
            || chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").map(|day| day.and_time(chrono::NaiveTime::MIN));
        if let Ok(time) = zoned.or_else(|_| plain().or_else(|_| day()).map(|time| time.and_utc())) {
            return Ok(Self::At(time.timestamp(), i32::try_from(time.timestamp_subsec_nanos()).unwrap_or(0)));
        }
        let fault = "write a time as in 2026-01-31T09:00:00Z or '2026-01-31 09:00:00' (UTC), or how long ago, as in 90s, 15m, 8h or 30d";
        duration::parse(text).map(Self::Ago).map_err(|_| fault.to_owned())
    }

    /// The time, when it is `now`.
    pub fn timestamp(self, now: SystemTime) -> Timestamp {
        let (seconds, nanos) = self.resolve(now);
        Timestamp { seconds, nanos }
    }

    /// Seconds and nanoseconds since 1970 (UTC).
    pub(super) fn resolve(self, now: SystemTime) -> (i64, i32) {
        match self {
            Self::At(seconds, nanos) => (seconds, nanos),
            Self::Ago(distance) => {
                let since = now
                    .checked_sub(distance)
                    .and_then(|t| t.duration_since(SystemTime::UNIX_EPOCH).ok())
                    .unwrap_or_default();
                (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), i32::try_from(since.subsec_nanos()).unwrap_or(0))
            }
        }
    }
}
