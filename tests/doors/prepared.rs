//! Prepared statements.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::IpcWriteOptions;
use arrow::record_batch::RecordBatch;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult,
    Any, CommandPreparedStatementQuery, ProstMessageExt,
};
use arrow_flight::{Action, FlightData, FlightDescriptor, FlightInfo};
use bytes::Bytes;
use futures::TryStreamExt;
use lakewarden_test_support::Server;
use prost::Message;
use tonic::{Code, Response, Status};

use crate::sessions::prost_bytes;
use crate::visitor::{sqlstate, status, with_tables};

fn ids(values: &[i64]) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
    RecordBatch::try_from_iter([("id", column)]).unwrap()
}

#[tokio::test]
async fn parameters_are_bound_and_bound_again() {
    let (_server, _, mut alice) = with_tables().await;
    let mut statement = alice.client.prepare("SELECT name FROM demo.s.t WHERE id = ?".to_owned(), None).await.unwrap();
    assert_eq!(statement.dataset_schema().unwrap().field(0).name(), "name");
    assert_eq!(statement.parameter_schema().unwrap().fields().len(), 1);
    for (id, name) in [(1, "one"), (2, "two")] {
        statement.set_parameters(ids(&[id])).unwrap();
        let info = statement.execute().await.unwrap();
        assert_eq!(alice.fetch(&info).await.unwrap(), [name]);
    }
    // Several rows of parameters: one execution each, one answer after the other.
    statement.set_parameters(ids(&[2, 9, 1])).unwrap();
    let info = statement.execute().await.unwrap();
    assert_eq!(alice.fetch(&info).await.unwrap(), ["two", "one"]);
    statement.close().await.unwrap();
}

#[tokio::test]
async fn many_rows_of_parameters_take_their_turns_one_after_the_other() {
    let (_server, _, mut alice) = with_tables().await;
    // More than a principal may run at once, each with more rows than wait unread.
    let tables: Vec<String> = (0..9).map(|i| format!("demo.s.t AS t{i}")).collect();
    let sql = format!("SELECT CAST(? AS BIGINT) + t0.id AS n FROM {}", tables.join(", "));
    let mut statement = alice.client.prepare(sql, None).await.unwrap();
    statement.set_parameters(ids(&(0..12).collect::<Vec<_>>())).unwrap();
    let info = statement.execute().await.unwrap();
    let batches = alice.batches(&info).await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 12 * 3usize.pow(9));
}

/// Binds what `batch` gives when it is written with `options`; the body of the batch goes through `change` first.
async fn bind_raw(
    client: &mut Raw,
    handle: &Bytes,
    options: &IpcWriteOptions,
    change: impl Fn(&mut Vec<u8>),
) -> Result<(), Status> {
    let encoder = FlightDataEncoderBuilder::new().with_options(options.clone());
    let batches = futures::stream::iter([Ok(ids(&[5; 4096]))]);
    let mut messages: Vec<FlightData> = encoder.build(batches).try_collect().await.unwrap();
    let command = CommandPreparedStatementQuery { prepared_statement_handle: handle.clone() };
    messages[0].flight_descriptor = Some(FlightDescriptor::new_cmd(prost_bytes(&command)));
    let mut body = messages[1].data_body.to_vec();
    change(&mut body);
    messages[1].data_body = body.into();
    let answer = client.do_put(futures::stream::iter(messages)).await?;
    answer.into_inner().try_collect::<Vec<_>>().await.map(drop)
}

#[tokio::test]
async fn compressed_parameters_are_refused_before_their_claims_are_believed() {
    let (server, ..) = with_tables().await;
    let token = server.token("alice", 60).await.text;
    let mut alice = raw(&server, &token).await;
    let handle = create(&mut alice, "SELECT name FROM demo.s.t WHERE id = ?").await;
    bind_raw(&mut alice, &handle, &IpcWriteOptions::default(), |_| ()).await.unwrap();
    let zstd = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).unwrap();
    // The first buffer with bytes says that it will be larger than any memory.
    let claim = |body: &mut Vec<u8>| {
        let (at, _) = (0..body.len() - 8)
            .map(|at| (at, i64::from_le_bytes(body[at..at + 8].try_into().unwrap())))
            .find(|(_, length)| *length == 4096 * 8)
            .unwrap();
        body[at..at + 8].copy_from_slice(&(1i64 << 46).to_le_bytes());
    };
    let refused = bind_raw(&mut alice, &handle, &zstd, claim).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
    assert!(refused.message().contains("compressed"), "{refused:?}");
}

#[tokio::test]
async fn parameters_that_are_cut_short_are_refused() {
    let (server, ..) = with_tables().await;
    let token = server.token("alice", 60).await.text;
    let mut alice = raw(&server, &token).await;
    let handle = create(&mut alice, "SELECT name FROM demo.s.t WHERE id = ?").await;
    let refused = bind_raw(&mut alice, &handle, &IpcWriteOptions::default(), |body| body.truncate(100)).await;
    assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn parameters_in_many_messages_are_bounded_in_all() {
    let server = Server::start_with(|config| config.listen.max_request_bytes = 40_000).await;
    let mut alice = raw(&server, server.admin()).await;
    let handle = create(&mut alice, "SELECT CAST(? AS BIGINT)").await;
    // Each message is smaller than a message may be.
    let batches = futures::stream::iter((0..8).map(|_| Ok(ids(&[5; 1024]))));
    let mut messages: Vec<FlightData> = FlightDataEncoderBuilder::new().build(batches).try_collect().await.unwrap();
    let command = CommandPreparedStatementQuery { prepared_statement_handle: handle };
    messages[0].flight_descriptor = Some(FlightDescriptor::new_cmd(prost_bytes(&command)));
    let refused = match alice.do_put(futures::stream::iter(messages)).await {
        Ok(answer) => answer.into_inner().try_collect::<Vec<_>>().await.unwrap_err(),
        Err(refused) => refused,
    };
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    assert!(refused.message().contains("40000 bytes"), "{refused:?}");
}

#[tokio::test]
async fn the_rows_of_bound_parameters_have_the_columns_that_were_told() {
    let (_server, _, mut alice) = with_tables().await;
    let mut statement = alice.client.prepare("SELECT CAST(? AS BIGINT) AS n".to_owned(), None).await.unwrap();
    statement.set_parameters(ids(&[7])).unwrap();
    let info = statement.execute().await.unwrap();
    let told = info.clone().try_decode_schema().unwrap();
    assert_eq!(*alice.batches(&info).await.unwrap()[0].schema(), told);
}

#[tokio::test]
async fn values_are_values_and_never_sql() {
    let (_server, _, mut alice) = with_tables().await;
    let sql = "SELECT count(*) FROM demo.s.t WHERE name = ?";
    let mut statement = alice.client.prepare(sql.to_owned(), None).await.unwrap();
    let column: ArrayRef = Arc::new(StringArray::from(vec!["' OR '1'='1"]));
    statement.set_parameters(RecordBatch::try_from_iter([("name", column)]).unwrap()).unwrap();
    let info = statement.execute().await.unwrap();
    assert_eq!(alice.fetch(&info).await.unwrap(), ["0"]);
}

#[tokio::test]
async fn an_update_runs_once_for_each_row_of_parameters() {
    let (_server, mut admin, _) = with_tables().await;
    admin.script(&["GRANT MODIFY ON TABLE demo.s.t TO `admin`"]).await;
    let sql = "INSERT INTO demo.s.t VALUES (?, 'bound', NULL, NULL)";
    let mut statement = admin.client.prepare(sql.to_owned(), None).await.unwrap();
    statement.set_parameters(ids(&[10, 11, 12])).unwrap();
    assert_eq!(statement.execute_update().await.unwrap(), 3);
    let query = "SELECT id FROM demo.s.t WHERE name = 'bound' ORDER BY id";
    assert_eq!(admin.query(query).await.unwrap(), ["10", "11", "12"]);
}

#[tokio::test]
async fn rights_are_asked_by_every_execution() {
    let (_server, mut admin, mut alice) = with_tables().await;
    let mut statement = alice.client.prepare("SELECT count(*) FROM demo.s.t".to_owned(), None).await.unwrap();
    let info = statement.execute().await.unwrap();
    assert_eq!(alice.fetch(&info).await.unwrap(), ["3"]);
    admin.script(&["REVOKE SELECT ON TABLE demo.s.t FROM `alice`"]).await;
    let refused = status(statement.execute().await.unwrap_err());
    assert!(["42501", "42P01"].contains(&sqlstate(&refused).as_str()), "{refused:?}");
    admin.script(&["GRANT SELECT ON TABLE demo.s.t TO `alice`"]).await;
    let info = statement.execute().await.unwrap();
    assert_eq!(alice.fetch(&info).await.unwrap(), ["3"]);
}

#[tokio::test]
async fn what_cannot_be_read_cannot_be_prepared() {
    let (_server, _, mut alice) = with_tables().await;
    let refused = alice.client.prepare("SELECT * FROM demo.s.hidden".to_owned(), None).await.err().unwrap();
    assert_eq!(sqlstate(&status(refused)), "42P01");
}

#[tokio::test]
async fn a_missing_value_is_told_so() {
    let (_server, _, mut alice) = with_tables().await;
    let mut statement = alice.client.prepare("SELECT name FROM demo.s.t WHERE id = ?".to_owned(), None).await.unwrap();
    let info = statement.execute().await.unwrap();
    let refused = alice.fetch(&info).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
}

#[tokio::test]
async fn a_closed_statement_and_somebody_elses_are_absent() {
    let (server, ..) = with_tables().await;
    let bob = server.user("bob").await;
    let token = server.token("alice", 60).await.text;
    let (mut alice, mut bob) = (raw(&server, &token).await, raw(&server, &bob).await);
    let handle = create(&mut alice, "SELECT 1").await;
    assert!(execute(&mut alice, &handle).await.is_ok());
    let refused = execute(&mut bob, &handle).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    // Somebody else's close changes nothing; one's own ends it, and a second one is no error.
    close(&mut bob, &handle).await;
    assert!(execute(&mut alice, &handle).await.is_ok());
    close(&mut alice, &handle).await;
    close(&mut alice, &handle).await;
    let gone = execute(&mut alice, &handle).await.unwrap_err();
    assert_eq!((gone.code(), gone.message()), (refused.code(), refused.message()));
}

type Raw = FlightServiceClient<lakewarden_test_support::Client>;

async fn raw(server: &Server, token: &str) -> Raw {
    FlightServiceClient::new(server.client(token).await)
}

async fn act(client: &mut Raw, name: &str, command: &impl ProstMessageExt) -> Option<Bytes> {
    let action = Action { r#type: name.to_owned(), body: prost_bytes(command).into() };
    let mut answers = client.do_action(action).await.unwrap().into_inner();
    answers.message().await.unwrap().map(|answer| answer.body)
}

async fn create(client: &mut Raw, sql: &str) -> Bytes {
    let request = ActionCreatePreparedStatementRequest { query: sql.to_owned(), transaction_id: None };
    let body = act(client, "CreatePreparedStatement", &request).await.unwrap();
    let answer: Any = Message::decode(body).unwrap();
    let created: ActionCreatePreparedStatementResult = answer.unpack().unwrap().unwrap();
    created.prepared_statement_handle
}

async fn close(client: &mut Raw, handle: &Bytes) {
    let request = ActionClosePreparedStatementRequest { prepared_statement_handle: handle.clone() };
    act(client, "ClosePreparedStatement", &request).await;
}

async fn execute(client: &mut Raw, handle: &Bytes) -> Result<FlightInfo, Status> {
    let command = CommandPreparedStatementQuery { prepared_statement_handle: handle.clone() };
    let descriptor = FlightDescriptor::new_cmd(prost_bytes(&command));
    client.get_flight_info(descriptor).await.map(Response::into_inner)
}
