//! What a need comes down to: single questions about links of the chain.
//!
//! A privilege needs USE CATALOG and USE SCHEMA on the way down, each a question of its own that the container's owner
//! passes by owning it. Managing and seeing need nothing on the way down: a parent's owner could not clean up otherwise.

use lakewarden_catalog::model::{Privilege, SecurableKind};
use lakewarden_catalog::{Ask, GateError, Link, Need};

use crate::words::Wanted;

/// One question: `wanted` on the link at `level` of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) level: usize,
    pub(crate) wanted: Wanted,
}

/// The questions that decide a need, the one about the object itself first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// All must be answered yes. INVARIANT: the first is always there.
    All([Option<Step>; 3]),
    /// One yes is enough; `missing` is what a refusal says is lacking.
    Any([Option<Step>; 3], Privilege),
    /// No: the privilege means nothing on a securable of that kind.
    Never(Privilege),
}

impl Plan {
    /// Answers the plan with the answers to its steps, asking no more of them than needed.
    pub(crate) fn answer(self, mut verdict: impl FnMut(Step) -> Result<bool, GateError>) -> Result<bool, GateError> {
        let (steps, enough) = match self {
            Self::All(steps) => (steps, false),
            Self::Any(steps, _) => (steps, true),
            Self::Never(_) => return Ok(false),
        };
        for step in steps.into_iter().flatten() {
            if verdict(step)? == enough {
                return Ok(enough);
            }
        }
        Ok(!enough)
    }
}

/// The longest chain: a column, its table, its schema, its catalog, the metastore.
pub(crate) const LONGEST: usize = 5;

/// Plans an ask after checking that its chain is whole.
///
/// # Errors
/// When the chain does not lead from the securable to the metastore.
pub(crate) fn plan(ask: &Ask<'_>) -> Result<Plan, GateError> {
    let object = check(ask)?;
    let itself = |wanted| Some(Step { level: 0, wanted });
    let govern = itself(Wanted::Govern);
    let manage = itself(Wanted::Privilege(Privilege::Manage));
    Ok(match ask.need {
        Need::Manage | Need::Privilege(Privilege::Manage) | Need::Alone(Privilege::Manage) => {
            Plan::Any([govern, manage, None], Privilege::Manage)
        }
        Need::See => Plan::Any([govern, itself(Wanted::See(object.kind)), manage], Privilege::Browse),
        Need::Privilege(privilege) | Need::Alone(privilege) if !privilege.reaches(object.kind) => {
            Plan::Never(privilege)
        }
        Need::Alone(privilege) => Plan::All([itself(Wanted::Privilege(privilege)), None, None]),
        Need::Privilege(privilege) => {
            let gate = |container| way_down(ask.chain, privilege, container);
            Plan::All([itself(Wanted::Privilege(privilege)), gate(SecurableKind::Schema), gate(SecurableKind::Catalog)])
        }
    })
}

/// The question at a container of the chain (the securable itself included) before `privilege` counts.
fn way_down(chain: &[Link], privilege: Privilege, container: SecurableKind) -> Option<Step> {
    let key = privilege.needs_on(container)?;
    let level = chain.iter().position(|link| link.kind == container)?;
    Some(Step { level, wanted: Wanted::Privilege(key) })
}

fn check<'a>(ask: &Ask<'a>) -> Result<&'a Link, GateError> {
    let broken = |why: &str| Err(GateError(format!("the question is malformed: {why}")));
    let Some(object) = ask.chain.first() else { return broken("no securable") };
    if ask.chain.len() > LONGEST {
        return broken("the chain is too long");
    }
    let parents = ask.chain.iter().skip(1).map(|link| Some(link.kind)).chain([None]);
    if !ask.chain.iter().zip(parents).all(|(link, parent)| is_in(link.kind, parent)) {
        return broken("the chain does not lead to the metastore");
    }
    let twice = |(at, link): (usize, &Link)| ask.chain.iter().skip(at + 1).any(|other| other.id == link.id);
    if ask.chain.iter().enumerate().any(twice) {
        return broken("a securable is its own parent");
    }
    Ok(object)
}

/// Whether a securable of this kind may be in one of that kind; none for in nothing.
fn is_in(kind: SecurableKind, parent: Option<SecurableKind>) -> bool {
    use SecurableKind as K;
    match kind {
        K::Metastore => parent.is_none(),
        K::Catalog
        | K::ExternalLocation
        | K::StorageCredential
        | K::Connection
        | K::Share
        | K::Recipient
        | K::Provider
        | K::Tag => parent == Some(K::Metastore),
        K::Schema => parent == Some(K::Catalog),
        K::Table | K::View | K::Function | K::Volume | K::Model => parent == Some(K::Schema),
        K::Column => matches!(parent, Some(K::Table | K::View)),
    }
}
