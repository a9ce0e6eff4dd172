//! What `grants.proto` says of access: questions and explanations.

use lakewarden_catalog::CatalogError;
use lakewarden_catalog::model::{FullName, SecurableKind};
use lakewarden_catalog::ops::access::{
    Because, Effect, EffectiveGrant, Explanation, GrantEffect, Holder, Question, Rehearsal, Step,
};
use lakewarden_catalog::ops::grants::GrantsOn;
use lakewarden_proto::v1;
use prost_types::Timestamp;

use super::Faults;
use super::grants::{privilege, securable, show_privilege, show_securable};
use super::principals::{self, optional};
use super::records::{milliseconds, timestamp};

/// Reads a point in time that may be left out.
pub fn as_of(at: Option<&Timestamp>, faults: &mut Faults) -> Option<Option<i64>> {
    at.map_or(Some(None), |at| milliseconds("as_of", at, faults).map(Some))
}

/// A fault of the catalog as one of the request: what it calls the timestamp is `as_of` on the wire.
pub fn of_request(error: CatalogError) -> CatalogError {
    match error {
        CatalogError::Invalid { field, message } if field == "timestamp" => CatalogError::invalid("as_of", message),
        other => other,
    }
}

/// A point in time as an argument that a page token is bound to.
pub fn as_of_scope(at: Option<&Timestamp>) -> String {
    at.map(|at| format!("{}.{}", at.seconds, at.nanos)).unwrap_or_default()
}

/// Reads a request to explain.
pub fn explained(request: &v1::ExplainAccessRequest, faults: &mut Faults) -> Option<Question> {
    let on = securable(request.securable.as_ref(), faults);
    let needed = privilege("privilege", request.privilege, faults);
    let principal = optional("principal", &request.principal, faults);
    let as_of_ms = as_of(request.as_of.as_ref(), faults);
    let (kind, name) = on?;
    let column = column(&request.column);
    Some(Question { privilege: needed?, kind, name, column, principal: principal?, as_of_ms: as_of_ms? })
}

/// Reads a request for who may do something.
pub fn wanted(request: &v1::WhoCanRequest, faults: &mut Faults) -> Option<Question> {
    let on = securable(request.securable.as_ref(), faults);
    let needed = privilege("privilege", request.privilege, faults);
    let as_of_ms = as_of(request.as_of.as_ref(), faults);
    let (kind, name) = on?;
    let column = column(&request.column);
    Some(Question { privilege: needed?, kind, name, column, principal: None, as_of_ms: as_of_ms? })
}

/// Reads a request for what somebody holds in effect.
pub fn effective(request: &v1::ListEffectiveGrantsRequest, faults: &mut Faults) -> Option<GrantsOn> {
    let on = securable(request.securable.as_ref(), faults);
    let principal = optional("principal", &request.principal, faults);
    let as_of_ms = as_of(request.as_of.as_ref(), faults);
    let (kind, name): (SecurableKind, FullName) = on?;
    Some(GrantsOn { kind, name, principal: principal?, inherited: true, as_of_ms: as_of_ms? })
}

fn column(name: &str) -> Option<String> {
    (!name.is_empty()).then(|| name.to_owned())
}

/// An explanation as it is sent.
pub fn show(found: Explanation) -> v1::ExplainAccessResponse {
    let policies = found.policies.into_iter().map(|policy| v1::AppliedPolicy {
        column: policy.column.unwrap_or_default(),
        function: policy.function.unwrap_or_default(),
        policy: policy.policy.unwrap_or_default(),
    });
    v1::ExplainAccessResponse {
        principal: found.principal,
        privilege: show_privilege(found.privilege).into(),
        securable: Some(show_securable(found.kind, found.securable)),
        column: found.column.unwrap_or_default(),
        as_of: found.as_of_ms.map(timestamp),
        allowed: found.allowed,
        steps: found.steps.into_iter().map(show_step).collect(),
        remedy: found.remedy,
        policies: policies.collect(),
        closed_columns: found.closed_columns,
    }
}

fn show_step(step: Step) -> v1::AccessStep {
    v1::AccessStep {
        privilege: show_privilege(step.privilege).into(),
        securable: Some(show_securable(step.kind, step.securable)),
        allowed: step.allowed,
        because: step.because.into_iter().map(show_because).collect(),
    }
}

fn show_because(because: Because) -> v1::AccessReason {
    let effect = match because.effect {
        Effect::Grant => v1::AccessEffect::Grant,
        Effect::Deny => v1::AccessEffect::Deny,
        Effect::Owner => v1::AccessEffect::Owner,
    };
    v1::AccessReason {
        effect: effect.into(),
        privilege: because.privilege.map_or(v1::Privilege::Unspecified, show_privilege).into(),
        holder: because.holder.unwrap_or_default(),
        path: because.path,
        securable: Some(show_securable(because.kind, because.securable)),
        column: because.column.unwrap_or_default(),
    }
}

/// Somebody who may do something, as it is sent.
pub fn show_holder(holder: Holder) -> v1::Holder {
    v1::Holder {
        principal: holder.principal,
        principal_kind: principals::show_kind(holder.kind).into(),
        because: holder.because.into_iter().map(show_because).collect(),
    }
}

/// What somebody holds in effect, as it is sent.
pub fn show_effective(grant: EffectiveGrant) -> v1::EffectiveGrant {
    v1::EffectiveGrant {
        principal: grant.principal,
        privilege: show_privilege(grant.privilege).into(),
        column: grant.column.unwrap_or_default(),
        because: grant.because.into_iter().map(show_because).collect(),
    }
}

/// What a change would change, as it is sent.
pub fn show_rehearsal(found: Rehearsal) -> v1::RehearseGrantsResponse {
    v1::RehearseGrantsResponse { effects: found.effects.into_iter().map(show_effect).collect(), more: found.more }
}

fn show_effect(effect: GrantEffect) -> v1::GrantEffect {
    v1::GrantEffect {
        principal: effect.principal,
        principal_kind: principals::show_kind(effect.principal_kind).into(),
        privilege: show_privilege(effect.privilege).into(),
        securable: Some(show_securable(effect.kind, effect.securable)),
        column: effect.column.unwrap_or_default(),
        gains: effect.gains,
    }
}
