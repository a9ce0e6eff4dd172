//! `SqlService`: statements, sessions, cancelling.

use lakewarden_proto::v1;
use lakewarden_proto::v1::execute_response::Part;
use lakewarden_proto::v1::sql_service_client::SqlServiceClient;
use lakewarden_test_support::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::Code;

use crate::ask;
use crate::world::{Who, World, told, told_of};

/// Gives rows for as long as anybody reads.
const ENDLESS: &str = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";

fn request(statement: &str) -> v1::ExecuteRequest {
    v1::ExecuteRequest { statement: statement.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_query_answers_with_header_rows_and_summary() {
    let world = World::start().await;
    let answer = world.sql(Who::Alice, "SELECT id, total FROM main.sales.orders ORDER BY id;").await.unwrap();
    assert_eq!(answer.header.statement_kind, "SELECT");
    assert!(!answer.header.statement_id.is_empty() && answer.header.session_id.is_empty());
    let columns: Vec<_> =
        answer.header.columns.iter().map(|c| (c.name.as_str(), c.type_text.as_str(), c.nullable)).collect();
    assert_eq!(columns, [("id", "Int64", false), ("total", "Decimal128(12, 2)", true)]);
    insta::assert_snapshot!(answer.text(), @r"
    +----+-------+
    | id | total |
    +----+-------+
    | 1  | 10.50 |
    | 2  | 20.25 |
    | 3  | 30.00 |
    +----+-------+
    ");
    assert_eq!((answer.summary.row_count, answer.summary.truncated, answer.summary.affected_rows), (3, false, None));
}

#[tokio::test]
async fn statements_without_rows_say_what_they_did() {
    let world = World::start().await;
    let inserted = "INSERT INTO main.sales.orders VALUES (4, 'US', NULL, 1.00), (5, 'US', NULL, 2.00)";
    let inserted = world.sql(Who::Admin, inserted).await.unwrap();
    assert_eq!((inserted.header.statement_kind.as_str(), inserted.summary.affected_rows), ("INSERT", Some(2)));
    let made = world.sql(Who::Admin, "CREATE SCHEMA main.x").await.unwrap();
    assert_eq!((made.header.statement_kind.as_str(), made.summary.affected_rows), ("CREATE SCHEMA", None));
    assert_eq!((made.rows.num_columns(), made.rows.num_rows()), (0, 0));
}

#[tokio::test]
async fn the_caller_cuts_rows_and_the_server_refuses_too_many() {
    let server = Server::start_with(|config| config.engine.max_result_rows = 5).await;
    let mut client = SqlServiceClient::new(server.client(server.admin()).await);
    for (asked, expected, cut) in [(0, 5, false), (100, 5, false), (5, 5, false), (2, 2, true)] {
        let statement = "SELECT * FROM (VALUES (1), (2), (3), (4), (5)) AS t(x)";
        let request = v1::ExecuteRequest { max_rows: asked, ..request(statement) };
        let mut stream = client.execute(request).await.unwrap().into_inner();
        let mut summary = None;
        while let Some(message) = stream.message().await.unwrap() {
            if let Some(Part::Summary(part)) = message.part {
                summary = Some(part);
            }
        }
        let summary = summary.unwrap();
        assert_eq!((summary.row_count, summary.truncated), (expected, cut), "max_rows {asked}");
    }
    let statement = "SELECT * FROM (VALUES (1), (2), (3), (4), (5), (6)) AS t(x)";
    let mut stream = client.execute(request(statement)).await.unwrap().into_inner();
    let status = loop {
        match stream.message().await {
            Ok(Some(message)) => assert!(!matches!(message.part, Some(Part::Summary(_)))),
            Ok(None) => panic!("it ended well"),
            Err(status) => break told_of(&status),
        }
    };
    assert_eq!((status.code, status.reason.as_str()), (Code::ResourceExhausted, "LIMIT_EXCEEDED"));
}

#[tokio::test]
async fn errors_carry_their_kind_reason_and_sqlstate() {
    let world = World::start().await;
    for (who, statement, code, sqlstate) in [
        (Who::Alice, "SELEC 1", Code::InvalidArgument, "42601"),
        (Who::Alice, "SELECT 1; SELECT 2", Code::InvalidArgument, "42601"),
        (Who::Alice, "SELECT no_such FROM main.sales.orders", Code::InvalidArgument, "42703"),
        (Who::Alice, "SELECT * FROM main.sales.nothing", Code::NotFound, "42P01"),
        (Who::Bob, "SELECT * FROM main.sales.orders", Code::NotFound, "42P01"),
        (Who::Alice, "INSERT INTO main.sales.orders VALUES (9, 'x', 'x', 1)", Code::PermissionDenied, "42501"),
        (Who::Alice, "DROP TABLE main.sales.orders", Code::PermissionDenied, "42501"),
        (Who::Alice, "VACUUM main.sales.orders", Code::Unimplemented, "0A000"),
        (Who::Alice, "SELECT 1 / (id - id) FROM main.sales.orders", Code::InvalidArgument, "22012"),
        (Who::Admin, "CREATE SCHEMA main.sales", Code::AlreadyExists, "42710"),
        (Who::Admin, "DROP SCHEMA main.sales", Code::FailedPrecondition, "2BP01"),
    ] {
        let status = world.sql(who, statement).await.unwrap_err();
        let told = told_of(&status);
        assert_eq!((told.code, told.metadata["sqlstate"].as_str()), (code, sqlstate), "{statement}: {told:?}");
        assert!(!told.reason.is_empty());
    }
}

#[tokio::test]
async fn faults_of_the_request_are_told_by_field() {
    let world = World::start().await;
    let wrong = v1::ExecuteRequest { max_rows: -1, schema: "x".to_owned(), ..request(" ") };
    let refused = told_of(&world.execute(Who::Alice, wrong).await.unwrap_err());
    assert_eq!(refused.fields, ["statement", "max_rows", "schema"]);
    let refused = told(ask!(world, Alice, SqlServiceClient.cancel_statement(v1::CancelStatementRequest::default())));
    assert_eq!(refused.fields, ["statement_id"]);
    let refused = told(ask!(world, Alice, SqlServiceClient.close_session(v1::CloseSessionRequest::default())));
    assert_eq!(refused.fields, ["session_id"]);
}

#[tokio::test]
async fn a_session_remembers_where_it_is() {
    let world = World::start().await;
    let opened =
        ask!(world, Alice, SqlServiceClient.open_session(v1::OpenSessionRequest::default())).unwrap().into_inner();
    assert!(opened.catalog.is_empty() && opened.expires_at.is_some());
    let within = |statement: &str| v1::ExecuteRequest { session_id: opened.id.clone(), ..request(statement) };
    assert!(world.execute(Who::Alice, within("SELECT * FROM orders")).await.is_err());
    let used = world.execute(Who::Alice, within("USE main.sales")).await.unwrap();
    assert_eq!((used.summary.catalog.as_str(), used.summary.schema.as_str()), ("main", "sales"));
    let rows = world.execute(Who::Alice, within("SELECT * FROM orders")).await.unwrap();
    assert_eq!((rows.header.session_id.as_str(), rows.summary.row_count), (opened.id.as_str(), 3));
    // Rights are asked anew by every statement.
    world.sql(Who::Admin, "REVOKE SELECT ON TABLE main.sales.orders FROM alice").await.unwrap();
    assert!(world.execute(Who::Alice, within("SELECT * FROM orders")).await.is_err());

    let stolen = told_of(&world.execute(Who::Bob, within("SELECT 1")).await.unwrap_err());
    assert_eq!((stolen.code, stolen.reason.as_str()), (Code::NotFound, "SESSION_NOT_FOUND"));
    let close = v1::CloseSessionRequest { session_id: opened.id.clone() };
    assert_eq!(told(ask!(world, Bob, SqlServiceClient.close_session(close.clone()))), stolen);
    ask!(world, Alice, SqlServiceClient.close_session(close.clone())).unwrap();
    let closed = told_of(&world.execute(Who::Alice, within("SELECT 1")).await.unwrap_err());
    assert_eq!(closed, stolen);
    assert_eq!(told(ask!(world, Alice, SqlServiceClient.close_session(close))).code, Code::NotFound);
}

#[tokio::test]
async fn a_statement_may_begin_in_a_catalog_and_schema_that_are_seen() {
    let world = World::start().await;
    let begin = |catalog: &str, schema: &str| v1::ExecuteRequest {
        catalog: catalog.to_owned(),
        schema: schema.to_owned(),
        ..request("SELECT count(*) FROM orders")
    };
    let answer = world.execute(Who::Alice, begin("main", "sales")).await.unwrap();
    assert_eq!((answer.summary.catalog.as_str(), answer.summary.schema.as_str()), ("main", "sales"));
    let hidden = told_of(&world.execute(Who::Bob, begin("main", "")).await.unwrap_err());
    let absent = told_of(&world.execute(Who::Bob, begin("none", "")).await.unwrap_err());
    assert_eq!(hidden.reason, "CATALOG_NOT_FOUND");
    assert_eq!(hidden, absent.about("none", "main"));
    let open = v1::OpenSessionRequest { catalog: "main".to_owned(), schema: "nope".to_owned() };
    let refused = told(ask!(world, Alice, SqlServiceClient.open_session(open)));
    assert_eq!(refused.reason, "SCHEMA_NOT_FOUND");
}

#[tokio::test]
async fn a_running_statement_is_cancelled_by_its_principal_only() {
    let world = World::start().await;
    let mut stream =
        SqlServiceClient::new(world.client(Who::Alice).await).execute(request(ENDLESS)).await.unwrap().into_inner();
    let Some(Part::Header(header)) = stream.message().await.unwrap().unwrap().part else { panic!("no header") };
    let cancel = v1::CancelStatementRequest { statement_id: header.statement_id };
    let stolen = told(ask!(world, Bob, SqlServiceClient.cancel_statement(cancel.clone())));
    assert_eq!((stolen.code, stolen.reason.as_str()), (Code::NotFound, "STATEMENT_NOT_FOUND"));
    ask!(world, Alice, SqlServiceClient.cancel_statement(cancel.clone())).unwrap();
    let status = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it ended well"),
            Err(status) => break status,
        }
    };
    assert_eq!((status.code(), told_of(&status).reason.as_str()), (Code::Cancelled, "STATEMENT_CANCELLED"));
    assert_eq!(told(ask!(world, Alice, SqlServiceClient.cancel_statement(cancel))), stolen);
}

/// How many statements the server is running, from its metrics.
async fn running(server: &Server) -> String {
    let address = server.endpoint().trim_start_matches("http://").to_owned();
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let request = format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.unwrap();
    let line = page.lines().find(|line| line.starts_with("lakewarden_queries_running")).unwrap();
    line.rsplit(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_statement_ends_when_its_client_goes() {
    let server = Server::start_with(|config| config.telemetry.metrics_open = true).await;
    let mut client = SqlServiceClient::new(server.client(server.admin()).await);
    let mut stream = client.execute(request(ENDLESS)).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    assert_eq!(running(&server).await, "1");
    drop(stream);
    for _ in 0..100 {
        if running(&server).await == "0" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the statement still runs");
}

#[tokio::test]
async fn a_large_answer_comes_in_many_chunks() {
    let world = World::start().await;
    let statement = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 300) \
        SELECT a.i AS i, repeat('x', 200) AS pad FROM n AS a CROSS JOIN n AS b";
    let mut stream =
        SqlServiceClient::new(world.client(Who::Alice).await).execute(request(statement)).await.unwrap().into_inner();
    let (mut chunks, mut largest, mut rows) = (0, 0, 0);
    while let Some(message) = stream.message().await.unwrap() {
        match message.part.unwrap() {
            Part::ArrowIpc(chunk) => (chunks, largest) = (chunks + 1, largest.max(chunk.len())),
            Part::Summary(summary) => rows = summary.row_count,
            Part::Header(_) => {}
        }
    }
    assert_eq!(rows, 90_000);
    assert!(chunks > 15 && largest < 4 << 20, "{chunks} chunks, the largest of {largest} bytes");
}
