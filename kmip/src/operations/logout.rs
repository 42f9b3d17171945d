//! Logout: a ticket ends, from 2.0 (2.1 section 6.1.31).

use crate::message::Ticket;
use crate::wire::structure;

structure! {
    /// Request of Logout.
    LogoutRequest {
        /// The ticket.
        ticket: required Ticket = Ticket,
    }
}

structure! {
    /// Response of Logout.
    #[derive(Default)]
    LogoutResponse {
    }
}
