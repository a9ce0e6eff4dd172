//! Whose turn it is.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::limits::{LimitError, Limits};

/// Counts running queries, in all and for each principal.
#[derive(Debug)]
pub struct Admission {
    all: Arc<Semaphore>,
    principals: Mutex<HashMap<String, Arc<Semaphore>>>,
    per_principal: usize,
    patience: Duration,
}

/// The turn of one query; it ends when this is dropped.
#[derive(Debug)]
pub struct Admitted {
    _all: OwnedSemaphorePermit,
    _own: OwnedSemaphorePermit,
}

impl Admission {
    /// An admission by these limits.
    pub fn new(limits: &Limits) -> Self {
        Self {
            all: Arc::new(Semaphore::new(limits.concurrent.max(1))),
            principals: Mutex::new(HashMap::new()),
            per_principal: limits.concurrent_per_principal.max(1),
            patience: limits.queue_timeout,
        }
    }

    /// Waits for a turn. A principal at its own limit doesn't take the turns of others while it waits.
    ///
    /// # Errors
    /// [`LimitError::Busy`] when none comes in time.
    pub async fn enter(&self, principal: &str) -> Result<Admitted, LimitError> {
        let own = self.of(principal);
        let wait = async {
            let own = own.acquire_owned().await.map_err(|_| LimitError::Busy)?;
            let all = Arc::clone(&self.all).acquire_owned().await.map_err(|_| LimitError::Busy)?;
            Ok(Admitted { _all: all, _own: own })
        };
        tokio::time::timeout(self.patience, wait).await.map_err(|_| LimitError::Busy)?
    }

    fn of(&self, principal: &str) -> Arc<Semaphore> {
        let mut principals = self.principals.lock();
        // Nobody holds or waits for the turns of a principal that only this table still knows.
        principals.retain(|_, turns| Arc::strong_count(turns) > 1);
        let turns = principals.entry(principal.to_owned());
        Arc::clone(turns.or_insert_with(|| Arc::new(Semaphore::new(self.per_principal))))
    }
}
