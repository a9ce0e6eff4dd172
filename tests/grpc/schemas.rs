//! `SchemaService`.

use lakewarden_proto::v1;
use lakewarden_proto::v1::schema_service_client::SchemaServiceClient;
use tonic::Code;

use crate::ask;
use crate::world::{World, mask, told};

fn create(parent: &str, name: &str) -> v1::CreateSchemaRequest {
    v1::CreateSchemaRequest { parent: parent.to_owned(), name: name.to_owned(), ..Default::default() }
}

fn get(name: &str) -> v1::GetSchemaRequest {
    v1::GetSchemaRequest { full_name: name.to_owned() }
}

#[tokio::test]
async fn a_schema_lives_through_create_get_update_delete() {
    let world = World::start().await;
    let made = ask!(world, Admin, SchemaServiceClient.create_schema(create("MAIN", "Raw"))).unwrap().into_inner();
    assert_eq!((made.full_name.as_str(), made.parent.as_str(), made.owner.as_str()), ("main.Raw", "main", "admin"));
    assert_eq!(ask!(world, Admin, SchemaServiceClient.get_schema(get("main.raw"))).unwrap().into_inner(), made);
    let request = v1::UpdateSchemaRequest {
        full_name: "main.raw".to_owned(),
        schema: Some(v1::Schema { name: "bronze".to_owned(), comment: "as it came".to_owned(), ..Default::default() }),
        update_mask: mask(&["name", "comment"]),
        etag: made.etag,
    };
    let changed = ask!(world, Admin, SchemaServiceClient.update_schema(request)).unwrap().into_inner();
    assert_eq!((changed.full_name.as_str(), changed.comment.as_str()), ("main.bronze", "as it came"));
    let request = v1::DeleteSchemaRequest { full_name: "main.bronze".to_owned(), ..Default::default() };
    ask!(world, Admin, SchemaServiceClient.delete_schema(request)).unwrap();
    let gone = told(ask!(world, Admin, SchemaServiceClient.get_schema(get("main.bronze"))));
    assert_eq!((gone.code, gone.reason.as_str()), (Code::NotFound, "SCHEMA_NOT_FOUND"));
    assert_eq!(gone.metadata["sqlstate"], "3F000");
}

#[tokio::test]
async fn a_schema_needs_a_catalog_that_is_seen() {
    let world = World::start().await;
    let absent = told(ask!(world, Bob, SchemaServiceClient.create_schema(create("other", "x"))));
    let hidden = told(ask!(world, Bob, SchemaServiceClient.create_schema(create("main", "x"))));
    assert_eq!(hidden.code, Code::NotFound);
    assert_eq!(hidden, absent.about("other", "main"));
    world
        .server
        .grant(&[v1::Privilege::UseCatalog, v1::Privilege::CreateSchema], v1::SecurableKind::Catalog, "main", "bob")
        .await;
    let made = ask!(world, Bob, SchemaServiceClient.create_schema(create("main", "bobs"))).unwrap().into_inner();
    assert_eq!(made.owner, "bob");
    let taken = told(ask!(world, Bob, SchemaServiceClient.create_schema(create("main", "SALES"))));
    assert_eq!(taken.code, Code::AlreadyExists);
}

#[tokio::test]
async fn a_list_shows_what_is_seen_and_needs_a_parent_that_is_seen() {
    let world = World::start().await;
    for name in ["a", "b"] {
        ask!(world, Admin, SchemaServiceClient.create_schema(create("main", name))).unwrap();
    }
    let request = |parent: &str| v1::ListSchemasRequest { parent: parent.to_owned(), ..Default::default() };
    let names = |list: v1::ListSchemasResponse| list.schemas.into_iter().map(|schema| schema.name).collect::<Vec<_>>();
    let all = ask!(world, Admin, SchemaServiceClient.list_schemas(request("main"))).unwrap().into_inner();
    assert!(["a", "b", "sales"].iter().all(|name| names(all.clone()).contains(&(*name).to_owned())));
    let seen = ask!(world, Alice, SchemaServiceClient.list_schemas(request("main"))).unwrap().into_inner();
    assert_eq!(names(seen), ["sales"]);
    let hidden = told(ask!(world, Bob, SchemaServiceClient.list_schemas(request("main"))));
    let absent = told(ask!(world, Bob, SchemaServiceClient.list_schemas(request("nope"))));
    assert_eq!(hidden, absent.about("nope", "main"));
}

#[tokio::test]
async fn faults_are_told_together() {
    let world = World::start().await;
    let refused = told(ask!(world, Admin, SchemaServiceClient.create_schema(create("main.sales", ""))));
    assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec!["parent".to_owned(), "name".to_owned()]));
    let refused = told(ask!(world, Admin, SchemaServiceClient.get_schema(get("main"))));
    assert_eq!(refused.fields, ["full_name"]);
    let refused = told(ask!(world, Admin, SchemaServiceClient.delete_schema(v1::DeleteSchemaRequest::default())));
    assert_eq!(refused.fields, ["full_name"]);
}
