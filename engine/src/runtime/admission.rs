//! Whose turn it is.
//!
//! Turns go round among the principals that wait: one each, whoever waited longest first. A principal that asks for a hundred at once waits
//! behind its own first ones, and delays each other principal by one turn at most.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::limits::{LimitError, Limits};

/// Counts running queries, in all and for each principal, and keeps the queue of those that wait.
#[derive(Debug, Clone)]
pub struct Admission {
    queue: Arc<Mutex<Queue>>,
    patience: std::time::Duration,
}

#[derive(Debug)]
struct Queue {
    most: usize,
    most_each: usize,
    most_waiting: usize,
    running: usize,
    principals: HashMap<String, Line>,
    /// Principals with somebody waiting, each once, in the order in which they are asked.
    round: VecDeque<String>,
    tickets: u64,
}

/// What one principal runs and waits for.
#[derive(Debug, Default)]
struct Line {
    running: usize,
    waiting: VecDeque<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    told: oneshot::Sender<Admitted>,
}

/// The turn of one query; it ends when this is dropped.
#[derive(Debug)]
pub struct Admitted {
    queue: Arc<Mutex<Queue>>,
    principal: String,
}

/// A place in the queue; it is given up when this is dropped.
struct Place<'a> {
    queue: &'a Mutex<Queue>,
    principal: &'a str,
    ticket: u64,
}

impl Admission {
    /// An admission by these limits.
    pub fn new(limits: &Limits) -> Self {
        let queue = Queue {
            most: limits.concurrent.max(1),
            most_each: limits.concurrent_per_principal.max(1),
            most_waiting: limits.waiting_per_principal,
            running: 0,
            principals: HashMap::new(),
            round: VecDeque::new(),
            tickets: 0,
        };
        Self { queue: Arc::new(Mutex::new(queue)), patience: limits.queue_timeout }
    }

    /// Waits for a turn. Dropping the future leaves the queue.
    ///
    /// # Errors
    /// [`LimitError::QueueFull`] when too many of the principal's queries wait already, [`LimitError::Busy`] when no turn comes in time.
    pub async fn enter(&self, principal: &str) -> Result<Admitted, LimitError> {
        let (told, mut turn) = oneshot::channel();
        let ticket = self.queue.lock().join(principal, told)?;
        let place = Place { queue: &self.queue, principal, ticket };
        serve(&self.queue);
        let came = tokio::time::timeout(self.patience, &mut turn).await;
        drop(place);
        match came {
            Ok(turn) => turn.map_err(|_| LimitError::Busy),
            // It may have come just now.
            Err(_) => turn.try_recv().map_err(|_| LimitError::Busy),
        }
    }

    /// How many run and how many wait.
    pub fn count(&self) -> (usize, usize) {
        let queue = self.queue.lock();
        (queue.running, queue.principals.values().map(|line| line.waiting.len()).sum())
    }
}

/// Gives out all turns that there are.
fn serve(queue: &Arc<Mutex<Queue>>) {
    loop {
        let Some((principal, waiter)) = queue.lock().next() else { return };
        // Who has left meanwhile gives the turn back here, with the queue unlocked.
        let turn = Admitted { queue: Arc::clone(queue), principal };
        drop(waiter.told.send(turn));
    }
}

impl Queue {
    fn join(&mut self, principal: &str, told: oneshot::Sender<Admitted>) -> Result<u64, LimitError> {
        self.tickets += 1;
        let ticket = self.tickets;
        let is_free = self.running < self.most && self.round.is_empty();
        let line = self.principals.entry(principal.to_owned()).or_default();
        let waits = !(is_free && line.running < self.most_each);
        if waits && line.waiting.len() >= self.most_waiting {
            let error = LimitError::QueueFull(self.most_waiting);
            self.forget_if_idle(principal);
            return Err(error);
        }
        if line.waiting.is_empty() {
            self.round.push_back(principal.to_owned());
        }
        line.waiting.push_back(Waiter { ticket, told });
        Ok(ticket)
    }

    /// Takes the waiter whose turn it is out of the queue, and counts it as running.
    fn next(&mut self) -> Option<(String, Waiter)> {
        if self.running >= self.most {
            return None;
        }
        let most_each = self.most_each;
        let may_run = |name: &String| self.principals.get(name).is_some_and(|line| line.running < most_each);
        let at = self.round.iter().position(may_run)?;
        let principal = self.round.remove(at)?;
        let line = self.principals.get_mut(&principal)?;
        let waiter = line.waiting.pop_front()?;
        line.running += 1;
        self.running += 1;
        if !line.waiting.is_empty() {
            self.round.push_back(principal.clone());
        }
        Some((principal, waiter))
    }

    fn leave(&mut self, principal: &str, ticket: u64) {
        let Some(line) = self.principals.get_mut(principal) else { return };
        let Some(at) = line.waiting.iter().position(|waiter| waiter.ticket == ticket) else { return };
        line.waiting.remove(at);
        if line.waiting.is_empty() {
            self.round.retain(|name| name != principal);
        }
        self.forget_if_idle(principal);
    }

    fn end(&mut self, principal: &str) {
        self.running = self.running.saturating_sub(1);
        if let Some(line) = self.principals.get_mut(principal) {
            line.running = line.running.saturating_sub(1);
        }
        self.forget_if_idle(principal);
    }

    fn forget_if_idle(&mut self, principal: &str) {
        if self.principals.get(principal).is_some_and(|line| line.running == 0 && line.waiting.is_empty()) {
            self.principals.remove(principal);
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.queue.lock().end(&self.principal);
        serve(&self.queue);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queue.lock().leave(self.principal, self.ticket);
    }
}

#[cfg(test)]
mod tests;
