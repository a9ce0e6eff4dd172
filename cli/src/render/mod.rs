//! Results on stdout as a table, JSON or CSV; everything else goes to stderr.
//!
//! What comes from the server is untrusted: a column can be named with escape codes. Tables and messages show control and
//! direction characters as escapes, JSON escapes them inside its strings, and CSV does so when it goes to a terminal.

mod batches;
mod clean;
mod csv;
mod json;
mod table;
mod value;

use std::io::{IsTerminal, Write};

use clap::ValueEnum;

pub use batches::BatchWriter;
pub use clean::clean_line;
pub use value::{Record, Value};

use crate::error::CliError;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs: a list is one array of objects, a single thing is one object.
    Json,
    /// Comma separated values with a header, as in RFC 4180.
    Csv,
}

/// Where results and messages go, and in which form.
pub struct Output {
    format: Format,
    quiet: bool,
    to_terminal: bool,
    width: Option<u16>,
    out: Box<dyn Write>,
    messages: Box<dyn Write>,
}

impl Output {
    /// Results to stdout, messages to stderr.
    pub fn stdio(format: Format) -> Self {
        let stdout = std::io::stdout();
        Self {
            format,
            quiet: false,
            to_terminal: stdout.is_terminal(),
            width: None,
            out: Box::new(std::io::BufWriter::new(stdout)),
            messages: Box::new(std::io::stderr()),
        }
    }

    /// Results and messages to the given writers, as if to files.
    #[cfg(test)]
    pub fn captured(format: Format, out: Box<dyn Write>, messages: Box<dyn Write>) -> Self {
        Self { format, quiet: false, to_terminal: false, width: None, out, messages }
    }

    /// The form of the results.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether the results are told in sentences, as tables and CSV are, which cannot hold fields in fields.
    pub fn is_flat(&self) -> bool {
        self.format != Format::Json
    }

    /// Changes the form of the results.
    pub fn set_format(&mut self, format: Format) {
        self.format = format;
    }

    /// Whether results go to a terminal.
    pub fn to_terminal(&self) -> bool {
        self.to_terminal
    }

    /// Writes a list: a table of the fields that matter most, or everything as JSON or CSV.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn list(&mut self, noun: &str, records: &[Record], fields: &[&'static str]) -> Result<(), CliError> {
        match self.format {
            Format::Table => {
                let text = table::records(records, fields, self.width);
                self.write(&text)?;
                self.message(&counted(records.len(), noun));
            }
            Format::Json => {
                let text = json::array(records)?;
                self.write(&text)?;
            }
            Format::Csv => {
                let text = csv::records(records, fields, self.to_terminal);
                self.write(&text)?;
            }
        }
        self.flush()
    }

    /// Writes a single thing: its fields one below the other, a JSON object, or CSV of one row.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn record(&mut self, record: &Record) -> Result<(), CliError> {
        let text = match self.format {
            Format::Table => table::single(record, self.width),
            Format::Json => json::single(record)?,
            Format::Csv => csv::records(std::slice::from_ref(record), &[], self.to_terminal),
        };
        self.write(&text)?;
        self.flush()
    }

    /// Writes one line as it is, such as a token.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn line(&mut self, text: &str) -> Result<(), CliError> {
        self.write(&format!("{text}\n"))?;
        self.flush()
    }

    /// Tells the user something that is not part of the result.
    pub fn message(&mut self, text: &str) {
        if !self.quiet {
            // A message that cannot be told must not undo what was done.
            let _ = writeln!(self.messages, "{}", clean_line(text));
        }
    }

    pub(crate) fn write(&mut self, text: &str) -> Result<(), CliError> {
        self.out.write_all(text.as_bytes()).map_err(CliError::Output)
    }

    pub(crate) fn flush(&mut self) -> Result<(), CliError> {
        self.out.flush().map_err(CliError::Output)
    }

    pub(crate) fn width(&self) -> Option<u16> {
        self.width
    }
}

/// `1 row`, `2 rows`.
pub fn counted(count: usize, noun: &str) -> String {
    match (count, noun) {
        (1, _) => format!("1 {noun}"),
        (_, noun) if noun.ends_with('y') => format!("{count} {}ies", noun.trim_end_matches('y')),
        _ => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests;
