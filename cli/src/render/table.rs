//! Tables for people: the header underlined, numbers to the right, NULL apart from the text "NULL", wrapped at the width of
//! the terminal.

use comfy_table::{
    Attribute, Cell, CellAlignment, ContentArrangement, ContentLineStyle, LineStyle, Row, Table, TableStyle,
};

use super::clean::{clean_line, clean_lines};
use super::{Record, Value};

const STYLE: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none().junction('|'))
    .header_separator(LineStyle::none().fill('-').junction('+'))
    .content_lines(ContentLineStyle::none().junction('|'));

/// A list of records, the given fields only.
pub(super) fn records(records: &[Record], fields: &[&'static str], width: Option<u16>) -> String {
    let mut sheet = Sheet::new(fields.iter().map(|name| (name.replace('_', " "), false)), width);
    for record in records {
        sheet.push(fields.iter().map(|name| cell_of(record.get(name))));
    }
    sheet.finish()
}

/// One record, a field on each line; lists of records follow as tables of their own.
pub(super) fn single(record: &Record, width: Option<u16>) -> String {
    let mut table = empty(width);
    let mut nested = String::new();
    for (name, value) in &record.fields {
        let cell = match value {
            Value::Text(text) => text_cell(&clean_lines(text)),
            Value::List(items) if items.iter().any(|item| matches!(item, Value::Map(_))) => {
                nested.push('\n');
                nested.push_str(&inner(items, width));
                continue;
            }
            other => cell_of(other),
        };
        table.add_row(Row::from(vec![Cell::new(name.replace('_', " ")), cell]));
    }
    drawn(&table) + &nested
}

fn inner(items: &[Value], width: Option<u16>) -> String {
    let maps: Vec<&Vec<(String, Value)>> =
        items.iter().filter_map(|v| if let Value::Map(m) = v { Some(m) } else { None }).collect();
    let titles = maps.first().into_iter().flat_map(|entries| entries.iter().map(|(title, _)| (title.clone(), false)));
    let mut sheet = Sheet::new(titles, width);
    for entries in maps {
        sheet.push(entries.iter().map(|(_, value)| cell_of(value)));
    }
    sheet.finish()
}

/// A table under construction.
pub(super) struct Sheet {
    table: Table,
    numeric: Vec<bool>,
}

impl Sheet {
    /// A table with columns of these titles; true for those of numbers.
    pub(super) fn new(columns: impl Iterator<Item = (String, bool)>, width: Option<u16>) -> Self {
        let (titles, numeric): (Vec<String>, Vec<bool>) = columns.unzip();
        let mut table = empty(width);
        let header: Vec<Cell> =
            titles.iter().zip(&numeric).map(|(title, right)| align(Cell::new(clean_line(title)), *right)).collect();
        table.set_header(Row::from(header));
        Self { table, numeric }
    }

    /// Appends a row; `None` is NULL.
    pub(super) fn push(&mut self, cells: impl Iterator<Item = Cell>) {
        let row: Vec<Cell> = cells.zip(&self.numeric).map(|(cell, right)| align(cell, *right)).collect();
        self.table.add_row(Row::from(row));
    }

    /// The table as text.
    pub(super) fn finish(&self) -> String {
        drawn(&self.table)
    }
}

/// The cell for a text on one line, or for NULL.
pub(super) fn cell(text: Option<&str>) -> Cell {
    match text {
        None => Cell::new("NULL").add_attribute(Attribute::Dim),
        Some(text) => text_cell(&clean_line(text)),
    }
}

fn cell_of(value: &Value) -> Cell {
    cell(value.flat().as_deref())
}

fn text_cell(text: &str) -> Cell {
    if text == "NULL" { Cell::new("'NULL'") } else { Cell::new(text) }
}

fn align(cell: Cell, right: bool) -> Cell {
    if right { cell.set_alignment(CellAlignment::Right) } else { cell }
}

fn empty(width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic);
    table.style_text_only();
    if let Some(width) = width {
        table.set_width(width);
    }
    table
}

fn drawn(table: &Table) -> String {
    let mut out = String::new();
    for line in table.lines() {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
