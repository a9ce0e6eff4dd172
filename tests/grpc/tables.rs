//! `TableService`: tables and views.

use lakewarden_proto::v1;
use lakewarden_proto::v1::table_service_client::TableServiceClient;
use tonic::Code;

use crate::ask;
use crate::world::{Who, World, mask, told};

fn get(name: &str) -> v1::GetTableRequest {
    v1::GetTableRequest { full_name: name.to_owned() }
}

fn column(name: &str, type_text: &str) -> v1::Column {
    v1::Column { name: name.to_owned(), type_text: type_text.to_owned(), ..Default::default() }
}

fn create(name: &str, columns: Vec<v1::Column>) -> v1::CreateTableRequest {
    v1::CreateTableRequest { parent: "main.sales".to_owned(), name: name.to_owned(), columns, ..Default::default() }
}

fn view(name: &str, text: &str, or_replace: bool) -> v1::CreateViewRequest {
    v1::CreateViewRequest {
        parent: "main.sales".to_owned(),
        name: name.to_owned(),
        view_definition: text.to_owned(),
        or_replace,
        ..Default::default()
    }
}

fn list(page_size: i32, page_token: String, table_types: &[v1::TableType]) -> v1::ListTablesRequest {
    let table_types = table_types.iter().map(|table_type| i32::from(*table_type)).collect();
    v1::ListTablesRequest { parent: "main.sales".to_owned(), page_size, page_token, table_types, omit_columns: true }
}

#[tokio::test]
async fn a_managed_table_is_made_filled_and_described() {
    let world = World::start().await;
    let mut request = create(
        "items",
        vec![
            v1::Column { nullable: Some(false), comment: "it's the \\ key".to_owned(), ..column("id", "bigint") },
            column("odd-name", "ARRAY<STRING>"),
            column("day", "DATE"),
        ],
    );
    request.partition_columns = vec!["day".to_owned()];
    request.comment = "what is sold".to_owned();
    request.properties = [("team".to_owned(), "x".to_owned())].into();
    let made = ask!(world, Admin, TableServiceClient.create_table(request)).unwrap().into_inner();
    assert_eq!((made.full_name.as_str(), made.parent.as_str()), ("main.sales.items", "main.sales"));
    assert_eq!((made.table_type(), made.data_source_format.as_str()), (v1::TableType::Managed, "DELTA"));
    assert!(made.location.starts_with("file://"), "{}", made.location);
    assert_eq!((made.comment.as_str(), made.properties["team"].as_str()), ("what is sold", "x"));
    let columns: Vec<_> =
        made.columns.iter().map(|c| (c.name.as_str(), c.type_text.as_str(), c.nullable(), c.position)).collect();
    assert_eq!(columns, [("id", "BIGINT", false, 0), ("odd-name", "ARRAY<STRING>", true, 1), ("day", "DATE", true, 2)]);
    assert_eq!((made.columns[0].comment.as_str(), made.columns[2].partition_index), ("it's the \\ key", Some(0)));
    world.sql(Who::Admin, "INSERT INTO main.sales.items VALUES (1, array('a'), DATE '2024-01-01')").await.unwrap();
    let rows = world.sql(Who::Admin, "SELECT count(*) FROM main.sales.items").await.unwrap();
    assert!(rows.text().contains("| 1 "), "{}", rows.text());
    let again = ask!(world, Admin, TableServiceClient.create_table(create("ITEMS", vec![column("id", "INT")])));
    let again = told(again);
    assert_eq!((again.code, again.metadata["sqlstate"].as_str()), (Code::AlreadyExists, "42P07"));
}

#[tokio::test]
async fn an_external_table_takes_the_columns_that_lie_there() {
    let world = World::start().await;
    let managed = ask!(world, Admin, TableServiceClient.get_table(get("main.sales.orders"))).unwrap().into_inner();
    let taken = v1::CreateTableRequest { location: managed.location.clone(), ..create("again", Vec::new()) };
    let taken = told(ask!(world, Admin, TableServiceClient.create_table(taken)));
    assert_eq!(taken.code, Code::InvalidArgument, "the folder of a managed table is the server's: {taken:?}");

    let elsewhere = world.server.folder().join("elsewhere");
    let from = managed.location.trim_start_matches("file://");
    let copied = std::process::Command::new("cp").arg("-r").arg(from).arg(&elsewhere).status().unwrap();
    assert!(copied.success());
    let location = elsewhere.to_str().unwrap().to_owned();
    let request = v1::CreateTableRequest { location: location.clone(), ..create("copy", Vec::new()) };
    let made = ask!(world, Admin, TableServiceClient.create_table(request)).unwrap().into_inner();
    assert_eq!(made.table_type(), v1::TableType::External);
    assert_eq!(made.columns.len(), 4);
    let rows = world.sql(Who::Admin, "SELECT sum(total) AS t FROM main.sales.copy").await.unwrap();
    assert!(rows.text().contains("60.75"), "{}", rows.text());
    let request = v1::DeleteTableRequest { full_name: "main.sales.copy".to_owned(), ..Default::default() };
    ask!(world, Admin, TableServiceClient.delete_table(request)).unwrap();
    assert!(elsewhere.join("_delta_log").exists(), "the files of an external table stay");

    let nothing = v1::CreateTableRequest { location: format!("{location}-not"), ..create("nothing", Vec::new()) };
    let nothing = told(ask!(world, Admin, TableServiceClient.create_table(nothing)));
    assert!(matches!(nothing.code, Code::FailedPrecondition | Code::InvalidArgument | Code::NotFound), "{nothing:?}");
}

#[tokio::test]
async fn the_files_of_a_managed_table_go_with_it() {
    let world = World::start().await;
    let found = ask!(world, Admin, TableServiceClient.get_table(get("main.sales.orders"))).unwrap().into_inner();
    let folder = std::path::PathBuf::from(found.location.trim_start_matches("file://"));
    assert!(folder.join("_delta_log").exists());
    let request =
        v1::DeleteTableRequest { full_name: "main.sales.orders".to_owned(), etag: found.etag, ..Default::default() };
    ask!(world, Admin, TableServiceClient.delete_table(request)).unwrap();
    assert!(!folder.exists());
    let gone = told(ask!(world, Admin, TableServiceClient.get_table(get("main.sales.orders"))));
    assert_eq!((gone.reason.as_str(), gone.metadata["sqlstate"].as_str()), ("TABLE_NOT_FOUND", "42P01"));
}

#[tokio::test]
async fn a_view_is_made_and_its_text_is_its_owners() {
    let world = World::start().await;
    let text = "SELECT id, upper(region) AS r FROM orders";
    let made = ask!(world, Admin, TableServiceClient.create_view(view("v", text, false))).unwrap().into_inner();
    assert_eq!((made.table_type(), made.view_definition.as_str()), (v1::TableType::View, text));
    assert_eq!(made.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["id", "r"]);
    assert!(made.location.is_empty() && made.data_source_format.is_empty());
    let rows = world.sql(Who::Admin, "SELECT * FROM main.sales.v WHERE id = 1").await.unwrap();
    assert!(rows.text().contains("EU"), "a bare name in the text is one of the view's schema");
    let seen = ask!(world, Alice, TableServiceClient.get_table(get("main.sales.big"))).unwrap().into_inner();
    assert_eq!(
        (seen.columns.len(), seen.view_definition.as_str()),
        (2, ""),
        "who may not manage it does not read its text"
    );
    let table = ask!(world, Alice, TableServiceClient.get_table(get("main.sales.orders"))).unwrap().into_inner();
    assert!(!table.columns.is_empty() && table.location.is_empty(), "nor where the files of a table are");
    let refused = told(ask!(world, Admin, TableServiceClient.create_view(view("v", "SELECT 1 AS one", false))));
    assert_eq!(refused.code, Code::AlreadyExists);
    let replaced =
        ask!(world, Admin, TableServiceClient.create_view(view("v", "SELECT 1 AS one", true))).unwrap().into_inner();
    assert_eq!((replaced.id, replaced.columns.len()), (made.id, 1));
    let table = told(ask!(world, Admin, TableServiceClient.create_view(view("orders", "SELECT 1 AS one", true))));
    assert_eq!(table.code, Code::AlreadyExists, "a view takes no table's place");
}

#[tokio::test]
async fn a_view_reads_only_what_its_maker_may_read() {
    let world = World::start().await;
    use v1::{Privilege, SecurableKind};
    world.server.grant(&[Privilege::UseCatalog], SecurableKind::Catalog, "main", "bob").await;
    world
        .server
        .grant(&[Privilege::UseSchema, Privilege::CreateTable], SecurableKind::Schema, "main.sales", "bob")
        .await;
    let hidden =
        told(ask!(world, Bob, TableServiceClient.create_view(view("spy", "SELECT * FROM main.sales.orders", false))));
    let absent =
        told(ask!(world, Bob, TableServiceClient.create_view(view("spy", "SELECT * FROM main.sales.nothing", false))));
    assert_eq!(hidden.code, Code::NotFound);
    assert_eq!(hidden, absent.about("nothing", "orders"));
}

#[tokio::test]
async fn lists_are_paged_over_the_wanted_types() {
    let world = World::start().await;
    for name in ["a", "c", "e"] {
        ask!(world, Admin, TableServiceClient.create_table(create(name, vec![column("x", "INT")]))).unwrap();
        let text = format!("SELECT * FROM main.sales.{name}");
        ask!(world, Admin, TableServiceClient.create_view(view(&format!("{name}v"), &text, false))).unwrap();
    }
    use v1::TableType::{External, Managed, View};
    for (types, expected) in [
        (vec![], vec!["a", "av", "big", "c", "cv", "e", "ev", "orders"]),
        (vec![View], vec!["av", "big", "cv", "ev"]),
        (vec![Managed, External], vec!["a", "c", "e", "orders"]),
        (vec![External], vec![]),
    ] {
        let (mut names, mut sizes, mut page_token) = (Vec::new(), Vec::new(), String::new());
        loop {
            let page =
                ask!(world, Admin, TableServiceClient.list_tables(list(3, page_token, &types))).unwrap().into_inner();
            sizes.push(page.tables.len());
            assert!(page.tables.iter().all(|table| table.columns.is_empty()));
            names.extend(page.tables.into_iter().map(|table| table.name));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
            assert_eq!(sizes.last(), Some(&3), "only the last page is short");
        }
        assert_eq!(names, expected);
    }
    let seen = ask!(world, Alice, TableServiceClient.list_tables(list(0, String::new(), &[]))).unwrap().into_inner();
    assert_eq!(seen.tables.into_iter().map(|table| table.name).collect::<Vec<_>>(), ["big", "orders"]);
    let first =
        ask!(world, Admin, TableServiceClient.list_tables(list(1, String::new(), &[View]))).unwrap().into_inner();
    let other = told(ask!(world, Admin, TableServiceClient.list_tables(list(1, first.next_page_token, &[Managed]))));
    assert_eq!(other.fields, ["page_token"]);
}

#[tokio::test]
async fn updates_keep_what_the_mask_does_not_name() {
    let world = World::start().await;
    let before = ask!(world, Admin, TableServiceClient.get_table(get("main.sales.orders"))).unwrap().into_inner();
    let request = v1::UpdateTableRequest {
        full_name: "main.sales.orders".to_owned(),
        table: Some(v1::Table { name: "sold".to_owned(), comment: "x".to_owned(), ..Default::default() }),
        update_mask: mask(&["name", "comment"]),
        etag: before.etag.clone(),
    };
    let after = ask!(world, Admin, TableServiceClient.update_table(request.clone())).unwrap().into_inner();
    assert_eq!((after.name.as_str(), after.comment.as_str()), ("sold", "x"));
    assert_eq!((&after.id, &after.location, &after.columns), (&before.id, &before.location, &before.columns));
    let rows = world.sql(Who::Alice, "SELECT count(*) AS n FROM main.sales.sold").await.unwrap();
    assert!(rows.text().contains("| 3 "), "the grant went along: {}", rows.text());
    let stale = v1::UpdateTableRequest { full_name: "main.sales.sold".to_owned(), ..request };
    assert_eq!(told(ask!(world, Admin, TableServiceClient.update_table(stale))).code, Code::Aborted);
    let columns = v1::UpdateTableRequest {
        full_name: "main.sales.sold".to_owned(),
        table: Some(v1::Table::default()),
        update_mask: mask(&["columns"]),
        ..Default::default()
    };
    assert_eq!(told(ask!(world, Admin, TableServiceClient.update_table(columns))).fields, ["update_mask"]);
}

#[tokio::test]
async fn a_delete_takes_only_the_wanted_type() {
    let world = World::start().await;
    let request = |name: &str, table_type: v1::TableType| v1::DeleteTableRequest {
        full_name: name.to_owned(),
        table_type: table_type.into(),
        ..Default::default()
    };
    let refused =
        told(ask!(world, Admin, TableServiceClient.delete_table(request("main.sales.orders", v1::TableType::View))));
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "WRONG_KIND"));
    assert_eq!(refused.message, "`main.sales.orders` is of type managed, not view");
    let refused =
        told(ask!(world, Admin, TableServiceClient.delete_table(request("main.sales.big", v1::TableType::External))));
    assert_eq!(refused.reason, "WRONG_KIND");
    ask!(world, Admin, TableServiceClient.delete_table(request("main.sales.big", v1::TableType::View))).unwrap();
    ask!(world, Admin, TableServiceClient.delete_table(request("main.sales.orders", v1::TableType::Unspecified)))
        .unwrap();
}

#[tokio::test]
async fn a_type_cannot_smuggle_in_a_clause() {
    let world = World::start().await;
    let before = world.everything().await;
    let smuggled = vec![column("id", "INT"), column("x", "INT) LOCATION '/etc' COMMENT ('x'")];
    let refused = told(ask!(world, Admin, TableServiceClient.create_table(create("t", smuggled))));
    assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec!["columns[1].type_text".to_owned()]));
    let refused =
        told(ask!(world, Admin, TableServiceClient.create_view(view("t", "SELECT 1; DROP TABLE orders", false))));
    assert_eq!(refused.fields, ["view_definition"]);
    assert_eq!(world.everything().await, before);
}
