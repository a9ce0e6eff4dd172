//! `PrincipalService`.

use lakewarden_proto::v1;
use lakewarden_proto::v1::principal_service_client::PrincipalServiceClient;
use tonic::Code;

use crate::ask;
use crate::world::{Who, World, mask, told};
use v1::PrincipalKind::{Group, ServicePrincipal, Unspecified, User};

fn create(name: &str, kind: v1::PrincipalKind) -> v1::CreatePrincipalRequest {
    v1::CreatePrincipalRequest { name: name.to_owned(), kind: kind.into(), comment: "c".to_owned() }
}

fn get(name: &str, kind: v1::PrincipalKind) -> v1::GetPrincipalRequest {
    v1::GetPrincipalRequest { name: name.to_owned(), kind: kind.into() }
}

fn delete(name: &str, kind: v1::PrincipalKind) -> v1::DeletePrincipalRequest {
    v1::DeletePrincipalRequest { name: name.to_owned(), kind: kind.into(), ..Default::default() }
}

#[tokio::test]
async fn principals_of_each_kind_live_through_create_get_delete() {
    let world = World::start().await;
    for (name, kind) in [("eve@example.com", User), ("data team", Group), ("7f3a", ServicePrincipal)] {
        let made =
            ask!(world, Admin, PrincipalServiceClient.create_principal(create(name, kind))).unwrap().into_inner();
        assert_eq!((made.name.as_str(), made.kind(), made.comment.as_str()), (name, kind, "c"));
        assert_eq!(made.created_by, "admin");
        for kind in [kind, Unspecified] {
            let found = ask!(world, Bob, PrincipalServiceClient.get_principal(get(&name.to_uppercase(), kind)));
            assert_eq!(found.unwrap().into_inner(), made);
        }
        let other = if kind == User { Group } else { User };
        let wrong_kind = told(ask!(world, Admin, PrincipalServiceClient.get_principal(get(name, other))));
        let absent = told(ask!(world, Admin, PrincipalServiceClient.get_principal(get("nobody", Unspecified))));
        assert_eq!((wrong_kind.code, absent.code), (Code::NotFound, Code::NotFound));
        let taken = told(ask!(world, Admin, PrincipalServiceClient.create_principal(create(name, other))));
        assert_eq!(taken.code, Code::AlreadyExists, "one namespace for all kinds");
        let wrong_kind = told(ask!(world, Admin, PrincipalServiceClient.delete_principal(delete(name, other))));
        assert_eq!(wrong_kind.code, Code::NotFound);
        let stale = v1::DeletePrincipalRequest { etag: "1".to_owned(), ..delete(name, kind) };
        assert_eq!(told(ask!(world, Admin, PrincipalServiceClient.delete_principal(stale))).code, Code::Aborted);
        let fresh = v1::DeletePrincipalRequest { etag: made.etag, ..delete(name, Unspecified) };
        ask!(world, Admin, PrincipalServiceClient.delete_principal(fresh)).unwrap();
        assert_eq!(
            told(ask!(world, Admin, PrincipalServiceClient.get_principal(get(name, kind)))).code,
            Code::NotFound
        );
    }
}

#[tokio::test]
async fn who_owns_something_cannot_be_deleted() {
    let world = World::start().await;
    world.sql(Who::Admin, "ALTER SCHEMA main.sales OWNER TO alice").await.unwrap();
    let refused = told(ask!(world, Admin, PrincipalServiceClient.delete_principal(delete("alice", User))));
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "IN_USE"));
    assert!(refused.message.contains("`main.sales`"), "{}", refused.message);
    let own = told(ask!(world, Admin, PrincipalServiceClient.delete_principal(delete("admin", User))));
    assert_eq!(own.code, Code::FailedPrecondition);
}

fn update(name: &str, paths: &[&str], new_name: &str, comment: &str) -> v1::UpdatePrincipalRequest {
    let principal = v1::Principal { name: new_name.to_owned(), comment: comment.to_owned(), ..Default::default() };
    v1::UpdatePrincipalRequest {
        name: name.to_owned(),
        principal: Some(principal),
        update_mask: mask(paths),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_renamed_principal_keeps_its_grants_its_groups_and_its_token() {
    let world = World::start().await;
    world.server.group("team", &["alice"]).await;
    let before = ask!(world, Admin, PrincipalServiceClient.get_principal(get("alice", User))).unwrap().into_inner();
    let request = update("ALICE", &["name", "comment"], "carol", "sales");
    let changed = ask!(world, Admin, PrincipalServiceClient.update_principal(request)).unwrap().into_inner();
    assert_eq!((changed.name.as_str(), changed.comment.as_str(), &changed.id), ("carol", "sales", &before.id));
    assert_ne!(changed.etag, before.etag);
    let read = world.sql(Who::Alice, "SELECT current_user(), is_member('team') FROM main.sales.orders LIMIT 1").await;
    assert!(read.as_ref().unwrap().text().contains("| carol"), "{read:?}");
    assert!(read.unwrap().text().contains("true"));
    let gone = told(ask!(world, Admin, PrincipalServiceClient.get_principal(get("alice", User))));
    assert_eq!(gone.code, Code::NotFound);
    let request = update("carol", &["comment"], "not read", "");
    let changed = ask!(world, Admin, PrincipalServiceClient.update_principal(request)).unwrap().into_inner();
    assert_eq!((changed.name.as_str(), changed.comment.as_str()), ("carol", ""));
}

#[tokio::test]
async fn a_principal_is_updated_as_it_was_seen_or_not_at_all() {
    let world = World::start().await;
    let before = world.everything().await;
    let stale = v1::UpdatePrincipalRequest { etag: "1".to_owned(), ..update("alice", &["comment"], "", "x") };
    assert_eq!(told(ask!(world, Admin, PrincipalServiceClient.update_principal(stale))).code, Code::Aborted);
    let other = v1::UpdatePrincipalRequest { kind: Group.into(), ..update("alice", &["comment"], "", "x") };
    assert_eq!(told(ask!(world, Admin, PrincipalServiceClient.update_principal(other))).code, Code::NotFound);
    for (request, code) in [
        (update("alice", &["name"], "BOB", ""), Code::AlreadyExists),
        (update("nobody", &["comment"], "", "x"), Code::NotFound),
        (update("account users", &["name"], "all", ""), Code::FailedPrecondition),
        (update("alice", &["kind"], "", ""), Code::InvalidArgument),
    ] {
        let refused = told(ask!(world, Admin, PrincipalServiceClient.update_principal(request.clone())));
        assert_eq!(refused.code, code, "{request:?}");
    }
    let empty = v1::UpdatePrincipalRequest::default();
    let refused = told(ask!(world, Admin, PrincipalServiceClient.update_principal(empty)));
    assert_eq!(refused.fields, ["name", "update_mask", "principal"]);
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn what_a_deleted_principal_leaves_behind_needs_a_choice() {
    let world = World::start().await;
    let choice = |name: &str, leftovers: v1::Leftovers, to: &str| v1::DeletePrincipalRequest {
        leftovers: leftovers.into(),
        reassign_owned_to: to.to_owned(),
        ..delete(name, User)
    };
    world.sql(Who::Admin, "DENY SELECT (phone) ON TABLE main.sales.orders TO bob").await.unwrap();
    let before = world.everything().await;
    for leftovers in [v1::Leftovers::Unspecified, v1::Leftovers::Restrict] {
        let refused = told(ask!(world, Admin, PrincipalServiceClient.delete_principal(choice("bob", leftovers, ""))));
        assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "IN_USE"));
        assert!(refused.message.contains("`main.sales.orders`"), "{}", refused.message);
    }
    ask!(world, Admin, PrincipalServiceClient.delete_principal(choice("bob", v1::Leftovers::Cascade, ""))).unwrap();
    let after = world.everything().await;
    assert!(before.contains("\"bob\"") && !after.contains("\"bob\""), "{after}");

    world.sql(Who::Admin, "ALTER SCHEMA main.sales OWNER TO alice").await.unwrap();
    let owns =
        told(ask!(world, Admin, PrincipalServiceClient.delete_principal(choice("alice", v1::Leftovers::Cascade, ""))));
    assert_eq!(owns.code, Code::FailedPrecondition);
    assert!(owns.message.contains("`main.sales`"), "{}", owns.message);
    for (to, code) in [("nobody", Code::NotFound), ("alice", Code::InvalidArgument), ("", Code::InvalidArgument)] {
        let request = choice("alice", v1::Leftovers::Reassign, to);
        assert_eq!(told(ask!(world, Admin, PrincipalServiceClient.delete_principal(request))).code, code, "{to}");
    }
    world.server.group("heirs", &[]).await;
    let request = choice("alice", v1::Leftovers::Reassign, "heirs");
    ask!(world, Admin, PrincipalServiceClient.delete_principal(request)).unwrap();
    use lakewarden_proto::v1::schema_service_client::SchemaServiceClient;
    let schema = v1::GetSchemaRequest { full_name: "main.sales".to_owned() };
    assert_eq!(ask!(world, Admin, SchemaServiceClient.get_schema(schema)).unwrap().into_inner().owner, "heirs");
    let both = choice("admin", v1::Leftovers::Cascade, "heirs");
    assert_eq!(told(ask!(world, Admin, PrincipalServiceClient.delete_principal(both))).fields, ["reassign_owned_to"]);
}

#[tokio::test]
async fn rights_come_and_go_with_membership() {
    let world = World::start().await;
    world.server.group("inner", &[]).await;
    world.server.group("outer", &["inner"]).await;
    world.sql(Who::Admin, "GRANT USE CATALOG ON CATALOG main TO outer").await.unwrap();
    world.sql(Who::Admin, "GRANT USE SCHEMA, SELECT ON SCHEMA main.sales TO outer").await.unwrap();
    let query = "SELECT count(*) FROM main.sales.orders";
    assert_eq!(world.sql(Who::Bob, query).await.unwrap_err().code(), Code::NotFound);
    let add = v1::AddMemberRequest { group: "INNER".to_owned(), member: "Bob".to_owned() };
    for _ in 0..2 {
        ask!(world, Admin, PrincipalServiceClient.add_member(add.clone())).unwrap();
    }
    world.sql(Who::Bob, query).await.unwrap();
    let list = v1::ListMembersRequest { group: "outer".to_owned(), ..Default::default() };
    let members = ask!(world, Bob, PrincipalServiceClient.list_members(list.clone())).unwrap().into_inner().members;
    assert_eq!(members.iter().map(|m| (m.name.as_str(), m.kind())).collect::<Vec<_>>(), [("inner", Group)]);
    assert_eq!(told(ask!(world, Alice, PrincipalServiceClient.list_members(list))).code, Code::PermissionDenied);
    let cycle = v1::AddMemberRequest { group: "inner".to_owned(), member: "outer".to_owned() };
    let cycle = told(ask!(world, Admin, PrincipalServiceClient.add_member(cycle)));
    assert_eq!((cycle.code, cycle.reason.as_str()), (Code::FailedPrecondition, "CYCLE"));
    let remove = v1::RemoveMemberRequest { group: "inner".to_owned(), member: "bob".to_owned() };
    for _ in 0..2 {
        ask!(world, Admin, PrincipalServiceClient.remove_member(remove.clone())).unwrap();
    }
    assert_eq!(world.sql(Who::Bob, query).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn lists_are_paged_over_one_kind_or_all() {
    let world = World::start().await;
    for number in 0..4 {
        world.server.principal(&format!("u{number}"), User).await;
        world.server.principal(&format!("G{number}"), Group).await;
    }
    for (kind, expected) in [
        (User, vec!["admin", "alice", "bob", "u0", "u1", "u2", "u3"]),
        (Group, vec!["account users", "G0", "G1", "G2", "G3"]),
        (ServicePrincipal, vec![]),
        (Unspecified, vec!["account users", "admin", "alice", "bob", "G0", "G1", "G2", "G3", "u0", "u1", "u2", "u3"]),
    ] {
        let (mut names, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = v1::ListPrincipalsRequest { kind: kind.into(), page_size: 5, page_token };
            let page = ask!(world, Alice, PrincipalServiceClient.list_principals(request)).unwrap().into_inner();
            names.extend(page.principals.iter().map(|principal| principal.name.clone()));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
            assert_eq!(page.principals.len(), 5, "only the last page is short");
        }
        assert_eq!(names, expected);
    }
    world.server.group("all", &["u0", "u1", "u2", "G1", "bob"]).await;
    let request = v1::ListMembersRequest { group: "all".to_owned(), page_size: 3, ..Default::default() };
    let first = ask!(world, Admin, PrincipalServiceClient.list_members(request.clone())).unwrap().into_inner();
    let request = v1::ListMembersRequest { page_token: first.next_page_token, ..request };
    let second = ask!(world, Admin, PrincipalServiceClient.list_members(request)).unwrap().into_inner();
    let names: Vec<_> = first.members.iter().chain(&second.members).map(|member| member.name.as_str()).collect();
    assert_eq!((names, second.next_page_token.as_str()), (vec!["bob", "G1", "u0", "u1", "u2"], ""));
}

#[tokio::test]
async fn faults_are_told_by_field() {
    let world = World::start().await;
    let refused =
        told(ask!(world, Admin, PrincipalServiceClient.create_principal(v1::CreatePrincipalRequest::default())));
    assert_eq!(refused.fields, ["name", "kind"]);
    let request = v1::CreatePrincipalRequest { name: " x".to_owned(), kind: 17, comment: String::new() };
    let refused = told(ask!(world, Admin, PrincipalServiceClient.create_principal(request)));
    assert_eq!(refused.fields, ["name", "kind"]);
    let refused = told(ask!(world, Admin, PrincipalServiceClient.add_member(v1::AddMemberRequest::default())));
    assert_eq!(refused.fields, ["group", "member"]);
    let request = v1::AddMemberRequest { group: "alice".to_owned(), member: "bob".to_owned() };
    assert_eq!(told(ask!(world, Admin, PrincipalServiceClient.add_member(request))).code, Code::NotFound, "no group");
}
