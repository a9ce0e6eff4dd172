//! `policies/privileges.golden`: which privilege may be granted on which kind, as people read it in a review.

use lakewarden_catalog::model::{Privilege, SecurableKind};

const KINDS: [SecurableKind; 6] = [
    SecurableKind::Metastore,
    SecurableKind::Catalog,
    SecurableKind::Schema,
    SecurableKind::Table,
    SecurableKind::View,
    SecurableKind::Function,
];

fn table() -> String {
    let line = |name: &str, cells: Vec<&str>, last: &str| {
        let cells: String = cells.iter().map(|cell| format!("{cell:<10}")).collect();
        format!("{name:<16} {cells}{last}").trim_end().to_owned() + "\n"
    };
    let mut text = line("", KINDS.iter().map(|kind| kind.as_str()).collect(), "in ALL PRIVILEGES");
    for privilege in Privilege::ALL {
        let mark = |kind: &SecurableKind| if privilege.grantable_on(*kind) { "x" } else { "-" };
        let in_all = if privilege.in_all_privileges() { "x" } else { "-" };
        text += &line(privilege.as_str(), KINDS.iter().map(mark).collect(), in_all);
    }
    text
}

#[test]
fn the_table_of_privileges_is_the_golden_one() {
    let golden = include_str!("../../policies/privileges.golden");
    let table = table();
    assert!(golden == table, "policies/privileges.golden should read:\n{table}");
}
