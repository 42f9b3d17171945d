//! Obtain Lease (1.4 section 4.17; 2.1 section 6.1.35).

use crate::attributes::UniqueIdentifier;
use crate::wire::{DateTime, Interval, structure};

structure! {
    /// Request of Obtain Lease.
    #[derive(Default)]
    ObtainLeaseRequest {
        /// The object; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
    }
}

structure! {
    /// Response of Obtain Lease.
    ObtainLeaseResponse {
        /// The object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// How long the object may be used.
        lease_time: required Interval = LeaseTime,
        /// When the object last changed.
        last_change_date: required DateTime = LastChangeDate,
    }
}
