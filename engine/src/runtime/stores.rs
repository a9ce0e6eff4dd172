//! Storage for callers: none.

use std::sync::Arc;

use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreRegistry;
use object_store::ObjectStore;
use url::Url;

/// The registry of a caller's session. Tables are read below their seal, under the system's session; nothing that a caller's own plan could
/// name by a path exists.
#[derive(Debug)]
pub struct NoStores;

impl ObjectStoreRegistry for NoStores {
    fn register_store(&self, _: &Url, _: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        None
    }

    fn get_store(&self, _: &Url) -> Result<Arc<dyn ObjectStore>> {
        plan_err!("storage cannot be read by its path")
    }
}
