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
    /// How many bytes all of one principal keep. Beyond, its least recently used ones go.
    pub(crate) bytes_per_principal: usize,
    /// How many bytes in all. Beyond, a new one is refused.
    pub(crate) bytes: usize,
}

/// What takes room in a table of handles.
pub(crate) trait Kept {
    /// How many bytes it keeps, roughly.
    fn bytes(&self) -> usize;
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
    by_principal: HashMap<PrincipalId, HashMap<Key, Entry<T>>>,
    count: usize,
    bytes: usize,
}

struct Entry<T> {
    value: T,
    used: Instant,
    bytes: usize,
}

impl<T: Clone + Kept> Handles<T> {
    pub(crate) fn new(limits: Limits, metrics: Arc<Metrics>) -> Self {
        metrics.set_handles(limits.kind, 0);
        let table = Table { by_principal: HashMap::new(), count: 0, bytes: 0 };
        Self { limits, table: Mutex::new(table), metrics }
    }

    /// Keeps a value for a principal and gives its name.
    pub(crate) fn keep(&self, principal: PrincipalId, value: T) -> Result<Key, Status> {
        let key = random_key()?;
        self.keep_as(principal, key, value)?;
        Ok(key)
    }

    /// Keeps a value under a name that another table gave.
    pub(crate) fn keep_as(&self, principal: PrincipalId, key: Key, value: T) -> Result<(), Status> {
        let (now, bytes) = (Instant::now(), value.bytes());
        if bytes > self.limits.bytes_per_principal {
            let message = format!("this is more than the server keeps for one principal: {bytes} bytes");
            return Err(plain(ErrorKind::LimitExceeded, "HANDLE_TOO_LARGE", message));
        }
        let mut table = self.table.lock();
        table.make_room(principal, bytes, now, &self.limits);
        if table.count >= self.limits.total || table.bytes.saturating_add(bytes) > self.limits.bytes {
            let message =
                format!("the server keeps as many {} handles as it may: close some, or try later", self.limits.kind);
            return Err(plain(ErrorKind::LimitExceeded, "TOO_MANY_HANDLES", message));
        }
        table.by_principal.entry(principal).or_default().insert(key, Entry { value, used: now, bytes });
        table.count += 1;
        table.bytes += bytes;
        self.metrics.set_handles(self.limits.kind, table.count);
        Ok(())
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
        table.bytes -= kept.bytes;
        table.forget_if_empty(principal);
        self.metrics.set_handles(self.limits.kind, table.count);
        (kept.used.elapsed() <= self.limits.ttl).then_some(kept.value)
    }
}

impl<T> Table<T> {
    /// Lets go of what has expired, and of the principal's least recently used ones while it has as many, or as much, as it may.
    fn make_room(&mut self, principal: PrincipalId, bytes: usize, now: Instant, limits: &Limits) {
        let expired = |kept: &Entry<T>| now.duration_since(kept.used) > limits.ttl;
        if self.count >= limits.total || self.bytes.saturating_add(bytes) > limits.bytes {
            self.by_principal.retain(|_, own| {
                own.retain(|_, kept| !expired(kept));
                !own.is_empty()
            });
            let all = || self.by_principal.values().flat_map(HashMap::values);
            (self.count, self.bytes) = (all().count(), all().map(|kept| kept.bytes).sum());
        }
        let Some(own) = self.by_principal.get_mut(&principal) else { return };
        let held = |own: &HashMap<Key, Entry<T>>| own.values().map(|kept| kept.bytes).sum::<usize>();
        let is_full = |own: &HashMap<Key, Entry<T>>| {
            own.len() >= limits.per_principal || held(own).saturating_add(bytes) > limits.bytes_per_principal
        };
        if !is_full(own) {
            return;
        }
        let before = (own.len(), held(own));
        own.retain(|_, kept| !expired(kept));
        while is_full(own) {
            let oldest = own.iter().min_by_key(|(_, kept)| kept.used).map(|(key, _)| *key);
            let Some(oldest) = oldest else { break };
            own.remove(&oldest);
        }
        self.count -= before.0 - own.len();
        self.bytes -= before.1 - held(own);
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

    impl Kept for u32 {
        fn bytes(&self) -> usize {
            usize::try_from(*self).unwrap()
        }
    }

    fn handles(total: usize, per_principal: usize, ttl: Duration) -> Handles<u32> {
        let limits = Limits { kind: "ticket", total, per_principal, ttl, bytes_per_principal: 100, bytes: 150 };
        Handles::new(limits, Arc::new(Metrics::new().unwrap()))
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
    fn bytes_are_bounded_for_each_and_for_all() {
        let handles = handles(10, 10, LONG);
        assert_eq!(handles.keep(who(1), 101).unwrap_err().code(), tonic::Code::ResourceExhausted);
        let (first, second) = (handles.keep(who(1), 60).unwrap(), handles.keep(who(1), 30).unwrap());
        let third = handles.keep(who(1), 50).unwrap();
        assert_eq!(handles.get(who(1), &first), None, "it was the oldest");
        assert_eq!((handles.get(who(1), &second), handles.get(who(1), &third)), (Some(30), Some(50)));
        assert_eq!(handles.keep(who(2), 80).unwrap_err().code(), tonic::Code::ResourceExhausted);
        handles.keep(who(2), 70).unwrap();
        assert_eq!(handles.table.lock().bytes, 150);
        handles.take(who(1), &third);
        assert_eq!(handles.table.lock().bytes, 100);
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
