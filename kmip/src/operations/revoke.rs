//! Revoke: an object is deactivated or marked as compromised (1.4 section 4.20; 2.1 section
//! 6.1.44).

use crate::attributes::{RevocationReason, UniqueIdentifier};
use crate::wire::{DateTime, structure};

structure! {
    /// Request of Revoke.
    RevokeRequest {
        /// The object; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
        /// Why.
        revocation_reason: required RevocationReason = RevocationReason,
        /// When the object may have been compromised first.
        compromise_occurrence_date: optional DateTime = CompromiseOccurrenceDate,
    }
}

structure! {
    /// Response of Revoke.
    RevokeResponse {
        /// The object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
    }
}
