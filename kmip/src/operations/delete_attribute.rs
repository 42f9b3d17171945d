//! Delete Attribute (1.4 section 4.16; 2.1 section 6.1.13).

use crate::attributes::{AttributeName, CurrentAttribute, EchoedAttribute, UniqueIdentifier};
use crate::wire::structure;

structure! {
    /// Request of Delete Attribute. 1.x names the attribute and maybe an index; 2.x gives the
    /// instance's present value, or names the attribute to delete all its instances.
    #[derive(Default)]
    DeleteAttributeRequest {
        /// The object; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
        /// Which instance, by its present value; from 2.0.
        current_attribute: flattened CurrentAttribute,
        /// The attribute.
        attribute_name: flattened Option<AttributeName>,
        /// Which instance; to 1.4, absent 0.
        attribute_index: optional i32 = AttributeIndex,
    }
}

structure! {
    /// Response of Delete Attribute.
    DeleteAttributeResponse {
        /// The object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// The attribute that was deleted; to 1.4.
        attribute: flattened EchoedAttribute,
    }
}
