//! `TagService`, and the policies by tags of `PolicyService`.

use std::collections::BTreeMap;

use lakewarden_proto::v1;
use lakewarden_proto::v1::change_tag_values_request::Change;
use lakewarden_proto::v1::grant_service_client::GrantServiceClient;
use lakewarden_proto::v1::policy_argument::Argument;
use lakewarden_proto::v1::policy_service_client::PolicyServiceClient;
use lakewarden_proto::v1::tag_service_client::TagServiceClient;
use tonic::Code;

use crate::ask;
use crate::world::{Who, World, mask, told};

const ORDERS: &str = "main.sales.orders";

fn on(kind: v1::SecurableKind, name: &str) -> Option<v1::SecurableRef> {
    Some(v1::SecurableRef { kind: kind.into(), full_name: name.to_owned() })
}

fn orders() -> Option<v1::SecurableRef> {
    on(v1::SecurableKind::Table, ORDERS)
}

fn tags(tags: &[(&str, &str)]) -> BTreeMap<String, String> {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn set(column: &str, key: &str, value: &str) -> v1::SetTagsRequest {
    v1::SetTagsRequest { securable: orders(), column: column.to_owned(), tags: tags(&[(key, value)]) }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

/// A mask by `main.sales.nothing` on what is tagged `pii`, on the catalog, for everybody.
fn hide_pii() -> v1::Policy {
    v1::Policy {
        name: "hide_pii".to_owned(),
        securable: on(v1::SecurableKind::Catalog, "main"),
        kind: v1::PolicyKind::ColumnMask.into(),
        comment: "it's \\ hidden".to_owned(),
        function: "main.sales.nothing".to_owned(),
        to: texts(&["account users"]),
        except: texts(&["admin"]),
        when: "NOT hasTagValue('zone', 'it\\'s public')".to_owned(),
        match_columns: vec![v1::ColumnMatch { condition: "hasTag('pii')".to_owned(), alias: "p".to_owned() }],
        on_column: "p".to_owned(),
        ..Default::default()
    }
}

fn creating(policy: v1::Policy) -> v1::CreatePolicyRequest {
    v1::CreatePolicyRequest { policy: Some(policy), or_replace: false }
}

/// The world, where `admin` is the name of the admin, `phone` is tagged `pii` and `nothing` makes everything NULL.
async fn start() -> World {
    let world = World::start().await;
    let nothing = "CREATE FUNCTION main.sales.nothing(x STRING) RETURNS STRING RETURN nullif(x, x)";
    world.sql(Who::Admin, nothing).await.unwrap();
    ask!(world, Admin, TagServiceClient.set_tags(set("PHONE", "pii", "phone"))).unwrap();
    world
}

async fn phones(world: &World, who: Who) -> usize {
    let rows = world.sql(who, "SELECT phone FROM main.sales.orders").await.unwrap();
    rows.rows.num_rows() - rows.rows.column(0).null_count()
}

#[tokio::test]
async fn tags_are_set_shown_and_taken_away() {
    let world = start().await;
    let both = v1::SetTagsRequest { tags: tags(&[("zone", "eu"), ("checked", "")]), ..set("", "", "") };
    let done = ask!(world, Admin, TagServiceClient.set_tags(both)).unwrap().into_inner();
    assert_eq!(done.tags, tags(&[("checked", ""), ("zone", "eu")]));
    assert_eq!((done.columns[0].column.as_str(), &done.columns[0].tags), ("phone", &tags(&[("pii", "phone")])));
    let get = v1::GetTagsRequest { securable: orders() };
    assert_eq!(ask!(world, Alice, TagServiceClient.get_tags(get.clone())).unwrap().into_inner(), done);
    let hidden = told(ask!(world, Bob, TagServiceClient.get_tags(get)));
    assert_eq!(hidden.code, Code::NotFound);
    let refused = told(ask!(world, Alice, TagServiceClient.set_tags(set("", "zone", "us"))));
    assert_eq!(refused.code, Code::PermissionDenied);
    let unset = |keys| v1::UnsetTagsRequest { securable: orders(), column: String::new(), keys };
    let refused = told(ask!(world, Alice, TagServiceClient.unset_tags(unset(texts(&["zone"])))));
    assert_eq!(refused.code, Code::PermissionDenied);
    let left = ask!(world, Admin, TagServiceClient.unset_tags(unset(texts(&["zone", "absent"])))).unwrap().into_inner();
    assert_eq!(left.tags, tags(&[("checked", "")]));
    for faulty in [
        v1::SetTagsRequest::default(),
        v1::SetTagsRequest { tags: BTreeMap::new(), ..set("", "", "") },
        set("", "a.b", ""),
    ] {
        let refused = told(ask!(world, Admin, TagServiceClient.set_tags(faulty)));
        assert_eq!(refused.code, Code::InvalidArgument);
    }
    assert_eq!(told(ask!(world, Admin, TagServiceClient.set_tags(set("no_such", "k", "")))).code, Code::NotFound);
    assert_eq!(told(ask!(world, Admin, TagServiceClient.unset_tags(unset(vec![])))).fields, ["keys"]);
}

#[tokio::test]
async fn governed_tags_are_made_changed_listed_and_deleted() {
    let world = start().await;
    let create = |values: &[&str]| v1::CreateGovernedTagRequest {
        key: "pii".to_owned(),
        values: texts(values),
        comment: "personal data".to_owned(),
        ..Default::default()
    };
    let in_use = told(ask!(world, Admin, TagServiceClient.create_governed_tag(create(&["email"]))));
    assert_eq!((in_use.code, in_use.reason.as_str()), (Code::FailedPrecondition, "IN_USE"));
    assert_eq!(
        told(ask!(world, Alice, TagServiceClient.create_governed_tag(create(&[])))).code,
        Code::PermissionDenied
    );
    let made = ask!(world, Admin, TagServiceClient.create_governed_tag(create(&["email", "phone"]))).unwrap();
    let made = made.into_inner();
    assert_eq!((made.key.as_str(), &made.values), ("pii", &texts(&["email", "phone"])));
    let get = || v1::GetGovernedTagRequest { key: "PII".to_owned() };
    assert_eq!(ask!(world, Admin, TagServiceClient.get_governed_tag(get())).unwrap().into_inner(), made);
    assert_eq!(told(ask!(world, Alice, TagServiceClient.get_governed_tag(get()))).code, Code::NotFound);
    let list = v1::ListGovernedTagsRequest::default;
    assert!(ask!(world, Alice, TagServiceClient.list_governed_tags(list())).unwrap().into_inner().tags.is_empty());
    let listed = ask!(world, Admin, TagServiceClient.list_governed_tags(list())).unwrap().into_inner().tags;
    assert_eq!(listed, std::slice::from_ref(&made));
    let change = |change| v1::ChangeTagValuesRequest { key: "pii".to_owned(), change, ..Default::default() };
    let values = |of: &[&str]| v1::TagValues { values: texts(of) };
    let drop = change(Some(Change::Drop(values(&["phone"]))));
    assert_eq!(told(ask!(world, Admin, TagServiceClient.change_tag_values(drop))).reason, "IN_USE");
    assert_eq!(told(ask!(world, Admin, TagServiceClient.change_tag_values(change(None)))).fields, ["change"]);
    let added = change(Some(Change::Add(values(&["iban"]))));
    let added = ask!(world, Admin, TagServiceClient.change_tag_values(added)).unwrap().into_inner();
    assert_eq!(added.values, ["email", "phone", "iban"]);
    let stale = v1::ChangeTagValuesRequest { etag: made.etag.clone(), ..change(Some(Change::Set(values(&[])))) };
    assert_eq!(told(ask!(world, Admin, TagServiceClient.change_tag_values(stale))).code, Code::Aborted);
    let update = |path: &str| v1::UpdateGovernedTagRequest {
        key: "pii".to_owned(),
        tag: Some(v1::GovernedTag { comment: "new".to_owned(), ..Default::default() }),
        update_mask: mask(&[path]),
        ..Default::default()
    };
    let updated = ask!(world, Admin, TagServiceClient.update_governed_tag(update("comment"))).unwrap().into_inner();
    assert_eq!(updated.comment, "new");
    let renamed = told(ask!(world, Admin, TagServiceClient.update_governed_tag(update("name"))));
    assert_eq!(renamed.code, Code::InvalidArgument);
    let delete = || v1::DeleteGovernedTagRequest { key: "pii".to_owned(), ..Default::default() };
    assert_eq!(told(ask!(world, Admin, TagServiceClient.delete_governed_tag(delete()))).reason, "IN_USE");
    let unset = v1::UnsetTagsRequest { securable: orders(), column: "phone".to_owned(), keys: texts(&["pii"]) };
    ask!(world, Admin, TagServiceClient.unset_tags(unset)).unwrap();
    ask!(world, Admin, TagServiceClient.delete_governed_tag(delete())).unwrap();
    assert_eq!(told(ask!(world, Admin, TagServiceClient.get_governed_tag(get()))).code, Code::NotFound);
}

#[tokio::test]
async fn a_policy_binds_whom_it_names_until_it_is_dropped() {
    let world = start().await;
    let made = ask!(world, Admin, PolicyServiceClient.create_policy(creating(hide_pii()))).unwrap().into_inner();
    let shown = v1::Policy { id: String::new(), created_at: None, created_by: String::new(), ..made.clone() };
    assert_eq!(shown, v1::Policy { terms_told: true, ..hide_pii() });
    assert_eq!((phones(&world, Who::Admin).await, phones(&world, Who::Alice).await), (2, 0));
    let again = told(ask!(world, Admin, PolicyServiceClient.create_policy(creating(hide_pii()))));
    assert_eq!(again.code, Code::AlreadyExists);
    let list = |effective| v1::ListPoliciesRequest { securable: orders(), effective };
    assert!(
        ask!(world, Admin, PolicyServiceClient.list_policies(list(false))).unwrap().into_inner().policies.is_empty()
    );
    let effective = ask!(world, Admin, PolicyServiceClient.list_policies(list(true))).unwrap().into_inner().policies;
    assert_eq!(effective, std::slice::from_ref(&made));
    let seen = ask!(world, Alice, PolicyServiceClient.list_policies(list(true))).unwrap().into_inner().policies;
    assert!(!seen[0].terms_told && seen[0].to.is_empty() && seen[0].when.is_empty() && seen[0].function.is_empty());
    assert_eq!(told(ask!(world, Bob, PolicyServiceClient.list_policies(list(true)))).code, Code::NotFound);
    let explain = v1::ExplainAccessRequest {
        privilege: v1::Privilege::Select.into(),
        securable: orders(),
        principal: "alice".to_owned(),
        ..Default::default()
    };
    let explained = ask!(world, Admin, GrantServiceClient.explain_access(explain)).unwrap().into_inner();
    assert_eq!(explained.policies[0].policy, "policy `hide_pii` on catalog `main`");
    let named = || on(v1::SecurableKind::Catalog, "main");
    let get = |name: &str| v1::GetPolicyRequest { securable: named(), name: name.to_owned() };
    assert_eq!(ask!(world, Admin, PolicyServiceClient.get_policy(get("HIDE_PII"))).unwrap().into_inner(), made);
    assert_eq!(told(ask!(world, Admin, PolicyServiceClient.get_policy(get("absent")))).code, Code::NotFound);
    let spare = v1::Policy { to: texts(&["bob"]), ..hide_pii() };
    let replace = v1::CreatePolicyRequest { or_replace: true, ..creating(spare) };
    assert_eq!(
        told(ask!(world, Alice, PolicyServiceClient.create_policy(replace.clone()))).code,
        Code::PermissionDenied
    );
    let replaced = ask!(world, Admin, PolicyServiceClient.create_policy(replace)).unwrap().into_inner();
    assert_eq!((replaced.id, phones(&world, Who::Alice).await), (made.id, 2));
    let delete = || v1::DeletePolicyRequest { securable: named(), name: "hide_pii".to_owned() };
    assert_eq!(told(ask!(world, Alice, PolicyServiceClient.delete_policy(delete()))).code, Code::PermissionDenied);
    ask!(world, Admin, PolicyServiceClient.delete_policy(delete())).unwrap();
    assert_eq!(told(ask!(world, Admin, PolicyServiceClient.delete_policy(delete()))).code, Code::NotFound);
}

#[tokio::test]
async fn a_row_filter_takes_what_an_alias_finds() {
    let world = start().await;
    ask!(world, Admin, TagServiceClient.set_tags(set("region", "region", ""))).unwrap();
    let eu = v1::Policy {
        name: "only eu".to_owned(),
        securable: orders(),
        kind: v1::PolicyKind::RowFilter.into(),
        function: "main.sales.is_eu".to_owned(),
        to: texts(&["alice"]),
        match_columns: vec![v1::ColumnMatch { condition: "hasTag('region')".to_owned(), alias: "r".to_owned() }],
        using_columns: vec![v1::PolicyArgument { argument: Some(Argument::Column("r".to_owned())) }],
        ..Default::default()
    };
    let blank = told(ask!(world, Admin, PolicyServiceClient.create_policy(creating(eu.clone()))));
    assert_eq!(blank.fields, ["policy.name"]);
    let eu = v1::Policy { name: "only_eu".to_owned(), ..eu };
    ask!(world, Admin, PolicyServiceClient.create_policy(creating(eu))).unwrap();
    let rows = world.sql(Who::Alice, "SELECT * FROM main.sales.orders").await.unwrap();
    assert!(rows.rows.num_rows() == 2 && rows.holds("SECRET-ONE") && !rows.holds("SECRET-TWO"));
    assert_eq!(phones(&world, Who::Admin).await, 2);
}

/// A piece of a request that goes on into another clause is refused, not run.
#[tokio::test]
async fn policies_that_do_not_fit_are_refused_with_every_fault() {
    let world = start().await;
    let empty = told(ask!(world, Admin, PolicyServiceClient.create_policy(v1::CreatePolicyRequest::default())));
    assert_eq!(empty.fields, ["policy"]);
    let faulty = v1::Policy {
        name: "p q".to_owned(),
        securable: on(v1::SecurableKind::View, "main.sales.big"),
        kind: v1::PolicyKind::Unspecified.into(),
        function: "nothing".to_owned(),
        to: vec![],
        except: vec![String::new()],
        when: "TRUE".to_owned(),
        match_columns: vec![v1::ColumnMatch::default()],
        using_columns: vec![v1::PolicyArgument::default()],
        ..hide_pii()
    };
    let told_of = told(ask!(world, Admin, PolicyServiceClient.create_policy(creating(faulty))));
    assert_eq!(
        told_of.fields,
        [
            "policy.name",
            "policy.securable.kind",
            "policy.function",
            "policy.kind",
            "policy.to",
            "policy.except[0]",
            "policy.when",
            "policy.match_columns[0].condition",
            "policy.using_columns[0]"
        ]
    );
    for when in [
        "hasTag('a') MATCH COLUMNS hasTag('b') AS x",
        "hasTag('a') USING COLUMNS (1)",
        "hasTag('a'); DROP TABLE main.sales.orders",
        "hasTag(a)",
    ] {
        let policy = v1::Policy { when: when.to_owned(), ..hide_pii() };
        let refused = told(ask!(world, Admin, PolicyServiceClient.create_policy(creating(policy))));
        assert_eq!(refused.fields, ["policy.when"], "{when}");
    }
    let row_filter = v1::Policy { kind: v1::PolicyKind::RowFilter.into(), ..hide_pii() };
    let refused = told(ask!(world, Admin, PolicyServiceClient.create_policy(creating(row_filter))));
    assert_eq!(refused.fields, ["policy.on_column"]);
    let undeclared = v1::Policy { on_column: "q".to_owned(), ..hide_pii() };
    let refused = told(ask!(world, Admin, PolicyServiceClient.create_policy(creating(undeclared))));
    assert_eq!(refused.code, Code::InvalidArgument);
    assert_eq!(phones(&world, Who::Alice).await, 2);
}
