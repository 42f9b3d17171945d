//! Set Attribute: add or change a single-instance attribute, from 2.0 (2.1 section 6.1.51).

use crate::attributes::{NewAttribute, UniqueIdentifier};
use crate::wire::structure;

structure! {
    /// Request of Set Attribute.
    SetAttributeRequest {
        /// The object; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
        /// The attribute.
        attribute: flattened NewAttribute,
    }
}

structure! {
    /// Response of Set Attribute.
    SetAttributeResponse {
        /// The object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
    }
}
