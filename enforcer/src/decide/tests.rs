//! The rules of access, one test each.

use lakewarden_catalog::model::Privilege::{
    AllPrivileges, Browse, CreateCatalog, CreateSchema, CreateTable, Execute, Manage, Modify, Select, UseCatalog,
    UseSchema,
};
use lakewarden_catalog::model::{GrantRow, PrincipalId, Privilege, PrivilegeSet, SecurableKind};
use lakewarden_catalog::{Ask, Gate, Need, Reason};
use rstest::rstest;

use super::Enforcer;
use crate::fixture::{
    CATALOG, Chain, METASTORE, OBJECT, SCHEMA, analysts, bob, closure, owner_of, principal, securable, with_row,
};
use crate::plan::Step;
use crate::words::Wanted;

const READ: Need = Need::Privilege(Select);

#[rstest]
#[case::all_three(&[(OBJECT, Select), (SCHEMA, UseSchema), (CATALOG, UseCatalog)], true)]
#[case::all_from_the_catalog(&[(CATALOG, Select), (CATALOG, UseSchema), (CATALOG, UseCatalog)], true)]
#[case::all_privileges_from_the_catalog(&[(CATALOG, AllPrivileges)], true)]
#[case::without_use_schema(&[(OBJECT, Select), (CATALOG, UseCatalog)], false)]
#[case::without_use_catalog(&[(OBJECT, Select), (SCHEMA, UseSchema)], false)]
#[case::without_select(&[(SCHEMA, UseSchema), (CATALOG, UseCatalog)], false)]
#[case::all_privileges_of_the_schema(&[(SCHEMA, AllPrivileges)], false)]
#[case::manage_is_not_data(&[(CATALOG, Manage), (CATALOG, UseSchema), (CATALOG, UseCatalog)], false)]
#[case::metastore_grants_do_not_flow(&[(METASTORE, AllPrivileges), (METASTORE, Select)], false)]
fn reading_needs_select_and_the_way_down(#[case] grants: &[(usize, Privilege)], #[case] allowed: bool) {
    let to_group = grants.iter().fold(Chain::table(), |chain, (level, p)| chain.grant(*level, analysts(), *p));
    assert_eq!(to_group.bob_may(READ), allowed);
    let to_another = grants.iter().fold(Chain::table(), |chain, (level, p)| chain.grant(*level, principal(99), *p));
    assert!(!to_another.bob_may(READ));
}

#[test]
fn an_owner_reads_only_with_the_way_down() {
    assert!(!Chain::table().owner_may(OBJECT, READ));
    assert!(Chain::table().open().owner_may(OBJECT, READ));
}

#[test]
fn who_owns_a_container_needs_no_use_on_it() {
    let schema_owner = Chain::table().grant(OBJECT, owner_of(SCHEMA), Select);
    assert!(!schema_owner.owner_may(SCHEMA, READ), "USE CATALOG is still needed");
    assert!(schema_owner.grant(CATALOG, owner_of(SCHEMA), UseCatalog).owner_may(SCHEMA, READ));
    let catalog_owner = Chain::table().grant(OBJECT, owner_of(CATALOG), Select);
    assert!(!catalog_owner.owner_may(CATALOG, READ), "USE SCHEMA is still needed");
    assert!(catalog_owner.grant(SCHEMA, owner_of(CATALOG), UseSchema).owner_may(CATALOG, READ));
}

#[rstest]
#[case::schema_owner(SCHEMA)]
#[case::catalog_owner(CATALOG)]
#[case::metastore_admin(METASTORE)]
fn the_owner_of_a_parent_manages_and_sees_but_reads_no_data(#[case] level: usize) {
    let chain = Chain::table().open();
    assert!(chain.owner_may(level, Need::Manage));
    assert!(chain.owner_may(level, Need::See));
    assert!(!chain.owner_may(level, READ));
    assert!(!chain.owner_may(level, Need::Privilege(Modify)));
}

#[test]
fn the_owner_of_something_below_or_beside_has_nothing_above() {
    let chain = Chain::table().open();
    for level in [SCHEMA, CATALOG, METASTORE] {
        assert!(!chain.at(level).owner_may(OBJECT, Need::Manage));
    }
}

#[test]
fn a_metastore_admin_by_group_manages() {
    let mut chain = Chain::table();
    chain.links[METASTORE].owner = analysts();
    assert!(chain.bob_may(Need::Manage));
    assert!(chain.at(METASTORE).bob_may(Need::Privilege(CreateCatalog)));
    assert!(!chain.open().bob_may(READ));
}

#[rstest]
#[case(METASTORE, CreateCatalog, METASTORE, true)]
#[case(CATALOG, CreateSchema, CATALOG, false)]
#[case(SCHEMA, CreateTable, SCHEMA, false)]
fn creating_needs_the_privilege_and_the_use_of_the_container(
    #[case] at: usize,
    #[case] privilege: Privilege,
    #[case] on: usize,
    #[case] alone_is_enough: bool,
) {
    let granted = Chain::table().grant(on, bob(), privilege);
    assert_eq!(granted.at(at).bob_may(Need::Privilege(privilege)), alone_is_enough);
    assert!(granted.clone().open().at(at).bob_may(Need::Privilege(privilege)));
    assert!(!Chain::table().open().at(at).bob_may(Need::Privilege(privilege)));
}

#[rstest]
fn a_denial_at_any_level_beats_every_grant(
    #[values(OBJECT, SCHEMA, CATALOG)] level: usize,
    #[values(Select, AllPrivileges)] denied: Privilege,
    #[values(bob(), analysts(), PrincipalId::ACCOUNT_USERS)] to: PrincipalId,
) {
    let granted = Chain::table().grant(OBJECT, bob(), Select).grant(CATALOG, bob(), AllPrivileges).grant(
        SCHEMA,
        analysts(),
        AllPrivileges,
    );
    assert!(granted.bob_may(READ));
    assert!(!granted.deny(level, to, denied).bob_may(READ));
}

#[rstest]
fn a_denied_owner_reads_nothing_but_can_lift_the_denial(
    #[values(OBJECT, SCHEMA, CATALOG)] level: usize,
    #[values(Select, AllPrivileges, Manage)] denied: Privilege,
) {
    let chain = Chain::table().open().deny(level, owner_of(OBJECT), denied);
    assert_eq!(chain.owner_may(OBJECT, READ), denied == Manage);
    assert!(chain.owner_may(OBJECT, Need::Manage));
    assert!(chain.owner_may(OBJECT, Need::See));
}

#[test]
fn a_denial_of_use_shuts_the_way_down() {
    let granted = Chain::table().grant(CATALOG, bob(), AllPrivileges);
    assert!(!granted.clone().deny(SCHEMA, analysts(), UseSchema).bob_may(READ));
    assert!(!granted.clone().deny(CATALOG, analysts(), UseCatalog).bob_may(READ));
    assert!(granted.deny(CATALOG, analysts(), Modify).bob_may(READ));
}

#[test]
fn a_denial_on_the_metastore_stays_there() {
    let chain = Chain::table().grant(CATALOG, bob(), AllPrivileges).deny(METASTORE, bob(), AllPrivileges);
    assert!(chain.bob_may(READ));
    let creator = chain.grant(METASTORE, analysts(), CreateCatalog).at(METASTORE);
    assert!(!creator.bob_may(Need::Privilege(CreateCatalog)));
}

#[test]
fn a_denial_of_something_else_does_not_touch_an_owner() {
    let chain = Chain::table().open().deny(CATALOG, owner_of(OBJECT), Execute).deny(OBJECT, bob(), Select);
    assert!(chain.owner_may(OBJECT, READ));
}

#[rstest]
#[case::all_privileges(AllPrivileges, false)]
#[case::manage(Manage, true)]
fn only_manage_manages(#[case] granted: Privilege, #[case] manages: bool) {
    for level in [OBJECT, SCHEMA, CATALOG] {
        let chain = Chain::table().grant(level, analysts(), granted);
        assert_eq!(chain.bob_may(Need::Manage), manages);
        assert_eq!(chain.bob_may(Need::Privilege(Manage)), manages);
    }
    assert!(!Chain::table().grant(METASTORE, bob(), granted).bob_may(Need::Manage));
}

#[test]
fn a_denial_of_manage_beats_its_grant() {
    let chain = Chain::table().grant(CATALOG, bob(), Manage).deny(OBJECT, analysts(), Manage);
    assert!(!chain.bob_may(Need::Manage));
    assert!(chain.at(SCHEMA).bob_may(Need::Manage));
}

#[rstest]
#[case::its_own_select(SecurableKind::Table, OBJECT, Select, true)]
#[case::inherited_select(SecurableKind::Table, CATALOG, Select, true)]
#[case::browse_from_the_catalog(SecurableKind::Function, CATALOG, Browse, true)]
#[case::manage_from_the_schema(SecurableKind::View, SCHEMA, Manage, true)]
#[case::all_privileges_from_the_catalog(SecurableKind::View, CATALOG, AllPrivileges, true)]
#[case::select_shows_no_function(SecurableKind::Function, CATALOG, Select, false)]
#[case::execute_shows_no_table(SecurableKind::Table, CATALOG, Execute, false)]
#[case::execute_shows_a_function(SecurableKind::Function, SCHEMA, Execute, true)]
#[case::modify_shows_no_function(SecurableKind::Function, CATALOG, Modify, false)]
#[case::use_schema_shows_no_table(SecurableKind::Table, SCHEMA, UseSchema, false)]
#[case::use_schema_shows_the_schema(SecurableKind::Schema, CATALOG, UseSchema, true)]
#[case::use_catalog_shows_the_catalog(SecurableKind::Catalog, CATALOG, UseCatalog, true)]
#[case::use_catalog_shows_no_schema(SecurableKind::Schema, CATALOG, UseCatalog, false)]
#[case::create_schema_shows_no_schema(SecurableKind::Schema, CATALOG, CreateSchema, false)]
#[case::a_table_does_not_show_its_schema(SecurableKind::Schema, OBJECT, Select, false)]
#[case::the_metastore_shows_nothing_below(SecurableKind::Table, METASTORE, AllPrivileges, false)]
#[case::create_catalog_shows_the_metastore(SecurableKind::Metastore, METASTORE, CreateCatalog, true)]
fn what_shows_what(#[case] kind: SecurableKind, #[case] on: usize, #[case] granted: Privilege, #[case] visible: bool) {
    assert!(!Chain::to(kind).bob_may(Need::See));
    assert_eq!(Chain::to(kind).grant(on, analysts(), granted).bob_may(Need::See), visible);
}

#[rstest]
#[case::select(Select, true)]
#[case::use_schema(UseSchema, true)]
#[case::browse(Browse, false)]
#[case::all_privileges(AllPrivileges, false)]
fn only_a_denial_of_browse_hides(#[case] denied: Privilege, #[case] visible: bool) {
    let chain = Chain::table().grant(OBJECT, bob(), Select).deny(CATALOG, analysts(), denied);
    assert_eq!(chain.bob_may(Need::See), visible);
    let manager = chain.grant(SCHEMA, bob(), Manage);
    assert!(manager.bob_may(Need::See), "who manages sees");
}

#[rstest]
#[case::write_a_view(SecurableKind::View, Privilege::WriteVolume)]
#[case::select_a_function(SecurableKind::Function, Select)]
#[case::create_a_catalog_in_a_table(SecurableKind::Table, CreateCatalog)]
fn a_privilege_that_means_nothing_there_is_refused_to_owners_too(
    #[case] kind: SecurableKind,
    #[case] privilege: Privilege,
) {
    assert!(!Chain::to(kind).open().owner_may(OBJECT, Need::Privilege(privilege)));
}

#[test]
fn a_revoked_grant_is_gone_for_the_next_question() {
    let enforcer = Enforcer::new().unwrap();
    let (before, caller) = (Chain::table().open(), closure(bob(), &[analysts()]));
    let granted = before.clone().grant(OBJECT, analysts(), Select);
    for _ in 0..3 {
        assert!(granted.decide(&enforcer, &caller, READ).allowed);
        assert!(!before.decide(&enforcer, &caller, READ).allowed);
        assert!(!granted.decide(&enforcer, &closure(bob(), &[]), READ).allowed, "out of the group");
        assert!(!granted.clone().deny(CATALOG, bob(), Select).decide(&enforcer, &caller, READ).allowed);
    }
}

#[test]
fn two_callers_of_the_same_shape_share_one_verdict() {
    let enforcer = Enforcer::new().unwrap();
    let chain = Chain::table().open().grant(OBJECT, bob(), Select).grant(OBJECT, principal(50), Select);
    assert!(chain.decide(&enforcer, &closure(bob(), &[]), READ).allowed);
    let known = enforcer.memo.len();
    assert!(chain.decide(&enforcer, &closure(principal(50), &[]), READ).allowed);
    assert_eq!(enforcer.memo.len(), known);
}

#[test]
fn a_wrong_verdict_in_the_memo_is_noticed_denied_and_forgotten() {
    let enforcer = Enforcer::new().unwrap();
    let (chain, caller) = (Chain::table().open(), closure(bob(), &[]));
    let chain = chain.grant(OBJECT, bob(), Select).deny(OBJECT, bob(), Select);
    let links = chain.links();
    let ask = Ask { closure: &caller, chain: &links, need: READ };
    let step = Step { level: 0, wanted: Wanted::Privilege(Select) };
    let holdings = super::Question::of(&ask, &enforcer.relevance).unwrap().holdings;
    enforcer.memo.insert(holdings.signature(step, enforcer.relevance.of(step.wanted)), true);
    let questions = 3 * super::CHECK_ONE_IN;
    let wrong = (0..questions).filter(|_| enforcer.allows(&ask)).count();
    assert!(wrong <= super::CHECK_ONE_IN as usize, "{wrong}");
    assert!(!enforcer.allows(&ask));
}

#[test]
fn many_grants_and_many_groups_find_each_other() {
    let rows = |count: u128, to: PrincipalId| {
        let empty = PrivilegeSet::EMPTY;
        let noise = (0..count).map(|n| GrantRow { principal: principal(5000 + n), allow: empty, deny: empty });
        with_row(&noise.collect::<Vec<_>>(), to, |row| row.allow = row.allow.with(Select))
    };
    let mut chain = Chain::table().open();
    let groups: Vec<PrincipalId> = (0..500).map(|n| principal(20_000 + 2 * n)).collect();
    for (count, caller) in [(10_000, closure(bob(), &[groups[7]])), (3, closure(bob(), &groups))] {
        chain.links[OBJECT].grants = rows(count, groups[7]);
        assert!(chain.may(&caller, READ));
        chain.links[OBJECT].grants = rows(count, principal(20_001));
        assert!(!chain.may(&caller, READ));
    }
}

#[test]
fn the_reasons_of_an_allow_are_the_rows_that_gave_it() {
    let chain = Chain::table().grant(CATALOG, analysts(), AllPrivileges).grant(OBJECT, bob(), Select).grant(
        OBJECT,
        bob(),
        Modify,
    );
    let decision = chain.decide(&Enforcer::new().unwrap(), &closure(bob(), &[analysts()]), READ);
    let grant = |principal, privilege, on| Reason::Grant { principal, privilege, securable: securable(on) };
    assert_eq!(decision.reasons, [grant(bob(), Select, 0), grant(analysts(), AllPrivileges, 2)]);
}

#[test]
fn the_reasons_of_a_refusal_name_all_that_is_missing() {
    let decision = Chain::table().decide(&Enforcer::new().unwrap(), &closure(bob(), &[]), READ);
    let missing = |privilege, on| Reason::Missing { privilege, securable: securable(on) };
    assert_eq!(decision.reasons, [missing(Select, 0), missing(UseSchema, 1), missing(UseCatalog, 2)]);
}

#[test]
fn the_reasons_of_a_refusal_name_the_denial() {
    let chain = Chain::table().open().grant(OBJECT, bob(), Select).deny(SCHEMA, analysts(), AllPrivileges);
    let decision = chain.decide(&Enforcer::new().unwrap(), &closure(bob(), &[analysts()]), READ);
    let deny = Reason::Deny { principal: analysts(), privilege: AllPrivileges, securable: securable(1) };
    assert_eq!(decision.reasons, [deny]);
}

#[test]
fn the_reason_of_an_owner_is_the_ownership() {
    let enforcer = Enforcer::new().unwrap();
    let decision = Chain::table().decide(&enforcer, &closure(owner_of(CATALOG), &[]), Need::Manage);
    assert_eq!(decision.reasons, [Reason::Owner { principal: owner_of(CATALOG), securable: securable(2) }]);
    let refused = Chain::table().decide(&enforcer, &closure(bob(), &[]), Need::Manage);
    assert_eq!(refused.reasons, [Reason::Missing { privilege: Manage, securable: securable(0) }]);
}

fn cannot_be_decided(chain: &Chain, closure: &lakewarden_catalog::Closure) {
    let enforcer = Enforcer::new().unwrap();
    for need in [READ, Need::Manage, Need::See] {
        let ask = Ask { closure, chain: &chain.links(), need };
        assert!(enforcer.decide(&ask).is_err());
        assert!(!enforcer.allows(&ask), "an error is a denial");
    }
}

#[rstest]
#[case::empty(|chain: &mut Chain| chain.links.clear())]
#[case::cut_off(|chain: &mut Chain| chain.links.truncate(2))]
#[case::a_level_missing(|chain: &mut Chain| { chain.links.remove(1); })]
#[case::upside_down(|chain: &mut Chain| chain.links.reverse())]
#[case::too_long(|chain: &mut Chain| chain.links.insert(0, chain.links[0].clone()))]
#[case::a_column_of_a_schema(|chain: &mut Chain| chain.links[0].kind = SecurableKind::Column)]
#[case::a_share_in_a_schema(|chain: &mut Chain| chain.links[0].kind = SecurableKind::Share)]
#[case::its_own_parent(|chain: &mut Chain| chain.links[0].id = chain.links[2].id)]
#[case::of_unknown_privileges(|chain: &mut Chain| *chain = chain.clone().row(CATALOG, bob(), |row| row.deny.0 |= 1 << 47))]
#[case::with_ownership_as_a_grant(|chain: &mut Chain| *chain = chain.clone().row(CATALOG, bob(), |row| row.allow.0 |= 1 << 63))]
fn a_malformed_chain_is_an_error_and_so_a_denial(#[case] spoil: fn(&mut Chain)) {
    let caller = closure(bob(), &[]);
    let mut chain = Chain::table().open().grant(OBJECT, bob(), AllPrivileges).grant(CATALOG, bob(), Manage);
    assert!(chain.may(&caller, READ));
    spoil(&mut chain);
    cannot_be_decided(&chain, &caller);
}

#[rstest]
#[case::unsorted(vec![analysts(), bob()])]
#[case::without_the_caller(vec![analysts()])]
#[case::empty(vec![])]
fn a_malformed_closure_is_an_error_and_so_a_denial(#[case] members_of: Vec<PrincipalId>) {
    let chain = Chain::table().open().grant(OBJECT, analysts(), AllPrivileges);
    let closure = lakewarden_catalog::Closure { principal: bob(), members_of: members_of.into() };
    cannot_be_decided(&chain, &closure);
}

#[test]
fn threads_agree() {
    let enforcer = Enforcer::new().unwrap();
    let readable = Chain::table().open().grant(SCHEMA, analysts(), Select);
    let hidden = Chain::table().open().grant(SCHEMA, analysts(), Select).deny(OBJECT, bob(), AllPrivileges);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let caller = closure(bob(), &[analysts()]);
                for _ in 0..50 {
                    assert!(readable.decide(&enforcer, &caller, READ).allowed);
                    assert!(!hidden.decide(&enforcer, &caller, READ).allowed);
                }
            });
        }
    });
}
