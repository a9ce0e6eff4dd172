//! What is taken away is gone for the next statement of a session and for the next page of a listing.

use lakewarden_proto::v1;
use lakewarden_proto::v1::grant_service_client::GrantServiceClient;
use lakewarden_proto::v1::principal_service_client::PrincipalServiceClient;
use lakewarden_proto::v1::sql_service_client::SqlServiceClient;
use lakewarden_proto::v1::table_service_client::TableServiceClient;
use tonic::Code;

use crate::ask;
use crate::world::{Who, World};

/// A session of a caller in `main.sales`.
async fn session(world: &World, who: Who) -> String {
    let request = v1::OpenSessionRequest { catalog: "main".to_owned(), schema: "sales".to_owned() };
    SqlServiceClient::new(world.client(who).await).open_session(request).await.unwrap().into_inner().id
}

/// Whether the orders can be read in a session: nothing, or what the refusal is.
async fn read_in(world: &World, who: Who, session_id: &str) -> Option<Code> {
    let request = v1::ExecuteRequest {
        statement: "SELECT count(*) FROM orders".to_owned(),
        session_id: session_id.to_owned(),
        ..Default::default()
    };
    world.execute(who, request).await.err().map(|status| status.code())
}

#[tokio::test]
async fn the_next_statement_of_a_session_obeys_a_revoke_a_denial_and_a_grant() {
    let world = World::start().await;
    let session = session(&world, Who::Alice).await;
    for (statement, refused) in [
        ("GRANT SELECT ON TABLE main.sales.orders TO alice", None),
        ("REVOKE SELECT ON TABLE main.sales.orders FROM alice", Some(Code::NotFound)),
        ("GRANT SELECT ON SCHEMA main.sales TO alice", None),
        ("DENY SELECT ON CATALOG main TO `account users`", Some(Code::PermissionDenied)),
        ("REVOKE SELECT ON CATALOG main FROM `account users`", None),
        ("REVOKE USE SCHEMA ON SCHEMA main.sales FROM alice", Some(Code::PermissionDenied)),
    ] {
        world.sql(Who::Admin, statement).await.unwrap();
        assert_eq!(read_in(&world, Who::Alice, &session).await, refused, "{statement}");
    }
}

#[tokio::test]
async fn the_next_statement_of_a_session_obeys_the_membership_of_groups() {
    let world = World::start().await;
    world.server.group("inner", &["bob"]).await;
    world.server.group("outer", &["inner"]).await;
    world.sql(Who::Admin, "GRANT USE CATALOG, USE SCHEMA, SELECT ON CATALOG main TO outer").await.unwrap();
    let session = session(&world, Who::Bob).await;
    assert_eq!(read_in(&world, Who::Bob, &session).await, None);
    for (group, member) in [("outer", "inner"), ("inner", "bob")] {
        let (group, member) = (group.to_owned(), member.to_owned());
        let out = v1::RemoveMemberRequest { group: group.clone(), member: member.clone() };
        ask!(world, Admin, PrincipalServiceClient.remove_member(out)).unwrap();
        assert_eq!(read_in(&world, Who::Bob, &session).await, Some(Code::NotFound), "{member} left {group}");
        let back = v1::AddMemberRequest { group, member };
        ask!(world, Admin, PrincipalServiceClient.add_member(back)).unwrap();
        assert_eq!(read_in(&world, Who::Bob, &session).await, None);
    }
}

#[tokio::test]
async fn the_next_page_of_tables_obeys_a_revoke() {
    let world = World::start().await;
    let request = v1::ListTablesRequest { parent: "main.sales".to_owned(), page_size: 1, ..Default::default() };
    let first = ask!(world, Alice, TableServiceClient.list_tables(request.clone())).unwrap().into_inner();
    assert_eq!(first.tables[0].name, "big");
    let request = v1::ListTablesRequest { page_token: first.next_page_token, ..request };
    let second = ask!(world, Alice, TableServiceClient.list_tables(request.clone())).unwrap().into_inner();
    assert_eq!(second.tables[0].name, "orders");
    world.sql(Who::Admin, "REVOKE SELECT ON TABLE main.sales.orders FROM alice").await.unwrap();
    let second = ask!(world, Alice, TableServiceClient.list_tables(request)).unwrap().into_inner();
    assert!(second.tables.is_empty() && second.next_page_token.is_empty(), "{second:?}");
}

#[tokio::test]
async fn the_next_page_of_grants_obeys_a_revoke() {
    let world = World::start().await;
    world.sql(Who::Admin, "GRANT SELECT, MODIFY ON TABLE main.sales.orders TO bob").await.unwrap();
    let securable =
        v1::SecurableRef { kind: v1::SecurableKind::Table.into(), full_name: "main.sales.orders".to_owned() };
    let request = v1::ListGrantsRequest { securable: Some(securable), page_size: 2, ..Default::default() };
    let first = ask!(world, Admin, GrantServiceClient.list_grants(request.clone())).unwrap().into_inner();
    assert_eq!(first.grants.iter().map(|grant| grant.principal.as_str()).collect::<Vec<_>>(), ["alice", "bob"]);
    let request = v1::ListGrantsRequest { page_token: first.next_page_token, ..request };
    let second = ask!(world, Admin, GrantServiceClient.list_grants(request.clone())).unwrap().into_inner();
    assert_eq!(second.grants[0].privilege(), v1::Privilege::Modify);
    world.sql(Who::Admin, "REVOKE ALL PRIVILEGES ON TABLE main.sales.orders FROM bob").await.unwrap();
    let second = ask!(world, Admin, GrantServiceClient.list_grants(request)).unwrap().into_inner();
    assert!(second.grants.is_empty() && second.next_page_token.is_empty());
}
