//! The bodies of functions become part of the caller's own plan. Whoever may not read a body learns it from no plan and no
//! error either: both may quote its text, and values that it reads under its owner's rights.

use std::sync::Arc;

use datafusion::error::DataFusionError;
use lakewarden_catalog::model::{FullName, SecurableKind};
use lakewarden_catalog::{Need, Pinned};

use super::Run;
use crate::error::EngineError;
use crate::governed::{FaultLog, ScanFault};

/// Covers what a statement says of functions whose bodies its caller may not read.
#[derive(Clone)]
pub(super) struct Veil {
    /// The full names of these functions.
    functions: Vec<String>,
    pinned: Pinned,
    faults: Arc<dyn FaultLog>,
}

impl Run {
    /// The veil over what has been planned so far; none when the caller may read all of it.
    pub(super) async fn veil(&self) -> Option<Veil> {
        let shown = self.planner.shown_functions().await;
        let hidden = shown.into_iter().filter(|id| !self.pinned.allows(*id, Need::Manage));
        let functions: Vec<_> = hidden.map(|id| self.pinned.state().full_name(id)).collect();
        if functions.is_empty() {
            return None;
        }
        Some(Veil { functions, pinned: self.pinned.clone(), faults: self.planner.faults.clone() })
    }
}

/// The error as the caller may read it.
pub(super) fn veiled(veil: Option<&Veil>, error: EngineError) -> EngineError {
    match veil {
        Some(veil) => veil.over(error),
        None => error,
    }
}

impl Veil {
    /// A refusal to show a plan.
    pub(super) fn refuse_plan(&self) -> EngineError {
        EngineError::Refused(format!(
            "the plan would show the body of {}: EXPLAIN of it needs MANAGE on the function",
            self.called()
        ))
    }

    fn over(&self, error: EngineError) -> EngineError {
        match error {
            EngineError::Data { sqlstate, message } => EngineError::Data { sqlstate, message: self.covered(&message) },
            EngineError::Invalid { sqlstate, message } => {
                EngineError::Invalid { sqlstate, message: self.covered(&message) }
            }
            EngineError::Unimplemented(_) => EngineError::Unimplemented(format!("this use of {}", self.called())),
            EngineError::Governed(fault) if !self.sees(&fault.label) => {
                EngineError::Governed(ScanFault { label: self.called(), reference: fault.reference })
            }
            other => other,
        }
    }

    fn covered(&self, text: &str) -> String {
        let called = self.called();
        let reference = self.faults.record(&called, &DataFusionError::Execution(text.to_owned()));
        format!(
            "the statement fails, and why is withheld as it calls {called}, whose body you may not read; an administrator finds it under reference {reference}"
        )
    }

    fn called(&self) -> String {
        self.functions.join(", ")
    }

    fn sees(&self, label: &str) -> bool {
        FullName::parse(label).is_ok_and(|name| self.pinned.resolve(SecurableKind::Table, &name).is_ok())
    }
}
