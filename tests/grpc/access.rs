//! `GrantService`: who may do what, and why; what a change would change; and the past.

use std::time::{Duration, SystemTime};

use lakewarden_proto::v1;
use lakewarden_proto::v1::grant_service_client::GrantServiceClient;
use prost_types::Timestamp;
use tonic::Code;

use crate::ask;
use crate::world::{Who, World, told};
use v1::AccessEffect::{Deny, Grant, Owner};
use v1::Privilege::{Execute, Manage, Modify, Select, UseCatalog};
use v1::SecurableKind::{Catalog, Function, Schema, Table};

const ORDERS: &str = "main.sales.orders";

fn on(kind: v1::SecurableKind, name: &str) -> Option<v1::SecurableRef> {
    Some(v1::SecurableRef { kind: kind.into(), full_name: name.to_owned() })
}

/// Whether somebody may read the orders; nobody is the caller.
fn may_read(principal: &str) -> v1::ExplainAccessRequest {
    v1::ExplainAccessRequest {
        securable: on(Table, ORDERS),
        privilege: Select.into(),
        principal: principal.to_owned(),
        ..Default::default()
    }
}

fn who_reads() -> v1::WhoCanRequest {
    v1::WhoCanRequest { securable: on(Table, ORDERS), privilege: Select.into(), ..Default::default() }
}

fn rehearsal(verb: v1::GrantVerb, kind: v1::SecurableKind, name: &str, to: &str) -> v1::RehearseGrantsRequest {
    v1::RehearseGrantsRequest {
        verb: verb.into(),
        securable: on(kind, name),
        principals: vec![to.to_owned()],
        privileges: vec![Select.into()],
        ..Default::default()
    }
}

fn words(privilege: v1::Privilege) -> String {
    privilege.as_str_name().trim_start_matches("PRIVILEGE_").replace('_', " ")
}

/// Each step on a line: what is needed where, whether it holds, and what made it so.
fn steps(answer: &v1::ExplainAccessResponse) -> Vec<String> {
    let line = |step: &v1::AccessStep| {
        let on = &step.securable.as_ref().unwrap().full_name;
        let held = if step.allowed { "holds" } else { "lacks" };
        format!("{} on {on} {held}: {}", words(step.privilege()), reasons(&step.because))
    };
    answer.steps.iter().map(line).collect()
}

fn reasons(because: &[v1::AccessReason]) -> String {
    let one = |reason: &v1::AccessReason| {
        let what = match reason.effect() {
            Grant => words(reason.privilege()),
            Deny => format!("no {}", words(reason.privilege())),
            Owner => "owner".to_owned(),
            v1::AccessEffect::Unspecified => "?".to_owned(),
        };
        let on = &reason.securable.as_ref().unwrap().full_name;
        let column = if reason.column.is_empty() { String::new() } else { format!("({})", reason.column) };
        format!("{what} {} {:?} {on}{column}", reason.holder, reason.path)
    };
    because.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}

/// Lets the clock of the server, which counts in milliseconds, go on.
async fn tick() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}

#[tokio::test]
async fn everybody_is_told_why_they_may() {
    let world = World::start().await;
    for (who, principal) in [(Who::Alice, ""), (Who::Admin, "alice")] {
        let request = may_read(principal);
        let mut client = GrantServiceClient::new(world.client(who).await);
        let answer = client.explain_access(request).await.unwrap().into_inner();
        assert!(answer.allowed && answer.remedy.is_empty() && answer.closed_columns.is_empty());
        assert_eq!(
            (answer.principal.as_str(), answer.privilege(), &answer.securable),
            ("alice", Select, &on(Table, ORDERS))
        );
        assert_eq!(
            steps(&answer),
            [
                "SELECT on main.sales.orders holds: SELECT alice [] main.sales.orders",
                "USE SCHEMA on main.sales holds: USE SCHEMA alice [] main.sales",
                "USE CATALOG on main holds: USE CATALOG alice [] main",
            ]
        );
    }
    let answer = ask!(world, Admin, GrantServiceClient.explain_access(may_read(""))).unwrap().into_inner();
    assert_eq!(steps(&answer)[0], "SELECT on main.sales.orders holds: owner admin [] main.sales.orders");
}

#[tokio::test]
async fn the_way_through_groups_and_from_above_is_told() {
    let world = World::start().await;
    world.server.group("inner", &["bob"]).await;
    world.server.group("outer", &["inner"]).await;
    for statement in [
        "GRANT USE CATALOG, USE SCHEMA, SELECT ON CATALOG main TO outer",
        "DENY SELECT ON TABLE main.sales.orders TO inner",
    ] {
        world.sql(Who::Admin, statement).await.unwrap();
    }
    let answer = ask!(world, Admin, GrantServiceClient.explain_access(may_read("bob"))).unwrap().into_inner();
    assert!(!answer.allowed);
    assert_eq!(
        steps(&answer),
        [
            "SELECT on main.sales.orders lacks: no SELECT inner [\"inner\"] main.sales.orders",
            "USE SCHEMA on main.sales holds: USE SCHEMA outer [\"inner\", \"outer\"] main",
            "USE CATALOG on main holds: USE CATALOG outer [\"inner\", \"outer\"] main",
        ]
    );
    assert_eq!(answer.remedy, ["REVOKE SELECT ON TABLE main.sales.orders FROM inner"]);
}

#[tokio::test]
async fn the_remedy_is_what_it_takes() {
    let world = World::start().await;
    let answer = ask!(world, Admin, GrantServiceClient.explain_access(may_read("bob"))).unwrap().into_inner();
    assert!(!answer.allowed && answer.steps.iter().all(|step| !step.allowed && step.because.is_empty()));
    assert_eq!(answer.remedy.len(), 3, "{:?}", answer.remedy);
    let query = "SELECT count(*) FROM main.sales.orders";
    for statement in &answer.remedy {
        world.sql(Who::Bob, query).await.unwrap_err();
        world.sql(Who::Admin, statement).await.unwrap();
    }
    world.sql(Who::Bob, query).await.unwrap();
}

#[tokio::test]
async fn the_policies_that_bind_a_reader_are_told() {
    let world = World::start().await;
    for statement in [
        "ALTER TABLE main.sales.orders SET ROW FILTER main.sales.is_eu ON (region)",
        "ALTER TABLE main.sales.orders ALTER COLUMN phone SET MASK main.sales.shout",
    ] {
        world.sql(Who::Admin, statement).await.unwrap();
    }
    let shown = |answer: v1::ExplainAccessResponse| {
        answer.policies.into_iter().map(|policy| (policy.column, policy.function)).collect::<Vec<_>>()
    };
    let pair = |column: &str, function: &str| (column.to_owned(), function.to_owned());
    let answer = ask!(world, Admin, GrantServiceClient.explain_access(may_read("alice"))).unwrap().into_inner();
    assert_eq!(shown(answer), [pair("", "main.sales.is_eu"), pair("phone", "main.sales.shout")]);
    let answer = ask!(world, Alice, GrantServiceClient.explain_access(may_read(""))).unwrap().into_inner();
    assert_eq!(shown(answer), [pair("", ""), pair("phone", "main.sales.shout")], "a hidden function is not named");
}

#[tokio::test]
async fn columns_are_asked_about_one_by_one() {
    let world = World::start().await;
    world.sql(Who::Admin, "DENY SELECT (phone) ON TABLE main.sales.orders TO alice").await.unwrap();
    let whole = ask!(world, Admin, GrantServiceClient.explain_access(may_read("alice"))).unwrap().into_inner();
    assert!(whole.allowed);
    assert_eq!(whole.closed_columns, ["phone"]);
    let phone = v1::ExplainAccessRequest { column: "Phone".to_owned(), ..may_read("alice") };
    let phone = ask!(world, Alice, GrantServiceClient.explain_access(phone)).unwrap().into_inner();
    assert_eq!((phone.allowed, phone.column.as_str()), (false, "phone"));
    assert!(steps(&phone)[0].ends_with("lacks: no SELECT alice [] main.sales.orders(phone)"), "{:?}", steps(&phone));
    let absent = v1::ExplainAccessRequest { column: "fax".to_owned(), ..may_read("alice") };
    assert_eq!(told(ask!(world, Admin, GrantServiceClient.explain_access(absent))).code, Code::NotFound);
}

#[tokio::test]
async fn who_is_in_a_group_is_not_told_to_who_merely_manages() {
    let world = World::start().await;
    world.server.group("probation", &["bob"]).await;
    world.server.group("staff", &["bob"]).await;
    for statement in [
        "GRANT MANAGE ON TABLE main.sales.orders TO alice",
        "GRANT SELECT ON SCHEMA main.sales TO staff",
        "DENY SELECT ON TABLE main.sales.orders TO probation",
    ] {
        world.sql(Who::Admin, statement).await.unwrap();
    }
    let admin = ask!(world, Admin, GrantServiceClient.explain_access(may_read("bob"))).unwrap().into_inner();
    assert!(format!("{admin:?}").contains("probation"));
    let answer = ask!(world, Alice, GrantServiceClient.explain_access(may_read("bob"))).unwrap().into_inner();
    assert!(!answer.allowed);
    let text = format!("{answer:?}");
    assert!(!text.contains("probation") && !text.contains("staff"), "{text}");
    assert_eq!(answer.steps[0].because[0].effect(), Deny, "that a denial to some group decides is told");
    let of_bob = v1::ListEffectiveGrantsRequest {
        securable: on(Table, ORDERS),
        principal: "bob".to_owned(),
        ..Default::default()
    };
    let text = format!("{:?}", ask!(world, Alice, GrantServiceClient.list_effective_grants(of_bob)).unwrap());
    assert!(!text.contains("probation") && !text.contains("staff"), "{text}");
    let rehearsed = rehearsal(v1::GrantVerb::Revoke, Table, ORDERS, "probation");
    let text = format!("{:?}", ask!(world, Alice, GrantServiceClient.rehearse_grants(rehearsed)).unwrap());
    assert!(!text.contains("bob"), "{text}");
}

#[tokio::test]
async fn questions_about_others_need_the_right_to_grant() {
    let world = World::start().await;
    for principal in ["bob", "admin", "nobody"] {
        let refused = told(ask!(world, Alice, GrantServiceClient.explain_access(may_read(principal))));
        assert_eq!(refused.code, Code::PermissionDenied, "{principal}");
    }
    let absent = told(ask!(world, Admin, GrantServiceClient.explain_access(may_read("nobody"))));
    assert_eq!((absent.code, absent.message.as_str()), (Code::NotFound, "principal `nobody` does not exist"));
    let hidden = told(ask!(world, Bob, GrantServiceClient.explain_access(may_read(""))));
    let absent = v1::ExplainAccessRequest { securable: on(Table, "none.sales.orders"), ..may_read("") };
    let absent = told(ask!(world, Bob, GrantServiceClient.explain_access(absent)));
    assert_eq!(hidden.code, Code::NotFound);
    assert_eq!(hidden, absent.about("none", "main"));
}

#[tokio::test]
async fn all_faults_of_a_question_are_told() {
    let world = World::start().await;
    let empty = v1::ExplainAccessRequest::default();
    let refused = told(ask!(world, Admin, GrantServiceClient.explain_access(empty)));
    assert_eq!(refused.fields, ["securable", "privilege"]);
    let wrong = v1::ExplainAccessRequest {
        securable: on(Table, "orders"),
        privilege: 999,
        principal: " bob".to_owned(),
        as_of: Some(Timestamp { seconds: 0, nanos: -1 }),
        ..Default::default()
    };
    let refused = told(ask!(world, Admin, GrantServiceClient.explain_access(wrong)));
    assert_eq!(refused.fields, ["securable.full_name", "privilege", "principal", "as_of"]);
    let meaningless = v1::ExplainAccessRequest { privilege: Execute.into(), ..may_read("") };
    assert_eq!(told(ask!(world, Admin, GrantServiceClient.explain_access(meaningless))).code, Code::InvalidArgument);
    let verb = rehearsal(v1::GrantVerb::Unspecified, Table, ORDERS, "bob");
    assert_eq!(told(ask!(world, Admin, GrantServiceClient.rehearse_grants(verb))).fields, ["verb"]);
    let size = v1::WhoCanRequest { page_size: -1, page_token: "x".to_owned(), ..who_reads() };
    let refused = told(ask!(world, Admin, GrantServiceClient.who_can(size)));
    assert_eq!(refused.fields, ["page_size", "page_token"]);
}

#[tokio::test]
async fn who_can_is_paged_and_sees_a_revoke_between_pages() {
    let world = World::start().await;
    world.server.group("team", &["bob"]).await;
    world.sql(Who::Admin, "GRANT USE CATALOG, USE SCHEMA, SELECT ON CATALOG main TO team").await.unwrap();
    let whole = ask!(world, Admin, GrantServiceClient.who_can(who_reads())).unwrap().into_inner();
    let names: Vec<_> =
        whole.holders.iter().map(|holder| (holder.principal.as_str(), reasons(&holder.because))).collect();
    assert_eq!(
        names,
        [
            ("admin", "owner admin [] main.sales.orders".to_owned()),
            ("alice", "SELECT alice [] main.sales.orders".to_owned()),
            ("bob", "SELECT team [\"team\"] main".to_owned()),
            ("team", "SELECT team [] main".to_owned()),
        ]
    );
    assert_eq!(whole.holders[3].principal_kind(), v1::PrincipalKind::Group);
    let first = v1::WhoCanRequest { page_size: 2, ..who_reads() };
    let first = ask!(world, Admin, GrantServiceClient.who_can(first)).unwrap().into_inner();
    assert_eq!(first.holders.iter().map(|h| h.principal.as_str()).collect::<Vec<_>>(), ["admin", "alice"]);
    let next = v1::WhoCanRequest { page_size: 2, page_token: first.next_page_token, ..who_reads() };
    let other = v1::WhoCanRequest { privilege: Modify.into(), ..next.clone() };
    assert_eq!(told(ask!(world, Admin, GrantServiceClient.who_can(other))).fields, ["page_token"]);
    world.sql(Who::Admin, "REVOKE SELECT ON CATALOG main FROM team").await.unwrap();
    let next = ask!(world, Admin, GrantServiceClient.who_can(next)).unwrap().into_inner();
    assert!(next.holders.is_empty() && next.next_page_token.is_empty());
}

#[tokio::test]
async fn a_rehearsal_tells_what_the_change_then_does() {
    let world = World::start().await;
    world.server.group("team", &["bob", "alice"]).await;
    let line = |effect: &v1::GrantEffect| {
        let change = if effect.gains { "gains" } else { "loses" };
        let (on, column) = (&effect.securable.as_ref().unwrap().full_name, &effect.column);
        format!("{} {change} {} {on} {column}", effect.principal, words(effect.privilege()))
    };
    let before = world.everything().await;
    let request = rehearsal(v1::GrantVerb::Grant, Table, ORDERS, "team");
    let told = ask!(world, Admin, GrantServiceClient.rehearse_grants(request)).unwrap().into_inner();
    assert_eq!(
        told.effects.iter().map(line).collect::<Vec<_>>(),
        ["bob gains SELECT main.sales.orders ", "team gains SELECT main.sales.orders "],
        "alice holds it"
    );
    assert!(!told.more);
    assert_eq!(world.everything().await, before, "nothing was changed");
    let request = rehearsal(v1::GrantVerb::Deny, Schema, "main.sales", "alice");
    let told = ask!(world, Admin, GrantServiceClient.rehearse_grants(request)).unwrap().into_inner();
    let mut lost: Vec<_> = told.effects.iter().map(line).collect();
    lost.sort();
    assert_eq!(lost, ["alice loses SELECT main.sales.big ", "alice loses SELECT main.sales.orders "]);
    world.sql(Who::Alice, "SELECT count(*) FROM main.sales.orders").await.unwrap();
    world.sql(Who::Admin, "DENY SELECT ON SCHEMA main.sales TO alice").await.unwrap();
    for table in [ORDERS, "main.sales.big"] {
        let refused = world.sql(Who::Alice, &format!("SELECT count(*) FROM {table}")).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{table}");
    }
    let columns = v1::RehearseGrantsRequest {
        privileges: Vec::new(),
        on_columns: vec![v1::PrivilegeOn { privilege: Select.into(), columns: vec!["id".to_owned()] }],
        ..rehearsal(v1::GrantVerb::Grant, Table, ORDERS, "bob")
    };
    let told = ask!(world, Admin, GrantServiceClient.rehearse_grants(columns)).unwrap().into_inner();
    assert!(told.effects.iter().any(|effect| line(effect) == "bob gains SELECT main.sales.orders id"), "{told:?}");
}

#[tokio::test]
async fn what_is_held_in_effect_is_listed_with_what_gives_it() {
    let world = World::start().await;
    world.server.group("team", &["alice"]).await;
    world.sql(Who::Admin, "GRANT MODIFY ON SCHEMA main.sales TO team").await.unwrap();
    world.sql(Who::Admin, "DENY MODIFY ON TABLE main.sales.big TO team").await.unwrap();
    let request = v1::ListEffectiveGrantsRequest { securable: on(Table, ORDERS), ..Default::default() };
    let line = |grant: &v1::EffectiveGrant| {
        format!("{} {} {} by {}", grant.principal, words(grant.privilege()), grant.column, reasons(&grant.because))
    };
    let mut listed = Vec::new();
    let mut page = v1::ListEffectiveGrantsRequest { page_size: 1, ..request.clone() };
    loop {
        let answer = ask!(world, Alice, GrantServiceClient.list_effective_grants(page.clone())).unwrap().into_inner();
        assert!(answer.grants.len() <= 1);
        listed.extend(answer.grants.iter().map(line));
        page.page_token = answer.next_page_token;
        if page.page_token.is_empty() {
            break;
        }
    }
    let expected =
        ["alice SELECT  by SELECT alice [] main.sales.orders", "alice MODIFY  by MODIFY team [\"team\"] main.sales"];
    assert_eq!(listed, expected);
    let of_alice = v1::ListEffectiveGrantsRequest { principal: "alice".to_owned(), ..request.clone() };
    let told_to_admin = ask!(world, Admin, GrantServiceClient.list_effective_grants(of_alice)).unwrap().into_inner();
    assert_eq!(told_to_admin.grants.iter().map(line).collect::<Vec<_>>(), expected);
    let view = v1::ListEffectiveGrantsRequest { securable: on(Table, "main.sales.big"), ..request };
    let on_view = ask!(world, Alice, GrantServiceClient.list_effective_grants(view)).unwrap().into_inner();
    assert_eq!(on_view.grants.iter().map(v1::EffectiveGrant::privilege).collect::<Vec<_>>(), [Select]);
}

#[tokio::test]
async fn the_past_is_answered_from_the_change_log() {
    let world = World::start().await;
    tick().await;
    let (before, asked) = (now(), may_read("bob"));
    tick().await;
    world.server.group("team", &["bob"]).await;
    world.sql(Who::Admin, "GRANT USE CATALOG, USE SCHEMA, SELECT ON CATALOG main TO team").await.unwrap();
    tick().await;
    let between = now();
    tick().await;
    let out = v1::RemoveMemberRequest { group: "team".to_owned(), member: "bob".to_owned() };
    use lakewarden_proto::v1::principal_service_client::PrincipalServiceClient;
    ask!(world, Admin, PrincipalServiceClient.remove_member(out)).unwrap();
    for (as_of, allowed) in [(Some(before), false), (Some(between), true), (None, false)] {
        let asked = v1::ExplainAccessRequest { as_of, ..asked.clone() };
        let answer = ask!(world, Admin, GrantServiceClient.explain_access(asked)).unwrap().into_inner();
        assert_eq!(answer.allowed, allowed, "{as_of:?}");
        assert_eq!(answer.as_of.is_some(), as_of.is_some());
        let who = v1::WhoCanRequest { as_of, ..who_reads() };
        let who = ask!(world, Admin, GrantServiceClient.who_can(who)).unwrap().into_inner();
        assert_eq!(who.holders.iter().any(|holder| holder.principal == "bob"), allowed, "{as_of:?}");
        let list = v1::ListGrantsRequest { securable: on(Catalog, "main"), as_of, ..Default::default() };
        let list = ask!(world, Admin, GrantServiceClient.list_grants(list)).unwrap().into_inner().grants;
        assert_eq!(list.iter().any(|entry| entry.principal == "team"), as_of != Some(before));
    }
    let future = Timestamp { seconds: now().seconds + 3_600, nanos: 0 };
    for as_of in [Some(future), Some(Timestamp { seconds: 0, nanos: 0 })] {
        let asked = v1::ExplainAccessRequest { as_of, ..asked.clone() };
        let refused = told(ask!(world, Admin, GrantServiceClient.explain_access(asked)));
        assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec!["as_of".to_owned()]), "{as_of:?}");
        let list = v1::ListGrantsRequest { securable: on(Catalog, "main"), as_of, ..Default::default() };
        let refused = told(ask!(world, Admin, GrantServiceClient.list_grants(list)));
        assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec!["as_of".to_owned()]), "{as_of:?}");
    }
    let anywhere = v1::ListGrantsRequest { principal: "bob".to_owned(), as_of: Some(before), ..Default::default() };
    assert_eq!(told(ask!(world, Admin, GrantServiceClient.list_grants(anywhere))).fields, ["as_of"]);
    let hidden = v1::ExplainAccessRequest { as_of: Some(between), ..may_read("") };
    assert_eq!(
        told(ask!(world, Bob, GrantServiceClient.explain_access(hidden))).code,
        Code::NotFound,
        "it is hidden now"
    );
}

#[tokio::test]
async fn other_kinds_are_explained_too() {
    let world = World::start().await;
    for (kind, name, privilege, allowed) in [
        (Function, "main.sales.shout", Execute, true),
        (Schema, "main.sales", v1::Privilege::CreateTable, false),
        (Catalog, "main", UseCatalog, true),
        (Table, ORDERS, Manage, false),
        (v1::SecurableKind::Metastore, "", v1::Privilege::CreateCatalog, false),
    ] {
        let asked =
            v1::ExplainAccessRequest { securable: on(kind, name), privilege: privilege.into(), ..Default::default() };
        let answer = ask!(world, Alice, GrantServiceClient.explain_access(asked)).unwrap().into_inner();
        assert_eq!(answer.allowed, allowed, "{kind:?}");
        assert_eq!(answer.securable, on(kind, name));
    }
}
