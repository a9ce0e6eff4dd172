//! Random sequences of changes: what the store holds is what was published, and the past is what it was.

use proptest::prelude::*;

use super::*;
use crate::CatalogError;
use crate::model::{Condition, FunctionBody, Parameter, PrincipalKind};
use crate::ops::functions::NewFunction;
use crate::ops::governed::{NewTag, ValuesChange};
use crate::ops::grants::PrivilegeOn;
use crate::ops::policies::{NewMatch, NewPolicy, PolicyKind};
use crate::ops::rules::Argument;
use crate::ops::tags::TagTarget;
use crate::state::State;

/// Everything in a state that the change log keeps, in an order that does not depend on how it came about.
fn history(state: &State) -> String {
    let mut lines: Vec<String> = Vec::new();
    lines.extend(state.all_securables().map(|s| format!("securable {} {s:?}", s.id)));
    lines.extend(state.names.iter().map(|(key, id)| format!("name {key:?} {id}")));
    lines.extend(state.locations.iter().map(|(key, id)| format!("location {key} {id}")));
    lines.extend(state.used_by.iter().map(|(id, users)| format!("used {id} {users:?}")));
    lines.extend(state.tag_users.iter().map(|(key, users)| format!("tagged {key} {users:?}")));
    lines.extend(state.bound.iter().map(|(id, users)| format!("bound {id} {users:?}")));
    lines.extend(state.granted().map(|(id, rows)| format!("grants {id} {rows:?}")));
    lines.extend(state.column_grants.iter().map(|(id, rows)| format!("grants on columns {id} {rows:?}")));
    lines.extend(state.holdings.iter().map(|(id, held)| format!("holds {id} {held:?}")));
    lines.extend(state.principals.iter().map(|(id, p)| format!("principal {id} {p:?}")));
    lines.extend(state.principal_names.iter().map(|(n, id)| format!("principal name {n} {id}")));
    lines.extend(state.members.iter().map(|(id, m)| format!("members {id} {m:?}")));
    lines.extend(state.member_of.iter().map(|(id, m)| format!("member of {id} {m:?}")));
    lines.sort_unstable();
    format!("{:?}\n{}", state.metastore, lines.join("\n"))
}

/// Everything in a state, in such an order.
pub(super) fn digest(state: &State) -> String {
    let tokens = state.tokens.iter().map(|(id, t)| format!("token {id} {t:?}"));
    let lines: Vec<String> = tokens.chain(state.intents.iter().map(|(id, i)| format!("intent {id} {i:?}"))).collect();
    format!("{} {:?}\n{}\n{}", state.seq, state.change_log, lines.join("\n"), history(state))
}

/// One random change; most are legal, some are refused.
#[derive(Debug, Clone)]
enum Change {
    Catalog(u8),
    Schema(u8, u8),
    Table(u8, u8, u8),
    Principal(u8),
    Member(u8, u8, bool),
    Grant { verb: GrantVerb, on: On, privilege: Privilege, columns: Vec<&'static str>, to: u8 },
    Rename(On, u8),
    Owner(On, u8),
    Delete(On, bool),
    DeletePrincipal(u8, Option<u8>),
    Function(u8, u8),
    Tag { on: On, column: Option<&'static str>, key: u8, value: Option<u8> },
    GovernedTag(u8, Vec<u8>),
    TagValues(u8, ValuesChange),
    DropTag(u8),
    Policy { on: On, name: u8, function: u8, to: u8, key: u8, masks: bool },
    DropPolicy(On, u8),
    DropFunction(u8, u8),
}

/// A catalog, schema or table by number.
#[derive(Debug, Clone, Copy)]
struct On(u8, u8, u8);

impl On {
    fn kind(self) -> SecurableKind {
        match self {
            On(_, 3, _) => SecurableKind::Catalog,
            On(_, _, 3) => SecurableKind::Schema,
            On(..) => SecurableKind::Table,
        }
    }

    fn name(self) -> FullName {
        let On(c, s, t) = self;
        match self.kind() {
            SecurableKind::Catalog => full(&format!("n{c}")),
            SecurableKind::Schema => full(&format!("n{c}.n{s}")),
            _ => full(&format!("n{c}.n{s}.n{t}")),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    // Few numbers, so that changes meet.
    let (n, p) = (|| 0..2u8, || 0..6u8);
    let on = || (n(), 0..4u8, 0..4u8).prop_map(|(c, s, t)| On(c, s.min(3) % 4, t));
    let verb = prop_oneof![4 => Just(GrantVerb::Grant), 2 => Just(GrantVerb::Deny), 2 => Just(GrantVerb::Revoke)];
    let columns = prop_oneof![2 => Just(vec![]), 1 => Just(vec!["a"]), 1 => Just(vec!["a", "B"])];
    let privilege = prop::sample::select(&[Privilege::Select, Privilege::Modify, Privilege::AllPrivileges][..]);
    let grant = (verb, on(), privilege, columns, p()).prop_map(|(verb, on, privilege, columns, to)| Change::Grant {
        verb,
        on,
        privilege,
        columns,
        to,
    });
    prop_oneof![
        1 => n().prop_map(Change::Catalog),
        2 => (n(), n()).prop_map(|(c, s)| Change::Schema(c, s)),
        4 => (n(), n(), n()).prop_map(|(c, s, t)| Change::Table(c, s, t)),
        2 => p().prop_map(Change::Principal),
        3 => (p(), p(), any::<bool>()).prop_map(|(g, m, add)| Change::Member(g, m, add)),
        10 => grant,
        2 => (on(), n()).prop_map(|(from, to)| Change::Rename(from, to)),
        2 => (on(), p()).prop_map(|(on, p)| Change::Owner(on, p)),
        2 => (on(), any::<bool>()).prop_map(|(on, cascade)| Change::Delete(on, cascade)),
        1 => (p(), prop::option::of(p())).prop_map(|(who, heir)| Change::DeletePrincipal(who, heir)),
        8 => attributes(),
    ]
}

/// A change of tags and policies.
fn attributes() -> impl Strategy<Value = Change> {
    let n = || 0..2u8;
    let on = || (n(), 0..4u8, 0..4u8).prop_map(|(c, s, t)| On(c, s, t));
    let values = || prop::collection::vec(n(), 0..3);
    let change = (0..3u8, values()).prop_map(|(how, values)| {
        let values = values.iter().map(|value| format!("v{value}")).collect();
        match how {
            0 => ValuesChange::Set(values),
            1 => ValuesChange::Add(values),
            _ => ValuesChange::Drop(values),
        }
    });
    let column = prop::sample::select(&[None, Some("A"), Some("b")][..]);
    let tag = (on(), column, n(), prop::option::weighted(0.7, n()));
    let policy = (on(), n(), n(), 0..6u8, n(), any::<bool>());
    prop_oneof![
        4 => tag.prop_map(|(on, column, key, value)| Change::Tag { on, column, key, value }),
        1 => (n(), values()).prop_map(|(key, values)| Change::GovernedTag(key, values)),
        1 => (n(), change).prop_map(|(key, change)| Change::TagValues(key, change)),
        1 => n().prop_map(Change::DropTag),
        1 => (n(), n()).prop_map(|(s, f)| Change::Function(s, f)),
        3 => policy.prop_map(|(on, name, function, to, key, masks)| Change::Policy { on, name, function, to, key, masks }),
        1 => (on(), n()).prop_map(|(on, name)| Change::DropPolicy(on, name)),
        1 => (n(), n()).prop_map(|(s, f)| Change::DropFunction(s, f)),
    ]
}

/// The even ones are groups.
fn who(number: u8) -> PrincipalName {
    principal(&format!("p{number}"))
}

fn apply(world: &World, change: &Change) -> Result<(), CatalogError> {
    let (metastore, admin) = (&world.metastore, &world.admin);
    match change {
        Change::Catalog(c) => metastore.create_catalog(admin, &name(&format!("n{c}")), &Describe::default()).map(drop),
        Change::Schema(c, s) => metastore.create_schema(admin, &On(*c, *s, 3).name(), &Describe::default()).map(drop),
        Change::Table(c, s, t) => {
            // Dropped and created again, or renamed, they meet in a place.
            let new = table(&On(*c, *s, *t).name().to_string(), &format!("file:///{s}/{t}"));
            metastore.create_table(admin, &new).map(drop)
        }
        Change::Principal(n) => {
            let kind = if n % 2 == 0 { PrincipalKind::Group } else { PrincipalKind::User };
            metastore.create_principal(admin, kind, &who(*n), None).map(drop)
        }
        Change::Member(g, m, true) => metastore.add_member(admin, &who(*g), &who(*m)),
        Change::Member(g, m, false) => metastore.remove_member(admin, &who(*g), &who(*m)),
        Change::Grant { verb, on, privilege, columns, to } => {
            let columns = columns.iter().map(ToString::to_string).collect();
            let privileges = vec![PrivilegeOn { privilege: *privilege, columns }];
            let (kind, name, principals) = (on.kind(), on.name(), vec![who(*to)]);
            metastore.change_grants(admin, &GrantChange { verb: *verb, privileges, kind, name, principals }).map(drop)
        }
        Change::Rename(on, to) => {
            let update = Update { name: Some(name(&format!("n{to}"))), ..Update::default() };
            metastore.update(admin, on.kind(), &on.name(), &update).map(drop)
        }
        Change::Owner(on, p) => {
            let update = Update { owner: Some(who(*p)), ..Update::default() };
            metastore.update(admin, on.kind(), &on.name(), &update).map(drop)
        }
        Change::Delete(on, cascade) => {
            metastore.delete(admin, on.kind(), &on.name(), Delete { cascade: *cascade, etag: None })
        }
        Change::DeletePrincipal(n, heir) => {
            let leftovers = heir.map_or(Leftovers::Cascade, |heir| Leftovers::ReassignTo(who(heir)));
            metastore.delete_principal(admin, None, &who(*n), &leftovers, None)
        }
        change => apply_attributes(world, change),
    }
}

fn key(number: u8) -> String {
    format!("k{number}")
}

fn apply_attributes(world: &World, change: &Change) -> Result<(), CatalogError> {
    let (metastore, admin) = (&world.metastore, &world.admin);
    match change {
        Change::Function(s, f) => metastore.create_function(admin, &function(*s, *f)).map(drop),
        Change::DropFunction(s, f) => {
            metastore.delete(admin, SecurableKind::Function, &function(*s, *f).name, Delete::default())
        }
        Change::Tag { on, column, key: number, value } => {
            let target = TagTarget { kind: on.kind(), name: on.name(), column: column.map(str::to_owned) };
            match value {
                Some(value) => metastore.set_tags(admin, &target, &[(key(*number), format!("v{value}"))]).map(drop),
                None => metastore.unset_tags(admin, &target, &[key(*number)]).map(drop),
            }
        }
        Change::GovernedTag(number, values) => {
            let values = values.iter().map(|value| format!("v{value}")).collect();
            let new = NewTag { name: name(&key(*number)), values, describe: Describe::default() };
            metastore.create_tag(admin, &new).map(drop)
        }
        Change::TagValues(number, change) => {
            metastore.alter_tag_values(admin, &full(&key(*number)), change, None).map(drop)
        }
        Change::DropTag(number) => metastore.delete(admin, SecurableKind::Tag, &full(&key(*number)), Delete::default()),
        Change::Policy { on, name: number, function: f, to, key: tag, masks } => {
            let condition = Condition::HasTagValue(key(*tag).into(), "v1".into());
            let new = NewPolicy {
                name: name(&format!("q{number}")),
                kind: on.kind(),
                securable: on.name(),
                comment: None,
                effect: if *masks { PolicyKind::ColumnMask } else { PolicyKind::RowFilter },
                function: function(0, *f).name,
                to: vec![who(*to)],
                except: vec![who((*to + 1) % 6)],
                when: Some(condition.clone()),
                matches: vec![NewMatch { condition, alias: Some("x".to_owned()) }],
                on_column: masks.then(|| "X".to_owned()),
                using: if *masks { Vec::new() } else { vec![Argument::Column("x".to_owned())] },
                replace: *tag == 0,
            };
            metastore.create_policy(admin, &new).map(drop)
        }
        Change::DropPolicy(on, number) => {
            metastore.drop_policy(admin, on.kind(), &on.name(), &name(&format!("q{number}")))
        }
        other => panic!("{other:?} is no change of attributes"),
    }
}

/// The function `n0.n{s}.f{f}`, of one parameter.
fn function(s: u8, f: u8) -> NewFunction {
    let parameter = Parameter { name: name("x"), type_text: "BIGINT".to_owned(), comment: None };
    let body = FunctionBody {
        parameters: vec![parameter],
        return_type: "BOOLEAN".to_owned(),
        body: "x > 0".to_owned(),
        namespace: Default::default(),
        dependencies: Vec::new(),
    };
    NewFunction { name: full(&format!("n0.n{s}.f{f}")), body, describe: Describe::default(), replace: false }
}

/// A world in which most changes are legal.
fn furnished() -> World {
    let world = world();
    let changes = [Change::Catalog(0), Change::Schema(0, 0), Change::Table(0, 0, 0), Change::Function(0, 0)];
    (0..6).map(Change::Principal).chain(changes).for_each(|change| apply(&world, &change).unwrap());
    world
}

/// The state as it was published, with the time at which it was the present one.
fn moment(world: &World) -> (i64, String) {
    (world.metastore.clock().now_ms(), history(&world.metastore.published()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// A refused change changes nothing, the state read back from the store is the one that was published, and the past is
    /// what was published then, before the store is opened anew and after.
    #[test]
    fn the_store_holds_what_was_published_and_how_it_came_about(
        changes in proptest::collection::vec(change(), 1..60)
    ) {
        let world = furnished();
        let mut moments = vec![moment(&world)];
        for change in &changes {
            let before = world.metastore.published();
            if let Err(error) = apply(&world, change) {
                prop_assert_ne!(error.kind(), ErrorKind::Internal);
                prop_assert_eq!(digest(&before), digest(&world.metastore.published()));
            }
            moments.push(moment(&world));
        }
        let published = digest(&world.metastore.published());
        let check = |metastore: &Metastore| {
            for (at_ms, was) in &moments {
                prop_assert_eq!(&history(&metastore.past(*at_ms).unwrap()), was);
            }
            Ok(())
        };
        check(&world.metastore)?;
        let World { metastore, folder, .. } = world;
        drop(metastore);
        let later = StepClock::starting_at(2_000_000);
        let reopened =
            Metastore::open(folder.path(), &OpenOptions::default(), Arc::new(AllowAll), later).unwrap();
        prop_assert_eq!(published, digest(&reopened.published()));
        check(&reopened)?;
    }
}
