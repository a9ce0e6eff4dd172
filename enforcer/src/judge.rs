//! One casbin enforcer, fed with the rows of one question at a time.
//!
//! The compiled matcher stays; only the rows and the world behind the role manager are exchanged. casbin and its script
//! engine may panic; that too is an error and so a denial.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use casbin::rhai::{Dynamic, ImmutableString};
use casbin::{CoreApi, DefaultModel, EffectKind, EnforceArgs, Enforcer};
use lakewarden_catalog::GateError;
use parking_lot::RwLock;

use crate::effect::{RecordingEffector, heard};
use crate::error::ModelError;
use crate::model::ready;
use crate::roles::{Object, Roles, Subject, World};
use crate::words::{Held, Wanted};

/// One p line: `principal` holds `held` on `securable`, or is denied it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) principal: Subject,
    pub(crate) securable: Object,
    pub(crate) held: Held,
    pub(crate) denied: bool,
}

/// The four fields of a p line.
type Line = Vec<String>;

impl Row {
    /// Writes the fields of the model. INVARIANT: the effect is one of casbin's two words; it skips any other in silence.
    fn write(&self, line: &mut Line) {
        line.resize_with(4, String::new);
        line.iter_mut().for_each(String::clear);
        if let [subject, object, act, effect] = line.as_mut_slice() {
            self.principal.write(subject);
            self.securable.write(object);
            act.push_str(self.held.text());
            effect.push_str(if self.denied { "deny" } else { "allow" });
        }
    }
}

/// A casbin enforcer with its role manager's world.
pub(crate) struct Judge<W> {
    casbin: Enforcer,
    world: Arc<RwLock<W>>,
    rows: usize,
    /// Lines of earlier questions, whose room is used again.
    spare: Vec<Line>,
}

impl<W: World> Judge<W> {
    /// Sets up casbin with a model that was checked.
    pub(crate) fn new(model: &DefaultModel, world: W) -> Result<Self, ModelError> {
        let mut casbin = ready(Enforcer::new_raw(model.clone(), ()))??;
        let world = Arc::new(RwLock::new(world));
        casbin.enable_auto_build_role_links(false);
        casbin.set_effector(Box::new(RecordingEffector));
        casbin.set_role_manager(Arc::new(RwLock::new(Roles(Arc::clone(&world)))))?;
        Ok(Self { casbin, world, rows: 0, spare: Vec::new() })
    }

    /// Exchanges the world.
    pub(crate) fn set_world(&mut self, world: W) {
        *self.world.write() = world;
    }

    /// Exchanges all rows.
    ///
    /// # Errors
    /// When a row comes twice: the records it comes from are broken.
    pub(crate) fn set_rows(&mut self, rows: &[Row]) -> Result<(), GateError> {
        let sections = self.casbin.get_mut_model().get_mut_model();
        let Some(policies) = sections.get_mut("p").and_then(|section| section.get_mut("p")) else {
            return Err(GateError("the model has no policy definition".to_owned()));
        };
        self.spare.extend(policies.policy.drain());
        policies.policy.extend(rows.iter().map(|row| {
            let mut line = self.spare.pop().unwrap_or_default();
            row.write(&mut line);
            line
        }));
        self.rows = rows.len();
        if policies.policy.len() == self.rows { Ok(()) } else { Err(GateError("a grant is recorded twice".to_owned())) }
    }

    /// Has casbin decide one question over the rows and world that were set.
    ///
    /// # Errors
    /// When casbin cannot decide, or panics. The judge should not be used again then.
    pub(crate) fn ask(&self, caller: Subject, securable: Object, wanted: Wanted) -> Result<bool, GateError> {
        let allowed = guarded(|| self.casbin.enforce(Request(caller, securable, wanted)))?;
        // casbin asks its matcher once, with empty words, when there are no rows.
        if heard(<[EffectKind]>::len) == self.rows.max(1) {
            Ok(allowed)
        } else {
            Err(GateError("casbin did not look at every row".to_owned()))
        }
    }
}

#[cfg(test)]
impl<W> Judge<W> {
    /// casbin itself, to hold against it what must not happen.
    pub(crate) fn casbin(&mut self) -> &mut Enforcer {
        &mut self.casbin
    }
}

/// One question, as casbin takes it.
struct Request(Subject, Object, Wanted);

impl EnforceArgs for Request {
    fn try_into_vec(self) -> casbin::Result<Vec<Dynamic>> {
        let (mut caller, mut securable) = (String::new(), String::new());
        self.0.write(&mut caller);
        self.1.write(&mut securable);
        Ok(vec![caller.into(), securable.into(), ImmutableString::from(self.2.text()).into()])
    }

    /// Of use to casbin's cache only, which is not built in.
    fn cache_key(&self) -> u64 {
        0
    }
}

/// Runs casbin so that neither an error nor a panic of it is an answer.
fn guarded(enforce: impl FnOnce() -> casbin::Result<bool>) -> Result<bool, GateError> {
    match catch_unwind(AssertUnwindSafe(enforce)) {
        Ok(Ok(allowed)) => Ok(allowed),
        Ok(Err(error)) => Err(GateError(error.to_string())),
        Err(_panic) => Err(GateError("casbin panicked".to_owned())),
    }
}

#[cfg(test)]
pub(crate) mod tests;
