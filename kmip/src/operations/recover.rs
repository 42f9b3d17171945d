//! Recover: an archived object is on-line again (1.4 section 4.23; 2.1 section 6.1.42).

use crate::attributes::UniqueIdentifier;
use crate::wire::structure;

structure! {
    /// Request of Recover.
    #[derive(Default)]
    RecoverRequest {
        /// The object; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
    }
}

structure! {
    /// Response of Recover.
    RecoverResponse {
        /// The object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
    }
}
