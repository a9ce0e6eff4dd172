//! `policies/privileges.golden`: which privilege may be granted on which kind, as people read it in a review.

use lakewarden_catalog::model::{Privilege, SecurableKind};

fn table() -> String {
    let line = |name: &str, cells: Vec<&str>, last: &str| {
        let cell = |(kind, cell): (&SecurableKind, &&str)| format!("{cell:<width$}", width = kind.as_str().len() + 2);
        let cells: String = SecurableKind::ALL.iter().zip(&cells).map(cell).collect();
        format!("{name:<27}{cells}{last}").trim_end().to_owned() + "\n"
    };
    let header = SecurableKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let mut text = line("", header, "in ALL PRIVILEGES  gives");
    for privilege in Privilege::ALL {
        let mark = |kind: &SecurableKind| if privilege.grantable_on(*kind) { "x" } else { "-" };
        let in_all = if privilege.in_all_privileges() { "x" } else { "-" };
        let implied = Privilege::ALL.iter().filter(|other| privilege.implies(**other)).map(|other| other.as_str());
        let implied = implied.collect::<Vec<_>>().join(", ");
        let marks = SecurableKind::ALL.iter().map(mark).collect();
        text += &line(privilege.as_str(), marks, &format!("{in_all:<19}{implied}"));
    }
    text
}

#[test]
fn the_table_of_privileges_is_the_golden_one() {
    let golden = include_str!("../../policies/privileges.golden");
    let table = table();
    assert!(golden == table, "policies/privileges.golden should read:\n{table}");
}
