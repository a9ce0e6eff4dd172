//! Tokens that the server hands to the owner of its data folder, each in a file that nobody else can read: the
//! administrator's at every start, those of sample users in the quickstart.

use std::path::Path;

use lakewarden_catalog::model::{Principal, PrincipalName, RequestId};
use lakewarden_catalog::ops::tokens::NewToken;
use lakewarden_catalog::{Caller, CatalogError, Handle};

use super::tokens::TokenAuthority;
use super::{Refusal, secret_file};
use crate::error::ServerError;

/// Writes a token for the principal `name` to `path`, unless there is one that is still good. A token that was revoked is
/// left as it is: to get another, delete the file and start again.
///
/// # Errors
/// When the file cannot be read or written, or the token cannot be recorded.
pub async fn write_token(
    name: &str,
    path: &Path,
    ttl_s: u64,
    authority: &TokenAuthority,
    catalog: &Handle,
) -> Result<(), ServerError> {
    if let Some(text) = secret_file::read(path)?
        && !is_over(text.trim(), authority, catalog, path)
    {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let fault = |source: CatalogError| ServerError::catalog(folder, source);
    let name = PrincipalName::parse(name).map_err(fault)?;
    let Some(principal) = catalog.reads().principal_for_identity(&name) else {
        tracing::warn!(name = name.as_str(), "there is no such user any more: no token was written");
        return Ok(());
    };
    let caller = startup_caller(&principal, catalog);
    let minted = authority.mint(principal.id, ttl_s);
    let minted = minted.map_err(|e| ServerError::Key { what: "the signing key".to_owned(), cause: e.to_string() })?;
    let new = NewToken {
        id: minted.id,
        sha256: minted.sha256,
        principal: principal.id,
        expires_at_ms: minted.expires_at_ms,
        comment: Some("written at start".to_owned()),
    };
    catalog.call(move |metastore| metastore.record_token(&caller, &new)).await.map_err(fault)?;
    secret_file::write(path, &format!("{}\n", minted.token.expose()))?;
    tracing::info!(file = %path.display(), "a token was written");
    Ok(())
}

/// Whether the time of a token is over, or it was signed with another key than today's.
fn is_over(token: &str, authority: &TokenAuthority, catalog: &Handle, path: &Path) -> bool {
    match authority.verify(token) {
        Ok(verified) => {
            if catalog.reads().principal_of_token(verified.id, &verified.sha256).is_none() {
                tracing::warn!(file = %path.display(), "the token was revoked: delete the file and start again for another");
            }
            false
        }
        Err(Refusal::NotYet) => false,
        Err(_) => true,
    }
}

/// The principal itself: everybody may make a token for itself.
fn startup_caller(of: &Principal, catalog: &Handle) -> Caller {
    let request_id = RequestId(catalog.reads().clock().new_id());
    Caller { principal: of.id, name: of.name.clone(), kind: of.kind, request_id, door: "startup" }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Desk;
    use super::*;

    async fn written(desk: &Desk, path: &Path) -> String {
        write_token("admin", path, 60, &desk.authority, &desk.catalog).await.unwrap();
        std::fs::read_to_string(path).unwrap()
    }

    #[tokio::test]
    async fn a_good_token_stays_and_an_expired_one_is_replaced() {
        let desk = Desk::new(Vec::new());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("admin.token");
        let first = written(&desk, &path).await;
        let caller = desk.identity.caller(first.trim(), RequestId(uuid::Uuid::nil()), "grpc").await.unwrap();
        assert_eq!(caller.name.as_str(), "admin");
        assert_eq!(written(&desk, &path).await, first);
        desk.clock.forward_s(60);
        let second = written(&desk, &path).await;
        assert_ne!(second, first);
        assert!(desk.identity.caller(second.trim(), RequestId(uuid::Uuid::nil()), "grpc").await.is_ok());
    }

    #[tokio::test]
    async fn a_revoked_token_comes_back_only_when_its_file_is_gone() {
        let desk = Desk::new(Vec::new());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("admin.token");
        let first = written(&desk, &path).await;
        let id = desk.authority.verify(first.trim()).unwrap().id;
        desk.catalog.reads().revoke_token(&desk.admin, id).unwrap();
        assert_eq!(written(&desk, &path).await, first);
        std::fs::remove_file(&path).unwrap();
        assert_ne!(written(&desk, &path).await, first);
    }

    #[tokio::test]
    async fn what_is_no_token_is_replaced_and_a_file_open_to_others_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let desk = Desk::new(Vec::new());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("admin.token");
        secret_file::write(&path, "garbage").unwrap();
        assert_ne!(written(&desk, &path).await, "garbage");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let refused = write_token("admin", &path, 60, &desk.authority, &desk.catalog).await;
        assert!(matches!(refused, Err(ServerError::Exposed { .. })));
    }
}
