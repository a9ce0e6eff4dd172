//! `IdentityService`.

use std::sync::Arc;

use lakewarden_proto::v1;
use lakewarden_proto::v1::identity_service_server::IdentityService;
use prost_types::Timestamp;
use tonic::{Request, Response, Status};

use super::{Door, caller};
use crate::convert::principals;
use crate::identity::TokenInfo;

pub(super) struct Service(pub(super) Arc<Door>);

#[tonic::async_trait]
impl IdentityService for Service {
    async fn who_am_i(&self, request: Request<v1::WhoAmIRequest>) -> Result<Response<v1::WhoAmIResponse>, Status> {
        let caller = caller(&request)?;
        let token = request.extensions().get::<TokenInfo>().copied();
        let answer = self.0.call(&caller, move |m, caller| {
            let (who, pinned) = (m.whoami(caller)?, m.pin(caller));
            let root = pinned.root()?;
            Ok(v1::WhoAmIResponse {
                principal: Some(principals::show(&pinned, &who.principal)),
                groups: who.groups,
                token_id: token.and_then(|token| token.id).map(|id| id.to_string()).unwrap_or_default(),
                token_expires_at: token.map(|token| Timestamp { seconds: token.expires_at_s, nanos: 0 }),
                metastore_id: root.id.to_string(),
                metastore_name: root.name.to_string(),
                metastore_admin: who.metastore_admin,
                server_version: env!("CARGO_PKG_VERSION").to_owned(),
            })
        });
        Ok(Response::new(answer.await?))
    }
}
