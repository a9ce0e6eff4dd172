use std::path::PathBuf;

use super::*;

fn answer(caller: &str, rows: &[[&str; 3]]) -> Answer {
    let columns = ["region", "orders", "phone"].map(str::to_owned).to_vec();
    let rows = rows.iter().map(|row| row.iter().map(|v| (*v != "NULL").then(|| (*v).to_owned())).collect()).collect();
    Answer { caller: caller.to_owned(), columns, rows }
}

fn tour() -> Tour {
    Tour {
        question: "SELECT region, orders, phone\nFROM t".to_owned(),
        answers: vec![
            answer("admin", &[["ASIA", "31", "18-100"], ["EUROPE", "2", "16-200"]]),
            answer("alice", &[["EUROPE", "2", "NULL"]]),
            answer("bob", &[["ASIA", "31", "18-***"], ["MARS", "1", "99"]]),
        ],
        policies: vec![
            ["demo.t".to_owned(), "Row Filter".to_owned(), "demo.p.sees ON (k)".to_owned()],
            ["demo.tt".to_owned(), "Column Mask on phone".to_owned(), "demo.p.mask ON ()".to_owned()],
        ],
        mapping: vec![
            ("alice".to_owned(), "EUROPE".to_owned()),
            ("alice".to_owned(), "AFRICA".to_owned()),
            ("bob".to_owned(), "ASIA\u{1b}[2J".to_owned()),
        ],
    }
}

fn next(tls: bool) -> Next {
    Next {
        program: "target/release/lakewarden".to_owned(),
        address: "127.0.0.1:8642".to_owned(),
        tls,
        data_dir: PathBuf::from("lakewarden-data"),
        admin: "admin".to_owned(),
    }
}

#[test]
fn answers_stand_side_by_side() {
    insta::assert_snapshot!(grid(&tour().answers));
    assert_eq!(grid(&[]), "");
}

#[test]
fn policies_and_regions_say_why() {
    insta::assert_snapshot!(why(&tour()));
}

#[test]
fn commands_fit_the_server() {
    insta::assert_snapshot!(commands(&next(false)));
    let elsewhere = commands(&Next { address: "127.0.0.1:9000".to_owned(), ..next(false) });
    assert!(elsewhere.contains("sql --endpoint http://127.0.0.1:9000 --token-file"));
    let tls = commands(&next(true));
    assert!(tls.contains("https://127.0.0.1:8642") && tls.contains("grpc+tls://") && !tls.contains("-plaintext"));
}

#[test]
fn a_teller_without_a_terminal_counts_all_the_same() {
    let mut teller = Teller::default();
    teller.tables(10);
    teller.rows("region", 5, false);
    teller.rows("region", 5, true);
    teller.rows("nation", 25, true);
    assert_eq!(teller.before, 30);
    teller.policies();
}
