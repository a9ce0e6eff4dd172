//! Catalogs, schemas, tables, views, functions, volumes, external locations and storage credentials.

use lakewarden_catalog::model::{FunctionBody, NameClass, Privilege, Securable, SecurableKind, TableType};

use super::Definition;
use super::columns::{type_word, type_words};
use super::reader::{Placed, Reader};
use super::rows::Kind::{Number, Text, Time};
use super::rows::{Cell, Rows};

pub(super) const ALL: &[Definition] = &[
    Definition {
        name: "catalogs",
        columns: &[
            ("catalog_name", Text),
            ("catalog_owner", Text),
            ("comment", Text),
            ("created", Time),
            ("created_by", Text),
            ("last_altered", Time),
            ("last_altered_by", Text),
        ],
        fill: catalogs,
    },
    Definition {
        name: "schemata",
        columns: &[
            ("catalog_name", Text),
            ("schema_name", Text),
            ("schema_owner", Text),
            ("comment", Text),
            ("created", Time),
            ("created_by", Text),
            ("last_altered", Time),
            ("last_altered_by", Text),
        ],
        fill: schemata,
    },
    Definition {
        name: "tables",
        columns: &[
            ("table_catalog", Text),
            ("table_schema", Text),
            ("table_name", Text),
            ("table_type", Text),
            ("is_insertable_into", Text),
            ("commit_action", Text),
            ("table_owner", Text),
            ("comment", Text),
            ("created", Time),
            ("created_by", Text),
            ("last_altered", Time),
            ("last_altered_by", Text),
            ("data_source_format", Text),
            ("storage_sub_directory", Text),
            ("storage_path", Text),
        ],
        fill: tables,
    },
    Definition {
        name: "views",
        columns: &[
            ("table_catalog", Text),
            ("table_schema", Text),
            ("table_name", Text),
            ("view_definition", Text),
            ("check_option", Text),
            ("is_updatable", Text),
            ("is_insertable_into", Text),
        ],
        fill: views,
    },
    Definition {
        name: "routines",
        columns: &[
            ("specific_catalog", Text),
            ("specific_schema", Text),
            ("specific_name", Text),
            ("routine_catalog", Text),
            ("routine_schema", Text),
            ("routine_name", Text),
            ("routine_owner", Text),
            ("routine_type", Text),
            ("data_type", Text),
            ("full_data_type", Text),
            ("routine_body", Text),
            ("routine_definition", Text),
            ("security_type", Text),
            ("comment", Text),
            ("created", Time),
            ("created_by", Text),
            ("last_altered", Time),
            ("last_altered_by", Text),
        ],
        fill: routines,
    },
    Definition {
        name: "parameters",
        columns: &[
            ("specific_catalog", Text),
            ("specific_schema", Text),
            ("specific_name", Text),
            ("ordinal_position", Number),
            ("parameter_mode", Text),
            ("is_result", Text),
            ("parameter_name", Text),
            ("data_type", Text),
            ("full_data_type", Text),
            ("parameter_default", Text),
            ("comment", Text),
        ],
        fill: parameters,
    },
    Definition {
        name: "volumes",
        columns: &[
            ("volume_catalog", Text),
            ("volume_schema", Text),
            ("volume_name", Text),
            ("volume_type", Text),
            ("volume_owner", Text),
            ("comment", Text),
            ("storage_location", Text),
            ("created", Time),
            ("created_by", Text),
            ("last_altered", Time),
            ("last_altered_by", Text),
        ],
        fill: volumes,
    },
    Definition {
        name: "external_locations",
        columns: &[
            ("external_location_name", Text),
            ("external_location_owner", Text),
            ("url", Text),
            ("storage_credential_name", Text),
            ("comment", Text),
            ("created", Time),
            ("created_by", Text),
            ("last_altered", Time),
            ("last_altered_by", Text),
        ],
        fill: external_locations,
    },
    Definition {
        name: "storage_credentials",
        columns: &[
            ("storage_credential_name", Text),
            ("storage_credential_owner", Text),
            ("credential_type", Text),
            ("comment", Text),
            ("created", Time),
            ("created_by", Text),
            ("last_altered", Time),
            ("last_altered_by", Text),
        ],
        fill: storage_credentials,
    },
];

/// Who made and changed a record, by names.
struct Made {
    owner: String,
    by: String,
    altered_by: String,
}

impl Made {
    fn of(reader: &Reader<'_>, securable: &Securable) -> Self {
        Self {
            owner: reader.principal(securable.owner),
            by: reader.principal(securable.created_by),
            altered_by: reader.principal(securable.updated_by),
        }
    }

    /// When and by whom: the last four columns of most relations.
    fn cells<'a>(&'a self, securable: &Securable) -> [Cell<'a>; 4] {
        [
            Cell::Time(securable.created_at_ms),
            (&self.by).into(),
            Cell::Time(securable.updated_at_ms),
            (&self.altered_by).into(),
        ]
    }
}

/// The three names of what lies in a schema.
pub(super) fn names<'a>(placed: &Placed<'a>) -> [Cell<'a>; 3] {
    [placed.catalog.name.as_str().into(), placed.schema.name.as_str().into(), placed.securable.name.as_str().into()]
}

fn row<'a, const N: usize>(start: [Cell<'a>; N], rest: impl IntoIterator<Item = Cell<'a>>) -> Vec<Cell<'a>> {
    start.into_iter().chain(rest).collect()
}

fn catalogs(reader: &Reader<'_>, rows: &mut Rows<'_>) {
    for catalog in reader.catalogs() {
        let made = Made::of(reader, catalog);
        let start = [catalog.name.as_str().into(), (&made.owner).into(), catalog.comment.as_deref().into()];
        rows.push(&row(start, made.cells(catalog)));
    }
}

fn schemata(reader: &Reader<'_>, rows: &mut Rows<'_>) {
    for (catalog, schema) in reader.schemas() {
        let made = Made::of(reader, schema);
        let names = [catalog.name.as_str().into(), schema.name.as_str().into()];
        let about = [(&made.owner).into(), schema.comment.as_deref().into()];
        rows.push(&row(names, about.into_iter().chain(made.cells(schema))));
    }
}

fn tables(reader: &Reader<'_>, rows: &mut Rows<'_>) {
    for placed in reader.placed(NameClass::Relation) {
        let (relation, made) = (placed.securable, Made::of(reader, placed.securable));
        let table = relation.as_table();
        let kind = match table.map(|table| table.table_type) {
            Some(TableType::Managed) => "MANAGED",
            Some(TableType::External) => "EXTERNAL",
            None => "VIEW",
        };
        let path = table.map(|table| &*table.location).filter(|_| reader.manages(relation));
        let insertable = if table.is_some() { "YES" } else { "NO" };
        let about = [
            kind.into(),
            insertable.into(),
            "PRESERVE".into(),
            (&made.owner).into(),
            relation.comment.as_deref().into(),
        ];
        let stored = [table.map(|_| "DELTA").into(), Cell::Null, path.into()];
        rows.push(&row(names(&placed), about.into_iter().chain(made.cells(relation)).chain(stored)));
    }
}

/// What a view says may name what its readers may not see, so it is told to those who manage the view.
fn views(reader: &Reader<'_>, rows: &mut Rows<'_>) {
    for placed in reader.placed(NameClass::Relation) {
        let Some(view) = placed.securable.as_view() else { continue };
        let text = Some(view.sql.as_str()).filter(|_| reader.manages(placed.securable));
        rows.push(&row(names(&placed), [text.into(), "NONE".into(), "NO".into(), "NO".into()]));
    }
}

fn functions<'a>(reader: &Reader<'a>) -> impl Iterator<Item = (Placed<'a>, &'a FunctionBody)> {
    reader
        .placed(NameClass::Function)
        .filter_map(|placed| placed.securable.as_function().map(|function| (placed, function)))
}

fn routines(reader: &Reader<'_>, rows: &mut Rows<'_>) {
    for (placed, function) in functions(reader) {
        let made = Made::of(reader, placed.securable);
        let body = Some(function.body.as_str()).filter(|_| reader.manages(placed.securable));
        let (word, words) = (type_word(&function.return_type), type_words(&function.return_type));
        let about = [
            (&made.owner).into(),
            "FUNCTION".into(),
            (&word).into(),
            (&words).into(),
            "SQL".into(),
            body.into(),
            "DEFINER".into(),
            placed.securable.comment.as_deref().into(),
        ];
        let rest = names(&placed).into_iter().chain(about).chain(made.cells(placed.securable));
        rows.push(&row(names(&placed), rest));
    }
}

fn parameters(reader: &Reader<'_>, rows: &mut Rows<'_>) {
    for (placed, function) in functions(reader) {
        for (place, parameter) in (1..).zip(&function.parameters) {
            let (word, words) = (type_word(&parameter.type_text), type_words(&parameter.type_text));
            let about = [
                Cell::Number(place),
                "IN".into(),
                "NO".into(),
                parameter.name.as_str().into(),
                (&word).into(),
                (&words).into(),
                Cell::Null,
                parameter.comment.as_deref().into(),
            ];
            rows.push(&row(names(&placed), about));
        }
    }
}

/// The folder of a volume is told to those who may use it.
fn volumes(reader: &Reader<'_>, rows: &mut Rows<'_>) {
    for placed in reader.placed(NameClass::Volume) {
        let (one, made) = (placed.securable, Made::of(reader, placed.securable));
        let Some(volume) = one.as_volume() else { continue };
        let uses = reader.manages(one)
            || reader.holds(one, Privilege::ReadVolume)
            || reader.holds(one, Privilege::WriteVolume);
        let about = [
            volume.volume_type.as_str().into(),
            (&made.owner).into(),
            one.comment.as_deref().into(),
            Some(&*volume.location).filter(|_| uses).into(),
        ];
        rows.push(&row(names(&placed), about.into_iter().chain(made.cells(one))));
    }
}

fn external_locations(reader: &Reader<'_>, rows: &mut Rows<'_>) {
    for one in reader.in_metastore(SecurableKind::ExternalLocation.name_class()) {
        let Some(location) = one.as_external_location() else { continue };
        let made = Made::of(reader, one);
        let credential = location.credential.filter(|id| reader.pinned.sees(*id));
        let credential = credential.and_then(|id| reader.pinned.state().securable(id));
        let start = [
            one.name.as_str().into(),
            (&made.owner).into(),
            (&location.url).into(),
            credential.map(|credential| credential.name.as_str()).into(),
            one.comment.as_deref().into(),
        ];
        rows.push(&row(start, made.cells(one)));
    }
}

fn storage_credentials(reader: &Reader<'_>, rows: &mut Rows<'_>) {
    for one in reader.in_metastore(SecurableKind::StorageCredential.name_class()) {
        let Some(credential) = one.as_storage_credential() else { continue };
        let made = Made::of(reader, one);
        let start = [
            one.name.as_str().into(),
            (&made.owner).into(),
            credential.provider.as_str().into(),
            one.comment.as_deref().into(),
        ];
        rows.push(&row(start, made.cells(one)));
    }
}
