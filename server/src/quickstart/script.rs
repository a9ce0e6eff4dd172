//! Statements of the administrator, one after the other in one session.

use lakewarden_catalog::Caller;
use lakewarden_engine::statement::split_script;
use lakewarden_engine::{Engine, EngineError};

use crate::error::ServerError;

/// Who runs statements, and on what.
pub(super) struct Script<'a> {
    pub(super) engine: &'a Engine,
    pub(super) admin: &'a Caller,
}

impl Script<'_> {
    /// Runs every statement of a text; the first that fails ends it.
    pub(super) async fn run(&self, text: &str) -> Result<(), ServerError> {
        let session = self.engine.session(self.admin.clone());
        let statements = split_script(text).map_err(|e| fault(text, &EngineError::from(e)))?;
        for statement in &statements {
            let answer = session.run(statement).await.map_err(|e| fault(statement, &e))?;
            answer.collect().await.map_err(|e| fault(statement, &e))?;
        }
        Ok(())
    }
}

/// A statement that failed, by its first line.
pub(super) fn fault(statement: &str, error: &EngineError) -> ServerError {
    let line = statement.lines().next().unwrap_or_default();
    ServerError::Quickstart { cause: format!("`{line}`: {error}"), kind: error.kind() }
}
