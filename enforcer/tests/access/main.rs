//! The answers to "who may do what here, and why", from the catalog's operations with the real enforcer at the gate.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop on its own mistakes")]

mod effective;
mod explain;
mod hidden;
mod past;
mod policies;
mod rehearse;
mod remedy;
mod sample;
mod statement;
mod tags;
mod who_can;

use std::sync::Arc;

use lakewarden_catalog::clock::StepClock;
use lakewarden_catalog::model::{FullName, Name, PrincipalKind, PrincipalName, Privilege, RequestId, SecurableKind};
use lakewarden_catalog::ops::access::{Because, Effect, Explanation, Question};
use lakewarden_catalog::ops::containers::Describe;
use lakewarden_catalog::ops::entries::Update;
use lakewarden_catalog::ops::tables::{NewColumn, NewLocation, NewTable};
use lakewarden_catalog::store::OpenOptions;
use lakewarden_catalog::{Caller, CatalogError, Metastore};
use lakewarden_enforcer::Enforcer;

/// A metastore with catalog `c`, schema `c.s` and table `c.s.t (a, b, ssn)`, all owned by `admin`.
struct World {
    metastore: Metastore,
    _folder: tempfile::TempDir,
}

fn full(text: &str) -> FullName {
    FullName::parse(text).unwrap()
}

fn principal(text: &str) -> PrincipalName {
    PrincipalName::parse(text).unwrap()
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let gate = Arc::new(Enforcer::new().unwrap());
        let clock = StepClock::starting_at(1_000_000);
        let metastore = Metastore::open(folder.path(), &OpenOptions::default(), gate, clock).unwrap();
        metastore.bootstrap(&Name::parse("main").unwrap(), &principal("admin")).unwrap();
        let world = Self { metastore, _folder: folder };
        let admin = world.caller("admin");
        world.metastore.create_catalog(&admin, &Name::parse("c").unwrap(), &Describe::default()).unwrap();
        world.metastore.create_schema(&admin, &full("c.s"), &Describe::default()).unwrap();
        world.table("c.s.t");
        world
    }

    fn caller(&self, name: &str) -> Caller {
        let name = principal(name);
        let principal = self.metastore.principal_for_identity(&name).unwrap();
        let request_id = RequestId(self.metastore.clock().new_id());
        Caller { principal: principal.id, name, kind: principal.kind, request_id, door: "test" }
    }

    /// Anybody as a caller, a group too: to ask the gate about them.
    fn anybody(&self, name: &str) -> Caller {
        let found = self.metastore.get_principal(&self.caller("admin"), &principal(name)).unwrap();
        Caller { principal: found.id, name: found.name.clone(), kind: found.kind, ..self.caller("admin") }
    }

    fn table(&self, name: &str) {
        let admin = self.caller("admin");
        let staged = self.metastore.stage_table(&admin, &full(name), "file:///managed", false).unwrap();
        let column = |name: &str| NewColumn {
            name: name.to_owned(),
            type_text: "BIGINT".to_owned(),
            nullable: true,
            comment: None,
            partition_index: None,
        };
        let new = NewTable {
            name: full(name),
            location: NewLocation::Managed(staged),
            columns: ["a", "b", "ssn"].map(column).into(),
            describe: Describe::default(),
            row_filter: None,
            masks: Vec::new(),
            replace: false,
        };
        self.metastore.create_table(&admin, &new).unwrap();
    }

    fn users(&self, names: &[&str]) {
        let admin = self.caller("admin");
        for name in names {
            self.metastore.create_principal(&admin, PrincipalKind::User, &principal(name), None).unwrap();
        }
    }

    /// Creates a group with these members.
    fn group(&self, name: &str, members: &[&str]) {
        let admin = self.caller("admin");
        self.metastore.create_principal(&admin, PrincipalKind::Group, &principal(name), None).unwrap();
        let members: Vec<PrincipalName> = members.iter().map(|member| principal(member)).collect();
        self.metastore.add_members(&admin, &principal(name), &members).unwrap();
    }

    fn own(&self, kind: SecurableKind, name: &str, owner: &str) {
        let update = Update { owner: Some(principal(owner)), ..Update::default() };
        self.metastore.update(&self.caller("admin"), kind, &full(name), &update).unwrap();
    }

    /// Runs `GRANT`, `DENY` and `REVOKE` statements as the admin.
    fn run(&self, statements: &[&str]) {
        for text in statements {
            let change = statement::parse(text);
            self.metastore.change_grants(&self.caller("admin"), &change).unwrap();
        }
    }

    fn now_ms(&self) -> i64 {
        self.metastore.clock().now_ms()
    }

    /// How many audit records there are.
    fn audited(&self) -> usize {
        let page = lakewarden_catalog::ops::page::Page::all();
        self.metastore.list_audit(&self.caller("admin"), &page).unwrap().items.len()
    }

    /// Explains, asked by `asker`.
    fn explain(&self, asker: &str, question: &Question) -> Result<Explanation, CatalogError> {
        self.metastore.explain_access(&self.caller(asker), question)
    }
}

/// A question about the table `c.s.t`.
fn on_table(privilege: Privilege, who: &str) -> Question {
    question(privilege, SecurableKind::Table, "c.s.t", who)
}

fn question(privilege: Privilege, kind: SecurableKind, name: &str, who: &str) -> Question {
    Question { privilege, kind, name: full(name), column: None, principal: Some(principal(who)), as_of_ms: None }
}

/// A reason in a few words: `SELECT on c.s.t to analysts by team > analysts`.
fn words(because: &Because) -> String {
    let what = match (because.effect, because.privilege) {
        (Effect::Grant, Some(privilege)) => privilege.to_string(),
        (Effect::Deny, Some(privilege)) => format!("not {privilege}"),
        _ => "owner".to_owned(),
    };
    let column = because.column.as_ref().map(|column| format!(" ({column})")).unwrap_or_default();
    let holder = because.holder.as_deref().unwrap_or("?");
    let path = if because.path.is_empty() { String::new() } else { format!(" by {}", because.path.join(" > ")) };
    format!("{what}{column} on {} {} to {holder}{path}", because.kind, because.securable)
}

fn all_words(because: &[Because]) -> Vec<String> {
    because.iter().map(words).collect()
}
