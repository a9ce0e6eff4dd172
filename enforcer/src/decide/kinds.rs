//! The rules of access on every kind of securable, and on columns.

use lakewarden_catalog::Need;
use lakewarden_catalog::model::Privilege::{
    AllPrivileges, Browse, CreateTable, CreateView, ExternalUseSchema, Manage, Modify, ReadFiles, Select, UseCatalog,
    UseSchema,
};
use lakewarden_catalog::model::{PrincipalId, Privilege, SecurableKind};
use rstest::rstest;

use crate::fixture::{CATALOG, COLUMN, Chain, METASTORE, OBJECT, SCHEMA, analysts, bob, closure, owner_of};

const READ: Need = Need::Privilege(Select);

/// The column of a table whose schema and catalog everybody may use.
fn column() -> Chain {
    Chain::to(SecurableKind::Column).open()
}

/// How many levels up the metastore is, and whether there is a schema between.
fn metastore_of(kind: SecurableKind) -> usize {
    let chain = Chain::to(kind);
    chain.links.iter().position(|link| link.kind == SecurableKind::Metastore).unwrap()
}

#[rstest]
#[case::on_the_table(OBJECT, Select)]
#[case::on_the_schema(SCHEMA, Select)]
#[case::on_the_catalog(CATALOG, Select)]
#[case::on_the_column(COLUMN, Select)]
#[case::all_privileges_on_the_table(OBJECT, AllPrivileges)]
fn a_column_is_read_by_select_on_it_or_above(#[case] level: usize, #[case] granted: Privilege) {
    let granted = column().grant(level, analysts(), granted);
    assert!(granted.bob_may(READ));
    for (denied, to) in [(COLUMN, bob()), (OBJECT, analysts()), (CATALOG, PrincipalId::ACCOUNT_USERS)] {
        assert!(!granted.clone().deny(denied, to, Select).bob_may(READ), "a denial on level {denied}");
    }
    assert!(!granted.bob_may(Need::Privilege(Privilege::WriteVolume)));
}

#[test]
fn reading_a_column_needs_the_way_down_too() {
    let chain = Chain::to(SecurableKind::Column).grant(COLUMN, bob(), Select);
    assert!(!chain.bob_may(READ));
    assert!(!chain.clone().grant(CATALOG, bob(), UseCatalog).bob_may(READ));
    assert!(chain.grant(CATALOG, bob(), UseCatalog).grant(SCHEMA, bob(), UseSchema).bob_may(READ));
}

#[test]
fn what_is_granted_or_denied_on_a_column_stays_on_it() {
    let granted = column().grant(COLUMN, bob(), Select);
    assert!(granted.bob_may(READ));
    assert!(!granted.at(OBJECT).bob_may(READ));
    let denied = column().grant(OBJECT, bob(), Select).deny(COLUMN, bob(), Select);
    assert!(!denied.bob_may(READ));
    assert!(denied.at(OBJECT).bob_may(READ));
    assert!(!granted.bob_may(Need::Privilege(Modify)));
}

#[test]
fn a_tables_owner_owns_its_columns_and_can_lift_a_denial_on_one() {
    let chain = column();
    assert!(chain.owner_may(OBJECT, READ) && chain.owner_may(OBJECT, Need::Privilege(Modify)));
    assert!(!chain.owner_may(SCHEMA, READ) && chain.owner_may(SCHEMA, Need::Manage));
    let denied = chain.deny(COLUMN, owner_of(OBJECT), Select);
    assert!(!denied.owner_may(OBJECT, READ));
    assert!(denied.owner_may(OBJECT, Need::Manage) && denied.owner_may(OBJECT, Need::See));
}

#[rstest]
#[case::select_on_it(COLUMN, Select, true)]
#[case::modify_on_it(COLUMN, Modify, true)]
#[case::select_on_the_schema(SCHEMA, Select, true)]
#[case::all_privileges_on_the_table(OBJECT, AllPrivileges, true)]
#[case::manage_on_the_table(OBJECT, Manage, true)]
#[case::browse_on_the_catalog(CATALOG, Browse, true)]
#[case::refresh_on_the_table(OBJECT, Privilege::Refresh, false)]
fn what_shows_a_column(#[case] level: usize, #[case] granted: Privilege, #[case] shows: bool) {
    assert!(!column().bob_may(Need::See));
    let chain = column().grant(level, analysts(), granted);
    assert_eq!(chain.bob_may(Need::See), shows);
    assert!(!shows || granted == Manage || !chain.deny(CATALOG, bob(), Browse).bob_may(Need::See));
}

#[test]
fn create_table_gives_create_view_and_its_denial_takes_it() {
    let schema = |granted| Chain::to(SecurableKind::Schema).open().grant(CATALOG, analysts(), granted);
    assert!(schema(CreateTable).bob_may(Need::Privilege(CreateView)));
    assert!(!schema(CreateView).bob_may(Need::Privilege(CreateTable)));
    assert!(!schema(CreateTable).deny(SCHEMA, bob(), CreateView).bob_may(Need::Privilege(CreateView)));
    assert!(schema(CreateTable).deny(SCHEMA, bob(), CreateView).bob_may(Need::Privilege(CreateTable)));
    assert!(!schema(CreateView).deny(SCHEMA, bob(), CreateTable).bob_may(Need::Privilege(CreateView)));
}

#[test]
fn all_privileges_stands_for_all_but_two() {
    let but = |privilege| matches!(privilege, Manage | ExternalUseSchema);
    for kind in SecurableKind::ALL.iter().copied().filter(|kind| *kind != SecurableKind::Column) {
        let (chain, meant) = (Chain::to(kind), |privilege: &&Privilege| privilege.grantable_on(kind));
        for privilege in Privilege::ALL.iter().filter(|privilege| **privilege != AllPrivileges).filter(meant) {
            let need = Need::Alone(*privilege);
            let granted = chain.clone().grant(chain.level(), analysts(), AllPrivileges);
            assert_eq!(granted.bob_may(need), !but(*privilege), "{privilege} on {kind}, granted");
            let denied = chain.clone().grant(chain.level(), analysts(), *privilege);
            let denied = denied.deny(chain.level(), bob(), AllPrivileges);
            assert_eq!(denied.bob_may(need), but(*privilege), "{privilege} on {kind}, denied");
        }
    }
}

#[test]
fn nobody_has_anything_on_any_kind_and_its_owner_has_everything() {
    for kind in SecurableKind::ALL.iter().copied() {
        let chain = Chain::to(kind);
        let (owner, admin) =
            (owner_of(if kind == SecurableKind::Column { OBJECT } else { chain.level() }), owner_of(METASTORE));
        let open = if metastore_of(kind) == METASTORE { chain.open() } else { chain };
        for need in [Need::Manage, Need::See] {
            let nobody = closure(bob(), &[analysts()]);
            assert!(kind == SecurableKind::Catalog || kind == SecurableKind::Schema || !open.may(&nobody, need));
            assert!(open.may(&closure(owner, &[]), need), "the owner of a {kind}");
            assert!(open.may(&closure(admin, &[]), need), "a metastore admin on a {kind}");
        }
        for privilege in Privilege::ALL.iter().copied().filter(|privilege| privilege.grantable_on(kind)) {
            let need = Need::Privilege(privilege);
            assert!(open.may(&closure(owner, &[]), need), "the owner: {privilege} on {kind}");
            let by_everybody = matches!(privilege, UseCatalog | UseSchema);
            let by_admin = matches!(privilege, Manage | Browse) || kind == SecurableKind::Metastore || by_everybody;
            assert_eq!(open.may(&closure(admin, &[]), need), by_admin, "the admin: {privilege} on {kind}");
        }
    }
}

#[test]
fn what_is_in_the_metastore_needs_no_use_and_inherits_nothing() {
    let location = Chain::to(SecurableKind::ExternalLocation);
    let metastore = metastore_of(SecurableKind::ExternalLocation);
    assert!(location.clone().grant(OBJECT, analysts(), ReadFiles).bob_may(Need::Privilege(ReadFiles)));
    assert!(!location.clone().grant(metastore, analysts(), AllPrivileges).bob_may(Need::Privilege(ReadFiles)));
    assert!(!location.clone().grant(metastore, analysts(), Manage).bob_may(Need::Manage));
    assert!(!location.grant(metastore, analysts(), AllPrivileges).bob_may(Need::See));
}

#[test]
fn manage_is_inherited_as_manage_and_gives_no_data() {
    let chain = Chain::table().open().grant(CATALOG, analysts(), Manage);
    for level in [OBJECT, SCHEMA, CATALOG] {
        assert!(chain.at(level).bob_may(Need::Manage));
    }
    assert!(!chain.bob_may(READ) && !chain.at(METASTORE).bob_may(Need::Manage));
    assert!(!chain.deny(SCHEMA, bob(), Manage).bob_may(Need::Manage));
}

#[test]
fn everybody_is_everyone() {
    let chain = Chain::table().open().grant(OBJECT, PrincipalId::ACCOUNT_USERS, Select);
    assert!(chain.may(&closure(bob(), &[]), READ));
    assert!(!chain.deny(CATALOG, PrincipalId::ACCOUNT_USERS, Select).owner_may(OBJECT, READ));
}

#[test]
fn a_privilege_alone_needs_no_way_down() {
    let chain = Chain::table().grant(OBJECT, bob(), Select);
    assert!(chain.bob_may(Need::Alone(Select)) && !chain.bob_may(READ));
    assert!(!chain.bob_may(Need::Alone(Modify)));
    assert!(!chain.deny(SCHEMA, bob(), Select).bob_may(Need::Alone(Select)));
}
