//! `GrantService` asked by who may not.

use lakewarden_proto::v1;
use lakewarden_proto::v1::grant_service_client::GrantServiceClient;

use super::{Names, on, owned};
use crate::world::{Told, Who, World, told};

/// Changes to grants, and rehearsals of them.
pub(super) async fn changes(world: &World, who: Who, names: &Names) -> Vec<(&'static str, Told)> {
    let (principals, privileges) = (vec![owned("alice")], vec![v1::Privilege::Manage.into()]);
    let securable = on(v1::SecurableKind::Table, names.table);
    vec![
        asked!(
            world,
            who,
            GrantServiceClient.grant(v1::GrantRequest {
                securable: securable.clone(),
                principals: principals.clone(),
                privileges: privileges.clone(),
                ..Default::default()
            })
        ),
        asked!(
            world,
            who,
            GrantServiceClient.deny(v1::DenyRequest {
                securable: securable.clone(),
                principals: principals.clone(),
                privileges: privileges.clone(),
                ..Default::default()
            })
        ),
        asked!(
            world,
            who,
            GrantServiceClient.revoke(v1::RevokeRequest {
                securable: securable.clone(),
                principals: principals.clone(),
                privileges: privileges.clone(),
                ..Default::default()
            })
        ),
        asked!(
            world,
            who,
            GrantServiceClient.rehearse_grants(v1::RehearseGrantsRequest {
                verb: v1::GrantVerb::Grant.into(),
                securable,
                principals,
                privileges,
                ..Default::default()
            })
        ),
    ]
}

/// Questions about the access of others.
pub(super) async fn questions(world: &World, who: Who, names: &Names) -> Vec<(&'static str, Told)> {
    let securable = on(v1::SecurableKind::Table, names.table);
    let (privilege, principal) = (v1::Privilege::Select.into(), owned("admin"));
    vec![
        asked!(
            world,
            who,
            GrantServiceClient.explain_access(v1::ExplainAccessRequest {
                securable: securable.clone(),
                privilege,
                principal: principal.clone(),
                ..Default::default()
            })
        ),
        asked!(
            world,
            who,
            GrantServiceClient.who_can(v1::WhoCanRequest {
                securable: securable.clone(),
                privilege,
                ..Default::default()
            })
        ),
        asked!(
            world,
            who,
            GrantServiceClient.list_effective_grants(v1::ListEffectiveGrantsRequest {
                securable,
                principal,
                ..Default::default()
            })
        ),
    ]
}
