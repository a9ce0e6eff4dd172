//! Policies by tags: CREATE, DROP, SHOW and DESCRIBE POLICY. One on a table is planned there before it is made, so that one
//! which can't work is refused here and not at the next query. Whom a policy binds, and when, is told to those who manage
//! what it is on; others who may see that are told that it is there.

use lakewarden_catalog::model::{Condition, FullName, Name, PrincipalName, SecurableKind};
use lakewarden_catalog::ops::entries::Entry;
use lakewarden_catalog::ops::policies::{NewMatch, NewPolicy, PolicyEntry, PolicyKind, PolicyTerms};
use lakewarden_catalog::ops::rules::Argument;

use super::grants::securable_kind;
use super::policies::argument;
use super::{Run, unless_absent, unless_exists};
use crate::error::EngineError;
use crate::names;
use crate::statement::{CreatePolicy, DropPolicy, PolicyRef, ShowPolicies, TagCondition, Target};
use crate::stream::{QueryStream, text_answer};
use crate::times;

type Line = [Option<String>; 2];

impl Run {
    pub(super) async fn create_policy(&self, create: CreatePolicy) -> Result<QueryStream, EngineError> {
        let new = self.new_policy(&create)?;
        if let Some(preview) = self.pinned.preview_policy(&new, self.engine.catalog().reads().clock().clone())? {
            self.check(&preview).await?;
        }
        let made = self.change(move |metastore, caller| metastore.create_policy(caller, &new)).await;
        unless_exists(made, create.if_not_exists)?;
        Ok(self.done())
    }

    fn new_policy(&self, create: &CreatePolicy) -> Result<NewPolicy, EngineError> {
        let (kind, securable) = self.policy_target(&create.on)?;
        let matched = |one: &crate::statement::MatchColumns| NewMatch {
            condition: condition(&one.condition),
            alias: one.alias.clone(),
        };
        Ok(NewPolicy {
            name: Name::parse(&create.name)?,
            kind,
            securable,
            comment: create.comment.clone(),
            effect: if create.on_column.is_some() { PolicyKind::ColumnMask } else { PolicyKind::RowFilter },
            function: names::object(&create.function, &self.namespace)?,
            to: principals(&create.to)?,
            except: principals(&create.except)?,
            when: create.when.as_ref().map(condition),
            matches: create.matches.iter().map(matched).collect(),
            on_column: create.on_column.clone(),
            using: create.using.iter().map(argument).collect(),
            replace: create.or_replace,
        })
    }

    pub(super) async fn drop_policy(&self, drop: DropPolicy) -> Result<QueryStream, EngineError> {
        let (kind, securable) = self.policy_target(&drop.policy.on)?;
        let name = Name::parse(&drop.policy.name)?;
        let dropped =
            self.change(move |metastore, caller| metastore.drop_policy(caller, kind, &securable, &name)).await;
        unless_absent(dropped, drop.if_exists)?;
        Ok(self.done())
    }

    pub(super) fn show_policies(&self, show: &ShowPolicies) -> Result<QueryStream, EngineError> {
        let (kind, securable) = self.policy_target(&show.on)?;
        let policies = self.pinned.list_policies(kind, &securable, show.effective);
        let row = |policy: PolicyEntry| {
            let on = [policy.kind.to_string(), policy.securable];
            let [kind, securable] = on.map(Some);
            [
                Some(policy.name),
                Some(policy.effect.as_str().to_owned()),
                kind,
                securable,
                policy.function,
                policy.comment,
            ]
        };
        let columns = ["policy_name", "policy_type", "securable_type", "securable_name", "function", "comment"];
        text_answer(columns, self.audited(policies)?.into_iter().map(row).collect())
    }

    pub(super) fn describe_policy(&self, policy: &PolicyRef) -> Result<QueryStream, EngineError> {
        let (kind, securable) = self.policy_target(&policy.on)?;
        let told = self.audited(self.pinned.get_policy(kind, &securable, &Name::parse(&policy.name)?))?;
        text_answer(["info_name", "info_value"], lines(&told))
    }

    /// What DESCRIBE tells of the policies on a securable; of a table, also of those on what it is in. Names, not terms.
    pub(super) fn described_policies(&self, entry: &Entry) -> Vec<(String, String)> {
        let kind = entry.securable.kind();
        let name = FullName::parse(&entry.full_name);
        let policies = name.and_then(|name| self.pinned.list_policies(kind, &name, kind == SecurableKind::Table));
        let one = |policy: PolicyEntry| {
            let on = format!("{} on {} {}", policy.effect.as_str(), policy.kind.noun(), policy.securable);
            let function = policy.function.map(|function| format!(", {function}")).unwrap_or_default();
            (format!("Policy {}", policy.name), on + &function)
        };
        policies.map(|policies| policies.into_iter().map(one).collect()).unwrap_or_default()
    }

    fn policy_target(&self, on: &Target) -> Result<(SecurableKind, FullName), EngineError> {
        let kind = securable_kind(on.kind)?;
        Ok((kind, self.full_name(kind, &on.name)?))
    }
}

fn principals(names: &[String]) -> Result<Vec<PrincipalName>, EngineError> {
    names.iter().map(|name| Ok(PrincipalName::parse(name)?)).collect()
}

fn lines(told: &PolicyEntry) -> Vec<Line> {
    let on = format!("{} {}", told.kind, told.securable);
    let mut lines = vec![
        line("Name", &told.name),
        line("On", &on),
        line("Type", told.effect.as_str()),
        line("Function", told.function.as_deref().unwrap_or("a function that you may not see")),
        line("Comment", told.comment.as_deref().unwrap_or_default()),
        line("Created Time", &times::shown(told.created_at_ms)),
        line("Created By", &told.created_by),
    ];
    lines.extend(told.terms.iter().flat_map(term_lines));
    lines
}

/// What only those who manage the securable are told.
fn term_lines(terms: &PolicyTerms) -> Vec<Line> {
    let matched = |(condition, alias): &(String, Option<String>)| match alias {
        Some(alias) => format!("{condition} AS {alias}"),
        None => condition.clone(),
    };
    let using = |argument: &Argument| match argument {
        Argument::Column(alias) => alias.clone(),
        Argument::Literal(text) => text.clone(),
    };
    let matches: Vec<String> = terms.matches.iter().map(matched).collect();
    let using: Vec<String> = terms.using.iter().map(using).collect();
    let said = [
        ("To", terms.to.join(", ")),
        ("Except", terms.except.join(", ")),
        ("When", terms.when.clone().unwrap_or_default()),
        ("Match Columns", matches.join(", ")),
        ("On Column", terms.on_column.clone().unwrap_or_default()),
        ("Using Columns", using.join(", ")),
    ];
    said.iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| line(key, value)).collect()
}

fn line(key: &str, value: &str) -> Line {
    [Some(key.to_owned()), Some(value.to_owned())]
}

fn condition(written: &TagCondition) -> Condition {
    let all = |several: &[TagCondition]| several.iter().map(condition).collect();
    match written {
        TagCondition::HasTag(key) => Condition::HasTag(key.into()),
        TagCondition::HasTagValue(key, value) => Condition::HasTagValue(key.into(), value.into()),
        TagCondition::Not(inner) => Condition::Not(Box::new(condition(inner))),
        TagCondition::And(several) => Condition::And(all(several)),
        TagCondition::Or(several) => Condition::Or(all(several)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::statement::{ParseLimits, Statement, parse_one};

    fn conditions() -> impl Strategy<Value = TagCondition> {
        let key = || "[a-zé '\\\\\"]{0,4}";
        let call = prop_oneof![
            key().prop_map(TagCondition::HasTag),
            (key(), key()).prop_map(|(key, value)| TagCondition::HasTagValue(key, value)),
        ];
        call.prop_recursive(4, 16, 3, |inner| {
            prop_oneof![
                inner.clone().prop_map(|one| TagCondition::Not(Box::new(one))),
                proptest::collection::vec(inner.clone(), 2..4).prop_map(TagCondition::And),
                proptest::collection::vec(inner, 2..4).prop_map(TagCondition::Or),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_described_is_what_was_written(written in conditions()) {
            let shown = condition(&written);
            let sql = format!("CREATE POLICY p ON TABLE t ROW FILTER f TO a FOR TABLES WHEN {shown}");
            let Ok(Statement::CreatePolicy(parsed)) = parse_one(&sql, &ParseLimits::default()) else {
                panic!("{sql} does not parse");
            };
            prop_assert_eq!(parsed.when, Some(written));
        }
    }
}
