//! Add Attribute (1.4 section 4.14; 2.1 section 6.1.2).

use crate::attributes::{EchoedAttribute, NewAttribute, UniqueIdentifier};
use crate::wire::structure;

structure! {
    /// Request of Add Attribute.
    AddAttributeRequest {
        /// The object; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
        /// The attribute to add.
        attribute: flattened NewAttribute,
    }
}

structure! {
    /// Response of Add Attribute.
    AddAttributeResponse {
        /// The object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// The attribute as it is now; to 1.4.
        attribute: flattened EchoedAttribute,
    }
}
