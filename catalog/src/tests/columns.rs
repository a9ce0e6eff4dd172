//! Renaming columns: what stays with the id, and what is refused.

use super::*;
use crate::CatalogError;
use crate::model::SecurableId;
use crate::ops::columns::ColumnRename;
use crate::ops::grants::PrivilegeOn;

fn rename(column: &str, to: &str) -> ColumnRename {
    ColumnRename { column: column.to_owned(), to: to.to_owned(), only: None, etag: None }
}

/// A world with a managed table `c.s.t (a, B)`, its partition column being `p`, and a user `alice`.
fn furnished() -> World {
    let world = world();
    world.schema();
    world.user("alice");
    let staged = world.metastore.stage_table(&world.admin, &full("c.s.t"), "file:///root", false).unwrap();
    let mut new = NewTable { location: NewLocation::Managed(staged), ..table("c.s.t", "") };
    new.columns.push(NewColumn { name: "p".to_owned(), partition_index: Some(0), ..new.columns[0].clone() });
    world.metastore.create_table(&world.admin, &new).unwrap();
    world
}

impl World {
    fn refused_rename(&self, table: &str, rename: &ColumnRename) -> CatalogError {
        let early = self.metastore.pin(&self.admin).renamable(&full(table), rename).unwrap_err();
        let late = self.metastore.rename_column(&self.admin, &full(table), rename).unwrap_err();
        assert_eq!(early.to_string(), late.to_string());
        late
    }

    fn column_names(&self) -> Vec<(u32, String)> {
        let found = self.metastore.get(&self.admin, SecurableKind::Table, &full("c.s.t")).unwrap();
        found.securable.columns().iter().map(|column| (column.id.0, column.name.to_string())).collect()
    }
}

#[test]
fn a_renamed_column_keeps_its_id_and_its_grants_and_is_audited() {
    let world = furnished();
    let column = PrivilegeOn { privilege: Privilege::Select, columns: vec!["a".to_owned()] };
    let grant = GrantChange {
        privileges: vec![column],
        verb: GrantVerb::Deny,
        ..grant_on(SecurableKind::Table, "c.s.t", &[], "alice")
    };
    world.metastore.change_grants(&world.admin, &grant).unwrap();
    let before = world.metastore.get(&world.admin, SecurableKind::Table, &full("c.s.t")).unwrap();
    let rows = world.metastore.published().column_grants_on(before.securable.id);
    let done = world.metastore.rename_column(&world.admin, &full("c.s.t"), &rename("A", "pay")).unwrap();
    assert_ne!(done.securable.etag, before.securable.etag);
    assert_eq!(world.column_names(), [(0, "pay".to_owned()), (1, "B".to_owned()), (2, "p".to_owned())]);
    assert_eq!(world.metastore.published().column_grants_on(before.securable.id), rows);
    let audited = world.metastore.list_audit(&world.admin, &Page::all()).unwrap().items.remove(0);
    assert_eq!(audited.action, "tables.rename_column");
    assert_eq!((audited.details["column"].as_str(), audited.details["new_name"].as_str()), ("a", "pay"));
}

#[test]
fn the_case_of_a_name_can_be_changed_and_nothing_taken() {
    let world = furnished();
    world.metastore.rename_column(&world.admin, &full("c.s.t"), &rename("b", "b")).unwrap();
    assert_eq!(world.column_names()[1], (1, "b".to_owned()));
    for (from, to, words) in [
        ("b", "b", "column `b` already exists"),
        ("a", "B", "column `b` already exists"),
        ("c", "d", "column `c` does not exist"),
        ("a", "", "a column name is empty"),
    ] {
        assert_eq!(world.refused_rename("c.s.t", &rename(from, to)).to_string(), words);
    }
    let partition = world.refused_rename("c.s.t", &rename("p", "q"));
    assert_eq!(partition.reason(), "PARTITION_COLUMN");
}

#[test]
fn only_the_very_managed_table_that_was_seen_is_changed() {
    let world = furnished();
    world.metastore.create_table(&world.admin, &table("c.s.x", "file:///x")).unwrap();
    assert_eq!(world.refused_rename("c.s.x", &rename("a", "z")).reason(), "EXTERNAL_TABLE");
    assert_eq!(world.refused_rename("c.s.none", &rename("a", "z")).kind(), ErrorKind::NotFound);
    let other = ColumnRename { only: Some(SecurableId(uuid::Uuid::nil())), ..rename("a", "z") };
    assert_eq!(world.refused_rename("c.s.t", &other).kind(), ErrorKind::Conflict);
    let old = ColumnRename { etag: Some(0), ..rename("a", "z") };
    assert_eq!(world.refused_rename("c.s.t", &old).kind(), ErrorKind::Conflict);
    assert_eq!(world.column_names()[0], (0, "a".to_owned()));
}
