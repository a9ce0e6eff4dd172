use axum::Router;
use axum::routing::any;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use lakewarden_catalog::Caller;
use lakewarden_catalog::ops::principals::Leftovers;
use rstest::rstest;
use tower::ServiceExt;
use uuid::Uuid;

use super::super::testing::Desk;
use super::*;

fn app(desk: &Desk, metrics_open: bool) -> Router {
    let metrics = Arc::new(Metrics::new().unwrap());
    let entrance = Entrance { identity: Arc::clone(&desk.identity), metrics, metrics_open };
    let who = |request: Request<Body>| async move {
        assert!(request.headers().get(AUTHORIZATION).is_none(), "the token went on");
        let token = request.extensions().get::<PresentedToken>().map(|t| t.0.expose().len());
        let caller = request.extensions().get::<Caller>();
        format!("{} {token:?}", caller.map_or("nobody", |caller| caller.name.as_str()))
    };
    Router::new().fallback(any(who)).layer(axum::middleware::from_fn_with_state(entrance, require_caller))
}

async fn ask(app: Router, path: &str, headers: &[(&str, String)]) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::builder().uri(path).extension(RequestId(Uuid::nil()));
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let reply = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (head, body) = reply.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    (head.status, head.headers, String::from_utf8(body.to_vec()).unwrap())
}

fn bearer(token: &str) -> Vec<(&'static str, String)> {
    vec![("authorization", format!("Bearer {token}"))]
}

fn basic(user: &str, token: &str) -> Vec<(&'static str, String)> {
    vec![("authorization", format!("Basic {}", STANDARD.encode(format!("{user}:{token}"))))]
}

#[rstest]
#[case("/healthz", false, true)]
#[case("/readyz", false, true)]
#[case("/grpc.health.v1.Health/Check", false, true)]
#[case("/grpc.health.v1.Health/Watch", false, true)]
#[case("/metrics", true, true)]
#[case("/metrics", false, false)]
#[case("/healthz/", false, false)]
#[case("/HEALTHZ", false, false)]
#[case("//healthz", false, false)]
#[case("/", false, false)]
#[case("/grpc.health.v1.Health/List", false, false)]
#[case("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", true, false)]
#[case("/lakewarden.v1.Catalogs/ListCatalogs", true, false)]
#[case("/arrow.flight.protocol.FlightService/Handshake", true, false)]
#[tokio::test]
async fn only_probes_are_open(#[case] path: &str, #[case] metrics_open: bool, #[case] open: bool) {
    let desk = Desk::new(Vec::new());
    let (status, headers, body) = ask(app(&desk, metrics_open), path, &[]).await;
    if open {
        assert_eq!((status, body.as_str()), (StatusCode::OK, "nobody None"));
    } else {
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(headers[WWW_AUTHENTICATE], "Bearer");
    }
}

#[tokio::test]
async fn a_good_token_gives_its_caller() {
    let desk = Desk::new(Vec::new());
    let minted = desk.issue(desk.alice, 60);
    let (status, _, body) = ask(app(&desk, false), "/x", &bearer(minted.token.expose())).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "alice None"));
}

#[tokio::test]
async fn a_token_without_its_record_is_refused() {
    let desk = Desk::new(Vec::new());
    let minted = desk.authority.mint(desk.alice, 60).unwrap();
    let (status, ..) = ask(app(&desk, false), "/x", &bearer(minted.token.expose())).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    desk.record(desk.alice, &minted, |_| ());
    assert_eq!(ask(app(&desk, false), "/x", &bearer(minted.token.expose())).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_record_of_another_text_or_principal_is_not_its_record() {
    let desk = Desk::new(Vec::new());
    let altered = desk.authority.mint(desk.alice, 60).unwrap();
    desk.record(desk.alice, &altered, |new| new.sha256[0] ^= 1);
    assert_eq!(ask(app(&desk, false), "/x", &bearer(altered.token.expose())).await.0, StatusCode::UNAUTHORIZED);
    let moved = desk.authority.mint(desk.alice, 60).unwrap();
    desk.record(desk.bob, &moved, |_| ());
    assert_eq!(ask(app(&desk, false), "/x", &bearer(moved.token.expose())).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_revocation_holds_for_the_very_next_request() {
    let desk = Desk::new(Vec::new());
    let minted = desk.issue(desk.alice, 60);
    assert_eq!(ask(app(&desk, false), "/x", &bearer(minted.token.expose())).await.0, StatusCode::OK);
    desk.catalog.reads().revoke_token(&desk.admin, minted.id).unwrap();
    let (status, _, body) = ask(app(&desk, false), "/x", &bearer(minted.token.expose())).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(body.contains("revoked"), "{body}");
}

#[tokio::test]
async fn an_expired_token_is_told_apart_and_a_record_can_end_it_sooner() {
    let desk = Desk::new(Vec::new());
    let ended = desk.authority.mint(desk.alice, 600).unwrap();
    desk.record(desk.alice, &ended, |new| new.expires_at_ms -= 600_000);
    assert_eq!(ask(app(&desk, false), "/x", &bearer(ended.token.expose())).await.0, StatusCode::UNAUTHORIZED);
    let minted = desk.issue(desk.alice, 60);
    desk.clock.forward_s(60);
    let (status, _, body) = ask(app(&desk, false), "/x", &bearer(minted.token.expose())).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(body.contains("expired"), "{body}");
}

#[tokio::test]
async fn the_token_of_a_deleted_principal_is_refused() {
    let desk = Desk::new(Vec::new());
    let minted = desk.issue(desk.bob, 60);
    let bob = lakewarden_catalog::model::PrincipalName::parse("bob").unwrap();
    let kind = lakewarden_catalog::model::PrincipalKind::User;
    desk.catalog.reads().delete_principal(&desk.admin, Some(kind), &bob, &Leftovers::Restrict, None).unwrap();
    assert_eq!(ask(app(&desk, false), "/x", &bearer(minted.token.expose())).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_password_is_taken_at_the_handshake_only() {
    let desk = Desk::new(Vec::new());
    let minted = desk.issue(desk.alice, 60);
    let token = minted.token.expose();
    let (status, _, body) = ask(app(&desk, false), door::HANDSHAKE, &basic("anyone", token)).await;
    assert_eq!((status, body), (StatusCode::OK, format!("alice Some({})", token.len())));
    let bare = STANDARD_NO_PAD.encode(format!("u:{token}"));
    let bare = [("authorization", format!("basic {bare}"))];
    assert_eq!(ask(app(&desk, false), door::HANDSHAKE, &bare).await.0, StatusCode::OK);
    for path in ["/x", "/arrow.flight.protocol.FlightService/DoGet"] {
        assert_eq!(ask(app(&desk, false), path, &basic("anyone", token)).await.0, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(ask(app(&desk, false), door::HANDSHAKE, &basic("alice", "wrong")).await.0, StatusCode::UNAUTHORIZED);
}

#[rstest]
#[case("Bearer")]
#[case("Bearer ")]
#[case("Bearer a.b")]
#[case("Bearer a.b.c.d")]
#[case("Bearer ..")]
#[case("Token x")]
#[case("Basic !!")]
#[case("")]
#[tokio::test]
async fn what_is_no_token_is_refused(#[case] header: &str) {
    let desk = Desk::new(Vec::new());
    let (status, ..) = ask(app(&desk, false), "/x", &[("authorization", header.to_owned())]).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_giant_token_is_refused_before_it_is_read() {
    let desk = Desk::new(Vec::new());
    let refusal = desk.identity.caller(&"a".repeat(9000), RequestId(Uuid::nil()), "grpc").await.unwrap_err();
    assert!(matches!(refusal, Refusal::Malformed("too long")));
}

#[tokio::test]
async fn a_grpc_door_answers_in_its_own_way() {
    let desk = Desk::new(Vec::new());
    let grpc = [("content-type", "application/grpc+proto".to_owned())];
    let (status, headers, body) = ask(app(&desk, false), "/lakewarden.v1.Catalogs/GetCatalog", &grpc).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, ""));
    assert_eq!(headers["grpc-status"], "16");
    assert!(headers.contains_key("grpc-status-details-bin"));
}

#[tokio::test]
async fn several_authorization_headers_are_refused_whatever_they_say() {
    let desk = Desk::new(Vec::new());
    let minted = desk.issue(desk.alice, 60);
    let good = bearer(minted.token.expose());
    let twice = [good.clone(), good.clone()].concat();
    assert_eq!(ask(app(&desk, false), "/x", &twice).await.0, StatusCode::UNAUTHORIZED);
    let other = [good.clone(), bearer("a.b.c")].concat();
    assert_eq!(ask(app(&desk, false), "/x", &other).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(app(&desk, false), "/x", &good).await.0, StatusCode::OK);
}

/// Sends a request whose body ends only after `between` was done; what its handler could read.
async fn slowly(desk: &Desk, token: &str, between: impl FnOnce()) -> Result<String, String> {
    let metrics = Arc::new(Metrics::new().unwrap());
    let entrance = Entrance { identity: Arc::clone(&desk.identity), metrics, metrics_open: false };
    let (opened, open) = tokio::sync::oneshot::channel();
    let (send, read) = tokio::sync::oneshot::channel();
    let opened = Arc::new(parking_lot::Mutex::new(Some((opened, send))));
    let handler = move |request: Request<Body>| async move {
        let (opened, send) = opened.lock().take().unwrap();
        opened.send(()).unwrap();
        let body = axum::body::to_bytes(request.into_body(), 1 << 20).await;
        send.send(body.map(|b| String::from_utf8(b.to_vec()).unwrap()).map_err(|e| format!("{e:?}"))).unwrap();
    };
    let app =
        Router::new().fallback(any(handler)).layer(axum::middleware::from_fn_with_state(entrance, require_caller));
    let (rest, pieces) = futures::channel::mpsc::unbounded::<Result<&'static str, std::io::Error>>();
    let (name, value) = bearer(token).remove(0);
    let request = Request::builder().uri("/x").extension(RequestId(Uuid::nil())).header(name, value);
    let answered = tokio::spawn(app.oneshot(request.body(Body::from_stream(pieces)).unwrap()));
    open.await.unwrap();
    between();
    rest.unbounded_send(Ok("the rest")).unwrap();
    drop(rest);
    answered.await.unwrap().unwrap();
    read.await.unwrap()
}

#[tokio::test]
async fn a_request_that_was_open_when_its_token_ended_is_not_read_to_its_end() {
    let desk = Desk::new(Vec::new());
    let good = desk.issue(desk.alice, 60);
    assert_eq!(slowly(&desk, good.token.expose(), || ()).await.unwrap(), "the rest");
    let revoke = || {
        desk.catalog.reads().revoke_token(&desk.admin, good.id).unwrap();
    };
    let refused = slowly(&desk, good.token.expose(), revoke).await.unwrap_err();
    assert!(refused.contains("Unauthenticated") && refused.contains("revoked"), "{refused}");
    let short = desk.issue(desk.alice, 60);
    let refused = slowly(&desk, short.token.expose(), || desk.clock.forward_s(60)).await.unwrap_err();
    assert!(refused.contains("Unauthenticated"), "{refused}");
}
