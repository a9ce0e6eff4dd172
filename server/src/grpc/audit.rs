//! `AuditService`.

use std::sync::Arc;

use lakewarden_catalog::model::AuditEvent;
use lakewarden_catalog::ops::page::{Listing, MAX_PAGE_SIZE, Page};
use lakewarden_catalog::{Caller, CatalogError, Metastore};
use lakewarden_proto::v1;
use lakewarden_proto::v1::audit_service_server::AuditService;
use tonic::{Request, Response, Status};

use super::{Door, caller};
use crate::convert::Faults;
use crate::convert::audit::{Wanted, show};
use crate::convert::page::Scope;

pub(super) struct Service(pub(super) Arc<Door>);

/// The most records that one request looks at; the rest is for the next page.
const MAX_READ: usize = 100_000;

#[tonic::async_trait]
impl AuditService for Service {
    async fn list_audit_events(
        &self,
        request: Request<v1::ListAuditEventsRequest>,
    ) -> Result<Response<v1::ListAuditEventsResponse>, Status> {
        let caller = caller(&request)?;
        let (request, mut faults) = (request.get_ref(), Faults::new());
        let scope = scope(request);
        let wanted = Wanted::of(request, &mut faults);
        let page = scope.page(request.page_size, &request.page_token, &mut faults);
        let (wanted, page) = faults.finish(wanted.zip(page))?;
        let found = self.0.call(&caller, move |m, caller| list(m, caller, &page, &wanted)).await?;
        let next_page_token = scope.next_token(&found);
        let events = found.items.into_iter().map(show).collect();
        Ok(Response::new(v1::ListAuditEventsResponse { events, next_page_token }))
    }
}

fn scope(request: &v1::ListAuditEventsRequest) -> Scope {
    let time =
        |at: &Option<prost_types::Timestamp>| at.map(|at| format!("{}.{}", at.seconds, at.nanos)).unwrap_or_default();
    let (since, until) = (time(&request.since), time(&request.until));
    let outcome = request.outcome.to_string();
    Scope::new("ListAuditEvents", &[&request.principal, &request.action, &outcome, &since, &until])
}

/// A page of the wanted records, newest first.
fn list(
    metastore: &Metastore,
    caller: &Caller,
    page: &Page,
    wanted: &Wanted,
) -> Result<Listing<AuditEvent>, CatalogError> {
    let (mut items, mut after, mut read) = (Vec::new(), page.after.clone(), 0);
    loop {
        let found = metastore.list_audit(caller, &Page { size: MAX_PAGE_SIZE, after })?;
        read += found.items.len();
        for event in found.items {
            if wanted.ends_at(&event) {
                return Ok(Listing { items, next: None });
            }
            if !wanted.takes(&event) {
                continue;
            }
            if items.len() == page.size {
                // There is another one: the page ends with the last that was taken.
                let next = items.last().map(|last: &AuditEvent| last.seq.to_string());
                return Ok(Listing { items, next });
            }
            items.push(event);
        }
        match found.next {
            Some(next) if read < MAX_READ => after = Some(next),
            next => return Ok(Listing { items, next }),
        }
    }
}
