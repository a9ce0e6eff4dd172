//! What casbin does with rows, and the traps in it.

use casbin::CoreApi;
use lakewarden_catalog::model::{Privilege, SecurableKind};
use lakewarden_catalog::{Ask, Closure, GateError, Need};
use rstest::rstest;

use super::{Judge, Row, guarded};
use crate::candidates::ChainWorld;
use crate::fixture::{CATALOG, Chain, OBJECT, analysts, bob, closure, principal, securable};
use crate::model::{EMBEDDED, read};
use crate::roles::{Roles, World, object, subject};
use crate::words::{Held, WANTED, Wanted};

const SELECT: Wanted = Wanted::Privilege(Privilege::Select);

fn judge_for(closure: &Closure) -> Judge<ChainWorld> {
    Judge::new(&read(EMBEDDED).unwrap(), world(closure)).unwrap()
}

fn world(closure: &Closure) -> ChainWorld {
    let chain = Chain::table();
    ChainWorld::of(&Ask { closure, chain: &chain.links(), need: Need::See })
}

fn row(to: u128, on: usize, denied: bool) -> Row {
    Row { principal: principal(to), securable: securable(on as u128), held: Held::Privilege(Privilege::Select), denied }
}

fn answer(judge: &Judge<ChainWorld>) -> Result<bool, GateError> {
    judge.ask(bob(), securable(0), SELECT).map(|verdict| verdict.allowed)
}

#[test]
fn without_any_row_casbin_denies() {
    let judge = judge_for(&closure(bob(), &[]));
    assert!(!answer(&judge).unwrap());
}

#[test]
fn a_row_has_four_fields_of_ids_and_known_words() {
    for denied in [false, true] {
        for held in Held::all() {
            let fields = Row { held, ..row(10, OBJECT, denied) }.fields();
            assert_eq!(fields[0], subject(bob()));
            assert_eq!(fields[1], object(securable(0)));
            assert_eq!(Held::parse(&fields[2]), Some(held));
            assert_eq!(fields[3], if denied { "deny" } else { "allow" });
            assert_eq!(fields.len(), 4);
        }
    }
}

#[rstest]
#[case::three(3)]
#[case::five(5)]
fn a_row_of_wrong_arity_is_an_error_and_no_answer(#[case] fields: usize) {
    let mut judge = judge_for(&closure(bob(), &[]));
    let mut line = row(10, OBJECT, false).fields();
    line.resize(fields, String::new());
    judge.rows = 2;
    judge.set_lines([row(10, CATALOG, false).fields(), line].into_iter()).unwrap();
    assert!(answer(&judge).is_err());
}

#[test]
fn a_row_that_comes_twice_is_an_error() {
    let mut judge = judge_for(&closure(bob(), &[]));
    assert!(judge.set_rows(&[row(10, OBJECT, false), row(10, OBJECT, false)]).is_err());
}

#[test]
fn the_next_caller_inherits_neither_rows_nor_groups() {
    let mut judge = judge_for(&closure(bob(), &[analysts()]));
    judge.set_rows(&[row(11, OBJECT, false)]).unwrap();
    assert!(answer(&judge).unwrap());
    judge.set_world(world(&closure(bob(), &[])));
    assert!(!answer(&judge).unwrap(), "the group stayed");
    judge.set_world(world(&closure(bob(), &[analysts()])));
    judge.set_rows(&[]).unwrap();
    assert!(!answer(&judge).unwrap(), "the row stayed");
}

#[test]
fn a_question_in_another_callers_name_is_denied() {
    let mut judge = judge_for(&closure(bob(), &[analysts()]));
    judge.set_rows(&[row(11, OBJECT, false)]).unwrap();
    assert!(!judge.ask(principal(12), securable(0), SELECT).unwrap().allowed);
}

#[test]
fn a_securable_with_the_uuid_of_a_group_is_not_a_group() {
    // bob's own uuid and that of the analysts stand in the chain, the first below the second.
    let mut chain = Chain::table();
    chain.links[0].id.0 = bob().0;
    chain.links[CATALOG].id.0 = analysts().0;
    let alone = closure(bob(), &[]);
    let ask = Ask { closure: &alone, chain: &chain.links(), need: Need::See };
    let mut judge = Judge::new(&read(EMBEDDED).unwrap(), ChainWorld::of(&ask)).unwrap();
    let to_group = Row { securable: chain.links[0].id, ..row(11, OBJECT, false) };
    judge.set_rows(&[to_group]).unwrap();
    assert!(!judge.ask(bob(), chain.links[0].id, SELECT).unwrap().allowed);
}

#[rstest]
#[case::group_as_object(subject(bob()), subject(analysts()), Some("within"), false)]
#[case::object_as_group(object(securable(0)), object(securable(2)), None, false)]
#[case::privilege_as_group("SELECT".into(), "SELECT".into(), None, false)]
#[case::unknown_question("SELECT".into(), "SELECT".into(), Some("other"), false)]
#[case::casbins_empty_row(subject(bob()), String::new(), None, false)]
#[case::empty_words(String::new(), String::new(), None, false)]
#[case::unknown_words("X".into(), "X".into(), Some("itself"), false)]
#[case::a_name_for_an_id("p:bob".into(), "p:bob".into(), None, false)]
#[case::member(subject(bob()), subject(analysts()), None, true)]
#[case::within(object(securable(0)), object(securable(2)), Some("within"), true)]
#[case::not_above(object(securable(2)), object(securable(0)), Some("within"), false)]
#[case::not_within_itself(object(securable(0)), object(securable(0)), Some("within"), false)]
#[case::not_within_the_metastore(object(securable(0)), object(securable(3)), Some("within"), false)]
#[case::below_the_metastore(object(securable(0)), object(securable(3)), Some("metastore"), true)]
#[case::a_catalog_is_no_metastore(object(securable(0)), object(securable(2)), Some("metastore"), false)]
#[case::implied("SELECT".into(), "ALL PRIVILEGES".into(), Some("inherited"), true)]
#[case::not_implied("MANAGE".into(), "ALL PRIVILEGES".into(), Some("itself"), false)]
fn groups_objects_and_privileges_share_no_graph(
    #[case] first: String,
    #[case] second: String,
    #[case] domain: Option<&str>,
    #[case] expected: bool,
) {
    let world = world(&closure(bob(), &[analysts()]));
    let roles = Roles(std::sync::Arc::new(parking_lot::RwLock::new(world)));
    assert_eq!(casbin::RoleManager::has_link(&roles, &first, &second, domain), expected);
}

#[test]
fn every_word_reads_back_as_itself() {
    let see = SecurableKind::ALL.iter().copied().map(Wanted::See);
    let privileges = Privilege::ALL.iter().copied().map(Wanted::Privilege);
    let wanted: Vec<Wanted> = privileges.chain(see).chain([Wanted::Govern]).collect();
    for one in &wanted {
        assert_eq!(Wanted::parse(one.text()), Some(*one));
    }
    let indexes: std::collections::HashSet<usize> = wanted.iter().map(|one| one.index()).collect();
    assert_eq!(indexes.len(), wanted.len());
    assert!(indexes.iter().all(|index| *index < WANTED));
}

#[test]
fn enforcement_is_never_switched_off() {
    // casbin allows everything when it is.
    assert!(judge_for(&closure(bob(), &[])).casbin.is_enabled());
}

struct Panics;

impl World for Panics {
    fn is_member(&self, _: lakewarden_catalog::model::PrincipalId, _: lakewarden_catalog::model::PrincipalId) -> bool {
        panic!("a fault below casbin")
    }
    fn is_within(&self, _: lakewarden_catalog::model::SecurableId, _: lakewarden_catalog::model::SecurableId) -> bool {
        false
    }
    fn is_below_metastore(
        &self,
        _: lakewarden_catalog::model::SecurableId,
        _: lakewarden_catalog::model::SecurableId,
    ) -> bool {
        false
    }
}

#[test]
fn a_panic_inside_casbin_is_an_error_and_no_answer() {
    let mut judge = Judge::new(&read(EMBEDDED).unwrap(), Panics).unwrap();
    judge.set_rows(&[row(10, OBJECT, false)]).unwrap();
    assert!(judge.ask(bob(), securable(0), SELECT).is_err());
    assert!(guarded(|| panic!("in casbin itself")).is_err());
}

#[test]
fn all_rows_are_heard_and_not_only_up_to_the_first_denial() {
    let mut judge = judge_for(&closure(bob(), &[analysts()]));
    judge.set_rows(&[row(10, OBJECT, true), row(11, OBJECT, true), row(11, CATALOG, false)]).unwrap();
    let verdict = judge.ask(bob(), securable(0), SELECT).unwrap();
    assert!(!verdict.allowed);
    assert_eq!(verdict.effects.iter().filter(|effect| **effect == casbin::EffectKind::Deny).count(), 2);
    assert_eq!(verdict.effects.len(), 3);
}
