//! What casbin does with rows, and the traps in it.

use lakewarden_catalog::model::{Privilege, SecurableKind};
use lakewarden_catalog::{Ask, Closure, GateError, Need};
use rstest::rstest;

use super::{Judge, Row, guarded};
use crate::candidates::{ChainWorld, Groups};
use crate::effect::heard;
use crate::fixture::{Chain, METASTORE, OBJECT, analysts, bob, closure};
use crate::model::{EMBEDDED, read};
use crate::roles::{Object, Subject, World};
use crate::words::{Held, Place, WANTED, Wanted};

const SELECT: Wanted = Wanted::Privilege(Privilege::Select);
/// Bob and the analysts by their order in the closure; `account users` comes first.
pub(crate) const BOB: Subject = Subject(1);
pub(crate) const ANALYSTS: Subject = Subject(2);
pub(crate) const TABLE: Object = Object(OBJECT as u32);
const CATALOG: Object = Object(crate::fixture::CATALOG as u32);

pub(crate) fn judge_for(closure: &Closure) -> Judge<ChainWorld> {
    Judge::new(&read(EMBEDDED).unwrap(), world(closure)).unwrap()
}

pub(crate) fn world(closure: &Closure) -> ChainWorld {
    let chain = Chain::table();
    let ask = Ask { closure, chain: &chain.links(), need: Need::See };
    ChainWorld::of(&ask, &Groups::of(closure).unwrap())
}

pub(crate) fn row(to: Subject, on: Object, denied: bool) -> Row {
    Row { principal: to, securable: on, held: Held::Privilege(Privilege::Select), denied }
}

pub(crate) fn answer(judge: &Judge<ChainWorld>) -> Result<bool, GateError> {
    judge.ask(BOB, TABLE, SELECT)
}

#[test]
fn without_any_row_casbin_denies() {
    let judge = judge_for(&closure(bob(), &[]));
    assert!(!answer(&judge).unwrap());
}

#[test]
fn a_row_has_four_fields_of_numbers_and_known_words_whatever_the_line_was_before() {
    let mut line = vec!["long before".to_owned(); 7];
    for denied in [false, true] {
        for held in Held::all() {
            Row { held, ..row(Subject(1203), Object(40), denied) }.write(&mut line);
            assert_eq!(line, ["p:1203", "s:40", held.text(), if denied { "deny" } else { "allow" }]);
            assert_eq!(Held::parse(&line[2]), Some(held));
        }
    }
}

#[test]
fn a_row_that_comes_twice_is_an_error() {
    let mut judge = judge_for(&closure(bob(), &[]));
    assert!(judge.set_rows(&[row(BOB, TABLE, false), row(BOB, TABLE, false)]).is_err());
}

#[test]
fn a_question_in_another_callers_name_is_denied() {
    let mut judge = judge_for(&closure(bob(), &[analysts()]));
    judge.set_rows(&[row(ANALYSTS, TABLE, false)]).unwrap();
    assert!(!judge.ask(ANALYSTS, TABLE, SELECT).unwrap());
}

#[rstest]
#[case::itself(OBJECT, OBJECT, Place::Itself)]
#[case::the_catalog(OBJECT, crate::fixture::CATALOG, Place::Above)]
#[case::the_metastore(OBJECT, METASTORE, Place::Metastore)]
#[case::the_metastore_for_itself(METASTORE, METASTORE, Place::Itself)]
#[case::below(crate::fixture::CATALOG, OBJECT, Place::Elsewhere)]
#[case::not_in_the_chain(OBJECT, 4, Place::Elsewhere)]
#[case::an_object_not_in_the_chain(4, 4, Place::Elsewhere)]
fn places_are_seen_from_the_object(#[case] object: usize, #[case] place: usize, #[case] expected: Place) {
    let found = world(&closure(bob(), &[])).place(Object(object as u32), Object(place as u32));
    assert_eq!(found, expected);
}

#[test]
fn every_word_reads_back_as_itself() {
    let wanted: Vec<Wanted> = Wanted::all().collect();
    assert_eq!(wanted.len(), Privilege::ALL.len() + SecurableKind::ALL.len() + 1);
    for one in &wanted {
        assert_eq!(Wanted::parse(one.text()), Some(*one));
        if let Wanted::See(kind) = one {
            assert_eq!(one.text(), format!("SEE {kind}"));
        }
    }
    let indexes: std::collections::HashSet<usize> = wanted.iter().map(|one| one.index()).collect();
    assert_eq!(indexes.len(), wanted.len());
    assert!(indexes.iter().all(|index| *index < WANTED));
}

#[test]
fn every_bit_reads_back_as_what_it_stands_for() {
    for held in Held::all() {
        assert_eq!(Held::of_bit(held.bit().trailing_zeros()), Some(held));
    }
    assert_eq!((0..64).filter(|bit| Held::of_bit(*bit).is_some()).count(), Held::all().count());
}

struct Panics;

impl World for Panics {
    fn is_member(&self, _: Subject, _: Subject) -> bool {
        panic!("a fault below casbin")
    }
    fn place(&self, _: Object, _: Object) -> Place {
        Place::Itself
    }
}

#[test]
fn a_panic_inside_casbin_is_an_error_and_no_answer() {
    let mut judge = Judge::new(&read(EMBEDDED).unwrap(), Panics).unwrap();
    judge.set_rows(&[row(BOB, TABLE, false)]).unwrap();
    assert!(judge.ask(BOB, TABLE, SELECT).is_err());
    assert!(guarded(|| panic!("in casbin itself")).is_err());
}

#[test]
fn all_rows_are_heard_and_not_only_up_to_the_first_denial() {
    let mut judge = judge_for(&closure(bob(), &[analysts()]));
    judge.set_rows(&[row(BOB, TABLE, true), row(ANALYSTS, TABLE, true), row(ANALYSTS, CATALOG, false)]).unwrap();
    assert!(!answer(&judge).unwrap());
    let said: Vec<u8> = heard(|effects| effects.iter().map(|effect| *effect as u8).collect());
    assert_eq!(said, [casbin::EffectKind::Deny, casbin::EffectKind::Deny, casbin::EffectKind::Allow].map(|e| e as u8));
}
