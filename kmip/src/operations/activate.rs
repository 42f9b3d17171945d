//! Activate: a Pre-Active object becomes Active (1.4 section 4.19; 2.1 section 6.1.1).

use crate::attributes::UniqueIdentifier;
use crate::wire::structure;

structure! {
    /// Request of Activate.
    #[derive(Default)]
    ActivateRequest {
        /// The object; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
    }
}

structure! {
    /// Response of Activate.
    ActivateResponse {
        /// The object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
    }
}
