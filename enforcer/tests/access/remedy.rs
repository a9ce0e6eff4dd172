//! A remedy is enough, and no statement of it is too many: in random worlds, with names that need quotes.

use lakewarden_catalog::Need;
use lakewarden_catalog::model::SecurableKind;
use proptest::prelude::*;

use super::sample::{PLACES, PRIVILEGES, USERS, samples};
use super::{Question, World, full, question};

/// What the gate says of the subject by itself.
fn may(world: &World, asked: &Question, user: &str) -> bool {
    let pinned = world.metastore.pin(&world.caller(user));
    let admin = world.caller("admin");
    let found = world.metastore.get(&admin, asked.kind, &asked.name).unwrap().securable;
    match &asked.column {
        Some(name) => {
            let column = found.columns().iter().find(|column| column.name.to_string() == *name).unwrap().id;
            pinned.allows_on_column(found.id, column, asked.privilege)
        }
        None => pinned.allows(found.id, Need::Privilege(asked.privilege)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_remedy_is_enough_and_nothing_of_it_is_too_much(
        sample in samples(),
        user in 0..3usize,
        place in 0..3usize,
        privilege in 0..PRIVILEGES.len(),
        on_column in any::<bool>(),
    ) {
        let ((kind, name), privilege) = (PLACES[place], PRIVILEGES[privilege]);
        let on_column = on_column && kind == SecurableKind::Table && privilege.grantable_on(SecurableKind::Column);
        prop_assume!(privilege.reaches(kind));
        let column = on_column.then(|| "a".to_owned());
        let asked = Question { column, name: full(name), ..question(privilege, kind, name, USERS[user]) };
        let world = sample.world();
        let told = world.explain("admin", &asked).unwrap();
        prop_assert_eq!(told.allowed, may(&world, &asked, USERS[user]));
        prop_assert_eq!(told.allowed, told.steps.iter().all(|step| step.allowed));
        if told.allowed {
            prop_assert!(told.remedy.is_empty());
            return Ok(());
        }
        prop_assert!(!told.remedy.is_empty());
        for left_out in (0..told.remedy.len()).map(Some).chain([None]) {
            let world = sample.world();
            for (at, text) in told.remedy.iter().enumerate() {
                if Some(at) != left_out {
                    world.run(&[text]);
                }
            }
            prop_assert_eq!(may(&world, &asked, USERS[user]), left_out.is_none(), "{:?} without {:?}", told.remedy, left_out);
        }
    }
}
