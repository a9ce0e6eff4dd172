//! What the answers of the server look like on the screen: each kind of thing as a record.

mod access;

use std::collections::BTreeMap;

use lakewarden_proto::v1::{self, PrincipalKind, SecurableKind, TableType, policy_argument::Argument};

pub use access::{EFFECT_FIELDS, EFFECTIVE_FIELDS, HOLDER_FIELDS, effect, effective, explanation, holder};

use crate::render::{Record, Value};
use crate::time;

/// The fields that all securables share, after those of its own.
macro_rules! with_common {
    ($record:expr, $thing:expr) => {
        $record
            .with("owner", $thing.owner)
            .with("comment", Value::optional($thing.comment))
            .with("properties", properties($thing.properties))
            .with("created_at", time::value($thing.created_at.as_ref()))
            .with("created_by", Value::optional($thing.created_by))
            .with("updated_at", time::value($thing.updated_at.as_ref()))
            .with("updated_by", Value::optional($thing.updated_by))
            .with("etag", $thing.etag)
            .with("id", $thing.id)
    };
}

/// The fields of a list of catalogs.
pub const CATALOG_FIELDS: &[&str] = &["full_name", "owner", "comment"];
/// The fields of a list of schemas.
pub const SCHEMA_FIELDS: &[&str] = CATALOG_FIELDS;
/// The fields of a list of tables.
pub const TABLE_FIELDS: &[&str] = &["full_name", "table_type", "owner", "comment"];
/// The fields of a list of views.
pub const VIEW_FIELDS: &[&str] = CATALOG_FIELDS;
/// The fields of a list of functions.
pub const FUNCTION_FIELDS: &[&str] = &["full_name", "parameters", "return_type", "owner", "comment"];
/// The fields of a list of principals.
pub const PRINCIPAL_FIELDS: &[&str] = &["name", "kind", "comment", "created_at"];
/// The fields of a list of tokens.
pub const TOKEN_FIELDS: &[&str] = &["id", "principal", "comment", "created_at", "expires_at", "revoked_at"];
/// The fields of a list of grants.
pub const GRANT_FIELDS: &[&str] =
    &["principal", "effect", "privilege", "securable_kind", "securable", "column", "inherited"];
/// The fields of a list of policies.
pub const POLICY_FIELDS: &[&str] = &["policy", "column", "function", "arguments"];
/// The fields of a list of policies by tags.
pub const TAG_POLICY_FIELDS: &[&str] = &["name", "kind", "securable_kind", "securable", "function", "to", "comment"];
/// The fields of a list of tags.
pub const TAG_FIELDS: &[&str] = &["column", "key", "value"];
/// The fields of a list of governed tags.
pub const GOVERNED_TAG_FIELDS: &[&str] = &["key", "values", "owner", "comment"];
/// The fields of a list of audit records.
pub const AUDIT_FIELDS: &[&str] = &["time", "principal", "door", "action", "securable", "outcome", "details"];

/// A catalog.
pub fn catalog(it: v1::Catalog) -> Record {
    with_common!(Record::new().with("name", it.name).with("full_name", it.full_name), it)
}

/// A schema.
pub fn schema(it: v1::Schema) -> Record {
    with_common!(Record::new().with("name", it.name).with("full_name", it.full_name), it)
}

/// A table; its columns last, as they take the most room.
pub fn table(it: v1::Table) -> Record {
    let record = Record::new()
        .with("name", it.name)
        .with("full_name", it.full_name)
        .with("table_type", table_type(it.table_type))
        .with("format", Value::optional(it.data_source_format))
        .with("location", Value::optional(it.location));
    let record = with_common!(record, it);
    record
        .with("row_filter", it.row_filter.map_or(Value::Null, |f| call(&f.function, &f.arguments)))
        .with("columns", columns(it.columns))
}

/// A table or view as it comes in a list, which leaves the columns out.
pub fn without_columns(mut record: Record) -> Record {
    record.fields.retain(|(name, _)| *name != "columns");
    record
}

/// A view.
pub fn view(it: v1::Table) -> Record {
    let record = Record::new().with("name", it.name).with("full_name", it.full_name).with("query", it.view_definition);
    with_common!(record, it).with("columns", columns(it.columns))
}

/// A function.
pub fn function(it: v1::Function) -> Record {
    let parameters = it.parameters.into_iter().map(|p| format!("{} {}", p.name, p.type_text));
    let record = Record::new()
        .with("name", it.name)
        .with("full_name", it.full_name)
        .with("parameters", Value::texts(parameters))
        .with("return_type", it.return_type)
        .with("body", it.routine_definition)
        .with("language", Value::optional(it.language));
    with_common!(record, it)
}

/// A user, group or service principal.
pub fn principal(it: v1::Principal) -> Record {
    Record::new()
        .with("name", it.name)
        .with("kind", principal_kind(it.kind))
        .with("comment", Value::optional(it.comment))
        .with("created_at", time::value(it.created_at.as_ref()))
        .with("created_by", Value::optional(it.created_by))
        .with("etag", it.etag)
        .with("id", it.id)
}

/// What is known of a token.
pub fn token(it: v1::Token) -> Record {
    Record::new()
        .with("id", it.id)
        .with("principal", it.principal)
        .with("comment", Value::optional(it.comment))
        .with("created_at", time::value(it.created_at.as_ref()))
        .with("created_by", Value::optional(it.created_by))
        .with("expires_at", time::value(it.expires_at.as_ref()))
        .with("revoked_at", time::value(it.revoked_at.as_ref()))
}

/// A grant or denial.
pub fn grant(it: v1::GrantEntry) -> Record {
    let record = Record::new()
        .with("principal", it.principal)
        .with("principal_kind", principal_kind(it.principal_kind))
        .with("effect", if it.denied { "deny" } else { "grant" })
        .with("privilege", privilege(it.privilege));
    securable(record, it.securable).with("column", Value::optional(it.column)).with("inherited", it.inherited)
}

/// The policies of a table: the row filter first, then the masks.
pub fn policies(it: v1::TablePolicies) -> Vec<Record> {
    let entry = |policy: &str, column: Value, function: String, arguments: &[v1::PolicyArgument]| {
        let arguments = Value::texts(arguments.iter().map(argument));
        Record::new()
            .with("policy", policy)
            .with("column", column)
            .with("function", function)
            .with("arguments", arguments)
    };
    let filter = it.row_filter.map(|f| entry("row filter", Value::Null, f.function, &f.arguments));
    let masks = it.column_masks.into_iter().map(|binding| {
        let mask = binding.mask.unwrap_or_default();
        let masked = [vec![binding.column], binding.field_path].concat().join(".");
        entry("mask", masked.into(), mask.function, &mask.using_columns)
    });
    filter.into_iter().chain(masks).collect()
}

/// A policy by tags.
pub fn tag_policy(it: v1::Policy) -> Record {
    let kind = enum_words(v1::PolicyKind::try_from(it.kind).map(|kind| kind.as_str_name()), "POLICY_KIND_");
    let matched = |one: v1::ColumnMatch| match one.alias.as_str() {
        "" => one.condition,
        alias => format!("{} AS {alias}", one.condition),
    };
    let record = Record::new().with("name", it.name).with("kind", kind.to_lowercase().replace('_', " "));
    securable(record, it.securable)
        .with("function", Value::optional(it.function))
        .with("to", Value::texts(it.to))
        .with("except", Value::texts(it.except))
        .with("when", Value::optional(it.when))
        .with("match_columns", Value::texts(it.match_columns.into_iter().map(matched)))
        .with("on_column", Value::optional(it.on_column))
        .with("using_columns", Value::texts(it.using_columns.iter().map(argument)))
        .with("comment", Value::optional(it.comment))
        .with("created_at", time::value(it.created_at.as_ref()))
        .with("created_by", Value::optional(it.created_by))
        .with("id", it.id)
}

/// The tags of a securable: its own first, then those of its columns.
pub fn tags(it: v1::SecurableTags) -> Vec<Record> {
    let each = |column: &str, tags: BTreeMap<String, String>| {
        let column = Value::optional(column);
        let one = |(key, value): (String, String)| {
            Record::new().with("column", column.clone()).with("key", key).with("value", value)
        };
        tags.into_iter().map(one).collect::<Vec<_>>()
    };
    let columns = it.columns.into_iter().flat_map(|of| each(&of.column, of.tags));
    each("", it.tags).into_iter().chain(columns).collect()
}

/// A governed tag.
pub fn governed_tag(it: v1::GovernedTag) -> Record {
    let record = Record::new().with("key", it.key).with("values", Value::texts(it.values));
    with_common!(record, it)
}

/// An audit record.
pub fn audit(it: v1::AuditEvent) -> Record {
    let outcome =
        enum_words(v1::AuditOutcome::try_from(it.outcome).map(|o| o.as_str_name()), "AUDIT_OUTCOME_").to_lowercase();
    Record::new()
        .with("sequence", Value::Number(i64::try_from(it.sequence).unwrap_or(i64::MAX)))
        .with("time", time::value(it.time.as_ref()))
        .with("principal", Value::optional(it.principal))
        .with("principal_id", Value::optional(it.principal_id))
        .with("door", Value::optional(it.door))
        .with("action", it.action)
        .with("securable", Value::optional(it.securable))
        .with("outcome", outcome)
        .with("details", properties(it.details))
        .with("request_id", Value::optional(it.request_id))
}

/// Who the caller is.
pub fn whoami(it: v1::WhoAmIResponse) -> Record {
    let principal = it.principal.unwrap_or_default();
    Record::new()
        .with("principal", principal.name)
        .with("kind", principal_kind(principal.kind))
        .with("principal_id", principal.id)
        .with("groups", Value::texts(it.groups))
        .with("metastore_admin", it.metastore_admin)
        .with("metastore", Value::optional(it.metastore_name))
        .with("metastore_id", Value::optional(it.metastore_id))
        .with("token_id", Value::optional(it.token_id))
        .with("token_expires_at", time::value(it.token_expires_at.as_ref()))
        .with("server_version", Value::optional(it.server_version))
}

fn properties(map: BTreeMap<String, String>) -> Value {
    Value::Map(map.into_iter().map(|(key, value)| (key, Value::Text(value))).collect())
}

fn columns(columns: Vec<v1::Column>) -> Value {
    Value::List(columns.into_iter().map(|c| column(c).into()).collect())
}

fn column(it: v1::Column) -> Record {
    Record::new()
        .with("column", it.name)
        .with("type", it.type_text)
        .with("nullable", it.nullable.unwrap_or(true))
        .with("partition", it.partition_index.map_or(Value::Null, |i| Value::Number(i.into())))
        .with("mask", it.mask.map_or(Value::Null, |m| call(&m.function, &m.using_columns)))
        .with("comment", Value::optional(it.comment))
}

/// A policy as a call of its function.
fn call(function: &str, arguments: &[v1::PolicyArgument]) -> Value {
    Value::Text(format!("{function}({})", arguments.iter().map(argument).collect::<Vec<_>>().join(", ")))
}

fn argument(it: &v1::PolicyArgument) -> String {
    match &it.argument {
        Some(Argument::Column(text) | Argument::Literal(text)) => text.clone(),
        None => "?".to_owned(),
    }
}

fn securable(record: Record, reference: Option<v1::SecurableRef>) -> Record {
    let kind = reference.as_ref().map(|r| securable_kind(r.kind));
    record
        .with("securable_kind", kind.map_or(Value::Null, Value::Text))
        .with("securable", reference.map_or(Value::Null, |r| Value::optional(r.full_name)))
}

fn securable_kind(number: i32) -> String {
    let name = SecurableKind::try_from(number).map(|k| k.as_str_name());
    enum_words(name, "SECURABLE_KIND_").to_lowercase().replace('_', " ")
}

fn privilege(number: i32) -> String {
    enum_words(v1::Privilege::try_from(number).map(|p| p.as_str_name()), "PRIVILEGE_").replace('_', " ")
}

fn table_type(number: i32) -> String {
    enum_words(TableType::try_from(number).map(|t| t.as_str_name()), "TABLE_TYPE_").to_lowercase()
}

fn principal_kind(number: i32) -> String {
    enum_words(PrincipalKind::try_from(number).map(|k| k.as_str_name()), "PRINCIPAL_KIND_").to_lowercase()
}

/// The words of an enum value without their prefix; one that a newer server knows and we do not is `UNKNOWN`.
fn enum_words<E>(name: Result<&'static str, E>, prefix: &str) -> String {
    name.map_or("UNKNOWN", |name| name.strip_prefix(prefix).unwrap_or(name)).to_owned()
}

#[cfg(test)]
mod tests;
