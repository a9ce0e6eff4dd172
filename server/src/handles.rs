//! Things kept between requests under random names, each for one principal, bounded in number and in time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lakewarden_catalog::ErrorKind;
use lakewarden_catalog::model::PrincipalId;
use parking_lot::Mutex;
use tonic::Status;

use crate::status::plain;
use crate::telemetry::Metrics;

/// The bounds of a table of handles.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// What the handles are, for metrics and messages.
    pub(crate) kind: &'static str,
    /// How many in all. At the limit, a new one is refused.
    pub(crate) total: usize,
    /// How many for one principal. At the limit, its least recently used one goes.
    pub(crate) per_principal: usize,
    /// How long one lives unused.
    pub(crate) ttl: Duration,
}

/// A random name, that cannot be guessed.
pub(crate) type Key = [u8; 16];

/// A table of handles.
pub(crate) struct Handles<T> {
    limits: Limits,
    table: Mutex<Table<T>>,
    metrics: Arc<Metrics>,
}

struct Table<T> {
    by_principal: HashMap<PrincipalId, HashMap<Key, Kept<T>>>,
    count: usize,
}

struct Kept<T> {
    value: T,
    used: Instant,
}

impl<T: Clone> Handles<T> {
    pub(crate) fn new(limits: Limits, metrics: Arc<Metrics>) -> Self {
        metrics.set_handles(limits.kind, 0);
        let table = Table { by_principal: HashMap::new(), count: 0 };
        Self { limits, table: Mutex::new(table), metrics }
    }

    /// Keeps a value for a principal and gives its name.
    pub(crate) fn keep(&self, principal: PrincipalId, value: T) -> Result<Key, Status> {
        let key = random_key()?;
        let now = Instant::now();
        let mut table = self.table.lock();
        table.make_room(principal, now, &self.limits);
        if table.count >= self.limits.total {
            let message =
                format!("the server keeps as many {} handles as it may: close some, or try later", self.limits.kind);
            return Err(plain(ErrorKind::LimitExceeded, "TOO_MANY_HANDLES", message));
        }
        table.by_principal.entry(principal).or_default().insert(key, Kept { value, used: now });
        table.count += 1;
        self.metrics.set_handles(self.limits.kind, table.count);
        Ok(key)
    }

    /// The value of this name, if it is this principal's and has not expired. It counts as used.
    pub(crate) fn get(&self, principal: PrincipalId, key: &[u8]) -> Option<T> {
        let now = Instant::now();
        let mut table = self.table.lock();
        let kept = table.by_principal.get_mut(&principal)?.get_mut(key)?;
        if now.duration_since(kept.used) > self.limits.ttl {
            return None;
        }
        kept.used = now;
        Some(kept.value.clone())
    }

    /// As `get`, and keeps it no more.
    pub(crate) fn take(&self, principal: PrincipalId, key: &[u8]) -> Option<T> {
        let mut table = self.table.lock();
        let kept = table.by_principal.get_mut(&principal)?.remove(key)?;
        table.count -= 1;
        table.forget_if_empty(principal);
        self.metrics.set_handles(self.limits.kind, table.count);
        (kept.used.elapsed() <= self.limits.ttl).then_some(kept.value)
    }
}

impl<T> Table<T> {
    /// Lets go of what has expired, and of the principal's least recently used one if it has as many as it may.
    fn make_room(&mut self, principal: PrincipalId, now: Instant, limits: &Limits) {
        let expired = |kept: &Kept<T>| now.duration_since(kept.used) > limits.ttl;
        if self.count >= limits.total {
            self.by_principal.retain(|_, own| {
                own.retain(|_, kept| !expired(kept));
                !own.is_empty()
            });
            self.count = self.by_principal.values().map(HashMap::len).sum();
        }
        let Some(own) = self.by_principal.get_mut(&principal) else { return };
        if own.len() < limits.per_principal {
            return;
        }
        let before = own.len();
        own.retain(|_, kept| !expired(kept));
        if own.len() >= limits.per_principal {
            let oldest = own.iter().min_by_key(|(_, kept)| kept.used).map(|(key, _)| *key);
            oldest.and_then(|key| own.remove(&key));
        }
        self.count -= before - own.len();
        self.forget_if_empty(principal);
    }

    fn forget_if_empty(&mut self, principal: PrincipalId) {
        if self.by_principal.get(&principal).is_some_and(HashMap::is_empty) {
            self.by_principal.remove(&principal);
        }
    }
}

fn random_key() -> Result<Key, Status> {
    let mut key = Key::default();
    let filled = aws_lc_rs::rand::fill(&mut key);
    filled.map_err(|_| plain(ErrorKind::Unavailable, "NO_RANDOMNESS", "the server has no source of random numbers"))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn handles(total: usize, per_principal: usize, ttl: Duration) -> Handles<u32> {
        Handles::new(Limits { kind: "ticket", total, per_principal, ttl }, Arc::new(Metrics::new().unwrap()))
    }

    fn who(n: u128) -> PrincipalId {
        PrincipalId(Uuid::from_u128(n))
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_handle_is_its_principals_alone() {
        let handles = handles(10, 10, LONG);
        let key = handles.keep(who(1), 7).unwrap();
        assert_eq!(handles.get(who(2), &key), None);
        assert_eq!(handles.take(who(2), &key), None);
        assert_eq!(handles.get(who(1), &key), Some(7));
        assert_eq!(handles.get(who(1), b"guess"), None);
        assert_eq!(handles.take(who(1), &key), Some(7));
        assert_eq!(handles.take(who(1), &key), None);
    }

    #[test]
    fn a_principal_that_has_many_loses_its_least_recently_used() {
        let handles = handles(10, 2, LONG);
        let (first, second) = (handles.keep(who(1), 1).unwrap(), handles.keep(who(1), 2).unwrap());
        let other = handles.keep(who(2), 9).unwrap();
        std::thread::sleep(Duration::from_millis(2));
        handles.get(who(1), &first);
        let third = handles.keep(who(1), 3).unwrap();
        assert_eq!(handles.get(who(1), &second), None);
        assert_eq!((handles.get(who(1), &first), handles.get(who(1), &third)), (Some(1), Some(3)));
        assert_eq!(handles.get(who(2), &other), Some(9));
        assert_eq!(handles.table.lock().count, 3);
    }

    #[test]
    fn a_full_table_refuses_until_something_expires() {
        let handles = handles(2, 2, Duration::from_millis(20));
        let key = handles.keep(who(1), 1).unwrap();
        handles.keep(who(2), 2).unwrap();
        assert_eq!(handles.keep(who(3), 3).unwrap_err().code(), tonic::Code::ResourceExhausted);
        std::thread::sleep(Duration::from_millis(30));
        assert_eq!(handles.get(who(1), &key), None);
        let key = handles.keep(who(3), 3).unwrap();
        assert_eq!(handles.get(who(3), &key), Some(3));
        assert_eq!(handles.table.lock().count, 1);
    }
}
