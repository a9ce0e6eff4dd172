//! What a query answers, in a form that can be compared: rows without their order, or an error.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use lakewarden_engine::delta::sql_type;
use lakewarden_engine::{EngineError, ScalarValue, Session};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Rows(Rows),
    /// An error, without names of databases and references of faults.
    Error {
        sqlstate: String,
        text: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// Names and types.
    pub columns: Vec<String>,
    /// Sorted.
    pub rows: Vec<String>,
}

impl Answer {
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Error { .. })
    }

    pub fn of_rows(batches: &[RecordBatch]) -> Self {
        let columns = batches.first().map(|batch| {
            let of = |field: &arrow::datatypes::FieldRef| format!("{} {}", field.name(), sql_type(field.data_type()));
            batch.schema().fields().iter().map(of).collect()
        });
        let mut rows: Vec<String> = batches.iter().flat_map(lines).collect();
        rows.sort_unstable();
        Self::Rows(Rows { columns: columns.unwrap_or_default(), rows })
    }

    /// Shown in a report.
    pub fn shown(&self) -> String {
        match self {
            Self::Rows(Rows { columns, rows }) => {
                let more = if rows.len() > 20 { "\n  …" } else { "" };
                let rows = rows.iter().take(20).map(|row| format!("\n  {row}")).collect::<String>();
                format!("{}{rows}{more}", columns.join(" | "))
            }
            Self::Error { sqlstate, text } => format!("error {sqlstate}: {text}"),
        }
    }
}

/// Asks; the names of the database and references of faults are taken out of an error.
pub async fn ask(session: &Session, sql: &str, values: &[ScalarValue], catalog: &str) -> Answer {
    let answered = async {
        let stream = session.run_with(sql, values.to_vec()).await?;
        let schema = stream.schema().clone();
        let mut batches = stream.collect().await?;
        if batches.is_empty() {
            batches.push(RecordBatch::new_empty(schema));
        }
        Ok::<_, EngineError>(batches)
    };
    match answered.await {
        Ok(batches) => Answer::of_rows(&batches),
        Err(error) => {
            let mut text = error.to_string().replace(&format!("{catalog}.d."), "");
            if let EngineError::Internal(details) = &error {
                text = format!("{text} ({details})");
            }
            Answer::Error { sqlstate: error.sqlstate().to_owned(), text: without_references(&text) }
        }
    }
}

fn without_references(text: &str) -> String {
    let is_reference = |word: &&str| word.len() == 32 && word.chars().all(|c| c.is_ascii_hexdigit());
    let words = text.split(' ').map(|word| if is_reference(&word) { "REF" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

fn lines(batch: &RecordBatch) -> Vec<String> {
    let columns: Vec<Vec<String>> = batch.columns().iter().map(cells).collect();
    (0..batch.num_rows()).map(|row| columns.iter().map(|c| c[row].as_str()).collect::<Vec<_>>().join(" | ")).collect()
}

/// Every value so that no two different ones look alike.
fn cells(array: &ArrayRef) -> Vec<String> {
    let shown = |at: usize, value: String| if array.is_null(at) { "NULL".to_owned() } else { value };
    match array.data_type() {
        DataType::Float64 => {
            let of = array.as_primitive::<Float64Type>();
            (0..of.len()).map(|at| shown(at, number(of.value(at)))).collect()
        }
        DataType::Float32 => {
            let of = array.as_primitive::<Float32Type>();
            (0..of.len()).map(|at| shown(at, number(f64::from(of.value(at))))).collect()
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let of = cast(array, &DataType::LargeUtf8).unwrap();
            let of = of.as_string::<i64>();
            (0..of.len()).map(|at| shown(at, format!("{:?}", of.value(at)))).collect()
        }
        _ => {
            let options = FormatOptions::default().with_null("NULL");
            let of = ArrayFormatter::try_new(array, &options).unwrap();
            (0..array.len()).map(|at| shown(at, of.value(at).to_string())).collect()
        }
    }
}

fn number(value: f64) -> String {
    if value.is_nan() { "NaN".to_owned() } else { format!("{value:?}") }
}
