//! Cancelling what a flight info stands for.
//!
//! A query is known by the name of its ticket, before it is fetched and while it is. Only the principal that it belongs to
//! can name it: a name of somebody else's, of nothing, and of what has ended are answered alike.
//!
//! A statement with an effect has run when its ticket is given out. It is cancelled by giving up the call that runs it, and then has all of its
//! effect or none.

use std::sync::Arc;

use arrow_flight::sql::{Any, Command, TicketStatementQuery};
use arrow_flight::{CancelFlightInfoResult, CancelStatus, FlightInfo};
use lakewarden_catalog::model::PrincipalId;
use prost::Message;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::Door;
use super::session::Current;
use super::statements::Ticketed;
use crate::handles::{Handles, Kept, Key};

impl Kept for CancellationToken {
    fn bytes(&self) -> usize {
        64
    }
}

/// An answer that is being fetched, and can be cancelled for as long as this lives.
pub(super) struct Fetched {
    pub(super) cancel: CancellationToken,
    running: Arc<Handles<CancellationToken>>,
    principal: PrincipalId,
    key: Key,
}

impl Fetched {
    /// Remembers a query under the name of its ticket.
    pub(super) fn begin(
        running: &Arc<Handles<CancellationToken>>,
        principal: PrincipalId,
        ticket: &[u8],
        cancel: CancellationToken,
    ) -> Result<Self, Status> {
        let key = Key::try_from(ticket).map_err(|_| super::actions::unreadable("ticket"))?;
        running.keep_as(principal, key, cancel.clone())?;
        Ok(Self { cancel, running: Arc::clone(running), principal, key })
    }
}

impl Drop for Fetched {
    fn drop(&mut self) {
        self.running.take(self.principal, &self.key);
    }
}

impl Door {
    /// Cancels the query of an info.
    pub(super) fn cancel(&self, current: &Current, info: &FlightInfo) -> CancelStatus {
        let tickets = info.endpoint.iter().filter_map(|endpoint| endpoint.ticket.as_ref());
        let names = tickets.filter_map(|ticket| name(&ticket.ticket));
        let mut found = CancelStatus::NotCancellable;
        for name in names {
            if self.cancel_ticket(current.caller.principal, &name) {
                found = CancelStatus::Cancelled;
            }
        }
        found
    }

    fn cancel_ticket(&self, principal: PrincipalId, name: &[u8]) -> bool {
        if let Some(Ticketed::Query(..)) = self.tickets.get(principal, name) {
            self.tickets.take(principal, name);
            return true;
        }
        match self.running.get(principal, name) {
            Some(cancel) => {
                cancel.cancel();
                true
            }
            None => false,
        }
    }
}

/// The answer to `CancelFlightInfo`.
pub(super) fn result(status: CancelStatus) -> Vec<u8> {
    CancelFlightInfoResult::new(status).encode_to_vec()
}

/// The name in a ticket of ours.
fn name(ticket: &[u8]) -> Option<Vec<u8>> {
    match Command::try_from(Any::decode(ticket).ok()?).ok()? {
        Command::TicketStatementQuery(TicketStatementQuery { statement_handle }) => Some(statement_handle.to_vec()),
        _ => None,
    }
}
