//! Rows of a query as they stream in.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::json::writer::{LineDelimited, WriterBuilder};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use std::sync::Arc;

use super::{Format, Output, csv, json, table};
use crate::error::CliError;

/// How many rows one table holds; a longer answer is shown as several tables, so that memory stays bounded.
const TABLE_ROWS: usize = 10_000;

/// Writes the batches of one answer in the form that the user chose.
pub struct BatchWriter {
    schema: SchemaRef,
    form: Form,
    rows: usize,
}

enum Form {
    Table { held: Vec<RecordBatch>, held_rows: usize, drawn: bool },
    Json(json::Rows),
    Csv,
}

impl BatchWriter {
    /// Begins an answer with these columns.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn begin(output: &mut Output, schema: &Schema) -> Result<Self, CliError> {
        let form = match output.format() {
            Format::Table => Form::Table { held: Vec::new(), held_rows: 0, drawn: false },
            Format::Json => Form::Json(json::Rows::default()),
            Format::Csv => {
                let mut text = String::new();
                csv::row(&mut text, schema.fields().iter().map(|f| Some(f.name().clone())), output.to_terminal());
                output.write(&text)?;
                Form::Csv
            }
        };
        let schema = if matches!(form, Form::Json(_)) { unique_names(schema) } else { Arc::new(schema.clone()) };
        Ok(Self { schema, form, rows: 0 })
    }

    /// Writes rows, or keeps them until there are enough for a table.
    ///
    /// # Errors
    /// When the output cannot be written or the rows cannot be shown.
    pub fn push(&mut self, output: &mut Output, batch: RecordBatch) -> Result<(), CliError> {
        self.rows += batch.num_rows();
        match &mut self.form {
            Form::Table { held, held_rows, drawn } => {
                *held_rows += batch.num_rows();
                held.push(batch);
                if *held_rows >= TABLE_ROWS {
                    let text = draw(&self.schema, held, output.width())?;
                    output.write(&text)?;
                    (*held_rows, *drawn) = (0, true);
                    held.clear();
                }
                Ok(())
            }
            Form::Json(rows) => {
                let text = json_rows(&self.schema, &batch, rows)?;
                output.write(&text)
            }
            Form::Csv => {
                let text = csv_rows(&batch, output.to_terminal())?;
                output.write(&text)
            }
        }
    }

    /// Ends the answer and tells how many rows it had.
    ///
    /// # Errors
    /// When the output cannot be written or the rows cannot be shown.
    pub fn finish(self, output: &mut Output) -> Result<usize, CliError> {
        let text = match &self.form {
            Form::Table { held_rows: 0, drawn: true, .. } => String::new(),
            Form::Table { held, .. } => draw(&self.schema, held, output.width())?,
            Form::Json(rows) => {
                let mut text = String::new();
                rows.finish(&mut text);
                text
            }
            Form::Csv => String::new(),
        };
        output.write(&text)?;
        output.flush()?;
        Ok(self.rows)
    }
}

/// JSON objects cannot hold a name twice: the second `a` becomes `a_2`.
fn unique_names(schema: &Schema) -> SchemaRef {
    let mut taken: Vec<String> = Vec::new();
    let mut fields: Vec<Arc<Field>> = Vec::new();
    for field in schema.fields() {
        let mut name = field.name().clone();
        let mut number = 2;
        while taken.contains(&name) || (name != *field.name() && schema.fields().iter().any(|f| *f.name() == name)) {
            name = format!("{}_{number}", field.name());
            number += 1;
        }
        fields.push(Arc::new(field.as_ref().clone().with_name(&name)));
        taken.push(name);
    }
    Arc::new(Schema::new(fields))
}

fn options() -> FormatOptions<'static> {
    FormatOptions::default().with_display_error(false)
}

/// The columns of a batch as texts.
struct Texts<'a>(Vec<(ArrayFormatter<'a>, Option<NullBuffer>)>);

impl<'a> Texts<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, CliError> {
        let options = options();
        let text = |column: &'a ArrayRef| -> Result<_, CliError> {
            // The logical nulls are those of every type, NULL without a type included.
            Ok((ArrayFormatter::try_new(column.as_ref(), &options)?, column.logical_nulls()))
        };
        batch.columns().iter().map(text).collect::<Result<_, _>>().map(Self)
    }

    /// The texts of one row; `None` for NULL.
    fn row(&self, row: usize) -> Result<Vec<Option<String>>, CliError> {
        let text = |(formatter, nulls): &(ArrayFormatter<'a>, Option<NullBuffer>)| match nulls {
            Some(nulls) if nulls.is_null(row) => Ok(None),
            _ => formatter.value(row).try_to_string().map(Some).map_err(CliError::from),
        };
        self.0.iter().map(text).collect()
    }
}

fn draw(schema: &Schema, batches: &[RecordBatch], width: Option<u16>) -> Result<String, CliError> {
    let columns = schema.fields().iter().map(|f| (f.name().clone(), f.data_type().is_numeric()));
    let mut sheet = table::Sheet::new(columns, width);
    for batch in batches {
        let texts = Texts::of(batch)?;
        for row in 0..batch.num_rows() {
            let row = texts.row(row)?;
            sheet.push(row.iter().map(|text| table::cell(text.as_deref())));
        }
    }
    Ok(sheet.finish())
}

fn csv_rows(batch: &RecordBatch, to_terminal: bool) -> Result<String, CliError> {
    let texts = Texts::of(batch)?;
    let mut out = String::new();
    for row in 0..batch.num_rows() {
        csv::row(&mut out, texts.row(row)?.into_iter(), to_terminal);
    }
    Ok(out)
}

fn json_rows(schema: &SchemaRef, batch: &RecordBatch, rows: &mut json::Rows) -> Result<String, CliError> {
    let batch = RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec())?;
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
    writer.write(&batch)?;
    writer.finish()?;
    let text = String::from_utf8(writer.into_inner()).map_err(|e| CliError::Protocol(e.to_string()))?;
    let mut out = String::new();
    for line in super::clean::clean_json(&text).lines() {
        rows.push(&mut out, line);
    }
    Ok(out)
}
