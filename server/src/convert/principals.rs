//! `principals.proto`.

use lakewarden_catalog::Pinned;
use lakewarden_catalog::model::{Principal, PrincipalKind};
use lakewarden_proto::v1;

use super::Faults;
use super::faults::show_etag;
use super::records::timestamp;

/// A principal as it is sent.
pub fn show(pinned: &Pinned, principal: &Principal) -> v1::Principal {
    v1::Principal {
        id: principal.id.to_string(),
        name: principal.name.to_string(),
        kind: show_kind(principal.kind).into(),
        comment: principal.comment.clone().unwrap_or_default(),
        created_at: Some(timestamp(principal.created_at_ms)),
        created_by: pinned.state().principal_name(principal.created_by),
        etag: show_etag(principal.etag),
    }
}

/// A kind as it is sent.
pub fn show_kind(kind: PrincipalKind) -> v1::PrincipalKind {
    match kind {
        PrincipalKind::User => v1::PrincipalKind::User,
        PrincipalKind::Group => v1::PrincipalKind::Group,
        PrincipalKind::ServicePrincipal => v1::PrincipalKind::ServicePrincipal,
    }
}

/// A kind that may be left out.
pub fn kind(number: i32, faults: &mut Faults) -> Option<Option<PrincipalKind>> {
    match v1::PrincipalKind::try_from(number) {
        Ok(v1::PrincipalKind::Unspecified) => Some(None),
        Ok(v1::PrincipalKind::User) => Some(Some(PrincipalKind::User)),
        Ok(v1::PrincipalKind::Group) => Some(Some(PrincipalKind::Group)),
        Ok(v1::PrincipalKind::ServicePrincipal) => Some(Some(PrincipalKind::ServicePrincipal)),
        Err(_) => {
            faults.add("kind", "is not a kind of principals");
            None
        }
    }
}

/// A kind that must be there.
pub fn required_kind(number: i32, faults: &mut Faults) -> Option<PrincipalKind> {
    let kind = kind(number, faults)?;
    if kind.is_none() {
        faults.add("kind", "is required: user, group or service principal");
    }
    kind
}
