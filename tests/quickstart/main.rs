//! The quickstart: what it makes, that its three answers are what the policies say, and that it can be done twice.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by a panic")]

mod by_hand;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use assert_cmd::Command;
use lakewarden_server::quickstart::{Answer, Listener, prepare};
use lakewarden_server::{Config, ServerError};
use tokio::sync::oneshot;

const SCALE: f64 = 0.01;

/// Counts what it hears.
#[derive(Default)]
struct Heard {
    tables: Vec<(String, u64)>,
    policies: bool,
}

impl Listener for Heard {
    fn tables(&mut self, rows_total: u64) {
        assert!(rows_total > 0);
    }

    fn rows(&mut self, table: &'static str, rows_done: u64, is_done: bool) {
        if is_done {
            self.tables.push((table.to_owned(), rows_done));
        }
    }

    fn policies(&mut self) {
        self.policies = true;
    }
}

/// Tells when a table is reached.
struct Reached(&'static str, Option<oneshot::Sender<()>>);

impl Listener for Reached {
    fn tables(&mut self, _: u64) {}

    fn rows(&mut self, table: &'static str, _: u64, _: bool) {
        if table == self.0
            && let Some(sender) = self.1.take()
        {
            sender.send(()).unwrap();
        }
    }

    fn policies(&mut self) {}
}

fn config(data_dir: &Path) -> Config {
    let mut config = Config::default();
    config.listen.address = ([127, 0, 0, 1], 0).into();
    config.store.data_dir = data_dir.to_owned();
    config
}

fn command(data_dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lakewarden"));
    command.env_clear().env("HOME", data_dir).timeout(std::time::Duration::from_secs(300));
    command.arg("quickstart").args(args).arg("--data-dir").arg(data_dir);
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_three_answers_are_what_the_policies_say() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let mut heard = Heard::default();
    let ready = prepare(config(&data_dir), SCALE, &mut heard).await.unwrap();
    let tour = ready.tour.as_ref().unwrap();

    let stored = by_hand::Stored::read(&data_dir.join("tables")).await;
    let all = ["AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"];
    let expected = [
        ("admin", stored.answer(&all, by_hand::as_stored)),
        ("alice", stored.answer(&["EUROPE", "MIDDLE EAST"], by_hand::masked)),
        ("bob", stored.answer(&["ASIA"], by_hand::masked)),
    ];
    let columns = ["region", "orders", "revenue", "top_balance", "first_phone", "first_address"];
    let expected = expected.map(|(caller, rows)| Answer {
        caller: caller.to_owned(),
        columns: columns.map(str::to_owned).to_vec(),
        rows: rows.into_iter().map(|row| row.map(Some).to_vec()).collect(),
    });
    assert_eq!(tour.answers, expected);
    // The numbers themselves show that the data is TPC-H and not nothing.
    let orders = |answer: &Answer| answer.rows.iter().map(|row| row[1].clone().unwrap()).collect::<Vec<_>>();
    assert_eq!(orders(&tour.answers[0]), ["3115", "2922", "2959", "2723", "3281"]);
    assert_eq!(orders(&tour.answers[1]), ["2723", "3281"]);
    assert_eq!(orders(&tour.answers[2]), ["2959"]);

    let policies = tour.policies.iter().map(|p| format!("{} {} {}", p.table, p.kind, p.function)).collect::<Vec<_>>();
    assert_eq!(
        policies,
        [
            "demo.tpch.customer Row Filter demo.policies.sees_nation ON (c_nationkey)",
            "demo.tpch.customer Column Mask on c_address demo.policies.mask_address",
            "demo.tpch.customer Column Mask on c_phone demo.policies.mask_phone",
            "demo.tpch.customer Column Mask on c_acctbal demo.policies.mask_balance",
            "demo.tpch.orders Row Filter demo.policies.sees_customer ON (o_custkey)",
        ]
    );
    assert!(heard.policies);
    assert_eq!(heard.tables.len(), 8);
    assert!(heard.tables.contains(&("orders".to_owned(), 15_000)), "{:?}", heard.tables);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_was_stopped_goes_on_at_its_scale() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let (sender, stopped) = oneshot::channel();
    let mut reached = Reached("partsupp", Some(sender));
    tokio::select! {
        biased;
        _ = stopped => {}
        _ = prepare(config(&data_dir), 0.001, &mut reached) => panic!("it went past the table"),
    }
    let mut heard = Heard::default();
    let ready = prepare(config(&data_dir), SCALE, &mut heard).await.unwrap();
    assert_eq!(ready.scale, "0.001");
    assert_eq!(ready.tour.as_ref().unwrap().answers.len(), 3);
    assert!(heard.tables.contains(&("orders".to_owned(), 1_500)), "{:?}", heard.tables);
    // Eight tables of TPC-H and the mapping table: nothing is left of the one that was not finished.
    assert_eq!(std::fs::read_dir(data_dir.join("tables")).unwrap().count(), 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_catalog_of_somebody_else_is_left_alone() {
    let mut server = lakewarden_test_support::Server::start().await;
    let mut catalogs =
        lakewarden_proto::v1::catalog_service_client::CatalogServiceClient::new(server.client(server.admin()).await);
    let request = lakewarden_proto::v1::CreateCatalogRequest { name: "demo".to_owned(), ..Default::default() };
    catalogs.create_catalog(request).await.unwrap();
    drop(catalogs);
    server.stop().await;
    let refused = prepare(server.config().clone(), SCALE, &mut Heard::default()).await;
    assert!(matches!(refused.map(|_| ()), Err(ServerError::NotOurs { .. })));
}

#[test]
fn the_command_shows_the_answers_once_and_goes_on_from_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let first = command(&data_dir, &["--exit", "--scale", "0.001"]).output().unwrap();
    let (out, err) = (String::from_utf8(first.stdout).unwrap(), String::from_utf8(first.stderr).unwrap());
    assert!(first.status.success(), "{err}");
    for words in ["admin", "alice", "bob", "Why they differ", "demo.policies.sees_nation ON (c_nationkey)"] {
        assert!(out.contains(words), "{words} is missing in:\n{out}");
    }
    for name in ["admin", "alice", "bob"] {
        let token = data_dir.join(format!("{name}.token"));
        assert_eq!(std::fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(err.contains(&format!("{name}.token")), "{err}");
        let text = std::fs::read_to_string(&token).unwrap();
        assert!(!out.contains(text.trim()) && !err.contains(text.trim()), "a token was shown");
    }

    let second = command(&data_dir, &["--exit"]).output().unwrap();
    let err = String::from_utf8(second.stderr).unwrap();
    assert!(second.status.success(), "{err}");
    assert!(second.stdout.is_empty());
    assert!(err.contains("here already (TPC-H at scale 0.001)"), "{err}");
}
