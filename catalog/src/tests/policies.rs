//! Which policies bind a reader: what `opened` gives, against a plain reading of the rules, in random worlds.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::CatalogError;
use crate::model::{
    Body, ColumnId, ColumnMask, ColumnMatch, Condition, FunctionBody, Policies, Policy, PolicyArgument, PolicyEffect,
    PolicyId, PolicyInput, Principal, PrincipalId, RowFilter, Securable, SecurableId, Tags,
};
use crate::ops::open::Opened;
use crate::pinned::Pinned;
use crate::state::State;

const COLUMNS: u8 = 3;
/// 0..3 are users, 3..6 groups, 6 is `account users`.
const EVERYBODY: u8 = 6;

type TagList = BTreeMap<String, String>;

#[derive(Debug, Clone)]
struct Rule {
    /// 0 for the table, 1 for the schema, 2 for the catalog.
    level: usize,
    mask: Option<u8>,
    function: u8,
    to: Vec<u8>,
    except: Vec<u8>,
    when: Option<Condition>,
    /// The condition of alias 0, 1, ..
    matches: Vec<Condition>,
    /// Aliases, or literals.
    using: Vec<Result<u8, u8>>,
}

#[derive(Debug, Clone)]
struct Plain {
    tags: [TagList; 3],
    columns: Vec<TagList>,
    members: Vec<(u8, u8)>,
    rules: Vec<Rule>,
    filter: Option<(u8, Vec<PolicyArgument>)>,
    masks: Vec<Option<u8>>,
}

fn condition() -> impl Strategy<Value = Condition> {
    let key = prop::sample::select(&["k", "l", "m"][..]);
    let value = prop::sample::select(&["", "x", "y"][..]);
    let leaf = prop_oneof![
        key.clone().prop_map(|key| Condition::HasTag(key.into())),
        (key, value).prop_map(|(key, value)| Condition::HasTagValue(key.into(), value.into())),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        let some = prop::collection::vec(inner.clone(), 1..3);
        prop_oneof![
            some.clone().prop_map(Condition::And),
            some.prop_map(Condition::Or),
            inner.prop_map(|one| Condition::Not(Box::new(one))),
        ]
    })
}

fn tags() -> impl Strategy<Value = TagList> {
    let key = prop::sample::select(&["k", "l", "m"][..]).prop_map(str::to_owned);
    let value = prop::sample::select(&["", "x", "y"][..]).prop_map(str::to_owned);
    prop::collection::btree_map(key, value, 0..3)
}

fn rule() -> impl Strategy<Value = Rule> {
    let shape = (0..3usize, 0..2u8, prop::option::weighted(0.3, condition()));
    let whom = (prop::collection::vec(0..7u8, 1..3), prop::collection::vec(0..7u8, 0..2));
    let matches = prop::collection::vec(condition(), 0..3);
    let using = prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..2);
    (shape, whom, matches, using, any::<Option<prop::sample::Index>>()).prop_map(
        |((level, function, when), (to, except), matches, using, mask)| {
            let alias = |at: prop::sample::Index| at.index(matches.len()) as u8;
            let input = |(at, literal): &(prop::sample::Index, bool)| match *literal || matches.is_empty() {
                true => Err(at.index(2) as u8),
                false => Ok(alias(*at)),
            };
            let using = using.iter().map(input).collect();
            let mask = mask.filter(|_| !matches.is_empty()).map(alias);
            Rule { level, mask, function, to, except, when, matches, using }
        },
    )
}

fn plain() -> impl Strategy<Value = Plain> {
    let columns = prop::collection::vec(tags(), usize::from(COLUMNS));
    // Groups hold users, and groups with lower numbers, so that there is no cycle.
    let members = prop::collection::vec((3..6u8, 0..6u8).prop_filter("cycle", |(group, member)| member < group), 0..6);
    let argument = prop_oneof![
        (0..u32::from(COLUMNS)).prop_map(|id| PolicyArgument::Column(ColumnId(id))),
        Just(PolicyArgument::Literal("0".to_owned())),
    ];
    let filter = prop::option::weighted(0.3, (0..2u8, prop::collection::vec(argument, 0..2)));
    let masks = prop::collection::vec(prop::option::weighted(0.15, 0..2u8), usize::from(COLUMNS));
    let rules = prop::collection::vec(rule(), 0..5);
    ([tags(), tags(), tags()], columns, members, rules, filter, masks).prop_map(
        |(tags, columns, members, rules, filter, masks)| Plain { tags, columns, members, rules, filter, masks },
    )
}

fn id(number: u128) -> SecurableId {
    SecurableId(Uuid::from_u128(0x7000_0000 + number))
}

fn who(number: u8) -> PrincipalId {
    if number == EVERYBODY {
        PrincipalId::ACCOUNT_USERS
    } else {
        PrincipalId(Uuid::from_u128(0x100 + u128::from(number)))
    }
}

fn alias(number: u8) -> Name {
    name(&format!("A{number}"))
}

fn function(number: u8) -> SecurableId {
    id(10 + u128::from(number))
}

fn boxed(tags: &TagList) -> Option<Box<Tags>> {
    let tags: BTreeMap<_, _> = tags.iter().map(|(key, value)| (key.into(), value.into())).collect();
    (!tags.is_empty()).then(|| Box::new(tags.into()))
}

fn record(id: SecurableId, parent: Option<SecurableId>, text: &str, body: Body) -> Securable {
    let by = who(0);
    Securable {
        id,
        parent,
        name: name(text),
        owner: by,
        comment: None,
        properties: BTreeMap::new(),
        tags: None,
        policies: None,
        created_at_ms: 0,
        created_by: by,
        updated_at_ms: 0,
        updated_by: by,
        etag: 0,
        body,
    }
}

impl Plain {
    fn policies(&self, level: usize) -> Option<Box<Policies>> {
        let of_level = self.rules.iter().enumerate().filter(|(_, rule)| rule.level == level);
        let each = of_level.map(|(at, rule)| Policy {
            id: PolicyId(Uuid::from_u128(at as u128)),
            name: name(&format!("p{at}")),
            comment: None,
            effect: rule.mask.map_or(PolicyEffect::RowFilter, |on| PolicyEffect::ColumnMask { on: alias(on) }),
            function: function(rule.function),
            to: rule.to.iter().map(|n| who(*n)).collect(),
            except: rule.except.iter().map(|n| who(*n)).collect(),
            when: rule.when.clone(),
            matches: (0..)
                .zip(&rule.matches)
                .map(|(n, condition)| ColumnMatch { condition: condition.clone(), alias: Some(alias(n)) })
                .collect(),
            using: rule
                .using
                .iter()
                .map(|input| match input {
                    Ok(n) => PolicyInput::Matched(alias(*n)),
                    Err(n) => PolicyInput::Literal(n.to_string()),
                })
                .collect(),
            created_at_ms: 0,
            created_by: who(0),
        });
        let policies: Vec<Policy> = each.collect();
        (!policies.is_empty()).then(|| Box::new(Policies(policies)))
    }

    fn state(&self) -> State {
        let mut state = State::default();
        for number in 0..=EVERYBODY {
            let kind = if number < 3 { PrincipalKind::User } else { PrincipalKind::Group };
            let (id, name) = (who(number), principal(&format!("p{number}")));
            let principal = Principal { id, kind, name, comment: None, created_at_ms: 0, created_by: id, etag: 0 };
            state.insert_principal(Arc::new(principal));
        }
        self.members.iter().for_each(|(group, member)| state.insert_member(who(*group), who(*member)));
        let columns = || {
            let one = |n: usize| NewColumn {
                name: format!("c{n}"),
                type_text: "INT".to_owned(),
                nullable: true,
                comment: None,
                partition_index: None,
            };
            let all: Vec<NewColumn> = (0..usize::from(COLUMNS)).map(one).collect();
            let mut all = crate::ops::tables::number_columns(&all).unwrap();
            for (at, column) in all.iter_mut().enumerate() {
                column.tags = boxed(&self.columns[at]);
                let mask = |f: u8| ColumnMask { function: function(f), using: Vec::new(), bound_by: None };
                column.mask = self.masks[at].map(|f| Box::new(mask(f)));
            }
            all
        };
        let filter = self.filter.as_ref().map(|(f, arguments)| RowFilter {
            function: function(*f),
            arguments: arguments.clone(),
            bound_by: None,
        });
        let table = crate::model::TableBody {
            table_type: crate::model::TableType::External,
            location: "file:///t".into(),
            columns: columns(),
            next_column_id: u32::from(COLUMNS),
            row_filter: filter.map(Box::new),
        };
        let levels = [
            record(id(3), Some(id(2)), "t", Body::Table(table)),
            record(id(2), Some(id(1)), "s", Body::Schema),
            record(id(1), Some(id(0)), "c", Body::Catalog),
        ];
        state.insert_securable(Arc::new(record(id(0), None, "main", Body::Metastore)));
        for (level, securable) in levels.into_iter().enumerate() {
            let (tags, policies) = (boxed(&self.tags[level]), self.policies(level));
            state.insert_securable(Arc::new(Securable { tags, policies, ..securable }));
        }
        for number in 0..2 {
            let body = FunctionBody {
                parameters: Vec::new(),
                return_type: "BOOLEAN".to_owned(),
                body: "TRUE".to_owned(),
                namespace: Default::default(),
                dependencies: Vec::new(),
            };
            let body = Body::Function(Box::new(body));
            state.insert_securable(Arc::new(record(function(number), Some(id(2)), &format!("f{number}"), body)));
        }
        state
    }
}

/// What binds a reader, by a reading of the rules that shares nothing with the catalog's.
#[derive(Debug, PartialEq)]
struct Bound {
    filter: Option<(u8, Vec<PolicyArgument>)>,
    masks: BTreeMap<u8, (u8, Vec<PolicyArgument>)>,
    closed_to_unknown: bool,
}

impl Plain {
    fn is_in(&self, reader: u8, group: u8) -> bool {
        group == EVERYBODY
            || reader == group
            || self.members.iter().any(|(of, member)| *of == group && self.is_in(reader, *member))
    }

    fn meets(tags: &TagList, condition: &Condition) -> bool {
        match condition {
            Condition::HasTag(key) => tags.contains_key(key.as_str()),
            Condition::HasTagValue(key, value) => tags.get(key.as_str()).is_some_and(|v| v == value.as_str()),
            Condition::And(all) => !all.iter().any(|one| !Self::meets(tags, one)),
            Condition::Or(any) => any.iter().any(|one| Self::meets(tags, one)),
            Condition::Not(one) => !Self::meets(tags, one),
        }
    }

    /// The reasons for which the table is closed, or what binds.
    fn expected(&self, reader: u8) -> Result<Bound, BTreeSet<&'static str>> {
        let mut nearest = self.tags[2].clone();
        nearest.extend(self.tags[1].clone());
        nearest.extend(self.tags[0].clone());
        let mut faults = BTreeSet::new();
        let mut filters: Vec<(u8, Vec<PolicyArgument>)> = self.filter.iter().cloned().collect();
        let mut masks: Vec<(u8, (u8, Vec<PolicyArgument>))> = Vec::new();
        for (at, mask) in self.masks.iter().enumerate() {
            masks.extend(mask.map(|f| (at as u8, (f, Vec::new()))));
        }
        let mut closed_to_unknown = false;
        for rule in &self.rules {
            let named = |names: &[u8]| names.iter().any(|name| self.is_in(reader, *name));
            let when = rule.when.as_ref().is_none_or(|when| Self::meets(&nearest, when));
            if !named(&rule.to) || named(&rule.except) || !when {
                continue;
            }
            let found: Vec<Vec<u8>> = rule.matches.iter().map(|condition| self.matching(condition)).collect();
            let bare: Vec<bool> = rule.matches.iter().map(|one| Self::meets(&TagList::new(), one)).collect();
            if (0..found.len()).any(|n| found[n].is_empty() && !bare[n]) {
                continue;
            }
            closed_to_unknown |= bare.contains(&true);
            if found.iter().any(Vec::is_empty) {
                continue;
            }
            let masked: Vec<Option<u8>> = match rule.mask {
                None => vec![None],
                Some(on) => found[usize::from(on)].iter().map(|column| Some(*column)).collect(),
            };
            for column in masked {
                let mut arguments = Vec::new();
                for input in &rule.using {
                    match input {
                        Err(literal) => arguments.push(PolicyArgument::Literal(literal.to_string())),
                        Ok(n) if Some(*n) == rule.mask => arguments.extend(column.map(argument)),
                        Ok(n) if found[usize::from(*n)].len() == 1 => {
                            arguments.push(argument(found[usize::from(*n)][0]))
                        }
                        Ok(_) => drop(faults.insert("AMBIGUOUS_MATCH")),
                    }
                }
                match column {
                    None => filters.push((rule.function, arguments)),
                    Some(column) => masks.push((column, (rule.function, arguments))),
                }
            }
        }
        let mut by_column: BTreeMap<u8, (u8, Vec<PolicyArgument>)> = BTreeMap::new();
        for (column, mask) in masks {
            if by_column.insert(column, mask.clone()).is_some_and(|other| other != mask) {
                faults.insert("POLICY_CONFLICT");
            }
        }
        if filters.iter().any(|filter| *filter != filters[0]) {
            faults.insert("POLICY_CONFLICT");
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Bound { filter: filters.into_iter().next(), masks: by_column, closed_to_unknown })
    }

    fn matching(&self, condition: &Condition) -> Vec<u8> {
        (0..COLUMNS).filter(|n| Self::meets(&self.columns[usize::from(*n)], condition)).collect()
    }
}

fn argument(column: u8) -> PolicyArgument {
    PolicyArgument::Column(ColumnId(u32::from(column)))
}

fn shown(opened: Opened) -> Bound {
    let number = |function: &Securable| u8::from(function.id == self::function(1));
    let filter = opened.row_filter.map(|policy| (number(&policy.function), policy.arguments));
    let masks = opened.masks.into_iter().map(|mask| {
        assert!(mask.path.is_empty());
        (mask.column.0 as u8, (number(&mask.policy.function), mask.policy.arguments))
    });
    Bound { filter, masks: masks.collect(), closed_to_unknown: opened.unknown_columns.is_some() }
}

fn opened(state: &Arc<State>, reader: u8) -> Result<Opened, CatalogError> {
    let name = principal(&format!("p{reader}"));
    let request_id = RequestId(Uuid::nil());
    let caller = Caller { principal: who(reader), name, kind: PrincipalKind::User, request_id, door: "test" };
    Pinned::new(state.clone(), Arc::new(AllowAll), caller).open_to_read(&full("c.s.t"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn what_binds_a_reader_is_what_the_rules_say(plain in plain()) {
        let state = Arc::new(plain.state());
        for reader in 0..3 {
            match (opened(&state, reader), plain.expected(reader)) {
                (Ok(opened), Ok(expected)) => prop_assert_eq!(shown(opened), expected),
                (Err(error), Err(reasons)) => prop_assert!(reasons.contains(error.reason()), "{error}, not {reasons:?}"),
                (opened, expected) => prop_assert!(false, "{:?}, but expected {:?}", opened.map(shown), expected),
            }
        }
    }

    /// Whoever's rights a table is opened by, the policies that bind are the caller's.
    #[test]
    fn the_rights_of_a_definer_change_nothing(plain in plain()) {
        let state = Arc::new(plain.state());
        let name = principal("p1");
        let request_id = RequestId(Uuid::nil());
        let caller = Caller { principal: who(1), name, kind: PrincipalKind::User, request_id, door: "test" };
        let pinned = Pinned::new(state.clone(), Arc::new(AllowAll), caller);
        // Its owner is user 0.
        let definition = state.securable(function(0)).unwrap().clone();
        let direct = pinned.open_to_read(&full("c.s.t")).map(shown).map_err(|e| e.to_string());
        let lent = pinned.as_owner_of(&definition).open_to_read(&full("c.s.t")).map(shown).map_err(|e| e.to_string());
        prop_assert_eq!(direct, lent);
    }
}
