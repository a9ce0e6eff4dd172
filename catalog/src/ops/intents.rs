//! Work on files that changes promised: finished after the commit, and by start-up when the server stopped in between.

use crate::model::{PrincipalId, PrincipalKind, PrincipalName, RequestId};
use crate::state::Intent;
use crate::{Caller, CatalogError, metastore::Metastore};

/// A folder to purge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purge {
    /// The intent that is cleared when the folder is gone.
    pub intent: uuid::Uuid,
    /// The folder, as a URL.
    pub location: String,
}

impl Metastore {
    /// The folders that are to be purged: of dropped tables, and at start-up also of tables that were never finished.
    pub fn due_purges(&self, at_startup: bool) -> Vec<Purge> {
        let state = self.published();
        let due = state.intents.iter().filter_map(|(id, intent)| match intent {
            Intent::Purging { location } => Some(Purge { intent: *id, location: location.clone() }),
            Intent::Creating { location } if at_startup => Some(Purge { intent: *id, location: location.clone() }),
            Intent::Creating { .. } => None,
        });
        due.filter(|purge| !state.locations.contains_key(purge.location.as_str())).collect()
    }

    /// Notes that a folder is gone.
    ///
    /// # Errors
    /// `Unavailable` when the store fails.
    pub fn clear_purge(&self, purge: &Purge) -> Result<(), CatalogError> {
        let caller = system_caller(RequestId(self.clock().new_id()))?;
        self.write(&caller, "files.purge", &purge.location, |tx| {
            tx.clear_intent(purge.intent);
            Ok(())
        })
    }
}

/// The server itself, for what no principal asked for. It holds no rights.
pub(crate) fn system_caller(request_id: RequestId) -> Result<Caller, CatalogError> {
    Ok(Caller {
        principal: PrincipalId::SYSTEM,
        name: PrincipalName::parse("system")?,
        kind: PrincipalKind::ServicePrincipal,
        request_id,
        door: "startup",
    })
}
