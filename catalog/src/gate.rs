//! The gate: the question every operation asks before it does anything, and the answer it gets.
//!
//! The catalog owns the question (`Ask`) and the shape of the answer (`Decision`); the enforcer crate answers.
//! A gate is a pure function of its `Ask`: it is fed the whole chain of securables with their grants and the
//! caller's group closure, and holds no copy of either. So there is one truth, and a revoked grant is gone for the
//! very next question. Any error while deciding is a denial.

use std::sync::Arc;

use crate::model::{GrantRow, PrincipalId, Privilege, SecurableId, SecurableKind};

/// A principal and every group it belongs to, directly or through other groups, and `account users`. Sorted by id.
#[derive(Debug, Clone)]
pub struct Closure {
    /// The principal itself.
    pub principal: PrincipalId,
    /// The principal, its groups and `account users`; sorted, no duplicates.
    pub members_of: Arc<[PrincipalId]>,
}

impl Closure {
    /// Whether `id` is the principal or one of its groups.
    pub fn contains(&self, id: PrincipalId) -> bool {
        self.members_of.binary_search(&id).is_ok()
    }
}

/// One securable of the chain an `Ask` is about. A column may come first: its owner is its relation's.
#[derive(Debug, Clone)]
pub struct Link {
    /// Which securable; for a column, `SecurableId::of_column`.
    pub id: SecurableId,
    /// Its kind.
    pub kind: SecurableKind,
    /// Who owns it.
    pub owner: PrincipalId,
    /// The grant rows on it, sorted by principal.
    pub grants: Arc<[GrantRow]>,
}

/// What the caller needs on the first link of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Need {
    /// A privilege. All but BROWSE count only with USE SCHEMA on the schema and USE CATALOG on the catalog of the chain,
    /// the first link included; who owns the container needs no USE on it. A DENY beats every grant and ownership.
    Privilege(Privilege),
    /// The privilege on the first link by itself, whatever is missing on the way down: one step of an explanation, never
    /// enough for an access.
    Alone(Privilege),
    /// To manage it: owner of it or of anything above it, or MANAGE on it or inherited. Covers alter, drop, grant. A DENY
    /// takes away a granted MANAGE, never an owner's.
    Manage,
    /// To know that it exists: Manage, or a grant on it or inherited that means something on its kind (BROWSE always
    /// does), unless BROWSE or ALL PRIVILEGES is denied. What is visible for the sake of something below it, the catalog
    /// works out: a gate looks only upwards.
    See,
}

/// One question to the gate.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// Who asks.
    pub closure: &'a Closure,
    /// The securable, then its parents up to and including the metastore.
    pub chain: &'a [Link],
    /// What is needed on `chain[0]`.
    pub need: Need,
}

/// Why a decision came out as it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A grant of `privilege` to `principal` on `securable`.
    Grant {
        /// Who holds it (the caller or one of its groups).
        principal: PrincipalId,
        /// The privilege of the grant.
        privilege: Privilege,
        /// Where it was granted.
        securable: SecurableId,
    },
    /// A DENY of `privilege` to `principal` on `securable`.
    Deny {
        /// Who is denied (the caller or one of its groups).
        principal: PrincipalId,
        /// The privilege of the denial.
        privilege: Privilege,
        /// Where it was denied.
        securable: SecurableId,
    },
    /// `principal` (the caller or one of its groups) owns `securable`.
    Owner {
        /// The owner.
        principal: PrincipalId,
        /// What it owns.
        securable: SecurableId,
    },
    /// Nothing gives `privilege` on `securable`.
    Missing {
        /// What is missing.
        privilege: Privilege,
        /// Where.
        securable: SecurableId,
    },
}

/// The gate's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether the caller may.
    pub allowed: bool,
    /// What made it so, the deciding ones first.
    pub reasons: Vec<Reason>,
}

impl Decision {
    /// An allow with its reasons.
    pub fn allow(reasons: Vec<Reason>) -> Self {
        Self { allowed: true, reasons }
    }

    /// A denial with its reasons.
    pub fn deny(reasons: Vec<Reason>) -> Self {
        Self { allowed: false, reasons }
    }
}

/// The gate could not decide. Callers treat it as a denial.
#[derive(Debug, thiserror::Error)]
#[error("authorization could not be decided: {0}")]
pub struct GateError(pub String);

/// The guard at every door of the catalog.
pub trait Gate: Send + Sync + 'static {
    /// Decides one question.
    ///
    /// # Errors
    /// When the question cannot be decided; the caller of this method must treat that as a denial.
    fn decide(&self, ask: &Ask<'_>) -> Result<Decision, GateError>;

    /// Whether the ask is allowed; an error is a denial. Cheaper than `decide`, as it gives no reasons.
    fn allows(&self, ask: &Ask<'_>) -> bool {
        self.decide(ask).is_ok_and(|decision| decision.allowed)
    }
}

/// A gate that allows everything, for tests of what is not authorization.
#[derive(Debug, Default)]
pub struct AllowAll;

impl Gate for AllowAll {
    fn decide(&self, _ask: &Ask<'_>) -> Result<Decision, GateError> {
        Ok(Decision::allow(Vec::new()))
    }
}

/// A gate that denies everything, for tests.
#[derive(Debug, Default)]
pub struct DenyAll;

impl Gate for DenyAll {
    fn decide(&self, _ask: &Ask<'_>) -> Result<Decision, GateError> {
        Ok(Decision::deny(Vec::new()))
    }
}
