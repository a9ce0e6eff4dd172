//! Canaries: hidden rows and masked values that nobody could mistake for anything else. Somebody whom the policies bind asks
//! everything at every door; nothing that comes back, and nothing in the server's log, holds one. Somebody whom they don't bind asks
//! the same, and finds them.

mod doors;
mod log;
mod marks;
mod vault;

use lakewarden_proto::v1;
use lakewarden_proto::v1::audit_service_client::AuditServiceClient;
use lakewarden_proto::v1::function_service_client::FunctionServiceClient;
use lakewarden_proto::v1::policy_service_client::PolicyServiceClient;
use lakewarden_proto::v1::table_service_client::TableServiceClient;
use lakewarden_test_support::Server;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::dice::{Dice, Source};
use crate::kinds::Kind;
use crate::queries::Query;
use crate::world::{Caller, Column, Table, View, World};
use doors::{Seen, Visitor};
use marks::{Mark, found, marks, traces};

const QUERIES: usize = 60;

/// A statement and what came of it.
struct Asked {
    statement: String,
    door: &'static str,
    seen: Seen,
}

/// Asks at both doors; plans, which are many, at one.
async fn ask_all(visitor: &mut Visitor, questions: &[String], queries: &[String]) -> Vec<Asked> {
    let mut all = Vec::new();
    for statement in questions {
        let seen = visitor.by_grpc(statement, "vault").await;
        all.push(Asked { statement: statement.clone(), door: "grpc", seen });
        if statement.starts_with("EXPLAIN") && all.len() % 5 > 0 {
            continue;
        }
        let is_change =
            ["INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "DROP"].iter().any(|word| statement.starts_with(word));
        let seen = match is_change {
            true => visitor.change_by_flight(statement).await,
            false => visitor.by_flight(statement).await,
        };
        all.push(Asked { statement: statement.clone(), door: "flight", seen });
    }
    for query in queries {
        let seen = visitor.by_grpc(query, "vault").await;
        all.push(Asked { statement: query.clone(), door: "grpc", seen });
    }
    all.push(Asked { statement: "metadata".to_owned(), door: "flight", seen: visitor.metadata().await });
    all
}

/// The relations of the vault as the generator of queries knows worlds.
fn relations() -> World {
    let column = |(name, kind): (&str, Kind)| Column { name: name.to_owned(), kind };
    let people = [
        ("id", Kind::Big),
        ("k", Kind::Text),
        ("note", Kind::Text),
        ("pay", Kind::Decimal(12, 3)),
        ("born", Kind::Date),
        ("seen", Kind::Timestamp),
        ("code", Kind::Bytes),
        ("n", Kind::Int),
        ("big", Kind::Big),
        ("score", Kind::Double),
        ("tags", Kind::Texts),
        ("home", Kind::Struct),
    ];
    let table = |name: &str, columns: Vec<Column>| Table {
        name: name.to_owned(),
        columns,
        partition: None,
        steps: Vec::new(),
        external: false,
        filter: None,
        masks: Vec::new(),
        closed: None,
    };
    let of = |columns: &[(&'static str, Kind)]| columns.iter().copied().map(column).collect::<Vec<_>>();
    let far = of(&[("id", Kind::Big), ("k", Kind::Text), ("note", Kind::Text)]);
    let tagged = of(&[("id", Kind::Big), ("k", Kind::Text), ("pin", Kind::Text)]);
    let v = of(&[("id", Kind::Big), ("k", Kind::Text), ("note", Kind::Text), ("born", Kind::Date)]);
    World {
        tables: vec![table("people", of(&people)), table("far", far), table("tagged", tagged)],
        mapping: Vec::new(),
        views: vec![View { name: "v".to_owned(), columns: v, body: String::new() }],
        caller: &Caller::all()[0],
    }
}

fn queries() -> Vec<String> {
    let (world, mut source) = (relations(), Source::new(77));
    let made = (0..QUERIES).map(|_| Query::new(&world, &mut Dice::new(&source.choices(200).current())));
    made.filter(|query| query.values.is_empty()).map(|query| query.asked()).collect()
}

/// What the catalog's own services tell.
async fn services(server: &Server, token: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let client = server.client(token).await;
    let mut keep = |answer: Result<Vec<u8>, tonic::Status>| match answer {
        Ok(answer) => bytes.extend(answer),
        Err(status) => bytes.extend(format!("{status:?}").into_bytes()),
    };
    let people = || "vault.d.people".to_owned();
    let mut tables = TableServiceClient::new(client.clone());
    let request = v1::GetTableRequest { full_name: people() };
    keep(tables.get_table(request).await.map(|a| a.into_inner().encode_to_vec()));
    let mut policies = PolicyServiceClient::new(client.clone());
    let request = v1::GetTablePoliciesRequest { table: people() };
    keep(policies.get_table_policies(request).await.map(|a| a.into_inner().encode_to_vec()));
    let mut functions = FunctionServiceClient::new(client.clone());
    let request = v1::GetFunctionRequest { full_name: "vault.priv.keep".to_owned() };
    keep(functions.get_function(request).await.map(|a| a.into_inner().encode_to_vec()));
    let mut audit = AuditServiceClient::new(client);
    keep(audit.list_audit_events(v1::ListAuditEventsRequest::default()).await.map(|a| a.into_inner().encode_to_vec()));
    bytes
}

async fn metrics(server: &Server, token: &str) -> String {
    let address = server.endpoint().replace("http://", "");
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let request = format!(
        "GET /metrics HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    reply
}

/// Plans, errors and looks at relations tell no file, and not how many rows are hidden.
fn tells_of_storage(asked: &Asked, traces: &[Mark]) -> Option<String> {
    let rows = asked.statement.starts_with("SELECT") && !asked.seen.failed;
    if rows {
        return None;
    }
    if let Some(trace) = found(traces, &asked.seen.bytes) {
        return Some(trace.to_owned());
    }
    let text = String::from_utf8_lossy(&asked.seen.bytes);
    let numbers = [vault::HIDDEN, vault::HIDDEN + vault::VISIBLE].map(|n| n.to_string());
    // An id is one word: a part of it may look like a number.
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.find(|word| numbers.iter().any(|n| n == word)).map(|word| format!("{word} rows"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_canary_leaves_by_any_door() {
    let log = log::capture();
    let server = Server::start().await;
    let (eve, vic) = (server.user("eve").await, server.user("vic").await);
    server.group("cleared", &["vic"]).await;
    let mut admin = Visitor::new(&server, server.admin()).await;
    for statement in vault::statements(&server.folder().join("far").display().to_string()) {
        let seen = admin.by_grpc(&statement, "").await;
        assert!(!seen.failed, "{statement}: {}", String::from_utf8_lossy(&seen.bytes));
    }
    log.forget();

    let queries = queries();
    let (marks, traces) = (marks(), traces(&server.data_dir().display().to_string()));
    let mut visitor = Visitor::new(&server, &eve).await;
    let asked = ask_all(&mut visitor, &vault::questions(), &queries).await;
    let mut leaks: Vec<String> = Vec::new();
    for one in &asked {
        let told = found(&marks, &one.seen.bytes).map(str::to_owned).or_else(|| tells_of_storage(one, &traces));
        leaks.extend(
            told.map(|what| format!("{} over {}: {what}\n    {}", one.statement, one.door, shown(&one.seen.bytes))),
        );
    }
    leaks.extend(found(&marks, &services(&server, &eve).await).map(|what| format!("services: {what}")));
    leaks.extend(found(&marks, metrics(&server, &eve).await.as_bytes()).map(|what| format!("metrics: {what}")));
    leaks.extend(log.canaries().into_iter().map(|line| format!("log: {line}")));
    assert!(log.lines() > 20, "the log is listened to");
    let answered = asked.iter().filter(|one| !one.seen.failed).count();
    assert!(answered * 2 > asked.len(), "{answered} of {} were answered", asked.len());
    assert!(leaks.is_empty(), "{} of {} leak:\n{}", leaks.len(), asked.len(), leaks.join("\n"));

    // The same, by somebody whom no policy binds: the marks are there to be found. Joins of what is hidden would be large.
    let mut visitor = Visitor::new(&server, &vic).await;
    let questions: Vec<_> = vault::questions().into_iter().filter(|text| text.starts_with("SELECT")).collect();
    let unbound = ask_all(&mut visitor, &questions, &[]).await;
    let holds =
        |mark: &Mark| unbound.iter().filter(|one| found(std::slice::from_ref(mark), &one.seen.bytes).is_some()).count();
    let kinds: Vec<_> = marks.iter().map(|mark| (mark.name, holds(mark))).filter(|(_, answers)| *answers > 0).collect();
    println!(
        "canary: {} answers, {answered} of them no errors, hold no mark; of {} the unbound find {kinds:?}",
        asked.len(),
        unbound.len()
    );
    assert!(holds(&marks[0]) > 40 && kinds.len() >= 10, "the marks are not there to be found: {kinds:?}");
}

/// The words in some bytes, about where they matter.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").chars().take(1500).collect()
}
