//! What the served binary has acknowledged is there after `kill -9`, whole, with its audit record.
//!
//! Grants and revokes go to one server in a loop, each to two principals at once; the server is killed at a random time
//! and started again on the same folder. Power cuts are simulated below the store (`catalog/tests/power.rs`).

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lakewarden_proto::v1;
use lakewarden_proto::v1::audit_service_client::AuditServiceClient;
use lakewarden_proto::v1::grant_service_client::GrantServiceClient;
use lakewarden_test_support::{Bearer, Client};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Endpoint;

const ROUNDS: u32 = 20;
const PAIRS: u32 = 8;
const CATALOGS: u32 = 4;
const PRIVILEGES: [v1::Privilege; 2] = [v1::Privilege::UseCatalog, v1::Privilege::Browse];
const START: Duration = Duration::from_secs(60);

/// A server process; killed when dropped.
struct Server {
    child: Child,
    endpoint: String,
}

impl Server {
    fn start(data: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = std::fs::File::options().create(true).append(true).open(data.with_extension("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_lakewarden"))
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"])
            .arg(data)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child, endpoint: format!("http://127.0.0.1:{port}") }
    }

    /// A client with the administrator's token, once the server takes connections.
    async fn client(&mut self, data: &Path) -> Client {
        let begun = Instant::now();
        loop {
            let log = || std::fs::read_to_string(data.with_extension("log")).unwrap_or_default();
            assert!(self.child.try_wait().unwrap().is_none(), "the server ended:\n{}", log());
            assert!(begun.elapsed() < START, "the server does not answer:\n{}", log());
            let token = std::fs::read_to_string(data.join("admin.token"));
            let channel = Endpoint::from_shared(self.endpoint.clone()).unwrap().connect().await;
            if let (Ok(token), Ok(channel)) = (token, channel) {
                return InterceptedService::new(channel, Bearer::new(token.trim()));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn sql(client: &Client, statement: String) {
    let mut service = v1::sql_service_client::SqlServiceClient::new(client.clone());
    let request = v1::ExecuteRequest { statement, ..Default::default() };
    let mut answer = service.execute(request).await.unwrap().into_inner();
    while answer.message().await.unwrap().is_some() {}
}

fn on(catalog: u32) -> Option<v1::SecurableRef> {
    let full_name = format!("c{catalog}");
    Some(v1::SecurableRef { kind: v1::SecurableKind::Catalog.into(), full_name })
}

fn pair(pair: u32) -> Vec<String> {
    vec![format!("left{pair}"), format!("right{pair}")]
}

/// Grants or revokes both privileges to both principals of a pair.
async fn change(client: &Client, catalog: u32, n: u32, grant: bool) -> Result<(), tonic::Status> {
    let mut service = GrantServiceClient::new(client.clone());
    let (securable, principals) = (on(catalog), pair(n));
    let privileges: Vec<i32> = PRIVILEGES.iter().map(|p| (*p).into()).collect();
    if grant {
        service.grant(v1::GrantRequest { securable, principals, privileges, ..Default::default() }).await.map(drop)
    } else {
        service.revoke(v1::RevokeRequest { securable, principals, privileges, ..Default::default() }).await.map(drop)
    }
}

/// How many of the four grants of a pair on a catalog there are.
async fn held(client: &Client, catalog: u32, n: u32) -> usize {
    let mut service = GrantServiceClient::new(client.clone());
    let request = v1::ListGrantsRequest { securable: on(catalog), page_size: 1000, ..Default::default() };
    let listed = service.list_grants(request).await.unwrap().into_inner();
    assert_eq!(listed.next_page_token, "");
    listed.grants.iter().filter(|grant| pair(n).contains(&grant.principal)).count()
}

async fn records(client: &Client) -> Vec<v1::AuditEvent> {
    let mut service = AuditServiceClient::new(client.clone());
    let mut events = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListAuditEventsRequest { page_size: 1000, page_token, ..Default::default() };
        let page = service.list_audit_events(request).await.unwrap().into_inner();
        events.extend(page.events);
        if page.next_page_token.is_empty() {
            return events;
        }
        page_token = page.next_page_token;
    }
}

#[derive(Default)]
struct Ledger {
    /// What was acknowledged last for a pair on a catalog.
    acknowledged: BTreeMap<(u32, u32), bool>,
    changes: u64,
    turn: u32,
}

impl Ledger {
    /// Changes one grant after another until the server is gone; gives the change that it was killed in.
    async fn work(&mut self, client: &Client) -> (u32, u32) {
        loop {
            let (catalog, n) = (self.turn % CATALOGS, (self.turn / CATALOGS) % PAIRS);
            let grant = !self.acknowledged.get(&(catalog, n)).copied().unwrap_or(false);
            match change(client, catalog, n, grant).await {
                Ok(()) => {
                    self.acknowledged.insert((catalog, n), grant);
                    self.changes += 1;
                    self.turn += 1;
                }
                Err(_) => return (catalog, n),
            }
        }
    }

    async fn check(&mut self, client: &Client, killed_in: (u32, u32)) {
        for (&(catalog, n), &granted) in &self.acknowledged.clone() {
            let held = held(client, catalog, n).await;
            assert!(held == 0 || held == 4, "half a change: {held} of 4 grants of pair {n} on c{catalog}");
            if (catalog, n) == killed_in {
                // Nobody was told how it ended; it is whole either way.
                let became = held == 4;
                self.changes += u64::from(became != granted);
                self.acknowledged.insert((catalog, n), became);
            } else {
                assert_eq!(held == 4, granted, "an acknowledged change of pair {n} on c{catalog} is lost");
            }
        }
    }
}

#[test]
fn kill_9_loses_nothing_acknowledged_and_leaves_nothing_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut server = Server::start(&data);
        let mut client = server.client(&data).await;
        for n in 0..PAIRS {
            for name in pair(n) {
                sql(&client, format!("CREATE USER {name}")).await;
            }
        }
        for catalog in 0..CATALOGS {
            sql(&client, format!("CREATE CATALOG c{catalog}")).await;
        }
        let mut ledger = Ledger::default();
        for round in 0..ROUNDS {
            let patience = Duration::from_millis(u64::from(60 + (round * 37) % 240));
            let (killed_in, _) = tokio::join!(ledger.work(&client), async {
                tokio::time::sleep(patience).await;
                server.kill();
            });
            server = Server::start(&data);
            client = server.client(&data).await;
            ledger.check(&client, killed_in).await;
        }
        let events = records(&client).await;
        let changes = events.iter().filter(|e| matches!(e.action.as_str(), "grants.grant" | "grants.revoke")).count();
        assert_eq!(changes as u64, ledger.changes, "every change has its audit record, and none is without its change");
        assert!(ledger.changes > u64::from(ROUNDS), "only {} changes were made", ledger.changes);
        eprintln!("{ROUNDS} kills, {} changes acknowledged or found whole, none lost", ledger.changes);
    });
}
