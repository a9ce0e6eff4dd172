use proptest::prelude::*;
use rstest::rstest;
use tonic_types::StatusExt;

use super::*;

fn column(name: &str, type_text: &str) -> v1::Column {
    v1::Column { name: name.to_owned(), type_text: type_text.to_owned(), ..v1::Column::default() }
}

fn table(columns: Vec<v1::Column>) -> v1::CreateTableRequest {
    v1::CreateTableRequest {
        parent: "main.sales".to_owned(),
        name: "orders".to_owned(),
        columns,
        ..v1::CreateTableRequest::default()
    }
}

fn fields(status: &Status) -> Vec<String> {
    status.get_details_bad_request().unwrap().field_violations.into_iter().map(|v| v.field).collect()
}

#[test]
fn a_table_becomes_its_statement() {
    let mut request = table(vec![
        v1::Column { nullable: Some(false), comment: "it's \\ the key".to_owned(), ..column("id", "BIGINT") },
        column("odd `name`", "DECIMAL(15, 2)"),
        v1::Column { nullable: Some(true), ..column("tags", "MAP<STRING, ARRAY<INT>>") },
    ]);
    request.partition_columns = vec!["id".to_owned()];
    request.comment = "orders".to_owned();
    request.properties = BTreeMap::from([("delta.appendOnly".to_owned(), "true".to_owned())]);
    insta::assert_snapshot!(create_table(&request).unwrap().sql, @r"CREATE TABLE `main`.`sales`.`orders` (`id` BIGINT NOT NULL COMMENT 'it\'s \\ the key', `odd ``name``` DECIMAL(15, 2), `tags` MAP<STRING, ARRAY<INT>>) PARTITIONED BY (`id`) COMMENT 'orders' TBLPROPERTIES ('delta.appendOnly' = 'true')");
}

#[test]
fn an_external_table_needs_no_columns() {
    let request = v1::CreateTableRequest { location: "s3://bucket/it's".to_owned(), ..table(Vec::new()) };
    insta::assert_snapshot!(create_table(&request).unwrap().sql, @r"CREATE TABLE `main`.`sales`.`orders` LOCATION 's3://bucket/it\'s'");
}

#[rstest]
#[case("INT) LOCATION '/etc' COMMENT ('x'")]
#[case("INT, d INT")]
#[case("INT NOT NULL")]
#[case("INT COMMENT 'x'")]
#[case("INT MASK main.f.m")]
#[case("INT -- x")]
#[case("INT); DROP TABLE main.sales.orders; CREATE TABLE t (c INT")]
#[case("INT) AS SELECT * FROM (VALUES (1)")]
#[case("")]
#[case("`")]
fn a_type_that_is_more_than_a_type_is_refused(#[case] type_text: &str) {
    let status = create_table(&table(vec![column("a", "INT"), column("b", type_text)])).unwrap_err();
    assert_eq!(fields(&status), ["columns[1].type_text"]);
    let request = v1::CreateFunctionRequest { return_type: type_text.to_owned(), ..function("x") };
    assert_eq!(fields(&create_function(&request).unwrap_err()), ["return_type"]);
}

#[test]
fn all_faults_of_a_table_are_told() {
    let mut request = table(vec![column("", ""), column("b", "NOT A TYPE, AT ALL")]);
    request.parent = "main".to_owned();
    request.partition_columns = vec!["c".to_owned()];
    let told = fields(&create_table(&request).unwrap_err());
    assert_eq!(
        told,
        ["parent", "columns[0].name", "columns[0].type_text", "columns[1].type_text", "partition_columns[0]"]
    );
    assert_eq!(fields(&create_table(&table(Vec::new())).unwrap_err()), ["columns"]);
}

fn view(text: &str) -> v1::CreateViewRequest {
    v1::CreateViewRequest {
        parent: "main.sales".to_owned(),
        name: "v".to_owned(),
        view_definition: text.to_owned(),
        comment: "c".to_owned(),
        or_replace: true,
        ..v1::CreateViewRequest::default()
    }
}

#[test]
fn a_view_becomes_its_statement() {
    insta::assert_snapshot!(create_view(&view("SELECT 1 AS one;")).unwrap().sql, @"CREATE OR REPLACE VIEW `main`.`sales`.`v` COMMENT 'c' AS SELECT 1 AS one;");
}

#[rstest]
#[case("")]
#[case("DROP TABLE main.sales.orders")]
#[case("SELECT 1; SELECT 2")]
#[case("SELECT (")]
fn a_view_of_anything_but_a_query_is_refused(#[case] text: &str) {
    assert_eq!(fields(&create_view(&view(text)).unwrap_err()), ["view_definition"]);
}

fn function(body: &str) -> v1::CreateFunctionRequest {
    v1::CreateFunctionRequest {
        parent: "main.f".to_owned(),
        name: "m".to_owned(),
        parameters: vec![v1::FunctionParameter {
            name: "x".to_owned(),
            type_text: "STRING".to_owned(),
            comment: String::new(),
        }],
        return_type: "STRING".to_owned(),
        routine_definition: body.to_owned(),
        ..v1::CreateFunctionRequest::default()
    }
}

#[test]
fn a_function_becomes_its_statement() {
    let body = "CASE WHEN is_member('hr') THEN x ELSE '***' END";
    insta::assert_snapshot!(create_function(&function(body)).unwrap().sql, @"CREATE FUNCTION `main`.`f`.`m`(`x` STRING) RETURNS STRING RETURN CASE WHEN is_member('hr') THEN x ELSE '***' END");
}

#[rstest]
#[case("x; DROP TABLE main.sales.orders")]
#[case("x COMMENT 'c'")]
#[case("")]
fn a_body_that_is_more_than_a_body_is_refused(#[case] body: &str) {
    assert_eq!(fields(&create_function(&function(body)).unwrap_err()), ["routine_definition"]);
}

fn argument(argument: Argument) -> v1::PolicyArgument {
    v1::PolicyArgument { argument: Some(argument) }
}

fn target() -> FullName {
    FullName::parse("main.sales.orders").unwrap()
}

#[test]
fn policies_become_their_statements() {
    let mut faults = Faults::new();
    let arguments =
        vec![argument(Argument::Column("re`gion".to_owned())), argument(Argument::Literal("'it''s'".to_owned()))];
    let filter = v1::RowFilter { function: "main.f.keep".to_owned(), arguments: arguments.clone() };
    let mask = v1::ColumnMask { function: "main.f.m".to_owned(), using_columns: Vec::new() };
    let made = set_row_filter(&target(), Some(&filter), &mut faults).unwrap();
    insta::assert_snapshot!(made.sql, @r"ALTER TABLE `main`.`sales`.`orders` SET ROW FILTER `main`.`f`.`keep` ON (`re``gion`, 'it\'s')");
    let made = set_mask(&target(), "c_phone", &[], Some(&mask), &mut faults).unwrap();
    insta::assert_snapshot!(made.sql, @"ALTER TABLE `main`.`sales`.`orders` ALTER COLUMN `c_phone` SET MASK `main`.`f`.`m`");
    let mask = v1::ColumnMask { using_columns: arguments, ..mask };
    assert!(set_mask(&target(), "c_phone", &[], Some(&mask), &mut faults).unwrap().sql.contains(" USING COLUMNS ("));
    let inside =
        set_mask(&target(), "c_address", &["geo".to_owned(), "la`t".to_owned()], Some(&mask), &mut faults).unwrap();
    assert!(inside.sql.contains("ALTER COLUMN `c_address`.`geo`.`la``t` SET MASK"));
    assert!(faults.finish(Some(())).is_ok());
}

#[rstest]
#[case("region")]
#[case("1, 2")]
#[case("1) -- ")]
#[case("'x') ; DROP TABLE t")]
#[case("1 + 1")]
#[case("")]
fn a_constant_that_is_more_than_a_constant_is_refused(#[case] text: &str) {
    let mut faults = Faults::new();
    let arguments = vec![argument(Argument::Literal(text.to_owned())), v1::PolicyArgument::default()];
    let filter = v1::RowFilter { function: "keep".to_owned(), arguments };
    assert!(set_row_filter(&target(), Some(&filter), &mut faults).is_none());
    let told = fields(&faults.finish(Some(())).unwrap_err());
    assert_eq!(told, ["row_filter.function", "row_filter.arguments[0]", "row_filter.arguments[1]"]);
}

proptest! {
    /// Whatever the texts are, the statement says what the request says, or there is none.
    #[test]
    fn no_text_becomes_another_clause(name in ".{1,12}", comment in ".{0,20}", key in ".{1,8}", value in ".{0,8}", location in ".{0,12}") {
        let mut request = table(vec![v1::Column { comment: comment.clone(), ..column(&name, "INT") }]);
        request.comment = comment;
        request.location = location;
        request.properties = BTreeMap::from([(key, value)]);
        if let Ok(made) = create_table(&request) {
            let Ok(Statement::CreateTable(table)) = parse(&made.sql) else { panic!("{} is no CREATE TABLE", made.sql) };
            prop_assert_eq!(&table.columns[0].name, &name);
            prop_assert_eq!(table.comment.unwrap_or_default(), request.comment);
            prop_assert_eq!(table.location.unwrap_or_default(), request.location);
        }
    }
}
