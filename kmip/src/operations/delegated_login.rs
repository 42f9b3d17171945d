//! Delegated Login: a ticket for another, with rights, from 2.0 (2.1 section 6.1.12).

use super::Operations;
use super::login::LeaseLimit;
use super::query::ObjectGroups;
use crate::attributes::{UniqueIdentifier, UsageLimits};
use crate::message::Ticket;
use crate::wire::structure;

structure! {
    /// Objects (2.1 section 7.21).
    #[derive(Default)]
    Objects {
        /// The objects.
        unique_identifiers: repeated UniqueIdentifier = UniqueIdentifier,
    }
}

structure! {
    /// Right (2.1 section 7.34): all that is there must hold.
    #[derive(Default)]
    Right {
        /// How much may be done.
        usage_limits: optional UsageLimits = UsageLimits,
        /// Which operations.
        operations: optional Operations = Operations,
        /// On which objects.
        objects: optional Objects = Objects,
        /// In which groups; from 2.1.
        object_groups: optional ObjectGroups = ObjectGroups,
    }
}

structure! {
    /// Rights (2.1 section 7.35): one of them must hold.
    #[derive(Default)]
    Rights {
        /// The rights.
        rights: repeated Right = Right,
    }
}

structure! {
    /// Request of Delegated Login.
    DelegatedLoginRequest {
        /// How long the ticket is valid; absent, as the server likes.
        lease_time: optional LeaseLimit = LeaseTime,
        /// How many requests it is valid for.
        request_count: optional i32 = RequestCount,
        /// How much may be done with it.
        usage_limits: optional UsageLimits = UsageLimits,
        /// What the ticket allows.
        rights: required Rights = Rights,
    }
}

structure! {
    /// Response of Delegated Login.
    DelegatedLoginResponse {
        /// The ticket.
        ticket: required Ticket = Ticket,
    }
}
