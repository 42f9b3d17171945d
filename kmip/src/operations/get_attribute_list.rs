//! Get Attribute List (1.4 section 4.13; 2.1 section 6.1.21).

use crate::attributes::{AttributeName, UniqueIdentifier};
use crate::wire::structure;

structure! {
    /// Request of Get Attribute List.
    #[derive(Default)]
    GetAttributeListRequest {
        /// The object; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
    }
}

structure! {
    /// Response of Get Attribute List.
    GetAttributeListResponse {
        /// The object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// The names of the attributes that the object has.
        attribute_names: flattened Vec<AttributeName>,
    }
}
