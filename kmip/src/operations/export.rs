//! Export: an object with all its attributes, from 1.4 (1.4 section 4.40; 2.1 section 6.1.18).

use crate::attributes::{AttributeList, UniqueIdentifier};
use crate::enums::{KeyCompressionType, KeyFormatType, KeyWrapType, ObjectType};
use crate::objects::{KeyWrappingSpecification, ObjectSlot};
use crate::wire::structure;

structure! {
    /// Request of Export.
    #[derive(Default)]
    ExportRequest {
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
    /// Response of Export.
    ExportResponse {
        /// Type of the object.
        object_type: required ObjectType = ObjectType,
        /// The object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// All its attributes.
        attributes: flattened AttributeList,
        /// The object itself.
        object: flattened ObjectSlot,
    }
}
