//! Tries a model on questions with known answers, so that a server never runs with a model that lets everybody in.

use lakewarden_catalog::model::{PrincipalId, Privilege, SecurableId, SecurableKind};
use lakewarden_catalog::{Ask, Closure, GateError, Link, Need};
use uuid::Uuid;

use crate::candidates::ChainWorld;
use crate::error::ModelError;
use crate::judge::{Judge, Row};
use crate::words::{Held, Wanted};

const CALLER: PrincipalId = PrincipalId(Uuid::from_u128(11));
const GROUP: PrincipalId = PrincipalId(Uuid::from_u128(12));
const STRANGER: PrincipalId = PrincipalId(Uuid::from_u128(13));
const TABLE: SecurableId = SecurableId(Uuid::from_u128(21));
const CATALOG: SecurableId = SecurableId(Uuid::from_u128(23));
const METASTORE: SecurableId = SecurableId(Uuid::from_u128(24));
const ELSEWHERE: SecurableId = SecurableId(Uuid::from_u128(25));

/// Asks the model whether the caller may select from a table and govern it.
///
/// # Errors
/// When the model answers any question otherwise than the rules say.
pub(crate) fn try_out(judge: &mut Judge<ChainWorld>) -> Result<(), ModelError> {
    let allow = |principal, securable, held| Row { principal, securable, held, denied: false };
    let deny = |principal, securable, held| Row { principal, securable, held, denied: true };
    let (select, own) = (Held::Privilege(Privilege::Select), Held::Own);
    let (read, govern) = (Wanted::Privilege(Privilege::Select), Wanted::Govern);
    let trials: [(&str, Vec<Row>, Wanted, bool); 11] = [
        ("no grant", vec![], read, false),
        ("a grant", vec![allow(CALLER, TABLE, select)], read, true),
        ("a grant to a group, inherited", vec![allow(GROUP, CATALOG, select)], read, true),
        ("a grant to somebody else", vec![allow(STRANGER, TABLE, select)], read, false),
        ("a grant elsewhere", vec![allow(CALLER, ELSEWHERE, select)], read, false),
        ("a grant on the metastore", vec![allow(CALLER, METASTORE, select)], read, false),
        ("another privilege", vec![allow(CALLER, TABLE, Held::Privilege(Privilege::Modify))], read, false),
        ("a denial to a group", vec![allow(CALLER, TABLE, own), deny(GROUP, CATALOG, select)], read, false),
        ("a denied owner", vec![allow(CALLER, TABLE, own), deny(CALLER, TABLE, select)], govern, true),
        ("the catalog's owner reading", vec![allow(CALLER, CATALOG, own)], read, false),
        ("the admin managing", vec![allow(CALLER, METASTORE, own)], govern, true),
    ];
    let closure = Closure { principal: CALLER, members_of: [CALLER, GROUP].into() };
    for (name, rows, wanted, expected) in trials {
        let found = trial(judge, &closure, &rows, wanted).map_err(|error| ModelError(error.to_string()))?;
        if found != expected {
            return Err(ModelError(format!("it answers {found} for {name}")));
        }
    }
    Ok(())
}

fn trial(judge: &mut Judge<ChainWorld>, closure: &Closure, rows: &[Row], wanted: Wanted) -> Result<bool, GateError> {
    let link = |id, kind| Link { id, kind, owner: STRANGER, grants: [].into() };
    let chain = [
        link(TABLE, SecurableKind::Table),
        link(SecurableId(Uuid::from_u128(22)), SecurableKind::Schema),
        link(CATALOG, SecurableKind::Catalog),
        link(METASTORE, SecurableKind::Metastore),
    ];
    judge.set_world(ChainWorld::of(&Ask { closure, chain: &chain, need: Need::See }));
    judge.set_rows(rows)?;
    Ok(judge.ask(closure.principal, TABLE, wanted)?.allowed)
}
