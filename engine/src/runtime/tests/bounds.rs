//! What a hostile query may take, and what is given back when it ends.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::error::{DataFusionError, Result};

use super::*;

/// Plans and runs a statement on the threads of an executor, as the engine does.
async fn attack(limits: Limits, sql: &str) -> Result<usize> {
    let sessions = workshop(limits.clone()).sessions(&Identity::nobody()).unwrap();
    attack_as(&Executor::new(limits).unwrap(), &sessions, sql).await
}

async fn attack_as(executor: &Executor, sessions: &Sessions, sql: &str) -> Result<usize> {
    let (state, sql) = (sessions.caller.clone(), sql.to_owned());
    let step = async move {
        let plan = state.create_logical_plan(&sql).await?;
        state.create_physical_plan(&plan).await
    };
    let plan = executor.run(&sessions.meter, executor.deadline(), &CancellationToken::new(), step).await?;
    let mut output = start(executor, sessions, plan, None);
    let mut rows = 0;
    while let Some(batch) = output.next().await {
        rows += batch?.num_rows();
    }
    Ok(rows)
}

async fn limit_of(limits: Limits, sql: &str) -> LimitError {
    let error = attack(limits, sql).await.unwrap_err();
    LimitError::find(&error).unwrap_or_else(|| panic!("{sql}: {error}"))
}

/// Enough for the side that a cross join keeps.
fn roomy() -> Limits {
    Limits { memory_bytes: 1 << 30, ..small() }
}

fn small() -> Limits {
    Limits { threads: 2, memory_bytes: 64 << 20, timeout: Duration::from_secs(120), ..Limits::default() }
}

/// Waits until something is so. What never comes about fails the test.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..600 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

#[tokio::test]
async fn computing_is_bounded_over_all_threads() {
    let most = Duration::from_millis(1500);
    assert_eq!(limit_of(Limits { cpu_time: most, ..roomy() }, ENDLESS).await, LimitError::CpuTime(most));
    // Many tasks of one query: an exchange spawns its own.
    let grouped = "SELECT a.value % 100003 AS k, count(*) FROM generate_series(1, 10000000) a \
                   CROSS JOIN generate_series(1, 10000000) b GROUP BY k";
    assert_eq!(limit_of(Limits { cpu_time: most, ..roomy() }, grouped).await, LimitError::CpuTime(most));
}

#[tokio::test]
async fn waiting_is_not_computing() {
    let limits = Limits { cpu_time: Duration::from_millis(400), ..small() };
    let sessions = workshop(limits.clone()).sessions(&Identity::nobody()).unwrap();
    let executor = Executor::new(limits).unwrap();
    let waits = async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        Ok(())
    };
    executor.run(&sessions.meter, executor.deadline(), &CancellationToken::new(), waits).await.unwrap();
    // A reader that takes its time: the query is ahead of it by some batches and waits.
    let plan = plan(&sessions.caller, "SELECT * FROM generate_series(1, 100000)").await;
    let mut output = start(&executor, &sessions, plan, None);
    let mut rows = 0;
    while let Some(batch) = output.next().await {
        rows += batch.unwrap().num_rows();
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    assert_eq!(rows, 100_000);
}

#[tokio::test]
async fn a_small_query_ends_while_heavy_ones_go_on() {
    let limits = Limits { timeout: Duration::from_secs(600), ..roomy() };
    let shop = workshop(limits.clone());
    let executor = Executor::new(limits).unwrap();
    let mut heavy = Vec::new();
    for _ in 0..6 {
        let sessions = shop.sessions(&Identity::nobody()).unwrap();
        let plan = plan(&sessions.caller, ENDLESS).await;
        heavy.push((start(&executor, &sessions, plan, None), sessions));
    }
    until("all heavy ones compute", || heavy.iter().all(|(_, sessions)| !sessions.meter.spent().is_zero())).await;
    for _ in 0..5 {
        let sessions = shop.sessions(&Identity::nobody()).unwrap();
        let rows = attack_as(&executor, &sessions, "SELECT value % 7, count(*) FROM range(1000) GROUP BY 1");
        let rows = tokio::time::timeout(Duration::from_secs(60), rows).await.expect("the small query starves").unwrap();
        assert_eq!(rows, 7);
    }
    for (mut output, _) in heavy {
        assert!(futures::poll!(output.next()).is_pending(), "a heavy one has ended");
    }
}

#[tokio::test]
async fn planning_that_never_gives_way_keeps_no_other_query() {
    let limits = small();
    let shop = workshop(limits.clone());
    let executor = Arc::new(Executor::new(limits).unwrap());
    let go_on = Arc::new(AtomicBool::new(true));
    let stuck: Vec<_> = (0..6)
        .map(|_| {
            let (executor, go_on) = (executor.clone(), go_on.clone());
            let step = async move {
                while go_on.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
                Ok(())
            };
            tokio::spawn(async move { step_of(&executor, step).await })
        })
        .collect();
    let sessions = shop.sessions(&Identity::nobody()).unwrap();
    let rows = attack_as(&executor, &sessions, "SELECT count(*) FROM range(1000)");
    let rows = tokio::time::timeout(Duration::from_secs(60), rows).await;
    let still = stuck.iter().all(|step| !step.is_finished());
    go_on.store(false, Ordering::Relaxed);
    assert_eq!(rows.expect("it waited for the others' planning").unwrap(), 1);
    assert!(still);
    for step in stuck {
        step.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn all_queries_together_have_a_bound() {
    let limits = Limits { total_memory_bytes: 96 << 20, threads: 1, ..small() };
    let shop = workshop(limits.clone());
    let executor = Executor::new(limits.clone()).unwrap();
    let sessions = [shop.sessions(&Identity::nobody()).unwrap(), shop.sessions(&Identity::nobody()).unwrap()];
    let [one, two] = &sessions;
    let held = datafusion::execution::memory_pool::MemoryConsumer::new("a query of somebody else");
    let held = held.register(&one.caller.runtime_env().memory_pool);
    held.try_grow(60 << 20).unwrap();
    let gathers = "SELECT array_agg(value) FROM generate_series(1, 6000000)";
    let error = attack_as(&executor, two, gathers).await.unwrap_err();
    assert_eq!(LimitError::find(&error), Some(LimitError::TotalMemory), "{error}");
    // What can spill does with what is left.
    held.try_grow(12 << 20).unwrap_err();
    let groups = "SELECT count(*) FROM (SELECT value, count(*) FROM generate_series(1, 1000000) GROUP BY value)";
    let two = shop.sessions(&Identity::nobody()).unwrap();
    assert_eq!(attack_as(&executor, &two, groups).await.unwrap(), 1);
    held.free();
    until("all memory is given back", || shop.memory().used() == 0).await;
}

#[tokio::test]
async fn rows_that_no_operator_counts_are_counted() {
    for sql in [
        // Windows keep all rows of a partition.
        "SELECT sum(value + n) FROM (SELECT value, count(*) OVER () AS n FROM generate_series(1, 20000000))",
        "SELECT sum(value + n) FROM (SELECT value, sum(value) OVER (PARTITION BY value % 2 ORDER BY value \
         ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS n FROM generate_series(1, 10000000))",
        // A join repeats a wide row in every row of its batch.
        "SELECT count(x[1]) FROM (SELECT range(1, 3000000) x FROM range(1)) a CROSS JOIN generate_series(1, 100000) b",
        "SELECT count(x[1]) FROM (SELECT range(1, 3000000) x, value v FROM range(1)) a \
         JOIN generate_series(0, 100000) b ON a.v = b.value % 2",
        // And so does unfolding.
        "SELECT count(t) FROM (SELECT unnest(range(1, 1000000)) n, repeat('x', 1000000) t)",
    ] {
        let error = attack(small(), sql).await.expect_err(sql);
        assert_eq!(LimitError::find(&error), Some(LimitError::Memory), "{sql}: {error}");
    }
}

/// A view of a text costs nothing until it is written out: a reader gets few of a long one at once, and sorting counts them in full.
#[tokio::test]
async fn long_texts_are_given_out_few_at_a_time() {
    let long = "SELECT s, b.value AS v FROM (SELECT arrow_cast(repeat(CAST(value AS VARCHAR), 1000000), 'Utf8View') AS s FROM range(2)) a \
                CROSS JOIN range(300) b";
    let sessions = workshop(small()).sessions(&Identity::nobody()).unwrap();
    let executor = Executor::new(small()).unwrap();
    let plan = plan(&sessions.caller, long).await;
    let mut output = start(&executor, &sessions, plan, None);
    let mut rows = 0;
    while let Some(batch) = output.next().await {
        let batch = batch.unwrap();
        assert!(batch.num_rows() <= 32, "{} MB at once", batch.num_rows());
        rows += batch.num_rows();
    }
    assert_eq!(rows, 600);
    let sorted = format!("SELECT v FROM ({long}) ORDER BY s, v");
    assert_eq!(limit_of(small(), &sorted).await, LimitError::Memory);
}

/// Short texts that ask for values of any size, at planning and while running.
#[tokio::test]
async fn values_do_not_outgrow_their_statement() {
    let doubles = |one: &str, of: &str| {
        let levels: Vec<_> = (1..40).map(|i| format!("c{i} AS (SELECT {one} AS s FROM c{})", i - 1)).collect();
        format!("WITH c0 AS (SELECT {of} AS s FROM range(3)), {} SELECT count(s) FROM c39", levels.join(", "))
    };
    let many = |one: &str| {
        let columns: Vec<_> = (0..400).map(|i| format!("{one} AS c{i}")).collect();
        format!("SELECT {} FROM range(3)", columns.join(", "))
    };
    for sql in [
        doubles("s || s", "repeat('x', 1000)"),
        doubles("s || s", "CAST(value AS VARCHAR)"),
        doubles("concat(s, s)", "CAST(value AS VARCHAR)"),
        doubles("array_concat(s, s)", "[value]"),
        doubles("s || s", "[value]"),
        doubles("[s[1] || s[1], s[1] || s[1]]", "[CAST(value AS VARCHAR)]"),
        many("repeat('x', 60000000)"),
        many("repeat(CAST(value AS VARCHAR), 20000000)"),
        "SELECT array_resize(['a'], 4000000, repeat('x', 60000000))".to_owned(),
        "SELECT array_replace_all(range(1, 4000000) || [1], 1, value) FROM range(3)".to_owned(),
        "SELECT levenshtein(repeat('x', 60000000), repeat('y', 60000000))".to_owned(),
        "SELECT count(concat(repeat('x', 60000000), value)) FROM range(100000)".to_owned(),
    ] {
        let limits = Limits { timeout: Duration::from_secs(20), ..small() };
        let error = match attack(limits, &sql).await {
            // Some are small after all, once what nobody needs is left out.
            Ok(_) => continue,
            Err(error) => error,
        };
        let refused = matches!(
            LimitError::find(&error),
            Some(LimitError::Memory | LimitError::Complexity(_) | LimitError::TimedOut(_))
        ) || error.to_string().contains("at once, more than");
        assert!(refused, "{sql}: {error}");
    }
}

#[tokio::test]
async fn what_never_ends_is_stopped() {
    let second = Duration::from_secs(2);
    let limits = Limits { timeout: second, ..small() };
    for sql in [
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT (n + 1) % 1000 FROM r) SELECT count(*) FROM r",
        "SELECT count(*) FROM range(100000000) a JOIN range(100000000) b ON a.value % 7 < b.value % 5",
        "SELECT count(*) FROM range(100000000) a WHERE EXISTS (SELECT 1 FROM range(10000000) b WHERE b.value + a.value = -1)",
        "SELECT sum(n) FROM (SELECT unnest(range(0, 100000)) n FROM range(100000000))",
        "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE concat(a.value, b.value) LIKE '%1_3_5%x'",
    ] {
        let why = limit_of(limits.clone(), sql).await;
        assert!(matches!(why, LimitError::TimedOut(_) | LimitError::Memory), "{sql}: {why}");
    }
}

#[tokio::test]
async fn an_expression_that_doubles_with_each_level_is_refused() {
    let levels: Vec<_> = (1..60).map(|i| format!("c{i} AS (SELECT x + x AS x FROM c{})", i - 1)).collect();
    let sql =
        format!("WITH c0 AS (SELECT value AS x FROM range(10)), {} SELECT * FROM c59 WHERE x > 0", levels.join(", "));
    let limits = Limits { timeout: Duration::from_secs(60), ..small() };
    let why = limit_of(limits, &sql).await;
    assert!(matches!(why, LimitError::Complexity(_)), "{why}");
}

#[tokio::test]
async fn what_a_cancelled_query_held_is_given_back() {
    let spills = tempfile::tempdir().unwrap();
    let limits = Limits { memory_bytes: 64 << 20, spill_dir: Some(spills.path().to_owned()), ..small() };
    let (shop, admission) = (workshop(limits.clone()), Admission::new(&limits));
    let executor = Executor::new(limits).unwrap();
    let sessions = shop.sessions(&Identity::nobody()).unwrap();
    let sql = "SELECT * FROM (SELECT value, value % 1000 AS k FROM generate_series(1, 90000000)) ORDER BY k, value";
    let plan = plan(&sessions.caller, sql).await;
    let cancel = CancellationToken::new();
    let turn = admission.enter("bob").await.unwrap();
    let context = sessions.caller.task_ctx();
    let mut output = executor.stream(plan, context, executor.deadline(), cancel.clone(), Some(turn));
    let mut first = Box::pin(output.next());
    until("it spills", || futures::FutureExt::now_or_never(&mut first).is_none() && files(spills.path()) > 2).await;
    cancel.cancel();
    let error = first.await.unwrap().unwrap_err();
    assert_eq!(LimitError::find(&error), Some(LimitError::Cancelled));
    drop((output, sessions));
    until("memory, files and turns are given back", || {
        shop.memory().used() == 0 && files(spills.path()) == 0 && admission.count() == (0, 0)
    })
    .await;
}

fn files(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.flatten().map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

#[tokio::test]
async fn what_takes_effect_is_not_cancelled_and_what_is_cancelled_takes_no_effect() {
    let executor = Arc::new(Executor::new(small()).unwrap());
    for commits_first in [true, false] {
        let (meter, cancel) = (Arc::new(Meter::new(Duration::from_secs(60))), CancellationToken::new());
        let (reached, cancelled) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
        let effect = Arc::new(AtomicBool::new(false));
        let step = {
            let (meter, effect) = (meter.clone(), effect.clone());
            let (reached, cancelled) = (reached.clone(), cancelled.clone());
            async move {
                if commits_first {
                    meter.commit()?;
                }
                reached.notify_one();
                cancelled.notified().await;
                if !commits_first {
                    meter.commit()?;
                }
                effect.store(true, Ordering::Relaxed);
                Ok::<_, DataFusionError>(())
            }
        };
        let running = tokio::spawn({
            let (executor, cancel, meter) = (executor.clone(), cancel.clone(), meter.clone());
            async move { executor.run(&meter, executor.deadline(), &cancel, step).await }
        });
        reached.notified().await;
        cancel.cancel();
        if !commits_first {
            // The caller is told at once.
            let error = running.await.unwrap().unwrap_err();
            assert_eq!(LimitError::find(&error), Some(LimitError::Cancelled));
            cancelled.notify_one();
        } else {
            cancelled.notify_one();
            running.await.unwrap().unwrap();
        }
        assert_eq!(effect.load(Ordering::Relaxed), commits_first);
    }
}
