//! The runner against a server that answers as each test says.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::ipc::writer::StreamWriter;
use futures::stream::{self, BoxStream};
use lakewarden_proto::v1::execute_response::Part;
use lakewarden_proto::v1::sql_service_server::{SqlService, SqlServiceServer};
use lakewarden_proto::v1::{
    CancelStatementRequest, CloseSessionRequest, ExecuteHeader, ExecuteRequest, ExecuteResponse, ExecuteSummary,
    OpenSessionRequest, Session,
};
use tonic::{Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::*;
use crate::client::Client;
use crate::exit::Exit;
use crate::render::{Format, Output};
use crate::secret::Secret;
use crate::target::Target;

/// What was asked of the server, in order.
type Seen = Arc<Mutex<Vec<String>>>;

/// Answers by the words of the statement.
struct Fake(Seen, Arc<tokio::sync::Notify>);

#[tonic::async_trait]
impl SqlService for Fake {
    type ExecuteStream = BoxStream<'static, Result<ExecuteResponse, Status>>;

    async fn execute(&self, request: Request<ExecuteRequest>) -> Result<Response<Self::ExecuteStream>, Status> {
        let token = request.metadata().get("authorization").unwrap().to_str().unwrap().to_owned();
        let request = request.into_inner();
        let (text, session) = (request.statement.as_str(), request.session_id.as_str());
        self.0.lock().unwrap().push(format!("{text} in {session:?} by {token}"));
        if text == "LATE" && session == "s1" {
            let details =
                ErrorDetails::with_error_info("SESSION_NOT_FOUND", "lakewarden", [("a".to_owned(), "b".to_owned())]);
            return Err(Status::with_error_details(tonic::Code::NotFound, "session does not exist", details));
        }
        if text.starts_with("ENDLESS") {
            let (cancelled, in_time) = (Arc::clone(&self.1), text == "ENDLESS");
            let end = async move {
                cancelled.notified().await;
                match in_time {
                    true => Err(Status::cancelled("the statement was cancelled")),
                    false => Ok(ExecuteResponse { part: Some(Part::Summary(ExecuteSummary::default())) }),
                }
            };
            let mut answer = Response::new(Box::pin(stream::once(end)) as Self::ExecuteStream);
            answer.metadata_mut().insert("x-statement-id", "abc".parse().unwrap());
            return Ok(answer);
        }
        if text == "DENIED" {
            return Err(Status::permission_denied("permission denied: SELECT on `a.b.c`"));
        }
        let columns = !text.starts_with("USE");
        let mut parts = vec![Part::Header(ExecuteHeader { statement_kind: text.to_owned(), ..Default::default() })];
        parts.extend(ipc_chunks(columns).into_iter().map(|chunk| Part::ArrowIpc(chunk.into())));
        if text != "BROKEN" {
            parts.push(Part::Summary(ExecuteSummary {
                row_count: 3,
                truncated: text == "MUCH",
                catalog: "demo".to_owned(),
                ..Default::default()
            }));
        }
        let messages = parts.into_iter().map(|part| Ok(ExecuteResponse { part: Some(part) }));
        Ok(Response::new(Box::pin(stream::iter(messages.collect::<Vec<_>>()))))
    }

    async fn cancel_statement(&self, request: Request<CancelStatementRequest>) -> Result<Response<()>, Status> {
        self.0.lock().unwrap().push(format!("cancel {}", request.into_inner().statement_id));
        self.1.notify_one();
        Ok(Response::new(()))
    }

    async fn open_session(&self, request: Request<OpenSessionRequest>) -> Result<Response<Session>, Status> {
        let mut seen = self.0.lock().unwrap();
        let number = seen.iter().filter(|line| line.starts_with("open")).count() + 1;
        seen.push(format!("open {:?}", request.into_inner().catalog));
        Ok(Response::new(Session { id: format!("s{number}"), ..Default::default() }))
    }

    async fn close_session(&self, request: Request<CloseSessionRequest>) -> Result<Response<()>, Status> {
        self.0.lock().unwrap().push(format!("close {}", request.into_inner().session_id));
        Ok(Response::new(()))
    }
}

/// One IPC stream of two batches, 1 2 and 3, cut into small chunks; or one without columns.
fn ipc_chunks(columns: bool) -> Vec<Vec<u8>> {
    let column = |numbers: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(numbers)) };
    let batches = if columns {
        vec![
            RecordBatch::try_from_iter([("n", column(vec![1, 2]))]).unwrap(),
            RecordBatch::try_from_iter([("n", column(vec![3]))]).unwrap(),
        ]
    } else {
        vec![RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::empty()))]
    };
    let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    writer.into_inner().unwrap().chunks(50).map(<[u8]>::to_vec).collect()
}

#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What came of a script: its result, stdout, stderr, and what the server saw.
struct Ran {
    result: Result<(), CliError>,
    out: String,
    messages: String,
    seen: Vec<String>,
}

async fn ran(script: &str, max_rows: Option<i64>) -> Ran {
    ran_by(max_rows, async |runner, _| run_script(script, runner).await).await
}

/// What the shell does with a statement that is interrupted once.
async fn interrupted(statement: &str) -> Ran {
    ran_by(None, async |runner, seen| {
        let times = std::cell::Cell::new(0);
        let interrupt = || {
            times.set(times.get() + 1);
            let (seen, first) = (Arc::clone(&seen), times.get() == 1);
            async move {
                while !first || seen.lock().unwrap().is_empty() {
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                }
                // The answer to what was seen is on its way.
                tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            }
        };
        runner.run_until(statement, interrupt).await.map(drop)
    })
    .await
}

async fn ran_by(max_rows: Option<i64>, run: impl AsyncFnOnce(&mut Runner, Seen) -> Result<(), CliError>) -> Ran {
    let seen = Seen::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let incoming = stream::unfold(listener, |listener| async {
        let accepted = listener.accept().await.map(|(stream, _)| stream);
        Some((accepted, listener))
    });
    let service = SqlServiceServer::new(Fake(Arc::clone(&seen), Arc::default()));
    let server = tonic::transport::Server::builder().add_service(service).serve_with_incoming(Box::pin(incoming));
    let server = tokio::spawn(server);
    let target = Target { endpoint, token: Some(Secret::parse("a.b.c").unwrap()), tls_ca: None };
    let client = Client::connect(&target).await.unwrap();
    let (out, messages) = (Shared::default(), Shared::default());
    let output = Output::captured(Format::Csv, Box::new(out.clone()), Box::new(messages.clone()));
    let args = SqlArgs { statement: None, file: None, catalog: "start".to_owned(), schema: String::new(), max_rows };
    let mut runner = Runner::new(Context { client, out: output }, &args);
    let result = run(&mut runner, Arc::clone(&seen)).await;
    runner.close().await;
    server.abort();
    let seen = seen.lock().unwrap().clone();
    Ran { result, out: out.text(), messages: messages.text(), seen }
}

#[tokio::test]
async fn a_single_statement_needs_no_session() {
    let ran = ran("NUMBERS;", None).await;
    ran.result.unwrap();
    assert_eq!(ran.out, "n\r\n1\r\n2\r\n3\r\n");
    assert_eq!(ran.seen, ["NUMBERS in \"\" by Bearer a.b.c"]);
}

#[tokio::test]
async fn a_script_shares_a_session_that_is_closed_behind_it() {
    let ran = ran("USE x; NUMBERS", None).await;
    ran.result.unwrap();
    assert_eq!((ran.out.as_str(), ran.messages.as_str()), ("n\r\n1\r\n2\r\n3\r\n", "USE x\n"));
    let expected =
        ["open \"start\"", "USE x in \"s1\" by Bearer a.b.c", "NUMBERS in \"s1\" by Bearer a.b.c", "close s1"];
    assert_eq!(ran.seen, expected);
}

#[tokio::test]
async fn a_script_stops_at_its_first_error_and_says_where() {
    let ran = ran("NUMBERS;\nDENIED;\nNUMBERS", None).await;
    let error = ran.result.unwrap_err();
    assert_eq!(error.to_string(), "statement 2 (line 2): permission denied: SELECT on `a.b.c`");
    assert_eq!(error.exit(), Exit::PermissionDenied);
    assert_eq!(ran.seen.last().unwrap(), "close s1");
    assert_eq!(ran.seen.len(), 4);
}

#[tokio::test]
async fn a_session_that_ended_is_opened_again_where_it_was() {
    let ran = ran("USE x; LATE", None).await;
    ran.result.unwrap();
    assert_eq!(
        ran.seen[2..],
        ["LATE in \"s1\" by Bearer a.b.c", "open \"demo\"", "LATE in \"s2\" by Bearer a.b.c", "close s2"]
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let error = ran("BROKEN", None).await.result.unwrap_err();
    assert_eq!(error.exit(), Exit::Internal, "{error}");
}

#[tokio::test]
async fn an_answer_that_the_servers_limit_cut_is_an_error_unless_asked_for() {
    let cut = ran("MUCH", None).await;
    assert_eq!(cut.result.unwrap_err().exit(), Exit::Limit);
    assert_eq!(ran("MUCH", Some(10)).await.result.unwrap_err().exit(), Exit::Limit);
    let wanted = ran("MUCH", Some(3)).await;
    wanted.result.unwrap();
    assert_eq!(wanted.messages, "there are more than these 3 rows\n");
}

#[tokio::test]
async fn what_is_interrupted_is_cancelled_and_its_end_is_told() {
    let ran = interrupted("ENDLESS").await;
    assert_eq!(ran.result.unwrap_err().to_string(), "the statement was cancelled");
    assert_eq!(ran.seen, ["ENDLESS in \"\" by Bearer a.b.c", "cancel abc"]);
    // A change that was past cancelling has been made.
    interrupted("ENDLESS UNTIL LATE").await.result.unwrap();
}

#[tokio::test]
async fn nothing_to_run_is_a_wrong_argument() {
    assert_eq!(ran(" -- nothing", None).await.result.unwrap_err().exit(), Exit::InvalidArgument);
}
