//! One casbin enforcer, fed with the rows of one question at a time.
//!
//! The compiled matcher stays; only the rows and the world behind the role manager are exchanged. casbin and its script
//! engine may panic; that too is an error and so a denial.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use casbin::{CoreApi, DefaultModel, EffectKind, Enforcer};
use lakewarden_catalog::GateError;
use lakewarden_catalog::model::{PrincipalId, SecurableId};
use parking_lot::RwLock;

use crate::effect::{Heard, RecordingEffector};
use crate::error::ModelError;
use crate::model::ready;
use crate::roles::{Roles, World, object, subject};
use crate::words::{Held, Wanted};

/// One p line: `principal` holds `held` on `securable`, or is denied it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) principal: PrincipalId,
    pub(crate) securable: SecurableId,
    pub(crate) held: Held,
    pub(crate) denied: bool,
}

impl Row {
    /// The four fields of the model. INVARIANT: the effect is one of casbin's two words; it skips any other in silence.
    fn fields(&self) -> Vec<String> {
        let effect = if self.denied { "deny" } else { "allow" };
        vec![subject(self.principal), object(self.securable), self.held.text().to_owned(), effect.to_owned()]
    }
}

/// casbin's answer to one question.
pub(crate) struct Verdict {
    pub(crate) allowed: bool,
    /// What each row said, in the order of the rows.
    pub(crate) effects: Vec<EffectKind>,
}

/// A casbin enforcer with its role manager's world.
pub(crate) struct Judge<W> {
    casbin: Enforcer,
    world: Arc<RwLock<W>>,
    heard: Heard,
    rows: usize,
}

impl<W: World> Judge<W> {
    /// Sets up casbin with a model that was checked.
    pub(crate) fn new(model: &DefaultModel, world: W) -> Result<Self, ModelError> {
        let mut casbin = ready(Enforcer::new_raw(model.clone(), ()))??;
        let world = Arc::new(RwLock::new(world));
        let heard = Heard::default();
        casbin.enable_auto_build_role_links(false);
        casbin.set_effector(Box::new(RecordingEffector(Arc::clone(&heard))));
        casbin.set_role_manager(Arc::new(RwLock::new(Roles(Arc::clone(&world)))))?;
        Ok(Self { casbin, world, heard, rows: 0 })
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
        self.rows = rows.len();
        self.set_lines(rows.iter().map(Row::fields))
    }

    fn set_lines(&mut self, lines: impl Iterator<Item = Vec<String>>) -> Result<(), GateError> {
        let sections = self.casbin.get_mut_model().get_mut_model();
        let Some(policies) = sections.get_mut("p").and_then(|section| section.get_mut("p")) else {
            return Err(GateError("the model has no policy definition".to_owned()));
        };
        policies.policy.clear();
        policies.policy.extend(lines);
        if policies.policy.len() == self.rows { Ok(()) } else { Err(GateError("a grant is recorded twice".to_owned())) }
    }

    /// Has casbin decide one question over the rows and world that were set.
    ///
    /// # Errors
    /// When casbin cannot decide, or panics. The judge should not be used again then.
    pub(crate) fn ask(
        &self,
        caller: PrincipalId,
        securable: SecurableId,
        wanted: Wanted,
    ) -> Result<Verdict, GateError> {
        let request = vec![subject(caller), object(securable), wanted.text().to_owned()];
        let allowed = guarded(|| self.casbin.enforce(request))?;
        let effects = std::mem::take(&mut *self.heard.lock());
        // casbin asks its matcher once, with empty words, when there are no rows.
        if effects.len() == self.rows.max(1) {
            Ok(Verdict { allowed, effects })
        } else {
            Err(GateError("casbin did not look at every row".to_owned()))
        }
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
mod tests;
