//! How the effects of the matching rows make one verdict: allowed by at least one row and denied by none.
//!
//! Our own effector instead of casbin's, for two reasons: casbin's panics on an effect text that it does not know, and it
//! stops at the first denial, whereas an explanation names all rows that decided.

use std::cell::RefCell;

use casbin::{EffectKind, Effector, EffectorStream};

/// The one policy effect that is understood, as casbin hands it over.
pub(crate) const DENY_OVERRIDES: &str = "some(where (p_eft == allow)) && !some(where (p_eft == deny))";

thread_local! {
    // casbin decides in the thread that asks, and takes its effector by `&self`: so the record lies beside it.
    static HEARD: RefCell<Vec<EffectKind>> = const { RefCell::new(Vec::new()) };
}

/// What each row said in the last decision of this thread, in the order of the rows.
pub(crate) fn heard<T>(read: impl FnOnce(&[EffectKind]) -> T) -> T {
    HEARD.with_borrow(|heard| read(heard))
}

/// Records what each row said.
pub(crate) struct RecordingEffector;

impl Effector for RecordingEffector {
    fn new_stream(&self, expr: &str, _cap: usize) -> Box<dyn EffectorStream> {
        HEARD.with_borrow_mut(Vec::clear);
        Box::new(RecordingStream { understood: expr == DENY_OVERRIDES, allowed: false, denied: false })
    }
}

struct RecordingStream {
    understood: bool,
    allowed: bool,
    denied: bool,
}

impl EffectorStream for RecordingStream {
    fn next(&self) -> bool {
        self.understood && self.allowed && !self.denied
    }

    fn push_effect(&mut self, effect: EffectKind) -> bool {
        self.allowed |= effect == EffectKind::Allow;
        self.denied |= effect == EffectKind::Deny;
        HEARD.with_borrow_mut(|heard| heard.push(effect));
        false
    }
}
