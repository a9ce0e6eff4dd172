//! Who may set which tags, and what stays with what.

use lakewarden_catalog::model::{Column, Name, Securable, SecurableKind as K};
use lakewarden_catalog::ops::columns::ColumnRename;
use lakewarden_catalog::ops::containers::Describe;
use lakewarden_catalog::ops::entries::{Delete, Update};
use lakewarden_catalog::ops::governed::{NewTag, ValuesChange};
use lakewarden_catalog::ops::tables::NewColumn;
use lakewarden_catalog::ops::tags::TagTarget;
use lakewarden_catalog::ops::views::NewView;
use lakewarden_catalog::{CatalogError, ErrorKind};

use super::{World, full};

fn target(kind: K, name: &str) -> TagTarget {
    TagTarget { kind, name: full(name), column: None }
}

fn column(name: &str) -> TagTarget {
    TagTarget { column: Some(name.to_owned()), ..target(K::Table, "c.s.t") }
}

impl World {
    pub(super) fn tag(&self, who: &str, target: &TagTarget, key: &str, value: &str) -> Result<(), CatalogError> {
        let tags = [(key.to_owned(), value.to_owned())];
        self.metastore.set_tags(&self.caller(who), target, &tags).map(drop)
    }

    fn untag(&self, who: &str, target: &TagTarget, key: &str) -> Result<(), CatalogError> {
        self.metastore.unset_tags(&self.caller(who), target, &[key.to_owned()]).map(drop)
    }

    pub(super) fn governed(&self, key: &str, values: &[&str]) -> Result<(), CatalogError> {
        let values = values.iter().map(ToString::to_string).collect();
        let new = NewTag { name: Name::parse(key).unwrap(), values, describe: Describe::default() };
        self.metastore.create_tag(&self.caller("admin"), &new).map(drop)
    }

    fn found(&self, kind: K, name: &str) -> std::sync::Arc<Securable> {
        self.metastore.get(&self.caller("admin"), kind, &full(name)).unwrap().securable
    }

    fn column_tag(&self, name: &str, key: &str) -> Option<String> {
        let table = self.found(K::Table, "c.s.t");
        let column: &Column = table.columns().iter().find(|column| column.name == name).unwrap();
        column.tag(key).map(str::to_owned)
    }
}

fn is_denied(result: &Result<(), CatalogError>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
}

#[test]
fn tagging_needs_apply_tag_and_the_way_down_or_the_right_to_manage() {
    let world = World::new();
    world.users(&["eve", "mia"]);
    let table = target(K::Table, "c.s.t");
    let unseen = world.tag("eve", &table, "k", "v").unwrap_err();
    let absent = world.tag("eve", &target(K::Table, "c.s.nothing"), "k", "v").unwrap_err();
    assert_eq!(unseen.to_string().replace("c.s.t`", "c.s.nothing`"), absent.to_string());
    world.run(&["GRANT APPLY TAG ON TABLE c.s.t TO eve", "GRANT MANAGE ON TABLE c.s.t TO mia"]);
    assert!(is_denied(&world.tag("eve", &table, "k", "v")), "USE CATALOG and USE SCHEMA are missing");
    world.run(&["GRANT USE CATALOG ON CATALOG c TO eve", "GRANT USE SCHEMA ON SCHEMA c.s TO eve"]);
    world.tag("eve", &table, "k", "v").unwrap();
    world.tag("eve", &column("SSN"), "k", "").unwrap();
    assert!(is_denied(&world.tag("eve", &target(K::Schema, "c.s"), "k", "v")), "the tag of what is above");
    world.tag("mia", &table, "l", "w").unwrap();
    assert_eq!(world.found(K::Table, "c.s.t").tag("k"), Some("v"));
    assert_eq!(world.found(K::Table, "c.s.t").tag("l"), Some("w"));
    assert_eq!(world.column_tag("ssn", "k").as_deref(), Some(""));
    world.run(&["DENY APPLY TAG ON SCHEMA c.s TO mia", "DENY APPLY TAG ON SCHEMA c.s TO eve"]);
    assert!(is_denied(&world.untag("mia", &table, "l")) && is_denied(&world.untag("eve", &table, "k")));
}

#[test]
fn setting_again_replaces_and_what_changes_nothing_leaves_no_record() {
    let world = World::new();
    let table = target(K::Table, "c.s.t");
    world.tag("admin", &table, "k", "1").unwrap();
    world.tag("admin", &table, "K", "other case, other tag").unwrap();
    world.tag("admin", &table, "k", "2").unwrap();
    assert_eq!(world.found(K::Table, "c.s.t").tag("k"), Some("2"));
    let (etag, records) = (world.found(K::Table, "c.s.t").etag, world.audited());
    world.tag("admin", &table, "k", "2").unwrap();
    world.untag("admin", &table, "absent").unwrap();
    assert_eq!((world.found(K::Table, "c.s.t").etag, world.audited()), (etag, records));
    world.untag("admin", &table, "k").unwrap();
    world.untag("admin", &table, "K").unwrap();
    assert_eq!(world.found(K::Table, "c.s.t").tags, None);
}

#[test]
fn keys_values_and_numbers_of_tags_have_bounds() {
    let world = World::new();
    let schema = target(K::Schema, "c.s");
    for key in ["", " k", "a.b", "a,b", "a-b", "a=b", "a/b", "a:b", "a\nb", &"k".repeat(256)] {
        assert_eq!(world.tag("admin", &schema, key, "").unwrap_err().kind(), ErrorKind::InvalidArgument, "{key:?}");
    }
    assert!(world.tag("admin", &schema, "k", &"v".repeat(1_001)).is_err());
    world.tag("admin", &schema, "data class", &"v".repeat(1_000)).unwrap();
    for n in 1..50 {
        world.tag("admin", &schema, &format!("k{n}"), "").unwrap();
    }
    assert_eq!(world.tag("admin", &schema, "more", "").unwrap_err().reason(), "TOO_MANY_TAGS");
    world.tag("admin", &schema, "k1", "another value").unwrap();
    let twice = ["k", "k"].map(|key| (key.to_owned(), String::new()));
    assert!(world.metastore.set_tags(&world.caller("admin"), &schema, &twice).is_err());
    assert_eq!(world.tag("admin", &target(K::Catalog, "system"), "k", "").unwrap_err().reason(), "RESERVED");
}

#[test]
fn a_governed_tag_needs_assign_and_a_value_of_its_list_and_tells_strangers_nothing() {
    let world = World::new();
    world.users(&["eve"]);
    world.run(&["GRANT USE CATALOG, USE SCHEMA, APPLY TAG ON CATALOG c TO eve"]);
    world.governed("pii", &["email", "ssn"]).unwrap();
    let ssn = column("ssn");
    for (key, value) in [("pii", "ssn"), ("pii", "no value of it"), ("PII", "ssn")] {
        let refused = world.tag("eve", &ssn, key, value).unwrap_err().to_string();
        assert_eq!(refused, format!("permission denied: this needs ASSIGN on tag `{key}`, which is governed"));
    }
    world.run(&["GRANT ASSIGN ON TAG pii TO eve"]);
    world.tag("eve", &ssn, "pii", "ssn").unwrap();
    let listed = world.tag("eve", &ssn, "pii", "iban").unwrap_err().to_string();
    assert_eq!(listed, "governed tag `pii` has no value `iban`: use one of `email`, `ssn`");
    assert_eq!(world.tag("eve", &ssn, "Pii", "ssn").unwrap_err().kind(), ErrorKind::InvalidArgument);
    world.run(&["REVOKE ASSIGN ON TAG pii FROM eve"]);
    assert!(is_denied(&world.untag("eve", &ssn, "pii")), "to take it away is to set it");
    assert_eq!(world.column_tag("ssn", "pii").as_deref(), Some("ssn"));
}

#[test]
fn governed_tags_are_made_by_admins_and_keep_what_is_in_use() {
    let world = World::new();
    world.users(&["eve", "gov"]);
    let new = NewTag { name: Name::parse("pii").unwrap(), values: Vec::new(), describe: Describe::default() };
    assert!(is_denied(&world.metastore.create_tag(&world.caller("eve"), &new).map(drop)));
    world.tag("admin", &column("ssn"), "pii", "ssn").unwrap();
    let in_use = world.governed("pii", &["email"]).unwrap_err();
    assert_eq!(in_use.reason(), "IN_USE");
    assert!(in_use.to_string().contains("on column `ssn` of table `c.s.t`"), "{in_use}");
    world.governed("pii", &["email", "ssn"]).unwrap();
    assert_eq!(world.governed("PII", &[]).unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert!(world.governed("a-b", &[]).is_err());
    world.run(&["GRANT MANAGE ON TAG pii TO gov"]);
    let (tag, gov) = (full("pii"), world.caller("gov"));
    let alter = |change: ValuesChange| world.metastore.alter_tag_values(&gov, &tag, &change, None).map(drop);
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    let hidden = alter(ValuesChange::Drop(texts(&["ssn"]))).unwrap_err();
    assert!(hidden.to_string().contains("where you may not see it"), "{hidden}");
    assert_eq!(alter(ValuesChange::Set(texts(&["email"]))).unwrap_err().reason(), "IN_USE");
    alter(ValuesChange::Drop(texts(&["email"]))).unwrap();
    assert_eq!(alter(ValuesChange::Drop(texts(&["email"]))).unwrap_err().kind(), ErrorKind::InvalidArgument);
    alter(ValuesChange::Add(texts(&["iban"]))).unwrap();
    alter(ValuesChange::Set(Vec::new())).unwrap();
    assert_eq!(alter(ValuesChange::Add(texts(&["x"]))).unwrap_err().reason(), "ANY_VALUE");
    let rename = Update { name: Some(Name::parse("other").unwrap()), ..Update::default() };
    let renamed = world.metastore.update(&gov, K::Tag, &tag, &rename);
    assert_eq!(renamed.unwrap_err().reason(), "GOVERNED_KEY");
    let drop_tag = |who: &str| world.metastore.delete(&world.caller(who), K::Tag, &tag, Delete::default());
    assert_eq!(drop_tag("admin").unwrap_err().reason(), "IN_USE");
    world.untag("admin", &column("ssn"), "pii").unwrap();
    assert_eq!(drop_tag("eve").unwrap_err().kind(), ErrorKind::NotFound);
    drop_tag("gov").unwrap();
    assert!(world.metastore.get(&world.caller("admin"), K::Tag, &tag).is_err());
}

#[test]
fn tags_stay_with_what_is_renamed_and_with_the_columns_of_a_replaced_view() {
    let world = World::new();
    world.tag("admin", &column("ssn"), "k", "v").unwrap();
    world.tag("admin", &target(K::Table, "c.s.t"), "k", "table").unwrap();
    let admin = world.caller("admin");
    let rename = ColumnRename { column: "ssn".to_owned(), to: "number".to_owned(), only: None, etag: None };
    world.metastore.rename_column(&admin, &full("c.s.t"), &rename).unwrap();
    assert_eq!(world.column_tag("number", "k").as_deref(), Some("v"));
    let view = |columns: &[&str], replace| {
        let column = |name: &&str| NewColumn {
            name: name.to_string(),
            type_text: "BIGINT".to_owned(),
            nullable: true,
            comment: None,
            partition_index: None,
        };
        let new = NewView {
            name: full("c.s.v"),
            sql: "SELECT 1".to_owned(),
            namespace: Default::default(),
            columns: columns.iter().map(column).collect(),
            dependencies: Vec::new(),
            describe: Describe::default(),
            replace,
        };
        world.metastore.create_view(&admin, &new).unwrap()
    };
    view(&["a", "b"], false);
    let of_view = |name: &str| TagTarget { column: Some(name.to_owned()), ..target(K::View, "c.s.v") };
    for name in ["a", "b"] {
        world.tag("admin", &of_view(name), "k", name).unwrap();
    }
    world.tag("admin", &target(K::View, "c.s.v"), "k", "view").unwrap();
    let replaced = view(&["new", "B"], true).securable;
    assert_eq!(replaced.tag("k"), Some("view"));
    assert_eq!(replaced.columns().iter().map(|column| column.tag("k")).collect::<Vec<_>>(), [None, Some("b")]);
    let update = Update { name: Some(Name::parse("moved").unwrap()), ..Update::default() };
    let moved = world.metastore.update(&admin, K::Table, &full("c.s.t"), &update).unwrap().securable;
    assert_eq!(moved.tag("k"), Some("table"));
}
