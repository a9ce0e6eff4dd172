//! The role manager: casbin's questions about membership, nesting and implication.
//!
//! casbin keeps one graph for g, g2 and g3, so that a securable could pass for a group, and it gives up silently below ten
//! levels of groups, so that a denial would be lost. Here the three are told apart by their third argument, and nothing
//! has a depth.

use std::sync::Arc;

use casbin::{MatchingFn, RoleManager};
use parking_lot::RwLock;

use crate::words::{Held, Place, Wanted, counts, gives};

/// A principal by its number in the world of a question. Its text is no name and no name can be its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Subject(pub(crate) u32);

/// A securable by its number in the world of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Object(pub(crate) u32);

impl Subject {
    /// Writes the text by which casbin knows it. The prefix keeps it apart from every securable.
    pub(crate) fn write(self, text: &mut String) {
        text.push_str("p:");
        push_number(text, self.0);
    }

    fn read(text: &str) -> Option<Self> {
        read_number(text, "p:").map(Self)
    }
}

impl Object {
    /// Writes the text by which casbin knows it. The prefix keeps it apart from every principal.
    pub(crate) fn write(self, text: &mut String) {
        text.push_str("s:");
        push_number(text, self.0);
    }

    fn read(text: &str) -> Option<Self> {
        read_number(text, "s:").map(Self)
    }
}

/// Who is a member of what, and what is below what. Principals and securables have numbers in it.
pub(crate) trait World: Send + Sync + 'static {
    /// Whether `caller` is `principal` or a member of it at any depth.
    fn is_member(&self, caller: Subject, principal: Subject) -> bool;
    /// Where `place` lies, seen from `object`.
    fn place(&self, object: Object, place: Object) -> Place;
}

/// Answers casbin from a world that can be exchanged between questions.
pub(crate) struct Roles<W>(pub(crate) Arc<RwLock<W>>);

impl<W: World> Roles<W> {
    /// g: whether the caller is the principal or a member of it.
    fn member(&self, caller: &str, principal: &str) -> Option<bool> {
        Some(self.0.read().is_member(Subject::read(caller)?, Subject::read(principal)?))
    }

    /// g2: whether what is held on a place counts on an object.
    fn counts(&self, object: &str, place: &str, held: &str) -> Option<bool> {
        let place = self.0.read().place(Object::read(object)?, Object::read(place)?);
        Some(counts(Held::parse(held)?, place))
    }
}

/// g3: whether what is held gives what is wanted, or denied takes it away.
fn implied(wanted: &str, held: &str, denied: bool) -> Option<bool> {
    Some(gives(denied, Held::parse(held)?, Wanted::parse(wanted)?))
}

impl<W: World> RoleManager for Roles<W> {
    fn has_link(&self, first: &str, second: &str, domain: Option<&str>) -> bool {
        let answer = match domain {
            None => self.member(first, second),
            Some("allow") => implied(first, second, false),
            Some("deny") => implied(first, second, true),
            Some(held) => self.counts(first, second, held),
        };
        answer.unwrap_or(false)
    }

    // Links are never kept here: they are read from the world, so there is nothing to clear, add or list.
    fn clear(&mut self) {}
    fn add_link(&mut self, _first: &str, _second: &str, _domain: Option<&str>) {}
    fn matching_fn(&mut self, _role: Option<MatchingFn>, _domain: Option<MatchingFn>) {}
    fn delete_link(&mut self, _first: &str, _second: &str, _domain: Option<&str>) -> casbin::Result<()> {
        Ok(())
    }
    fn get_roles(&self, _name: &str, _domain: Option<&str>) -> Vec<String> {
        Vec::new()
    }
    fn get_users(&self, _name: &str, _domain: Option<&str>) -> Vec<String> {
        Vec::new()
    }
}

fn push_number(text: &mut String, number: u32) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.extend(char::from_digit(number % 10, 10));
}

fn read_number(text: &str, prefix: &str) -> Option<u32> {
    text.strip_prefix(prefix)?.parse().ok()
}
