//! `audit list`.

use std::time::SystemTime;

use lakewarden_proto::v1::{AuditOutcome, ListAuditEventsRequest};

use super::{Context, page, records};
use crate::args::{AuditCommand, Outcome, When};
use crate::error::CliError;

/// Lists audit records.
///
/// # Errors
/// Those of the server.
pub async fn run(command: AuditCommand, context: &mut Context) -> Result<(), CliError> {
    let AuditCommand::List(args) = command;
    let now = SystemTime::now();
    let timestamp = |when: When| when.timestamp(now);
    let (since, until) = (args.since.map(timestamp), args.until.map(timestamp));
    let client = context.client.audit();
    let found = page::all(args.list.limit, async |page_size, page_token| {
        let request = ListAuditEventsRequest {
            principal: args.principal.clone(),
            action: args.action.clone(),
            outcome: outcome(args.outcome).into(),
            since,
            until,
            page_size,
            page_token,
        };
        let page = client.clone().list_audit_events(request).await?.into_inner();
        Ok((page.events, page.next_page_token))
    })
    .await?;
    let records: Vec<_> = found.into_iter().map(records::audit).collect();
    context.out.list("audit record", &records, records::AUDIT_FIELDS)
}

fn outcome(outcome: Option<Outcome>) -> AuditOutcome {
    match outcome {
        None => AuditOutcome::Unspecified,
        Some(Outcome::Allowed) => AuditOutcome::Allowed,
        Some(Outcome::Denied) => AuditOutcome::Denied,
    }
}
