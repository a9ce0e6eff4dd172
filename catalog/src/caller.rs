//! Who asks. Only the identity layer of the server and tests make a `Caller`.

use crate::model::{PrincipalId, PrincipalKind, PrincipalName, RequestId};

/// The one on whose behalf an operation runs. It carries identity only: groups and rights are looked up anew by
/// every operation, so that a change is in force for the very next one.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub principal: PrincipalId,
    /// Their name.
    pub name: PrincipalName,
    /// What they are.
    pub kind: PrincipalKind,
    /// The request that this is part of.
    pub request_id: RequestId,
    /// Through which door they came: `grpc`, `flight`, `http`, `startup`.
    pub door: &'static str,
}
