//! `IdentityService`.

use lakewarden_proto::v1;
use lakewarden_proto::v1::identity_service_client::IdentityServiceClient;
use lakewarden_proto::v1::token_service_client::TokenServiceClient;

use crate::ask;
use crate::world::World;

#[tokio::test]
async fn callers_are_told_who_they_are() {
    let world = World::start().await;
    world.server.group("inner", &["alice"]).await;
    world.server.group("outer", &["inner"]).await;
    let alice = ask!(world, Alice, IdentityServiceClient.who_am_i(v1::WhoAmIRequest {})).unwrap().into_inner();
    let principal = alice.principal.unwrap();
    assert_eq!((principal.name.as_str(), principal.kind()), ("alice", v1::PrincipalKind::User));
    assert_eq!(alice.groups, ["account users", "inner", "outer"]);
    assert!(!alice.metastore_admin);
    assert_eq!(
        (alice.metastore_name.as_str(), alice.server_version.as_str()),
        ("metastore", env!("CARGO_PKG_VERSION"))
    );
    let admin = ask!(world, Admin, IdentityServiceClient.who_am_i(v1::WhoAmIRequest {})).unwrap().into_inner();
    assert!(admin.metastore_admin);
    assert_eq!(admin.metastore_id, alice.metastore_id);
}

#[tokio::test]
async fn callers_are_told_which_token_they_use() {
    let world = World::start().await;
    let made = world.server.token("alice", 600).await;
    let mut client = IdentityServiceClient::new(world.server.client(&made.text).await);
    let told = client.who_am_i(v1::WhoAmIRequest {}).await.unwrap().into_inner();
    assert_eq!(told.token_id, made.id);
    let list = v1::ListTokensRequest::default();
    let known = ask!(world, Alice, TokenServiceClient.list_tokens(list)).unwrap().into_inner().tokens;
    let known = known.into_iter().find(|token| token.id == made.id).unwrap();
    assert_eq!(told.token_expires_at, known.expires_at);
}
