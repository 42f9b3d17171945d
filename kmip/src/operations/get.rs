//! Get (1.4 section 4.11; 2.1 section 6.1.19).

use crate::attributes::UniqueIdentifier;
use crate::enums::{KeyCompressionType, KeyFormatType, KeyWrapType, ObjectType};
use crate::objects::{KeyWrappingSpecification, ObjectSlot};
use crate::wire::structure;

structure! {
    /// Request of Get.
    #[derive(Default)]
    GetRequest {
        /// The object; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
        /// Format wanted.
        key_format_type: optional KeyFormatType = KeyFormatType,
        /// Whether an object that is kept wrapped shall be returned so; from 1.4.
        key_wrap_type: optional KeyWrapType = KeyWrapType,
        /// Compression wanted for an elliptic curve point.
        key_compression_type: optional KeyCompressionType = KeyCompressionType,
        /// How the key shall be wrapped; absent, not at all.
        key_wrapping_specification: optional KeyWrappingSpecification = KeyWrappingSpecification,
    }
}

structure! {
    /// Response of Get.
    GetResponse {
        /// Type of the object.
        object_type: required ObjectType = ObjectType,
        /// The object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// The object itself.
        object: flattened ObjectSlot,
    }
}
