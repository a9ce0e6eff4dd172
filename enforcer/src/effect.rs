//! How the effects of the matching rows make one verdict: allowed by at least one row and denied by none.
//!
//! Our own effector instead of casbin's, for two reasons: casbin's panics on an effect text that it does not know, and it
//! stops at the first denial, whereas an explanation names all rows that decided.

use std::sync::Arc;

use casbin::{EffectKind, Effector, EffectorStream};
use parking_lot::Mutex;

/// The one policy effect that is understood, as casbin hands it over.
pub(crate) const DENY_OVERRIDES: &str = "some(where (p_eft == allow)) && !some(where (p_eft == deny))";

/// What each row said in the last decision, in the order of the rows.
pub(crate) type Heard = Arc<Mutex<Vec<EffectKind>>>;

/// Records what each row said.
pub(crate) struct RecordingEffector(pub(crate) Heard);

impl Effector for RecordingEffector {
    fn new_stream(&self, expr: &str, cap: usize) -> Box<dyn EffectorStream> {
        let mut heard = self.0.lock();
        heard.clear();
        heard.reserve(cap);
        drop(heard);
        Box::new(RecordingStream {
            understood: expr == DENY_OVERRIDES,
            allowed: false,
            denied: false,
            heard: Arc::clone(&self.0),
        })
    }
}

struct RecordingStream {
    understood: bool,
    allowed: bool,
    denied: bool,
    heard: Heard,
}

impl EffectorStream for RecordingStream {
    fn next(&self) -> bool {
        self.understood && self.allowed && !self.denied
    }

    fn push_effect(&mut self, effect: EffectKind) -> bool {
        self.allowed |= effect == EffectKind::Allow;
        self.denied |= effect == EffectKind::Deny;
        self.heard.lock().push(effect);
        false
    }
}
