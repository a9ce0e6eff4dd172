//! `TokenService`.

use lakewarden_proto::v1;
use lakewarden_proto::v1::identity_service_client::IdentityServiceClient;
use lakewarden_proto::v1::token_service_client::TokenServiceClient;
use prost_types::Duration;
use tonic::Code;

use crate::ask;
use crate::world::{World, told};

fn create(principal: &str, seconds: i64) -> v1::CreateTokenRequest {
    v1::CreateTokenRequest {
        principal: principal.to_owned(),
        ttl: Some(Duration { seconds, nanos: 0 }),
        comment: "for a test".to_owned(),
    }
}

async fn name_of(world: &World, token: &str) -> Result<String, Code> {
    let mut client = IdentityServiceClient::new(world.server.client(token).await);
    let answer = client.who_am_i(v1::WhoAmIRequest {}).await.map_err(|status| status.code())?;
    Ok(answer.into_inner().principal.unwrap().name)
}

#[tokio::test]
async fn a_token_is_good_until_it_is_revoked() {
    let world = World::start().await;
    let made = ask!(world, Alice, TokenServiceClient.create_token(create("", 600))).unwrap().into_inner();
    let info = made.info.unwrap();
    assert_eq!(
        (info.principal.as_str(), info.created_by.as_str(), info.comment.as_str()),
        ("alice", "alice", "for a test")
    );
    let lifetime = info.expires_at.unwrap().seconds - info.created_at.unwrap().seconds;
    assert!((599..=601).contains(&lifetime) && info.revoked_at.is_none(), "{lifetime}");
    assert_eq!(name_of(&world, &made.token).await, Ok("alice".to_owned()));
    let request = v1::RevokeTokenRequest { id: info.id.clone() };
    for _ in 0..2 {
        let revoked = ask!(world, Alice, TokenServiceClient.revoke_token(request.clone())).unwrap().into_inner();
        assert!(revoked.revoked_at.is_some());
        assert_eq!(name_of(&world, &made.token).await, Err(Code::Unauthenticated));
    }
}

#[tokio::test]
async fn tokens_for_others_are_the_administrators() {
    let world = World::start().await;
    let made = ask!(world, Admin, TokenServiceClient.create_token(create("Bob", 600))).unwrap().into_inner();
    assert_eq!(name_of(&world, &made.token).await, Ok("bob".to_owned()));
    let id = made.info.unwrap().id;
    let refused = told(ask!(world, Alice, TokenServiceClient.create_token(create("bob", 600))));
    assert_eq!(refused.code, Code::PermissionDenied);
    let hidden = told(ask!(world, Alice, TokenServiceClient.revoke_token(v1::RevokeTokenRequest { id: id.clone() })));
    let none = "00000000-0000-7000-8000-000000000000";
    let absent =
        told(ask!(world, Alice, TokenServiceClient.revoke_token(v1::RevokeTokenRequest { id: none.to_owned() })));
    assert_eq!(hidden.code, Code::NotFound);
    assert_eq!(hidden, absent.about(none, &id));
    assert_eq!(name_of(&world, &made.token).await, Ok("bob".to_owned()), "still good");
    ask!(world, Admin, TokenServiceClient.revoke_token(v1::RevokeTokenRequest { id })).unwrap();
    assert_eq!(name_of(&world, &made.token).await, Err(Code::Unauthenticated));
}

#[tokio::test]
async fn no_token_lives_longer_than_allowed_and_groups_have_none() {
    let world = World::start().await;
    world.server.group("team", &["alice"]).await;
    let longest = i64::try_from(world.server.config().identity.max_token_ttl_s).unwrap();
    assert!(ask!(world, Alice, TokenServiceClient.create_token(create("", longest))).is_ok());
    for seconds in [longest + 1, 0, -5] {
        let refused = told(ask!(world, Alice, TokenServiceClient.create_token(create(" ", seconds))));
        assert_eq!(refused.fields, ["principal", "ttl"]);
    }
    let group = told(ask!(world, Admin, TokenServiceClient.create_token(create("team", 60))));
    assert_eq!((group.code, group.fields), (Code::InvalidArgument, vec!["principal".to_owned()]));
    let nobody = told(ask!(world, Admin, TokenServiceClient.create_token(create("nobody", 60))));
    assert_eq!(nobody.code, Code::NotFound);
    let refused =
        told(ask!(world, Alice, TokenServiceClient.revoke_token(v1::RevokeTokenRequest { id: "x".to_owned() })));
    assert_eq!(refused.fields, ["id"]);
}

#[tokio::test]
async fn lists_hold_ones_own_and_leave_out_what_is_over() {
    let world = World::start().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        let made = ask!(world, Alice, TokenServiceClient.create_token(create("", 600))).unwrap().into_inner();
        ids.push(made.info.unwrap().id);
    }
    for id in ids.iter().skip(1).step_by(2) {
        ask!(world, Alice, TokenServiceClient.revoke_token(v1::RevokeTokenRequest { id: id.clone() })).unwrap();
    }
    let list = |principal: &str, include_inactive| v1::ListTokensRequest {
        principal: principal.to_owned(),
        include_inactive,
        page_size: 2,
        page_token: String::new(),
    };
    let (mut seen, mut sizes, mut request) = (Vec::new(), Vec::new(), list("", false));
    loop {
        let page = ask!(world, Alice, TokenServiceClient.list_tokens(request.clone())).unwrap().into_inner();
        sizes.push(page.tokens.len());
        assert!(page.tokens.iter().all(|token| token.principal == "alice" && token.revoked_at.is_none()));
        seen.extend(page.tokens.into_iter().map(|token| token.id));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    // The first is the one that the world made for her.
    assert_eq!(seen[1..], [ids[0].clone(), ids[2].clone(), ids[4].clone()]);
    assert_eq!(sizes[0], 2);
    let all = v1::ListTokensRequest { page_size: 0, ..list("ALICE", true) };
    assert_eq!(ask!(world, Admin, TokenServiceClient.list_tokens(all)).unwrap().into_inner().tokens.len(), 6);
    for principal in ["*", "bob"] {
        let refused = told(ask!(world, Alice, TokenServiceClient.list_tokens(list(principal, true))));
        assert_eq!(refused.code, Code::PermissionDenied);
    }
    let everybody = v1::ListTokensRequest { page_size: 0, ..list("*", true) };
    let everybody = ask!(world, Admin, TokenServiceClient.list_tokens(everybody)).unwrap().into_inner().tokens;
    assert!(everybody.iter().any(|token| token.principal == "bob") && everybody.len() > 6);
}
