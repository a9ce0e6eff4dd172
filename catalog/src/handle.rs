//! The one crossing from async code to the catalog, which blocks while it makes a change durable.

use std::sync::Arc;

use crate::CatalogError;
use crate::metastore::Metastore;

/// A metastore that async code may call.
#[derive(Clone)]
pub struct Handle(Arc<Metastore>);

impl Handle {
    /// Shares a metastore.
    pub fn new(metastore: Metastore) -> Self {
        Self(Arc::new(metastore))
    }

    /// Runs an operation on a thread that may block.
    ///
    /// # Errors
    /// What the operation answers; `Internal` when it panicked.
    #[expect(clippy::disallowed_methods, reason = "this is the one crossing")]
    pub async fn call<T, E>(&self, operation: impl FnOnce(&Metastore) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<CatalogError> + Send + 'static,
    {
        let metastore = self.0.clone();
        match tokio::task::spawn_blocking(move || operation(&metastore)).await {
            Ok(result) => result,
            Err(fault) => Err(CatalogError::internal(format!("an operation did not end: {fault}")).into()),
        }
    }

    /// The metastore, for what only reads memory: pinning a state, looking a token up.
    pub fn reads(&self) -> &Metastore {
        &self.0
    }
}
