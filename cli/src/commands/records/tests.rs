use super::*;
use prost_types::Timestamp;

fn flat(record: &Record) -> String {
    let line = |(name, value): &(&str, Value)| format!("{name}: {}\n", value.flat().unwrap_or_else(|| "-".to_owned()));
    record.fields.iter().map(line).collect()
}

fn filter(column: &str) -> v1::PolicyArgument {
    v1::PolicyArgument { argument: Some(Argument::Column(column.to_owned())) }
}

fn literal(text: &str) -> v1::PolicyArgument {
    v1::PolicyArgument { argument: Some(Argument::Literal(text.to_owned())) }
}

#[test]
fn a_table_shows_its_policies_and_columns() {
    let column = v1::Column {
        name: "c_phone".to_owned(),
        type_text: "STRING".to_owned(),
        mask: Some(v1::ColumnMask {
            function: "demo.gov.mask".to_owned(),
            using_columns: vec![filter("c_nationkey"), literal("'x'")],
        }),
        ..Default::default()
    };
    let table = v1::Table {
        name: "customer".to_owned(),
        full_name: "demo.tpch.customer".to_owned(),
        owner: "admin".to_owned(),
        properties: BTreeMap::from([("k".to_owned(), "v".to_owned())]),
        created_at: Some(Timestamp { seconds: 1_790_000_000, nanos: 0 }),
        table_type: TableType::Managed.into(),
        columns: vec![column],
        row_filter: Some(v1::RowFilter { function: "demo.gov.f".to_owned(), arguments: vec![filter("c_nationkey")] }),
        ..Default::default()
    };
    insta::assert_snapshot!(flat(&super::table(table)));
}

#[test]
fn grants_use_the_words_of_sql() {
    let entry = v1::GrantEntry {
        principal: "analysts".to_owned(),
        principal_kind: PrincipalKind::Group.into(),
        privilege: v1::Privilege::UseCatalog.into(),
        securable: Some(v1::SecurableRef { kind: SecurableKind::Catalog.into(), full_name: "demo".to_owned() }),
        inherited: true,
        ..Default::default()
    };
    insta::assert_snapshot!(flat(&grant(entry)));
}

#[test]
fn what_a_newer_server_knows_is_shown_as_unknown() {
    let record = grant(v1::GrantEntry { privilege: 9999, ..Default::default() });
    assert_eq!(record.get("privilege").flat().as_deref(), Some("UNKNOWN"));
}

#[test]
fn policies_come_as_one_list() {
    let policies = super::policies(v1::TablePolicies {
        table: "demo.tpch.customer".to_owned(),
        row_filter: Some(v1::RowFilter {
            function: "demo.gov.f".to_owned(),
            arguments: vec![filter("c_nationkey"), literal("42")],
        }),
        column_masks: vec![v1::ColumnMaskBinding {
            column: "c_phone".to_owned(),
            mask: Some(v1::ColumnMask { function: "demo.gov.m".to_owned(), using_columns: vec![] }),
            field_path: vec![],
        }],
        ..Default::default()
    });
    insta::assert_snapshot!(policies.iter().map(flat).collect::<Vec<_>>().join("--\n"));
}

#[test]
fn the_fields_of_lists_exist() {
    let exist = |record: Record, fields: &[&str]| {
        for field in fields {
            assert!(record.fields.iter().any(|(name, _)| name == field), "{field}");
        }
    };
    exist(catalog(v1::Catalog::default()), CATALOG_FIELDS);
    exist(schema(v1::Schema::default()), SCHEMA_FIELDS);
    exist(table(v1::Table::default()), TABLE_FIELDS);
    exist(view(v1::Table::default()), VIEW_FIELDS);
    exist(function(v1::Function::default()), FUNCTION_FIELDS);
    exist(principal(v1::Principal::default()), PRINCIPAL_FIELDS);
    exist(token(v1::Token::default()), TOKEN_FIELDS);
    exist(grant(v1::GrantEntry::default()), GRANT_FIELDS);
    exist(effect(v1::GrantEffect::default()), EFFECT_FIELDS);
    for flat in [true, false] {
        exist(effective(v1::EffectiveGrant::default(), flat), EFFECTIVE_FIELDS);
        exist(holder(v1::Holder::default(), flat), HOLDER_FIELDS);
    }
    exist(audit(v1::AuditEvent::default()), AUDIT_FIELDS);
}

fn on(kind: SecurableKind, name: &str) -> Option<v1::SecurableRef> {
    Some(v1::SecurableRef { kind: kind.into(), full_name: name.to_owned() })
}

fn reason(effect: v1::AccessEffect, privilege: v1::Privilege, holder: &str, path: &[&str]) -> v1::AccessReason {
    v1::AccessReason {
        effect: effect.into(),
        privilege: privilege.into(),
        holder: holder.to_owned(),
        path: path.iter().map(|group| (*group).to_owned()).collect(),
        securable: on(SecurableKind::Schema, "demo.tpch"),
        column: String::new(),
    }
}

/// A denial with all that an answer may hold.
fn answer() -> v1::ExplainAccessResponse {
    use v1::AccessEffect::{Deny, Grant, Owner};
    let step = |privilege: v1::Privilege, kind, name, because: Vec<v1::AccessReason>, allowed| v1::AccessStep {
        privilege: privilege.into(),
        securable: on(kind, name),
        allowed,
        because,
    };
    let on_column = v1::AccessReason {
        securable: on(SecurableKind::Table, "demo.tpch.orders"),
        column: "o_totalprice".to_owned(),
        ..reason(Deny, v1::Privilege::Select, "", &[])
    };
    let owner = v1::AccessReason {
        securable: on(SecurableKind::Metastore, ""),
        ..reason(Owner, v1::Privilege::Unspecified, "bob", &[])
    };
    let select = vec![reason(Grant, v1::Privilege::Select, "analysts", &["staff", "analysts"]), on_column];
    v1::ExplainAccessResponse {
        principal: "bob".to_owned(),
        privilege: v1::Privilege::Select.into(),
        securable: on(SecurableKind::Table, "demo.tpch.orders"),
        column: "o_totalprice".to_owned(),
        as_of: Some(Timestamp { seconds: 1_790_000_000, nanos: 0 }),
        allowed: false,
        steps: vec![
            step(v1::Privilege::Select, SecurableKind::Table, "demo.tpch.orders", select, false),
            step(v1::Privilege::UseSchema, SecurableKind::Schema, "demo.tpch", vec![], false),
            step(v1::Privilege::UseCatalog, SecurableKind::Catalog, "demo", vec![owner], true),
        ],
        remedy: vec!["REVOKE SELECT ..".to_owned(), "GRANT USE SCHEMA ..".to_owned()],
        policies: vec![
            v1::AppliedPolicy { function: "demo.gov.f".to_owned(), ..Default::default() },
            v1::AppliedPolicy { column: "o_clerk".to_owned(), ..Default::default() },
        ],
        closed_columns: vec!["o_comment".to_owned()],
    }
}

#[test]
fn an_explanation_reads_as_sentences() {
    insta::assert_snapshot!(flat(&explanation(answer(), true)));
}

#[test]
fn an_explanation_for_programs_holds_every_field() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&explanation(answer(), false)).unwrap());
}

#[test]
fn what_a_newer_server_knows_of_access_is_not_taken_for_a_grant() {
    let odd = v1::AccessReason { effect: 9, holder: "bob".to_owned(), ..Default::default() };
    let told = effective(v1::EffectiveGrant { because: vec![odd], ..Default::default() }, true);
    assert!(told.get("because").flat().unwrap().starts_with("UNKNOWN"), "{told:?}");
}
