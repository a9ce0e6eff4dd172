//! `CatalogService`.

use lakewarden_proto::v1;
use lakewarden_proto::v1::catalog_service_client::CatalogServiceClient;
use tonic::Code;

use crate::ask;
use crate::world::{World, mask, told};

fn get(name: &str) -> v1::GetCatalogRequest {
    v1::GetCatalogRequest { full_name: name.to_owned() }
}

fn named(name: &str) -> v1::CreateCatalogRequest {
    v1::CreateCatalogRequest { name: name.to_owned(), ..Default::default() }
}

fn update(name: &str, paths: &[&str], catalog: v1::Catalog) -> v1::UpdateCatalogRequest {
    let (full_name, update_mask) = (name.to_owned(), mask(paths));
    v1::UpdateCatalogRequest { full_name, catalog: Some(catalog), update_mask, ..Default::default() }
}

#[tokio::test]
async fn a_catalog_lives_through_create_get_update_delete() {
    let world = World::start().await;
    let request = v1::CreateCatalogRequest {
        name: "Dev".to_owned(),
        comment: "for trying".to_owned(),
        properties: [("team".to_owned(), "data".to_owned())].into(),
    };
    let made = ask!(world, Admin, CatalogServiceClient.create_catalog(request)).unwrap().into_inner();
    assert_eq!((made.name.as_str(), made.full_name.as_str(), made.owner.as_str()), ("Dev", "Dev", "admin"));
    assert_eq!((made.created_by.as_str(), made.comment.as_str()), ("admin", "for trying"));
    assert!(
        made.created_at.is_some() && made.created_at == made.updated_at && !made.id.is_empty() && !made.etag.is_empty()
    );
    let found = ask!(world, Admin, CatalogServiceClient.get_catalog(get("DEV"))).unwrap().into_inner();
    assert_eq!(found, made, "names are compared without case");

    let new = v1::Catalog { name: "trial".to_owned(), comment: "not in the mask".to_owned(), ..Default::default() };
    let renamed = ask!(world, Admin, CatalogServiceClient.update_catalog(update("dev", &["name"], new)));
    let renamed = renamed.unwrap().into_inner();
    assert_eq!((renamed.name.as_str(), renamed.comment.as_str(), &renamed.id), ("trial", "for trying", &made.id));
    assert_ne!(renamed.etag, made.etag);
    assert_eq!(told(ask!(world, Admin, CatalogServiceClient.get_catalog(get("dev")))).reason, "CATALOG_NOT_FOUND");

    let request = v1::DeleteCatalogRequest { full_name: "trial".to_owned(), ..Default::default() };
    ask!(world, Admin, CatalogServiceClient.delete_catalog(request)).unwrap();
    assert_eq!(told(ask!(world, Admin, CatalogServiceClient.get_catalog(get("trial")))).code, Code::NotFound);
}

#[tokio::test]
async fn properties_change_whole_or_key_by_key() {
    let world = World::start().await;
    let with = |pairs: &[(&str, &str)]| v1::Catalog {
        properties: pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        ..Default::default()
    };
    let set = update("main", &["properties"], with(&[("a", "1"), ("b.c", "2")]));
    let set = ask!(world, Admin, CatalogServiceClient.update_catalog(set)).unwrap().into_inner();
    assert_eq!(set.properties, with(&[("a", "1"), ("b.c", "2")]).properties);
    let keys = update("main", &["properties.b.c", "properties.a", "properties.d"], with(&[("b.c", "3"), ("d", "4")]));
    let keys = ask!(world, Admin, CatalogServiceClient.update_catalog(keys)).unwrap().into_inner();
    assert_eq!(keys.properties, with(&[("b.c", "3"), ("d", "4")]).properties);
    assert_eq!(keys.comment, "the main one");
    let cleared = update("main", &["properties", "comment"], v1::Catalog::default());
    let cleared = ask!(world, Admin, CatalogServiceClient.update_catalog(cleared)).unwrap().into_inner();
    assert!(cleared.properties.is_empty() && cleared.comment.is_empty());
}

#[tokio::test]
async fn an_owner_may_be_given_and_may_then_act() {
    let world = World::start().await;
    let new = v1::Catalog { owner: "alice".to_owned(), ..Default::default() };
    let given =
        ask!(world, Admin, CatalogServiceClient.update_catalog(update("main", &["owner"], new))).unwrap().into_inner();
    assert_eq!(given.owner, "alice");
    let new = v1::Catalog { comment: "mine".to_owned(), ..Default::default() };
    let changed = ask!(world, Alice, CatalogServiceClient.update_catalog(update("main", &["comment"], new)));
    let changed = changed.unwrap().into_inner();
    assert_eq!((changed.comment.as_str(), changed.updated_by.as_str()), ("mine", "alice"));
    let nobody = v1::Catalog { owner: "nobody".to_owned(), ..Default::default() };
    let refused = told(ask!(world, Admin, CatalogServiceClient.update_catalog(update("main", &["owner"], nobody))));
    assert_eq!((refused.code, refused.message.as_str()), (Code::NotFound, "principal `nobody` does not exist"));
}

#[tokio::test]
async fn an_old_etag_is_a_conflict_and_changes_nothing() {
    let world = World::start().await;
    let old = ask!(world, Admin, CatalogServiceClient.get_catalog(get("main"))).unwrap().into_inner().etag;
    let new = |comment: &str| v1::Catalog { comment: comment.to_owned(), ..Default::default() };
    let first = v1::UpdateCatalogRequest { etag: old.clone(), ..update("main", &["comment"], new("first")) };
    ask!(world, Admin, CatalogServiceClient.update_catalog(first)).unwrap();
    let second = v1::UpdateCatalogRequest { etag: old.clone(), ..update("main", &["comment"], new("second")) };
    let refused = told(ask!(world, Admin, CatalogServiceClient.update_catalog(second)));
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Aborted, "CONFLICT"));
    assert_eq!(refused.metadata["sqlstate"], "40001");
    let delete = v1::DeleteCatalogRequest { full_name: "main".to_owned(), force: true, etag: old };
    assert_eq!(told(ask!(world, Admin, CatalogServiceClient.delete_catalog(delete))).code, Code::Aborted);
    let now = ask!(world, Admin, CatalogServiceClient.get_catalog(get("main"))).unwrap().into_inner();
    assert_eq!(now.comment, "first");
}

#[tokio::test]
async fn a_full_catalog_goes_by_force_only() {
    let world = World::start().await;
    let request = |force| v1::DeleteCatalogRequest { full_name: "main".to_owned(), force, ..Default::default() };
    let refused = told(ask!(world, Admin, CatalogServiceClient.delete_catalog(request(false))));
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "NOT_EMPTY"));
    assert_eq!(refused.metadata["sqlstate"], "2BP01");
    ask!(world, Admin, CatalogServiceClient.delete_catalog(request(true))).unwrap();
    let left = ask!(world, Admin, CatalogServiceClient.list_catalogs(v1::ListCatalogsRequest::default()));
    assert!(!left.unwrap().into_inner().catalogs.iter().any(|catalog| catalog.name == "main"));
}

#[tokio::test]
async fn a_taken_name_is_told_even_when_its_bearer_is_hidden() {
    let world = World::start().await;
    world.server.grant(&[v1::Privilege::CreateCatalog], v1::SecurableKind::Metastore, "", "bob").await;
    let refused = told(ask!(world, Bob, CatalogServiceClient.create_catalog(named("MAIN"))));
    assert_eq!((refused.code, refused.reason.as_str()), (Code::AlreadyExists, "ALREADY_EXISTS"));
    ask!(world, Bob, CatalogServiceClient.create_catalog(named("bobs"))).unwrap();
}

#[tokio::test]
async fn every_fault_of_a_request_is_told() {
    let world = World::start().await;
    let request = v1::CreateCatalogRequest {
        name: "a b".to_owned(),
        properties: [(String::new(), String::new())].into(),
        ..Default::default()
    };
    let refused = told(ask!(world, Admin, CatalogServiceClient.create_catalog(request)));
    assert_eq!(
        (refused.code, refused.fields),
        (Code::InvalidArgument, vec!["name".to_owned(), "properties".to_owned()])
    );
    let new = v1::Catalog { name: "x/y".to_owned(), ..Default::default() };
    let request = v1::UpdateCatalogRequest { etag: "?".to_owned(), ..update("a.b", &["name", "id"], new) };
    let refused = told(ask!(world, Admin, CatalogServiceClient.update_catalog(request)));
    assert_eq!(refused.fields, ["full_name", "etag", "update_mask"]);
    let refused = told(ask!(world, Admin, CatalogServiceClient.update_catalog(v1::UpdateCatalogRequest::default())));
    assert_eq!(refused.fields, ["full_name", "update_mask", "catalog"]);
}

#[tokio::test]
async fn pages_are_full_whatever_is_hidden() {
    let world = World::start().await;
    for number in 0..25 {
        let name = format!("c{number:02}");
        ask!(world, Admin, CatalogServiceClient.create_catalog(named(&name))).unwrap();
        if number % 5 == 0 {
            world.server.grant(&[v1::Privilege::Browse], v1::SecurableKind::Catalog, &name, "bob").await;
        }
    }
    let (mut pages, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = v1::ListCatalogsRequest { page_size: 2, page_token };
        let page = ask!(world, Bob, CatalogServiceClient.list_catalogs(request)).unwrap().into_inner();
        pages.push(page.catalogs.into_iter().map(|catalog| catalog.name).collect::<Vec<_>>());
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(pages, [vec!["c00", "c05"], vec!["c10", "c15"], vec!["c20"]]);
}

#[tokio::test]
async fn a_page_token_is_good_for_its_own_list_only() {
    let world = World::start().await;
    let request = v1::ListCatalogsRequest { page_size: 1, ..Default::default() };
    let first = ask!(world, Admin, CatalogServiceClient.list_catalogs(request)).unwrap().into_inner();
    assert!(!first.next_page_token.is_empty());
    let request =
        v1::ListSchemasRequest { parent: "main".to_owned(), page_size: -1, page_token: first.next_page_token.clone() };
    use v1::schema_service_client::SchemaServiceClient;
    let refused = told(ask!(world, Admin, SchemaServiceClient.list_schemas(request)));
    assert_eq!(refused.fields, ["page_size", "page_token"]);
    // Another caller may use it: it says where to go on, and gives no rights.
    let request = v1::ListCatalogsRequest { page_size: 1, page_token: first.next_page_token };
    let bobs = ask!(world, Bob, CatalogServiceClient.list_catalogs(request)).unwrap().into_inner();
    assert!(bobs.catalogs.is_empty());
}
