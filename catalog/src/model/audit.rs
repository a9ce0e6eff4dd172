//! Audit records: who did what, to what, and what came of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{PrincipalId, RequestId};

/// What came of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Allowed,
    /// The caller may not do it; nothing was changed.
    Denied,
}

/// One audit record. It holds names and ids, never secrets or row values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// Its place in the log, from 1, without gaps within one start of the server.
    pub seq: u64,
    /// When, in milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// The request that it belongs to.
    pub request_id: RequestId,
    /// Who asked.
    pub principal: PrincipalId,
    /// The name they had then.
    pub principal_name: String,
    /// Through which door: `grpc`, `flight`, `http`, `startup`.
    pub door: String,
    /// What was asked: `grants.grant`, `tables.create`.
    pub action: String,
    /// The full name of what it was asked of.
    pub securable: String,
    /// What came of it.
    pub outcome: Outcome,
    /// The particulars: privileges, principals, new names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
}
