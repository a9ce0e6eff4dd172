use proptest::prelude::*;

use super::*;

fn hex(key: Key) -> String {
    key.bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn bytes_of_every_family_are_fixed() {
    let one = Uuid::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10);
    let two = Uuid::from_u128(0x1112_1314_1516_1718_191a_1b1c_1d1e_1f20);
    let a = "0102030405060708090a0b0c0d0e0f10";
    let b = "1112131415161718191a1b1c1d1e1f20";
    let golden = [
        (Key::Meta(MetaRow::Format), "0100".to_owned()),
        (Key::Meta(MetaRow::Metastore), "0101".to_owned()),
        (Key::Meta(MetaRow::Ledger), "0102".to_owned()),
        (Key::Securable(SecurableId(one)), format!("10{a}")),
        (Key::Grant(SecurableId(one), PrincipalId(two)), format!("11{a}{b}")),
        (Key::ColumnGrant(SecurableId(one), ColumnId(0x0102_0304), PrincipalId(two)), format!("12{a}01020304{b}")),
        (Key::Principal(PrincipalId(one)), format!("20{a}")),
        (Key::Member(PrincipalId(one), PrincipalId(two)), format!("21{a}{b}")),
        (Key::Token(TokenId(one)), format!("30{a}")),
        (Key::Audit(0x0102_0304_0506_0708), "400102030405060708".to_owned()),
        (Key::Change(0x0102_0304_0506_0708, 0x090a_0b0c), "410102030405060708090a0b0c".to_owned()),
        (Key::Intent(one), format!("50{a}")),
    ];
    for (key, bytes) in &golden {
        assert_eq!(&hex(*key), bytes, "{key:?}");
    }
    for family in Family::ALL {
        assert!(golden.iter().any(|(key, _)| key.family() == *family), "{family:?} has no golden bytes");
        assert!(!matches!(family.prefix(), [0x00 | 0xff]), "{family:?}");
    }
}

#[test]
fn what_is_no_key_of_ours_is_not_parsed() {
    let grant = Key::Grant(SecurableId(Uuid::nil()), PrincipalId(Uuid::nil())).bytes();
    let longer = [&grant[..], &[0]].concat();
    for bytes in [&[][..], &[0x01], &[0x01, 0x03], &[0xff, 0, 0], &grant[..grant.len() - 1], &longer] {
        assert_eq!(Key::parse(bytes), None, "{bytes:?}");
    }
}

fn any_key() -> impl Strategy<Value = Key> {
    // Few distinct ids, so that keys often share their leading parts.
    let id = || prop_oneof![(0u128..4).prop_map(Uuid::from_u128), any::<u128>().prop_map(Uuid::from_u128)];
    prop_oneof![
        prop_oneof![Just(MetaRow::Format), Just(MetaRow::Metastore), Just(MetaRow::Ledger)].prop_map(Key::Meta),
        id().prop_map(|id| Key::Securable(SecurableId(id))),
        (id(), id()).prop_map(|(on, to)| Key::Grant(SecurableId(on), PrincipalId(to))),
        (id(), 0..3u32, id())
            .prop_map(|(on, column, to)| { Key::ColumnGrant(SecurableId(on), ColumnId(column), PrincipalId(to)) }),
        id().prop_map(|id| Key::Principal(PrincipalId(id))),
        (id(), id()).prop_map(|(group, member)| Key::Member(PrincipalId(group), PrincipalId(member))),
        id().prop_map(|id| Key::Token(TokenId(id))),
        any::<u64>().prop_map(Key::Audit),
        (any::<u64>(), 0..3u32).prop_map(|(seq, part)| Key::Change(seq, part)),
        id().prop_map(Key::Intent),
    ]
}

proptest! {
    #[test]
    fn keys_come_back(key in any_key()) {
        prop_assert_eq!(Key::parse(&key.bytes()), Some(key));
        prop_assert!(key.bytes().starts_with(&key.family().prefix()));
    }

    #[test]
    fn bytes_order_as_keys_do(a in any_key(), b in any_key()) {
        prop_assert_eq!(a.bytes().cmp(&b.bytes()), a.cmp(&b));
    }
}
