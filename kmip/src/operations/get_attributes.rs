//! Get Attributes (1.4 section 4.12; 2.1 section 6.1.20).

use crate::attributes::{AttributeList, AttributeName, UniqueIdentifier};
use crate::wire::structure;

structure! {
    /// Request of Get Attributes.
    #[derive(Default)]
    GetAttributesRequest {
        /// The object; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
        /// The attributes wanted; none means all.
        attribute_names: flattened Vec<AttributeName>,
    }
}

structure! {
    /// Response of Get Attributes.
    GetAttributesResponse {
        /// The object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// Those of them that the object has.
        attributes: flattened AttributeList,
    }
}
