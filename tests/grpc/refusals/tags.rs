//! `TagService`, and the policies by tags of `PolicyService`, asked by who may not.

use lakewarden_proto::v1;
use lakewarden_proto::v1::policy_service_client::PolicyServiceClient;
use lakewarden_proto::v1::tag_service_client::TagServiceClient;

use super::{Names, on, owned};
use crate::world::{Told, Who, World, told};

/// Changes to tags and policies.
pub(super) async fn changes(world: &World, who: Who, names: &Names) -> Vec<(&'static str, Told)> {
    let table = || on(v1::SecurableKind::Table, names.table);
    let policy = v1::Policy {
        name: owned("new"),
        securable: table(),
        kind: v1::PolicyKind::ColumnMask.into(),
        function: owned(names.function),
        to: vec![owned("bob")],
        match_columns: vec![v1::ColumnMatch { condition: owned("hasTag('k')"), alias: owned("k") }],
        on_column: owned("k"),
        ..Default::default()
    };
    vec![
        asked!(
            world,
            who,
            TagServiceClient.set_tags(v1::SetTagsRequest {
                securable: table(),
                column: owned("phone"),
                tags: [(owned("k"), owned("v"))].into(),
            })
        ),
        asked!(
            world,
            who,
            TagServiceClient.unset_tags(v1::UnsetTagsRequest {
                securable: table(),
                column: owned("phone"),
                keys: vec![owned("k")],
            })
        ),
        asked!(
            world,
            who,
            PolicyServiceClient.create_policy(v1::CreatePolicyRequest { policy: Some(policy), or_replace: true })
        ),
        asked!(
            world,
            who,
            PolicyServiceClient.delete_policy(v1::DeletePolicyRequest { securable: table(), name: owned("new") })
        ),
    ]
}

/// What only metastore admins do with tags.
pub(super) async fn administration(world: &World, who: Who) -> Vec<(&'static str, Told)> {
    let request = v1::CreateGovernedTagRequest { key: owned("k"), ..Default::default() };
    vec![asked!(world, who, TagServiceClient.create_governed_tag(request))]
}

/// Readings.
pub(super) async fn readings(world: &World, who: Who, names: &Names) -> Vec<(&'static str, Told)> {
    let table = || on(v1::SecurableKind::Table, names.table);
    vec![
        asked!(world, who, TagServiceClient.get_tags(v1::GetTagsRequest { securable: table() })),
        asked!(
            world,
            who,
            PolicyServiceClient.list_policies(v1::ListPoliciesRequest { securable: table(), effective: true })
        ),
        asked!(
            world,
            who,
            PolicyServiceClient.get_policy(v1::GetPolicyRequest { securable: table(), name: owned("new") })
        ),
    ]
}
