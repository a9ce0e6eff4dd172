//! The words of the quickstart: how far it is, what three callers got for one question, and what to try next.
//!
//! The answers go to stdout, everything else to stderr.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};

use crate::render::clean_line;

const BAR: &str = "{msg:24} [{bar:30}] {human_pos} of {human_len} rows";

/// Where commands go when nothing else is said.
const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:8642";

/// What one caller got: names of columns, rows of values as text.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The name of the caller.
    pub caller: String,
    /// The names of the columns; the first tells the rows apart.
    pub columns: Vec<String>,
    /// The rows; none is NULL.
    pub rows: Vec<Vec<Option<String>>>,
}

/// The question, the answers and why they differ.
#[derive(Debug, Clone)]
pub struct Tour {
    /// The statement.
    pub question: String,
    /// The answers, the administrator's first.
    pub answers: Vec<Answer>,
    /// Table, kind and function of each policy.
    pub policies: Vec<[String; 3]>,
    /// Analysts and the regions that they work for, one pair each.
    pub mapping: Vec<(String, String)>,
}

/// Where to go on.
#[derive(Debug, Clone)]
pub struct Next {
    /// How this program was called.
    pub program: String,
    /// Host and port.
    pub address: String,
    /// Whether the server speaks TLS.
    pub tls: bool,
    /// The folder with the token files.
    pub data_dir: PathBuf,
    /// The name of the administrator.
    pub admin: String,
}

/// Tells how far the quickstart is.
pub struct Teller {
    bar: ProgressBar,
    total: u64,
    before: u64,
}

impl Default for Teller {
    fn default() -> Self {
        Self { bar: ProgressBar::hidden(), total: 0, before: 0 }
    }
}

impl Teller {
    /// Tables are about to be written.
    pub fn tables(&mut self, rows_total: u64) {
        say(&format!("writing TPC-H as Delta tables: about {rows_total} rows"));
        if std::io::stderr().is_terminal() {
            self.bar = ProgressBar::new(rows_total);
            // The template is fixed and has been tried; the plain style does as well.
            self.bar.set_style(ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar()));
        }
        self.total = rows_total;
    }

    /// So many rows of a table are written.
    pub fn rows(&mut self, table: &str, rows_done: u64, is_done: bool) {
        let done = self.before.saturating_add(rows_done);
        self.bar.set_length(self.total.max(done));
        self.bar.set_position(done);
        self.bar.set_message(format!("demo.tpch.{table}"));
        if is_done {
            self.before = done;
            self.bar.suspend(|| say(&format!("  demo.tpch.{table}: {rows_done} rows")));
        }
    }

    /// The tables are there.
    pub fn policies(&mut self) {
        self.bar.finish_and_clear();
        say("creating users, groups, grants, row filters and masks");
    }
}

/// Shows the answers side by side, and the policies that made them differ. A stdout that is gone is no error.
pub fn show(tour: &Tour) {
    let text = format!("{}\n{}\n{}", indented(&tour.question), grid(&tour.answers), why(tour));
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Tells that the data is there already.
pub fn found(scale: &str) {
    say(&format!("the sample data is here already (TPC-H at scale {scale}): nothing was changed"));
}

/// Tells where the server listens and what to try.
pub fn serving(next: &Next) {
    say(&format!("\nserving on {} (stop with Ctrl-C)\n{}", endpoint(next), tokens(next)));
    say(&format!("\nTry next:\n{}", commands(next)));
}

/// Tells how to go on after `--exit`.
pub fn stopped(next: &Next) {
    say(&format!("\n{}\nserve it with: {} quickstart --data-dir {}", tokens(next), next.program, folder(next)));
}

fn say(text: &str) {
    // A message that cannot be told must not undo what was done.
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn endpoint(next: &Next) -> String {
    format!("{}://{}", if next.tls { "https" } else { "http" }, next.address)
}

fn folder(next: &Next) -> String {
    clean_line(&next.data_dir.display().to_string())
}

fn tokens(next: &Next) -> String {
    let folder = folder(next);
    format!(
        "tokens, readable by you alone: {folder}/admin.token ({}), {folder}/alice.token, {folder}/bob.token",
        next.admin
    )
}

fn commands(next: &Next) -> String {
    let (program, folder, address) = (&next.program, folder(next), &next.address);
    let at = if endpoint(next) == DEFAULT_ENDPOINT { String::new() } else { format!("--endpoint {} ", endpoint(next)) };
    let (plain, scheme) = if next.tls { ("", "grpc+tls") } else { ("-plaintext ", "grpc") };
    let python = format!(
        "import adbc_driver_flightsql.dbapi as d; c = d.connect('{scheme}://{address}', db_kwargs={{\
         'adbc.flight.sql.authorization_header': 'Bearer ' + open('{folder}/bob.token').read().strip()}}, autocommit=True).cursor(); \
         c.execute('SELECT count(*) FROM demo.tpch.customer'); print(c.fetchall())"
    );
    let select = "SELECT c_name, c_phone, c_acctbal FROM demo.tpch.customer LIMIT 5";
    let bearer = format!("authorization: Bearer $(cat {folder}/alice.token)");
    [
        "  # what alice sees of the customers".to_owned(),
        format!("  {program} sql {at}--token-file {folder}/alice.token '{select}'"),
        "  # an SQL shell as the administrator".to_owned(),
        format!("  {program} sql {at}--token-file {folder}/admin.token"),
        "  # Python, over Arrow Flight SQL (pip install adbc-driver-flightsql pyarrow)".to_owned(),
        format!("  python3 -c \"{python}\""),
        "  # gRPC, described by reflection".to_owned(),
        format!("  grpcurl {plain}-H \"{bearer}\" {address} lakewarden.v1.CatalogService/ListCatalogs"),
    ]
    .join("\n")
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |mut out, line| {
        let _ = writeln!(out, "  {}", clean_line(line));
        out
    })
}

/// One line for each row and measure, one column for each caller.
fn grid(answers: &[Answer]) -> String {
    let Some(first) = answers.first() else { return String::new() };
    let (key, measures) =
        first.columns.split_first().map_or(("", &[] as &[String]), |(key, rest)| (key.as_str(), rest));
    let mut lines =
        vec![[key, ""].into_iter().chain(answers.iter().map(|a| a.caller.as_str())).map(clean_line).collect()];
    for row_key in keys(answers) {
        for (at, measure) in measures.iter().enumerate() {
            let shown = if at == 0 { row_key } else { "" };
            let values = answers.iter().map(|answer| value(answer, row_key, at + 1));
            lines.push([shown, measure.as_str()].into_iter().chain(values).map(clean_line).collect());
        }
    }
    aligned(&lines)
}

/// The first values of all rows, each once, in the order of the answers.
fn keys(answers: &[Answer]) -> Vec<&str> {
    let mut keys = Vec::new();
    for key in answers.iter().flat_map(|answer| &answer.rows).filter_map(|row| row.first()?.as_deref()) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// A value, or a dash for a row that the caller did not get.
fn value<'a>(answer: &'a Answer, key: &str, column: usize) -> &'a str {
    let row = answer.rows.iter().find(|row| row.first().is_some_and(|first| first.as_deref() == Some(key)));
    row.map_or("-", |row| row.get(column).and_then(|value| value.as_deref()).unwrap_or("NULL"))
}

/// The first two columns to the left, the others to the right, the header underlined.
fn aligned(lines: &[Vec<String>]) -> String {
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
    let columns = lines.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut out = String::new();
    for (at, line) in lines.iter().enumerate() {
        let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 | 1 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        let _ = writeln!(out, "  {}", cells.collect::<Vec<_>>().join("   ").trim_end());
        if at == 0 {
            let _ = writeln!(out, "  {}", widths.iter().map(|w| "-".repeat(*w)).collect::<Vec<_>>().join("---"));
        }
    }
    out
}

fn why(tour: &Tour) -> String {
    let mut out = String::from("  Why they differ:\n");
    let rows: Vec<Vec<String>> =
        tour.policies.iter().map(|policy| policy.iter().map(|cell| clean_line(cell)).collect()).collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
    let (tables, kinds) = (width(0), width(1));
    for row in &rows {
        let [table, kind, function] = row.as_slice() else { continue };
        let _ = writeln!(out, "  {table:<tables$}  {kind:<kinds$}  {function}");
    }
    let mut names: Vec<&str> = tour.mapping.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    for name in names {
        let regions = tour.mapping.iter().filter(|(who, _)| who == name).map(|(_, region)| region.as_str());
        let regions = clean_line(&regions.collect::<Vec<_>>().join(", "));
        let _ = writeln!(out, "  {} works for {regions} (demo.policies.analyst_regions)", clean_line(name));
    }
    out
}

#[cfg(test)]
mod tests;
