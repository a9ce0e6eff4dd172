//! `IdentityService`.

use std::sync::Arc;

use lakewarden_proto::v1;
use lakewarden_proto::v1::identity_service_server::IdentityService;
use tonic::{Request, Response, Status};

use super::{Door, caller};
use crate::convert::principals;

pub(super) struct Service(pub(super) Arc<Door>);

#[tonic::async_trait]
impl IdentityService for Service {
    async fn who_am_i(&self, request: Request<v1::WhoAmIRequest>) -> Result<Response<v1::WhoAmIResponse>, Status> {
        let caller = caller(&request)?;
        let answer = self.0.call(&caller, |m, caller| {
            let (who, pinned) = (m.whoami(caller)?, m.pin(caller));
            let root = pinned.root()?;
            Ok(v1::WhoAmIResponse {
                principal: Some(principals::show(&pinned, &who.principal)),
                groups: who.groups,
                token_id: String::new(),
                token_expires_at: None,
                metastore_id: root.id.to_string(),
                metastore_name: root.name.to_string(),
                metastore_admin: who.metastore_admin,
                server_version: env!("CARGO_PKG_VERSION").to_owned(),
            })
        });
        Ok(Response::new(answer.await?))
    }
}
