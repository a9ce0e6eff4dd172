//! Policies by attributes: who may make them, and what they hold in place.

mod binding;

use lakewarden_catalog::model::{
    Condition, FunctionBody, Name, Parameter, PrincipalName, Privilege, SecurableKind as K,
};
use lakewarden_catalog::ops::access::AppliedPolicy;
use lakewarden_catalog::ops::containers::Describe;
use lakewarden_catalog::ops::entries::Delete;
use lakewarden_catalog::ops::functions::NewFunction;
use lakewarden_catalog::ops::open::Opened;
use lakewarden_catalog::ops::policies::{NewMatch, NewPolicy, PolicyKind};
use lakewarden_catalog::ops::principals::Leftovers;
use lakewarden_catalog::ops::rules::Argument;
use lakewarden_catalog::ops::tags::TagTarget;
use lakewarden_catalog::{CatalogError, ErrorKind};

use super::{World, full, principal};

/// A world with users `alice` and `bob` who read `c.s.t`, `bob` through groups in groups, with functions `f` (boolean) and `m`
/// of one parameter and `n` of two, and `ssn` tagged `pii=ssn`.
fn world() -> World {
    let world = World::new();
    world.users(&["alice", "bob"]);
    world.group("inner", &["bob"]);
    world.group("outer", &["inner"]);
    for who in ["alice", "bob"] {
        let grant = format!("GRANT USE CATALOG, USE SCHEMA, SELECT ON CATALOG c TO {who}");
        world.run(&[&grant]);
    }
    world.function("admin", "c.s.f", &["BIGINT"], "BOOLEAN").unwrap();
    world.function("admin", "c.s.m", &["BIGINT"], "BIGINT").unwrap();
    world.function("admin", "c.s.n", &["BIGINT", "BIGINT"], "BIGINT").unwrap();
    world.tag("admin", &of_column("ssn"), "pii", "ssn").unwrap();
    world
}

fn of_column(column: &str) -> TagTarget {
    TagTarget { kind: K::Table, name: full("c.s.t"), column: Some(column.to_owned()) }
}

fn on(kind: K, name: &str) -> TagTarget {
    TagTarget { kind, name: full(name), column: None }
}

fn names(names: &[&str]) -> Vec<PrincipalName> {
    names.iter().map(|name| principal(name)).collect()
}

fn has(key: &str) -> Condition {
    Condition::HasTag(key.into())
}

fn aliased(condition: Condition, alias: &str) -> NewMatch {
    NewMatch { condition, alias: Some(alias.to_owned()) }
}

fn column(name: &str) -> Argument {
    Argument::Column(name.to_owned())
}

/// A mask by `c.s.m` on what is tagged `pii`.
fn mask(name: &str, kind: K, securable: &str, to: &[&str]) -> NewPolicy {
    NewPolicy {
        name: Name::parse(name).unwrap(),
        kind,
        securable: full(securable),
        comment: None,
        effect: PolicyKind::ColumnMask,
        function: full("c.s.m"),
        to: names(to),
        except: Vec::new(),
        when: None,
        matches: vec![aliased(has("pii"), "p")],
        on_column: Some("p".to_owned()),
        using: Vec::new(),
        replace: false,
    }
}

/// A row filter by `c.s.f` on what is tagged `pii`.
fn filter(name: &str, kind: K, securable: &str, to: &[&str]) -> NewPolicy {
    NewPolicy {
        effect: PolicyKind::RowFilter,
        function: full("c.s.f"),
        on_column: None,
        using: vec![column("p")],
        ..mask(name, kind, securable, to)
    }
}

impl World {
    fn function(&self, owner: &str, name: &str, takes: &[&str], gives: &str) -> Result<(), CatalogError> {
        let parameter = |(at, type_text): (usize, &&str)| Parameter {
            name: Name::parse(&format!("x{at}")).unwrap(),
            type_text: type_text.to_string(),
            comment: None,
        };
        let body = FunctionBody {
            parameters: takes.iter().enumerate().map(parameter).collect(),
            return_type: gives.to_owned(),
            body: "x0".to_owned(),
            namespace: Default::default(),
            dependencies: Vec::new(),
        };
        let new = NewFunction { name: full(name), body, describe: Describe::default(), replace: true };
        self.metastore.create_function(&self.caller(owner), &new).map(drop)
    }

    fn policy(&self, who: &str, new: &NewPolicy) -> Result<(), CatalogError> {
        self.metastore.create_policy(&self.caller(who), new).map(drop)
    }

    fn opened(&self, who: &str) -> Result<Opened, CatalogError> {
        self.metastore.pin(&self.caller(who)).open_to_read(&full("c.s.t"))
    }

    /// What binds a reader: the row filter's label, and each masked column with its mask's.
    fn bound(&self, who: &str) -> Vec<String> {
        let opened = self.opened(who).unwrap();
        let name = |id| opened.securable.columns().iter().find(|column| column.id == id).unwrap().name.clone();
        let masks = opened.masks.iter().map(|mask| format!("{}: {}", name(mask.column), mask.policy.label));
        opened.row_filter.iter().map(|filter| filter.label.clone()).chain(masks).collect()
    }
}

#[test]
fn making_a_policy_needs_the_right_to_manage_and_to_execute() {
    let world = world();
    let new = mask("p", K::Schema, "c.s", &["account users"]);
    assert_eq!(world.policy("alice", &new).unwrap_err().kind(), ErrorKind::PermissionDenied);
    world.run(&["GRANT MANAGE ON SCHEMA c.s TO alice"]);
    let no_execute = world.policy("alice", &new).unwrap_err();
    assert!(no_execute.to_string().contains("EXECUTE on function `c.s.m`"), "{no_execute}");
    world.run(&["GRANT EXECUTE ON FUNCTION c.s.m TO alice"]);
    world.policy("alice", &new).unwrap();
    assert_eq!(world.policy("alice", &new).unwrap_err().kind(), ErrorKind::AlreadyExists);
    let id = |who: &str| {
        let name = Name::parse("P").unwrap();
        world.metastore.get_policy(&world.caller(who), K::Schema, &full("c.s"), &name).unwrap().id
    };
    let before = id("admin");
    world.policy("alice", &NewPolicy { replace: true, comment: Some("new".to_owned()), ..new }).unwrap();
    assert_eq!(id("admin"), before);
    let drop = |who: &str, policy: &str| {
        let name = Name::parse(policy).unwrap();
        world.metastore.drop_policy(&world.caller(who), K::Schema, &full("c.s"), &name)
    };
    assert_eq!(drop("bob", "p").unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(drop("alice", "q").unwrap_err().to_string(), "policy `q` does not exist");
    drop("alice", "P").unwrap();
    assert_eq!(world.bound("bob"), [""; 0]);
}

#[test]
fn the_parts_of_a_policy_must_fit() {
    let world = world();
    let (m, f) = (mask("p", K::Schema, "c.s", &["alice"]), filter("p", K::Schema, "c.s", &["alice"]));
    let deep = (0..20).fold(has("k"), |inner, _| Condition::Not(Box::new(inner)));
    let cases = [
        (NewPolicy { on_column: None, ..m.clone() }, "on_column"),
        (NewPolicy { on_column: Some("q".to_owned()), ..m.clone() }, "on_column"),
        (NewPolicy { on_column: Some("p".to_owned()), ..f.clone() }, "on_column"),
        (NewPolicy { function: full("c.s.n"), ..m.clone() }, "using"),
        (NewPolicy { using: vec![column("p")], ..m.clone() }, "using"),
        (NewPolicy { using: vec![], ..f.clone() }, "using"),
        (NewPolicy { using: vec![column("ssn")], ..f.clone() }, "using"),
        (NewPolicy { function: full("c.s.m"), ..f.clone() }, "function"),
        (NewPolicy { to: vec![], ..m.clone() }, "to"),
        (NewPolicy { matches: vec![aliased(has("a"), "p"), aliased(has("b"), "P")], ..m.clone() }, "matches"),
        (NewPolicy { matches: (0..11).map(|n| aliased(has("a"), &format!("p{n}"))).collect(), ..m.clone() }, "matches"),
        (NewPolicy { when: Some(deep), ..m.clone() }, "condition"),
        (NewPolicy { when: Some(Condition::And(vec![])), ..m.clone() }, "condition"),
        (NewPolicy { when: Some(has("a.b")), ..m.clone() }, "tags"),
    ];
    for (new, at) in cases {
        match world.policy("admin", &new) {
            Err(CatalogError::Invalid { field, .. }) => assert_eq!(field, at, "{new:?}"),
            other => panic!("{other:?} for {new:?}"),
        }
    }
    for (kind, name) in [(K::Function, "c.s.m"), (K::Metastore, "main")] {
        let refused = world.policy("admin", &NewPolicy { kind, securable: full(name), ..m.clone() }).unwrap_err();
        assert_eq!(refused.reason(), "NO_POLICIES");
    }
    let nobody = world.policy("admin", &NewPolicy { except: names(&["nobody"]), ..m }).unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::NotFound);
}

#[test]
fn a_securable_has_so_many_policies_and_no_more() {
    let world = world();
    for (kind, name, most) in [(K::Catalog, "c", 15), (K::Schema, "c.s", 15), (K::Table, "c.s.t", 5)] {
        for n in 0..most {
            world.policy("admin", &mask(&format!("p{n}"), kind, name, &["alice"])).unwrap();
        }
        let more = world.policy("admin", &mask("more", kind, name, &["alice"])).unwrap_err();
        assert_eq!(more.reason(), "TOO_MANY_POLICIES");
        assert!(more.to_string().contains(&most.to_string()));
        world.policy("admin", &NewPolicy { replace: true, ..mask("p0", kind, name, &["bob"]) }).unwrap();
    }
}

#[test]
fn what_a_policy_depends_on_stays() {
    let world = world();
    world.governed("pii", &["ssn", "name"]).unwrap();
    let when = Condition::HasTagValue("pii".into(), "name".into());
    let new = NewPolicy { when: Some(Condition::Not(Box::new(when))), ..mask("p", K::Catalog, "c", &["inner"]) };
    world.policy("admin", &NewPolicy { except: names(&["alice"]), ..new }).unwrap();
    let admin = world.caller("admin");
    let delete = |kind, name: &str, cascade| {
        world.metastore.delete(&admin, kind, &full(name), Delete { cascade, etag: None }).unwrap_err()
    };
    let by_policy = "policy `p` on catalog `c`";
    for error in [
        delete(K::Function, "c.s.m", false),
        delete(K::Schema, "c.s", true),
        delete(K::Tag, "pii", false),
        world.function("admin", "c.s.m", &["STRING"], "STRING").unwrap_err(),
    ] {
        assert_eq!(error.reason(), "IN_USE");
    }
    assert!(delete(K::Schema, "c.s", true).to_string().contains(by_policy));
    world.function("admin", "c.s.m", &["BIGINT"], "BIGINT").unwrap();
    for (who, leftovers) in [("inner", Leftovers::Cascade), ("alice", Leftovers::ReassignTo(principal("bob")))] {
        let named = world.metastore.delete_principal(&admin, None, &principal(who), &leftovers, None).unwrap_err();
        assert_eq!(named.reason(), "IN_USE");
        assert!(named.to_string().contains(by_policy) && named.to_string().contains(who), "{named}");
    }
    let unknown = Condition::HasTagValue("pii".into(), "iban".into());
    let unknown = NewPolicy { when: Some(unknown), ..mask("q", K::Catalog, "c", &["inner"]) };
    assert_eq!(world.policy("admin", &unknown).unwrap_err().to_string(), "governed tag `pii` has no value `iban`");
    world.metastore.drop_policy(&admin, K::Catalog, &full("c"), &Name::parse("p").unwrap()).unwrap();
    world.metastore.delete_principal(&admin, None, &principal("inner"), &Leftovers::Cascade, None).unwrap();
    world.metastore.delete(&admin, K::Schema, &full("c.s"), Delete { cascade: true, etag: None }).unwrap();
}

#[test]
fn the_terms_of_a_policy_are_for_who_manages_what_it_is_on() {
    let world = world();
    world.policy("admin", &mask("above", K::Catalog, "c", &["outer"])).unwrap();
    world.policy("admin", &filter("below", K::Table, "c.s.t", &["alice"])).unwrap();
    world.run(&["GRANT MANAGE ON TABLE c.s.t TO alice"]);
    let list = |who: &str, effective| {
        let listed = world.metastore.list_policies(&world.caller(who), K::Table, &full("c.s.t"), effective).unwrap();
        let shown = |entry: &lakewarden_catalog::ops::policies::PolicyEntry| {
            (entry.name.clone(), entry.terms.is_some(), entry.function.clone())
        };
        listed.iter().map(shown).collect::<Vec<_>>()
    };
    let line = |name: &str, terms, function: Option<&str>| (name.to_owned(), terms, function.map(str::to_owned));
    assert_eq!(list("admin", false), [line("below", true, Some("c.s.f"))]);
    assert_eq!(list("admin", true), [line("below", true, Some("c.s.f")), line("above", true, Some("c.s.m"))]);
    assert_eq!(list("alice", true), [line("below", true, None), line("above", false, None)]);
    assert_eq!(list("bob", true), [line("below", false, None), line("above", false, None)]);
    let terms =
        world.metastore.get_policy(&world.caller("alice"), K::Table, &full("c.s.t"), &Name::parse("below").unwrap());
    let terms = terms.unwrap().terms.unwrap();
    assert_eq!(terms.to, ["alice"]);
    assert_eq!(terms.matches, [("hasTag('pii')".to_owned(), Some("p".to_owned()))]);
    assert_eq!(terms.using, [column("p")]);
}

#[test]
fn an_explanation_tells_of_the_policies_that_bind_the_one_asked_about() {
    let world = world();
    world.policy("admin", &mask("p", K::Catalog, "c", &["outer"])).unwrap();
    let before = world.now_ms();
    world.policy("admin", &filter("rows", K::Table, "c.s.t", &["bob"])).unwrap();
    let told = |who: &str, as_of_ms| {
        let asked = super::Question { as_of_ms, ..super::on_table(Privilege::Select, who) };
        world.explain("admin", &asked).unwrap().policies
    };
    let policy = |column: Option<&str>, function: &str, policy: &str| AppliedPolicy {
        column: column.map(str::to_owned),
        function: Some(function.to_owned()),
        policy: Some(policy.to_owned()),
    };
    let rows = policy(None, "c.s.f", "policy `rows` on table `c.s.t`");
    let masked = policy(Some("ssn"), "c.s.m", "policy `p` on catalog `c`");
    assert_eq!(told("bob", None), [rows, masked.clone()]);
    assert_eq!(told("bob", Some(before)), [masked]);
    assert_eq!(told("alice", None), []);
}

#[test]
fn conditions_are_shown_as_sql() {
    let value = Condition::HasTagValue("k".into(), r"it's \".into());
    let both = Condition::And(vec![has("a"), Condition::Not(Box::new(Condition::Or(vec![has("b"), value])))]);
    assert_eq!(both.to_string(), r"hasTag('a') AND NOT (hasTag('b') OR hasTagValue('k', 'it\'s \\'))");
}
