//! One heavy or hostile caller does not stop the others: bounds, turns and places, from outside.

use std::time::Duration;

use lakewarden_test_support::Server;
use tokio::net::TcpStream;
use tonic::{Code, Status};

use crate::visitor::{Visitor, get, sqlstate};

/// Would run for hours.
pub const ENDLESS: &str =
    "SELECT sum(a.value * b.value) FROM generate_series(1, 100000) a CROSS JOIN generate_series(1, 100000000) b";

/// What never comes fails the test; how long it takes says nothing.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A metric of the server, by its whole name with labels.
pub async fn metric(server: &Server, name: &str) -> u64 {
    let (_, text) = get(server, "/metrics", Some(server.admin())).await;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.unwrap_or_else(|| panic!("no metric {name}: {text}"))
}

/// Waits until a metric has this value.
pub async fn until(server: &Server, name: &str, value: u64) {
    let reached = async {
        while metric(server, name).await != value {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, reached).await.is_err() {
        panic!("{name} is {} and not {value}", metric(server, name).await);
    }
}

const RUNNING: &str = "lakewarden_engine{what=\"running\"}";
const WAITING: &str = "lakewarden_engine{what=\"waiting\"}";
const MEMORY: &str = "lakewarden_engine{what=\"memory_bytes\"}";

/// Runs a query in the background.
async fn begin(server: &Server, token: &str, sql: &str) -> tokio::task::JoinHandle<Result<Vec<String>, Status>> {
    let mut visitor = Visitor::new(server, token).await;
    let sql = sql.to_owned();
    tokio::spawn(async move { visitor.query(&sql).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_floods_the_server_does_not_stop_another() {
    let server = Server::start_with(|config| {
        config.engine.max_concurrent_queries = 4;
        config.engine.max_concurrent_queries_per_principal = 2;
        config.engine.max_waiting_queries_per_principal = 10;
        config.engine.queue_timeout_ms = 600_000;
    })
    .await;
    let (flooder, small) = (server.user("flooder").await, server.user("small").await);
    let mut flood = Vec::new();
    for _ in 0..12 {
        flood.push(begin(&server, &flooder, ENDLESS).await);
    }
    until(&server, WAITING, 10).await;
    assert_eq!(metric(&server, RUNNING).await, 2);
    // One more of theirs is turned away, and told why.
    let refused = Visitor::new(&server, &flooder).await.query("SELECT 1").await.unwrap_err();
    assert_eq!((refused.code(), sqlstate(&refused).as_str()), (Code::ResourceExhausted, "53300"), "{refused:?}");
    // Another's are answered while all of the flood goes on.
    let mut visitor = Visitor::new(&server, &small).await;
    for _ in 0..3 {
        let answered =
            tokio::time::timeout(PATIENCE, visitor.query("SELECT value % 7, count(*) FROM range(100000) GROUP BY 1"));
        assert_eq!(answered.await.expect("the small query starves").unwrap().len(), 7);
    }
    assert!(flood.iter().all(|query| !query.is_finished()), "the flood has ended");
    assert_eq!(metric(&server, "lakewarden_statements_ended_total{reason=\"turned_away\"}").await, 1);
    // Who goes away gives up turns and places.
    flood.iter().for_each(tokio::task::JoinHandle::abort);
    for (name, none) in [(RUNNING, 0), (WAITING, 0), (MEMORY, 0)] {
        until(&server, name, none).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_bound_is_told_by_its_own_state() {
    let server = Server::start_with(|config| {
        config.engine.query_memory_bytes = 32 << 20;
        config.engine.query_cpu_time_ms = 1_500;
        config.engine.query_spill_bytes = 4 << 20;
    })
    .await;
    let alice = server.user("alice").await;
    let mut alice = Visitor::new(&server, &alice).await;
    let levels: Vec<_> = (1..40).map(|i| format!("c{i} AS (SELECT a.x FROM c{0} a, c{0} b)", i - 1)).collect();
    let doubling = format!("WITH c0 AS (SELECT 1 AS x), {} SELECT count(*) FROM c39", levels.join(", "));
    for (sql, code, state, words) in [
        (ENDLESS, Code::DeadlineExceeded, "57014", "CPU time"),
        ("SELECT array_agg(value) FROM generate_series(1, 20000000)", Code::ResourceExhausted, "53200", "memory"),
        (doubling.as_str(), Code::ResourceExhausted, "53000", "WITH"),
    ] {
        let refused = alice.query(sql).await.unwrap_err();
        assert_eq!((refused.code(), sqlstate(&refused).as_str()), (code, state), "{sql}: {refused:?}");
        assert!(refused.message().contains(words), "{refused:?}");
    }
    assert_eq!(metric(&server, "lakewarden_statements_ended_total{reason=\"cpu_time\"}").await, 1);
    assert_eq!(metric(&server, "lakewarden_statements_ended_total{reason=\"out_of_memory\"}").await, 1);
    assert_eq!(alice.query("SELECT 1").await.unwrap(), ["1"]);
}

#[tokio::test]
async fn one_address_has_so_many_connections() {
    let server = Server::start_with(|config| config.listen.max_connections_per_address = 4).await;
    let address = server.endpoint().replace("http://", "");
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(TcpStream::connect(&address).await.unwrap());
    }
    // The fourth is answered, the fifth while four are open is not.
    let (code, _) = get(&server, "/healthz", None).await;
    assert_eq!(code, 200);
    until_open(&address, &mut open, 4).await;
    let mut one_more = TcpStream::connect(&address).await.unwrap();
    let closed = tokio::time::timeout(PATIENCE, tokio::io::AsyncReadExt::read(&mut one_more, &mut [0])).await;
    assert!(matches!(closed.expect("it is kept open"), Ok(0) | Err(_)));
    drop(open);
    // Their places are free again.
    let freed = async {
        loop {
            if let Ok(reply) = reply(&address).await
                && reply.contains("200 OK")
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, freed).await.expect("the places are not given back");
}

/// Opens connections until so many stay open.
async fn until_open(address: &str, open: &mut Vec<TcpStream>, most: usize) {
    while open.len() < most {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let closed =
            tokio::time::timeout(Duration::from_millis(300), tokio::io::AsyncReadExt::read(&mut stream, &mut [0]))
                .await;
        if closed.is_err() {
            open.push(stream);
        }
    }
}

async fn reply(address: &str) -> std::io::Result<String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await?;
    Ok(reply)
}

/// Each view reads the one before twice: a short query of the last one would scan for ever, and be planned for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_that_double_are_refused() {
    let (server, mut admin, _) = crate::visitor::with_tables().await;
    admin.script(&["CREATE VIEW demo.s.v0 AS SELECT id FROM demo.s.t"]).await;
    for level in 1..14 {
        let below = level - 1;
        let sql = format!(
            "CREATE VIEW demo.s.v{level} AS SELECT a.id FROM demo.s.v{below} a JOIN demo.s.v{below} b ON a.id = b.id"
        );
        // How deep views may be nested is bounded too.
        if let Err(refused) = admin.update(&sql).await {
            assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
            break;
        }
        let answered = admin.query(&format!("SELECT count(*) FROM demo.s.v{level}")).await;
        if let Err(refused) = answered {
            assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
            break;
        }
        assert!(level < 13, "2 to the power of 13 scans were made");
    }
    assert_eq!(admin.query("SELECT 1").await.unwrap(), ["1"]);
    until(&server, RUNNING, 0).await;
}

/// Statements that are large, deep, or grow when they are planned.
fn large_statements() -> Vec<String> {
    let list =
        |n: usize, one: &dyn Fn(usize) -> String, between: &str| (0..n).map(one).collect::<Vec<_>>().join(between);
    let within =
        |n: usize, open: &str, inner: &str, close: &str| format!("{}{inner}{}", open.repeat(n), close.repeat(n));
    let columns = |n| list(n, &|i| format!("value + {i} AS c{i}"), ", ");
    vec![
        format!("SELECT {} FROM range(3)", list(1_900, &|_| "value".to_owned(), " + ")),
        format!("SELECT count(*) FROM range(3) WHERE {}", list(900, &|i| format!("value = {i}"), " OR ")),
        format!("SELECT count(*) FROM range(3) WHERE {}", list(900, &|i| format!("value <> {}", i + 9), " AND ")),
        format!("SELECT CASE {} END FROM range(3)", list(450, &|i| format!("WHEN value = {i} THEN {i}"), " ")),
        format!("SELECT {} FROM range(3)", within(30, "CASE WHEN value > 0 THEN (", "1", ") ELSE 0 END")),
        format!("SELECT {} FROM range(3)", within(45, "abs(", "value", ")")),
        format!("SELECT {} FROM range(3)", within(22, "named_struct('a', (", "value", "))")),
        format!("SELECT count(*) FROM range(3) WHERE value IN ({})", list(100_000, &|i| i.to_string(), ",")),
        list(490, &|i| format!("SELECT {i} AS x"), " UNION ALL "),
        format!("SELECT count(*) FROM {}", list(60, &|i| format!("range(1) t{i}"), ", ")),
        format!(
            "WITH c0 AS (SELECT 1 AS x), {} SELECT * FROM c400",
            list(400, &|i| format!("c{} AS (SELECT x + 1 AS x FROM c{i})", i + 1), ", ")
        ),
        format!("SELECT count(*) FROM (VALUES {})", list(20_000, &|i| format!("({i}, 'x')"), ", ")),
        format!(
            "SELECT {} FROM range(9)",
            list(150, &|i| format!("sum(value) OVER (ORDER BY value % {})", i + 2), ", ")
        ),
        format!("SELECT {} FROM range(3)", columns(5_000)),
        format!("SELECT {} FROM range(3)", list(101, &|_| "*".to_owned(), ", ")),
        format!(
            "SELECT count(*) FROM range(3) a WHERE {}",
            within(12, "EXISTS (SELECT 1 FROM range(2) b WHERE ", "true", ")")
        ),
        format!(
            "SELECT count(*) FROM (SELECT {0} FROM range(3)) GROUP BY CUBE ({1})",
            columns(30),
            list(30, &|i| format!("c{i}"), ", ")
        ),
        format!(
            "SELECT count(*) FROM (SELECT {} FROM range(3)) GROUP BY {}",
            columns(24),
            list(12, &|i| format!("GROUPING SETS ((c{}), (c{}))", 2 * i, 2 * i + 1), ", ")
        ),
        format!("SELECT {} FROM range(3)", within(40, "(", "value", ")")),
        format!("SELECT {}", list(1_000, &|i| format!("'{}' AS c{i}", "x".repeat(900)), ", ")),
    ]
}

/// Statements that are large, deep, or grow when they are planned. Each is answered or refused, and the server stands.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_large_or_deep_is_answered_or_refused() {
    let server = Server::start_with(|config| {
        config.engine.query_timeout_ms = 30_000;
        config.engine.query_memory_bytes = 256 << 20;
    })
    .await;
    let alice = server.user("alice").await;
    let mut alice = Visitor::new(&server, &alice).await;
    for sql in large_statements() {
        let start: String = sql.chars().take(200).collect();
        let answered = tokio::time::timeout(PATIENCE, alice.query(&sql)).await;
        let answered = answered.unwrap_or_else(|_| panic!("no answer: {start}"));
        if let Err(refused) = answered {
            let known = [Code::ResourceExhausted, Code::DeadlineExceeded, Code::InvalidArgument, Code::Unimplemented];
            assert!(known.contains(&refused.code()), "{start}: {refused:?}");
        }
    }
    let mut prepared = alice.client.prepare(format!("SELECT {}", vec!["?"; 1_000].join(", ")), None).await.unwrap();
    drop(prepared.execute().await);
    drop(prepared);
    assert_eq!(alice.query("SELECT 1").await.unwrap(), ["1"]);
}
