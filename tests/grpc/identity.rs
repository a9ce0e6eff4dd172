//! `IdentityService`.

use lakewarden_proto::v1;
use lakewarden_proto::v1::identity_service_client::IdentityServiceClient;

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
