//! The enforcer: answers the catalog's questions.

use std::cell::Cell;

use casbin::{DefaultModel, EffectKind};
use lakewarden_catalog::model::Privilege;
use lakewarden_catalog::{Ask, Decision, Gate, GateError, Reason};
use parking_lot::Mutex;

use crate::candidates::{ChainWorld, Groups, Holdings, rows};
use crate::effect::heard;
use crate::error::ModelError;
use crate::judge::{Judge, Row};
use crate::memo::Memo;
use crate::model;
use crate::plan::{Plan, Step, plan};
use crate::roles::Object;
use crate::trial::try_out;
use crate::words::{Held, Relevance, Relevant, Wanted};

/// How many idle casbin enforcers are kept for the next question.
const IDLE_JUDGES: usize = 16;
/// One in so many remembered verdicts is decided again, to notice should the memo ever be wrong.
const CHECK_ONE_IN: u32 = 1024;

/// The guard of the catalog: decides every [`Ask`] by the casbin model.
///
/// `decide` has casbin look at the real rows each time and gives the reasons. `allows` gives the same answer from the
/// memo of verdicts where it can.
pub struct Enforcer {
    model: DefaultModel,
    relevance: Relevance,
    memo: Memo,
    idle: Mutex<Vec<Judge<ChainWorld>>>,
}

impl Enforcer {
    /// An enforcer with the model that is part of the program.
    ///
    /// # Errors
    /// When the embedded model cannot be used.
    pub fn new() -> Result<Self, ModelError> {
        Self::from_model(model::EMBEDDED)
    }

    /// An enforcer with another model of the same shape.
    ///
    /// The matcher may look at ids only through g and g2 and by comparing `r.obj` with `p.obj`: verdicts are remembered by
    /// what is held, not by whom.
    ///
    /// # Errors
    /// When the model is not of that shape, or casbin cannot compile it.
    pub fn from_model(text: &str) -> Result<Self, ModelError> {
        let model = model::read(text)?;
        let mut judge = Judge::new(&model, ChainWorld::empty())?;
        try_out(&mut judge)?;
        Ok(Self { model, relevance: Relevance::new(), memo: Memo::default(), idle: Mutex::new(vec![judge]) })
    }

    /// The answer of `allows` without the memo: casbin decides every question that has candidate rows. For measuring.
    pub fn judges(&self, ask: &Ask<'_>) -> bool {
        let answer = Question::of(ask, &self.relevance).and_then(|question| {
            question.plan.answer(|step| {
                let relevant = self.relevance.of(step.wanted);
                if question.holdings.signature(step, relevant).is_hopeless() {
                    return Ok(false);
                }
                self.judged(&question, step, &question.rows(step, relevant, true))
            })
        });
        self.or_refused(answer)
    }

    /// The answer without reasons, from the memo where it is known.
    fn answer(&self, ask: &Ask<'_>) -> Result<bool, GateError> {
        let question = Question::of(ask, &self.relevance)?;
        question.plan.answer(|step| self.verdict(&question, step))
    }

    fn verdict(&self, question: &Question<'_>, step: Step) -> Result<bool, GateError> {
        let relevant = self.relevance.of(step.wanted);
        let signature = question.holdings.signature(step, relevant);
        if signature.is_hopeless() {
            return Ok(false);
        }
        let remembered = self.memo.get(&signature);
        if let Some(allowed) = remembered
            && !check_is_due()
        {
            return Ok(allowed);
        }
        let allowed = self.judged(question, step, &question.rows(step, relevant, true))?;
        if remembered.is_some_and(|remembered| remembered != allowed) {
            self.memo.forget();
            return Err(GateError("a remembered verdict was wrong; all are forgotten".to_owned()));
        }
        self.memo.insert(signature, allowed);
        Ok(allowed)
    }

    /// The verdict with the rows that made it so: the allowing ones, or if refused the denying ones.
    fn explained(&self, question: &Question<'_>, step: Step) -> Result<(bool, Vec<Reason>), GateError> {
        let rows = question.rows(step, self.relevance.of(step.wanted), false);
        if rows.is_empty() {
            return Ok((false, Vec::new()));
        }
        let allowed = self.judged(question, step, &rows)?;
        let deciding = if allowed { EffectKind::Allow } else { EffectKind::Deny };
        let reasons = heard(|effects| {
            let said = rows.iter().zip(effects).filter(|(_, effect)| **effect == deciding);
            said.filter_map(|(row, _)| question.reason(row)).collect()
        });
        Ok((allowed, reasons))
    }

    fn judged(&self, question: &Question<'_>, step: Step, rows: &[Row]) -> Result<bool, GateError> {
        let world = ChainWorld::of(question.ask, &question.groups);
        let (Some(caller), Ok(object)) = (world.caller(), u32::try_from(step.level)) else {
            return Err(GateError("the question has no caller".to_owned()));
        };
        let idle = self.idle.lock().pop();
        let mut judge = match idle {
            Some(judge) => judge,
            None => Judge::new(&self.model, ChainWorld::empty()).map_err(|error| GateError(error.to_string()))?,
        };
        judge.set_world(world);
        judge.set_rows(rows)?;
        let allowed = judge.ask(caller, Object(object), step.wanted)?;
        // A judge that failed is not put back.
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_JUDGES {
            idle.push(judge);
        }
        Ok(allowed)
    }

    /// Every step must hold. A refusal names all that fail, so that one look is enough to mend it.
    fn explain_all(&self, question: &Question<'_>, steps: impl Iterator<Item = Step>) -> Result<Decision, GateError> {
        let (mut all, mut allowing, mut refusing) = (true, Vec::new(), Vec::new());
        for step in steps {
            let (allowed, reasons) = self.explained(question, step)?;
            all &= allowed;
            match (allowed, reasons.is_empty()) {
                (true, _) => allowing.extend(reasons),
                (false, false) => refusing.extend(reasons),
                (false, true) => refusing.extend(question.missing(step)),
            }
        }
        Ok(if all { Decision::allow(distinct(allowing)) } else { Decision::deny(distinct(refusing)) })
    }

    /// One step is enough. A refusal names the denials that it met, or else what is missing.
    fn explain_any(
        &self,
        question: &Question<'_>,
        steps: impl Iterator<Item = Step>,
        lacking: Privilege,
    ) -> Result<Decision, GateError> {
        let mut refusing = Vec::new();
        for step in steps {
            let (allowed, reasons) = self.explained(question, step)?;
            if allowed {
                return Ok(Decision::allow(distinct(reasons)));
            }
            refusing.extend(reasons);
        }
        if refusing.is_empty() {
            let securable = question.ask.chain.first().map(|link| link.id);
            refusing.extend(securable.map(|securable| Reason::Missing { privilege: lacking, securable }));
        }
        Ok(Decision::deny(distinct(refusing)))
    }

    fn or_refused(&self, answer: Result<bool, GateError>) -> bool {
        answer.unwrap_or_else(|error| {
            tracing::error!(%error, "a question was refused because it could not be decided");
            false
        })
    }
}

impl Gate for Enforcer {
    fn decide(&self, ask: &Ask<'_>) -> Result<Decision, GateError> {
        let question = Question::of(ask, &self.relevance)?;
        match question.plan {
            Plan::All(steps) => self.explain_all(&question, steps.into_iter().flatten()),
            Plan::Any(steps, lacking) => self.explain_any(&question, steps.into_iter().flatten(), lacking),
            Plan::Never(lacking) => self.explain_any(&question, std::iter::empty(), lacking),
        }
    }

    fn allows(&self, ask: &Ask<'_>) -> bool {
        self.or_refused(self.answer(ask))
    }
}

/// An ask that was checked, with what its caller holds.
struct Question<'a> {
    ask: &'a Ask<'a>,
    plan: Plan,
    groups: Groups<'a>,
    holdings: Holdings,
}

impl<'a> Question<'a> {
    /// # Errors
    /// When the ask is malformed, or a grant holds a privilege that this build does not know.
    fn of(ask: &'a Ask<'a>, relevance: &Relevance) -> Result<Self, GateError> {
        let (plan, groups) = (plan(ask)?, Groups::of(ask.closure)?);
        let holdings = Holdings::collect(ask, &groups, relevance)?;
        Ok(Self { ask, plan, groups, holdings })
    }

    fn rows(&self, step: Step, relevant: Relevant, merge: bool) -> Vec<Row> {
        rows(self.ask, &self.groups, step, relevant, merge)
    }

    fn reason(&self, row: &Row) -> Option<Reason> {
        let principal = *self.ask.closure.members_of.get(row.principal.0 as usize)?;
        let securable = self.ask.chain.get(row.securable.0 as usize)?.id;
        Some(match row.held {
            Held::Own | Held::Govern => Reason::Owner { principal, securable },
            Held::Privilege(privilege) if row.denied => Reason::Deny { principal, privilege, securable },
            Held::Privilege(privilege) => Reason::Grant { principal, privilege, securable },
        })
    }

    fn missing(&self, step: Step) -> Option<Reason> {
        let privilege = match step.wanted {
            Wanted::Privilege(privilege) => privilege,
            Wanted::Govern => Privilege::Manage,
            Wanted::See(_) => Privilege::Browse,
        };
        Some(Reason::Missing { privilege, securable: self.ask.chain.get(step.level)?.id })
    }
}

impl std::fmt::Debug for Enforcer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enforcer").finish_non_exhaustive()
    }
}

/// Whether this remembered verdict is one of the few that casbin checks again with the real rows.
fn check_is_due() -> bool {
    thread_local! {
        static REMEMBERED: Cell<u32> = const { Cell::new(0) };
    }
    let count = REMEMBERED.get().wrapping_add(1);
    REMEMBERED.set(count);
    count.is_multiple_of(CHECK_ONE_IN)
}

/// The reasons once each, in their order: one grant may decide several steps.
fn distinct(reasons: Vec<Reason>) -> Vec<Reason> {
    let mut kept: Vec<Reason> = Vec::with_capacity(reasons.len());
    for reason in reasons {
        if !kept.contains(&reason) {
            kept.push(reason);
        }
    }
    kept
}

#[cfg(test)]
mod kinds;
#[cfg(test)]
mod tests;
