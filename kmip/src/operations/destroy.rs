//! Destroy: the material of an object is destroyed (1.4 section 4.21; 2.1 section 6.1.15).

use crate::attributes::UniqueIdentifier;
use crate::wire::structure;

structure! {
    /// Request of Destroy.
    #[derive(Default)]
    DestroyRequest {
        /// The object; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
    }
}

structure! {
    /// Response of Destroy.
    DestroyResponse {
        /// The object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
    }
}
