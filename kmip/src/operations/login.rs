//! Login: a ticket for later requests, from 2.0 (2.1 section 6.1.30).

use crate::attributes::UsageLimits;
use crate::error::{DecodeError, EncodeError};
use crate::item::ItemType;
use crate::message::Ticket;
use crate::tags::Tag;
use crate::ttlv::ItemRef;
use crate::wire::{Context, Encoder, Wire, structure};

/// The end of a ticket: an Interval from now, or a Date-Time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseLimit {
    /// Seconds from now.
    Interval(u32),
    /// Seconds since 1970 (UTC).
    DateTime(i64),
}

impl Wire for LeaseLimit {
    fn encode(&self, tag: Tag, out: &mut Encoder) -> Result<(), EncodeError> {
        match self {
            Self::Interval(seconds) => out.writer.interval(tag, *seconds),
            Self::DateTime(time) => out.writer.date_time(tag, *time),
        }
        Ok(())
    }

    fn decode(item: &ItemRef<'_>, _: Context) -> Result<Self, DecodeError> {
        if item.kind == ItemType::DateTime {
            return item.date_time().map(Self::DateTime);
        }
        item.interval().map(Self::Interval)
    }
}

structure! {
    /// Request of Login.
    #[derive(Default)]
    LoginRequest {
        /// How long the ticket is valid; absent, as the server likes.
        lease_time: optional LeaseLimit = LeaseTime,
        /// How many requests it is valid for.
        request_count: optional i32 = RequestCount,
        /// How much may be done with it.
        usage_limits: optional UsageLimits = UsageLimits,
    }
}

structure! {
    /// Response of Login.
    LoginResponse {
        /// The ticket.
        ticket: required Ticket = Ticket,
    }
}
