//! What a match is replaced by: `$1` and `${name}` are groups, `\$` is a dollar sign.

use datafusion::common::exec_err;
use datafusion::error::Result;
use fancy_regex::Captures;

use super::pattern::Pattern;

/// A replacement as Java reads it, for one pattern.
pub(super) struct Replacement {
    parts: Vec<Part>,
}

enum Part {
    Text(String),
    Group(usize),
}

impl Replacement {
    /// # Errors
    /// When it names a group that the pattern doesn't have, or ends in the middle of something.
    pub(super) fn parse(text: &str, pattern: &Pattern) -> Result<Self> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['\\', '$']) {
            let (before, special) = rest.split_at(at);
            literal.push_str(before);
            let mut chars = special.chars();
            let is_escape = chars.next() == Some('\\');
            rest = chars.as_str();
            if is_escape {
                let Some(escaped) = chars.next() else {
                    return exec_err!("the replacement `{text}` ends with a backslash: write two for one");
                };
                literal.push(escaped);
                rest = chars.as_str();
            } else {
                let (group, after) = group(text, rest, pattern)?;
                parts.push(Part::Text(std::mem::take(&mut literal)));
                parts.push(Part::Group(group));
                rest = after;
            }
        }
        literal.push_str(rest);
        parts.push(Part::Text(literal));
        Ok(Self { parts })
    }

    /// Writes what stands for a match. A group that took no part in the match is empty.
    pub(super) fn write(&self, found: &Captures<'_, str>, into: &mut String) {
        for part in &self.parts {
            match part {
                Part::Text(text) => into.push_str(text),
                Part::Group(number) => into.push_str(found.get(*number).map_or("", |group| group.as_str())),
            }
        }
    }

    /// Bytes that it writes for a match.
    pub(super) fn len(&self, found: &Captures<'_, str>) -> usize {
        let one = |part: &Part| match part {
            Part::Text(text) => text.len(),
            Part::Group(number) => found.get(*number).map_or(0, |group| group.as_str().len()),
        };
        self.parts.iter().map(one).sum()
    }
}

/// The group after a dollar sign, and what follows it. Digits belong to the number as long as there is such a group.
fn group<'t>(text: &str, rest: &'t str, pattern: &Pattern) -> Result<(usize, &'t str)> {
    if let Some(named) = rest.strip_prefix('{') {
        let Some((name, after)) = named.split_once('}') else {
            return exec_err!("the replacement `{text}` opens a group name with `${{` and never closes it");
        };
        return match pattern.group_named(name) {
            Some(number) => Ok((number, after)),
            None => exec_err!(
                "the replacement `{text}` names the group `{name}`, which the regular expression doesn't have"
            ),
        };
    }
    let mut number: Option<usize> = None;
    let mut after = rest;
    while let Some(digit) = after.chars().next().and_then(|c| c.to_digit(10)) {
        let longer = number.unwrap_or(0).saturating_mul(10).saturating_add(digit as usize);
        if number.is_some() && longer > pattern.groups() {
            break;
        }
        number = Some(longer);
        after = after.get(1..).unwrap_or_default();
    }
    match number {
        Some(number) if number <= pattern.groups() => Ok((number, after)),
        Some(number) => exec_err!(
            "the replacement `{text}` names group {number}, the regular expression has {}: write `\\$` for a dollar sign",
            pattern.groups()
        ),
        None => exec_err!("in the replacement `{text}` a group follows every `$`: write `\\$` for a dollar sign"),
    }
}
