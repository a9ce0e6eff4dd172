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
    exist(audit(v1::AuditEvent::default()), AUDIT_FIELDS);
}
