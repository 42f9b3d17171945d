//! Check: whether a use would be allowed (1.4 section 4.10; 2.1 section 6.1.7).

use crate::attributes::UniqueIdentifier;
use crate::enums::CryptographicUsageMask;
use crate::wire::{Interval, structure};

structure! {
    /// Request of Check.
    #[derive(Default)]
    CheckRequest {
        /// The object; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
        /// Units of use wanted.
        usage_limits_count: optional i64 = UsageLimitsCount,
        /// Uses wanted.
        cryptographic_usage_mask: optional CryptographicUsageMask = CryptographicUsageMask,
        /// Lease wanted.
        lease_time: optional Interval = LeaseTime,
    }
}

structure! {
    /// Response of Check: what would not be allowed.
    CheckResponse {
        /// The object, unless it may not be used so.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
        /// Returned if so many units are not left.
        usage_limits_count: optional i64 = UsageLimitsCount,
        /// Returned if the uses are not allowed.
        cryptographic_usage_mask: optional CryptographicUsageMask = CryptographicUsageMask,
        /// Returned if the lease is not allowed.
        lease_time: optional Interval = LeaseTime,
    }
}
