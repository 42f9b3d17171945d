//! Get Usage Allocation: units of use in advance (1.4 section 4.18; 2.1 section 6.1.23).

use crate::attributes::UniqueIdentifier;
use crate::wire::structure;

structure! {
    /// Request of Get Usage Allocation.
    GetUsageAllocationRequest {
        /// The object; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
        /// Units wanted.
        usage_limits_count: required i64 = UsageLimitsCount,
    }
}

structure! {
    /// Response of Get Usage Allocation.
    GetUsageAllocationResponse {
        /// The object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
    }
}
