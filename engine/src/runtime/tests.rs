use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::execution::SessionState;
use datafusion::physical_plan::ExecutionPlan;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::functions::Identity;
use crate::governed::tests::fixture::{Lake, bob, catalog};

/// Would run for hours.
const ENDLESS: &str =
    "SELECT sum(a.value * b.value) FROM generate_series(1, 10000000) a CROSS JOIN generate_series(1, 10000000) b";

fn workshop(limits: Limits) -> Workshop {
    Workshop::new(limits).unwrap()
}

async fn plan(state: &SessionState, sql: &str) -> Arc<dyn ExecutionPlan> {
    let plan = state.create_logical_plan(sql).await.unwrap();
    state.create_physical_plan(&plan).await.unwrap()
}

fn start(
    executor: &Executor,
    sessions: &Sessions,
    plan: Arc<dyn ExecutionPlan>,
    turn: Option<Admitted>,
) -> QueryOutput {
    executor.stream(plan, sessions.caller.task_ctx(), executor.deadline(), CancellationToken::new(), turn)
}

/// Runs a statement without tables to its end: rows, or the error.
async fn run(limits: Limits, sql: &str) -> Result<usize, datafusion::error::DataFusionError> {
    let sessions = workshop(limits.clone()).sessions(&Identity::nobody()).unwrap();
    let executor = Executor::new(limits).unwrap();
    let plan = plan(&sessions.caller, sql).await;
    let mut output = start(&executor, &sessions, plan, None);
    let mut rows = 0;
    while let Some(batch) = output.next().await {
        rows += batch?.num_rows();
    }
    Ok(rows)
}

#[tokio::test]
async fn a_query_that_never_yields_ends_at_its_timeout_and_gives_its_turn_back() {
    let limits = Limits { threads: 2, timeout: Duration::from_secs(2), concurrent: 1, ..Limits::default() };
    let admission = Admission::new(&limits);
    let sessions = workshop(limits.clone()).sessions(&Identity::nobody()).unwrap();
    let executor = Executor::new(limits).unwrap();
    let plan = plan(&sessions.caller, ENDLESS).await;
    let turn = admission.enter("bob").await.unwrap();
    let began = Instant::now();
    let mut output = start(&executor, &sessions, plan, Some(turn));
    let error = output.next().await.unwrap().unwrap_err();
    assert_eq!(LimitError::find(&error), Some(LimitError::TimedOut(Duration::from_secs(2))));
    assert!(output.next().await.is_none());
    let _next = tokio::time::timeout(Duration::from_secs(20), admission.enter("bob")).await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test]
async fn dropping_the_output_ends_the_query() {
    let limits = Limits { threads: 2, concurrent: 1, ..Limits::default() };
    let admission = Admission::new(&limits);
    let sessions = workshop(limits.clone()).sessions(&Identity::nobody()).unwrap();
    let executor = Executor::new(limits).unwrap();
    let plan = plan(&sessions.caller, ENDLESS).await;
    let turn = admission.enter("bob").await.unwrap();
    let output = start(&executor, &sessions, plan, Some(turn));
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop(output);
    let _next = tokio::time::timeout(Duration::from_secs(20), admission.enter("bob")).await.unwrap().unwrap();
}

async fn step_of<T: Send + 'static>(
    executor: &Executor,
    step: impl Future<Output = datafusion::error::Result<T>> + Send + 'static,
) -> datafusion::error::Result<T> {
    let meter = Arc::new(Meter::new(Duration::from_secs(60)));
    executor.run(&meter, executor.deadline(), &CancellationToken::new(), step).await
}

#[tokio::test]
async fn a_step_that_blocks_is_given_up_at_the_deadline() {
    let executor = Executor::new(Limits { timeout: Duration::from_millis(200), ..Limits::default() }).unwrap();
    let step = async {
        std::thread::sleep(Duration::from_secs(2));
        Ok(())
    };
    let start = Instant::now();
    let error = step_of(&executor, step).await.unwrap_err();
    assert!(matches!(LimitError::find(&error), Some(LimitError::TimedOut(_))));
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_query_that_dies_does_not_look_finished() {
    let executor = Executor::new(Limits::default()).unwrap();
    let error = step_of(&executor, async { panic!("dies") as datafusion::error::Result<()> }).await.unwrap_err();
    assert!(LimitError::find(&error).is_none());
}

#[tokio::test]
async fn results_have_a_row_limit() {
    let limits = Limits { result_rows: 100, ..Limits::default() };
    assert_eq!(run(limits.clone(), "SELECT * FROM generate_series(1, 100)").await.unwrap(), 100);
    let error = run(limits, "SELECT * FROM generate_series(1, 101)").await.unwrap_err();
    assert_eq!(LimitError::find(&error), Some(LimitError::TooManyRows(100)));
}

#[tokio::test]
async fn memory_is_bounded_and_aggregates_spill() {
    let limits = Limits { memory_bytes: 24 << 20, threads: 1, ..Limits::default() };
    let groups = "SELECT count(*) FROM (SELECT value, count(*) FROM generate_series(1, 600000) GROUP BY value)";
    assert_eq!(run(limits.clone(), groups).await.unwrap(), 1);
    let error = run(limits, "SELECT array_agg(value) FROM generate_series(1, 20000000)").await.unwrap_err();
    assert_eq!(LimitError::find(&error), Some(LimitError::Memory), "{error}");
}

mod bounds;

#[tokio::test]
async fn one_principal_does_not_take_all_turns() {
    let patience = Duration::from_millis(50);
    let limits = Limits { concurrent: 3, concurrent_per_principal: 2, queue_timeout: patience, ..Limits::default() };
    let admission = Admission::new(&limits);
    let _first = admission.enter("bob").await.unwrap();
    let second = admission.enter("bob").await.unwrap();
    assert_eq!(admission.enter("bob").await.unwrap_err(), LimitError::Busy);
    let _other = admission.enter("alice").await.unwrap();
    assert_eq!(admission.enter("eve").await.unwrap_err(), LimitError::Busy);
    drop(second);
    admission.enter("eve").await.unwrap();
}

#[tokio::test]
async fn a_caller_reaches_no_storage() {
    let lake = Lake::new().await;
    let mut sessions = lake.workshop.sessions(&bob()).unwrap();
    let url = datafusion::execution::object_store::ObjectStoreUrl::local_filesystem();
    let raw = lake.open("employees", &sessions.system).await.raw;
    assert!(sessions.system.runtime_env().object_store(&url).is_ok());
    assert!(sessions.caller.runtime_env().object_store(&url).is_err());
    sessions.caller.register_catalog_list(catalog(vec![("employees", Arc::new(raw))]));
    let path = lake.path("employees");
    for sql in [
        "SELECT * FROM employees".to_owned(),
        format!("SELECT * FROM '{}'", path.display()),
        format!("CREATE EXTERNAL TABLE x STORED AS PARQUET LOCATION '{}'", path.display()),
        format!("COPY (SELECT 1) TO '{}/x.parquet'", path.display()),
    ] {
        let planned = match sessions.caller.create_logical_plan(&sql).await {
            Ok(plan) => sessions.caller.create_physical_plan(&plan).await,
            Err(error) => Err(error),
        };
        assert!(planned.is_err(), "{sql}");
    }
}

#[tokio::test]
async fn a_plan_with_a_raw_leaf_is_refused() {
    let lake = Lake::new().await;
    let sessions = lake.workshop.sessions(&bob()).unwrap();
    let raw = lake.open("employees", &sessions.system).await.raw;
    let mut leaky = sessions.system.as_ref().clone();
    leaky.register_catalog_list(catalog(vec![("employees", Arc::new(raw))]));
    let bare = plan(&leaky, "SELECT id FROM employees").await;
    assert!(require_governed_leaves(&bare).is_err());
    let hidden = plan(&leaky, "SELECT v.x FROM (VALUES (1), (2)) v(x) JOIN employees e ON e.id = v.x").await;
    assert!(require_governed_leaves(&hidden).is_err());
    for sql in ["SELECT 1", "VALUES (1), (2)", "SELECT * FROM range(5)", "SELECT 1 WHERE FALSE"] {
        require_governed_leaves(&plan(&sessions.caller, sql).await).unwrap();
    }
}
