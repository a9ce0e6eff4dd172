//! Tries a model on questions with known answers, so that a server never runs with a model that lets everybody in.

use lakewarden_catalog::model::{PrincipalId, Privilege, SecurableId, SecurableKind};
use lakewarden_catalog::{Ask, Closure, GateError, Link, Need};
use uuid::Uuid;

use crate::candidates::{ChainWorld, Groups};
use crate::error::ModelError;
use crate::judge::{Judge, Row};
use crate::roles::{Object, Subject};
use crate::words::{Held, Wanted};

// The caller and its one group, by their order in the closure; the stranger is not in it.
const CALLER: Subject = Subject(0);
const GROUP: Subject = Subject(1);
const STRANGER: Subject = Subject(2);

const CHAIN: [SecurableKind; 5] = [
    SecurableKind::Column,
    SecurableKind::Table,
    SecurableKind::Schema,
    SecurableKind::Catalog,
    SecurableKind::Metastore,
];
const COLUMN: Object = Object(0);
const TABLE: Object = Object(1);
const CATALOG: Object = Object(3);
const METASTORE: Object = Object(4);
const ELSEWHERE: Object = Object(5);

/// Asks the model whether the caller may select from a table and its column, and govern the table.
///
/// # Errors
/// When the model answers any question otherwise than the rules say.
pub(crate) fn try_out(judge: &mut Judge<ChainWorld>) -> Result<(), ModelError> {
    let allow = |principal, securable, held| Row { principal, securable, held, denied: false };
    let deny = |principal, securable, held| Row { principal, securable, held, denied: true };
    let (select, own, rule) = (Held::Privilege(Privilege::Select), Held::Own, Held::Govern);
    let (read, govern) = (Wanted::Privilege(Privilege::Select), Wanted::Govern);
    let trials: [(&str, Vec<Row>, Object, Wanted, bool); 15] = [
        ("no grant", vec![], TABLE, read, false),
        ("a grant", vec![allow(CALLER, TABLE, select)], TABLE, read, true),
        ("a grant to a group, inherited", vec![allow(GROUP, CATALOG, select)], TABLE, read, true),
        ("a grant on the table, for a column", vec![allow(CALLER, TABLE, select)], COLUMN, read, true),
        ("a grant on a column, for the table", vec![allow(CALLER, COLUMN, select)], TABLE, read, false),
        ("a grant to somebody else", vec![allow(STRANGER, TABLE, select)], TABLE, read, false),
        ("a grant elsewhere", vec![allow(CALLER, ELSEWHERE, select)], TABLE, read, false),
        ("a grant on the metastore", vec![allow(CALLER, METASTORE, select)], TABLE, read, false),
        ("another privilege", vec![allow(CALLER, TABLE, Held::Privilege(Privilege::Modify))], TABLE, read, false),
        ("a denied owner reading", vec![allow(CALLER, TABLE, own), deny(GROUP, CATALOG, select)], TABLE, read, false),
        ("a denied owner", vec![allow(CALLER, TABLE, rule), deny(CALLER, TABLE, select)], TABLE, govern, true),
        ("the owner reading", vec![allow(CALLER, TABLE, own)], TABLE, read, true),
        ("the catalog's owner reading", vec![allow(CALLER, CATALOG, own)], TABLE, read, false),
        ("who governs the catalog reading", vec![allow(CALLER, CATALOG, rule)], TABLE, read, false),
        ("the admin managing", vec![allow(CALLER, METASTORE, rule)], TABLE, govern, true),
    ];
    for (name, rows, object, wanted, expected) in trials {
        let found = trial(judge, &rows, object, wanted).map_err(|error| ModelError(error.to_string()))?;
        if found != expected {
            return Err(ModelError(format!("it answers {found} for {name}")));
        }
    }
    Ok(())
}

fn trial(judge: &mut Judge<ChainWorld>, rows: &[Row], object: Object, wanted: Wanted) -> Result<bool, GateError> {
    let principal = |number: u128| PrincipalId(Uuid::from_u128(11 + number));
    let closure = Closure { principal: principal(0), members_of: [principal(0), principal(1)].into() };
    let owner = principal(2);
    let link = |(kind, number): (&SecurableKind, u128)| {
        let id = SecurableId(Uuid::from_u128(21 + number));
        Link { id, kind: *kind, owner, grants: [].into() }
    };
    let chain: Vec<Link> = CHAIN.iter().zip(0..).map(link).collect();
    let ask = Ask { closure: &closure, chain: &chain, need: Need::See };
    judge.set_world(ChainWorld::of(&ask, &Groups::of(&closure)?));
    judge.set_rows(rows)?;
    judge.ask(CALLER, object, wanted)
}
