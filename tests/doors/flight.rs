//! Statements, tickets and handshakes of Flight SQL.

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::{FlightDescriptor, Ticket};
use tonic::{Code, Request};

use crate::visitor::{Visitor, get, sqlstate, status, with_tables};

#[tokio::test]
async fn a_query_answers_under_the_callers_rights() {
    let (_server, mut admin, mut alice) = with_tables().await;
    let query = "SELECT id, name, price, day FROM demo.s.t ORDER BY id";
    assert_eq!(
        alice.query(query).await.unwrap(),
        ["1,one,1.50,2024-01-01", "2,two,2.50,2024-01-02", "3,NULL,NULL,NULL"]
    );
    // Unseen and absent are told in the same words.
    let unseen = alice.query("SELECT * FROM demo.s.hidden").await.unwrap_err();
    let absent = alice.query("SELECT * FROM demo.s.absent").await.unwrap_err();
    assert_eq!((unseen.code(), sqlstate(&unseen).as_str()), (Code::NotFound, "42P01"));
    assert_eq!(unseen.message().replace("hidden", "absent"), absent.message());
    // Seen, but not to be changed.
    let denied = alice.update("INSERT INTO demo.s.t VALUES (4, 'four', 4, NULL)").await.unwrap_err();
    assert_eq!((denied.code(), sqlstate(&denied).as_str()), (Code::PermissionDenied, "42501"));
    assert_eq!(admin.query("SELECT count(*) FROM demo.s.t").await.unwrap(), ["3"]);
}

#[tokio::test]
async fn an_update_tells_how_many_rows_it_changed() {
    let (_server, mut admin, _) = with_tables().await;
    admin.script(&["GRANT MODIFY ON TABLE demo.s.t TO `admin`"]).await;
    assert_eq!(
        admin.update("INSERT INTO demo.s.t VALUES (4, 'four', 4, NULL), (5, 'five', 5, NULL)").await.unwrap(),
        2
    );
    assert_eq!(admin.update("CREATE SCHEMA demo.more").await.unwrap(), 0);
}

#[tokio::test]
async fn an_effect_does_not_wait_for_its_ticket_to_be_redeemed() {
    let (_server, mut admin, _) = with_tables().await;
    let info = admin.client.execute("CREATE SCHEMA demo.again".to_owned(), None).await.unwrap();
    assert_eq!(admin.update("CREATE SCHEMA demo.again").await.unwrap_err().code(), Code::AlreadyExists);
    assert!(admin.fetch(&info).await.unwrap().is_empty());
    let refused = admin.client.execute("CREATE SCHEMA demo.again".to_owned(), None).await.unwrap_err();
    assert_eq!(status(refused).code(), Code::AlreadyExists);
    admin.script(&["GRANT MODIFY ON TABLE demo.s.t TO `admin`"]).await;
    let insert = "INSERT INTO demo.s.t VALUES (4, 'four', NULL, NULL), (5, 'five', NULL, NULL)";
    let info = admin.client.execute(insert.to_owned(), None).await.unwrap();
    assert_eq!(admin.query("SELECT count(*) FROM demo.s.t").await.unwrap(), ["5"]);
    assert_eq!(admin.fetch(&info).await.unwrap(), ["2"]);
    assert_eq!(admin.query("SELECT count(*) FROM demo.s.t").await.unwrap(), ["5"]);
}

#[tokio::test]
async fn errors_carry_their_sqlstate() {
    let (_server, mut admin, mut alice) = with_tables().await;
    for (sql, state) in [
        ("SELEC 1", "42601"),
        ("SELECT 1; SELECT 2", "42601"),
        ("SELECT nonsense FROM demo.s.t", "42703"),
        ("VACUUM demo.s.t", "0A000"),
        ("SELECT * FROM nowhere.s.t", "42P01"),
    ] {
        assert_eq!(sqlstate(&alice.query(sql).await.unwrap_err()), state, "{sql}");
    }
    let division = admin.query("SELECT 1 / (id - 1) FROM demo.s.t").await.unwrap_err();
    assert_eq!(sqlstate(&division), "22012", "{division:?}");
}

#[tokio::test]
async fn a_ticket_is_good_once_and_for_its_principal_only() {
    let (server, _, mut alice) = with_tables().await;
    let bob = server.user("bob").await;
    let mut bob = Visitor::new(&server, &bob).await;
    let info = alice.client.execute("SELECT 1".to_owned(), None).await.unwrap();
    let refused = bob.fetch(&info).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    assert_eq!(alice.fetch(&info).await.unwrap(), ["1"]);
    let again = alice.fetch(&info).await.unwrap_err();
    assert_eq!((again.code(), again.message()), (refused.code(), refused.message()));
}

#[tokio::test]
async fn rights_are_asked_when_a_ticket_is_redeemed() {
    let (_server, mut admin, mut alice) = with_tables().await;
    let info = alice.client.execute("SELECT * FROM demo.s.t".to_owned(), None).await.unwrap();
    admin.script(&["REVOKE SELECT ON TABLE demo.s.t FROM `alice`"]).await;
    let refused = alice.fetch(&info).await.unwrap_err();
    assert!(matches!(refused.code(), Code::NotFound | Code::PermissionDenied), "{refused:?}");
}

#[tokio::test]
async fn a_password_is_exchanged_for_a_bearer_token() {
    let (server, ..) = with_tables().await;
    let token = server.token("alice", 60).await.text;
    let mut client = arrow_flight::sql::client::FlightSqlServiceClient::new(server.channel().await);
    assert_eq!(client.handshake("anybody", &token).await.unwrap(), token.as_bytes());
    let mut visitor = Visitor { client };
    assert_eq!(visitor.query("SELECT current_user()").await.unwrap(), ["alice"]);
    let mut stranger = arrow_flight::sql::client::FlightSqlServiceClient::new(server.channel().await);
    // This client keeps the words of a refused handshake only.
    let refused = stranger.handshake("alice", "alice").await.unwrap_err().to_string();
    assert!(refused.contains("the token is not valid"), "{refused}");
}

#[tokio::test]
async fn transactions_are_refused_and_not_pretended() {
    let (_server, mut admin, _) = with_tables().await;
    let refused = status(admin.client.begin_transaction().await.unwrap_err());
    assert_eq!((refused.code(), sqlstate(&refused).as_str()), (Code::Unimplemented, "0A000"));
    let inside = admin.client.execute("SELECT 1".to_owned(), Some("t".into())).await.unwrap_err();
    assert_eq!(status(inside).code(), Code::Unimplemented);
}

#[tokio::test]
async fn what_is_no_command_is_told_so() {
    let (server, ..) = with_tables().await;
    let mut client = FlightServiceClient::new(server.client(server.admin()).await);
    let junk = client.get_flight_info(Request::new(FlightDescriptor::new_cmd("junk"))).await.unwrap_err();
    assert_eq!((junk.code(), sqlstate(&junk).as_str()), (Code::InvalidArgument, "22023"));
    let junk = client.do_get(Request::new(Ticket::new("junk"))).await.unwrap_err();
    assert_eq!(junk.code(), Code::InvalidArgument);
    let path =
        client.get_flight_info(Request::new(FlightDescriptor::new_path(vec!["a".to_owned()]))).await.unwrap_err();
    assert!(matches!(path.code(), Code::InvalidArgument | Code::Unimplemented), "{path:?}");
    let listed = client.list_flights(Request::new(arrow_flight::Criteria::default())).await.unwrap_err();
    assert_eq!((listed.code(), sqlstate(&listed).as_str()), (Code::Unimplemented, "0A000"));
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_query() {
    let (server, _, mut alice) = with_tables().await;
    let tables: Vec<String> = (0..20).map(|i| format!("demo.s.t t{i}")).collect();
    let endless = format!("SELECT sum(sin(t0.id + t9.id * t19.id)) FROM {}", tables.join(", "));
    let info = alice.client.execute(endless, None).await.unwrap();
    let gone = tokio::time::timeout(std::time::Duration::from_millis(700), alice.fetch(&info)).await;
    assert!(gone.is_err(), "the query ended before it could be left: {gone:?}");
    drop(alice);
    let admin = server.admin().to_owned();
    for _ in 0..100 {
        let (_, text) = get(&server, "/metrics", Some(&admin)).await;
        if text.contains("lakewarden_queries_running 0")
            && text.contains("lakewarden_requests_running{door=\"flight\"} 0")
        {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the query runs on");
}
