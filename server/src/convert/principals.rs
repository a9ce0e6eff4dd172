//! `principals.proto`.

use lakewarden_catalog::Pinned;
use lakewarden_catalog::model::{Principal, PrincipalKind, PrincipalName};
use lakewarden_catalog::ops::principals::{Leftovers, PrincipalUpdate};
use lakewarden_proto::v1;
use tonic::Status;

use super::Faults;
use super::faults::show_etag;
use super::mask::changes;
use super::records::{checked_comment, timestamp};

/// The fields of a principal that may be updated.
const CHANGEABLE: &[&str] = &["name", "comment"];

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

/// The name of a principal that may be left out.
pub fn optional(field: &str, name: &str, faults: &mut Faults) -> Option<Option<PrincipalName>> {
    if name.is_empty() { Some(None) } else { faults.principal(field, name).map(Some) }
}

/// Which principal a request is about, and of which kind it must be.
pub type Named = (PrincipalName, Option<PrincipalKind>);

/// Reads an update request.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn change(request: &v1::UpdatePrincipalRequest) -> Result<(Named, PrincipalUpdate), Status> {
    let mut faults = Faults::new();
    let read = read_change(request, &mut faults);
    faults.finish(read)
}

fn read_change(request: &v1::UpdatePrincipalRequest, faults: &mut Faults) -> Option<(Named, PrincipalUpdate)> {
    let name = faults.principal("name", &request.name);
    let kind = kind(request.kind, faults);
    let etag = faults.etag(&request.etag);
    let changes = changes(request.update_mask.as_ref(), CHANGEABLE, faults);
    let Some(values) = &request.principal else {
        faults.add("principal", "is required: it holds the new values");
        return None;
    };
    let changes = changes?;
    let new_name = match changes.has("name") {
        true => faults.principal("principal.name", &values.name).map(Some),
        false => Some(None),
    };
    let comment = match changes.has("comment") {
        true => checked_comment(&values.comment, faults).map(Some),
        false => Some(None),
    };
    Some(((name?, kind?), PrincipalUpdate { name: new_name?, comment: comment?, etag: etag? }))
}

/// Reads a delete request.
///
/// # Errors
/// `INVALID_ARGUMENT` for each fault.
pub fn delete(request: &v1::DeletePrincipalRequest) -> Result<(Named, Leftovers, Option<u64>), Status> {
    let mut faults = Faults::new();
    let name = faults.principal("name", &request.name);
    let kind = kind(request.kind, &mut faults);
    let etag = faults.etag(&request.etag);
    let leftovers = leftovers(request, &mut faults);
    let read = name.zip(kind).zip(leftovers).zip(etag);
    faults.finish(read.map(|((named, leftovers), etag)| (named, leftovers, etag)))
}

fn leftovers(request: &v1::DeletePrincipalRequest, faults: &mut Faults) -> Option<Leftovers> {
    let choice = match v1::Leftovers::try_from(request.leftovers) {
        Ok(v1::Leftovers::Unspecified | v1::Leftovers::Restrict) => Leftovers::Restrict,
        Ok(v1::Leftovers::Cascade) => Leftovers::Cascade,
        Ok(v1::Leftovers::Reassign) => {
            return faults.principal("reassign_owned_to", &request.reassign_owned_to).map(Leftovers::ReassignTo);
        }
        Err(_) => {
            faults.add("leftovers", "is not a choice: restrict, cascade or reassign");
            return None;
        }
    };
    if !request.reassign_owned_to.is_empty() {
        faults.add("reassign_owned_to", "goes with `leftovers` REASSIGN only");
        return None;
    }
    Some(choice)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tonic_types::StatusExt;

    use super::*;

    fn faults<T: std::fmt::Debug>(read: Result<T, Status>) -> Vec<String> {
        let told = read.unwrap_err().get_details_bad_request().unwrap().field_violations;
        told.into_iter().map(|v| v.field).collect()
    }

    #[test]
    fn only_masked_fields_are_read() {
        let request = |paths: &[&str]| v1::UpdatePrincipalRequest {
            name: "bob".to_owned(),
            principal: Some(v1::Principal { name: " no name".to_owned(), ..Default::default() }),
            update_mask: Some(prost_types::FieldMask { paths: paths.iter().map(|p| (*p).to_owned()).collect() }),
            etag: "2a".to_owned(),
            kind: v1::PrincipalKind::User.into(),
        };
        let ((name, kind), update) = change(&request(&["comment"])).unwrap();
        assert_eq!((name.as_str(), kind), ("bob", Some(PrincipalKind::User)));
        assert_eq!((update.name, update.comment, update.etag), (None, Some(None), Some(42)));
        assert_eq!(faults(change(&request(&["comment", "name"]))), ["principal.name"]);
        assert_eq!(faults(change(&request(&["kind"]))), ["update_mask"]);
    }

    #[test]
    fn all_faults_of_an_update_are_told() {
        let request = v1::UpdatePrincipalRequest { kind: 17, etag: "zz".to_owned(), ..Default::default() };
        assert_eq!(faults(change(&request)), ["name", "kind", "etag", "update_mask", "principal"]);
    }

    #[rstest]
    #[case(0, "", Ok(Leftovers::Restrict))]
    #[case(1, "", Ok(Leftovers::Restrict))]
    #[case(2, "", Ok(Leftovers::Cascade))]
    #[case(3, "eve", Ok(Leftovers::ReassignTo(PrincipalName::parse("eve").unwrap())))]
    #[case(3, "", Err("reassign_owned_to"))]
    #[case(2, "eve", Err("reassign_owned_to"))]
    #[case(9, "", Err("leftovers"))]
    fn what_is_left_behind_needs_a_choice(
        #[case] choice: i32,
        #[case] to: &str,
        #[case] read: Result<Leftovers, &str>,
    ) {
        let request = v1::DeletePrincipalRequest {
            name: "bob".to_owned(),
            leftovers: choice,
            reassign_owned_to: to.to_owned(),
            ..Default::default()
        };
        match read {
            Ok(expected) => assert_eq!(delete(&request).unwrap().1, expected),
            Err(field) => assert_eq!(faults(delete(&request)), [field]),
        }
    }
}
