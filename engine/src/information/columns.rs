//! Columns, and the policies that are bound to them and their tables.

use lakewarden_catalog::model::{Column as StoredColumn, ColumnId, NameClass, PolicyArgument, SecurableId, TableBody};

use super::Definition;
use super::objects::names;
use super::reader::{Placed, Reader};
use super::rows::Kind::{Number, Text};
use super::rows::{Cell, Rows};
use super::tells_columns;

pub(super) const ALL: &[Definition] = &[
    Definition {
        name: "columns",
        columns: &[
            ("table_catalog", Text),
            ("table_schema", Text),
            ("table_name", Text),
            ("column_name", Text),
            ("ordinal_position", Number),
            ("column_default", Text),
            ("is_nullable", Text),
            ("full_data_type", Text),
            ("data_type", Text),
            ("character_maximum_length", Number),
            ("character_octet_length", Number),
            ("numeric_precision", Number),
            ("numeric_precision_radix", Number),
            ("numeric_scale", Number),
            ("datetime_precision", Number),
            ("is_identity", Text),
            ("is_generated", Text),
            ("is_updatable", Text),
            ("partition_ordinal_position", Number),
            ("comment", Text),
        ],
        fill: columns,
    },
    Definition {
        name: "row_filters",
        columns: &[
            ("table_catalog", Text),
            ("table_schema", Text),
            ("table_name", Text),
            ("filter_name", Text),
            ("target_columns", Text),
        ],
        fill: row_filters,
    },
    Definition {
        name: "column_masks",
        columns: &[
            ("table_catalog", Text),
            ("table_schema", Text),
            ("table_name", Text),
            ("column_name", Text),
            ("mask_name", Text),
            ("using_columns", Text),
        ],
        fill: column_masks,
    },
];

/// The relations whose columns may be told.
pub(super) fn relations<'a>(reader: &Reader<'a>) -> impl Iterator<Item = Placed<'a>> {
    let pinned = reader.pinned;
    reader.placed(NameClass::Relation).filter(move |placed| tells_columns(pinned, placed.securable))
}

fn columns(reader: &Reader<'_>, rows: &mut Rows<'_>) {
    for placed in relations(reader) {
        let updatable = if placed.securable.as_table().is_some() { "YES" } else { "NO" };
        for (place, column) in (1..).zip(placed.securable.columns()) {
            push(&placed, place, column, updatable, rows);
        }
    }
}

fn push(placed: &Placed<'_>, place: i64, column: &StoredColumn, updatable: &str, rows: &mut Rows<'_>) {
    let (word, words) = (type_word(&column.type_text), type_words(&column.type_text));
    let numbers = Numbers::of(&word, &words);
    let about = [
        (&*column.name).into(),
        Cell::Number(place),
        Cell::Null,
        if column.nullable { "YES" } else { "NO" }.into(),
        (&words).into(),
        (&word).into(),
        Cell::Null,
        Cell::Null,
        numbers.precision.into(),
        numbers.radix.into(),
        numbers.scale.into(),
        numbers.of_time.into(),
        "NO".into(),
        "NO".into(),
        updatable.into(),
        column.partition_index.map(|at| i64::from(at) + 1).into(),
        column.comment.as_deref().into(),
    ];
    rows.push(&names(placed).into_iter().chain(about).collect::<Vec<_>>());
}

/// The type without its parameters, in capitals: `DECIMAL`, `ARRAY`.
pub(super) fn type_word(text: &str) -> String {
    text.split(['(', '<']).next().unwrap_or(text).trim().to_uppercase()
}

/// The whole type in small letters: `decimal(12,2)`.
pub(super) fn type_words(text: &str) -> String {
    text.to_lowercase()
}

/// What a type says of its numbers.
#[derive(Debug, Default, PartialEq, Eq)]
struct Numbers {
    precision: Option<i64>,
    radix: Option<i64>,
    scale: Option<i64>,
    of_time: Option<i64>,
}

impl Numbers {
    fn of(word: &str, words: &str) -> Self {
        let number =
            |precision, radix, scale| Self { precision: Some(precision), radix: Some(radix), scale, of_time: None };
        match word {
            "TINYINT" => number(3, 10, Some(0)),
            "SMALLINT" => number(5, 10, Some(0)),
            "INT" => number(10, 10, Some(0)),
            "BIGINT" => number(19, 10, Some(0)),
            "FLOAT" => number(24, 2, None),
            "DOUBLE" => number(53, 2, None),
            "DECIMAL" => {
                let inner = words.split(['(', ')']).nth(1).unwrap_or_default();
                let mut parts = inner.split(',').map(|part| part.trim().parse().ok());
                let (precision, scale) = (parts.next().flatten(), parts.next().flatten());
                Self { precision, radix: Some(10), scale, of_time: None }
            }
            "DATE" => Self { of_time: Some(0), ..Self::default() },
            "TIMESTAMP" | "TIMESTAMP_NTZ" => Self { of_time: Some(6), ..Self::default() },
            _ => Self::default(),
        }
    }
}

/// The names of the columns that a policy takes. Constants may tell what it hides, so they are left out.
fn taken(table: &TableBody, arguments: &[PolicyArgument]) -> String {
    let name = |id: ColumnId| table.columns.iter().find(|column| column.id == id).map(|column| column.name.to_string());
    let columns = arguments.iter().filter_map(|argument| match argument {
        PolicyArgument::Column(id) => name(*id),
        _ => None,
    });
    columns.collect::<Vec<_>>().join(", ")
}

fn full_name(reader: &Reader<'_>, function: SecurableId) -> String {
    reader.pinned.state().full_name(function)
}

fn row_filters(reader: &Reader<'_>, rows: &mut Rows<'_>) {
    for placed in relations(reader) {
        let Some(table) = placed.securable.as_table() else { continue };
        let Some(filter) = &table.row_filter else { continue };
        let (function, columns) = (full_name(reader, filter.function), taken(table, &filter.arguments));
        rows.push(&names(&placed).into_iter().chain([(&function).into(), (&columns).into()]).collect::<Vec<_>>());
    }
}

fn column_masks(reader: &Reader<'_>, rows: &mut Rows<'_>) {
    for placed in relations(reader) {
        let Some(table) = placed.securable.as_table() else { continue };
        let masked = table.columns.iter().filter_map(|column| column.mask.as_ref().map(|mask| (column, mask)));
        for (column, mask) in masked {
            let (function, using) = (full_name(reader, mask.function), taken(table, &mask.using));
            let about = [(&*column.name).into(), (&function).into(), (&using).into()];
            rows.push(&names(&placed).into_iter().chain(about).collect::<Vec<_>>());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_tell_their_numbers() {
        let of = |text: &str| {
            let numbers = Numbers::of(&type_word(text), &type_words(text));
            (numbers.precision, numbers.radix, numbers.scale, numbers.of_time)
        };
        assert_eq!(of("DECIMAL(12,2)"), (Some(12), Some(10), Some(2), None));
        assert_eq!(of("BIGINT"), (Some(19), Some(10), Some(0), None));
        assert_eq!(of("TIMESTAMP"), (None, None, None, Some(6)));
        assert_eq!(of("ARRAY<DECIMAL(12,2)>"), (None, None, None, None));
        assert_eq!(
            (type_word("MAP<STRING, INT>"), type_words("ARRAY<INT>")),
            ("MAP".to_owned(), "array<int>".to_owned())
        );
    }
}
