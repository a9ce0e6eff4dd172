//! `audit.proto`.

use lakewarden_catalog::model::{AuditEvent, Outcome, PrincipalName};
use lakewarden_proto::v1;

use super::Faults;
use super::records::{milliseconds, timestamp};

/// An audit record as it is sent.
pub fn show(event: AuditEvent) -> v1::AuditEvent {
    v1::AuditEvent {
        sequence: event.seq,
        time: Some(timestamp(event.at_ms)),
        request_id: event.request_id.to_string(),
        principal_id: event.principal.to_string(),
        principal: event.principal_name,
        door: event.door,
        action: event.action,
        securable: event.securable,
        outcome: show_outcome(event.outcome).into(),
        details: event.details,
    }
}

fn show_outcome(outcome: Outcome) -> v1::AuditOutcome {
    match outcome {
        Outcome::Allowed => v1::AuditOutcome::Allowed,
        Outcome::Denied => v1::AuditOutcome::Denied,
    }
}

/// Which records a request wants.
#[derive(Debug, Default)]
pub struct Wanted {
    principal: Option<PrincipalName>,
    action: Option<String>,
    outcome: Option<Outcome>,
    since_ms: Option<i64>,
    until_ms: Option<i64>,
}

impl Wanted {
    /// Reads the conditions of a request.
    pub fn of(request: &v1::ListAuditEventsRequest, faults: &mut Faults) -> Option<Self> {
        let principal = if request.principal.is_empty() {
            Some(None)
        } else {
            faults.principal("principal", &request.principal).map(Some)
        };
        let outcome = match v1::AuditOutcome::try_from(request.outcome) {
            Ok(v1::AuditOutcome::Unspecified) => Some(None),
            Ok(v1::AuditOutcome::Allowed) => Some(Some(Outcome::Allowed)),
            Ok(v1::AuditOutcome::Denied) => Some(Some(Outcome::Denied)),
            Err(_) => {
                faults.add("outcome", "is not an outcome");
                None
            }
        };
        let mut time = |field, at: &Option<prost_types::Timestamp>| match at {
            Some(at) => milliseconds(field, at, faults).map(Some),
            None => Some(None),
        };
        let (since_ms, until_ms) = (time("since", &request.since), time("until", &request.until));
        let action = (!request.action.is_empty()).then(|| request.action.clone());
        Some(Self { principal: principal?, action, outcome: outcome?, since_ms: since_ms?, until_ms: until_ms? })
    }

    /// Whether the request wants this record.
    pub fn takes(&self, event: &AuditEvent) -> bool {
        let by = |name: &PrincipalName| event.principal_name.to_lowercase() == **name.folded();
        self.principal.as_ref().is_none_or(by)
            && self.action.as_ref().is_none_or(|action| *action == event.action)
            && self.outcome.is_none_or(|outcome| outcome == event.outcome)
            && self.since_ms.is_none_or(|since| since <= event.at_ms)
            && self.until_ms.is_none_or(|until| event.at_ms < until)
    }

    /// Whether nothing older than this record can be wanted.
    pub fn ends_at(&self, event: &AuditEvent) -> bool {
        self.since_ms.is_some_and(|since| event.at_ms < since)
    }
}

#[cfg(test)]
mod tests {
    use lakewarden_catalog::model::{PrincipalId, RequestId};
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;

    fn event() -> AuditEvent {
        AuditEvent {
            seq: 1,
            at_ms: 5_000,
            request_id: RequestId(Uuid::nil()),
            principal: PrincipalId(Uuid::nil()),
            principal_name: "Alice".to_owned(),
            door: "grpc".to_owned(),
            action: "grants.grant".to_owned(),
            securable: "main".to_owned(),
            outcome: Outcome::Allowed,
            details: Default::default(),
        }
    }

    fn request(set: impl Fn(&mut v1::ListAuditEventsRequest)) -> v1::ListAuditEventsRequest {
        let mut request = v1::ListAuditEventsRequest::default();
        set(&mut request);
        request
    }

    #[rstest]
    #[case(request(|_| {}), true)]
    #[case(request(|r| r.principal = "alice".to_owned()), true)]
    #[case(request(|r| r.principal = "bob".to_owned()), false)]
    #[case(request(|r| r.action = "grants.grant".to_owned()), true)]
    #[case(request(|r| r.action = "grants".to_owned()), false)]
    #[case(request(|r| r.outcome = v1::AuditOutcome::Allowed.into()), true)]
    #[case(request(|r| r.outcome = v1::AuditOutcome::Denied.into()), false)]
    #[case(request(|r| r.since = Some(timestamp(5_000))), true)]
    #[case(request(|r| r.since = Some(timestamp(5_001))), false)]
    #[case(request(|r| r.until = Some(timestamp(5_001))), true)]
    #[case(request(|r| r.until = Some(timestamp(5_000))), false)]
    fn conditions_are_met_or_not(#[case] request: v1::ListAuditEventsRequest, #[case] taken: bool) {
        assert_eq!(Wanted::of(&request, &mut Faults::new()).unwrap().takes(&event()), taken);
    }

    #[test]
    fn all_faults_are_told() {
        let request = request(|r| {
            r.principal = " x".to_owned();
            r.outcome = 9;
            r.since = Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 });
            r.until = Some(prost_types::Timestamp { seconds: 0, nanos: -1 });
        });
        let mut faults = Faults::new();
        assert!(Wanted::of(&request, &mut faults).is_none());
        let status = faults.finish(Some(())).unwrap_err();
        let told = tonic_types::StatusExt::get_details_bad_request(&status).unwrap().field_violations;
        assert_eq!(
            told.iter().map(|v| v.field.as_str()).collect::<Vec<_>>(),
            ["principal", "outcome", "since", "until"]
        );
    }
}
