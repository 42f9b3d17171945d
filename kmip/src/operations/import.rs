//! Import: an object with its identifier and attributes, from 1.4 (1.4 section 4.41; 2.1 section
//! 6.1.25).

use crate::attributes::{AttributeList, UniqueIdentifier};
use crate::enums::{KeyWrapType, ObjectType};
use crate::objects::ObjectSlot;
use crate::wire::structure;

structure! {
    /// Request of Import.
    ImportRequest {
        /// The identifier that the object shall have.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// Type of the object; from 2.0.
        object_type: optional ObjectType = ObjectType [V2_0] must [V2_0],
        /// Whether an object with this identifier is replaced rather than in the way.
        replace_existing: optional bool = ReplaceExisting,
        /// Whether a wrapped key shall be kept so or be unwrapped.
        key_wrap_type: optional KeyWrapType = KeyWrapType,
        /// All attributes.
        attributes: flattened AttributeList,
        /// The object; a server checks that it is there.
        object: flattened ObjectSlot,
    }
}

structure! {
    /// Response of Import.
    ImportResponse {
        /// The object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
    }
}
