//! Statements that are cancelled: through each door, by whom, and what is left of them.

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{ActionCancelQueryRequest, ActionCancelQueryResult, Any, ProstMessageExt};
use arrow_flight::{Action, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightInfo};
use lakewarden_proto::v1;
use lakewarden_proto::v1::sql_service_client::SqlServiceClient;
use lakewarden_test_support::Server;
use prost::Message;
use tonic::{Code, Request, Status};

use crate::bounds::{ENDLESS, PATIENCE, metric, until};
use crate::visitor::{Visitor, sqlstate, with_tables};

const RUNNING: &str = "lakewarden_engine{what=\"running\"}";
const MEMORY: &str = "lakewarden_engine{what=\"memory_bytes\"}";
const CANCELLED: &str = "lakewarden_statements_ended_total{reason=\"cancelled\"}";

async fn act(server: &Server, token: &str, name: &str, body: Vec<u8>) -> Result<Vec<u8>, Status> {
    let mut client = FlightServiceClient::new(server.client(token).await);
    let action = Action { r#type: name.to_owned(), body: body.into() };
    let answer = client.do_action(Request::new(action)).await?.into_inner().message().await?;
    Ok(answer.map(|result| result.body.to_vec()).unwrap_or_default())
}

/// Cancels a flight info as a principal; what that is told.
async fn cancel(server: &Server, token: &str, info: &FlightInfo) -> CancelStatus {
    let request = CancelFlightInfoRequest::new(info.clone()).encode_to_vec();
    let answer = act(server, token, "CancelFlightInfo", request).await.unwrap();
    CancelFlightInfoResult::decode(answer.as_slice()).unwrap().status()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flight_is_cancelled_by_its_own_principal_only() {
    let server = Server::start().await;
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let mut visitor = Visitor::new(&server, &alice).await;
    let info = visitor.client.execute(ENDLESS.to_owned(), None).await.unwrap();
    let fetched = info.clone();
    let fetching = tokio::spawn(async move { visitor.fetch(&fetched).await });
    until(&server, RUNNING, 1).await;
    // Another's, and one that never was, are told alike; the query goes on.
    let mut never = info.clone();
    never.endpoint[0].ticket.as_mut().unwrap().ticket = b"never".to_vec().into();
    assert_eq!(cancel(&server, &bob, &info).await, CancelStatus::NotCancellable);
    assert_eq!(cancel(&server, &alice, &never).await, CancelStatus::NotCancellable);
    assert_eq!(cancel(&server, server.admin(), &info).await, CancelStatus::NotCancellable);
    assert_eq!(metric(&server, RUNNING).await, 1);
    assert_eq!(cancel(&server, &alice, &info).await, CancelStatus::Cancelled);
    let ended = tokio::time::timeout(PATIENCE, fetching).await.expect("it goes on").unwrap().unwrap_err();
    assert_eq!((ended.code(), sqlstate(&ended).as_str()), (Code::Cancelled, "57014"), "{ended:?}");
    until(&server, RUNNING, 0).await;
    until(&server, MEMORY, 0).await;
    assert_eq!(metric(&server, CANCELLED).await, 1);
    // It is over: there is nothing to cancel, and nothing to fetch.
    assert_eq!(cancel(&server, &alice, &info).await, CancelStatus::NotCancellable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flight_that_was_not_fetched_is_cancelled_by_its_older_name_too() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let mut visitor = Visitor::new(&server, &alice).await;
    let info = visitor.client.execute("SELECT 1".to_owned(), None).await.unwrap();
    let request = ActionCancelQueryRequest { info: info.encode_to_vec().into() };
    let body = request.as_any().encode_to_vec();
    let answer = act(&server, &alice, "CancelQuery", body).await.unwrap();
    let answer: ActionCancelQueryResult = Any::decode(answer.as_slice()).unwrap().unpack().unwrap().unwrap();
    assert_eq!(answer.result, 1, "CANCEL_RESULT_CANCELLED");
    assert_eq!(visitor.fetch(&info).await.unwrap_err().code(), Code::NotFound);
    let junk = act(&server, &alice, "CancelFlightInfo", b"junk".to_vec()).await.unwrap_err();
    assert_eq!(junk.code(), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_grpc_a_statement_can_be_cancelled_before_its_first_row() {
    let server = Server::start().await;
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let mut client = SqlServiceClient::new(server.client(&alice).await);
    let request = v1::ExecuteRequest { statement: ENDLESS.to_owned(), ..Default::default() };
    let answer = client.execute(request).await.unwrap();
    let id = answer.metadata().get("x-statement-id").unwrap().to_str().unwrap().to_owned();
    let mut messages = answer.into_inner();
    let ended = tokio::spawn(async move {
        loop {
            match messages.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it ended well"),
                Err(status) => return status,
            }
        }
    });
    until(&server, RUNNING, 1).await;
    let cancel = |token: String, statement_id: String| {
        let server = &server;
        async move {
            let mut client = SqlServiceClient::new(server.client(&token).await);
            client.cancel_statement(v1::CancelStatementRequest { statement_id }).await
        }
    };
    let foreign = cancel(bob.clone(), id.clone()).await.unwrap_err();
    let unknown = cancel(alice.clone(), "AAAAAAAAAAAAAAAAAAAAAA".to_owned()).await.unwrap_err();
    assert_eq!((foreign.code(), foreign.message()), (unknown.code(), unknown.message()));
    cancel(alice, id).await.unwrap();
    let ended = tokio::time::timeout(PATIENCE, ended).await.expect("it goes on").unwrap();
    assert_eq!((ended.code(), sqlstate(&ended).as_str()), (Code::Cancelled, "57014"), "{ended:?}");
    until(&server, RUNNING, 0).await;
    until(&server, MEMORY, 0).await;
}

/// Cancels an INSERT at many moments: whatever comes of it, the table has all of its rows or none, and what the client was told is true.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_write_is_whole_or_absent() {
    let (server, mut admin, _) = with_tables().await;
    admin
        .script(&["CREATE TABLE demo.s.many (id BIGINT)", "GRANT SELECT, MODIFY ON TABLE demo.s.many TO `admin`"])
        .await;
    let insert = "INSERT INTO demo.s.many SELECT value FROM range(300000)";
    let (mut told, mut cancelled) = (0, 0);
    for wait_ms in [0, 1, 5, 20, 60, 120, 250, 500, 1_000] {
        let mut client = SqlServiceClient::new(server.client(server.admin()).await);
        let request = v1::ExecuteRequest { statement: insert.to_owned(), ..Default::default() };
        let answer = client.execute(request).await.unwrap();
        let statement_id = answer.metadata().get("x-statement-id").unwrap().to_str().unwrap().to_owned();
        tokio::time::sleep(std::time::Duration::from_millis(wait_ms)).await;
        let asked = client.cancel_statement(v1::CancelStatementRequest { statement_id }).await;
        let mut messages = answer.into_inner();
        let ended = loop {
            match messages.message().await {
                Ok(Some(_)) => {}
                Ok(None) => break Ok(()),
                Err(status) => break Err(status.code()),
            }
        };
        match ended {
            Ok(()) => told += 1,
            Err(code) => {
                assert_eq!((code, asked.is_ok()), (Code::Cancelled, true));
                cancelled += 1;
            }
        }
        let rows = admin.query("SELECT count(*) FROM demo.s.many").await.unwrap();
        assert_eq!(rows, [(told * 300_000).to_string()], "after {wait_ms} ms");
    }
    assert!(cancelled > 0, "none was cancelled in time");
    until(&server, MEMORY, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_ends_with_its_token() {
    let server = Server::start().await;
    server.user("alice").await;
    let token = server.token("alice", 3600).await;
    let mut visitor = Visitor::new(&server, &token.text).await;
    let info = visitor.client.execute(ENDLESS.to_owned(), None).await.unwrap();
    let fetching = tokio::spawn(async move { visitor.fetch(&info).await });
    until(&server, RUNNING, 1).await;
    server.revoke_token(&token.id).await;
    let ended = tokio::time::timeout(PATIENCE, fetching).await.expect("it goes on").unwrap().unwrap_err();
    assert_eq!(ended.code(), Code::Unauthenticated, "{ended:?}");
    until(&server, RUNNING, 0).await;
}
