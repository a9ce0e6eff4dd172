//! The times of the change log: what counts as done when, what a clock that steps back does, where the history begins.

use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::clock::Clock;
use crate::state::State;
use crate::store::{Family, Key, Rows, Store};

/// A clock that says what it is told to.
struct SetClock {
    now_ms: AtomicI64,
    ids: Arc<StepClock>,
}

impl Clock for SetClock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn new_id(&self) -> uuid::Uuid {
        self.ids.new_id()
    }
}

struct Timed {
    world: World,
    clock: Arc<SetClock>,
}

impl Timed {
    /// Catalog `c`, its schema and the user alice, made at 1000.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SetClock { now_ms: 1_000.into(), ids: StepClock::starting_at(1) });
        let metastore =
            Metastore::open(folder.path(), &OpenOptions::default(), Arc::new(AllowAll), clock.clone()).unwrap();
        metastore.bootstrap(&name("main"), &principal("admin")).unwrap();
        let admin = caller(&metastore, "admin");
        let world = World { metastore, admin, folder };
        world.schema();
        world.user("alice");
        Self { world, clock }
    }

    fn at(&self, ms: i64) -> &World {
        self.clock.now_ms.store(ms, Ordering::SeqCst);
        &self.world
    }

    fn grant(&self, ms: i64, privilege: Privilege) {
        let World { metastore, admin, .. } = self.at(ms);
        metastore.change_grants(admin, &grant_on(SecurableKind::Schema, "c.s", &[privilege], "alice")).unwrap();
    }

    /// What alice was granted on the schema.
    fn granted(&self, ms: i64) -> Vec<Privilege> {
        granted(&self.world.metastore.past(ms).unwrap())
    }

    fn refused(&self, ms: i64) -> String {
        let error = self.world.metastore.past(ms).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        error.to_string()
    }

    /// Closes the store, changes it, and opens it again at a time.
    fn reopened(self, ms: i64, change: impl FnOnce(&Store) -> Rows) -> Self {
        let Self { world: World { metastore, admin, folder }, clock } = self;
        drop(metastore);
        let store = Store::open(folder.path(), &OpenOptions::default()).unwrap();
        let rows = change(&store);
        store.commit(&rows).unwrap();
        drop(store);
        clock.now_ms.store(ms, Ordering::SeqCst);
        let metastore =
            Metastore::open(folder.path(), &OpenOptions::default(), Arc::new(AllowAll), clock.clone()).unwrap();
        Self { world: World { metastore, admin, folder }, clock }
    }
}

fn granted(state: &State) -> Vec<Privilege> {
    let alice = state.principal_named(&principal("alice")).unwrap().id;
    state
        .granted()
        .flat_map(|(_, rows)| rows.iter())
        .filter(|r| r.principal == alice)
        .flat_map(|r| r.allow.iter())
        .collect()
}

const TWO: [Privilege; 2] = [Privilege::Select, Privilege::Modify];

#[test]
fn a_change_is_done_in_its_millisecond() {
    let timed = Timed::new();
    timed.grant(5_000, Privilege::Select);
    timed.grant(5_000, Privilege::Modify);
    timed.at(9_000);
    assert_eq!((timed.granted(4_999), timed.granted(5_000)), (vec![], TWO.to_vec()));
    assert_eq!((timed.granted(1_000), timed.granted(9_000)), (vec![], TWO.to_vec()));
}

#[test]
fn a_change_after_the_clock_stepped_back_is_not_before_the_one_it_follows() {
    let timed = Timed::new();
    timed.grant(5_000, Privilege::Select);
    timed.grant(4_000, Privilege::Modify);
    timed.at(9_000);
    assert_eq!((timed.granted(4_500), timed.granted(5_000)), (vec![], TWO.to_vec()));
}

#[test]
fn the_future_and_what_was_before_the_history_are_refused() {
    let timed = Timed::new();
    timed.grant(5_000, Privilege::Select);
    assert_eq!(timed.refused(5_001), "`1970-01-01T00:00:05.001Z` is in the future");
    let before = "`1970-01-01T00:00:00.999Z` is before the history of this metastore, which begins at \
                  1970-01-01T00:00:01.000Z";
    assert_eq!(timed.refused(999), before);
}

#[test]
fn the_history_of_an_older_store_begins_when_it_is_opened() {
    let timed = Timed::new();
    timed.grant(2_000, Privilege::Select);
    let timed = timed.reopened(3_000, |store| {
        let mut rows = Rows::new();
        store.scan_prefix(&Family::Change.prefix()).for_each(|row| rows.delete(row.unwrap().0));
        rows
    });
    timed.grant(4_000, Privilege::Modify);
    assert!(timed.refused(2_999).contains("begins at 1970-01-01T00:00:03.000Z"));
    assert_eq!((timed.granted(3_999), timed.granted(4_000)), (vec![Privilege::Select], TWO.to_vec()));
    let timed = timed.reopened(5_000, |_| Rows::new());
    assert_eq!(timed.granted(3_000), [Privilege::Select], "it begins once");
}

#[test]
fn a_log_with_a_hole_answers_nothing() {
    let timed = Timed::new();
    timed.grant(2_000, Privilege::Select);
    let hole = timed.world.metastore.published().seq;
    timed.grant(3_000, Privilege::Modify);
    let timed = timed.reopened(4_000, |_| {
        let mut rows = Rows::new();
        rows.delete(Key::Change(hole, 0));
        rows
    });
    assert_eq!(timed.granted(3_000), TWO);
    assert_eq!(timed.world.metastore.past(1_500).err().unwrap().kind(), ErrorKind::Unavailable);
}

#[test]
fn a_change_of_many_parts_is_undone_whole() {
    let timed = Timed::new();
    let World { metastore, admin, .. } = timed.at(2_000);
    let long = Describe { comment: Some("x".repeat(1_000_000)), ..Describe::default() };
    (0..6).for_each(|n| drop(metastore.create_schema(admin, &full(&format!("c.long{n}")), &long).unwrap()));
    let World { metastore, admin, .. } = timed.at(3_000);
    metastore.delete(admin, SecurableKind::Catalog, &full("c"), Delete { cascade: true, etag: None }).unwrap();
    let log = metastore.published().change_log.unwrap();
    assert!(metastore.store().get(&Key::Change(log.last_seq, 1).bytes()).unwrap().is_some(), "it has one part");
    let past = metastore.past(2_000).unwrap();
    let comments = past.all_securables().filter(|securable| securable.comment == long.comment);
    assert_eq!(
        (comments.count(), past.all_securables().count()),
        (6, metastore.published().all_securables().count() + 8)
    );
}

#[test]
fn what_says_nothing_of_rights_is_not_logged() {
    let timed = Timed::new();
    let log = timed.world.metastore.published().change_log;
    let World { metastore, admin, .. } = timed.at(2_000);
    let alice = metastore.published().principal_named(&principal("alice")).unwrap().id;
    let id = TokenId(uuid::Uuid::from_u128(7));
    let new = NewToken { id, sha256: [7; 32], principal: alice, expires_at_ms: 2_000_000, comment: None };
    metastore.record_token(admin, &new).unwrap();
    assert_eq!(metastore.published().change_log, log);
}
