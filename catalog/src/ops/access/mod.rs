//! Answers to "who may do what here, and why": explanations, who can, what somebody effectively holds, and what a change of
//! grants would change. Nothing here decides: each answer is put together from decisions of the gate.
//!
//! An answer never shows more than the asker may see. Everybody may ask about themselves on what they may see; about
//! others, who may manage the securable. How somebody else comes to be in a group is told to metastore admins and to the
//! members of that group.

mod effective;
mod explain;
mod inquiry;
mod rehearse;
mod remedy;
mod telling;
pub(crate) mod vantage;
mod who_can;

use crate::model::{FullName, PrincipalKind, PrincipalName, Privilege, SecurableKind};

/// A question about somebody's access.
#[derive(Debug, Clone)]
pub struct Question {
    /// What they would need.
    pub privilege: Privilege,
    /// The kind of the securable.
    pub kind: SecurableKind,
    /// Its full name; ignored for the metastore.
    pub name: FullName,
    /// One column of a table or view, by name; none for the whole securable.
    pub column: Option<String>,
    /// Who; none for the caller.
    pub principal: Option<PrincipalName>,
    /// When, in milliseconds since 1970 (UTC); none for now.
    pub as_of_ms: Option<i64>,
}

/// The answer: whether, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The name of the principal that was asked about.
    pub principal: String,
    /// The privilege.
    pub privilege: Privilege,
    /// The kind of the securable.
    pub kind: SecurableKind,
    /// Its full name, as of then.
    pub securable: String,
    /// The column, if one was asked about.
    pub column: Option<String>,
    /// When, if not now.
    pub as_of_ms: Option<i64>,
    /// Whether they may.
    pub allowed: bool,
    /// What had to hold, the securable itself first, then USE SCHEMA and USE CATALOG on the way down.
    pub steps: Vec<Step>,
    /// The columns that they may not use by themselves, when they may use others; for a question about a whole table or view.
    pub closed_columns: Vec<String>,
    /// The fewest statements that would allow it, in the order in which they are to be run. None when it is allowed, when it
    /// was asked as of an earlier time, when nothing could, or when they would tell who is in a group to an asker who may
    /// not know.
    pub remedy: Vec<String>,
    /// The row filter and the masks that bind them when they read.
    pub policies: Vec<AppliedPolicy>,
}

/// One thing that had to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The privilege.
    pub privilege: Privilege,
    /// The kind of the securable that it is needed on.
    pub kind: SecurableKind,
    /// The full name of that securable.
    pub securable: String,
    /// Whether it holds.
    pub allowed: bool,
    /// What made it so: the grants or the ownership if it holds, else the denials, or nothing when it is just missing.
    pub because: Vec<Because>,
}

/// What made a step hold or fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Because {
    /// By what.
    pub effect: Effect,
    /// The privilege of the grant or denial; none for ownership.
    pub privilege: Option<Privilege>,
    /// Who is granted, denied or owns: the principal, or a group that it is in; none when the asker may not know.
    pub holder: Option<String>,
    /// The way from the principal to the holder, group by group, the holder last; empty when it is the principal itself,
    /// or when the asker may not know.
    pub path: Vec<String>,
    /// The kind of the securable that the grant, denial or ownership is on.
    pub kind: SecurableKind,
    /// The full name of that securable.
    pub securable: String,
    /// The column of it, when it is on one.
    pub column: Option<String>,
}

/// By what a step holds or fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A grant.
    Grant,
    /// A denial.
    Deny,
    /// Ownership.
    Owner,
}

/// A policy that binds a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedPolicy {
    /// The column that it masks, with the way to a field inside it; none for a row filter.
    pub column: Option<String>,
    /// The full name of its function; none when the asker may not see it.
    pub function: Option<String>,
    /// The policy that it comes from, as ``policy `p` on schema `c.s` ``; none when it is bound to the table itself.
    pub policy: Option<String>,
}

/// Somebody who may do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The name.
    pub principal: String,
    /// What they are.
    pub kind: PrincipalKind,
    /// What gives it to them on the securable itself.
    pub because: Vec<Because>,
}

/// A privilege that somebody holds in effect: granted, inherited or owned, through any group, and not denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveGrant {
    /// Who.
    pub principal: String,
    /// The privilege.
    pub privilege: Privilege,
    /// The column, when it is held on some columns only; none when it is held on all of the securable.
    pub column: Option<String>,
    /// What gives it.
    pub because: Vec<Because>,
}

/// What a change of grants would change for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantEffect {
    /// Who.
    pub principal: String,
    /// What they are.
    pub principal_kind: PrincipalKind,
    /// The privilege.
    pub privilege: Privilege,
    /// The kind of the securable.
    pub kind: SecurableKind,
    /// Its full name.
    pub securable: String,
    /// The column, when only that changes.
    pub column: Option<String>,
    /// Whether they would gain it; else they would lose it.
    pub gains: bool,
}

/// The effects of a change of grants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rehearsal {
    /// The effects, those on the securable first.
    pub effects: Vec<GrantEffect>,
    /// Whether there may be more than are told: the listing ends after 1,000 effects, or when there is too much to compare.
    pub more: bool,
}
