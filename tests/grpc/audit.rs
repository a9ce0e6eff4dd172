//! `AuditService`.

use lakewarden_proto::v1;
use lakewarden_proto::v1::audit_service_client::AuditServiceClient;
use tonic::Code;

use crate::ask;
use crate::world::{Who, World, told};

async fn all(world: &World, request: v1::ListAuditEventsRequest) -> Vec<v1::AuditEvent> {
    let (mut events, mut request) = (Vec::new(), request);
    loop {
        let page = ask!(world, Admin, AuditServiceClient.list_audit_events(request.clone())).unwrap().into_inner();
        events.extend(page.events);
        if page.next_page_token.is_empty() {
            return events;
        }
        request.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn changes_and_refusals_are_on_record_newest_first() {
    let world = World::start().await;
    world.sql(Who::Admin, "GRANT SELECT ON TABLE main.sales.orders TO bob").await.unwrap();
    world.sql(Who::Alice, "DROP TABLE main.sales.orders").await.unwrap_err();
    let events = all(&world, v1::ListAuditEventsRequest { page_size: 3, ..Default::default() }).await;
    assert!(events.windows(2).all(|pair| pair[0].sequence > pair[1].sequence), "each once, newest first");
    assert_eq!((events[0].principal.as_str(), events[0].outcome()), ("alice", v1::AuditOutcome::Denied));
    assert_eq!((events[0].securable.as_str(), events[0].door.as_str()), ("main.sales.orders", "grpc"));
    assert_eq!((events[1].action.as_str(), events[1].outcome()), ("grants.grant", v1::AuditOutcome::Allowed));
    assert_eq!(events[1].details["principals"], "bob");
    assert!(events.iter().all(|event| event.time.is_some() && !event.request_id.is_empty()));
}

#[tokio::test]
async fn conditions_pick_records_and_pages_are_full() {
    let world = World::start().await;
    for _ in 0..5 {
        world.sql(Who::Alice, "DROP TABLE main.sales.orders").await.unwrap_err();
        world.sql(Who::Admin, "COMMENT ON TABLE main.sales.orders IS 'x'").await.unwrap();
    }
    let everything = all(&world, v1::ListAuditEventsRequest::default()).await;
    let denied =
        v1::ListAuditEventsRequest { outcome: v1::AuditOutcome::Denied.into(), page_size: 2, ..Default::default() };
    let first = ask!(world, Admin, AuditServiceClient.list_audit_events(denied.clone())).unwrap().into_inner();
    assert_eq!(first.events.len(), 2);
    assert_eq!(all(&world, denied).await.len(), 5);
    let alices = v1::ListAuditEventsRequest { principal: "ALICE".to_owned(), ..Default::default() };
    assert!(all(&world, alices).await.iter().all(|event| event.principal == "alice"));
    let action = v1::ListAuditEventsRequest { action: "tables.update".to_owned(), ..Default::default() };
    assert_eq!(all(&world, action).await.len(), 5);
    let middle = everything[everything.len() / 2].time;
    let since = all(&world, v1::ListAuditEventsRequest { since: middle, ..Default::default() }).await;
    let until = all(&world, v1::ListAuditEventsRequest { until: middle, ..Default::default() }).await;
    assert_eq!(since.len() + until.len(), everything.len());
    assert!(!since.is_empty() && !until.is_empty());
}

#[tokio::test]
async fn only_the_administrator_reads_the_record() {
    let world = World::start().await;
    let request = v1::ListAuditEventsRequest::default();
    assert_eq!(told(ask!(world, Alice, AuditServiceClient.list_audit_events(request))).code, Code::PermissionDenied);
    let request =
        v1::ListAuditEventsRequest { page_size: -1, outcome: 9, page_token: "x".to_owned(), ..Default::default() };
    let refused = told(ask!(world, Admin, AuditServiceClient.list_audit_events(request)));
    assert_eq!(refused.fields, ["outcome", "page_size", "page_token"]);
}
