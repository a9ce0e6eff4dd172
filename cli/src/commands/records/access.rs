//! Answers about access. JSON holds them field by field; tables and CSV tell what decided in a sentence.

use lakewarden_proto::v1;

use super::{enum_words, principal_kind, privilege, securable, securable_kind};
use crate::render::{Record, Value};
use crate::time;

/// The fields of a list of effects.
pub const EFFECT_FIELDS: &[&str] =
    &["principal", "principal_kind", "change", "privilege", "securable_kind", "securable", "column"];
/// The fields of a list of what is held in effect.
pub const EFFECTIVE_FIELDS: &[&str] = &["principal", "privilege", "column", "because"];
/// The fields of a list of who may do something.
pub const HOLDER_FIELDS: &[&str] = &["principal", "kind", "because"];

/// What a change of grants would change for somebody.
pub fn effect(it: v1::GrantEffect) -> Record {
    let record = Record::new()
        .with("principal", it.principal)
        .with("principal_kind", principal_kind(it.principal_kind))
        .with("change", if it.gains { "gains" } else { "loses" })
        .with("privilege", privilege(it.privilege));
    securable(record, it.securable).with("column", Value::optional(it.column))
}

/// What somebody holds in effect.
pub fn effective(it: v1::EffectiveGrant, flat: bool) -> Record {
    let because = reasons(&it.principal, it.because, flat);
    Record::new()
        .with("principal", it.principal)
        .with("privilege", privilege(it.privilege))
        .with("column", Value::optional(it.column))
        .with("because", because)
}

/// Somebody who may do something.
pub fn holder(it: v1::Holder, flat: bool) -> Record {
    let because = reasons(&it.principal, it.because, flat);
    Record::new()
        .with("principal", it.principal)
        .with("kind", principal_kind(it.principal_kind))
        .with("because", because)
}

/// Whether somebody may do something, and why.
pub fn explanation(it: v1::ExplainAccessResponse, flat: bool) -> Record {
    let principal = it.principal.clone();
    let record = Record::new()
        .with("access", if it.allowed { "allowed" } else { "denied" })
        .with("principal", it.principal)
        .with("privilege", privilege(it.privilege));
    let record = if flat {
        record.with("on", place(it.securable.as_ref(), &it.column))
    } else {
        securable(record, it.securable).with("column", Value::optional(it.column))
    };
    let remedy = if flat { Value::optional(it.remedy.join("\n")) } else { Value::texts(it.remedy) };
    let by_tags = it.policies.iter().any(|policy| !policy.policy.is_empty());
    let steps = it.steps.into_iter().map(|step| step_of(&principal, step, flat).into());
    record
        .with("as_of", time::value(it.as_of.as_ref()))
        .with("remedy", remedy)
        .with("closed_columns", Value::texts(it.closed_columns))
        .with("steps", Value::List(steps.collect()))
        .with("policies", Value::List(it.policies.into_iter().map(|it| policy(it, by_tags).into()).collect()))
}

fn step_of(principal: &str, it: v1::AccessStep, flat: bool) -> Record {
    let needed = Record::new().with("needed", privilege(it.privilege));
    let record = if flat {
        needed.with("on", place(it.securable.as_ref(), "")).with("held", if it.allowed { "yes" } else { "no" })
    } else {
        securable(needed, it.securable).with("held", it.allowed)
    };
    let because = if flat && it.because.is_empty() {
        Value::from("nothing grants it")
    } else {
        reasons(principal, it.because, flat)
    };
    record.with("because", because)
}

/// A row filter or mask; by which policy, when one of those that are told is by tags.
fn policy(it: v1::AppliedPolicy, by_tags: bool) -> Record {
    let words = if it.column.is_empty() { "row filter" } else { "mask" };
    let record = Record::new()
        .with("policy", words)
        .with("column", Value::optional(it.column))
        .with("function", Value::optional(it.function));
    if by_tags { record.with("by", Value::optional(it.policy)) } else { record }
}

fn reasons(principal: &str, found: Vec<v1::AccessReason>, flat: bool) -> Value {
    if flat {
        let told: Vec<_> = found.iter().map(|reason| sentence(principal, reason)).collect();
        return Value::optional(told.join("; "));
    }
    Value::List(found.into_iter().map(|it| reason(it).into()).collect())
}

fn reason(it: v1::AccessReason) -> Record {
    let effect = enum_words(v1::AccessEffect::try_from(it.effect).map(|e| e.as_str_name()), "ACCESS_EFFECT_");
    let held = v1::Privilege::Unspecified as i32 != it.privilege;
    let record = Record::new()
        .with("effect", effect.to_lowercase())
        .with("privilege", if held { Value::Text(privilege(it.privilege)) } else { Value::Null })
        .with("holder", Value::optional(it.holder))
        .with("path", Value::texts(it.path));
    securable(record, it.securable).with("column", Value::optional(it.column))
}

/// What made a step hold or fail, in words. Who may not know the group is told that there is one.
fn sentence(principal: &str, it: &v1::AccessReason) -> String {
    let holder = match (it.holder.as_str(), it.path.as_slice()) {
        ("", _) => "a group".to_owned(),
        (holder, []) => holder.to_owned(),
        (holder, path) => format!("{holder} ({principal} > {})", path.join(" > ")),
    };
    let on = place(it.securable.as_ref(), &it.column);
    let words = privilege(it.privilege);
    match v1::AccessEffect::try_from(it.effect) {
        Ok(v1::AccessEffect::Owner) => format!("{holder} owns {on}"),
        Ok(v1::AccessEffect::Deny) => format!("{words} is denied to {holder} on {on}"),
        Ok(v1::AccessEffect::Grant) => format!("{words} is granted to {holder} on {on}"),
        Ok(v1::AccessEffect::Unspecified) | Err(_) => format!("UNKNOWN: {words}, {holder}, {on}"),
    }
}

/// A securable in words, or a column of it.
fn place(reference: Option<&v1::SecurableRef>, column: &str) -> String {
    let Some(on) = reference else { return "UNKNOWN".to_owned() };
    let whole = match on.full_name.as_str() {
        "" => format!("the {}", securable_kind(on.kind)),
        name => format!("{} {name}", securable_kind(on.kind)),
    };
    if column.is_empty() { whole } else { format!("column {column} of {whole}") }
}
