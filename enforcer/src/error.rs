//! What can go wrong before any question is asked. While deciding there is only `GateError`, which is a denial.

/// The authorization model cannot be used. The server must not start with it.
#[derive(Debug, thiserror::Error)]
#[error("the authorization model cannot be used: {0}")]
pub struct ModelError(pub String);

impl From<casbin::Error> for ModelError {
    fn from(error: casbin::Error) -> Self {
        Self(error.to_string())
    }
}
