//! Tags on catalogs, schemas, tables, columns and volumes.

use lakewarden_catalog::model::{NameClass, Tags};

use super::Definition;
use super::columns::relations;
use super::objects::names;
use super::reader::Reader;
use super::rows::Kind::Text;
use super::rows::{Cell, Rows};

pub(super) const ALL: &[Definition] = &[
    Definition {
        name: "catalog_tags",
        columns: &[("catalog_name", Text), ("tag_name", Text), ("tag_value", Text)],
        fill: catalog_tags,
    },
    Definition {
        name: "schema_tags",
        columns: &[("catalog_name", Text), ("schema_name", Text), ("tag_name", Text), ("tag_value", Text)],
        fill: schema_tags,
    },
    Definition {
        name: "table_tags",
        columns: &[
            ("catalog_name", Text),
            ("schema_name", Text),
            ("table_name", Text),
            ("tag_name", Text),
            ("tag_value", Text),
        ],
        fill: |reader, rows| placed_tags(reader, NameClass::Relation, rows),
    },
    Definition {
        name: "volume_tags",
        columns: &[
            ("catalog_name", Text),
            ("schema_name", Text),
            ("volume_name", Text),
            ("tag_name", Text),
            ("tag_value", Text),
        ],
        fill: |reader, rows| placed_tags(reader, NameClass::Volume, rows),
    },
    Definition {
        name: "column_tags",
        columns: &[
            ("catalog_name", Text),
            ("schema_name", Text),
            ("table_name", Text),
            ("column_name", Text),
            ("tag_name", Text),
            ("tag_value", Text),
        ],
        fill: column_tags,
    },
];

fn push<'a>(names: impl IntoIterator<Item = &'a str>, tags: Option<&Tags>, rows: &mut Rows<'_>) {
    let names: Vec<&str> = names.into_iter().collect();
    for (key, value) in tags.into_iter().flat_map(Tags::iter) {
        let marked = names.iter().map(|name| Cell::Text(name));
        rows.push(&marked.chain([Cell::Text(key), Cell::Text(value)]).collect::<Vec<_>>());
    }
}

fn catalog_tags(reader: &Reader<'_>, rows: &mut Rows<'_>) {
    for catalog in reader.catalogs() {
        push([catalog.name.as_str()], catalog.tags.as_deref(), rows);
    }
}

fn schema_tags(reader: &Reader<'_>, rows: &mut Rows<'_>) {
    for (catalog, schema) in reader.schemas() {
        push([catalog.name.as_str(), schema.name.as_str()], schema.tags.as_deref(), rows);
    }
}

fn placed_tags(reader: &Reader<'_>, class: NameClass, rows: &mut Rows<'_>) {
    for placed in reader.placed(class) {
        let tags = placed.securable.tags.as_deref();
        for (key, value) in tags.into_iter().flat_map(Tags::iter) {
            rows.push(&names(&placed).into_iter().chain([Cell::Text(key), Cell::Text(value)]).collect::<Vec<_>>());
        }
    }
}

fn column_tags(reader: &Reader<'_>, rows: &mut Rows<'_>) {
    for placed in relations(reader) {
        for column in placed.securable.columns() {
            let place = [placed.catalog.name.as_str(), placed.schema.name.as_str(), placed.securable.name.as_str()];
            push(place.into_iter().chain([&*column.name]), column.tags.as_deref(), rows);
        }
    }
}
