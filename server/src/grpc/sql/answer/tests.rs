use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;
use futures::TryStreamExt;
use rstest::rstest;
use tonic_types::StatusExt;
use uuid::Uuid;

use super::*;
use crate::handles::Limits;
use crate::telemetry::Metrics;

fn table() -> Arc<Handles<CancellationToken>> {
    let limits = Limits {
        kind: "grpc_statement",
        total: 10,
        per_principal: 10,
        ttl: Duration::MAX,
        bytes_per_principal: 1 << 10,
        bytes: 1 << 10,
    };
    Arc::new(Handles::new(limits, Arc::new(Metrics::new().unwrap())))
}

fn who() -> PrincipalId {
    PrincipalId(Uuid::from_u128(1))
}

fn begin(table: &Arc<Handles<CancellationToken>>) -> Running {
    Running::begin(table, who(), Metrics::new().unwrap().query_running()).unwrap()
}

fn numbers(from: i64, to: i64) -> RecordBatch {
    RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from_iter_values(from..to)) as ArrayRef)]).unwrap()
}

fn answer(batches: Vec<Result<RecordBatch, EngineError>>, rows: u64, running: Running) -> Answer {
    let schema: SchemaRef = numbers(0, 0).schema();
    let rows_to_come = QueryStream::rows(schema, futures::stream::iter(batches));
    let bounds = Bounds { rows, message: 1 << 20 };
    Answer::new(v1::ExecuteHeader::default(), rows_to_come, running, bounds, RequestId(Uuid::from_u128(3))).unwrap()
}

async fn parts(answer: Answer) -> Vec<Part> {
    answer.stream().map_ok(|message| message.part.unwrap()).try_collect().await.unwrap()
}

fn read(parts: &[Part]) -> (Vec<i64>, v1::ExecuteSummary) {
    assert!(matches!(parts.first(), Some(Part::Header(_))), "the header comes first");
    let Some(Part::Summary(summary)) = parts.last() else { panic!("the summary comes last") };
    let mut bytes = Vec::new();
    for part in &parts[1..parts.len() - 1] {
        let Part::ArrowIpc(chunk) = part else { panic!("{part:?} between header and summary") };
        bytes.extend_from_slice(chunk);
    }
    let reader = StreamReader::try_new(bytes.as_slice(), None).unwrap();
    let (schema, batches): (_, Vec<_>) = (reader.schema(), reader.map(Result::unwrap).collect());
    let whole = concat_batches(&schema, &batches).unwrap();
    let column = whole.column(0).as_any().downcast_ref::<Int64Array>().unwrap();
    (column.values().to_vec(), summary.clone())
}

#[rstest]
#[case(100, 10, false)]
#[case(10, 10, false)]
#[case(9, 9, true)]
#[case(5, 5, true)]
#[case(4, 4, true)]
#[case(1, 1, true)]
#[tokio::test]
async fn rows_are_cut_at_the_limit_and_that_is_told(#[case] limit: u64, #[case] sent: i64, #[case] truncated: bool) {
    let batches = vec![Ok(numbers(0, 5)), Ok(numbers(5, 5)), Ok(numbers(5, 10))];
    let (rows, summary) = read(&parts(answer(batches, limit, begin(&table()))).await);
    assert_eq!(rows, (0..sent).collect::<Vec<_>>());
    assert_eq!((summary.row_count, summary.truncated), (sent, truncated));
    assert_eq!(summary.affected_rows, None);
}

#[tokio::test]
async fn an_error_on_the_way_ends_the_stream_without_a_summary() {
    let batches = vec![Ok(numbers(0, 2)), Err(EngineError::Limit("no memory".to_owned()))];
    let mut stream = answer(batches, 100, begin(&table())).stream();
    let mut seen = Vec::new();
    let error = loop {
        match stream.next().await {
            Some(Ok(message)) => seen.push(message.part.unwrap()),
            Some(Err(error)) => break error,
            None => panic!("the stream ended well"),
        }
    };
    assert!(!seen.iter().any(|part| matches!(part, Part::Summary(_))));
    assert_eq!(error.code(), tonic::Code::ResourceExhausted);
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_cancelled_statement_ends_and_is_forgotten() {
    let table = table();
    let running = begin(&table);
    let key = running.key;
    let endless = QueryStream::rows(numbers(0, 0).schema(), futures::stream::pending());
    let bounds = Bounds { rows: 1, message: 1 << 20 };
    let answer = Answer::new(v1::ExecuteHeader::default(), endless, running, bounds, RequestId(Uuid::nil())).unwrap();
    let collected = tokio::spawn(answer.stream().try_collect::<Vec<_>>());
    table.get(who(), &key).unwrap().cancel();
    let error = collected.await.unwrap().unwrap_err();
    assert_eq!(error.code(), tonic::Code::Cancelled);
    assert_eq!(error.get_details_error_info().unwrap().reason, "STATEMENT_CANCELLED");
    assert!(table.get(who(), &key).is_none());
}

#[tokio::test]
async fn dropping_an_answer_drops_the_statement() {
    struct Told(Option<tokio::sync::oneshot::Sender<()>>);
    impl Drop for Told {
        fn drop(&mut self) {
            let _ = self.0.take().map(|sender| sender.send(()));
        }
    }
    let (sender, dropped) = tokio::sync::oneshot::channel();
    let told = Told(Some(sender));
    let rows = futures::stream::iter([Ok(numbers(0, 1))]).chain(futures::stream::pending()).inspect(move |_| {
        let _ = &told;
    });
    let table = table();
    let running = begin(&table);
    let key = running.key;
    let rows = QueryStream::rows(numbers(0, 0).schema(), rows);
    let bounds = Bounds { rows: 10, message: 1 << 20 };
    let answer = Answer::new(v1::ExecuteHeader::default(), rows, running, bounds, RequestId(Uuid::nil())).unwrap();
    let mut stream = answer.stream();
    assert!(stream.next().await.is_some());
    drop(stream);
    dropped.await.unwrap();
    assert!(table.get(who(), &key).is_none());
}
