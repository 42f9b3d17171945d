//! Modify Attribute (1.4 section 4.15; 2.1 section 6.1.34).

use crate::attributes::{CurrentAttribute, EchoedAttribute, NewAttribute, UniqueIdentifier};
use crate::wire::structure;

structure! {
    /// Request of Modify Attribute.
    ModifyAttributeRequest {
        /// The object; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
        /// Which instance, by its present value; from 2.0, absent for a single instance.
        current_attribute: flattened CurrentAttribute,
        /// The new value; in 1.x with the index of the instance.
        attribute: flattened NewAttribute,
    }
}

structure! {
    /// Response of Modify Attribute.
    ModifyAttributeResponse {
        /// The object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// The attribute as it is now; to 1.4.
        attribute: flattened EchoedAttribute,
    }
}
