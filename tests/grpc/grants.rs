//! `GrantService`.

use lakewarden_proto::v1;
use lakewarden_proto::v1::grant_service_client::GrantServiceClient;
use tonic::Code;

use crate::ask;
use crate::world::{Who, World, told};
use v1::Privilege;
use v1::SecurableKind::{Catalog, Function, Metastore, Schema, Table, View};

fn on(kind: v1::SecurableKind, name: &str) -> Option<v1::SecurableRef> {
    Some(v1::SecurableRef { kind: kind.into(), full_name: name.to_owned() })
}

fn grant(privileges: &[Privilege], kind: v1::SecurableKind, name: &str, to: &[&str]) -> v1::GrantRequest {
    v1::GrantRequest {
        securable: on(kind, name),
        principals: to.iter().map(|name| (*name).to_owned()).collect(),
        privileges: privileges.iter().map(|privilege| i32::from(*privilege)).collect(),
        on_columns: Vec::new(),
    }
}

fn deny(privileges: &[Privilege], kind: v1::SecurableKind, name: &str, to: &[&str]) -> v1::DenyRequest {
    let v1::GrantRequest { securable, principals, privileges, on_columns } = grant(privileges, kind, name, to);
    v1::DenyRequest { securable, principals, privileges, on_columns }
}

/// A privilege on columns.
fn on_columns(privilege: Privilege, columns: &[&str]) -> Vec<v1::PrivilegeOn> {
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    vec![v1::PrivilegeOn { privilege: privilege.into(), columns }]
}

fn revoke(privileges: &[Privilege], kind: v1::SecurableKind, name: &str, from: &[&str]) -> v1::RevokeRequest {
    let v1::GrantRequest { securable, principals, privileges, on_columns } = grant(privileges, kind, name, from);
    v1::RevokeRequest { securable, principals, privileges, on_columns }
}

fn lines(grants: &[v1::GrantEntry]) -> Vec<String> {
    let line = |entry: &v1::GrantEntry| {
        let privilege = entry.privilege().as_str_name().trim_start_matches("PRIVILEGE_").to_owned();
        let effect = if entry.denied { "denied " } else { "" };
        let column = if entry.column.is_empty() { String::new() } else { format!("({})", entry.column) };
        let inherited = if entry.inherited { " inherited" } else { "" };
        let name = &entry.securable.as_ref().unwrap().full_name;
        format!("{} {effect}{privilege} {name}{column}{inherited}", entry.principal)
    };
    grants.iter().map(line).collect()
}

#[tokio::test]
async fn a_grant_is_in_force_at_once_and_a_revoke_too() {
    let world = World::start().await;
    let query = "SELECT count(*) FROM main.sales.orders";
    ask!(world, Admin, GrantServiceClient.grant(grant(&[Privilege::UseCatalog], Catalog, "main", &["bob"]))).unwrap();
    let request = grant(&[Privilege::UseSchema, Privilege::Select], Schema, "MAIN.Sales", &["bob", "alice"]);
    for _ in 0..2 {
        let held = ask!(world, Admin, GrantServiceClient.grant(request.clone())).unwrap().into_inner().grants;
        let expected = [
            "alice USE_SCHEMA main.sales",
            "alice SELECT main.sales",
            "bob USE_SCHEMA main.sales",
            "bob SELECT main.sales",
        ];
        assert_eq!(lines(&held), expected, "granting twice changes nothing");
        assert!(held.iter().all(|entry| entry.principal_kind() == v1::PrincipalKind::User));
    }
    world.sql(Who::Bob, query).await.unwrap();
    let request = revoke(&[Privilege::Select], Schema, "main.sales", &["bob"]);
    for _ in 0..2 {
        let held = ask!(world, Admin, GrantServiceClient.revoke(request.clone())).unwrap().into_inner().grants;
        assert_eq!(lines(&held), ["bob USE_SCHEMA main.sales"], "revoking twice changes nothing");
    }
    assert!(world.sql(Who::Bob, query).await.is_err());
}

#[tokio::test]
async fn revoking_all_privileges_takes_everything_of_the_principal_there() {
    let world = World::start().await;
    let request = revoke(&[Privilege::AllPrivileges], Table, "main.sales.orders", &["alice"]);
    let held = ask!(world, Admin, GrantServiceClient.revoke(request)).unwrap().into_inner().grants;
    assert!(held.is_empty());
    assert!(world.sql(Who::Alice, "SELECT * FROM main.sales.orders").await.is_err());
}

#[tokio::test]
async fn everybody_is_a_group_too() {
    let world = World::start().await;
    let request = grant(&[Privilege::Browse], Catalog, "main", &["account users"]);
    let held = ask!(world, Admin, GrantServiceClient.grant(request)).unwrap().into_inner().grants;
    assert_eq!(held[0].principal_kind(), v1::PrincipalKind::Group);
    use lakewarden_proto::v1::catalog_service_client::CatalogServiceClient;
    let request = v1::GetCatalogRequest { full_name: "main".to_owned() };
    ask!(world, Bob, CatalogServiceClient.get_catalog(request)).unwrap();
}

#[tokio::test]
async fn a_privilege_that_means_nothing_there_is_refused() {
    let world = World::start().await;
    for (privilege, kind, name) in [
        (Privilege::CreateCatalog, Catalog, "main"),
        (Privilege::UseCatalog, Schema, "main.sales"),
        (Privilege::Execute, Table, "main.sales.orders"),
        (Privilege::ReadVolume, View, "main.sales.big"),
        (Privilege::Assign, Table, "main.sales.orders"),
        (Privilege::Select, Function, "main.sales.shout"),
        (Privilege::Select, Metastore, ""),
    ] {
        let refused = told(ask!(world, Admin, GrantServiceClient.grant(grant(&[privilege], kind, name, &["bob"]))));
        assert_eq!(
            (refused.code, refused.fields),
            (Code::InvalidArgument, vec!["privileges".to_owned()]),
            "{privilege:?}"
        );
    }
}

#[tokio::test]
async fn a_grant_is_whole_or_absent() {
    let world = World::start().await;
    let before = world.everything().await;
    let request = grant(&[Privilege::Select], Table, "main.sales.orders", &["bob", "nobody"]);
    let refused = told(ask!(world, Admin, GrantServiceClient.grant(request)));
    assert_eq!((refused.code, refused.message.as_str()), (Code::NotFound, "principal `nobody` does not exist"));
    let request = v1::GrantRequest {
        privileges: vec![Privilege::Select.into(), 99],
        principals: vec!["bob".to_owned(), String::new()],
        securable: on(Table, "orders"),
        on_columns: on_columns(Privilege::Select, &[""]),
    };
    let refused = told(ask!(world, Admin, GrantServiceClient.grant(request)));
    assert_eq!(refused.fields, ["securable.full_name", "privileges[1]", "on_columns[0].columns[0]", "principals[1]"]);
    assert_eq!(world.everything().await, before);
}

async fn pages(world: &World, who: Who, request: v1::ListGrantsRequest) -> Vec<Vec<String>> {
    let (mut pages, mut request) = (Vec::new(), request);
    loop {
        let mut client = GrantServiceClient::new(world.client(who).await);
        let page = client.list_grants(request.clone()).await.unwrap().into_inner();
        pages.push(lines(&page.grants));
        if page.next_page_token.is_empty() {
            return pages;
        }
        request.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn grants_are_listed_from_the_outermost_securable_in() {
    let world = World::start().await;
    world.sql(Who::Admin, "GRANT SELECT ON SCHEMA main.sales TO bob").await.unwrap();
    let request = v1::ListGrantsRequest {
        securable: on(Table, "main.sales.orders"),
        include_inherited: true,
        page_size: 2,
        ..Default::default()
    };
    let all = pages(&world, Who::Admin, request.clone()).await;
    assert_eq!(all.concat(), ["bob SELECT main.sales inherited", "alice SELECT main.sales.orders"]);
    let seen = pages(&world, Who::Alice, request.clone()).await.concat();
    assert_eq!(seen, ["alice SELECT main.sales.orders"], "others' grants are shown to who may grant");
    let only = v1::ListGrantsRequest { principal: "bob".to_owned(), ..request.clone() };
    assert_eq!(pages(&world, Who::Admin, only).await.concat(), ["bob SELECT main.sales inherited"]);
    let own = v1::ListGrantsRequest { include_inherited: false, ..request.clone() };
    assert_eq!(pages(&world, Who::Admin, own).await.concat(), ["alice SELECT main.sales.orders"]);
    let anywhere = v1::ListGrantsRequest { principal: "alice".to_owned(), page_size: 2, ..Default::default() };
    let expected = [
        vec!["alice USE_CATALOG main", "alice USE_SCHEMA main.sales"],
        vec!["alice SELECT main.sales.big", "alice SELECT main.sales.orders"],
        vec!["alice EXECUTE main.sales.shout"],
    ];
    for who in [Who::Admin, Who::Alice] {
        assert_eq!(pages(&world, who, anywhere.clone()).await, expected);
    }
    assert!(pages(&world, Who::Bob, anywhere).await.concat().is_empty());
    let nothing = told(ask!(world, Admin, GrantServiceClient.list_grants(v1::ListGrantsRequest::default())));
    assert_eq!(nothing.fields, ["securable"]);
}

#[tokio::test]
async fn the_metastore_is_granted_on_without_a_name() {
    let world = World::start().await;
    let request = grant(&[Privilege::CreateCatalog], Metastore, "", &["bob"]);
    let held = ask!(world, Admin, GrantServiceClient.grant(request)).unwrap().into_inner().grants;
    assert_eq!(held[0].securable, on(Metastore, ""));
    world.sql(Who::Bob, "CREATE CATALOG bobs").await.unwrap();
    let request = v1::ListGrantsRequest { securable: on(Metastore, ""), ..Default::default() };
    assert_eq!(pages(&world, Who::Admin, request).await.concat(), ["bob CREATE_CATALOG "]);
    let named = told(ask!(
        world,
        Admin,
        GrantServiceClient.grant(grant(&[Privilege::CreateCatalog], Metastore, "x", &["bob"]))
    ));
    assert_eq!(named.fields, ["securable.full_name"]);
}

#[tokio::test]
async fn a_denial_beats_grants_and_ownership_until_it_is_revoked() {
    let world = World::start().await;
    let query = "SELECT count(*) FROM main.sales.orders";
    world.server.group("analysts", &["alice"]).await;
    let request = deny(&[Privilege::Select], Schema, "main.sales", &["analysts"]);
    for _ in 0..2 {
        let held = ask!(world, Admin, GrantServiceClient.deny(request.clone())).unwrap().into_inner().grants;
        assert_eq!(lines(&held), ["analysts denied SELECT main.sales"], "denying twice changes nothing");
    }
    assert_eq!(world.sql(Who::Alice, query).await.unwrap_err().code(), Code::PermissionDenied);
    let again = grant(&[Privilege::Select], Table, "main.sales.orders", &["alice", "analysts"]);
    ask!(world, Admin, GrantServiceClient.grant(again)).unwrap();
    assert_eq!(world.sql(Who::Alice, query).await.unwrap_err().code(), Code::PermissionDenied);
    world.sql(Who::Admin, "ALTER TABLE main.sales.orders OWNER TO alice").await.unwrap();
    let own = deny(&[Privilege::Select], Table, "main.sales.orders", &["alice"]);
    ask!(world, Alice, GrantServiceClient.deny(own)).unwrap();
    let lifted = revoke(&[Privilege::Select], Schema, "main.sales", &["analysts"]);
    ask!(world, Admin, GrantServiceClient.revoke(lifted)).unwrap();
    assert_eq!(
        world.sql(Who::Alice, query).await.unwrap_err().code(),
        Code::PermissionDenied,
        "an owner is denied too"
    );
    let lifted = revoke(&[Privilege::Select], Table, "main.sales.orders", &["alice"]);
    assert!(ask!(world, Alice, GrantServiceClient.revoke(lifted)).unwrap().into_inner().grants.is_empty());
    world.sql(Who::Alice, query).await.unwrap();
}

#[tokio::test]
async fn everything_can_be_denied_to_everybody() {
    let world = World::start().await;
    let request = deny(&[Privilege::AllPrivileges], Catalog, "main", &["account users"]);
    let held = ask!(world, Admin, GrantServiceClient.deny(request)).unwrap().into_inner().grants;
    assert_eq!(lines(&held), ["account users denied ALL_PRIVILEGES main"]);
    for who in [Who::Admin, Who::Alice] {
        let refused = world.sql(who, "SELECT count(*) FROM main.sales.orders").await.unwrap_err();
        assert!(matches!(refused.code(), Code::PermissionDenied | Code::NotFound), "{who:?}: {refused:?}");
    }
    let lifted = revoke(&[Privilege::AllPrivileges], Catalog, "main", &["account users"]);
    ask!(world, Admin, GrantServiceClient.revoke(lifted)).unwrap();
    world.sql(Who::Alice, "SELECT count(*) FROM main.sales.orders").await.unwrap();
}

#[tokio::test]
async fn privileges_are_granted_and_denied_on_columns() {
    let world = World::start().await;
    let on_phone = v1::DenyRequest {
        on_columns: on_columns(Privilege::Select, &["phone"]),
        ..deny(&[], Table, "main.sales.orders", &["alice"])
    };
    let held = ask!(world, Admin, GrantServiceClient.deny(on_phone)).unwrap().into_inner().grants;
    assert_eq!(lines(&held), ["alice SELECT main.sales.orders", "alice denied SELECT main.sales.orders(phone)"]);
    world.sql(Who::Alice, "SELECT id, region FROM main.sales.orders").await.unwrap();
    for query in ["SELECT * FROM main.sales.orders", "SELECT id FROM main.sales.orders WHERE phone IS NULL"] {
        let refused = world.sql(Who::Alice, query).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{query}: {refused:?}");
        assert!(refused.message().contains("phone"), "{}", refused.message());
    }
    world.sql(Who::Admin, "GRANT USE CATALOG ON CATALOG main TO bob").await.unwrap();
    world.sql(Who::Admin, "GRANT USE SCHEMA ON SCHEMA main.sales TO bob").await.unwrap();
    let some = v1::GrantRequest {
        on_columns: on_columns(Privilege::Select, &["ID", "region"]),
        ..grant(&[], Table, "main.sales.orders", &["bob"])
    };
    let held = ask!(world, Admin, GrantServiceClient.grant(some.clone())).unwrap().into_inner().grants;
    assert_eq!(lines(&held), ["bob SELECT main.sales.orders(id)", "bob SELECT main.sales.orders(region)"]);
    let answer = world.sql(Who::Bob, "SELECT region, count(*) FROM main.sales.orders GROUP BY region").await.unwrap();
    assert_eq!(answer.rows.num_rows(), 2);
    assert_eq!(
        world.sql(Who::Bob, "SELECT total FROM main.sales.orders").await.unwrap_err().code(),
        Code::PermissionDenied
    );
    let page = v1::ListGrantsRequest { securable: on(Table, "main.sales.orders"), page_size: 1, ..Default::default() };
    let expected = [
        "alice SELECT main.sales.orders",
        "bob SELECT main.sales.orders(id)",
        "alice denied SELECT main.sales.orders(phone)",
        "bob SELECT main.sales.orders(region)",
    ];
    assert_eq!(pages(&world, Who::Admin, page).await.concat(), expected);
    let v1::GrantRequest { securable, principals, privileges, on_columns } = some;
    let gone = v1::RevokeRequest { securable, principals, privileges, on_columns };
    assert!(ask!(world, Admin, GrantServiceClient.revoke(gone)).unwrap().into_inner().grants.is_empty());
}

#[tokio::test]
async fn what_cannot_be_granted_on_columns_is_refused() {
    let world = World::start().await;
    let before = world.everything().await;
    for (privilege, kind, name, columns, code) in [
        (Privilege::ApplyTag, Table, "main.sales.orders", ["id"], Code::InvalidArgument),
        (Privilege::AllPrivileges, Table, "main.sales.orders", ["id"], Code::InvalidArgument),
        (Privilege::Select, Schema, "main.sales", ["id"], Code::InvalidArgument),
        (Privilege::Select, Table, "main.sales.orders", ["absent"], Code::NotFound),
    ] {
        let request = v1::GrantRequest {
            on_columns: on_columns(privilege, &columns),
            ..grant(&[Privilege::Select], kind, name, &["bob"])
        };
        let refused = told(ask!(world, Admin, GrantServiceClient.grant(request)));
        assert_eq!(refused.code, code, "{privilege:?} on {name}: {refused:?}");
    }
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn kinds_that_are_not_there_yet_are_not_found() {
    let world = World::start().await;
    for (kind, name) in [
        (v1::SecurableKind::Share, "s"),
        (v1::SecurableKind::Connection, "c"),
        (v1::SecurableKind::Model, "main.sales.m"),
        (v1::SecurableKind::Tag, "t"),
    ] {
        let request = grant(&[Privilege::Manage], kind, name, &["bob"]);
        assert_eq!(told(ask!(world, Admin, GrantServiceClient.grant(request))).code, Code::NotFound, "{kind:?}");
    }
    let column = grant(&[Privilege::Select], v1::SecurableKind::Column, "main.sales.orders.id", &["bob"]);
    assert_eq!(told(ask!(world, Admin, GrantServiceClient.grant(column))).fields, ["securable.kind"]);
}
