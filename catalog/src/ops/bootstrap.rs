//! The first start: the metastore, its first admin, the built-in group and the reserved catalog. The one ungated write.

use std::sync::Arc;

use super::containers::{Describe, fresh};
use super::entries::SYSTEM_CATALOG;
use super::intents::system_caller;
use super::principals::ACCOUNT_USERS;
use crate::model::{
    Body, Name, Principal, PrincipalId, PrincipalKind, PrincipalName, RequestId, Securable, SecurableId,
};
use crate::tx::Tx;
use crate::{CatalogError, metastore::Metastore};

impl Metastore {
    /// Creates the metastore and its first admin in an empty store.
    ///
    /// # Errors
    /// `FailedPrecondition` when there is a metastore already.
    pub fn bootstrap(&self, metastore: &Name, admin: &PrincipalName) -> Result<Arc<Principal>, CatalogError> {
        let caller = system_caller(RequestId(self.clock().new_id()))?;
        self.write(&caller, "metastore.bootstrap", metastore.as_str(), |tx| {
            if tx.state().root().is_some() {
                return Err(CatalogError::precondition("BOOTSTRAPPED", "there is a metastore already"));
            }
            let everybody = principal(tx, PrincipalId::ACCOUNT_USERS, PrincipalKind::Group, ACCOUNT_USERS)?;
            tx.put_principal(everybody)?;
            let id = PrincipalId(tx.new_id());
            let admin = principal(tx, id, PrincipalKind::User, admin.as_str())?;
            let admin = tx.put_principal(admin)?;
            let root_id = SecurableId(tx.new_id());
            let mut root = fresh(tx, root_id, metastore.clone(), &Describe::default(), Body::Metastore);
            root.id = root_id;
            root.parent = None;
            tx.put_securable(Securable { owner: admin.id, ..root })?;
            let about =
                Describe { comment: Some("what the server tells about itself".to_owned()), ..Describe::default() };
            let system = fresh(tx, root_id, Name::parse(SYSTEM_CATALOG)?, &about, Body::Catalog);
            tx.put_securable(system)?;
            tx.detail("admin", admin.name.to_string());
            Ok(admin)
        })
    }
}

fn principal(tx: &Tx, id: PrincipalId, kind: PrincipalKind, name: &str) -> Result<Principal, CatalogError> {
    Ok(Principal {
        id,
        kind,
        name: PrincipalName::parse(name)?,
        comment: None,
        created_at_ms: tx.now_ms(),
        created_by: PrincipalId::SYSTEM,
        etag: tx.etag(),
    })
}
