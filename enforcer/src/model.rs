//! Reads the casbin model and refuses everything that casbin would misread or quietly ignore.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use casbin::{DefaultModel, Model as _};

use crate::effect::DENY_OVERRIDES;
use crate::error::ModelError;

/// The model that the server runs with.
pub(crate) const EMBEDDED: &str = include_str!("../../policies/model.conf");

/// Every definition that a model must have, and no other: its section, key and text.
const DEFINITIONS: [(&str, &str, &str); 6] = [
    ("r", "r", "sub, obj, act"),
    ("p", "p", "sub, obj, act, eft"),
    ("g", "g", "_, _"),
    ("g", "g2", "_, _, _"),
    ("g", "g3", "_, _, _"),
    ("e", "e", DENY_OVERRIDES),
];

/// Parses and checks a model.
///
/// # Errors
/// When a definition is missing, other or too many, when casbin would cut a line at a `#`, or when the matcher calls
/// anything but the role functions.
pub(crate) fn read(text: &str) -> Result<DefaultModel, ModelError> {
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if line.contains('#') {
            return Err(ModelError(format!("a # inside a line cuts a rule short: {line}")));
        }
    }
    let model = ready(DefaultModel::from_str(text))??;
    for (section, key, text) in DEFINITIONS {
        let found = definition(&model, section, key).unwrap_or_default();
        if found != text {
            return Err(ModelError(format!("definition {key} must read `{text}`, not `{found}`")));
        }
    }
    let count: usize = model.get_model().values().map(|section| section.len()).sum();
    if count != DEFINITIONS.len() + 1 {
        return Err(ModelError("there are definitions that nobody uses, such as r2 or m2".to_owned()));
    }
    check_matcher(&definition(&model, "m", "m").unwrap_or_default())?;
    Ok(model)
}

/// Takes the result of one of casbin's constructors, which are async in form but never wait.
pub(crate) fn ready<F: Future>(future: F) -> Result<F::Output, ModelError> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => Err(ModelError("casbin waited while it was set up".to_owned())),
    }
}

fn definition(model: &DefaultModel, section: &str, key: &str) -> Option<String> {
    Some(model.get_model().get(section)?.get(key)?.value.clone())
}

/// Only g, g2 and g3 may be called: casbin's pattern functions match prefixes of other names and panic on some, and `eval`
/// would run text from a policy.
fn check_matcher(matcher: &str) -> Result<(), ModelError> {
    if matcher.is_empty() {
        return Err(ModelError("there is no matcher".to_owned()));
    }
    let mut rest = matcher;
    while let Some((before, after)) = rest.split_once('(') {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let name = before.trim_end().rsplit(|c| !word(c)).next().unwrap_or_default();
        if !matches!(name, "" | "g" | "g2" | "g3") {
            return Err(ModelError(format!("the matcher may not call `{name}`")));
        }
        rest = after;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
